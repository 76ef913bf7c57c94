"""What commands of the parser share: their form, and groups of options.

Beside each group stands what is read from it.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from sknn_mnist.cli._arguments import Command, DataSource
from sknn_mnist.cli._option_values import read_path, read_positive
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
        Makes the value of the command from what was parsed.
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
    parser.set_defaults(value_of=value_of)
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
        help="where MNIST is: mnist.npz, or a folder with it or the IDX files",
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
