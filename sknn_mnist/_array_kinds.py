"""What an array or a variable is like: shape and dtype."""

from __future__ import annotations

from typing import Any

__all__ = ["ArrayKind", "kind_of"]

ArrayKind = tuple[tuple[int, ...], str]


def kind_of(array: Any) -> ArrayKind:
    """Return shape and dtype, equal for a variable and for an array of its value."""
    return tuple(array.shape), str(array.dtype)
