"""The course of a search by Hyperband: bracket after bracket, rung after rung."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from sknn_mnist._loans import Loan, OutOfTime
from sknn_mnist._parameters import refused
from sknn_mnist.model_selection._brackets import Bracket, Rung, brackets_of
from sknn_mnist.model_selection._candidates import Space
from sknn_mnist.model_selection._sklearn_search import RungTasks, every_fit_failed

__all__ = ["Course", "Reached"]


class Reached(NamedTuple):
    """A rung that a search has come to."""

    bracket: int
    iteration: int
    n_candidates: int
    n_epochs: int

    def told_of(self, brackets: list[Bracket]) -> str:
        """Return a line that says where it is among all."""
        n_rungs = len(brackets[self.bracket].rungs)
        return (
            f"bracket {self.bracket + 1} of {len(brackets)}, "
            f"rung {self.iteration + 1} of {n_rungs}: "
            f"{self.n_candidates:,} candidate{'' if self.n_candidates == 1 else 's'} "
            f"to {self.n_epochs:,} epoch{'' if self.n_epochs == 1 else 's'}"
        )


class Course:
    """Which candidates train for how long, and what they come to.

    Parameters
    ----------
    brackets : list of Bracket
        In the order in which they run.
    candidates : list of list of dict
        Of each bracket, as many as it begins with, or fewer.
    space : Space
        Where they come from.
    seed : int
        For nets that have none.
    """

    def __init__(
        self,
        brackets: list[Bracket],
        candidates: list[list[dict[str, Any]]],
        space: Space,
        seed: int,
    ) -> None:
        self.brackets = brackets
        self.candidates = candidates
        self._space = space
        self._seed = seed
        self._loan = Loan()

    @classmethod
    def drawn(
        cls, search: Any, space: Space, random_state: np.random.RandomState
    ) -> Course:
        """Return the course of a search whose parameters are good.

        All is drawn before anything is trained, so that a search that ends early has
        the candidates of one that does not.
        """
        brackets = brackets_of(search.max_epochs, search.factor)
        brackets *= search.hyperband_iterations
        seed = int(random_state.randint(2**31 - 1))
        candidates = [space.draw(each.n_candidates, random_state) for each in brackets]
        return cls(brackets, candidates, space, seed)

    def lend(self, folder: str, seconds: float | None) -> Loan:
        """Return what is lent to the nets, from now on."""
        ends_at = None if seconds is None else time.time() + seconds
        self._loan = Loan(folder, self._seed, ends_at)
        return self._loan

    def run(self, search: Any, evaluate: Callable[..., Any], callback_ctx: Any) -> None:
        """Run the brackets, and tell the search what they came to.

        Parameters
        ----------
        search : HyperbandSearchCV
            Gets its attributes `brackets_` and so on.
        evaluate : callable
            Scikit-learn's: fits and scores candidates.
        callback_ctx : object or None
            Scikit-learn's, of its callbacks.
        """
        search.brackets_ = []
        search.n_candidates_ = search.n_epochs_ = 0
        search.stopped_by_ = None
        n_rungs = sum(len(bracket.rungs) for bracket in self.brackets)
        try:
            with RungTasks(search, n_rungs, callback_ctx) as tasks:
                self._run_brackets(search, evaluate, tasks)
        except OutOfTime:
            search.stopped_by_ = "max_time"
        # The refit that comes takes the time that it takes, and goes on from nothing.
        self._loan.end(but_the_seed=True)
        if not search.brackets_:
            first = self.brackets[0].rungs[0]
            raise TimeoutError(
                f"The time of {type(search).__name__} (max_time={search.max_time!r} "
                f"seconds) was over before its first rung was: {first.n_candidates:,} "
                f"candidates in each fold, {first.n_epochs:,} epoch(s)."
            )

    def _run_brackets(
        self, search: Any, evaluate: Callable[..., Any], tasks: RungTasks
    ) -> None:
        bar, n_stale = -np.inf, 0
        for number, candidates in enumerate(self.candidates):
            if search.patience is not None and n_stale >= search.patience:
                search.stopped_by_ = "patience"
                return
            bracket = _Bracket(self, number, search, evaluate, tasks)
            bracket.run()
            n_stale = 0 if bracket.best > bar else n_stale + len(candidates)
            bar = max(bar, bracket.best)

    def evaluated(
        self,
        reached: Reached,
        numbers: list[int],
        search: Any,
        evaluate: Callable[..., Any],
        tasks: RungTasks,
    ) -> dict[str, Any]:
        """Train some candidates of a bracket to a rung; return all results so far."""
        self._loan.check_time()
        search.on_rung_begin(reached, self.brackets)
        drawn = self.candidates[reached.bracket]
        before = sum(map(len, self.candidates[: reached.bracket]))
        with_epochs = self._space.with_epochs
        n = len(numbers)
        with tasks.rung(n * search.cv.n_splits) as options:
            results: dict[str, Any] = evaluate(
                [
                    with_epochs(drawn[at], reached.n_epochs, self._loan)
                    for at in numbers
                ],
                more_results={
                    "iter": [reached.iteration] * n,
                    "n_resources": [reached.n_epochs] * n,
                    "bracket": [reached.bracket] * n,
                    "candidate": [before + at for at in numbers],
                },
                **options,
            )
        return results


class _Bracket:
    """One bracket as it runs.

    Attributes
    ----------
    best : float
        The best mean score so far.
    """

    def __init__(
        self,
        course: Course,
        number: int,
        search: Any,
        evaluate: Callable[..., Any],
        tasks: RungTasks,
    ) -> None:
        self.best = -np.inf
        self._course = course
        self._number = number
        self._search = search
        self._evaluate = evaluate
        self._tasks = tasks

    def run(self) -> None:
        """Train rung after rung, the best of each going on to the next."""
        going_on = list(range(len(self._course.candidates[self._number])))
        epochs = 0
        for iteration, rung in enumerate(self._course.brackets[self._number].rungs):
            scores = self._scores_of(going_on, iteration, rung)
            if scores is None:
                return
            self._tell(len(going_on), rung, iteration, epochs)
            epochs = rung.n_epochs
            kept = np.argsort(-scores, kind="stable")[: self._n_next(iteration)]
            # NaN comes last, and is no score to go on with.
            going_on = sorted(going_on[at] for at in kept if not np.isnan(scores[at]))
            if not np.isnan(scores).all():
                self.best = max(self.best, float(np.nanmax(scores)))
            if not going_on:
                return

    def _n_next(self, iteration: int) -> int:
        rungs = self._course.brackets[self._number].rungs
        return rungs[iteration + 1].n_candidates if iteration + 1 < len(rungs) else 0

    def _scores_of(
        self, numbers: list[int], iteration: int, rung: Rung
    ) -> np.ndarray | None:
        """Return the mean scores of a rung; None where every fit failed."""
        reached = Reached(self._number, iteration, len(numbers), rung.n_epochs)
        search = self._search
        try:
            results = self._course.evaluated(
                reached, numbers, search, self._evaluate, self._tasks
            )
        except ValueError as err:
            if not (search.brackets_ and every_fit_failed(err)):
                raise
            warnings.warn(
                f"{type(search).__name__} ends a bracket early, since every fit of a "
                f"rung failed: {reached.told_of(self._course.brackets)}. The last "
                f"error: {str(err).strip().splitlines()[-1]}",
                stacklevel=2,
            )
            return None
        scores: np.ndarray = results[f"mean_test_{_metric_of(search, results)}"]
        return scores[-len(numbers) :]

    def _tell(self, n: int, rung: Rung, iteration: int, since: int) -> None:
        """Have the search know of a rung that is done."""
        search = self._search
        if iteration == 0:
            search.brackets_.append([])
            search.n_candidates_ += n
        search.brackets_[-1].append((n, rung.n_epochs))
        search.n_epochs_ += n * (rung.n_epochs - since) * search.cv.n_splits


def _metric_of(search: Any, results: dict[str, Any]) -> str:
    """Return the name of the score by which candidates go on."""
    start = "mean_test_"
    names = [name.removeprefix(start) for name in results if name.startswith(start)]
    if isinstance(search.refit, str) and search.refit in names:
        return search.refit
    # True chooses among several no better; scikit-learn would say so in the end.
    if "score" in names and (len(names) == 1 or search.refit is not True):
        return "score"
    must = f"name the score by which candidates go on, one of {names}"
    raise refused("refit", type(search).__name__, must, repr(search.refit))
