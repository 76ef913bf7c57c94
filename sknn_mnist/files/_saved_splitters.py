"""What a fit holds out, as JSON: a fraction, or a splitter by its class and arguments.

A splitter is one of scikit-learn's own; its arguments are numbers, each of a kind and
size that is known, and of a `PredefinedSplit` a list of them.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn import model_selection

from sknn_mnist._parameters import check_fraction
from sknn_mnist.estimators._held_out import is_splitter
from sknn_mnist.files._checks import as_int
from sknn_mnist.files._values import UnsavableError

__all__ = ["SPLITS", "split_from_json", "split_to_json"]

# Parameters that say what is held out.
SPLITS = {"validation_split", "fit__validation_split"}

SPLITTERS = {
    name: getattr(model_selection, name)
    for name in (
        *("KFold", "StratifiedKFold", "GroupKFold", "StratifiedGroupKFold"),
        *("ShuffleSplit", "StratifiedShuffleSplit", "GroupShuffleSplit"),
        *("TimeSeriesSplit", "PredefinedSplit"),
        *("LeaveOneOut", "LeavePOut", "LeaveOneGroupOut", "LeavePGroupsOut"),
    )
}

# Of any number of rows, groups or folds, and of a seed.
MOST = 2**32 - 1
# Rows whose folds a file may tell.
MOST_FOLDS = 10_000


def split_to_json(value: Any) -> Any:
    """Return a fraction or a splitter as what `json.dumps` takes.

    Parameters
    ----------
    value : object
        The parameter `validation_split`.

    Returns
    -------
    object
        For `split_from_json`, which gives one like it.

    Raises
    ------
    UnsavableError
        When it is code of the user's own, or holds more than a file can tell.
    """
    name = type(value).__name__
    if not is_splitter(value):
        stored = value.item() if isinstance(value, np.generic) else value
    elif SPLITTERS.get(name) is type(value):
        arguments = {
            each: _plain(vars(value)[each]) for each in _arguments_of(type(value))
        }
        if isinstance(arguments.get("random_state"), np.random.RandomState):
            raise UnsavableError(
                "a file holds no RandomState as random_state of a splitter: give it "
                "an int"
            )
        stored = {"splitter": [name, arguments]}
    else:
        raise UnsavableError(
            f"it is none of scikit-learn's own {', '.join(SPLITTERS)}, but code that a "
            "file does not hold"
        )
    try:
        split_from_json(stored)
    except (ValueError, TypeError) as err:
        raise UnsavableError(str(err)) from err
    return stored


def split_from_json(stored: Any) -> Any:
    """Return what `split_to_json` was given; anything amiss raises ValueError."""
    if not isinstance(stored, dict):
        check_fraction("validation_split", stored, "load")
        return stored
    if [*stored] != ["splitter"] or not _is_pair(stored["splitter"]):
        raise ValueError(f"{sorted(stored)} is neither a fraction nor a splitter")
    name, arguments = stored["splitter"]
    if name not in SPLITTERS:
        raise ValueError(f"{name!r} is none of the splitters {', '.join(SPLITTERS)}")
    kind = SPLITTERS[name]
    known = set(_arguments_of(kind)) & set(_JUDGES)
    unknown = sorted(set(arguments) - known)
    if unknown:
        raise ValueError(f"{name} has no arguments {unknown}")
    judged = {
        each: _JUDGES[each](f"{each} of {name}", value)
        for each, value in arguments.items()
    }
    try:
        return kind(**judged)
    except TypeError as err:  # one that it can't do without is missing
        raise ValueError(f"no {name} can be made: {err}") from err


def _arguments_of(kind: type) -> list[str]:
    """Return the names of a splitter's arguments: attributes of it as well."""
    return [*inspect.signature(kind).parameters]


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.generic | np.ndarray) else value


def _is_pair(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) == 2
        and isinstance(value[0], str)
        and isinstance(value[1], dict)
    )


# -- arguments, by name ----------------------------------------------------------------


def _number(what: str, value: Any) -> int:
    try:
        return as_int(value, 0, most=MOST)
    except ValueError as err:
        raise ValueError(f"{what} can't be: {err}") from err


def _number_or_none(what: str, value: Any) -> int | None:
    return None if value is None else _number(what, value)


def _size(what: str, value: Any) -> float | int | None:
    """Judge a number of rows, or a part of them."""
    if not isinstance(value, float):
        return _number_or_none(what, value)
    if not (math.isfinite(value) and 0 < value < 1):
        raise ValueError(f"{what} is {value!r}, and no part of the rows")
    return value


def _bool(what: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{what} is {value!r}, and neither true nor false")
    return value


def _folds(what: str, value: Any) -> list[int]:
    if not isinstance(value, list) or len(value) > MOST_FOLDS:
        raise ValueError(f"{what} is no list of at most {MOST_FOLDS:,} numbers")
    # -1 is of rows that are in no fold.
    return [-1 if each == -1 else _number(what, each) for each in value]


_JUDGES: dict[str, Callable[[str, Any], Any]] = {
    "n_splits": _number,
    "shuffle": _bool,
    "random_state": _number_or_none,
    "test_size": _size,
    "train_size": _size,
    "max_train_size": _number_or_none,
    "gap": _number,
    "p": _number,
    "n_groups": _number,
    "test_fold": _folds,
}
