"""A grid with early stopping beside the full grid, and killed in the middle.

    python benchmarks/early_stopping.py --data mnist.npz [--rows 10000] [--epochs 60]

hidden_size [32, 64, 256] × learning_rate [0.001, 0.003], cv=3, at most 60 epochs. Each
search is a process of its own. Prints epochs, seconds and best scores of both; and
of one with early stopping that is killed when half of its epochs are kept, and run
again: the epochs of both runs together, and whether its scores are the same.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HIDDEN = [32, 64, 256]
RATES = [0.001, 0.003]
FOLDS = 3


def search(data: Path, rows: int, epochs: int, stop: bool, memory: str | None) -> None:
    """Run the grid, and print what came of it as JSON."""
    import numpy as np
    from sklearn.metrics import check_scoring
    from sklearn.model_selection import GridSearchCV, StratifiedShuffleSplit

    from sknn_mnist import DenseClassifier
    from sknn_mnist.model_selection import best_epoch_scoring

    with np.load(data) as arrays:
        X, y = arrays["x_train"][:rows], arrays["y_train"][:rows]
    X = (X / np.float32(255)).reshape(rows, -1)
    net = DenseClassifier(epochs=epochs, random_state=0, memory=memory)
    if stop:
        held_out = StratifiedShuffleSplit(1, test_size=0.1, random_state=0)
        net.set_params(early_stopping=True, n_iter_no_change=3)
        net.set_params(validation_split=held_out)
    ran, trained = [], []
    score = check_scoring(net)

    def counting(fitted: DenseClassifier, X: np.ndarray, y: np.ndarray) -> float:
        ran.append(fitted.n_iter_)
        trained.append(fitted.n_iter_ - fitted.initial_epoch_)
        return score(fitted, X, y)

    found = GridSearchCV(
        net,
        {"hidden_size": HIDDEN, "learning_rate": RATES},
        cv=FOLDS,
        scoring=best_epoch_scoring(counting),
        refit=False,
    )
    start = time.perf_counter()
    found.fit(X, y)
    seconds = time.perf_counter() - start
    scores = found.cv_results_["mean_test_score"]
    record = {
        "seconds": seconds,
        "epochs": sum(ran),
        "trained": sum(trained),
        "best": float(scores.max()),
        "params": str(found.cv_results_["params"][int(scores.argmax())]),
        "scores": [
            found.cv_results_[f"split{fold}_test_score"].tolist()
            for fold in range(FOLDS)
        ],
    }
    print(json.dumps(record))


def epochs_in(memory: str) -> int:
    """Return the epochs that a folder has of all trainings."""
    from sknn_mnist.memory._state_files import FolderStore

    longest: dict[str, int] = {}
    for each in FolderStore(Path(memory), 1).files():
        longest[each.key] = max(each.epoch, longest.get(each.key, 0))
    return sum(longest.values())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--run", choices=["full", "stop"], help=argparse.SUPPRESS)
    parser.add_argument("--memory", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.run:
        stop = args.run == "stop"
        search(args.data, args.rows, args.epochs, stop, args.memory)
        return

    def command(way: str, memory: str | None = None) -> list[str]:
        kept = ["--memory", memory] if memory else []
        given = ["--rows", str(args.rows), "--epochs", str(args.epochs)]
        return [
            *(sys.executable, __file__, "--data", str(args.data), *given),
            *("--run", way, *kept),
        ]

    def run(way: str, memory: str | None = None) -> dict:
        done = subprocess.run(
            command(way, memory), check=True, capture_output=True, text=True
        )
        return json.loads(done.stdout.splitlines()[-1])

    ways = {"full grid": run("full"), "early stopping": run("stop")}
    full = ways["full grid"]
    print("| grid | epochs trained | share | seconds | share | best | of |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | --- |")
    for name, each in ways.items():
        print(
            f"| {name} | {each['trained']:,} | {each['trained'] / full['trained']:.2f} "
            f"| {each['seconds']:.1f} | {each['seconds'] / full['seconds']:.2f} "
            f"| {each['best']:.4f} | {each['params']} |",
            flush=True,
        )
    stopped = ways["early stopping"]
    with tempfile.TemporaryDirectory() as memory:
        first = subprocess.Popen(command("stop", memory), stdout=subprocess.DEVNULL)
        while epochs_in(memory) < stopped["trained"] // 2 and first.poll() is None:
            time.sleep(0.02)
        killed = first.poll() is None
        first.kill()
        first.wait()
        before = epochs_in(memory)
        again = run("stop", memory)
    same = "the same" if again["scores"] == stopped["scores"] else "DIFFERENT"
    how = "killed" if killed else "done before it could be killed"
    print(
        f"\n{how} with {before:,} epochs kept, run again: {again['trained']:,} more, "
        f"{before + again['trained']:,} together; scores {same}"
    )


if __name__ == "__main__":
    main()
