"""What a search lends to the nets that it fits: a memory, a seed, a time to end by.

A search takes clones of the user's estimator, whose parameters are nobody's to change.
So what the search adds for its own time goes beside them: clones, copies and pickles of
a net carry it on, into worker processes too, until the search ends it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["Borrower", "Loan", "OutOfTime", "lend", "take_back"]


class OutOfTime(BaseException):
    """The time of a search is over.

    No `Exception`: scikit-learn would make a score of it, as of a fit that failed.
    """


class Loan:
    """What is lent, until it ends.

    Parameters
    ----------
    memory : str or None, default=None
        Folder for the training states of nets that have no `memory` of their own.
    seed : int or None, default=None
        The `random_state` of nets that have none.
    ends_at : float or None, default=None
        When fits are to end, as `time.time` tells it.
    """

    def __init__(
        self,
        memory: str | None = None,
        seed: int | None = None,
        ends_at: float | None = None,
    ) -> None:
        self._memory = memory
        self.seed = seed
        self.ends_at = ends_at

    @property
    def memory(self) -> str | None:
        """The folder; None on machines that do not have it."""
        folder = self._memory
        return folder if folder is not None and os.path.isdir(folder) else None

    @property
    def is_over(self) -> bool:
        """Whether the time has come."""
        return self.ends_at is not None and time.time() >= self.ends_at

    def check_time(self) -> None:
        """Raise `OutOfTime` when the time has come."""
        if self.is_over:
            raise OutOfTime

    def __deepcopy__(self, memo: dict[int, Any]) -> Loan:
        # Who has it knows of its end, in copies too.
        return self

    def end(self, but_the_seed: bool = False) -> None:
        """Lend nothing any more, to whoever has it in this process."""
        self._memory = self.ends_at = None
        if not but_the_seed:
            self.seed = None


class Borrower:
    """A net that takes what is lent to it."""

    _loan: Loan | None = None

    def _lent(self, name: str, own: Any) -> Any:
        """Return the net's own value, or where that is None, what is lent for it."""
        if own is not None or self._loan is None:
            return own
        return getattr(self._loan, name)

    def _check_time(self) -> None:
        """Raise `OutOfTime` when the time that was lent is over."""
        if self._loan is not None:
            self._loan.check_time()

    def _lend_on(self, other: Borrower) -> None:
        """Have another net borrow the same."""
        if self._loan is not None:
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
