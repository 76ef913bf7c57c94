"""What commands of the parser share: their form, and groups of options.

Beside each group stands what is read from it.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from sknn_mnist.cli._arguments import Command, DataSource, Reading
from sknn_mnist.cli._option_values import (
    read_fraction,
    read_image_size,
    read_path,
    read_positive,
)
from sknn_mnist.cli._own_options import read_place

__all__ = ["add_command", "add_data", "add_load", "add_memory", "data_source_from"]

EXIT_CODES = """\
exit codes: 0 done, 1 the run failed (data missing, a file that can't be read or
written, training that failed), 2 wrong usage, 130 interrupted by Ctrl-C, 141 the
output pipe was closed"""


def add_command(
    commands: Any,
    name: str,
    text: str,
    value_of: Callable[[argparse.Namespace], Command],
    epilog: str | None = None,
) -> argparse.ArgumentParser:
    """Add a command to the parser.

    Parameters
    ----------
    commands : object
        What `add_subparsers` returned.
    name : str
        Of the command.
    text : str
        What it does.
    value_of : callable
        Makes the value of the command from what was parsed; what does not go together
        it gives to ``refuse``, which is parsed with it.
    epilog : str, default=None
        What its help says before the exit codes.

    Returns
    -------
    argparse.ArgumentParser
        The parser of the command, to which its options are added.
    """
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=text,
        description=text[0].upper() + text[1:] + ".",
        epilog=f"{epilog}\n\n{EXIT_CODES}" if epilog else EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(value_of=value_of, refuse=parser.error)
    return parser


def add_data(parser: argparse.ArgumentParser, training: bool) -> None:
    """Add the options that `data_source_from` reads; ``--train-size`` if `training`."""
    group = parser.add_argument_group("data")
    group.add_argument(
        "--dataset",
        choices=["auto", "mnist", "digits"],
        default="auto",
        help="auto (the default) is MNIST where it is found, else scikit-learn's "
        "bundled digits in MNIST's shape; standard error says which",
    )
    group.add_argument(
        "--data",
        type=read_path,
        metavar="PATH",
        help="images of your own: a folder with a folder of images for each class, a "
        "table (.csv, .csv.gz, .parquet) of pixels, an array file (.npz), or a folder "
        "of .npy or IDX files; or where MNIST is: mnist.npz, or a folder with it",
    )
    group.add_argument(
        "--target",
        metavar="COLUMN",
        help="the column of a table that holds the labels (default: label, target, "
        "class or y, or the first where all others are pixels)",
    )
    group.add_argument(
        "--image-size",
        type=read_image_size,
        metavar="HxW[xC]",
        help="resize images to this height and width (28x28); with a third number, "
        "bring them to so many channels: 1 is grey, 3 colours",
    )
    test = group.add_mutually_exclusive_group()
    test.add_argument(
        "--test-data",
        type=read_path,
        metavar="PATH",
        help="test rows of your own, in any form that --data takes",
    )
    test.add_argument(
        "--test-size",
        type=read_fraction,
        metavar="FRACTION",
        help="hold out this fraction of each class as test rows, always the same "
        "ones, where the data have no test rows of their own (default 0.2)",
    )
    group.add_argument(
        "--skip-broken",
        action="store_true",
        help="leave out image files that can't be read, and say how many, instead of "
        "refusing all",
    )
    group.add_argument(
        "--download",
        action="store_true",
        help="download MNIST if it is not found; nothing is downloaded otherwise",
    )
    if training:
        group.add_argument(
            "--train-size",
            type=read_positive,
            metavar="N",
            help="use the first N training rows only",
        )


def data_source_from(args: argparse.Namespace) -> DataSource:
    """Return which data were asked for."""
    return DataSource(
        dataset=args.dataset,
        path=args.data,
        download=args.download,
        train_size=getattr(args, "train_size", None),
        reading=Reading(
            target=args.target,
            image_size=args.image_size,
            test_data=args.test_data,
            test_size=args.test_size,
            skip_broken=args.skip_broken,
        ),
    )


def add_memory(parser: argparse.ArgumentParser, default: str) -> None:
    """Add ``--memory``; `default` says what serves without it."""
    parser.add_argument(
        "--memory",
        type=read_path,
        metavar="DIR",
        help="keep training states in this folder, and resume from those of the same "
        f"training (default: {default})",
    )


def add_load(parser: argparse.ArgumentParser) -> None:
    """Add ``--load``, which has to be given, and ``--model`` for some files."""
    parser.add_argument(
        "--load",
        type=read_path,
        required=True,
        metavar="PATH",
        help="a net that `sknn-mnist fit --save` or an estimator's `save` wrote; "
        "loading it runs no code",
    )
    parser.add_argument(
        "--model",
        dest="load_by",
        type=read_place,
        metavar="FILE.py:FUNCTION",
        help="the function that made the net, for a file of a net with layers of your "
        "own; the file or module is imported, which runs it",
    )
