"""The options of ``sknn-mnist search``."""

from __future__ import annotations

import argparse
from typing import Any

from sknn_mnist.cli._arguments import Hyperband, Search
from sknn_mnist.cli._network_options import (
    DEFAULT_GRIDS,
    DEFAULT_SPACES,
    MOST_EPOCHS,
    OWN_GRID,
    OWN_SPACE,
    add_network,
    flag_of,
    network_from,
)
from sknn_mnist.cli._option_groups import (
    add_command,
    add_data,
    add_memory,
    data_source_from,
)
from sknn_mnist.cli._option_values import (
    read_factor,
    read_folds,
    read_jobs,
    read_minutes,
    read_path,
    read_positive,
)
from sknn_mnist.cli._result_names import RESULTS
from sknn_mnist.cli._stopping_options import add_stopping, stopping_from

__all__ = ["add_search"]


# Options of Hyperband alone, and how they are parsed.
_OF_HYPERBAND = {
    "minutes": "--minutes",
    "patience": "--patience",
    "iterations": "--hyperband-iterations",
}


def _typed(grid: dict[str, list[Any]]) -> str:
    return " ".join(
        f"{flag_of(name)} {' '.join(_value(each) for each in values)}"
        for name, values in grid.items()
    )


def _value(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


_LESSON = "\n".join(
    f"  sknn-mnist search --model {model} {_typed(grid)}"
    for model, grid in DEFAULT_GRIDS.items()
)

_SPACES = "\n".join(
    f"  --model {model} {_typed(space)}" for model, space in DEFAULT_SPACES.items()
)

_EPILOG = f"""\
Options of the network take one or more values. Those with several span the grid, and
are the rows of the table that is printed; those with one are fixed for all
candidates. Without any of them the search is that of the lesson:
{_LESSON}

A network of your own has the options of its training (--epochs, --optimizer,
--learning-rate, --batch-size), and --set for what the function takes; commas outside
of brackets separate values. Without any of them {_typed(OWN_GRID)} is searched.

With --hyperband options that have numbers also take a range, LOW:HIGH, or
LOW:HIGH:log to draw from it evenly by logarithms; ints where the option takes ints.
A range is alone in its option. Without any option but --epochs these are searched:
{_SPACES}
and of a network of your own {_typed(OWN_SPACE)}.

examples:
  sknn-mnist search
  sknn-mnist search --dataset digits --epochs 5 20 --dropout 0 0.5 --n-jobs 2
  sknn-mnist search --hidden-size 1024,1024 512 --dropout 0.5 --out runs/dropout
  sknn-mnist search --model cnn --filters 8,8 64,64 --batch-norm true false
  sknn-mnist search --halving --hidden-size 16 32 64 128 256 --epochs 27
  sknn-mnist search --hyperband --minutes 10
  sknn-mnist search --hyperband --epochs 27 --hidden-size 16:512 --dropout 0:0.5 \\
    --learning-rate 1e-4:1e-1:log --batch-norm true false --out runs/wide
  sknn-mnist search --epochs 200 --early-stopping --hidden-size 32 64 256 --tol 0.001
  sknn-mnist search --model nets.py:make_model --set hidden_size=32,64,256 --epochs 1 5
  sknn-mnist search --model course.nets:make_model --set "hidden_size=(32,32),64\""""


def add_search(commands: Any) -> None:
    """Add the command to the parser."""
    parser = add_command(
        commands,
        "search",
        "cross-validate a grid of nets, and test the best",
        _search_from,
        _EPILOG,
    )
    add_network(parser, several=True)
    add_data(parser, training=True)
    add_stopping(parser)
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
        help="name of a scikit-learn scorer, e.g. f1_macro (default: accuracy)",
    )
    parser.add_argument(
        "--n-jobs",
        type=read_jobs,
        metavar="N",
        help="fits at once, -1 for one per core (default 1)",
    )
    parser.add_argument(
        "--dask",
        metavar="ADDRESS",
        help="run the fits on a Dask cluster: its scheduler's address "
        '(tcp://host:8786), or "local" for worker processes here, one per core or '
        "--n-jobs; give --out or --memory a folder that all workers share, and a "
        "function of your own must be importable there (needs the extra dask)",
    )
    deals = parser.add_mutually_exclusive_group()
    deals.add_argument(
        "--halving",
        type=read_factor,
        nargs="?",
        const=3,
        metavar="FACTOR",
        help="successive halving: start all candidates with few epochs, and go on "
        "with the best third (or one in FACTOR) for three (or FACTOR) times as many "
        "epochs, up to --epochs, which takes a single value with it",
    )
    deals.add_argument(
        "--hyperband",
        type=read_factor,
        nargs="?",
        const=Hyperband.factor,
        metavar="FACTOR",
        help="draw candidates at random from ranges (--hidden-size 16:512) and values, "
        "and train them in brackets: many for few epochs, of which the best third (or "
        "one in FACTOR) goes on for three (or FACTOR) times as many; then fewer that "
        "begin with more, up to --epochs, which takes a single value with it (default "
        f"{MOST_EPOCHS})",
    )
    _add_hyperband(parser)
    parser.add_argument(
        "--no-refit",
        dest="refit",
        action="store_false",
        help="neither fit the best on all training rows nor test it",
    )
    parser.add_argument(
        "--refit-epochs",
        choices=["median"],
        help="with --early-stopping: fit the best on all training rows, none held out, "
        "for the median of the best epochs of its folds, instead of stopping early "
        "once more",
    )
    parser.add_argument(
        "--out",
        type=read_path,
        metavar="DIR",
        help=f"write {', '.join(RESULTS[:-1])} and {RESULTS[-1]} there, over those of "
        "an earlier search of the same kind, and keep training states: the same "
        "command goes on where it was stopped (default: runs/MODEL or runs/FUNCTION, "
        "with -halving or -hyperband after it if so)",
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
        help="write no files, only print the results",
    )
    add_memory(parser, "that of --out, else this process")
    parser.add_argument(
        "--quiet", action="store_true", help="no progress, only results"
    )


