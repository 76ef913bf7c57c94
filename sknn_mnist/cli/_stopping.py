"""Early stopping on the command line: parameters, a search's best, what is said."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

from sknn_mnist.cli._arguments import Search, Stopping

__all__ = [
    "Forgiving",
    "about_stopping",
    "choose_best",
    "course_of",
    "folds_told",
    "parameters_of_stopping",
]


def parameters_of_stopping(asked: Stopping, random_state: int) -> dict[str, Any]:
    """Return the estimator's parameters that were asked for.

    Parameters
    ----------
    asked : Stopping
        The options.
    random_state : int
        The seed that rows are drawn by.

    Returns
    -------
    dict of str to object
        None of them where nothing was asked for.
    """
    from sklearn.model_selection import StratifiedShuffleSplit

    parameters: dict[str, Any] = {}
    if asked.fraction:
        parameters["validation_split"] = asked.fraction
        if asked.is_stratified:
            parameters["validation_split"] = StratifiedShuffleSplit(
                1, test_size=asked.fraction, random_state=random_state
            )
    if asked.early_stopping:
        parameters |= {"early_stopping": True, **asked.options}
    return parameters


def about_stopping(asked: Stopping) -> str | None:
    """Return which rows say when to stop; None where none is to stop."""
    if not asked.early_stopping:
        return None
    if not asked.judges_rows:
        return f"early stopping by {asked.monitor}"
    rows = "the same share of each class" if asked.is_stratified else "the last ones"
    return (
        f"early stopping by {asked.monitor} on {asked.fraction:g} of the rows of each "
        f"fit, held out of its training: {rows}"
    )


def course_of(net: Any) -> str:
    """Return when a fitted net stopped, and which epoch is the best."""
    epochs, most = net.n_iter_, net.get_params(deep=False)
    most = most.get("fit__epochs", most["epochs"])
    ran = f"stopped after {epochs:,} of {most:,} epochs"
    if epochs == most:
        ran = f"trained all {most:,} epochs"
    return (
        f"{ran}; best: epoch {net.best_epoch_ + 1:,}, {net.monitor} "
        f"{net.best_score_:.4f}"
    )


class Forgiving:
    """A scorer whose score is NaN where it raises.

    So do searches with a scorer of one number, but not where it is one of a dict.

    Parameters
    ----------
    scorer : callable
        The scorer.
    """

    def __init__(self, scorer: Callable[..., Any]) -> None:
        self.scorer = scorer

    def __call__(self, estimator: Any, X: Any, y: Any) -> Any:
        """Return the score."""
        try:
            return self.scorer(estimator, X, y)
        except Exception as err:
            warnings.warn(f"{self.scorer!r} failed: {err}", stacklevel=2)
            return math.nan


def choose_best(search: Any) -> None:
    """Set the best candidate of a search that tells best epochs and refits none.

    Scikit-learn chooses none of several scores then. And of epochs there is no rank,
    nor are those of the training rows others than those of the test rows.
    """
    from sknn_mnist.model_selection._refits import best_index_of

    vars(search).pop("best_index_", None)
    index = best_index_of(search)
    results = search.cv_results_
    search.best_index_ = index
    search.best_params_ = results["params"][index]
    search.best_score_ = results["mean_test_score"][index]
    for name in [*results]:
        if name == "rank_test_best_epoch" or name.endswith("_train_best_epoch"):
            del results[name]


def folds_told(asked: Search, search: Any) -> str:
    """Return which epochs were the best in the folds of the best candidate."""
    from sknn_mnist.model_selection._refits import best_epochs_of, epochs_by

    found = best_epochs_of(search, search.best_index_)
    median = epochs_by("median", search, search.best_index_)
    told = ", ".join(f"{each:,}" for each in found)
    return f"best epochs in the folds of the best: {told} (median {median:,})"
