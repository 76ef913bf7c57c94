"""Networks of the user's own: made by a function, of a model, or again by their config.

What makes a network of Keras's own layers is its config, whoever built it: so it is
made again by that, and is known by it to the pool and the memory. One that holds code
of the user's own, or more than its config says, is made again by whoever made it.
"""

from __future__ import annotations

import copy
import inspect
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from weakref import WeakValueDictionary

import sknn_mnist.networks._quiet_start  # noqa: F401  before Keras

# isort: split
import keras
import numpy as np

from sknn_mnist._messages import first_line
from sknn_mnist.networks._input_specs import symbols_of
from sknn_mnist.networks._isolation import isolated
from sknn_mnist.networks._keras_contents import KINDS as KINDS_OF_OBJECTS
from sknn_mnist.networks._keras_copies import copy_of
from sknn_mnist.networks._keras_fingerprints import NotOwnError, fingerprint
from sknn_mnist.networks._keras_private import FUNCTIONAL, forget_kernels
from sknn_mnist.networks._model_changes import Origin, Structure

__all__ = [
    "Ready",
    "check_new",
    "copied_network",
    "made_by_function",
    "made_from_config",
    "recognised",
    "values_of",
]

# Classes of networks that their config describes, by the names that options have.
KINDS: dict[str, Any] = {"Sequential": keras.Sequential, "Functional": FUNCTIONAL}

# Most networks whose structure is remembered, to compare others of the same config.
MAX_STRUCTURES = 64

_lock = threading.Lock()
# Variables of functions' networks that fits have trained, by their ids.
_handed_out: WeakValueDictionary[int, Any] = WeakValueDictionary()
_structures: OrderedDict[Any, tuple[Structure, list[type]]] = OrderedDict()


class Ready:
    """A network that was made already, for the first who needs one of its recipe.

    Copies and pickles of it are empty.
    """

    def __init__(self, network: keras.Model | None = None) -> None:
        self._networks = [] if network is None else [network]

    def take(self) -> keras.Model | None:
        """Return the network, once."""
        return self._networks.pop() if self._networks else None

    def __reduce__(self) -> Any:
        return Ready, ()


def made_by_function(
    *,
    function: Callable[..., Any],
    arguments: Mapping[str, Any],
    spec: Any,
    dtype: str | None,
    seed: int,
    ready: Ready | None = None,
) -> keras.Model:
    """Return what a function of the user's own makes, built.

    Parameters
    ----------
    function : callable
        Returns a keras.Model, compiled or not.
    arguments : Mapping
        Its keyword arguments.
    spec : tf.TensorSpec, or a list, tuple or dict of them
        What the network will be called on, to build one that was not built.
    dtype : str or None
        Keras's dtype policy while it is made; None for the one that is set.
    seed : int
        Of the global generators while it is made.
    ready : Ready or None, default=None
        Whose network is taken, if it has one.

    Raises
    ------
    TypeError
        When the function returns something else.
    """
    network = None if ready is None else ready.take()
    if network is not None:
        return network
    made = _called(function, arguments, spec, dtype, seed)
    if made is None:
        # An operation of TensorFlow's drew its seed, and its kernel goes on from call
        # to call, unless it is new.
        forget_kernels()
        made = _called(function, arguments, spec, dtype, seed, again=True)
    assert made is not None
    return made


def _called(
    function: Callable[..., Any],
    arguments: Mapping[str, Any],
    spec: Any,
    dtype: str | None,
    seed: int,
    again: bool = False,
) -> keras.Model | None:
    """Return the network; None where it has to be made again to be the same."""
    with isolated(seed, dtype) as has_drawn:
        made = function(**_fresh(arguments))
        if not isinstance(made, keras.Model):
            raise TypeError(
                f"{name_of(function)} must return a keras.Model. Got "
                f"{type(made).__name__!r} instead."
            )
        if not made.built:
            made(symbols_of(spec))
        return None if has_drawn() and not again else made


def _fresh(value: Any) -> Any:
    """Return arguments for one call: of what networks train, copies."""
    if isinstance(value, KINDS_OF_OBJECTS):
        return copy_of(value)
    if isinstance(value, keras.Model):
        return copy.deepcopy(value)
    if type(value) in (dict, list, tuple):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        found = {name: _fresh(each) for name, each in items}
        return found if isinstance(value, dict) else type(value)(found.values())
    return value


