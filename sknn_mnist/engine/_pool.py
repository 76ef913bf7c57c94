"""Compiled networks kept between fits.

A fit borrows a network, and nobody else has it until it comes back. What the fit
leaves behind are arrays: no estimator holds a network of the pool.
"""

from __future__ import annotations

import gc
import itertools
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from weakref import WeakValueDictionary

import sknn_mnist.networks._quiet_start  # noqa: F401  before Keras

# isort: split
import keras
import numpy as np
import tensorflow as tf

from sknn_mnist.engine._compiled import Traces
from sknn_mnist.engine._forward import clear_forwards
from sknn_mnist.engine._loop import FusedNetwork
from sknn_mnist.engine._network_state import State, set_state
from sknn_mnist.engine._processes import take_share_of_cores, take_share_of_gpus
from sknn_mnist.engine._tensor_cache import clear_tensor_cache
from sknn_mnist.networks._first_networks import clear_first_networks
from sknn_mnist.networks._forks import check_not_forked
from sknn_mnist.networks._initial_values import InitialValues
from sknn_mnist.networks._keras_private import forget_kernels
from sknn_mnist.networks._recipes import NetworkRecipe

__all__ = ["borrow", "clear_network_pool", "give_up", "trains_by_keras"]

# Before anything is computed: from then on TensorFlow keeps its number of threads.
take_share_of_cores()
take_share_of_gpus()

# Most idle networks kept, and most bytes of their variables: a search tries fewer
# shapes than that at a time.
MAX_NETWORKS = 16
MAX_BYTES = 256 * 2**20

# Most keys of which it is known who trains; some hundred bytes each.
MAX_KEYS = 256

# What is left of networks that were given up is freed once per so many of them: it
# takes some tenths of a second, as long as making a network.
FREE_EVERY = 8

_OUT_OF_MEMORY = (MemoryError, tf.errors.ResourceExhaustedError)


class _Pooled:
    """A network of the pool or on its way there.

    Parameters
    ----------
    key : object
        None for one that is never shared.
    fused : FusedNetwork
        The network.
    recipe : NetworkRecipe
        That it was made by.
    """

    def __init__(self, key: Any, fused: FusedNetwork, recipe: NetworkRecipe) -> None:
        self.key = key
        self.fused = fused
        self._by_seed: InitialValues | None = None
        if recipe.initial is None:
            self._know(recipe.seed, fused.initial["network"])

    def initial_values(self, recipe: NetworkRecipe) -> Sequence[np.ndarray]:
        """Return the values that a network of a recipe starts with."""
        if recipe.initial is not None:
            return recipe.initial

        def build() -> keras.Model:
            give_up()  # it will not be lent
            return recipe.new_network(compiled=False)

        if self._by_seed is None:  # what made this one drew nothing by a seed
            built = [np.asarray(each.value.read_value()) for each in build().variables]
            self._know(recipe.seed, built)
        assert self._by_seed is not None
        return self._by_seed.by(recipe.seed, build)

    def _know(self, seed: int, values: Sequence[np.ndarray]) -> None:
        self._by_seed = InitialValues(self.fused.network, seed, values)


_lock = threading.Lock()
_idle: list[_Pooled] = []  # the last used at the end
_traces: WeakValueDictionary[Any, Traces] = WeakValueDictionary()  # by key
_by_keras: OrderedDict[Any, bool] = OrderedDict()  # by key
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
        _traces.clear()
    clear_forwards()
    clear_first_networks()
    clear_tensor_cache()
    forget_kernels()


@contextmanager
def borrow(
    recipe: NetworkRecipe, state: State | None, keep: bool = False
) -> Iterator[FusedNetwork]:
    """Lend a network of the recipe, in `state` or, if None, its initial state.

    It comes back to the pool when the block ends, unless the borrower means to `keep`
    it, or `keras.Model.fit` must train it: then it is a new one. It comes back when
    the block raises, too, since all that training changes is set anew when it is next
    lent; but not where something of it was only half made, or memory ran out.
    """
    check_not_forked()
    known = recipe.key
    key = None if keep else known
    comes_back = key is not None
    pooled = None
    try:
        found = _take(key)
        pooled = found or _new(recipe, key, keep, known is not None)
        if pooled.fused.needs_keras_fit:
            comes_back = False
        if not (found is None and state is None and recipe.initial is None):
            _set(pooled, recipe, state)
        yield pooled.fused
    except BaseException as err:
        if (
            pooled is None
            or not pooled.fused.is_whole
            or isinstance(err, _OUT_OF_MEMORY)
        ):
            comes_back = False
        raise
    finally:
        if pooled is None or not comes_back:
            give_up()
        else:
            _put(pooled)


def trains_by_keras(recipe: NetworkRecipe) -> bool:
    """Tell whether `keras.Model.fit` must train the networks of a recipe.

    A network tells, made where none of this key was borrowed before.
    """
    key = recipe.key
    with _lock:
        known = _by_keras.get(key)
    if key is not None and known is not None:
        return known
    with borrow(recipe, None) as fused:
        return fused.needs_keras_fit


def give_up(n_networks: int = 1) -> None:
    """Count networks that will not be lent again, and free what is left of some.

    TensorFlow keeps something of each, and their graphs are reference cycles holding
    memory that Python's collector does not know of, so it would come too late.
    """
    for _ in range(n_networks):
        if next(_given_up) % FREE_EVERY == 0:
            gc.collect()
            forget_kernels()


def _new(recipe: NetworkRecipe, key: Any, keep: bool, own: bool) -> _Pooled:
    traces = None
    if key is not None:
        with _lock:
            traces = _traces.setdefault(key, Traces())
    fused = FusedNetwork(recipe.new_network(), keep, own, traces)
    if key is not None:
        with _lock:
            _by_keras[key] = fused.needs_keras_fit
            while len(_by_keras) > MAX_KEYS:
                _by_keras.popitem(last=False)
    return _Pooled(key, fused, recipe)


def _set(pooled: _Pooled, recipe: NetworkRecipe, state: State | None) -> None:
    """Put all that training changes to what a new network would have."""
    fused = pooled.fused
    if state is not None and "optimizer" in state:
        set_state(fused.network, state)
        return
    values = pooled.initial_values(recipe) if state is None else state["network"]
    set_state(
        fused.network,
        {"network": list(values), "optimizer": fused.initial["optimizer"]},
    )
    if recipe.initial_learning_rate is not None:
        fused.network.optimizer.learning_rate = recipe.initial_learning_rate


def _take(key: Any) -> _Pooled | None:
    with _lock:
        for place in reversed(range(len(_idle))):
            if key is not None and _idle[place].key == key:
                return _idle.pop(place)
    return None


def _put(pooled: _Pooled) -> None:
    n_given_up = 0
    with _lock:
        _idle.append(pooled)
        while len(_idle) > MAX_NETWORKS or (
            len(_idle) > 1 and sum(each.fused.n_bytes for each in _idle) > MAX_BYTES
        ):
            _idle.pop(0)
            n_given_up += 1
    give_up(n_given_up)  # outside of the lock: finalizers may run anything
