"""How ranges of numbers are read: LOW:HIGH, or LOW:HIGH:log."""

from __future__ import annotations

import argparse
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sknn_mnist.cli._arguments import Span

__all__ = ["looks_like_range", "name_of_range", "read_range", "with_ranges"]

_NUMBER = r"[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?"
_RANGE = re.compile(rf"{_NUMBER}:{_NUMBER}(:log)?", re.IGNORECASE)


def looks_like_range(text: str) -> bool:
    """Tell whether a text is two numbers with a colon between, perhaps with :log."""
    return _RANGE.fullmatch(text) is not None


def with_ranges(
    read: Callable[[str], Any], number: type[int] | type[float] | None
) -> Callable[[str], Any]:
    """Return what reads the values of an option, and ranges of them.

    Parameters
    ----------
    read : callable
        Reads a value.
    number : {int, float} or None
        Of what a range is; None where the values are no numbers, or not drawn from.

    Returns
    -------
    callable
        For argparse, which names it where it raises a ValueError of its own.
    """

    def read_either(text: str) -> Any:
        if number is not None and ":" in text:
            return read_range(text, number)
        if looks_like_range(text):
            raise argparse.ArgumentTypeError(f"takes no range, got {text!r}")
        return read(text)

    read_either.__name__ = read.__name__
    return read_either


def read_range(text: str, number: type[int] | type[float] | None = None) -> Span:
    """Read LOW:HIGH or LOW:HIGH:log.

    Parameters
    ----------
    text : str
        What was typed.
    number : {int, float} or None, default=None
        What the bounds are; None for ints where both are, else floats.

    Returns
    -------
    Span
        The range.
    """
    *bounds, last = text.split(":")
    log = len(bounds) == 2 and last.lower() == "log"
    if not log:
        bounds.append(last)
    numbers: Sequence[float] | None = None if number is float else _ints(bounds)
    if numbers is None and number is not int:
        numbers = _finite(bounds)
    if numbers is None or len(numbers) != 2:
        example = "1e-4:1e-1:log" if number is float else "16:512"
        kind = "ints" if number is int else "numbers"
        raise argparse.ArgumentTypeError(
            f"expected a range of {kind} LOW:HIGH or LOW:HIGH:log, such as {example}, "
            f"got {text!r}"
        )
    low, high = numbers
    if not low < high:
        raise argparse.ArgumentTypeError(
            f"expected a range LOW:HIGH with LOW below HIGH, got {text!r}"
        )
    if log and low <= 0:
        raise argparse.ArgumentTypeError(
            f"a range by logarithms (:log) begins above 0, got {text!r}"
        )
    return Span(low, high, log)


def _ints(bounds: list[str]) -> list[int] | None:
    try:
        return [int(bound) for bound in bounds]
    except ValueError:
        return None


def _finite(bounds: list[str]) -> list[float] | None:
    try:
        numbers = [float(bound) for bound in bounds]
    except ValueError:
        return None
    return numbers if all(map(math.isfinite, numbers)) else None


def name_of_range(parameters: Mapping[str, Any]) -> str | None:
    """Return the first parameter that has a range; None without any.

    Parameters
    ----------
    parameters : mapping
        A value for each name, or a list of them.
    """
    for name, values in parameters.items():
        several = values if isinstance(values, list) else [values]
        if any(isinstance(value, Span) for value in several):
            return name
    return None
