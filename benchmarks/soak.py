"""A long day: many fits in one process, then a long search on two workers.

    python benchmarks/soak.py [--fits 1000] [--shapes 40] [--candidates 100]

Prints markdown tables of resident memory and of seconds a fit, from the beginning to
the end, on scikit-learn's digits. The fits change their nets and numbers of rows from
one to the next, and come again after `--shapes` of them; the search has five folds.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV

from sknn_mnist import CNNClassifier, DenseClassifier


def one_process(X: np.ndarray, y: np.ndarray, n_fits: int, n_shapes: int) -> None:
    print("| fits | seconds a fit | resident MB |\n| ---: | ---: | ---: |")
    process = psutil.Process()
    every = max(n_fits // 10, 1)
    start = time.perf_counter()
    for fit in range(1, n_fits + 1):
        shape = fit % n_shapes
        rows = len(X) - 37 * (shape % 10)
        if shape % 4 == 3:
            net = CNNClassifier(filters=4 + shape, hidden_size=16, epochs=1)
        else:
            net = DenseClassifier(hidden_size=8 + shape, dropout=0.1, epochs=1)
        net.set_params(random_state=fit).fit(X[:rows], y[:rows]).predict(X)
        if fit % every == 0:
            seconds = (time.perf_counter() - start) / every
            gc.collect()
            memory = process.memory_info().rss / 2**20
            print(f"| {fit} | {seconds:.3f} | {memory:.0f} |", flush=True)
            start = time.perf_counter()


class Watching:
    """Scores, and notes the worker's memory and the time."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __call__(self, estimator: DenseClassifier, X: np.ndarray, y: np.ndarray):
        score = estimator.score(X, y)
        memory = psutil.Process().memory_info().rss / 2**20
        note = {"worker": os.getpid(), "mb": memory, "at": time.time()}
        with self.path.open("a") as file:
            file.write(json.dumps(note) + "\n")
        return score


def two_workers(X: np.ndarray, y: np.ndarray, n_candidates: int) -> None:
    sizes = [8 + place for place in range(n_candidates // 4)]
    grid = {"hidden_size": sizes, "epochs": [1, 3], "dropout": [0.0, 0.2]}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "notes")
        GridSearchCV(
            DenseClassifier(random_state=0),
            grid,
            cv=5,
            n_jobs=2,
            scoring=Watching(path),
            refit=False,
        ).fit(X, y)
        notes = pd.read_json(path, lines=True, convert_dates=False)
    print(f"\n{len(notes)} fits by {notes['worker'].nunique()} workers\n")
    tenth = np.arange(len(notes)) * 10 // len(notes)
    table = notes.groupby(tenth).agg(
        fits=("at", "size"),
        seconds=("at", lambda at: at.max() - at.min()),
        mb=("mb", "max"),
    )
    table["seconds a fit"] = table.pop("seconds") / (table["fits"] - 1)
    table["fits"] = table["fits"].cumsum()
    table = table.rename(columns={"mb": "resident MB of a worker"})
    print(table.to_markdown(index=False, floatfmt=("d", ".0f", ".3f")))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fits", type=int, default=1000)
    parser.add_argument("--shapes", type=int, default=40)
    parser.add_argument("--candidates", type=int, default=100)
    args = parser.parse_args()
    X, y = load_digits(return_X_y=True)
    X = (X / 16).astype(np.float32)
    one_process(X, y, args.fits, args.shapes)
    two_workers(X, y, args.candidates)


if __name__ == "__main__":
    main()
