"""Keys that are equal for the same arrays, and for the same trainings."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import xxhash

from sknn_mnist.networks._conditions import versions
from sknn_mnist.networks._recipes import NetworkRecipe

__all__ = ["digest", "training_key"]


def training_key(
    recipe: NetworkRecipe,
    arrays: Sequence[np.ndarray | None],
    validation_data: Sequence[np.ndarray | None] | None,
    *,
    batch_size: int,
    shuffle: bool,
    seed: int,
) -> str:
    """Return a key that is equal only for trainings that go through the same states.

    It covers all that takes part but the number of epochs: network, optimizer, loss,
    metrics, settings of the process (`recipe.key` has them), seeds, batches, the data
    to the byte, and the versions that compute. Not the machine: results of other
    processors, or other numbers of threads, agree within rounding.

    Parameters
    ----------
    recipe : NetworkRecipe
        The network; its `key` must not be None.
    arrays : sequence of ndarray or None
        Samples, targets, weights.
    validation_data : sequence of ndarray or None
        The same, held out.
    batch_size, shuffle, seed : int, bool, int
        As in a training's plan.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    parts = (
        *(each for named in versions().items() for each in named),
        (recipe.key, recipe.initial_learning_rate, recipe.seed),
        (int(batch_size), bool(shuffle), int(seed)),
        [digest(each) for each in arrays],
        None if validation_data is None else [digest(each) for each in validation_data],
    )
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def digest(array: np.ndarray | None) -> Any:
    """Return a key that is equal only for arrays of equal dtype, shape and values."""
    # Not cryptographic, since nobody attacks data of their own: some ten times
    # faster than SHA-256, so that it costs little beside the shortest epoch.
    if array is None:
        return None
    hexdigits = xxhash.xxh3_128_hexdigest(np.ascontiguousarray(array).data)
    return array.dtype.str, array.shape, hexdigits
