"""What a network is compiled with: the function's say, and the estimator's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import keras

from sknn_mnist.estimators._routing import routed, routes_of
from sknn_mnist.networks._compile_settings import as_chosen
from sknn_mnist.networks._keras_copies import copy_of
from sknn_mnist.networks._keras_private import compile_settings_of

__all__ = ["Compiled", "compiled_by", "described", "resolved"]


@dataclass(frozen=True)
class Compiled:
    """What a function compiled its network with.

    Attributes
    ----------
    settings : dict
        As of `keras.Model.compile`.
    is_copied : bool
        Whether they can be used for another network: the optimizer is a copy, and
        the network was compiled in Keras's way.
    """

    settings: dict[str, Any]
    is_copied: bool


def compiled_by(network: keras.Model) -> Compiled | None:
    """Return what a network was compiled with, None for one that was not."""
    if not network.compiled:
        return None
    settings = as_chosen(compile_settings_of(network))
    settings = {"optimizer": None, "loss": None, "metrics": None, **settings}
    own_way = type(network).compile is not keras.Model.compile
    try:
        settings["optimizer"] = copy_of(settings["optimizer"])
    except (TypeError, ValueError, NotImplementedError, AttributeError):
        own_way = True
    return Compiled(settings, not own_way)


def resolved(
    explicit: Mapping[str, Any],
    compiled: Compiled | None,
    given: Mapping[str, Any],
    owner: str,
) -> dict[str, Any]:
    """Return what a network is compiled with.

    Parameters
    ----------
    explicit : Mapping
        ``optimizer``, ``loss`` and ``metrics`` as far as the estimator says them.
    compiled : Compiled or None
        What the function said.
    given : Mapping
        Names with a prefix.
    owner : str
        Name of the estimator, for messages.

    Returns
    -------
    dict
        With optimizer, loss and metrics; loss and metrics are None where nobody says
        them.
    """
    settings: dict[str, Any] = {"optimizer": "adam", "loss": None, "metrics": None}
    if compiled is not None:
        settings.update(compiled.settings)
    settings.update(explicit)
    for name in ("optimizer", "loss", "metrics"):
        settings[name] = routed(name, settings[name], routes_of(name, given), owner)
    settings.update(routes_of("compile", given))
    return settings


def described(value: Mapping[Any, Any]) -> bool:
    """Tell whether a dict is Keras's config of one object."""
    return "class_name" in value
