"""Checks of parameters that several functions of this wing have."""

from __future__ import annotations

from typing import Any

from sknn_mnist._parameters import as_finite_float, invalid

__all__ = ["check_finite"]


def check_finite(name: str, value: Any, owner: str) -> float:
    number = as_finite_float(value)
    if number is None:
        raise invalid(name, owner, "a finite number", value)
    return number
