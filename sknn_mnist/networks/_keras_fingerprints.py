"""Whether two values mean the same, told by something hashable, without the values."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from sknn_mnist.networks._keras_copies import arguments_of
from sknn_mnist.networks._keras_own import is_own, name_of_own
from sknn_mnist.networks._keras_private import FUNCTIONAL

__all__ = ["NotOwnError", "fingerprint", "own_class"]


class NotOwnError(Exception):
    """What a value computes can't be told from its name and arguments."""


def fingerprint(value: Any) -> Any:
    """Return something hashable that is equal only for values that mean the same.

    Parameters
    ----------
    value : object
        Plain values, and classes, functions and objects of Keras's own.

    Raises
    ------
    NotOwnError
        For anything else: it may change.
    """
    if value is None or isinstance(value, str | bool | int | float):
        return type(value).__name__, value
    if isinstance(value, np.generic):
        return fingerprint(value.item())
    if isinstance(value, list | tuple):
        return tuple(fingerprint(each) for each in value)
    if keras.ops.is_tensor(value):
        value = keras.ops.convert_to_numpy(value)
    if isinstance(value, np.ndarray):
        return "array", value.dtype.str, value.shape, value.tobytes()
    if isinstance(value, Mapping):
        # Keras's config of an object holds no more than its name, which may stand for
        # something else by the time that it is made.
        if "class_name" in value:
            _check_names_own(value)
        return tuple(
            (str(name), fingerprint(each)) for name, each in sorted(value.items())
        )
    name = name_of_own(value)
    if name is not None:
        return name
    arguments = arguments_of(value)
    if arguments is None:
        raise NotOwnError(value)
    return fingerprint(type(value)), fingerprint(arguments)


def _check_names_own(config: Mapping[Any, Any]) -> None:
    name, module = config.get("class_name"), config.get("module")
    if name == "function":
        raise NotOwnError(config)
    if name in _OF_VALUES:
        return
    if own_class(module, name) is None:
        raise NotOwnError(config)


# Keras's names of plain values in configs.
_OF_VALUES = ("__tuple__", "__numpy__", "__tensor__", "__keras_tensor__", "DTypePolicy")


def own_class(module: Any, name: Any) -> Any:
    """Return the class of Keras's own that a config names, None for anything else."""
    if not isinstance(module, str) or not isinstance(name, str):
        return None
    found = _found_in_keras(module, name)
    is_known = is_own(found) or found is FUNCTIONAL or _is_operation(found, module)
    return found if is_known else None


def _found_in_keras(module: str, name: str) -> Any:
    namespace: Any = keras
    for part in module.removeprefix("keras").split("."):
        namespace = getattr(namespace, part, None) if part else namespace
    return getattr(namespace, name, None)


def _is_operation(found: Any, module: str) -> bool:
    """Tell whether something is one of the classes behind the functions of `keras.ops`.

    Functional networks hold them: ``h * 2 + 1`` is a Multiply and an Add.
    """
    return (
        module.startswith("keras.src.ops.")
        and inspect.isclass(found)
        and issubclass(found, keras.Operation)
        and not issubclass(found, keras.layers.Layer)
        and found.__module__ == module
    )
