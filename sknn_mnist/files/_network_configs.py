"""Configs of networks of Keras's own layers as JSON, judged before any of it is made.

Keras makes whatever a config names: it imports modules, unmarshals functions and reads
vocabularies. Here a config may name Keras's own layers, operations, initializers,
regularizers and constraints alone, by identity, and no layer that does such things.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from sknn_mnist.networks._keras_fingerprints import own_class
from sknn_mnist.networks._keras_private import FUNCTIONAL

__all__ = [
    "REFUSED_LAYERS",
    "RefusedNetworkError",
    "check_config",
    "config_from_json",
    "config_to_json",
]

# They run code, load modules or read files; or are nothing by themselves.
REFUSED_LAYERS = {
    *("Lambda", "TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer"),
    *("StringLookup", "IntegerLookup", "TextVectorization", "Pipeline"),
    *("Layer", "Wrapper"),
}

# Rooms of Keras's operations that compute and do no more; and those of its core that
# call no function and give no list as long as an array.
OPERATIONS = {"numpy", "nn", "math", "image", "linalg"}
CORE_OPERATIONS = {
    *("Cast", "SaturateCast", "ConvertToTensor", "StopGradient"),
    *("Scatter", "ScatterUpdate", "Slice", "SliceUpdate"),
}
REFUSED_OPERATIONS = {"JVP"}  # which differentiates a function

# What takes Keras a loop in Python, by the name of the argument, and the most passes.
LOOPS = {
    **dict.fromkeys(("num_chains", "chain_depth", "num_ops", "power_iterations"), 32),
    **dict.fromkeys(("bins", "indices_or_sections"), 1024),
}

# Layers and calls of them; and objects that a config names, tensors included. Each
# takes some ten thousand bytes, or some hundred, and Keras looks for the inputs of each
# layer among all others.
MOST_LAYERS = 2_000
MOST_OBJECTS = 50_000

_OF_OBJECTS = {"module", "class_name", "config", "registered_name", "build_config"}
_OF_LAYERS = {*_OF_OBJECTS, "name", "inbound_nodes"}
_OF_NETWORKS = {
    *("name", "trainable", "dtype", "layers", "build_input_shape"),
    *("input_layers", "output_layers"),
}
_TENSOR = "__keras_tensor__"
_ARRAYS = ("__numpy__", "__tensor__")
_NUMBERS = {
    "bool",
    *(f"{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64)),
    *("float16", "float32", "float64", "bfloat16"),
}

# Under these, strings are names within the network; elsewhere Keras may look them up.
_NAMES = {"name", "keras_history", "input_layers", "output_layers"}


class RefusedNetworkError(ValueError):
    """A network that no file may describe.

    Parameters
    ----------
    what : str
        What it has, as the end of a sentence.
    """

    def __init__(self, what: str) -> None:
        super().__init__(
            f"its network has {what}, and `load` makes none but Keras's own layers "
            "that call no code and read no files"
        )
        self.what = what


def config_to_json(config: Any) -> Any:
    """Return a config as what `json.dumps` takes.

    Parameters
    ----------
    config : dict
        What `get_config` of a network gave. Networks within may be compiled; how is
        left out, since nobody trains them by themselves.

    Returns
    -------
    object
        For `config_from_json`.

    Raises
    ------
    ValueError
        When it holds something that is no plain value.
    """
    if isinstance(config, np.generic):
        config = config.item()
    if config is None or isinstance(config, bool | int | float | str):
        return config
    if isinstance(config, tuple):
        return {"tuple": [config_to_json(each) for each in config]}
    if isinstance(config, list):
        return [config_to_json(each) for each in config]
    if not isinstance(config, dict) or not all(
        isinstance(name, str) for name in config
    ):
        raise RefusedNetworkError(f"a setting of another kind ({config!r:.60})")
    if set(config) == {"tuple"}:
        raise RefusedNetworkError("a part named 'tuple'")
    return {
        name: config_to_json(each)
        for name, each in config.items()
        if not (name == "compile_config" and "class_name" in config)
    }


def config_from_json(stored: Any) -> Any:
    """Return what `config_to_json` was given."""
    if isinstance(stored, list):
        return [config_from_json(each) for each in stored]
    if not isinstance(stored, dict):
        return stored
    if set(stored) == {"tuple"}:
        return tuple(config_from_json(each) for each in stored["tuple"])
    return {name: config_from_json(each) for name, each in stored.items()}


def check_config(config: Any) -> None:
    """Refuse the config of a network that is not made of Keras's own layers alone.

    Parameters
    ----------
    config : object
        What `config_from_json` gave. None of it is made here.

    Raises
    ------
    RefusedNetworkError
        When it names a thing that no file may name.
    ValueError
        When it is no config, or one that would take too long to make.
    """
    _check_network(config, "the network")
    n_objects = n_layers = 0
    for value, key, layer in _all_within(config):
        if isinstance(value, str):
            _check_string(value, key)
        elif isinstance(value, int):
            _check_int(value, key)
        elif isinstance(value, dict) and "class_name" in value:
            n_objects += 1
            n_layers += _check_object(value, layer)
        if n_objects > MOST_OBJECTS or n_layers > MOST_LAYERS:
            raise RefusedNetworkError(
                f"more than {MOST_LAYERS:,} layers and calls of them, or more than "
                f"{MOST_OBJECTS:,} objects"
            )


def _all_within(config: Any) -> Iterator[tuple[Any, str, str]]:
    """Yield each value within, without recursion, with its name and its layer's."""
    left = [(config, "", "")]
    while left:
        value, key, layer = left.pop()
        yield value, key, layer
        if isinstance(value, dict):
            layer = _name_of(value, layer)
            inner = (str(name) if key not in _NAMES else key for name in value)
            left += [
                (each, name, layer)
                for name, each in zip(inner, value.values(), strict=True)
            ]
        elif isinstance(value, list | tuple):
            left += [(each, key, layer) for each in value]


