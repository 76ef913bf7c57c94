"""Numbers and arrays of a file, compared with what they must be."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np

from sknn_mnist._array_kinds import ArrayKind

__all__ = ["State", "as_int", "check_arrays", "numbers_of"]

State: TypeAlias = dict[str, list[np.ndarray]]


def as_int(value: Any, least: int, most: float = math.inf) -> int:
    """Return a number of a file, if it is an int in a range."""
    if (
        not isinstance(value, int)
        or isinstance(value, bool)
        or not least <= value <= most
    ):
        allowed = f"of {least} or more" if most == math.inf else f"of {least} to {most}"
        raise ValueError(f"{value!r} is not an int {allowed}")
    return value


def numbers_of(stored: Mapping[str, Any]) -> np.ndarray:
    """Return targets like those that a file tells of, of no rows: it has no memory."""
    columns = as_int(stored["columns"], 1)
    several = as_int(stored["dimensions"], 1, most=2) == 2
    if columns > 1 and not several:
        raise ValueError("its targets are one number and several at once")
    return np.empty((0, columns) if several else 0)


def check_arrays(expected: Mapping[str, list[ArrayKind]], state: State) -> None:
    """Refuse arrays that are not those of a network.

    Parameters
    ----------
    expected : Mapping
        What `array_kinds_of` gives of it.
    state : dict
        The arrays.

    Raises
    ------
    ValueError
        When one is of another shape or dtype, or missing, or too many.
    """
    for part, kinds in expected.items():
        if part == "optimizer" and part not in state:
            continue  # the holder of `model_` had compiled it anew
        found = [(each.shape, each.dtype.name) for each in state[part]]
        if found != kinds:
            raise ValueError(f"its arrays are not those of its {part}")
    if set(state) - set(expected):
        raise ValueError("it has unexpected arrays")
