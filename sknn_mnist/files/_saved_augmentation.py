"""The augmentation of an estimator as plain values of a file, and again as configs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sknn_mnist.files._values import UnsavableError
from sknn_mnist.networks._augmentation import augmentation_configs

__all__ = ["with_augmentation", "with_plain_augmentation"]

# Of one augmentation: each is made when a file is read.
MOST_LAYERS = 64

_PARAMETER = "augmentation"


def with_plain_augmentation(given: Mapping[str, Any], owner: str) -> dict[str, Any]:
    """Return parameters, those of augmentation's layers by the name of their class.

    Parameters
    ----------
    given : Mapping
        Parameters by name. Names of augmentations stay as they are; what else makes a
        layer becomes ``{class_name: arguments}``.
    owner : str
        Name of the estimator, for messages.

    Returns
    -------
    dict
        For `with_augmentation`.

    Raises
    ------
    UnsavableError
        When it would not take them.
    """
    plain = dict(given)
    value = plain.get(_PARAMETER)
    if isinstance(value, list | tuple):
        plain[_PARAMETER] = type(value)(
            layer for each in value for layer in _plain(each, owner)
        )
    elif value is not None and not isinstance(value, str):
        plain[_PARAMETER] = _plain(value, owner)
    try:
        with_augmentation(plain)
    except ValueError as err:
        raise UnsavableError(
            f"save can't write {_PARAMETER}={value!r} of {owner}: {err}. Use "
            "joblib.dump."
        ) from err
    return plain


def with_augmentation(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters, those of augmentation's layers as configs.

    Parameters
    ----------
    given : Mapping
        As `with_plain_augmentation` gave them.

    Raises
    ------
    ValueError
        When a layer is none that an augmentation can have, or there are too many.
    """
    stored = given.get(_PARAMETER)
    if stored is None or isinstance(stored, str):
        return dict(given)
    if not isinstance(stored, list | tuple):
        raise ValueError(f"its augmentation is a {type(stored).__name__}")
    if len(stored) > MOST_LAYERS:
        raise ValueError(f"its augmentation has more than {MOST_LAYERS} layers")
    return {**given, _PARAMETER: type(stored)(map(_layer, stored))}


def _plain(value: Any, owner: str) -> list[Any]:
    if isinstance(value, str):
        return [value]
    return [
        {each["class_name"]: each["config"]}
        for each in augmentation_configs(value, owner) or ()
    ]


def _layer(stored: Any) -> Any:
    if isinstance(stored, str):
        return stored
    if not isinstance(stored, dict) or len(stored) != 1:
        raise ValueError("a layer of its augmentation has no name")
    ((name, arguments),) = stored.items()
    if not isinstance(arguments, dict) or not all(map(_is_plain, arguments.values())):
        raise ValueError(f"the arguments of {name!r} in its augmentation are not plain")
    config = {"module": "keras.layers", "class_name": name, "config": arguments}
    (made,) = augmentation_configs(config, "load") or ()
    return made


def _is_plain(value: Any) -> bool:
    if isinstance(value, list):
        return len(value) < MOST_LAYERS and all(map(_is_plain, value))
    return value is None or isinstance(value, bool | int | float | str)
