"""The options of what fits hold out and of early stopping, and what they say."""

from __future__ import annotations

import argparse

from sknn_mnist.cli._arguments import Stopping
from sknn_mnist.cli._option_values import (
    read_held_out,
    read_positive,
    read_tolerance,
)

__all__ = ["add_stopping", "stopping_from"]

# Parameters of early stopping alone, and how options name them.
_OF_STOPPING = {
    "n_iter_no_change": "--n-iter-no-change",
    "tol": "--tol",
    "monitor": "--monitor",
}


def add_stopping(parser: argparse.ArgumentParser) -> None:
    """Add the options that `stopping_from` reads."""
    group = parser.add_argument_group("validation and early stopping")
    group.add_argument(
        "--validation-split",
        type=read_held_out,
        metavar="FRACTION",
        help="hold out this fraction of the rows that a net is trained on, the last "
        "ones, and evaluate each epoch on them",
    )
    group.add_argument(
        "--stratify",
        action="store_true",
        help="hold out as much of each class instead of the last rows, drawn by "
        "--random-state",
    )
    group.add_argument(
        "--early-stopping",
        action="store_true",
        help="stop where --monitor gets no better, and put the best epoch back; "
        "--epochs is the most. Without --validation-split it judges by 0.1 of the "
        "rows, held out as with --stratify: the last rows of data that are sorted by "
        "class lack the other classes",
    )
    group.add_argument(
        "--n-iter-no-change",
        type=read_positive,
        metavar="N",
        help="epochs in a row that are no better, to stop after (default 10)",
    )
    group.add_argument(
        "--tol",
        type=read_tolerance,
        metavar="X",
        help="by how much an epoch must be better to count (default 0)",
    )
    group.add_argument(
        "--monitor",
        metavar="NAME",
        help="what to stop by: a loss or metric of the history (default val_loss)",
    )


def stopping_from(args: argparse.Namespace) -> Stopping:
    """Return what was asked for; what does not go together is refused."""
    given = {
        name: getattr(args, name)
        for name in _OF_STOPPING
        if getattr(args, name) is not None
    }
    stopping = Stopping(
        args.validation_split, args.stratify, args.early_stopping, given
    )
    if given and not args.early_stopping:
        args.refuse(f"{_OF_STOPPING[next(iter(given))]} needs --early-stopping")
    if stopping.judges_rows and args.validation_split == 0:
        args.refuse(
            f"--early-stopping by {stopping.monitor} needs rows to judge by: "
            "--validation-split must be more than 0"
        )
    if args.stratify and not stopping.fraction:
        args.refuse("--stratify needs --validation-split, or --early-stopping")
    return stopping
