"""Compiled networks kept between fits.

A fit borrows a network, and nobody else has it until it comes back. What the fit
leaves behind are arrays: no estimator holds a network of the pool.
"""

from __future__ import annotations

import gc
import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sknn_mnist.networks._quiet_start  # noqa: F401  before Keras

# isort: split
import tensorflow as tf

from sknn_mnist.engine._forward import clear_forwards
from sknn_mnist.engine._loop import FusedNetwork
from sknn_mnist.engine._network_state import State, set_state
from sknn_mnist.engine._processes import take_share_of_cores, take_share_of_gpus
from sknn_mnist.engine._tensor_cache import clear_tensor_cache
from sknn_mnist.networks._forks import check_not_forked
from sknn_mnist.networks._initial_values import initial_values
from sknn_mnist.networks._keras_private import forget_kernels
from sknn_mnist.networks._recipes import NetworkRecipe

__all__ = ["borrow", "clear_network_pool", "give_up"]

# Before anything is computed: from then on TensorFlow keeps its number of threads.
take_share_of_cores()
take_share_of_gpus()

# Most idle networks kept, and most bytes of their variables: a search tries fewer
# shapes than that at a time.
MAX_NETWORKS = 16
MAX_BYTES = 256 * 2**20

# What is left of networks that were given up is freed once per so many of them: it
# takes some tenths of a second, as long as making a network.
FREE_EVERY = 8

_OUT_OF_MEMORY = (MemoryError, tf.errors.ResourceExhaustedError)

_lock = threading.Lock()
_idle: list[tuple[Any, FusedNetwork]] = []  # the last used at the end
_given_up = itertools.count(1)


def clear_network_pool() -> None:
    """Give back the memory of the compiled networks and the data kept for later fits.

    Fitted estimators are not touched: they own what they need. The next fit and the
    next prediction of each shape compile anew, some tenths of a second each.

    Examples
    --------
    >>> import sknn_mnist
    >>> sknn_mnist.clear_network_pool()
    """
    with _lock:
        _idle.clear()
    clear_forwards()
    clear_tensor_cache()
    forget_kernels()


@contextmanager
def borrow(
    recipe: NetworkRecipe, state: State | None, keep: bool = False
) -> Iterator[FusedNetwork]:
    """Lend a network of the recipe, in `state` or, if None, its seed's initial state.

    It comes back to the pool when the block ends, unless the borrower means to `keep`
    it: then it is a new one. It comes back when the block raises, too, since all that
    training changes is set anew when it is next lent; but not where something of it
    was only half made, or memory ran out.
    """
    check_not_forked()
    known = recipe.key
    key = None if keep else known
    fused = None
    try:
        kept = _take(key)
        fused = kept or FusedNetwork(recipe.new_network(), keep, known is not None)
        if kept is not None or state is not None:
            _set(fused, recipe, state)
        yield fused
    except BaseException as err:
        if fused is None or not fused.is_whole or isinstance(err, _OUT_OF_MEMORY):
            key = None
        raise
    finally:
        if key is None or fused is None:
            give_up()
        else:
            _put(key, fused)


def give_up(n_networks: int = 1) -> None:
    """Count networks that will not be lent again, and free what is left of some.

    TensorFlow keeps something of each, and their graphs are reference cycles holding
    memory that Python's collector does not know of, so it would come too late.
    """
    for _ in range(n_networks):
        if next(_given_up) % FREE_EVERY == 0:
            gc.collect()
            forget_kernels()


def _set(fused: FusedNetwork, recipe: NetworkRecipe, state: State | None) -> None:
    """Put all that training changes to what a new network would have."""
    if state is not None and "optimizer" in state:
        set_state(fused.network, state)
        return
    values = (
        initial_values(fused.network, fused.initial["network"], recipe.seed)
        if state is None
        else state["network"]
    )
    set_state(
        fused.network, {"network": values, "optimizer": fused.initial["optimizer"]}
    )
    if recipe.initial_learning_rate is not None:
        fused.network.optimizer.learning_rate = recipe.initial_learning_rate


def _take(key: Any) -> FusedNetwork | None:
    with _lock:
        for place in reversed(range(len(_idle))):
            if key is not None and _idle[place][0] == key:
                return _idle.pop(place)[1]
    return None


def _put(key: Any, fused: FusedNetwork) -> None:
    n_given_up = 0
    with _lock:
        _idle.append((key, fused))
        while len(_idle) > MAX_NETWORKS or (
            len(_idle) > 1 and sum(each.n_bytes for _, each in _idle) > MAX_BYTES
        ):
            _idle.pop(0)
            n_given_up += 1
    give_up(n_given_up)  # outside of the lock: finalizers may run anything
