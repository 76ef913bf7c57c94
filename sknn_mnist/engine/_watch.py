"""Calls around the epochs of a training, for whoever watches it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from sknn_mnist.engine._network_state import State

__all__ = ["Look", "Seen", "Watch"]


class Seen(NamedTuple):
    """What there is to see after an epoch: the history so far, and the state."""

    history: dict[str, list[Any]]
    state: State


# Returns what there is to see; it costs nothing unless it is called.
Look = Callable[[], Seen]


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
