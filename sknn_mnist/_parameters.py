"""Checks of parameters, in scikit-learn's wording, before anything is built.

Each check names the parameter, its owner, what is allowed and what came.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from math import isfinite
from numbers import Integral, Real
from typing import Any

__all__ = [
    "PRECISIONS",
    "InvalidParameterError",
    "as_finite_float",
    "check_activation",
    "check_bool",
    "check_fraction",
    "check_image_shape",
    "check_one_of",
    "check_positive_int",
    "invalid",
    "near_names",
    "per_layer",
    "per_side",
]


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


def invalid(name: str, owner: str, allowed: str, value: Any) -> InvalidParameterError:
    """Return the error; the caller raises it."""
    return InvalidParameterError(
        f"The {name!r} parameter of {owner} must be {allowed}. Got {value!r} instead."
    )


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


def check_bool(name: str, value: Any, owner: str) -> bool:
    # NumPy's bool is not Python's; grids made with np.array([True, False]) hold it.
    if type(value).__name__ not in {"bool", "bool_"}:
        raise invalid(name, owner, "a bool", value)
    return bool(value)


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
