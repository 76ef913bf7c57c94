"""Test accuracy of the lesson's networks on the whole of MNIST.

    python benchmarks/lesson_accuracy.py [--data PATH]

Trains on the 60,000 training images, tests on the 10,000 test images, prints a
markdown table. Takes some minutes on two cores.
"""

from __future__ import annotations

import argparse
import time

from sknn_mnist import CNNClassifier, DenseClassifier
from sknn_mnist.datasets import load_mnist

NETWORKS = [
    DenseClassifier(hidden_size=32, epochs=10),
    DenseClassifier(hidden_size=(1024, 1024), dropout=0.5, epochs=10),
    CNNClassifier(filters=(32, 32), hidden_size=64, epochs=5),
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", help="file or folder with MNIST", default=None)
    args = parser.parse_args()
    X_train, X_test, y_train, y_test = load_mnist(args.data, return_X_y=True)
    print("| network | parameters | test accuracy | seconds |")
    print("| --- | ---: | ---: | ---: |")
    for network in NETWORKS:
        network.set_params(random_state=0)
        start = time.perf_counter()
        network.fit(X_train, y_train)
        seconds = time.perf_counter() - start
        accuracy = network.score(X_test, y_test)
        print(
            f"| `{network!r}` | {network.model_.count_params():,} "
            f"| {accuracy:.4f} | {seconds:.0f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
