"""Keys that are equal for the same arrays, and for the same trainings."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import xxhash

from sknn_mnist._row_views import RowView
from sknn_mnist.networks._conditions import versions
from sknn_mnist.networks._recipes import NetworkRecipe

__all__ = ["digest", "training_key"]


def training_key(
    recipe: NetworkRecipe,
    arrays: Sequence[Any],
    validation_data: Sequence[Any] | None,
    *,
    batch_size: int,
    shuffle: bool,
    seed: int,
    validation_batch_size: int | None = None,
) -> str:
    """Return a key that is equal only for trainings that go through the same states.

    It covers all that takes part but the number of epochs: network, optimizer, loss,
    metrics, settings of the process (`recipe.key` has them), seeds or initial values,
    batches, the data to the byte, and the versions that compute. Not the machine:
    results of other processors, or other numbers of threads, agree within rounding.

    Parameters
    ----------
    recipe : NetworkRecipe
        The network; its `key` must not be None.
    arrays : sequence of ndarray or None
        Samples, targets, weights; several arrays each as a list, tuple or dict.
    validation_data : sequence of ndarray or None
        The same, held out.
    batch_size, shuffle, seed, validation_batch_size : int, bool, int, int or None
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
        # Nothing where there is nothing, so that keys stay what they were.
        *(
            ()
            if recipe.initial is None
            else [[digest(each) for each in recipe.initial]]
        ),
        *(() if validation_batch_size is None else [int(validation_batch_size)]),
    )
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def digest(array: Any) -> Any:
    """Return a key that is equal only for arrays of equal dtype, shape and values.

    Parameters
    ----------
    array : ndarray or RowView, or list, tuple or dict of these, or None
        Lists and tuples are alike; dicts are, in whatever order.

    Returns
    -------
    object
        Its `repr` is the same in every process.
    """
    # Not cryptographic, since nobody attacks data of their own: some ten times
    # faster than SHA-256, so that it costs little beside the shortest epoch.
    if array is None:
        return None
    if isinstance(array, list | tuple):
        return [digest(each) for each in array]
    if isinstance(array, dict):
        return {"dict": [(name, digest(array[name])) for name in sorted(array)]}
    if isinstance(array, RowView):
        # As of an array of the same values, which a view of one may be.
        told, parts = array.identity()
        found = xxhash.xxh3_128()
        for block in parts:
            found.update(_bytes_of(block))
        return *told, found.hexdigest()
    return array.dtype.str, array.shape, xxhash.xxh3_128_hexdigest(_bytes_of(array))


def _bytes_of(array: np.ndarray) -> memoryview:
    # As bytes, since 16-bit floats of other formats have no buffer.
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8).data
