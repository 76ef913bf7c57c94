"""The parser of the command line: commands, options, help."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any, NoReturn

from sknn_mnist.cli._option_groups import add_data, add_load, add_memory, add_model
from sknn_mnist.cli._option_values import (
    read_factor,
    read_folds,
    read_jobs,
    read_path,
    read_size,
)

__all__ = ["make_parser", "parse"]

EXIT_CODES = """\
exit codes: 0 done, 1 the run failed (data missing, a file that can't be read or
written, training that failed), 2 wrong usage, 130 interrupted by Ctrl-C, 141 the
reader of the output has gone"""

_EPILOG = f"""\
examples:
  sknn-mnist datasets
  sknn-mnist search --epochs 1 5 10 --hidden-size 32 64 256 --out runs/dense
  sknn-mnist search --model cnn --filters 8,8 32,32 --batch-norm true false --cv 3
  sknn-mnist fit --hidden-size 256 --epochs 5 --save net.safetensors
  sknn-mnist evaluate --load net.safetensors
  sknn-mnist predict --load net.safetensors --images scans.npy --out predictions.csv

{EXIT_CODES}"""

_SEARCH_EPILOG = """\
Options of the network take one or more values. Those with several span the grid, and
are the rows of the table that is printed; those with one are fixed for all
candidates. Without any of them the search is the lesson's: dense nets over
--epochs 1 5 10 --hidden-size 32 64 256, cnn over --epochs 1 3 --filters 8 32.

examples:
  sknn-mnist search
  sknn-mnist search --dataset digits --epochs 5 20 --dropout 0 0.5 --n-jobs 2
  sknn-mnist search --hidden-size 1024,1024 512 --dropout 0.5 --out runs/dropout
  sknn-mnist search --model cnn --filters 8,8 64,64 --batch-norm true false
  sknn-mnist search --halving --hidden-size 16 32 64 128 256 --epochs 27"""


class _Parser(argparse.ArgumentParser):
    """Parser whose errors are one line; argparse would print all options first."""

    def print_help(self, file: Any = None) -> None:
        # argparse swallows what a closed or full output raises.
        print(self.format_help(), end="", file=file)

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: error: {message} (see {self.prog} --help)\n")


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line.

    Returns
    -------
    argparse.ArgumentParser
        Its results hold the name of the command as ``command``.
    """
    parser = _Parser(
        prog="sknn-mnist",
        description="Keras nets for image data as scikit-learn estimators.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "--version", action="store_true", help="show the version, and leave"
    )
    parser.add_argument(
        "--verbose",
        dest="details",
        action="store_true",
        help="with --version: those of what it computes with, and how that is set",
    )
    parser.set_defaults(command=None)
    commands = parser.add_subparsers(metavar="COMMAND")
    _add_search(commands)
    _add_fit(commands)
    _add_evaluate(commands)
    _add_predict(commands)
    _add_datasets(commands)
    _add_cache(commands)
    return parser


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """Return the arguments of a command, or of ``--version``, whose command is None.

    Parameters
    ----------
    argv : sequence of str or None
        Arguments; those of the process if None.

    Returns
    -------
    argparse.Namespace
        What `make_parser` describes.
    """
    parser = make_parser()
    args = parser.parse_args(argv)
    if args.details and not args.version:
        parser.error("--verbose goes with --version, or behind a command that has it")
    if args.command is None and not args.version:
        parser.error("the following arguments are required: COMMAND")
    return args


