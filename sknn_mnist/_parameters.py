"""Checks of parameters, in scikit-learn's wording, before anything is built.

Each check names the parameter, its owner, what is allowed and what came.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from difflib import get_close_matches
from inspect import signature
from math import isfinite
from numbers import Integral, Real
from typing import Any, TypeVar

__all__ = [
    "PRECISIONS",
    "InvalidParameterError",
    "as_factor",
    "as_finite_float",
    "as_random_state",
    "call_as",
    "check_activation",
    "check_bool",
    "check_finite",
    "check_fraction",
    "check_image_shape",
    "check_not_negative",
    "check_one_of",
    "check_path",
    "check_positive_int",
    "check_samples",
    "check_seed",
    "invalid",
    "near_names",
    "per_layer",
    "per_side",
    "refused",
]

T = TypeVar("T")

# Of the estimators' `dtype`, the dtype of data, weights, outputs and loss: with the
# mixed ones, hidden layers alone compute in 16 bits.
PRECISIONS = {
    "float32": "float32",
    "float64": "float64",
    "mixed_bfloat16": "float32",
    "mixed_float16": "float32",
}


class InvalidParameterError(ValueError, TypeError):
    """A parameter that is out of its range or of the wrong type.

    It is both errors at once, as scikit-learn's own is, so that either can be
    caught.
    """

    # As `refused` was given them.
    parameter = owner = must = got = ""


def invalid(name: str, owner: str, allowed: str, value: Any) -> InvalidParameterError:
    """Return the error; the caller raises it."""
    return refused(name, owner, f"be {allowed}", repr(value))


def refused(name: str, owner: str, must: str, got: str) -> InvalidParameterError:
    """Return the error in other words than `invalid`; the caller raises it."""
    error = InvalidParameterError(
        f"The {name!r} parameter of {owner} must {must}. Got {got} instead."
    )
    error.parameter, error.owner, error.must, error.got = name, owner, must, got
    return error


def call_as(owner: str, function: Callable[..., T], *args: Any, **options: Any) -> T:
    """Call a public function for another one, which the user called.

    Parameters
    ----------
    owner : str
        What the user called. Errors about the function's parameters name it.
    function : callable
        The function.
    *args, **options : object
        Its arguments. Those that are options of `owner` as well go by keyword.

    Returns
    -------
    object
        What the function returns.

    Raises
    ------
    TypeError
        When the function has no such option.
    """
    known = [
        each.name
        for each in signature(function).parameters.values()
        if each.kind is each.KEYWORD_ONLY
    ]
    for name in options:
        if name not in known:
            raise TypeError(
                f"{owner} got an unexpected keyword argument {name!r}"
                f"{near_names(name, known)}. Its options are {', '.join(known)}."
            )
    try:
        return function(*args, **options)
    except InvalidParameterError as err:
        if err.owner != function.__name__:  # about something further down
            raise
        raise refused(err.parameter, owner, err.must, err.got) from err.__cause__


def check_positive_int(name: str, value: Any, owner: str, minimum: int = 1) -> int:
    if not _is_int(value) or value < minimum:
        raise invalid(name, owner, f"an int in the range [{minimum}, inf)", value)
    return int(value)


def check_fraction(name: str, value: Any, owner: str) -> float:
    """Check a float in [0, 1)."""
    if (
        not isinstance(value, Real)
        or isinstance(value, bool)
        or not 0 <= float(value) < 1
    ):
        raise invalid(name, owner, "a float in the range [0.0, 1.0)", value)
    return float(value)


def as_finite_float(value: Any) -> float | None:
    """Return a real number as a float, None where it is none."""
    if not isinstance(value, Real):
        return None
    try:
        number = float(value)
    except OverflowError:  # an int of hundreds of digits
        return None
    return number if isfinite(number) else None


def as_factor(value: Any) -> float | None:
    """Return what pixels are multiplied by: a finite number but 0; None for others."""
    return (None if isinstance(value, bool) else as_finite_float(value)) or None


def check_finite(name: str, value: Any, owner: str) -> float:
    number = as_finite_float(value)
    if number is None:
        raise invalid(name, owner, "a finite number", value)
    return number


def check_not_negative(name: str, value: Any, owner: str) -> float:
    number = as_finite_float(value)
    if number is None or number < 0:
        raise invalid(name, owner, "a finite number in the range [0, inf)", value)
    return number


def check_bool(name: str, value: Any, owner: str) -> bool:
    # NumPy's bool is not Python's; grids made with np.array([True, False]) hold it.
    if type(value).__name__ not in {"bool", "bool_"}:
        raise invalid(name, owner, "a bool", value)
    return bool(value)


def check_path(name: str, value: Any, owner: str) -> str:
    """Return a str or path-like as a str."""
    try:
        path = os.fspath(value)
    except TypeError:
        path = None
    if not isinstance(path, str):  # bytes are no path of pathlib's
        raise invalid(name, owner, "a str or a path-like", value)
    return path


def check_samples(name: str, value: Any, owner: str) -> None:
    """Refuse what is no batch of samples at all; estimators check the rest."""
    shape = getattr(value, "shape", None)
    if shape is None:
        is_batch = hasattr(value, "__array__") or (
            isinstance(value, Collection)
            and not isinstance(value, str | bytes | Mapping)
        )
    else:
        is_batch = isinstance(shape, tuple) and len(shape) > 0
    if not is_batch:
        raise invalid(name, owner, "an array-like of samples", value)


def check_seed(name: str, value: Any, owner: str) -> int | None:
    """Return an int or None, of any size and sign."""
    if value is not None and not _is_int(value):
        raise invalid(name, owner, "an int or None", value)
    return None if value is None else int(value)


def as_random_state(name: str, value: Any, owner: str) -> Any:
    """Return the generator that scikit-learn makes of a `random_state`."""
    from sklearn.utils import check_random_state

    try:
        return check_random_state(value)
    except (ValueError, TypeError):
        raise invalid(
            name,
            owner,
            "an int in the range [0, 4294967295], a numpy.random.RandomState or None",
            value,
        ) from None


def check_one_of(name: str, value: Any, options: Iterable[Any], owner: str) -> None:
    options = list(options)
    if not any(
        isinstance(value, type(option)) and value == option for option in options
    ):
        listed = ", ".join(repr(option) for option in options)
        raise invalid(name, owner, f"one of {{{listed}}}", value)


def per_layer(
    name: str, value: Any, owner: str, allow_empty: bool = True
) -> tuple[int, ...]:
    """Return one positive int per layer, from an int or a sequence of ints."""
    sizes = (value,) if _is_int(value) else _as_tuple(value)
    if (
        sizes is None
        or not all(_is_int(size) and size >= 1 for size in sizes)
        or not (sizes or allow_empty)
    ):
        raise invalid(
            name,
            owner,
            "an int in the range [1, inf) or a sequence of such ints, one per layer",
            value,
        )
    return tuple(int(size) for size in sizes)


def per_side(name: str, value: Any, owner: str) -> tuple[int, int]:
    """Return (height, width), from an int or a pair of ints."""
    sides = (value, value) if _is_int(value) else _as_tuple(value)
    if (
        sides is None
        or len(sides) != 2
        or not all(_is_int(side) and side >= 1 for side in sides)
    ):
        raise invalid(
            name,
            owner,
            "an int in the range [1, inf) or a pair of such ints (height, width)",
            value,
        )
    return int(sides[0]), int(sides[1])


def check_image_shape(name: str, value: Any, owner: str) -> tuple[int, int, int]:
    """Return (height, width, channels), from (h, w) or (h, w, c)."""
    sides = _as_tuple(value)
    if (
        sides is None
        or len(sides) not in (2, 3)
        or not all(_is_int(side) and side >= 1 for side in sides)
    ):
        raise invalid(
            name,
            owner,
            "(height, width) or (height, width, channels) of positive ints",
            value,
        )
    height, width, channels = (*sides, 1)[:3]
    return int(height), int(width), int(channels)


def check_activation(name: str, value: Any, owner: str) -> None:
    import keras

    if isinstance(value, keras.layers.Layer | type):
        # A layer has weights of its own, which networks would share.
        raise invalid(
            name, owner, "the name, config or function of a Keras activation", value
        )
    try:
        keras.activations.get(value)
    except (ValueError, TypeError) as err:
        names = [each for each in vars(keras.activations) if each[0].islower()]
        raise invalid(
            name,
            owner,
            "the name, config or function of a Keras activation"
            f"{near_names(value, names)}",
            value,
        ) from err


def near_names(value: Any, names: Sequence[str]) -> str:
    """Return " (did you mean 'x'?)" where a name comes near to what was given."""
    near = get_close_matches(value, names, n=1) if isinstance(value, str) else []
    return f" (did you mean {near[0]!r}?)" if near else ""


def _is_int(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)


def _as_tuple(value: Any) -> tuple[Any, ...] | None:
    if isinstance(value, str | bytes | dict):
        return None
    try:
        return tuple(value)
    except TypeError:
        return None
