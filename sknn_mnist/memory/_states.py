"""A training state as bytes, and whether bytes are the state that a recipe asks for.

Safetensors is arrays and nothing else, so reading runs no code. Whoever can write to a
folder can put anything there, with a right checksum; what comes out is, array for array
and value for value, what the training would have made.
"""

from __future__ import annotations

import json
import operator
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors import numpy as safetensors

from sknn_mnist._array_kinds import ArrayKind, kind_of
from sknn_mnist._histories import plain_history

__all__ = ["ForeignStateError", "KeptState", "Kinds", "decode", "encode"]

# Keys of a state's metadata.
_ABOUT = {"key", "epoch", "history", "callbacks", "stopped"}

# What JSON and the headers take, at most, beside the arrays.
_BYTES_OF_TEXT = 2**20
# Metrics that a network may have: each gives one value per epoch and output at most.
_METRICS = 128


class ForeignStateError(ValueError):
    """Bytes that are not what the recipe's training would have written."""


@dataclass(frozen=True)
class KeptState:
    """What a training had come to after some epochs.

    Attributes
    ----------
    epoch : int
        Epochs done.
    state : dict of str to list of ndarray
        What the engine's `get_state` gives.
    history : dict of str to list
        The history of these epochs.
    callbacks : list of dict
        What each callback knew, as `_callback_states.states_of` gives it.
    stopped : bool
        Whether a callback has stopped the training here.
    passing : str or None
        The fit in flight that will remove it when it has come further; None where it
        is kept for good.
    """

    epoch: int
    state: dict[str, list[np.ndarray]]
    history: dict[str, list[Any]]
    callbacks: list[dict[str, Any]] = field(default_factory=list)
    stopped: bool = False
    passing: str | None = None

    @property
    def n_bytes(self) -> int:
        """Bytes of the arrays."""
        return sum(each.nbytes for each in self.arrays())

    def history_until(self, epoch: int) -> dict[str, list[Any]]:
        """Return the history of the first epochs."""
        return {name: values[:epoch] for name, values in self.history.items()}

    def arrays(self) -> Iterator[np.ndarray]:
        """Return all arrays but those of the history."""
        for part in self.state.values():
            yield from part
        for callback in self.callbacks:
            for value in callback.values():
                if _is_weights(value):
                    yield from value


@dataclass(frozen=True)
class Kinds:
    """What the arrays of a training are like.

    Attributes
    ----------
    state : dict of str to list of (tuple of int, str)
        Shape and dtype of each array of the engine's `get_state`.
    weights : list of (tuple of int, str)
        Likewise of Keras's `get_weights`, which callbacks keep.
    match_callbacks : callable
        Tells whether states are those of the training's callbacks; by default it has
        none.
    names : frozenset of str or None
        Names in its history, to which a callback may add the learning rate; None where
        they are not known.
    scalars : frozenset of str
        Those of them that are one number per epoch; some metrics give a vector.
    """

    state: dict[str, list[ArrayKind]]
    weights: list[ArrayKind]
    match_callbacks: Callable[[list[dict[str, Any]]], bool] = operator.not_
    names: frozenset[str] | None = None
    scalars: frozenset[str] = frozenset(["loss"])

    def most_bytes(self, epoch: int) -> int:
        """Return how many bytes a state after `epoch` epochs may have."""
        kinds = [each for part in self.state.values() for each in part]
        widest = max((shape[-1] for shape, _ in kinds if shape), default=1)
        return (
            sum(map(_n_bytes, [*kinds, *self.weights]))
            + _BYTES_OF_TEXT
            + 8 * epoch * _METRICS * max(widest, 1)
        )


def encode(key: str, kept: KeptState) -> bytes:
    """Return a state of the training `key` as bytes, alike for alike states."""
    arrays = {
        f"{part}/{number}": np.asarray(array, order="C")
        for part, values in kept.state.items()
        for number, array in enumerate(values)
    }
    for number, values in enumerate(kept.history.values()):
        arrays[f"history/{number}"] = np.asarray(values)
    callbacks = []
    for place, callback in enumerate(kept.callbacks):
        plain = dict(callback)
        for name, value in callback.items():
            if _is_weights(value):
                plain[name] = {"weights": len(value)}
                for number, array in enumerate(value):
                    arrays[f"callbacks/{place}/{name}/{number}"] = np.asarray(
                        array, order="C"
                    )
        callbacks.append(plain)
    about = {
        "key": key,
        "epoch": kept.epoch,
        "history": list(kept.history),
        "callbacks": callbacks,
        "stopped": kept.stopped,
    }
    arrays["about"] = np.frombuffer(json.dumps(about).encode(), dtype=np.uint8)
    return bytes(safetensors.save(arrays))


