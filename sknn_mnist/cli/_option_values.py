"""How the values of options are read."""

from __future__ import annotations

import argparse
from collections.abc import Callable

__all__ = [
    "read_augmentation",
    "read_bool",
    "read_factor",
    "read_folds",
    "read_fraction",
    "read_held_out",
    "read_image_size",
    "read_ints",
    "read_jobs",
    "read_layers",
    "read_minutes",
    "read_path",
    "read_positive",
    "read_rate",
    "read_rescaling",
    "read_seed",
    "read_size",
    "read_tolerance",
]


def read_bool(text: str) -> bool:
    """Read true or false."""
    known = {"true": True, "false": False}
    if text.lower() not in known:
        raise argparse.ArgumentTypeError(f"expected true or false, got {text!r}")
    return known[text.lower()]


def read_ints(text: str) -> int | tuple[int, ...]:
    """Read an int, or several joined by commas as a tuple."""
    try:
        numbers = tuple(int(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"expected an int such as 32, or ints joined by commas such as 32,32, "
            f"got {text!r}"
        ) from None
    return numbers if "," in text else numbers[0]


def read_layers(text: str) -> int | tuple[int, ...]:
    """Read sizes of layers; "none" means no layer."""
    return () if text.lower() == "none" else read_ints(text)


def read_rate(text: str) -> float | None:
    """Read a float; "none" leaves the rate to the optimizer."""
    if text.lower() == "none":
        return None
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"expected a number such as 0.001, or none, got {text!r}"
        ) from None


def read_path(text: str) -> str:
    """Read a path, which may be any text that can be one."""
    if not text or "\0" in text:
        raise argparse.ArgumentTypeError(f"expected a path, got {text!r}")
    return text


def _number(text: str, fits: Callable[[float], bool], wanted: str) -> float:
    try:
        number = float(text)
        if not fits(number):
            raise ValueError
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"expected a number {wanted}, got {text!r}"
        ) from None
    return number


def _int_between(low: int, high: int | None, text: str) -> int:
    try:
        number = int(text)
        if number < low or (high is not None and number > high):
            raise ValueError
    except ValueError:
        allowed = f"of at least {low}" if high is None else f"from {low} to {high}"
        raise argparse.ArgumentTypeError(
            f"expected an int {allowed}, got {text!r}"
        ) from None
    return number


def read_positive(text: str) -> int:
    """Read an int of at least 1."""
    return _int_between(1, None, text)


def read_folds(text: str) -> int:
    """Read a number of folds."""
    return _int_between(2, None, text)


def read_factor(text: str) -> int:
    """Read the factor of a search by halving, or by Hyperband."""
    return _int_between(2, None, text)


def read_minutes(text: str) -> float:
    """Read a finite number above 0."""
    return _number(text, lambda it: 0 < it < float("inf"), "above 0, such as 5 or 0.5")


def read_size(text: str) -> int:
    """Read a size with a unit, in bytes."""
    from joblib.disk import memstr_to_bytes

    try:
        size: int = memstr_to_bytes(text)
        if size < 0:
            raise ValueError
    except (ValueError, IndexError, OverflowError):
        raise argparse.ArgumentTypeError(
            f"expected a size such as 500M or 2G, got {text!r}"
        ) from None
    return size


def read_jobs(text: str) -> int:
    """Read a number of processes; -1 means one per core."""
    # joblib refuses zero.
    return -1 if text == "-1" else read_positive(text)


def read_seed(text: str) -> int:
    """Read a seed."""
    return _int_between(0, 2**32 - 1, text)  # what NumPy takes


def read_fraction(text: str) -> float:
    """Read a part of all rows: more than none, and less than all."""
    return _number(text, lambda it: 0 < it < 1, "between 0 and 1, such as 0.2")


def read_held_out(text: str) -> float:
    """Read a part of all rows that may be none, but not all."""
    wanted = "from 0 to less than 1, such as 0.1"
    return _number(text, lambda it: 0 <= it < 1, wanted)


def read_tolerance(text: str) -> float:
    """Read a finite number that is not negative."""
    wanted = "of at least 0, such as 0.001"
    return _number(text, lambda it: 0 <= it < float("inf"), wanted)


def read_image_size(text: str) -> tuple[int, ...]:
    """Read HEIGHTxWIDTH, or HEIGHTxWIDTHxCHANNELS, as a tuple."""
    sides = text.lower().replace("×", "x").split("x")
    try:
        size = tuple(int(side) for side in sides)
        if len(size) not in (2, 3) or min(size) < 1:
            raise ValueError
    except ValueError:
        raise argparse.ArgumentTypeError(
            "expected HEIGHTxWIDTH, such as 28x28, or HEIGHTxWIDTHxCHANNELS, such as "
            f"28x28x1 for grey and 28x28x3 for colours, got {text!r}"
        ) from None
    return size


def read_augmentation(text: str) -> str | tuple[str, ...] | None:
    """Read a name, or several joined by commas as a tuple; "none" means none."""
    if text.lower() == "none":
        return None
    names = tuple(part.strip() for part in text.split(","))
    return names if len(names) > 1 else names[0]


def read_rescaling(text: str) -> str | float | None:
    """Read a number, or one over another; or "auto", or "none"."""
    if text.lower() in ("auto", "none"):
        return "auto" if text.lower() == "auto" else None
    above, _, below = text.partition("/")
    try:
        return float(above) / float(below or 1)
    except (ValueError, ZeroDivisionError):
        raise argparse.ArgumentTypeError(
            f"expected a number such as 1/255 or 0.1, auto or none, got {text!r}"
        ) from None
