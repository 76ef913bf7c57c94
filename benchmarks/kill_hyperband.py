"""Whether a search is the same wherever it runs, and after it was killed.

    python benchmarks/kill_hyperband.py --data mnist.npz [--rows 1500] [--kills 10]

A `HyperbandSearchCV` in one process, in two threads, in two worker processes, on two
workers of Dask's; then as many searches as there are kills, each killed with all its
workers (SIGKILL) at a random moment and run again with the same memory. All with one
thread a fit (TF_NUM_INTRAOP_THREADS=1), so that sums are rounded alike. Prints what
differed from the first: of the results but for their times, of the best, of its
predictions. Ends with 1 if anything did.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# Name, joblib's backend, n_jobs.
WAYS: dict[str, tuple[str, int]] = {
    "n_jobs=1": ("loky", 1),
    "n_jobs=2, threading": ("threading", 2),
    "n_jobs=2, loky": ("loky", 2),
    "Dask, two workers": ("dask", -1),
}
KILLED = ["n_jobs=1", "n_jobs=2, loky"]  # in turn
BEGUN = "begun"


def search(way: str, data: Path, rows: int, memory: str | None) -> None:
    """Search, and print what came of it as JSON."""
    import numpy as np
    from sklearn.model_selection import StratifiedKFold

    from sknn_mnist import DenseClassifier
    from sknn_mnist.model_selection import HyperbandSearchCV, Range

    with np.load(data) as arrays:
        X, X_test = (
            (arrays[name][:rows] / np.float32(255)).reshape(rows, -1)
            for name in ("x_train", "x_test")
        )
        y = arrays["y_train"][:rows]
    trained = []

    def counting(net: DenseClassifier, X: np.ndarray, y: np.ndarray) -> float:
        trained.append(net.n_iter_ - net.initial_epoch_)
        return net.score(X, y)

    backend, n_jobs = WAYS[way]
    found = HyperbandSearchCV(
        DenseClassifier(memory=memory, random_state=0),
        {
            "hidden_size": Range(16, 128, log=True),
            "dropout": Range(0.0, 0.5),
            "learning_rate": Range(1e-4, 1e-1, log=True),
            "batch_size": [32, 64, 128, 256],
            "batch_norm": [False, True],
        },
        max_epochs=9,
        cv=StratifiedKFold(3),
        # What worker processes count stays there.
        scoring=counting if n_jobs == 1 else None,
        random_state=0,
    )
    with _on(backend, n_jobs):
        print(BEGUN, flush=True)
        start = time.perf_counter()
        found.fit(X, y)
        seconds = time.perf_counter() - start
    results = {
        name: [str(each) for each in column]
        for name, column in found.cv_results_.items()
        if not name.endswith("_time")
    }
    predictions = found.predict_proba(X_test).tobytes()
    record = {
        "seconds": seconds,
        "trained": sum(trained),
        "same": {
            **results,
            "best_params_": str(found.best_params_),
            "brackets_": str(found.brackets_),
            "n_epochs_": found.n_epochs_,
            "predictions": hashlib.sha256(predictions).hexdigest(),
        },
    }
    print(json.dumps(record), flush=True)


@contextlib.contextmanager
def _on(backend: str, n_jobs: int) -> Iterator[None]:
    import joblib

    with contextlib.ExitStack() as stack:
        if backend == "dask":
            from distributed import Client, LocalCluster

            cluster = LocalCluster(
                n_workers=2,
                threads_per_worker=1,
                processes=True,
                dashboard_address=None,
            )
            stack.enter_context(Client(stack.enter_context(cluster)))
        stack.enter_context(joblib.parallel_config(backend, n_jobs=n_jobs))
        yield


class Run:
    """A search in a process of its own, which leads the group of its workers."""

    def __init__(
        self, way: str, data: Path, rows: int, scratch: str, memory: str | None
    ) -> None:
        kept = ["--memory", memory] if memory else []
        self._process = subprocess.Popen(
            [
                *(sys.executable, __file__, "--data", str(data)),
                *("--rows", str(rows), "--run", way, *kept),
            ],
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
            env={
                **os.environ,
                "TF_NUM_INTRAOP_THREADS": "1",
                "TF_CPP_MIN_LOG_LEVEL": "3",
                # What the killed leave behind is removed in the end.
                "TMPDIR": scratch,
                "JOBLIB_TEMP_FOLDER": scratch,
            },
        )

    def result(self) -> dict[str, Any]:
        told, _ = self._process.communicate()
        if self._process.returncode:
            raise SystemExit(f"a search failed with {self._process.returncode}")
        result: dict[str, Any] = json.loads(told.splitlines()[-1])
        return result

    def kill(self, after: float) -> bool:
        """Kill it so many seconds after it began; tell whether it was at work still."""
        assert self._process.stdout is not None
        assert self._process.stdout.readline().strip() == BEGUN
        try:
            self._process.wait(after)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.communicate()
            return True
        self._process.communicate()
        return False


def differences(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """Return the names of what differs between two results."""
    names = one["same"].keys() | other["same"].keys()
    return sorted(n for n in names if one["same"].get(n) != other["same"].get(n))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--rows", type=int, default=1500)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0, help="of the random moments")
    parser.add_argument("--run", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--memory", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.run:
        search(args.run, args.data, args.rows, args.memory)
        return

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        sys.exit(not _is_all_the_same(args, scratch))


def _is_all_the_same(args: argparse.Namespace, scratch: str) -> bool:
    """Run all searches, print what differed, and tell whether nothing did."""
    found = []

    def run(way: str, memory: str | None = None) -> Run:
        return Run(way, args.data, args.rows, scratch, memory)

    def tell(what: str, each: dict[str, Any], differing: list[str]) -> None:
        found.extend(differing)
        told = ", ".join(differing) or "nothing"
        trained = f"{each['trained']:,}" if each["trained"] else ""
        print(f"| {what} | {each['seconds']:.1f} | {trained} | {told} |", flush=True)

    print("| search | seconds | epochs trained | what differs |")
    print("| --- | ---: | ---: | --- |")
    whole = {}
    for way in WAYS:
        whole[way] = run(way).result()
        tell(way, whole[way], differences(whole["n_jobs=1"], whole[way]))
    moments = random.Random(args.seed)
    for number in range(args.kills):
        way = KILLED[number % len(KILLED)]
        memory = str(Path(scratch, f"memory-{number}"))
        moment = moments.random() * whole[way]["seconds"]
        killed = run(way, memory).kill(moment)
        again = run(way, memory).result()
        how = "killed" if killed else "done before it could be killed"
        what = f"{way}, {how} after {moment:.1f} s, run again"
        tell(what, again, differences(whole["n_jobs=1"], again))
    return not found


if __name__ == "__main__":
    main()
