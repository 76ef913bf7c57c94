"""Callbacks that change nothing in a training, told of epochs that were found.

What they write of an epoch comes from its logs, which the history has, and from the
network as it was then. So they are told of each epoch as if it ended now, and their
files are as if all epochs had been trained.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras

__all__ = ["obstacle_to_writing", "see_past_epochs", "takes_past_epochs"]

# What they hear of is the logs, of each epoch that has ended.
_READERS = (keras.callbacks.CSVLogger, keras.callbacks.History)
# What they do is in the epochs that are trained: no epoch that was found had an end
# that `TerminateOnNaN` puts to it.
_PRESENT = (keras.callbacks.ProgbarLogger, keras.callbacks.TerminateOnNaN)
# Those that add the learning rate to the logs, when an epoch has ended, for those that
# come after them; the second may then change it.
_ADD_RATE = (
    keras.callbacks.LearningRateScheduler,
    keras.callbacks.ReduceLROnPlateau,
)
_RATE = "learning_rate"


def takes_past_epochs(callback: keras.callbacks.Callback) -> bool:
    """Tell whether a callback changes nothing, and can be told of past epochs."""
    kinds = (*_READERS, *_PRESENT, keras.callbacks.ModelCheckpoint)
    return type(callback) in kinds


def obstacle_to_writing(callbacks: Sequence[keras.callbacks.Callback]) -> str | None:
    """Say why the networks that callbacks write can't be had later, or None."""
    for place, each in enumerate(callbacks):
        if type(each) is not keras.callbacks.ModelCheckpoint:
            continue
        if each.save_freq != "epoch":
            return (
                "its callback ModelCheckpoint writes for itself within epochs "
                f"(save_freq={each.save_freq})"
            )
        if _changes_rate(_adding(callbacks[place:])[:-1]):
            return (
                "its callback ModelCheckpoint writes before several others set the "
                "learning rate; put it behind them"
            )
    return None


def see_past_epochs(
    callbacks: Sequence[keras.callbacks.Callback],
    history: dict[str, list[Any]],
    network: keras.Model,
    put_state: Callable[[int], None],
) -> None:
    """Tell callbacks of epochs that were found, and are not trained again.

    Parameters
    ----------
    callbacks : sequence of keras.callbacks.Callback
        All those of a training that has begun.
    history : dict of str to list
        The history of these epochs.
    network : keras.Model
        The training's, its metrics built.
    put_state : callable
        Puts the network in its state after so many epochs. Called for those of which
        a file is written, and then for the last.
    """
    n_epochs = len(history["loss"])
    for place, callback in enumerate(callbacks):
        if type(callback) in _READERS:
            for epoch in range(n_epochs):
                callback.on_epoch_end(epoch, _logs(callbacks, place, history, epoch))
    written: list[tuple[int, int, str]] = []
    for place, callback in enumerate(callbacks):
        if type(callback) is keras.callbacks.ModelCheckpoint:
            notes = _Notes(network)
            _rehearse(
                callback,
                notes,
                [_logs(callbacks, place, history, epoch) for epoch in range(n_epochs)],
            )
            written += [(epoch, place, path) for path, epoch in notes.written.items()]
    # In the order of epochs, so that each is trained again from the one before.
    for epoch, place, path in sorted(written):
        put_state(epoch + 1)
        if _changes_rate(callbacks[place:]):  # after it was written
            network.optimizer.learning_rate = history[_RATE][epoch]
        if callbacks[place].save_weights_only:
            network.save_weights(path, overwrite=True)
        else:
            network.save(path, overwrite=True)
    if written:
        put_state(n_epochs)


class _Notes:
    """In a network's place, takes down what would be written of which epoch.

    Parameters
    ----------
    network : keras.Model
        The network, which says whether more of a metric is better.

    Attributes
    ----------
    written : dict of str to int
        By path, the epoch that wrote it last.
    """

    def __init__(self, network: keras.Model) -> None:
        self.metrics = network.metrics
        self.epoch = 0
        self.written: dict[str, int] = {}

    def save(self, filepath: str, overwrite: bool = True) -> None:
        """Take down that the network would be written."""
        self.written[filepath] = self.epoch

    save_weights = save


def _rehearse(
    callback: keras.callbacks.ModelCheckpoint,
    notes: _Notes,
    logs: Sequence[dict[str, Any]],
) -> None:
    """Have a callback go through epochs, and say nothing; it then knows their best."""
    network, verbose = callback.model, callback.verbose
    callback.set_model(notes)
    callback.verbose = 0
    try:
        for epoch, each in enumerate(logs):
            notes.epoch = epoch
            callback.on_epoch_begin(epoch)
            callback.on_epoch_end(epoch, each)
    finally:
        callback.set_model(network)
        callback.verbose = verbose


def _logs(
    callbacks: Sequence[keras.callbacks.Callback],
    place: int,
    history: dict[str, list[Any]],
    epoch: int,
) -> dict[str, Any]:
    """Return the logs of an epoch as the callback at this place saw them."""
    seen = {name: values[epoch] for name, values in history.items()}
    if not _adding(callbacks[:place]) and _adding(callbacks[place:]):
        seen.pop(_RATE, None)
    return seen


def _adding(
    callbacks: Sequence[keras.callbacks.Callback],
) -> list[keras.callbacks.Callback]:
    """Return those that add the learning rate to the logs."""
    return [each for each in callbacks if isinstance(each, _ADD_RATE)]


def _changes_rate(callbacks: Sequence[keras.callbacks.Callback]) -> bool:
    """Tell whether one of them changes the learning rate when an epoch has ended."""
    return any(
        isinstance(each, keras.callbacks.ReduceLROnPlateau) for each in callbacks
    )
