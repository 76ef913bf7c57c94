"""Which epochs of a training are kept, and keeping them while the next one trains.

For good: the ends of fits, which may be asked for again, and the epochs 1, 2, 4, 8...,
so that a fit of any other number of epochs has less than half of them to train. Of a
fit in flight besides, the last epoch it has come to, which replaces the one before:
a fit that is killed or interrupted loses the epoch it was in, and at most the one that
was being written. So a training of 60 epochs leaves 7 states.
"""

from __future__ import annotations

import secrets
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType

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

    Attributes
    ----------
    kept : int
        The epochs that are safely kept.
    """

    def __init__(self, memory: Store, key: str, found: KeptState | None) -> None:
        self.kept = 0 if found is None else found.epoch
        self._memory = memory
        self._key = key
        self._found = found
        self._fit = secrets.token_hex(4)
        self._last: int | None = None
        self._written: Future[None] | None = None

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

    def keep(self, kept: KeptState, end: bool) -> None:
        """Keep an epoch, written while the next one trains.

        Parameters
        ----------
        kept : KeptState
            What the training has come to.
        end : bool
            Whether the fit ends here.
        """
        # One at a time, so that no more than one is lost.
        if self._written is not None:
            self._written.result()
        for_good = end or kept.epoch & (kept.epoch - 1) == 0
        self._written = self._writer.submit(self._put, kept, for_good, end)

    def _put(self, kept: KeptState, for_good: bool, end: bool) -> None:
        if not all(np.isfinite(each).all() for each in kept.state["network"]):
            return  # it has diverged, and will be refused
        replaced = [] if self._last is None else [(self._last, self._fit)]
        found = self._found
        # Another fit may be running that keeps it, but it will hardly need it once
        # this one is done.
        if end and found is not None and found.passing is not None:
            replaced.append((found.epoch, found.passing))
        passing = None if for_good else self._fit
        if self._memory.put(self._key, kept, passing, replaced):
            self.kept = kept.epoch
            self._last = kept.epoch if passing else None
