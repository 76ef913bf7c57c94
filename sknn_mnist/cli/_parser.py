"""The parser of the command line.

Rooms beside it describe the options: `_search_options`, `_command_options` those of
the other commands, `_option_groups` what commands share, `_network_options` the
parameters of the estimators; `_option_values` and `_own_options` read them. Nobody else
sees an `argparse.Namespace`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from sknn_mnist.cli._arguments import Command, Version
from sknn_mnist.cli._command_options import (
    add_cache,
    add_datasets,
    add_evaluate,
    add_examples,
    add_fit,
    add_predict,
)
from sknn_mnist.cli._option_groups import EXIT_CODES
from sknn_mnist.cli._search_options import add_search

__all__ = ["make_parser", "parse"]

_EPILOG = f"""\
examples:
  sknn-mnist datasets
  sknn-mnist search --epochs 1 5 10 --hidden-size 32 64 256 --out runs/dense
  sknn-mnist search --model cnn --filters 8,8 32,32 --batch-norm true false --cv 3
  sknn-mnist fit --hidden-size 256 --epochs 5 --save net.safetensors
  sknn-mnist evaluate --load net.safetensors
  sknn-mnist predict --load net.safetensors --images scans.npy --out predictions.csv
  sknn-mnist search --model cnn --data photographs --image-size 64x64 --epochs 5 20
  sknn-mnist fit --data table.csv --target species --save net.safetensors
  sknn-mnist predict --load net.safetensors --images 'new/*.jpg'
  sknn-mnist examples --out examples

{EXIT_CODES}"""


def parse(argv: Sequence[str] | None) -> Command:
    """Return what a command line asks for.

    Parameters
    ----------
    argv : sequence of str or None
        Arguments; those of the process if None.

    Returns
    -------
    Command
        A value of the class that stands for the command.

    Raises
    ------
    SystemExit
        After the help, and when the usage is wrong.
    """
    typed = tuple(sys.argv[1:] if argv is None else argv)
    parser = make_parser()
    args = parser.parse_args(typed, argparse.Namespace(typed=typed))
    if args.details and not args.version:
        parser.error("--verbose needs --version, or follows a command that has it")
    if args.version:
        return Version(details=args.details)
    if args.value_of is None:
        parser.error("the following arguments are required: COMMAND")
    value: Command = args.value_of(args)
    return value


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line.

    Returns
    -------
    argparse.ArgumentParser
        Its results hold as ``value_of`` what makes the command's value of them, or
        None without a command.
    """
    parser = _Parser(
        prog="sknn-mnist",
        description="Keras nets for image data as scikit-learn estimators.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "--version", action="store_true", help="show the version, and exit"
    )
    parser.add_argument(
        "--verbose",
        dest="details",
        action="store_true",
        help="with --version: also those of the dependencies, and settings that "
        "results depend on",
    )
    parser.set_defaults(value_of=None)
    commands = parser.add_subparsers(metavar="COMMAND")
    add_search(commands)
    add_fit(commands)
    add_evaluate(commands)
    add_predict(commands)
    add_datasets(commands)
    add_cache(commands)
    add_examples(commands)
    return parser


class _Parser(argparse.ArgumentParser):
    """Parser whose errors are one line; argparse would print all options first."""

    def print_help(self, file: Any = None) -> None:
        # argparse swallows what a closed or full output raises.
        print(self.format_help(), end="", file=file)

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: error: {message} (see {self.prog} --help)\n")
