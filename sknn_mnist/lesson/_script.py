"""An example as a script: its arguments, the data, and where the figures go."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np

from sknn_mnist.datasets import load_dataset

__all__ = ["arguments", "load", "save"]

# Without --full: enough of MNIST to see what there is to see, in seconds.
QUICK_ROWS, QUICK_TEST_ROWS = 6000, 2000


def arguments(description: str) -> argparse.Namespace:
    """Return the arguments of an example.

    Read from the command line where an example is run as a script. In a notebook, and
    wherever else Python was started with other words, they are the defaults, and no
    figures are written.

    Parameters
    ----------
    description : str
        The example's docstring, which may be empty; its title is shown by --help.

    Returns
    -------
    argparse.Namespace
        With ``dataset`` ("digits" or "mnist"), ``full`` (bool) and ``out`` (the folder
        for the figures, a `pathlib.Path`, or None for none).

    Examples
    --------
    >>> from sknn_mnist.lesson import arguments
    >>> arguments("A lesson").dataset
    'digits'
    """
    title = description.strip().partition("\n")[0]
    parser = argparse.ArgumentParser(description=title)
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
        type=lambda text: Path(text) if text else None,
        default="figures",
        help="folder for the figures (default: figures); '' for none",
    )
    if not _is_an_example(sys.argv[0]):
        return parser.parse_args([], argparse.Namespace(out=None))
    return parser.parse_args()


def _is_an_example(program: str) -> bool:
    path = Path(program)
    return path.suffix == ".py" and path.stem.startswith(("plot_", "run_all"))


def load(args: argparse.Namespace, layout: str = "flat") -> tuple[np.ndarray, ...]:
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
        The data set that was asked for, X as float32 of shape (n, 784) or
        (n, 28, 28); of MNIST without ``--full`` the first 6,000 and 2,000 rows.

    Raises
    ------
    OSError
        Where MNIST was asked for and is not found.

    Examples
    --------
    >>> from sknn_mnist.lesson import arguments, load
    >>> X_train, X_test, y_train, y_test = load(arguments("A lesson"))
    >>> X_train.shape, X_test.shape
    ((1437, 784), (360, 784))
    """
    X_train, X_test, y_train, y_test = load_dataset(
        args.dataset, layout=layout, return_X_y=True
    )
    if not args.full:
        X_train, y_train = X_train[:QUICK_ROWS], y_train[:QUICK_ROWS]
        X_test, y_test = X_test[:QUICK_TEST_ROWS], y_test[:QUICK_TEST_ROWS]
    return X_train, X_test, y_train, y_test


def save(figure: Any, args: argparse.Namespace, name: str) -> None:
    """Write a figure as ``NAME.png``, and say where it is.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        What to write.
    args : argparse.Namespace
        Of `arguments`; where its ``out`` is None, nothing is written.
    name : str
        Name of the file, without its ending.

    Raises
    ------
    OSError
        Where the folder can't be written to.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from sknn_mnist.lesson import arguments, save
    >>> save(Figure(), arguments("A lesson"), "01_digits")  # out is None here
    """
    if args.out is None:
        return
    args.out.mkdir(parents=True, exist_ok=True)
    path = args.out / f"{name}.png"
    figure.savefig(path, dpi=150)
    print(f"figure: {path}")
