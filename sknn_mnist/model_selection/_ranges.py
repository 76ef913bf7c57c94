"""Numbers between two bounds, to draw candidates from."""

from __future__ import annotations

import math
from numbers import Integral, Real
from typing import Any

import numpy as np

from sknn_mnist._parameters import (
    as_finite_float,
    as_random_state,
    check_bool,
    invalid,
    refused,
)

__all__ = ["Range"]

# Significant digits of the floats that are drawn, which somebody may type again. More
# where the bounds differ in later ones.
DIGITS, MOST_DIGITS = 4, 17

# Up to here all ints are floats.
MOST = 2**53


class Range:
    """Numbers between two bounds, both included: a distribution to search over.

    Ints where both bounds are ints, else floats, which have four significant digits, or
    four from the first one on in which the bounds differ.

    Parameters
    ----------
    low : int or float
        The lower bound.
    high : int or float
        The upper bound, above `low`.
    log : bool, default=False
        Whether logarithms are drawn evenly, and not the numbers themselves: as many
        from 0.001 to 0.01 as from 0.01 to 0.1. Needs `low` above 0.

    Raises
    ------
    ValueError or TypeError
        When a bound can't be used.

    See Also
    --------
    HyperbandSearchCV, sklearn.model_selection.RandomizedSearchCV : Take it as one of
        their ``param_distributions``, beside those of `scipy.stats`.

    Examples
    --------
    >>> from sknn_mnist.model_selection import Range
    >>> Range(16, 512, log=True)
    Range(16, 512, log=True)
    >>> Range(0.0, 0.5).rvs(random_state=0)
    0.2744
    """

    def __init__(self, low: Any, high: Any, log: bool = False) -> None:
        owner = type(self).__name__
        self.low = _bound("low", low, owner)
        self.high = _bound("high", high, owner)
        if not self.low < self.high:
            raise refused("high", owner, f"be above low ({low!r})", repr(high))
        if not math.isfinite(self.high - self.low):
            must = f"be no more above low ({low!r}) than a float can tell"
            raise refused("high", owner, must, repr(high))
        self.log = check_bool("log", log, owner)
        if self.log and not self.low > 0:
            raise refused("low", owner, "be above 0 with log=True", repr(low))

    def rvs(self, size: Any = None, random_state: Any = None) -> Any:
        """Draw numbers, as the distributions of `scipy.stats` do.

        Parameters
        ----------
        size : int or tuple of int, default=None
            The shape of the array of numbers; None for a single int or float.
        random_state : int, RandomState instance or None, default=None
            Draws them.

        Returns
        -------
        int, float or ndarray
            The numbers.

        Raises
        ------
        ValueError or TypeError
            When a parameter can't be used.
        """
        owner = f"{type(self).__name__}.rvs"
        generator = as_random_state("random_state", random_state, owner)
        try:
            places = generator.uniform(size=size)
        except (TypeError, ValueError) as err:
            raise invalid(
                "size", owner, "None, an int or a tuple of int", size
            ) from err
        drawn = self._at(places)
        return drawn.item() if size is None else drawn

    def __repr__(self) -> str:
        log = ", log=True" if self.log else ""
        return f"{type(self).__name__}({self.low!r}, {self.high!r}{log})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Range) and repr(self) == repr(other)

    def __hash__(self) -> int:
        return hash(repr(self))

    @property
    def _is_of_ints(self) -> bool:
        """Whether ints are drawn."""
        return isinstance(self.low, int) and isinstance(self.high, int)

    def _at(self, places: Any) -> Any:
        """Return the numbers at places from 0 to 1 between the bounds."""
        # Every int has as much room as the next, those at the bounds too.
        room = 0.5 if self._is_of_ints else 0.0
        low, high = self.low - room, self.high + room
        if self.log:
            numbers = np.exp(math.log(low) + places * (math.log(high) - math.log(low)))
        else:
            numbers = low + places * (high - low)
        numbers = np.asarray(numbers)
        if self._is_of_ints:
            numbers = np.rint(numbers).astype(np.int64)
        else:
            numbers = np.vectorize(self._rounded, otypes=[float])(numbers)
        return np.clip(numbers, self.low, self.high)

    def _rounded(self, number: float) -> float:
        largest = max(abs(self.low), abs(self.high))
        shared = math.log10(largest) - math.log10(self.high - self.low)
        digits = min(DIGITS + max(round(shared), 0), MOST_DIGITS)
        return float(f"{number:.{digits}g}")


def _bound(name: str, value: Any, owner: str) -> int | float:
    if isinstance(value, Integral) and not isinstance(value, bool):
        if abs(int(value)) > MOST:
            raise invalid(name, owner, f"an int in the range [-{MOST}, {MOST}]", value)
        return int(value)
    number = as_finite_float(value) if isinstance(value, Real) else None
    if number is None or isinstance(value, bool | np.bool_):
        raise invalid(name, owner, "a finite int or float", value)
    return number
