"""The memory that Keras objects of a saved parameter take, known before they are made.

A few bytes of a file can name a metric of gigabytes: `AUC` by its thresholds, `MeanIoU`
by the square of its classes. Networks are measured elsewhere, against their arrays.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["check_routes", "check_size"]

# Bytes per threshold (of each label), with those of the Python lists in between; per
# pair of classes; and per pass of Muon over the weights in a step.
THRESHOLD_BYTES = 128
PAIR_BYTES = 32
PASS_BYTES = 65_536

THRESHOLDS = 200

# Of any object, with its variables of a few numbers.
OBJECT_BYTES = 65_536

# Of all objects of a parameter.
MOST_BYTES = 32 * 2**20

# Objects that get the arguments of a prefix, at least as many as a function makes.
ROUTED_OBJECTS = 64

# Parameters whose strings are objects, however many there are.
_NAMING = {
    *("metrics", "weighted_metrics", "compile__weighted_metrics"),
    *("callbacks", "fit__callbacks"),
}


def check_size(name: str, stored: Any) -> None:
    """Refuse a parameter whose objects would take more than they can be worth.

    Parameters
    ----------
    name : str
        The parameter.
    stored : object
        Its value as JSON, from `value_to_json` or from a file.

    Raises
    ------
    ValueError
        When they would.
    """
    _check_bytes(
        name,
        sum(_bytes_of(each, of_names=name in _NAMING) for each in _all_within(stored)),
    )


def check_routes(stored: Mapping[str, Any]) -> None:
    """Refuse arguments by names with a prefix that would make too large objects.

    Parameters
    ----------
    stored : Mapping
        Parameters as JSON, by name. What is given as ``metrics__num_thresholds`` goes
        to any metric, those that a function names among them.

    Raises
    ------
    ValueError
        When they would.
    """
    for name in ("optimizer", "loss", "metrics"):
        routes = [
            [route.rpartition("__")[2], value]
            for route, value in stored.items()
            if route.startswith(f"{name}__")
        ]
        if routes:
            objects = sum(
                _bytes_of(each, of_names=True) > 0
                for each in _all_within(stored.get(name))
            )
            each = _bytes_of({"dict": [["class_name", name], *routes]}, of_names=False)
            _check_bytes(f"{name}__", each * max(objects, ROUTED_OBJECTS))


def _check_bytes(name: str, needed: int) -> None:
    if needed > MOST_BYTES:
        raise ValueError(
            f"Keras would make objects of {needed / 2**20:,.0f} MB for {name}, and "
            f"{MOST_BYTES / 2**20:,.0f} MB is what a file may ask for"
        )


def _all_within(stored: Any) -> Iterator[Any]:
    """Yield a value and all values in it, without recursion."""
    left = [stored]
    while left:
        value = left.pop()
        yield value
        if isinstance(value, dict):
            left.extend(value.values())
        elif isinstance(value, list):
            left.extend(value)


def _bytes_of(value: Any, of_names: bool) -> int:
    if isinstance(value, str):
        return OBJECT_BYTES if of_names else 0
    if not isinstance(value, dict):
        return 0
    if not {"object", "name"}.isdisjoint(value):
        return OBJECT_BYTES
    pairs = value.get("dict")
    if not isinstance(pairs, list):
        return 0
    given = dict(each for each in pairs if _is_pair(each))
    size = {name: _number(each) for name, each in given.items()}
    thresholds = max(size.get("num_thresholds", 0), size.get("thresholds", 0))
    if thresholds == 0 and "num_labels" in size:
        thresholds = THRESHOLDS  # what Keras takes where none are given
    return (
        (OBJECT_BYTES if "class_name" in given else 0)
        + THRESHOLD_BYTES * thresholds * max(size.get("num_labels", 1), 1)
        + PAIR_BYTES * size.get("num_classes", 0) ** 2
        + PASS_BYTES * size.get("ns_steps", 0)
    )


def _is_pair(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and isinstance(value[0], str)


def _number(value: Any) -> int:
    """Return the size that an argument may mean."""
    if isinstance(value, dict):  # a tuple
        value = value.get("tuple")
    if isinstance(value, list):
        return len(value)
    if isinstance(value, int):
        return abs(value)
    if isinstance(value, float):
        # Of infinity and NaN nothing can be made.
        return int(abs(value)) if abs(value) < 2**63 else 0
    return 0