def made_from_config(
    *, kind: str, config: Mapping[str, Any], dtype: str, seed: int
) -> keras.Model:
    """Return the network of Keras's own layers that a config describes.

    Parameters
    ----------
    kind : {"Sequential", "Functional"}
        Its class.
    config : Mapping
        What its `get_config` gave.
    dtype : str
        Of its loss; see `NetworkRecipe`.
    seed : int
        Of the layers' initial values.
    """
    with isolated(seed):
        network = KINDS[kind].from_config(copy.deepcopy(dict(config)))
        _freeze(network, config)
        return network


def _freeze(network: keras.Model, config: Mapping[str, Any]) -> None:
    """Freeze the networks within that were frozen as a whole.

    Keras leaves that out where it makes one of its config, and freezes its layers.
    """
    within = {
        each["config"].get("name"): each["config"]
        for each in config.get("layers", [])
        if isinstance(each, Mapping) and isinstance(each.get("config"), Mapping)
    }
    for layer in network.layers:
        if isinstance(layer, keras.Model) and layer.name in within:
            _freeze(layer, within[layer.name])
    if config.get("trainable") is False and network.trainable:
        network.trainable = False


def copied_network(
    *, model: keras.Model, dtype: str | None, seed: int, ready: Ready | None = None
) -> keras.Model:
    """Return a copy of a network of the user's own, with its weights.

    Raises
    ------
    TypeError
        When Keras can't copy it.
    """
    network = None if ready is None else ready.take()
    if network is not None:
        return network
    try:
        with isolated(seed, dtype):
            made: keras.Model = copy.deepcopy(model)
    except Exception as err:
        raise TypeError(
            f"Keras can't copy the model {model.name!r} ({type(err).__name__}: "
            f"{first_line(err)}); give a function that makes it."
        ) from err
    # What is set of variables themselves is in no config.
    for variable, original in zip(made.variables, model.variables, strict=True):
        variable.regularizer = original.regularizer
        variable.constraint = original.constraint
        if variable.trainable != original.trainable:
            variable.trainable = original.trainable
    return made


def recognised(network: keras.Model) -> tuple[str, Mapping[str, Any]] | None:
    """Return the kind and config that make a network again, None where none do.

    Parameters
    ----------
    network : keras.Model
        Built.
    """
    kind = next((name for name in KINDS if type(network) is KINDS[name]), None)
    if kind is None:
        return None
    try:
        config = network.get_config()
        key = kind, fingerprint(config)
    except (NotOwnError, NotImplementedError, TypeError, ValueError):
        return None
    with _lock:
        known = _structures.get(key)
    if known is None:
        try:
            again = made_from_config(kind=kind, config=config, dtype="float32", seed=0)
        except Exception:  # whatever a layer says that its config does not make
            return None
        known = Structure(again), _operations(again)
        with _lock:
            _structures[key] = known
            while len(_structures) > MAX_STRUCTURES:
                _structures.popitem(last=False)
    structure, operations = known
    if _operations(network) != operations:
        return None
    return None if structure.changes(network, Origin.of(network)) else (kind, config)


def check_new(network: keras.Model, function: Any) -> None:
    """Refuse a network that a function hands out a second time, or layers of one.

    An earlier fit has trained them. Of networks that are made again by their config,
    no fit trains the function's.
    """
    with _lock:
        if any(_handed_out.get(id(each)) is each for each in network.variables):
            raise ValueError(
                f"{name_of(function)} hands out layers again that an earlier fit has "
                "trained: have it make new ones at each call, or give the estimator "
                "the network itself as `model`, of which each fit trains a copy."
            )
        _handed_out.update((id(each), each) for each in network.variables)


def values_of(network: keras.Model) -> tuple[np.ndarray, ...]:
    """Return the values of a network's variables, in their order."""
    return tuple(np.asarray(each.value.read_value()) for each in network.variables)


def name_of(function: Any) -> str:
    """Return what a function is called, for messages."""
    function = inspect.unwrap(getattr(function, "func", function))
    return getattr(function, "__name__", type(function).__name__)


def _operations(network: keras.Model) -> list[type]:
    """Return the classes of all that a network computes by."""
    return [type(each) for each in _all_operations(network)]


def _all_operations(network: Any) -> Iterator[Any]:
    for each in getattr(network, "operations", None) or network.layers:
        yield each
        if isinstance(each, keras.Model):
            yield from _all_operations(each)