def decode(data: bytes, key: str, epoch: int, kinds: Kinds) -> KeptState:
    """Return what `encode` was given, if it is what `kinds` says.

    Raises
    ------
    ForeignStateError
        When anything is missing, superfluous or not as it should be.
    """
    try:
        arrays = safetensors.load(data)
        about = json.loads(arrays.pop("about").tobytes())
    except (
        SafetensorError,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        RecursionError,  # of deep JSON
    ) as err:
        raise ForeignStateError(f"it can't be read ({type(err).__name__})") from err
    if not isinstance(about, dict) or about.keys() != _ABOUT:
        raise ForeignStateError("unexpected metadata")
    if (about["key"], about["epoch"]) != (key, epoch):
        raise ForeignStateError("it belongs to another training or epoch")
    state = {
        part: _take(arrays, part, kinds_of_part)
        for part, kinds_of_part in kinds.state.items()
    }
    # A training that has diverged is refused when it ends.
    if not all(np.isfinite(each).all() for each in state["network"]):
        raise ForeignStateError("its weights are not finite")
    history = _history(arrays, about["history"], epoch, kinds.scalars)
    if kinds.names is not None and not (
        kinds.names <= history.keys() <= kinds.names | {"learning_rate"}
    ):
        raise ForeignStateError(
            f"its history is of {', '.join(sorted(history))}, not of "
            f"{', '.join(sorted(kinds.names))}"
        )
    callbacks = _callbacks(arrays, about["callbacks"], kinds.weights)
    if not kinds.match_callbacks(callbacks):
        raise ForeignStateError("its callback states do not match the fit's callbacks")
    stopped = about["stopped"]
    if not isinstance(stopped, bool):
        raise ForeignStateError("it does not say whether the training stopped")
    if stopped and not callbacks:
        raise ForeignStateError("it stopped, and no callback of the fit would stop it")
    if arrays:
        raise ForeignStateError(f"it holds an unexpected array: {min(arrays)}")
    return KeptState(epoch, state, history, callbacks, stopped)


def _take(
    arrays: dict[str, np.ndarray], name: str, kinds: Sequence[ArrayKind]
) -> list[np.ndarray]:
    """Take the arrays of these kinds out of `arrays`."""
    taken = []
    for number, kind in enumerate(kinds):
        array = arrays.pop(f"{name}/{number}", None)
        if array is None or kind_of(array) != kind:
            came = "none" if array is None else _words(kind_of(array))
            raise ForeignStateError(
                f"array {number} of its {name} should be {_words(kind)}, and is {came}"
            )
        taken.append(array)
    return taken


def _history(
    arrays: dict[str, np.ndarray], names: Any, epoch: int, scalars: Collection[str]
) -> dict[str, list[Any]]:
    if (
        not isinstance(names, list)
        or not all(isinstance(each, str) for each in names)
        or len(set(names)) < len(names)
        or "loss" not in names
    ):
        raise ForeignStateError("its history has no loss, or names that are no text")
    history = {}
    for number, name in enumerate(names):
        values = arrays.pop(f"history/{number}", None)
        if (
            values is None
            or values.dtype.kind != "f"
            or values.ndim == 0
            or (values.ndim > 1 and name.removeprefix("val_") in scalars)
            or len(values) != epoch
        ):
            raise ForeignStateError(
                f"its history of {name!r} is not {epoch} numbers, one per epoch"
            )
        history[name] = values
    return plain_history(history)


def _callbacks(
    arrays: dict[str, np.ndarray], given: Any, weights: Sequence[ArrayKind]
) -> list[dict[str, Any]]:
    if not isinstance(given, list) or not all(isinstance(each, dict) for each in given):
        raise ForeignStateError("it has no list of callback states")
    made = []
    for place, callback in enumerate(given):
        known = dict(callback)
        for name, value in callback.items():
            if value == {"weights": len(weights)}:
                known[name] = _take(arrays, f"callbacks/{place}/{name}", weights)
            elif not _is_plain(value):
                raise ForeignStateError(
                    f"a callback's {name!r} is neither number nor text"
                )
        made.append(known)
    return made


def _is_plain(value: Any) -> bool:
    if isinstance(value, list):
        return all(isinstance(each, str) for each in value)
    return value is None or isinstance(value, bool | int | float | str)


def _is_weights(value: Any) -> bool:
    return isinstance(value, list) and any(
        isinstance(each, np.ndarray) for each in value
    )


def _n_bytes(kind: ArrayKind) -> int:
    shape, dtype = kind
    return prod(shape) * np.dtype(dtype).itemsize


def _words(kind: ArrayKind) -> str:
    return f"{kind[1]} of shape {kind[0]}"
