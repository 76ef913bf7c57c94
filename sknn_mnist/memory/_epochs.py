"""Which epochs of a training are kept, and keeping them while the next one trains.

For good: the ends of fits, which may be asked for again, and the epochs 1, 2, 4, 8...,
so that a fit of any other number of epochs has less than half of them to train. Of a
fit in flight besides, the last epoch it has come to, which replaces the one before:
a fit that is killed or interrupted loses the epoch it was in, and at most the one that
was being written. So a training of 60 epochs leaves 7 states. Where the best epoch is
to be put back, that one too, for good when the fit has ended.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from types import TracebackType
from typing import Any

import numpy as np

from sknn_mnist.memory._states import KeptState
from sknn_mnist.memory._stores import Store

__all__ = ["EpochKeeper"]


class EpochKeeper:
    """Keeps epochs of one fit; a context, at whose end all is written.

    Several fits of one training may run at once: none removes what another has kept.

    Parameters
    ----------
    memory : Store
        Where they are kept.
    key : str
        The training's key.
    found : KeptState or None
        What the fit starts from.
    best : KeptState or None, default=None
        The best epoch up to there, of a fit that puts that back.

    Attributes
    ----------
    kept : int
        The epochs that are safely kept.
    """

    def __init__(
        self,
        memory: Store,
        key: str,
        found: KeptState | None,
        best: KeptState | None = None,
    ) -> None:
        self.kept = 0 if found is None else found.epoch
        self._memory = memory
        self._key = key
        self._found = found
        self._found_best = best
        self._fit = secrets.token_hex(4)
        # Of what this fit keeps in passing, the last epoch and the best one.
        self._last: int | None = None
        self._best: int | None = None
        self._written: Future[Any] | None = None

    def __enter__(self) -> EpochKeeper:
        self._writer = ThreadPoolExecutor(1, "sknn-mnist-memory")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._writer.shutdown(wait=True)
        if error is None and self._written is not None:
            self._written.result()

    def keep(self, kept: KeptState, end: bool, best: bool = False) -> None:
        """Keep an epoch, written while the next one trains.

        Parameters
        ----------
        kept : KeptState
            What the training has come to.
        end : bool
            Whether the fit ends here.
        best : bool, default=False
            Whether it is the best one so far, of a fit that puts that back.
        """
        for_good = end or kept.epoch & (kept.epoch - 1) == 0
        self._submit(partial(self._put, kept, for_good, end, best))

    def keep_best(self, kept: KeptState) -> None:
        """Keep the best epoch for good, when the fit has ended.

        Parameters
        ----------
        kept : KeptState
            The epoch, of this fit or of one before.
        """
        passing = self._fit if kept.epoch == self._best else kept.passing
        if passing is not None:
            replaced = [(kept.epoch, passing)]
            self._submit(lambda: self._memory.put(self._key, kept, None, replaced))

    def _submit(self, write: Callable[[], Any]) -> None:
        # One at a time, so that no more than one is lost.
        if self._written is not None:
            self._written.result()
        self._written = self._writer.submit(write)

    def _put(self, kept: KeptState, for_good: bool, end: bool, best: bool) -> None:
        if not all(np.isfinite(each).all() for each in kept.state["network"]):
            return  # it has diverged, and will be refused
        stale = {self._last, self._best} if best else {self._last} - {self._best}
        replaced = [(epoch, self._fit) for epoch in stale if epoch is not None]
        # Another fit may be running that keeps these, but it will hardly need them
        # once this one is done, or has come to a better one.
        if end:
            replaced += _in_passing(self._found)
        if best:
            replaced += _in_passing(self._found_best)
        passing = None if for_good else self._fit
        if self._memory.put(self._key, kept, passing, replaced):
            self.kept = kept.epoch
            self._last = kept.epoch if passing else None
            if best:
                self._best = self._last


def _in_passing(found: KeptState | None) -> list[tuple[int, str]]:
    """Return the epoch and the fit of a state that is kept in passing."""
    if found is None or found.passing is None:
        return []
    return [(found.epoch, found.passing)]
