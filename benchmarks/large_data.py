"""Peak memory of fits and predictions on images that should not be copied.

    python benchmarks/large_data.py --gigabytes 2

Writes a file of random uint8 images, memory-maps it, and measures in a process for each
case how much memory is taken beside the pages of that file: private memory, sampled.
The network's own share, with TensorFlow's, is that of the same case on few rows.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import psutil

CASES = [
    "fit",
    "fit, validation_split=0.2",
    "fit, sample_weight",
    "fit, sample_weight with zeros",
    "predict",
    "cross-validation of a RowView",
]
SIDE = 128
FEW = 2000


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gigabytes", type=float, default=2.0)
    parser.add_argument("--model", choices=["cnn", "dense"], default="cnn")
    parser.add_argument("--case", choices=CASES, help=argparse.SUPPRESS)
    parser.add_argument("--file", help=argparse.SUPPRESS)
    parser.add_argument("--rows", type=int, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.case:
        print(json.dumps(measured(args.case, args.file, args.rows, args.model)))
        return
    n_rows = int(args.gigabytes * 1e9 / SIDE**2)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "images.u8")
        write(path, n_rows)
        size = path.stat().st_size
        print(f"X: {n_rows:,} images of {SIDE}x{SIDE}, uint8, {size / 1e9:.2f} GB\n")
        print("| case | beside X | on few rows | the difference, as a share of X | s |")
        print("| --- | ---: | ---: | ---: | ---: |")
        for case in CASES:
            few, _ = run(case, path, FEW, args.model)
            peak, seconds = run(case, path, n_rows, args.model)
            print(
                f"| {case} | {peak / 1e6:,.0f} MB | {few / 1e6:,.0f} MB | "
                f"{(peak - few) / size:.3f} | {seconds:.0f} |",
                flush=True,
            )


def write(path, n_rows):
    rng = np.random.default_rng(0)
    with path.open("wb") as file:
        for start in range(0, n_rows, 10_000):
            n = min(10_000, n_rows - start)
            file.write(rng.integers(0, 256, (n, SIDE, SIDE), dtype=np.uint8).data)


def run(case, path, n_rows, model):
    done = subprocess.run(
        [
            *(sys.executable, __file__, "--case", case, "--file", str(path)),
            *("--rows", str(n_rows), "--model", model),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(done.stderr[-3000:])
    return json.loads(done.stdout.splitlines()[-1])


def measured(case, path, n_rows, model):
    from sklearn.model_selection import cross_val_score

    from sknn_mnist import CNNClassifier, DenseClassifier
    from sknn_mnist.datasets import RowView

    X = np.memmap(path, np.uint8, "r", shape=(n_rows, SIDE, SIDE))
    y = np.arange(n_rows) % 10
    weights = np.ones(n_rows) + y
    if "zeros" in case:
        weights[::5] = 0
    net = CNNClassifier(filters=4, kernel_size=5, pool_size=8, hidden_size=())
    if model == "dense":
        net, X = DenseClassifier(), X.reshape(n_rows, -1)
    net.set_params(epochs=1, random_state=0)
    if "validation" in case and "cross" not in case:
        net.set_params(validation_split=0.2)
    if case == "predict":
        net.fit(np.array(X[:FEW]), y[:FEW])
    start = time.perf_counter()
    with Peak() as peak:
        if case == "predict":
            net.predict(X)
        elif case.startswith("cross"):
            cross_val_score(net, RowView(X), y, cv=2)
        else:
            net.fit(X, y, weights if "weight" in case else None)
    return peak.bytes, time.perf_counter() - start


class Peak:
    """The most private memory of this process while a block runs."""

    def __enter__(self):
        self.bytes, self._over = 0, threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()

    def _watch(self):
        process = psutil.Process()
        while not self._over.wait(0.02):
            found = process.memory_info()
            # Without the pages of the file, which the system may drop at any time.
            self.bytes = max(self.bytes, found.rss - found.shared)


if __name__ == "__main__":
    main()
