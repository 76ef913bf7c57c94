"""Whether two values mean the same, told by something hashable, without the values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from sknn_mnist.networks._keras_copies import arguments_of
from sknn_mnist.networks._keras_own import is_own, name_of_own

__all__ = ["NotOwnError", "fingerprint"]


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
    if name in ("function", "__tuple__", "__numpy__", "__tensor__", "DTypePolicy"):
        if name == "function":
            raise NotOwnError(config)
        return
    found = None
    if isinstance(module, str) and isinstance(name, str):
        namespace: Any = keras
        for part in module.removeprefix("keras").split("."):
            namespace = getattr(namespace, part, None) if part else namespace
        found = getattr(namespace, name, None)
    if not is_own(found):
        raise NotOwnError(config)
