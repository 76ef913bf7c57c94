"""The course of a search by Hyperband: bracket after bracket, rung after rung."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from sknn_mnist._cv_results import chosen_metric, identity_of_parameters, metrics_of
from sknn_mnist._loans import Loan, OutOfTime
from sknn_mnist._messages import counted
from sknn_mnist._parameters import refused
from sknn_mnist.model_selection._brackets import Bracket, brackets_of
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
            f"{counted(self.n_candidates, 'candidate')} "
            f"to {counted(self.n_epochs, 'epoch')}"
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
        self._reached: dict[Any, int] = {}  # epochs, by candidate

    @classmethod
    def drawn(
        cls, search: Any, space: Space, random_state: np.random.RandomState
    ) -> Course:
        """Return the course of a search whose parameters are good.

        All is drawn before anything is trained, so that a search that ends early has
        the candidates of one that does not.
        """
        brackets = brackets_of(search.max_epochs, search.factor, space.n_distinct)
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
            if not search.brackets_[-1]:  # whose first rung was not done
                search.brackets_.pop()
        # The refit that comes takes the time that it takes, and goes on from nothing.
        self._loan.end(but_the_seed=True)
        if not any(search.brackets_):
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
            search.brackets_.append([])
            bracket = _Bracket(self, number, search, evaluate, tasks)
            bracket.run()
            n_stale = 0 if bracket.best > bar else n_stale + len(candidates)
            bar = max(bar, bracket.best)

    def parameters(self, reached: Reached, numbers: list[int]) -> list[dict[str, Any]]:
        """Return what some candidates of a bracket train with up to a rung."""
        drawn = self.candidates[reached.bracket]
        with_epochs = self._space.with_epochs
        return [with_epochs(drawn[at], reached.n_epochs, self._loan) for at in numbers]

    def check_time(self) -> None:
        """Raise `OutOfTime` when the time has come."""
        self._loan.check_time()

    def n_new_epochs(self, reached: Reached, numbers: list[int]) -> int:
        """Return the epochs of a rung that no rung before it had, in one fold."""
        added = 0
        for number in numbers:
            key = identity_of_parameters(self.candidates[reached.bracket][number])
            before = self._reached.get(key, 0)
            self._reached[key] = max(reached.n_epochs, before)
            added += self._reached[key] - before
        return added


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
        for iteration, rung in enumerate(self._course.brackets[self._number].rungs):
            reached = Reached(self._number, iteration, len(going_on), rung.n_epochs)
            scores = self._scores_of(going_on, reached)
            if scores is None:
                return
            self._tell(going_on, reached)
            if np.isnan(scores).all():
                self._warn(reached, "no candidate has a score")
                return
            self.best = max(self.best, float(np.nanmax(scores)))
            kept = np.argsort(-scores, kind="stable")[: self._n_next(iteration)]
            # NaN comes last, and is no score to go on with.
            going_on = sorted(going_on[at] for at in kept if not np.isnan(scores[at]))

    def _n_next(self, iteration: int) -> int:
        rungs = self._course.brackets[self._number].rungs
        return rungs[iteration + 1].n_candidates if iteration + 1 < len(rungs) else 0

    def _scores_of(self, numbers: list[int], reached: Reached) -> np.ndarray | None:
        """Return the mean scores of a rung; None where every fit failed."""
        search = self._search
        try:
            results = self._evaluated(reached, numbers)
        except ValueError as err:
            if not (any(search.brackets_) and every_fit_failed(err)):
                raise
            why = f"every fit failed: {str(err).strip().splitlines()[-1]}"
            self._warn(reached, why)
            return None
        scores: np.ndarray = results[f"mean_test_{_metric_of(search, results)}"]
        return scores[-len(numbers) :]

    def _evaluated(self, reached: Reached, numbers: list[int]) -> dict[str, Any]:
        """Train some candidates to a rung; return the results of the search so far."""
        course, search = self._course, self._search
        course.check_time()
        search.on_rung_begin(reached, course.brackets)
        before = sum(map(len, course.candidates[: reached.bracket]))
        n = len(numbers)
        with self._tasks.rung(n * search.cv.n_splits) as options:
            results: dict[str, Any] = self._evaluate(
                course.parameters(reached, numbers),
                more_results={
                    "iter": [reached.iteration] * n,
                    "n_resources": [reached.n_epochs] * n,
                    "bracket": [reached.bracket] * n,
                    "candidate": [before + at for at in numbers],
                },
                **options,
            )
        return results

    def _warn(self, reached: Reached, why: str) -> None:
        warnings.warn(
            f"{type(self._search).__name__} ends a bracket early at "
            f"{reached.told_of(self._course.brackets)}, where {why}",
            stacklevel=2,
        )

    def _tell(self, numbers: list[int], reached: Reached) -> None:
        """Have the search know of a rung that is done."""
        search = self._search
        if reached.iteration == 0:
            search.n_candidates_ += len(numbers)
        search.brackets_[-1].append((len(numbers), reached.n_epochs))
        n_epochs = self._course.n_new_epochs(reached, numbers)
        search.n_epochs_ += n_epochs * search.cv.n_splits


def _metric_of(search: Any, results: dict[str, Any]) -> str:
    """Return the name of the score by which candidates go on."""
    names = metrics_of(results)
    metric = chosen_metric(search, names)
    unknown = isinstance(search.refit, str) and metric != search.refit
    if len(names) > 1 and (search.refit is True or unknown):
        # Of a callable `scoring`, which scikit-learn would refuse in the end.
        must = f"name one of the scores {names}"
        raise refused("refit", type(search).__name__, must, repr(search.refit))
    return names[0] if metric is None else metric
