"""Calls around the epochs of a training, for whoever watches it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sknn_mnist._histories import plain_history, plain_logs
from sknn_mnist.engine._network_state import State

__all__ = ["Look", "Watch"]


@dataclass(frozen=True)
class Look:
    """What there is to see after an epoch; nothing of it costs unless it is asked for.

    Attributes
    ----------
    epoch : int
        The epoch's number, counted from 0.
    read_history : callable
        Gives the history so far, as Keras has it.
    read_state : callable
        Gives what training has changed so far.
    """

    epoch: int
    read_history: Callable[[], dict[str, list[Any]]]
    read_state: Callable[[], State]

    @property
    def history(self) -> dict[str, list[Any]]:
        """The history so far."""
        return plain_history(self.read_history())

    @property
    def logs(self) -> dict[str, Any]:
        """The last values of the history."""
        found = self.read_history().items()
        return plain_logs({name: values[-1] for name, values in found})

    @property
    def state(self) -> State:
        """What training has changed so far."""
        return self.read_state()


@dataclass(frozen=True)
class Watch:
    """Calls around each epoch, whichever way it is trained or found.

    Attributes
    ----------
    before_epoch : callable or None
        Called without arguments when an epoch begins.
    after_epoch : callable or None
        Called with a `Look` when it has ended; returns whether to stop.
    """

    before_epoch: Callable[[], None] | None = None
    after_epoch: Callable[[Look], bool] | None = None

    def begin(self) -> None:
        """Tell that an epoch begins."""
        if self.before_epoch is not None:
            self.before_epoch()

    def end(self, look: Look) -> bool:
        """Tell that it has ended, and return whether to stop."""
        return self.after_epoch is not None and self.after_epoch(look)
