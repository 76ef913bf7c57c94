"""Samples of networks with several inputs and outputs: nests of arrays.

A nest is one array, or a list, tuple or dict of nests: what the network takes and
gives. Those of its first axis are the rows, as many in each array.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import sknn_mnist.networks._quiet_start  # noqa: F401  before Keras

# isort: split
import keras

__all__ = [
    "Nest",
    "as_tuples",
    "each_of",
    "is_same_form",
    "leaves_of",
    "n_rows_of",
    "rows_of",
]

Nest: TypeAlias = Any

_KINDS = (list, tuple, dict)


def each_of(function: Callable[..., Any], *nests: Nest) -> Nest:
    """Return a nest of what a function gives for the leaves of others, of one form."""
    if not isinstance(nests[0], _KINDS):  # as it mostly is, so that it costs nothing
        return function(*nests)
    return keras.tree.map_structure(function, *nests)


def leaves_of(nest: Nest) -> list[Any]:
    """Return what a nest holds, in Keras's order: dicts by their sorted keys."""
    return keras.tree.flatten(nest) if isinstance(nest, _KINDS) else [nest]


def n_rows_of(nest: Nest) -> int:
    """Return how many rows each array of a nest has."""
    return len(leaves_of(nest)[0])


def rows_of(nest: Nest, rows: Any) -> Nest:
    """Return chosen rows of all arrays: a slice or numbers."""
    return each_of(lambda each: each[rows], nest)


def as_tuples(nest: Nest) -> Nest:
    """Return a nest with tuples in the place of lists, as `keras.Model.fit` makes it.

    A network whose own code asks for the kind finds the same here.
    """
    if isinstance(nest, list | tuple):
        return tuple(as_tuples(each) for each in nest)
    if isinstance(nest, dict):
        return {name: as_tuples(each) for name, each in nest.items()}
    return nest


def is_same_form(one: Nest, other: Nest) -> bool:
    """Tell whether two nests hold their leaves in the same way; lists are tuples."""
    forms = [each_of(lambda _: None, as_tuples(nest)) for nest in (one, other)]
    return bool(forms[0] == forms[1])
