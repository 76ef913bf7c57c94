"""What a search lends to the nets that it fits: a memory, a seed, a time to end by.

A search takes clones of the user's estimator, whose parameters are nobody's to change.
So what the search adds for its own time goes beside them: clones, copies and pickles of
a net carry it on, into worker processes too, until the search ends it. A copy that is
kept for longer knows by the folder of the memory, which is gone then.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

__all__ = ["Borrower", "Loan", "OutOfTime", "lend", "take_back"]


class OutOfTime(BaseException):
    """The time of a search is over.

    No `Exception`: scikit-learn would make a score of it, as of a fit that failed.
    """

    def __init__(self) -> None:
        super().__init__("the time of the search that this fit is part of is over")

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), ()


class Loan:
    """What is lent, until it ends.

    Parameters
    ----------
    folder : str or None, default=None
        For the training states of nets that have no `memory` of their own. It is there
        for as long as the search is.
    seed : int or None, default=None
        The `random_state` of nets that have none.
    ends_at : float or None, default=None
        When fits are to end, as `time.time` tells it.
    host : str or None, default=None
        The machine that has the folder; None for this one.
    """

    def __init__(
        self,
        folder: str | None = None,
        seed: int | None = None,
        ends_at: float | None = None,
        host: str | None = None,
    ) -> None:
        self._folder = folder
        self._seed = seed
        self._ends_at = ends_at
        self._host = socket.gethostname() if host is None else host
        self._has_ended = False
        self._n_fits = 0  # that are at work in this process
        self._changed = threading.Condition()

    @property
    def memory(self) -> str | None:
        """The folder; None on machines that do not have it."""
        there = self._folder is not None and os.path.isdir(self._folder)
        return self._folder if there and not self._has_ended else None

    @property
    def seed(self) -> int | None:
        """The seed; None when the search has ended."""
        return None if self._is_left_over else self._seed

    @property
    def is_over(self) -> bool:
        """Whether the time has come."""
        return self._ends_at is not None and time.time() >= self._ends_at

    @property
    def is_empty(self) -> bool:
        """Whether nothing is lent any more."""
        return self._is_left_over or (self._has_ended and self._seed is None)

    @contextmanager
    def fitting(self) -> Iterator[bool]:
        """Have the search know of a fit in the block; yields whether it is part of it.

        What begins after the end is not, as the refit.
        """
        with self._changed:
            takes_part = not (self._has_ended or self._is_left_over)
            self._n_fits += takes_part
        try:
            yield takes_part
        finally:
            with self._changed:
                self._n_fits -= takes_part
                self._changed.notify_all()

    def check_time(self) -> None:
        """Raise `OutOfTime` in a fit of the search when the time has come."""
        if self.is_over or self._has_ended:
            raise OutOfTime

    def end(self, but_the_seed: bool = False) -> None:
        """Lend nothing any more, and wait for the fits that threads are still at.

        These end with the epoch they are in.
        """
        with self._changed:
            self._has_ended = True
            if not but_the_seed:
                self._seed = None
            self._changed.wait_for(lambda: self._n_fits == 0)

    @property
    def _is_left_over(self) -> bool:
        """Whether the search was on this machine, and is gone with its folder."""
        if self._folder is None or self._host != socket.gethostname():
            return False
        return not os.path.isdir(self._folder)

    def __deepcopy__(self, memo: dict[int, Any]) -> Loan:
        # Who has it knows of its end, in copies too.
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        folder, ends_at = self._folder, self._ends_at
        if self._has_ended:
            folder = ends_at = None
        return type(self), (folder, self._seed, ends_at, self._host)


class Borrower:
    """A net that takes what is lent to it."""

    _loan: Loan | None = None
    # Whether a fit of the search is at work.
    _is_timed = False

    def _lent(self, name: str, own: Any) -> Any:
        """Return the net's own value, or where that is None, what is lent for it."""
        if own is not None or self._loan is None:
            return own
        return getattr(self._loan, name)

    @contextmanager
    def _borrowing(self) -> Iterator[None]:
        """Borrow while the block fits the net."""
        if self._loan is None:
            yield
            return
        with self._loan.fitting() as self._is_timed:
            try:
                yield
            finally:
                vars(self).pop("_is_timed", None)

    def _check_time(self) -> None:
        """Raise `OutOfTime` when the time that was lent is over."""
        if self._is_timed and self._loan is not None:
            self._loan.check_time()

    def _lend_on(self, other: Borrower) -> None:
        """Have another net borrow the same."""
        if self._loan is not None and not self._loan.is_empty:
            other._loan = self._loan


def lend(value: Any, loan: Loan) -> bool:
    """Lend to all nets in a value: an estimator, or what has some as parameters.

    Parameters
    ----------
    value : object
        Nobody else's: its nets are changed.
    loan : Loan
        What is lent.

    Returns
    -------
    bool
        Whether there is any net.
    """
    nets = list(_borrowers_in(value))
    for net in nets:
        net._loan = loan
    return bool(nets)


def take_back(value: Any) -> None:
    """Take back what was lent to the nets in a value."""
    for net in _borrowers_in(value):
        vars(net).pop("_loan", None)


def _borrowers_in(value: Any) -> Iterator[Borrower]:
    if isinstance(value, Borrower):
        yield value
    if isinstance(value, list | tuple):
        inner: list[Any] = list(value)
    elif hasattr(value, "get_params") and not isinstance(value, type):
        found = value.get_params(deep=False)
        inner = list(found.values()) if isinstance(found, Mapping) else []
    else:
        inner = []
    for each in inner:
        yield from _borrowers_in(each)
