"""The command that lists the available data sets."""

from __future__ import annotations

from typing import Any

from sknn_mnist.cli._arguments import Datasets
from sknn_mnist.cli._errors import expecting, sentence

__all__ = ["run_datasets"]


def run_datasets(asked: Datasets) -> None:
    """List the available data sets."""
    from sknn_mnist.datasets import load_mnist

    # In words, since loading them takes seconds of imports to say the same.
    print(
        "digits: available, scikit-learn's bundled digits in MNIST's shape, "
        "1,437 training rows, 360 test rows"
    )
    try:
        with expecting():
            mnist: Any = load_mnist(download=asked.download)
    except FileNotFoundError as err:
        print(f"mnist: not found. {sentence(err)}")
        return
    print(
        f"mnist: available, {mnist.source}, {len(mnist.X_train):,} training rows, "
        f"{len(mnist.X_test):,} test rows"
    )
