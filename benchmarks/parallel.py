"""Searches by one process, by two threads, by two workers of joblib's and of Dask's.

    python benchmarks/parallel.py --data mnist.npz [--repeats 3] [--only hyperband]

The dense grid and the CNN grid of `compare.py`, and Hyperband up to 9 epochs over dense
nets, on 6,000 rows. Each way is a process of its own, which runs the search twice:
workers start for the first (Dask's have started, but not TensorFlow in them), and nets
are compiled. Prints markdown tables of medians, with the largest difference of a score
from those of one process; of Hyperband's the best one alone, since of candidates that
are as good but for rounding either may go on. Needs the extra `dask`.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

WAYS = {
    "n_jobs=1": ("loky", 1),
    "n_jobs=2, loky": ("loky", 2),
    "n_jobs=2, threading": ("threading", 2),
    "Dask, two local workers": ("dask", -1),
}
TITLES = {"dense": "dense grid", "cnn": "CNN grid", "hyperband": "Hyperband"}


def search(kind: str, way: str, data: Path) -> None:
    """Run one search in one way twice, and print what came of it as JSON."""
    import joblib
    import numpy as np

    with np.load(data) as arrays:
        X, y = arrays["x_train"], arrays["y_train"]
    backend, n_jobs = WAYS[way]
    seconds = []
    with contextlib.ExitStack() as stack:
        if backend == "dask":
            stack.enter_context(_two_workers())
        for _ in range(2):
            found, X_searched, y_searched = _searched(kind, X, y)
            start = time.perf_counter()
            with joblib.parallel_config(backend, n_jobs=n_jobs):
                found.fit(X_searched, y_searched)
            seconds.append(time.perf_counter() - start)
    scores = found.cv_results_["mean_test_score"]
    if kind == "hyperband":
        scores = scores[[found.best_index_]]
    print(json.dumps({"seconds": seconds, "scores": scores.tolist()}))


def _searched(kind: str, X: Any, y: Any) -> tuple[Any, Any, Any]:
    """Return a search, and the rows and targets that it is over."""
    import numpy as np
    import workloads
    from sklearn.model_selection import GridSearchCV, StratifiedKFold

    from sknn_mnist import CNNClassifier, DenseClassifier

    if kind == "hyperband":
        return _hyperband(X, y)
    if kind == "dense":
        X, y = (X[:10_000] / np.float32(255)).reshape(10_000, -1), y[:10_000]
        net = DenseClassifier(random_state=0)
        candidates = {
            "epochs": workloads.EPOCHS,
            "hidden_size": workloads.HIDDEN,
        }
    else:
        X, y = (X[:6000] / np.float32(255))[..., None], y[:6000]
        net = CNNClassifier(hidden_size=64, random_state=0)
        candidates = workloads.CNN_GRID
    folds = list(StratifiedKFold(3).split(X, y))
    return GridSearchCV(net, candidates, cv=folds, refit=False), X, y


def _hyperband(X: Any, y: Any) -> tuple[Any, Any, Any]:
    import hyperband_methods
    from sklearn.model_selection import StratifiedKFold

    from sknn_mnist import DenseClassifier
    from sknn_mnist.model_selection import HyperbandSearchCV

    rows = hyperband_methods.ROWS
    search = HyperbandSearchCV(
        DenseClassifier(random_state=0),
        hyperband_methods.SPACE,
        max_epochs=9,
        cv=StratifiedKFold(hyperband_methods.FOLDS),
        refit=False,
        random_state=0,
    )
    return search, hyperband_methods.pixels(X[:rows]), y[:rows]


@contextlib.contextmanager
def _two_workers() -> Iterator[None]:
    from distributed import Client, LocalCluster

    cluster = LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
    )
    with cluster, Client(cluster):
        yield


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", nargs="+", choices=TITLES, default=list(TITLES))
    parser.add_argument("--run", nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.run:
        search(*args.run, args.data)
        return
    for kind in args.only:
        found: dict[str, list[dict]] = {way: [] for way in WAYS}
        for _ in range(args.repeats):
            for way in WAYS:
                done = subprocess.run(
                    [sys.executable, __file__, "--data", args.data, "--run", kind, way],
                    check=True,
                    capture_output=True,
                    text=True,
                )
                found[way].append(json.loads(done.stdout.splitlines()[-1]))
        first = found["n_jobs=1"][0]["scores"]
        print(
            f"\n{TITLES[kind]}\n\n| way | first search | second | largest difference |"
        )
        print("| --- | ---: | ---: | ---: |")
        for way, runs in found.items():
            cold, warm = (median(run["seconds"][i] for run in runs) for i in (0, 1))
            apart = max(
                abs(one - other)
                for run in runs
                for one, other in zip(run["scores"], first, strict=True)
            )
            print(f"| {way} | {cold:.2f} s | {warm:.2f} s | {apart:.4f} |", flush=True)


if __name__ == "__main__":
    main()