def _add_hyperband(parser: argparse.ArgumentParser) -> None:
    """Add the options that `_hyperband_from` reads, beside --hyperband itself."""
    parser.add_argument(
        "--minutes",
        type=read_minutes,
        metavar="M",
        help="with --hyperband: end the search after so many minutes, with the best so "
        "far; the same command with more minutes goes on",
    )
    parser.add_argument(
        "--patience",
        type=read_positive,
        metavar="N",
        help="with --hyperband: end the search after a bracket when N candidates, in "
        "as many whole brackets as that takes, have not bettered the best score",
    )
    parser.add_argument(
        "--hyperband-iterations",
        dest="iterations",
        type=read_positive,
        metavar="N",
        help="with --hyperband: run all brackets N times, with other candidates each "
        "time (default 1)",
    )


def _hyperband_from(args: argparse.Namespace) -> Hyperband | None:
    given = {
        name: getattr(args, name)
        for name in _OF_HYPERBAND
        if getattr(args, name) is not None
    }
    if args.hyperband is not None:
        return Hyperband(args.hyperband, **given)
    for name in given:
        args.refuse(f"{_OF_HYPERBAND[name]} needs --hyperband")
    return None


def _search_from(args: argparse.Namespace) -> Search:
    if args.refit_epochs and not args.early_stopping:
        args.refuse("--refit-epochs needs --early-stopping")
    if args.refit_epochs and not args.refit:
        args.refuse("--refit-epochs can't be combined with --no-refit")
    return Search(
        network=network_from(args, ranges=args.hyperband is not None),
        data=data_source_from(args),
        cv=args.cv,
        scoring=args.scoring,
        n_jobs=args.n_jobs,
        dask=args.dask,
        halving=args.halving,
        hyperband=_hyperband_from(args),
        refit=args.refit,
        refit_epochs=args.refit_epochs,
        out=args.out,
        overwrite=args.overwrite,
        files=args.files,
        memory=args.memory,
        quiet=args.quiet,
        typed=args.typed,
        stopping=stopping_from(args),
    )