def _add_command(
    commands: Any, name: str, text: str, epilog: str | None = None
) -> argparse.ArgumentParser:
    parser = commands.add_parser(
        name,
        help=text,
        description=text[0].upper() + text[1:] + ".",
        epilog=epilog or EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(command=name)
    return parser


def _add_search(commands: Any) -> None:
    parser = _add_command(
        commands,
        "search",
        "cross-validate a grid of nets, and test the best",
        f"{_SEARCH_EPILOG}\n\n{EXIT_CODES}",
    )
    add_model(parser, several=True)
    add_data(parser, training=True)
    parser.add_argument(
        "--cv",
        type=read_folds,
        default=5,
        metavar="K",
        help="folds of the stratified cross-validation (default 5)",
    )
    parser.add_argument(
        "--scoring",
        metavar="NAME",
        help="scikit-learn's name of a score, e.g. f1_macro (default: accuracy)",
    )
    parser.add_argument(
        "--n-jobs",
        type=read_jobs,
        metavar="N",
        help="fits at a time, -1 for one a core (default 1)",
    )
    parser.add_argument(
        "--dask",
        metavar="ADDRESS",
        help="run the fits on a Dask cluster: its scheduler's address "
        '(tcp://host:8786), or "local" for worker processes here, one a core or '
        "--n-jobs; give --out or --memory a folder that all workers share (needs the "
        "extra dask)",
    )
    parser.add_argument(
        "--halving",
        type=read_factor,
        nargs="?",
        const=3,
        metavar="FACTOR",
        help="successive halving: start all candidates with few epochs, and go on "
        "with the best third (or one in FACTOR) for as many times the epochs, up to "
        "--epochs, which takes one value then",
    )
    parser.add_argument(
        "--no-refit",
        dest="refit",
        action="store_false",
        help="do not fit the best on all training rows, nor test it",
    )
    parser.add_argument(
        "--out",
        type=read_path,
        metavar="DIR",
        help="write cv_results.csv, pivot.csv, pivot.md, best_params.json and "
        "report.html there, over those of an earlier search of the same kind, and keep "
        "training states: the same command goes on where it was stopped (default: "
        "runs/MODEL, or runs/MODEL-halving)",
    )
    parser.add_argument(
        "--overwrite",
        action="store_true",
        help="write over the results of another kind of search, or files that no "
        "search wrote",
    )
    parser.add_argument(
        "--no-files",
        dest="files",
        action="store_false",
        help="write nothing, print the results alone",
    )
    add_memory(parser, "that of --out, else this process")
    parser.add_argument(
        "--quiet", action="store_true", help="no progress, only results"
    )


def _add_fit(commands: Any) -> None:
    parser = _add_command(commands, "fit", "train one net, and test it")
    add_model(parser, several=False)
    add_data(parser, training=True)
    parser.add_argument(
        "--validation-split",
        type=float,
        default=0.0,
        metavar="FRACTION",
        help="hold out this fraction of the training rows, and evaluate each epoch",
    )
    parser.add_argument(
        "--verbose",
        type=int,
        choices=[0, 1, 2],
        default=0,
        help="silent (0, the default), one line of progress, a line an epoch",
    )
    add_memory(parser, "none")
    parser.add_argument(
        "--save",
        type=read_path,
        metavar="PATH",
        help="write the fitted net there, for --load and sknn_mnist.load",
    )


def _add_evaluate(commands: Any) -> None:
    parser = _add_command(commands, "evaluate", "test a saved net, class by class")
    add_load(parser)
    add_data(parser, training=False)


def _add_predict(commands: Any) -> None:
    parser = _add_command(
        commands,
        "predict",
        "predict labels with a saved net, as CSV",
        "columns: index, prediction, probability (of the prediction) and, for the "
        "test\nrows of a dataset, label. Of a net of several labels a row the "
        "prediction holds\ntheir numbers, and each label has its probability. Labels "
        "that are text and begin\nas a formula of spreadsheets does (= + - @) get an "
        f"apostrophe before; numbers\nstay.\n\n{EXIT_CODES}",
    )
    add_load(parser)
    add_data(parser, training=False)
    parser.add_argument(
        "--images",
        type=read_path,
        metavar="FILE.npy",
        help="predict these instead of a dataset's test rows: an array of shape "
        "(n, height, width), (n, height, width, channels) or (n, features); "
        "integers are divided by 255, floats taken as they are",
    )
    parser.add_argument(
        "--out",
        type=read_path,
        metavar="FILE.csv",
        help="write there instead of standard output",
    )


def _add_datasets(commands: Any) -> None:
    parser = _add_command(commands, "datasets", "list the data at hand")
    parser.add_argument("--download", action="store_true", help="fetch MNIST")


def _add_cache(commands: Any) -> None:
    parser = _add_command(
        commands,
        "cache",
        "show or clear the training states kept in folders",
        "Folders hold 4 GB of states at most, or what the environment variable\n"
        "SKNN_MNIST_MEMORY_LIMIT says (500M, 10G); the least recently used go first."
        f"\n\n{EXIT_CODES}",
    )
    parser.add_argument(
        "folders",
        type=read_path,
        nargs="+",
        metavar="DIR",
        help="a folder given as --out or --memory, or as memory= in Python",
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--clear", action="store_true", help="remove all states")
    what.add_argument(
        "--shrink",
        type=read_size,
        metavar="SIZE",
        help="remove the least recently used states until SIZE (500M, 2G) is left",
    )
