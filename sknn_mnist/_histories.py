"""Values of losses and metrics, as logs and histories hold them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

__all__ = ["float_or_vector", "plain_history", "plain_logs"]


def float_or_vector(value: Any) -> Any:
    """Return what a loss or metric gave: a number as a float, else an array.

    Some metrics give a vector, one value per class.
    """
    array = np.asarray(value)
    return float(array) if array.ndim == 0 else array


def plain_logs(logs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the logs of one epoch with each value as `float_or_vector` gives it."""
    return {name: float_or_vector(value) for name, value in logs.items()}


def plain_history(history: Mapping[str, Iterable[Any]]) -> dict[str, list[Any]]:
    """Return a history with each value as `float_or_vector` gives it."""
    return {
        name: [float_or_vector(value) for value in values]
        for name, values in history.items()
    }
