"""Who watches the epochs of a training, if anybody does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from sknn_mnist.engine._network_state import State

__all__ = ["Seen", "Watch", "Watcher", "floats_of"]

# History so far, and state; and what is called with a function that gives them.
Seen = tuple[dict[str, list[Any]], State]
Watcher = Callable[[Callable[[], Seen]], bool]


class Watch:
    """Calls around each epoch.

    Parameters
    ----------
    before : callable or None
        Called before an epoch.
    after : callable or None
        Called after it, with a function that gives what there is to see; returns
        whether to stop.
    """

    def __init__(
        self, before: Callable[[], None] | None, after: Watcher | None
    ) -> None:
        self._before = before
        self._after = after

    def begin(self) -> None:
        """Tell that an epoch begins."""
        if self._before is not None:
            self._before()

    def end(self, look: Callable[[], Seen]) -> bool:
        """Tell that it has ended, and return whether to stop."""
        return self._after is not None and self._after(look)


def floats_of(history: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """Return a history of floats; of some metrics vectors, a value a class."""
    return {
        name: [float(value) if np.ndim(value) == 0 else value for value in each]
        for name, each in history.items()
    }
