"""Searches by one process, by two workers and by two threads.

    python benchmarks/parallel.py --data mnist.npz [--repeats 3]

The dense grid and the CNN grid of `compare.py`. Each way is a process of its own, which
runs the search twice: workers start for the first, and nets are compiled. Prints a
markdown table of medians, and checks that all ways give the same scores.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

WAYS = {
    "n_jobs=1": ("loky", 1),
    "n_jobs=2, loky": ("loky", 2),
    "n_jobs=2, threading": ("threading", 2),
}


def search(grid: str, way: str, data: Path) -> None:
    """Run one grid in one way twice, and print what came of it as JSON."""
    import joblib
    import numpy as np
    import workloads
    from sklearn.model_selection import GridSearchCV, StratifiedKFold

    from sknn_mnist import CNNClassifier, DenseClassifier

    with np.load(data) as arrays:
        X, y = arrays["x_train"], arrays["y_train"]
    if grid == "dense":
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
    backend, n_jobs = WAYS[way]
    seconds = []
    for _ in range(2):
        found = GridSearchCV(
            net, candidates, cv=list(StratifiedKFold(3).split(X, y)), refit=False
        )
        start = time.perf_counter()
        with joblib.parallel_config(backend, n_jobs=n_jobs):
            found.fit(X, y)
        seconds.append(time.perf_counter() - start)
    scores = found.cv_results_["mean_test_score"].tolist()
    print(json.dumps({"seconds": seconds, "scores": scores}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--run", nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.run:
        search(*args.run, args.data)
        return
    for grid in ("dense", "cnn"):
        found: dict[str, list[dict]] = {way: [] for way in WAYS}
        for _ in range(args.repeats):
            for way in WAYS:
                done = subprocess.run(
                    [sys.executable, __file__, "--data", args.data, "--run", grid, way],
                    check=True,
                    capture_output=True,
                    text=True,
                )
                found[way].append(json.loads(done.stdout.splitlines()[-1]))
        first = found["n_jobs=1"][0]["scores"]
        print(f"\n{grid} grid\n\n| way | first search | second | largest difference |")
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
