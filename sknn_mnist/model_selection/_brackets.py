"""The brackets of Hyperband: how many candidates train for how many epochs."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Bracket", "Rung", "brackets_of"]


class Rung(NamedTuple):
    """Candidates that train to the same epoch, before the best of them go on."""

    n_candidates: int
    n_epochs: int


class Bracket(NamedTuple):
    """Candidates that start together, and the rungs that fewer and fewer come to."""

    rungs: tuple[Rung, ...]

    @property
    def n_candidates(self) -> int:
        """How many candidates start."""
        return self.rungs[0].n_candidates

    @property
    def n_epochs(self) -> int:
        """The epochs that all train, where each goes on from its last rung."""
        before = (0, *(rung.n_epochs for rung in self.rungs))
        return sum(
            rung.n_candidates * (rung.n_epochs - since)
            for rung, since in zip(self.rungs, before, strict=False)
        )


def brackets_of(
    max_epochs: int, factor: int, n_distinct: int | None = None
) -> list[Bracket]:
    """Return the brackets, the one with the most candidates first.

    As Algorithm 1 of Li et al. (2018) has them, with whole epochs, halves rounded up.

    Parameters
    ----------
    max_epochs : int
        The epochs of a candidate that is never stopped, R in the paper.
    factor : int
        One in so many candidates goes on, for so many times the epochs: η in the
        paper. At least 2.
    n_distinct : int or None, default=None
        How many candidates there are, where that is known: a bracket begins with no
        more.

    Returns
    -------
    list of Bracket
        The last one trains its candidates to the end at once.
    """
    most = 0  # s_max in the paper, without a logarithm's rounding
    while factor ** (most + 1) <= max_epochs:
        most += 1
    brackets = []
    for s in range(most, -1, -1):
        n = -(-(most + 1) * factor**s // (s + 1))  # rounded up
        n = n if n_distinct is None else min(n, n_distinct)
        rungs = (
            Rung(max(n // factor**i, 1), _halves_up(max_epochs * factor**i, factor**s))
            for i in range(s + 1)
        )
        brackets.append(Bracket(tuple(rungs)))
    return brackets


def _halves_up(above: int, below: int) -> int:
    return (2 * above + below) // (2 * below)
