"""Resident memory over many fits of changing shapes.

    python benchmarks/memory.py [--fits 300] [--shapes 12]

Each fit is one epoch on scikit-learn's digits and a prediction; sizes of the net and
numbers of rows change from fit to fit, and come again after `--shapes` of them.
"""

from __future__ import annotations

import argparse
import gc

import numpy as np
import psutil
from sklearn.datasets import load_digits

from sknn_mnist import CNNClassifier, DenseClassifier


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fits", type=int, default=300)
    parser.add_argument("--shapes", type=int, default=12, help="1: always the same")
    args = parser.parse_args()
    X, y = load_digits(return_X_y=True)
    X = (X / 16).astype(np.float32)
    process = psutil.Process()
    print("| fits | resident MB |\n| ---: | ---: |")
    for fit in range(1, args.fits + 1):
        shape = fit % args.shapes
        rows = len(X) - 37 * (shape % 10)
        if shape % 4 == 3:
            net = CNNClassifier(filters=4 + shape, hidden_size=16, epochs=1)
        else:
            net = DenseClassifier(hidden_size=8 + shape, dropout=0.1, epochs=1)
        net.set_params(random_state=fit).fit(X[:rows], y[:rows]).predict(X)
        if fit in (10, 30, 60, 100, 200, args.fits):
            gc.collect()
            print(f"| {fit} | {process.memory_info().rss / 2**20:.1f} |", flush=True)


if __name__ == "__main__":
    main()
