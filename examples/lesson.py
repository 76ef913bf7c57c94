"""What the examples share: their arguments, the data, and where the figures go."""

from __future__ import annotations

import argparse
from pathlib import Path

from sknn_mnist.datasets import load_dataset

# Without --full: enough of MNIST to see what there is to see, in seconds.
QUICK_ROWS, QUICK_TEST_ROWS = 6000, 2000


def arguments(description: str) -> argparse.Namespace:
    """Return the arguments of an example.

    Parameters
    ----------
    description : str
        The example's docstring; its title is shown by --help.

    Returns
    -------
    argparse.Namespace
        With ``dataset``, ``full`` and ``out``.
    """
    parser = argparse.ArgumentParser(description=description.strip().splitlines()[0])
    parser.add_argument(
        "--dataset",
        choices=["digits", "mnist"],
        default="digits",
        help="scikit-learn's bundled digits (the default), or MNIST where it is found",
    )
    parser.add_argument(
        "--full", action="store_true", help="at the lesson's scale: all rows, minutes"
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("figures"),
        help="folder for the figures (default: figures)",
    )
    return parser.parse_args()


def load(args: argparse.Namespace, layout: str = "flat"):
    """Return ``X_train, X_test, y_train, y_test`` with pixels in [0, 1].

    Parameters
    ----------
    args : argparse.Namespace
        Of `arguments`.
    layout : {"flat", "image"}, default="flat"
        Rows of pixels, or images.

    Returns
    -------
    tuple of ndarray
        The data set that was asked for; its first rows without ``--full``.
    """
    X_train, X_test, y_train, y_test = load_dataset(
        args.dataset, layout=layout, return_X_y=True
    )
    if not args.full:
        X_train, y_train = X_train[:QUICK_ROWS], y_train[:QUICK_ROWS]
        X_test, y_test = X_test[:QUICK_TEST_ROWS], y_test[:QUICK_TEST_ROWS]
    return X_train, X_test, y_train, y_test


def save(figure, args: argparse.Namespace, name: str) -> None:
    """Write a figure as ``NAME.png``, and say where it is.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        What to write.
    args : argparse.Namespace
        Of `arguments`.
    name : str
        Name of the file, without its ending.
    """
    args.out.mkdir(parents=True, exist_ok=True)
    path = args.out / f"{name}.png"
    figure.savefig(path, dpi=150)
    print(f"figure: {path}")
