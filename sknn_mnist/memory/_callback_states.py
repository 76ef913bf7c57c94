"""What Keras's own callbacks know between two epochs, taken out and put back.

With it a training goes on from a kept epoch as if it had never been interrupted. This
holds for callbacks whose whole effect is in the network, in their own numbers and in
what they write from logs and network: others would have to run again from the first
epoch. Those that change nothing in a training are no part of what identifies it, and no
state of theirs is kept: `_past_epochs` brings them to what they would have come to.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from sknn_mnist.memory._past_epochs import obstacle_to_writing, takes_past_epochs
from sknn_mnist.networks._keras_own import is_own
from sknn_mnist.networks._pure_functions import purity_key

__all__ = [
    "changing",
    "configs_of",
    "copies_for_a_replay",
    "epochs_shared",
    "go_on",
    "match",
    "obstacle_of",
    "states_of",
]

# Of those that change a training, by class: the settings that have an effect on it, and
# the attributes that change during it. Names that this version of Keras lacks are left
# out.
_CONFIG: dict[type, tuple[str, ...]] = {
    keras.callbacks.EarlyStopping: (
        *("monitor", "min_delta", "patience", "mode", "baseline"),
        *("restore_best_weights", "start_from_epoch"),
    ),
    keras.callbacks.ReduceLROnPlateau: (
        *("monitor", "factor", "patience", "mode", "min_delta", "cooldown", "min_lr"),
    ),
    keras.callbacks.LearningRateScheduler: ("schedule",),
}
_CHANGES: dict[type, tuple[str, ...]] = {
    keras.callbacks.EarlyStopping: (
        *("wait", "stopped_epoch", "best", "best_weights", "best_epoch"),
    ),
    keras.callbacks.ReduceLROnPlateau: ("wait", "best", "cooldown_counter"),
    keras.callbacks.LearningRateScheduler: (),
}
# How values are compared; Keras sets it when it has seen the first epoch, and turns the
# sign of `min_delta` with it.
_COMPARISONS = {"less": keras.ops.less, "greater": keras.ops.greater}

_WRITERS = ("BackupAndRestore", "RemoteMonitor", "TensorBoard")


def obstacle_of(callbacks: Sequence[keras.callbacks.Callback]) -> str | None:
    """Say why a training with these can't go on from a kept epoch, or None."""
    for each in callbacks:
        obstacle = None if takes_past_epochs(each) else _obstacle_of(each)
        if obstacle is not None:
            return obstacle
    return obstacle_to_writing(callbacks)


def changing(
    callbacks: Sequence[keras.callbacks.Callback],
) -> list[keras.callbacks.Callback]:
    """Return those that change the training, and have a state that is kept."""
    return [each for each in callbacks if type(each) in _CONFIG]


def epochs_shared(
    callbacks: Sequence[keras.callbacks.Callback], history: dict[str, list[Any]]
) -> int:
    """Return how many epochs of a history are as they are without `TerminateOnNaN`.

    It stops within the epoch whose loss is no number any more; its other epochs are
    those of all trainings.
    """
    losses = history["loss"]
    if any(type(each) is keras.callbacks.TerminateOnNaN for each in callbacks):
        for epoch, loss in enumerate(losses):
            if not np.isfinite(loss):
                return epoch
    return len(losses)


def configs_of(callbacks: Sequence[keras.callbacks.Callback]) -> list[Any]:
    """Return settings that are equal only for callbacks with the same effect."""
    return [
        (
            type(each).__name__,
            [
                (name, _setting(getattr(each, name, None)))
                for name in _CONFIG[type(each)]
            ],
        )
        for each in callbacks
    ]


def states_of(callbacks: Sequence[keras.callbacks.Callback]) -> list[dict[str, Any]]:
    """Return what each callback knows, as numbers, names and lists of arrays."""
    return [_state_of(each) for each in callbacks]


def match(
    callbacks: Sequence[keras.callbacks.Callback], states: Sequence[dict[str, Any]]
) -> bool:
    """Tell whether states can be those of the callbacks."""
    return len(callbacks) == len(states) and all(
        _matches(callback, state)
        for callback, state in zip(callbacks, states, strict=True)
    )


def go_on(
    callbacks: Sequence[keras.callbacks.Callback],
    states: Sequence[dict[str, Any]],
) -> None:
    """Put back what `states_of` gave; to be called when training has begun.

    Parameters
    ----------
    callbacks : sequence of keras.callbacks.Callback
        Those of the training, in their order.
    states : sequence of dict
        What they knew.
    """
    for callback, state in zip(callbacks, states, strict=True):
        known = dict(state)
        comparison = known.pop("comparison", None)
        if comparison is not None:
            callback.monitor_op = _COMPARISONS[comparison]
            callback.min_delta = known.pop("min_delta")
        for name, value in known.items():
            setattr(callback, name, value)


def copies_for_a_replay(
    callbacks: Sequence[keras.callbacks.Callback],
) -> list[keras.callbacks.Callback]:
    """Return copies of callbacks that have not begun, which print nothing."""
    copies = []
    for each in callbacks:
        made = copy.deepcopy(each)
        made.verbose = 0
        copies.append(made)
    return copies


def _obstacle_of(callback: keras.callbacks.Callback) -> str | None:
    kind = type(callback)
    if kind not in _CONFIG:
        if is_own(kind) and kind.__name__ in _WRITERS:
            return f"its callback {kind.__name__} writes for itself in each epoch"
        return f"its callback {kind.__name__} is or runs code that must see each epoch"
    try:
        configs_of([callback])
    except TypeError:
        if kind is keras.callbacks.LearningRateScheduler:
            return (
                "the schedule of its callback LearningRateScheduler refers to more "
                "than numbers and arithmetic, and may change"
            )
        return f"its callback {kind.__name__} holds more than numbers and names"
    return None


def _state_of(callback: keras.callbacks.Callback) -> dict[str, Any]:
    state = {
        name: _plain(getattr(callback, name))
        for name in _CHANGES.get(type(callback), ())
        if hasattr(callback, name)
    }
    for name, comparison in _COMPARISONS.items():
        if getattr(callback, "monitor_op", None) is comparison:
            state["comparison"] = name
            state["min_delta"] = _plain(callback.min_delta)
    return state


def _matches(callback: keras.callbacks.Callback, state: dict[str, Any]) -> bool:
    allowed = {*_CHANGES.get(type(callback), ()), "comparison", "min_delta"}
    return (
        state.keys() <= allowed
        and ("comparison" in state) == ("min_delta" in state)
        and all(_is_possible(name, value) for name, value in state.items())
    )


def _is_possible(name: str, value: Any) -> bool:
    if name == "comparison":
        return value in _COMPARISONS
    if name == "best_weights":
        return value is None or (
            isinstance(value, list)
            and all(isinstance(each, np.ndarray) for each in value)
        )
    if name in ("best", "min_delta"):
        return value is None or isinstance(value, int | float)
    return isinstance(value, int)


def _setting(value: Any) -> Any:
    """Return a setting as what is equal for the same effect alone."""
    if not callable(value):
        return _plain(value)
    key = purity_key(value)
    if key is None:
        raise TypeError(f"{value!r} may do something else each time")
    return key


def _plain(value: Any) -> Any:
    """Return a value in the form that JSON and arrays can hold."""
    if isinstance(value, list | tuple) and value and isinstance(value[0], np.ndarray):
        return list(value)
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"{value!r} is neither a number nor a name")
