"""What is said of a search that deals out epochs: its rungs, its end, its savings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sknn_mnist.cli._errors import CommandError
from sknn_mnist.cli._memory import states_in
from sknn_mnist.cli._plan import Plan

if TYPE_CHECKING:
    from sknn_mnist.reporting._progress import SearchProgress

__all__ = [
    "about_course",
    "ended_by",
    "epochs_told",
    "most_epochs",
    "telling_rungs",
    "within_minutes",
]


def telling_rungs(search: Any, tell: Callable[[str], None]) -> None:
    """Have a search by Hyperband tell of each rung that it begins.

    Parameters
    ----------
    search : HyperbandSearchCV
        Which calls its `on_rung_begin`.
    tell : callable
        Called with a line, in the process that searches.
    """
    search.on_rung_begin = _Told(tell)


class _Told:
    """Tells of rungs where the search is, and nothing where it was sent along."""

    def __init__(self, tell: Callable[[str], None] | None = None) -> None:
        self._tell = tell

    def __call__(self, reached: Any, brackets: Any) -> None:
        if self._tell is not None:
            self._tell(reached.told_of(brackets))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), ()


def about_course(plan: Plan) -> str:
    """Return how a search whose fits only it decides is made."""
    candidates = plan.candidates
    if not candidates.brackets:
        return f"by {candidates.by}"
    return (
        f"by Hyperband, {len(candidates):,} candidates in {len(candidates.brackets)} "
        "brackets"
    )


def most_epochs(plan: Plan) -> int | None:
    """Return the epochs of all fits of a search by Hyperband, each from its first.

    None of other searches.
    """
    rungs = [rung for rungs in plan.candidates.brackets for rung in rungs]
    epochs = sum(rung.n_candidates * rung.n_epochs for rung in rungs)
    return epochs * plan.asked.cv or None


@contextmanager
def within_minutes(plan: Plan) -> Iterator[None]:
    """Say in one sentence that the minutes were over before there was a result."""
    try:
        yield
    except TimeoutError as err:
        asked = plan.asked.hyperband
        if not (asked and asked.minutes and "max_time" in str(err)):
            raise
        n_candidates, n_epochs = plan.candidates.brackets[0][0]
        raise CommandError(
            f"--minutes {asked.minutes:g} were over before the first rung was done: "
            f"{n_candidates:,} candidates to {n_epochs:,} epoch(s) in each of "
            f"{plan.asked.cv} folds, the start of workers among them"
            f"{_going_on(plan) or '; give more'}"
        ) from err


def ended_by(plan: Plan, search: Any) -> str | None:
    """Return what ended a search by Hyperband before its last rung; None if nothing."""
    asked, stopped_by = plan.asked.hyperband, getattr(search, "stopped_by_", None)
    if not asked or stopped_by is None:
        return None
    brackets, told = plan.candidates.brackets, search.brackets_
    after = f"after bracket {len(told)} of {len(brackets)}"
    if stopped_by == "patience":
        return (
            f"ended by --patience {asked.patience}, {after}: so many candidates have "
            "not bettered the best score"
        )
    after += f", rung {len(told[-1])} of {len(brackets[len(told) - 1])}"
    return f"ended by --minutes {asked.minutes:g}, {after}{_going_on(plan)}"


def _going_on(plan: Plan) -> str:
    if states_in(plan.candidates.estimator.memory):
        return "; the same command goes on from there"
    return ""


def epochs_told(plan: Plan, search: Any, progress: SearchProgress) -> str:
    """Return how many epochs a search has trained, and how many it has spared."""
    candidates, asked = plan.candidates, plan.asked
    begun = search.n_candidates_ if asked.hyperband else len(candidates)
    everything = begun * (candidates.epochs or 0) * asked.cv
    counted = f"{begun:,} " if asked.hyperband else ""
    at_most = "at most " if asked.stopping.early_stopping else ""
    return (
        f"epochs: {progress.trained_epochs:,} trained, "
        f"{progress.epochs - progress.trained_epochs:,} found in the memory; all "
        f"{counted}candidates to {candidates.epochs} from scratch: "
        f"{at_most}{everything:,}"
    )
