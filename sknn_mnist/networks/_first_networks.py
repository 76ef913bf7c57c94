"""The network that a fit of a user's own begins with, and what is read off it.

Made once for equal calls of a function that does the same each time.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import sknn_mnist.networks._quiet_start  # noqa: F401  before Keras

# isort: split
import keras
import numpy as np

from sknn_mnist.networks._compile_settings import Compiled, compiled_by
from sknn_mnist.networks._conditions import conditions
from sknn_mnist.networks._heads import Heads, heads_of
from sknn_mnist.networks._input_specs import declared_inputs, taken_spec
from sknn_mnist.networks._keras_fingerprints import NotOwnError
from sknn_mnist.networks._model_changes import layers_of
from sknn_mnist.networks._own_networks import recognised, values_of
from sknn_mnist.networks._pure_functions import exact_key, purity_key

__all__ = ["FirstNetwork", "clear_first_networks", "read_off", "remembered"]

# Most networks remembered, and most bytes of their initial values.
MAX_NETWORKS, MAX_BYTES = 32, 64 * 2**20

_lock = threading.Lock()
_known: OrderedDict[Any, FirstNetwork] = OrderedDict()  # the last used at the end


@dataclass(frozen=True)
class FirstNetwork:
    """What is read off a network of the user's own.

    Attributes
    ----------
    spec : tf.TensorSpec, or list, tuple or dict of them
        What it takes, as `taken_spec` gives it.
    heads : Heads
        What it gives.
    compiled : Compiled or None
        What it was compiled with, None if it was not.
    policy : str
        Its dtype policy.
    computes_in : frozenset of str
        The dtypes that its layers compute in.
    known : (str, Mapping) or None
        The kind and config that make it again, None where none do.
    values : tuple of ndarray
        The values of its variables.
    network : keras.Model or None
        Itself, where none make it again.
    """

    spec: Any
    heads: Heads
    compiled: Compiled | None
    policy: str
    computes_in: frozenset[str]
    known: tuple[str, Mapping[str, Any]] | None
    values: tuple[np.ndarray, ...]
    network: keras.Model | None

    @property
    def n_bytes(self) -> int:
        """Bytes of its values."""
        return sum(each.nbytes for each in self.values)


def read_off(network: keras.Model, x: Any, owner: str) -> FirstNetwork:
    """Return what there is to know of a network.

    Parameters
    ----------
    network : keras.Model
        Built.
    x : ndarray, or list, tuple or dict of them
        Rows that it is to take.
    owner : str
        Name of the estimator, for messages.

    Raises
    ------
    ValueError
        When it does not take such rows.
    """
    spec = taken_spec(x, declared_inputs(network), owner)
    compiled = compiled_by(network)
    known = recognised(network)
    if compiled is not None and not compiled.is_copied:
        known = None  # it can't be compiled again
    return FirstNetwork(
        spec,
        heads_of(network, spec),
        compiled,
        network.dtype_policy.name,
        frozenset(each.compute_dtype for each in layers_of(network)),
        known,
        () if known is None else values_of(network),
        network if known is None else None,
    )


def remembered(
    function: Callable[..., Any],
    arguments: Mapping[str, Any],
    others: Any,
    make: Callable[[], FirstNetwork],
) -> FirstNetwork:
    """Return what an equal call of a function made, or what it makes now.

    Parameters
    ----------
    function : callable
        Makes a network.
    arguments : Mapping
        Its keyword arguments.
    others : object
        Hashable; what the network depends on besides.
    make : callable
        Calls the function.
    """
    key = _key_of(function, arguments, others)
    with _lock:
        if key in _known:
            _known.move_to_end(key)
            return _known[key]
    made = make()
    if key is not None and made.known is not None:
        with _lock:
            _known[key] = made
            while len(_known) > MAX_NETWORKS or (
                sum(each.n_bytes for each in _known.values()) > MAX_BYTES
            ):
                _known.popitem(last=False)
    return made


def clear_first_networks() -> None:
    """Free their memory."""
    with _lock:
        _known.clear()


def _key_of(function: Any, arguments: Mapping[str, Any], others: Any) -> Any:
    pure = purity_key(function)
    if pure is None:
        return None
    try:
        return pure, exact_key(dict(arguments)), others, conditions()
    except NotOwnError:
        return None
