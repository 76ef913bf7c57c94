"""Hyperband over epochs, on the folds' mean: a search that stops what can't win."""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.model_selection import check_cv

from sknn_mnist._loans import lend, take_back
from sknn_mnist._parameters import (
    as_finite_float,
    as_random_state,
    check_positive_int,
    invalid,
)
from sknn_mnist.model_selection._brackets import Bracket
from sknn_mnist.model_selection._candidates import Space
from sknn_mnist.model_selection._course import Course, Reached
from sknn_mnist.model_selection._folds import SameFolds
from sknn_mnist.model_selection._sklearn_search import BaseSearchCV

__all__ = ["HyperbandSearchCV"]

# Of the folders that are lent to nets without a memory.
PREFIX = "sknn-mnist-hyperband-"


class HyperbandSearchCV(BaseSearchCV):
    """Search that trains many candidates for few epochs, and few of them for many.

    Hyperband [1]_ draws candidates at random and trains them in brackets. The first
    bracket trains many candidates for a few epochs; the best of them, one in `factor`,
    go on for `factor` times as many, and so on up to `max_epochs`. The brackets after
    it begin with fewer candidates and more epochs, for the sake of candidates that
    learn slowly; the last one stops nobody. What is best is judged by the mean score
    over the folds of a cross-validation, and a candidate that goes on, goes on in each
    fold from where it was: no epoch is trained twice.

    Parameters
    ----------
    estimator : estimator
        A net of this package, a Pipeline that ends with one, or another estimator that
        holds one net, such as a `sklearn.compose.TransformedTargetRegressor`. The
        search sets its `epochs`. Where the net has no `random_state`, all candidates
        get the same one from the search; an int is what lets trainings go on.
    param_distributions : dict of str to list or distribution, or list of such dicts
        Parameters to search, as in `sklearn.model_selection.RandomizedSearchCV`: lists
        of values, or distributions with an ``rvs`` method, such as `Range`'s or those
        of `scipy.stats`. Any parameter but the epochs, of any step of a pipeline.
    max_epochs : int, default=81
        The epochs of a candidate that is never stopped. Below `factor` there is one
        bracket of one candidate.
    factor : int, default=3
        One in so many candidates goes on, for so many times the epochs. At least 2.
    hyperband_iterations : int, default=1
        How many times all brackets are run, with other candidates each time.
    max_time : float, default=None
        Seconds after which the search ends, the start of workers counted, its refit
        not: fits end with the epoch they are in, and the rung in progress is left out
        of the results. None for no limit.
    patience : int, default=None
        The search ends after a bracket when its candidates, together with those of the
        brackets just before it, are so many, and have not bettered the best score
        before them. None for no limit.
    scoring : str, callable, list, tuple or dict, default=None
        As in `sklearn.model_selection.GridSearchCV`. Of several scores `refit` names
        the one by which candidates go on; where it names none, it is the one called
        ``"score"``, or else the first.
    n_jobs : int, default=None
        Fits at once, by joblib: in its worker processes, in threads, or on Dask.
    refit : bool, str or callable, default=True
        Whether to train the best candidate on all rows, and by which of several
        scores it is the best, as in `GridSearchCV`.
    cv : int, splitter or iterable, default=None
        The folds, as in `GridSearchCV`. They are drawn once, and are the same for all
        candidates and epochs.
    random_state : int, RandomState instance or None, default=None
        Draws the candidates. A search that is to go on after it was killed needs an
        int, and `memory` of the net.
    verbose : int, default=0
        Above 0, a line for each rung; the rest as in `GridSearchCV`.
    pre_dispatch : int or str, default="2*n_jobs"
        As in `GridSearchCV`.
    error_score : "raise" or float, default=nan
        Score of a fit that fails, as in `GridSearchCV`. Candidates whose mean score is
        NaN do not go on.
    return_train_score : bool, default=False
        Whether there are scores on the rows trained on as well.

    Attributes
    ----------
    cv_results_ : dict of ndarrays
        A row for each candidate and rung that it came to, as in the results of
        scikit-learn's searches by halving: ``iter`` is the number of the rung within
        the bracket and ``n_resources`` its epochs; ``bracket`` and ``candidate`` are
        the numbers of these. All from 0.
    best_estimator_ : estimator
        The best candidate, trained on all rows for the epochs of its row; with `refit`.
    best_score_ : float
        Mean score over the folds of the best row.
    best_params_ : dict
        Parameters of the best row, with the epochs. The best of all rows is the best,
        of whatever rung; of equals, the first.
    best_index_ : int
        Its row in ``cv_results_``.
    brackets_ : list of list of tuple
        Each bracket's rungs that were told, as (candidates, epochs). None of a bracket
        whose first fits all failed.
    n_candidates_ : int
        Candidates that were begun, in whatever bracket.
    n_epochs_ : int
        Epochs of all of them and all folds, where each goes on from its last rung, and
        the same candidate from another bracket's. Less was trained where `memory` had
        some of them before; nets that stop early train less.
    stopped_by_ : {"max_time", "patience"} or None
        What ended the search; None where all brackets were run.
    n_splits_ : int
        The number of folds.
    scorer_ : callable or dict of str to callable
        The scorers.
    multimetric_ : bool
        Whether there are several.
    refit_time_ : float
        Seconds of the refit; with `refit`.

    See Also
    --------
    Range : Numbers between two bounds, evenly or by their logarithm.
    sklearn.model_selection.HalvingRandomSearchCV : A single bracket.

    Notes
    -----
    Trainings go on by `memory` of the net. Where it has none, the search lends it a
    folder for its time, which worker processes of the same machine share (one that is
    killed with SIGKILL leaves it among the temporary files). On several machines give
    `memory` a folder that all of them have, and their clocks the same time for
    `max_time`: where there is no folder, a rung trains from the first epoch on. The
    same goes for nets that have no memory, such as those with layers of your own.

    Killed and run again, with the same `random_state` and the same `memory`, the search
    finds what it had trained and ends with the same results. With `max_time` it comes
    further then.

    Where every fit of a rung fails, or no candidate has a score, the bracket ends there
    with a warning; only when no fit before it worked is that an error.

    References
    ----------
    .. [1] L. Li, K. Jamieson, G. DeSalvo, A. Rostamizadeh, A. Talwalkar, "Hyperband: A
       Novel Bandit-Based Approach to Hyperparameter Optimization", Journal of Machine
       Learning Research 18 (185), 2018.

    Examples
    --------
    >>> from sknn_mnist import DenseClassifier, load_digits28
    >>> from sknn_mnist.model_selection import HyperbandSearchCV, Range
    >>> X_train, X_test, y_train, y_test = load_digits28(return_X_y=True)
    >>> search = HyperbandSearchCV(
    ...     DenseClassifier(random_state=0),
    ...     {
    ...         "hidden_size": Range(8, 64),
    ...         "learning_rate": Range(1e-3, 1e-1, log=True),
    ...         "batch_norm": [False, True],
    ...     },
    ...     max_epochs=9,
    ...     cv=2,
    ...     random_state=0,
    ... )
    >>> search = search.fit(X_train[:300], y_train[:300])
    >>> search.brackets_
    [[(9, 1), (3, 3), (1, 9)], [(5, 3), (1, 9)], [(3, 9)]]
    >>> search.n_epochs_
    138
    >>> search.score(X_test, y_test) > 0.5
    True
    """

    def __init__(
        self,
        estimator: Any,
        param_distributions: Any,
        *,
        max_epochs: int = 81,
        factor: int = 3,
        hyperband_iterations: int = 1,
        max_time: float | None = None,
        patience: int | None = None,
        scoring: Any = None,
        n_jobs: int | None = None,
        refit: Any = True,
        cv: Any = None,
        random_state: Any = None,
        verbose: int = 0,
        pre_dispatch: Any = "2*n_jobs",
        error_score: Any = np.nan,
        return_train_score: bool = False,
    ) -> None:
        super().__init__(
            estimator=estimator,
            scoring=scoring,
            n_jobs=n_jobs,
            refit=refit,
            cv=cv,
            verbose=verbose,
            pre_dispatch=pre_dispatch,
            error_score=error_score,
            return_train_score=return_train_score,
        )
        self.param_distributions = param_distributions
        self.max_epochs = max_epochs
        self.factor = factor
        self.hyperband_iterations = hyperband_iterations
        self.max_time = max_time
        self.patience = patience
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None, **params: Any) -> HyperbandSearchCV:
        """Search, and train the best candidate on all rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The rows, as the estimator takes them.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
            Their targets.
        **params : dict
            Handed to `fit` of the estimator, the scorers and the splitter, as by
            `GridSearchCV.fit`.

        Returns
        -------
        HyperbandSearchCV
            The fitted search itself.

        Raises
        ------
        ValueError or TypeError
            When a parameter can't be used, before training; or when all fits of the
            first rung fail.
        TimeoutError
            When `max_time` is over before the first rung is.
        """
        random_state = self._check_parameters()
        space = Space(self.estimator, self.param_distributions, type(self).__name__)
        course = Course.drawn(self, space, random_state)
        with self._running(course, y) as running:
            super(HyperbandSearchCV, running).fit(X, y, **params)
        if hasattr(running, "best_estimator_"):
            take_back(running.best_estimator_)
        # With what a subclass noted in `on_rung_begin`.
        self._forget()
        lent = ("estimator", "cv", "_course")
        self.__dict__.update({k: v for k, v in vars(running).items() if k not in lent})
        return self

    def on_rung_begin(self, reached: Reached, brackets: list[Bracket]) -> None:
        """Tell that a rung begins. For subclasses that show it in another way.

        Parameters
        ----------
        reached : Reached
            The rung: its ``bracket`` and its ``iteration`` in that, from 0, its
            ``n_candidates`` and its ``n_epochs``.
        brackets : list of Bracket
            All brackets of the search, each with ``rungs``.
        """
        if self.verbose > 0:
            print(f"{type(self).__name__}: {reached.told_of(brackets)}", flush=True)

    def _run_search(
        self, evaluate_candidates: Callable[..., Any], callback_ctx: Any = None
    ) -> None:
        # Scikit-learn's hook, called by its `fit`.
        self._course.run(self, evaluate_candidates, callback_ctx)

    @contextmanager
    def _running(self, course: Course, y: Any) -> Iterator[HyperbandSearchCV]:
        """Yield a copy to search with, whose nets have what is lent to them."""
        running = copy.copy(self)
        running._forget()
        running._course = course
        running.estimator = clone(self.estimator)
        classifies = is_classifier(self.estimator)
        running.cv = SameFolds(check_cv(self.cv, y, classifier=classifies))
        with tempfile.TemporaryDirectory(
            prefix=PREFIX, ignore_cleanup_errors=True
        ) as folder:
            loan = course.lend(folder, self.max_time)
            lend(running.estimator, loan)
            try:
                yield running
            finally:
                loan.end()

    def _forget(self) -> None:
        for name in [name for name in vars(self) if _is_fitted(name)]:
            delattr(self, name)

    def __getstate__(self) -> dict[str, Any]:
        # Scikit-learn sends the search that runs along with each fit.
        state = {**super().__getstate__()}
        state.pop("_course", None)
        return state

    def _check_parameters(self) -> np.random.RandomState:
        owner = type(self).__name__
        check_positive_int("max_epochs", self.max_epochs, owner)
        check_positive_int("factor", self.factor, owner, minimum=2)
        iterations = self.hyperband_iterations
        check_positive_int("hyperband_iterations", iterations, owner)
        if self.patience is not None:
            check_positive_int("patience", self.patience, owner)
        if self.max_time is not None:
            seconds = as_finite_float(self.max_time)
            if seconds is None or seconds <= 0 or self.max_time is True:
                allowed = "None or a float in the range (0.0, inf), in seconds"
                raise invalid("max_time", owner, allowed, self.max_time)
        random_state: np.random.RandomState = as_random_state(
            "random_state", self.random_state, owner
        )
        return random_state


def _is_fitted(name: str) -> bool:
    return name.endswith("_") and not name.startswith("_")
