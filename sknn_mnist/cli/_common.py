"""What the commands of the command line share: errors, data, estimators."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sknn_mnist._messages import one_line
from sknn_mnist.cli._inputs import Data, load_data
from sknn_mnist.cli._options import MODELS

__all__ = [
    "CommandError",
    "accuracy",
    "data_of",
    "expecting",
    "is_expected",
    "make_estimator",
    "sentence",
    "tell",
]

# Characters of an error's message: TensorFlow's go on for pages.
MOST_SAID = 600

# TensorFlow's name of an operation.
_INNER = re.compile(r"\{\{.*?\}\}")

_WITHOUT_WORDS: dict[type, str] = {MemoryError: "there is not enough memory for it"}


class CommandError(Exception):
    """What went wrong in one sentence, and the exit code that says so."""

    def __init__(self, sentence: str, code: int = 1) -> None:
        super().__init__(sentence)
        self.code = code


def sentence(err: BaseException) -> str:
    """Return an error's message on one line."""
    if isinstance(err, OSError) and err.strerror and err.filename:
        return f"{err.filename}: {err.strerror.lower()}"
    said = one_line(_INNER.sub("", str(err)))
    said = said or _WITHOUT_WORDS.get(type(err), "")
    said = said or type(err).__name__
    return said if len(said) <= MOST_SAID else said[:MOST_SAID] + "..."


@contextmanager
def expecting(code: int = 1) -> Iterator[None]:
    """Turn what the user can have caused into one sentence.

    Used around the calls that judge the user's data and parameters, and nowhere
    else: a ValueError or TypeError from elsewhere is ours, and keeps its traceback.
    """
    try:
        yield
    except Exception as err:
        if not is_expected(err):
            raise
        raise CommandError(sentence(err), code) from err


def is_expected(err: Exception) -> bool:
    """Tell whether an error may be of the user's data or parameters."""
    return isinstance(err, ValueError | TypeError | OverflowError | MemoryError) or (
        # TensorFlow's of layers too large, told without importing it.
        type(err).__module__.partition(".")[0] == "tensorflow"
    )


def tell(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


def make_estimator(
    model: str, fixed: Mapping[str, Any], grid: Mapping[str, Any] | None = None
) -> Any:
    """Return the estimator, once it and every candidate of the grid are found good."""
    from sklearn.base import clone
    from sklearn.model_selection import ParameterGrid

    from sknn_mnist import estimators

    estimator = getattr(estimators, MODELS[model])(**fixed)
    with expecting(code=2):
        for parameters in ParameterGrid(dict(grid or {})):
            clone(estimator).set_params(**parameters)._check_parameters()
    return estimator


def data_of(args: argparse.Namespace, quiet: bool = False) -> Data:
    """Load the data that was asked for, and say which it is."""
    if args.data and args.dataset == "digits":
        raise CommandError("--data tells where MNIST is: not with --dataset digits", 2)
    wanted = getattr(args, "train_size", None)
    with expecting():
        data = load_data(args.dataset, args.data, args.download, wanted)
    if wanted is not None and wanted > len(data.X_train):
        raise CommandError(
            f"--train-size {wanted} is more than the {len(data.X_train)} training rows "
            f"of {data.name}",
            code=2,
        )
    if not quiet:
        tell(f"data: {data.about}")
    return data


def accuracy(net: Any, X: Any, y: Any) -> float:
    return float(net.score(X, y))
