"""What a network is compiled with: settings as users give them, fresh objects of them.

One loss and some metrics, or one and some for each output, by its place or its name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import sknn_mnist.networks._quiet_start  # noqa: F401  before Keras

# isort: split
import keras

from sknn_mnist.networks._isolation import isolated
from sknn_mnist.networks._keras_copies import copy_of
from sknn_mnist.networks._keras_objects import make_loss, make_metrics
from sknn_mnist.networks._keras_private import compile_settings_of

__all__ = [
    "SETTINGS",
    "Compiled",
    "compiled_by",
    "is_by_output",
    "keras_chooses_xla",
    "made_losses",
    "made_metrics",
    "other_settings",
]

# Beside optimizer, loss and metrics, with what `keras.Model.compile` takes for none.
SETTINGS: dict[str, Any] = {
    "loss_weights": None,
    "weighted_metrics": None,
    "run_eagerly": False,
    "steps_per_execution": 1,
    "jit_compile": "auto",
}


def is_by_output(value: Any) -> bool:
    """Tell whether losses or metrics are given for each output of a network."""
    return isinstance(value, Mapping) and "class_name" not in value


def made_losses(loss: Any, dtype: str, owner: str, logits: bool = False) -> Any:
    """Return a fresh loss, or one for each output.

    Parameters
    ----------
    loss : object
        As users give it.
    dtype : str
        That it computes in.
    owner : str
        Name of the estimator, for messages.
    logits : bool, default=False
        Whether losses may take logits.
    """
    return _for_each(
        loss,
        lambda each: None if each is None else make_loss(each, dtype, owner, logits),
    )


def made_metrics(metrics: Any, owner: str) -> Any:
    """Return fresh metrics, or some for each output; None for none."""
    if metrics is None:
        return None  # an empty list is not as many as several outputs
    if is_by_output(metrics):
        return {name: make_metrics(each, owner) for name, each in metrics.items()}
    if isinstance(metrics, list | tuple) and any(
        isinstance(each, list | tuple) or each is None for each in metrics
    ):
        return [make_metrics(each, owner) for each in metrics]
    return make_metrics(metrics, owner)


def other_settings(given: Mapping[str, Any], owner: str) -> dict[str, Any]:
    """Return what `compile` takes beside optimizer, loss and metrics."""
    others = {name: given[name] for name in SETTINGS if name in given}
    if others.get("weighted_metrics") is not None:
        others["weighted_metrics"] = made_metrics(others["weighted_metrics"], owner)
    return others


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
    settings = _as_chosen(compile_settings_of(network))
    settings = {"optimizer": None, "loss": None, "metrics": None, **settings}
    own_way = type(network).compile is not keras.Model.compile
    try:
        settings["optimizer"] = copy_of(settings["optimizer"])
    except (TypeError, ValueError, NotImplementedError, AttributeError):
        own_way = True
    return Compiled(settings, not own_way)


@lru_cache
def keras_chooses_xla() -> bool:
    """Tell whether ``jit_compile="auto"`` means XLA here, where it can.

    A network tells what came of its setting, not what that was.
    """
    with isolated(0):  # which names nothing of the user's
        network = keras.Sequential()
        network.compile()
    return bool(network.jit_compile)


def _as_chosen(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings of a compiled network as they were chosen.

    Keras keeps what it made of ``jit_compile="auto"``: False on processors, and True
    where there is a GPU and the network allows it.
    """
    chosen = dict(settings)
    if chosen.get("jit_compile") == keras_chooses_xla():
        chosen["jit_compile"] = "auto"
    return chosen


def _for_each(value: Any, make: Callable[[Any], Any]) -> Any:
    if is_by_output(value):
        return {name: make(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [make(each) for each in value]
    return make(value)