def _name_of(value: dict[str, Any], layer: str) -> str:
    config = value.get("config")
    if "class_name" not in value or not isinstance(config, dict):
        return layer
    name = config.get("name")
    return name if isinstance(name, str) else layer


def _check_string(value: str, key: str) -> None:
    if key not in _NAMES and keras.saving.get_registered_object(value) is not None:
        raise RefusedNetworkError(f"{value!r}, which is registered code of your own")


def _check_int(value: int, key: str) -> None:
    if abs(value) >= 2**63:
        raise RefusedNetworkError("a number of more than 63 bits")
    if value > LOOPS.get(key, value):
        raise RefusedNetworkError(f"{key}={value}, which is more than {LOOPS[key]}")


def _check_object(value: dict[str, Any], layer: str) -> int:
    """Refuse an object that no file may name; return for how many layers it counts."""
    name, module = value["class_name"], value.get("module")
    config = value.get("config")
    if name in (_TENSOR, *_ARRAYS) and set(value) == {"class_name", "config"}:
        if name != _TENSOR:
            _check_array(config)
        return 0
    unknown = set(value) - _OF_LAYERS
    if unknown or not isinstance(config, dict):
        raise ValueError(f"a config of {name!r} has {sorted(unknown)} or no arguments")
    if name == "DTypePolicy" and module in ("keras", "keras.dtype_policies"):
        kind: Any = keras.DTypePolicy
    else:
        kind = own_class(module, name)
    registered = value.get("registered_name")
    if (
        not _may_be_made(kind)
        or registered not in (None, "", name)
        or keras.saving.get_registered_object(name) is not None
    ):
        own = config.get("name")
        raise RefusedNetworkError(
            f"the layer {own!r} ({name})"
            if isinstance(own, str)
            else f"{module}.{name} in the layer {layer!r}"
        )
    if kind in (keras.Sequential, FUNCTIONAL):
        _check_network(config, f"the network {config.get('name')!r}")
    nodes = value.get("inbound_nodes", [])
    if not isinstance(nodes, list) or not all(map(_is_call, nodes)):
        raise ValueError(f"the calls of the layer {layer!r} are not those of tensors")
    return len(nodes) + issubclass(kind, keras.Operation)


def _may_be_made(kind: Any) -> bool:
    if not isinstance(kind, type):
        return False
    if kind in (keras.Sequential, FUNCTIONAL, keras.DTypePolicy):
        return True
    name = kind.__name__
    if issubclass(kind, keras.Model):
        return False
    if issubclass(kind, keras.layers.Layer):
        return name not in REFUSED_LAYERS
    if issubclass(kind, keras.Operation):
        room = kind.__module__.rpartition(".")[2]
        if room == "core":
            return name in CORE_OPERATIONS
        return room in OPERATIONS and name not in REFUSED_OPERATIONS
    return issubclass(kind, _BASES)


_BASES = (
    keras.initializers.Initializer,
    keras.regularizers.Regularizer,
    keras.constraints.Constraint,
)


def _check_network(config: Any, what: str) -> None:
    if not isinstance(config, dict) or not set(config) <= _OF_NETWORKS:
        raise ValueError(f"{what} has no config of a network")
    layers = config.get("layers")
    if not isinstance(layers, list) or not all(map(_is_layer, layers)):
        raise ValueError(f"{what} is not a list of layers")


def _is_layer(value: Any) -> bool:
    # Without a module Keras takes it for one of an old version.
    return isinstance(value, dict) and all(
        isinstance(value.get(name), str) for name in ("module", "class_name")
    )


def _is_call(node: Any) -> bool:
    """Tell whether a layer is called on tensors: else it would compute at once."""
    return (
        isinstance(node, dict)
        and set(node) == {"args", "kwargs"}
        and any(
            isinstance(value, dict) and value.get("class_name") == _TENSOR
            for value, _, _ in _all_within(node)
        )
    )


def _check_array(config: Any) -> None:
    if (
        not isinstance(config, dict)
        or set(config) != {"value", "dtype"}
        or config["dtype"] not in _NUMBERS
        or any(
            not isinstance(value, int | float | list)
            for value, _, _ in _all_within(config["value"])
        )
    ):
        raise ValueError("an array of the network's config is not one of numbers")
