"""The search that a command asks for: one of scikit-learn's, or by Hyperband.

Its class and keyword arguments are said once: here they make the search, and
`_reproduction` writes them into the report's Python.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from sknn_mnist.cli._arguments import Hyperband, Search
from sknn_mnist.cli._candidates import Candidates

__all__ = ["Searcher", "make_search", "searcher_of"]


# Where the class of each kind of search is.
_CLASSES = {
    "grid": ("sklearn.model_selection", "GridSearchCV"),
    "halving": ("sklearn.model_selection", "HalvingGridSearchCV"),
    "hyperband": ("sknn_mnist.model_selection", "HyperbandSearchCV"),
}


class Searcher(NamedTuple):
    """A class, and keyword arguments beside the grid."""

    module: str
    name: str
    options: dict[str, Any]


def searcher_of(asked: Search, candidates: Candidates) -> Searcher:
    """Return what makes the search.

    Parameters
    ----------
    asked : Search
        The command.
    candidates : Candidates
        What is searched over.

    Returns
    -------
    Searcher
        Options have a `repr` that is Python.
    """
    by_halving = candidates.by == "halving"
    options: dict[str, Any] = {"cv": asked.cv}
    if asked.stopping.early_stopping:
        from sknn_mnist.model_selection import best_epoch_scoring

        options["scoring"] = best_epoch_scoring(asked.scoring)
    elif asked.scoring:
        options["scoring"] = asked.scoring
    if asked.n_jobs:
        # More workers than fits would be started all the same.
        options["n_jobs"] = min(asked.n_jobs, candidates.at_once * asked.cv)
    if by_halving:
        options |= {
            "resource": "epochs",
            "max_resources": candidates.epochs,
            "min_resources": "exhaust",
            "factor": asked.halving,
        }
    if asked.hyperband:
        options |= _of_hyperband(asked, candidates, asked.hyperband)
    options["return_train_score"] = True
    if asked.stopping.early_stopping and (
        by_halving or (asked.refit and not asked.refit_epochs)
    ):
        # Which of its scores to choose by. A halving can't do without.
        options["refit"] = "score"
    elif not asked.refit or asked.refit_epochs:
        options["refit"] = False
    return Searcher(*_CLASSES[candidates.by], options)


def _of_hyperband(
    asked: Search, candidates: Candidates, hyperband: Hyperband
) -> dict[str, Any]:
    options: dict[str, Any] = {
        "max_epochs": candidates.epochs,
        "factor": hyperband.factor,
    }
    if hyperband.iterations > 1:
        options["hyperband_iterations"] = hyperband.iterations
    if hyperband.minutes is not None:
        options["max_time"] = 60 * hyperband.minutes
    if hyperband.patience is not None:
        options["patience"] = hyperband.patience
    return {**options, "random_state": asked.network.random_state}


def make_search(asked: Search, candidates: Candidates) -> Any:
    """Return the search, which leaves the refit to the caller.

    Parameters
    ----------
    asked : Search
        The command.
    candidates : Candidates
        What is searched over.

    Returns
    -------
    GridSearchCV, HalvingGridSearchCV or HyperbandSearchCV
        Not fitted.
    """
    from sklearn import model_selection as of_sklearn

    from sknn_mnist import model_selection as of_this

    by_halving = candidates.by == "halving"
    if by_halving:
        from sklearn.experimental import enable_halving_search_cv  # noqa: F401
    module, name, options = searcher_of(asked, candidates)
    rooms = {each.__name__: each for each in (of_sklearn, of_this)}
    search_class = getattr(rooms[module], name)
    search = search_class(candidates.estimator, candidates.grid, **options)
    # The best is refitted later and not by the search, so that the results of hours
    # are on disk before.
    search.set_params(refit=False)
    if asked.stopping.early_stopping and by_halving:
        # Which a halving reads when it is done, even where it has chosen none of
        # several scores. `choose_best` chooses afterwards.
        search.best_index_ = None
    return search
