"""Words of messages: what an error said, on one line; how many of a thing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

__all__ = ["and_more", "counted", "first_line", "one_line"]


def and_more(told: Sequence[str], most: int) -> str:
    """Return the first of many things, and how many more there are."""
    more = f" and {len(told) - most} more" if len(told) > most else ""
    return ", ".join(told[:most]) + more


def counted(number: int, what: str) -> str:
    """Return how many of a thing there are, with its plural."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def first_line(err: BaseException) -> str:
    """Return the first line of an error's message; its class where it says nothing."""
    return (str(err).strip() or type(err).__name__).splitlines()[0]


def one_line(said: Any, most: int | None = None) -> str:
    """Return a message with its lines joined by spaces.

    Parameters
    ----------
    said : object
        The message, or the error.
    most : int or None, default=None
        Characters to cut it after, with an ellipsis; None for no limit.

    Returns
    -------
    str
        Empty where nothing was said.
    """
    text = " ".join(str(said).split())
    return text if most is None or len(text) <= most else text[:most] + "..."
