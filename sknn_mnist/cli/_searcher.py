"""The search of scikit-learn that a command asks for.

Its class and keyword arguments are said once: here they make the search, and
`_reproduction` writes them into the report's Python.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from sknn_mnist.cli._arguments import Search
from sknn_mnist.cli._candidates import Candidates

__all__ = ["Searcher", "make_search", "searcher_of"]


class Searcher(NamedTuple):
    """A class of `sklearn.model_selection`, and keyword arguments beside the grid."""

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
    options: dict[str, Any] = {"cv": asked.cv}
    if asked.stopping.early_stopping:
        from sknn_mnist.model_selection import best_epoch_scoring

        options["scoring"] = best_epoch_scoring(asked.scoring)
    elif asked.scoring:
        options["scoring"] = asked.scoring
    if asked.n_jobs:
        # More workers than fits would be started all the same.
        options["n_jobs"] = min(asked.n_jobs, len(candidates) * asked.cv)
    if candidates.by_halving:
        options |= {
            "resource": "epochs",
            "max_resources": candidates.estimator.epochs,
            "min_resources": "exhaust",
            "factor": asked.halving,
        }
    options["return_train_score"] = True
    if asked.stopping.early_stopping and (
        candidates.by_halving or (asked.refit and not asked.refit_epochs)
    ):
        # Which of its scores to choose by. A halving can't do without.
        options["refit"] = "score"
    elif not asked.refit or asked.refit_epochs:
        options["refit"] = False
    name = "HalvingGridSearchCV" if candidates.by_halving else "GridSearchCV"
    return Searcher(name, options)


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
    GridSearchCV or HalvingGridSearchCV
        Not fitted.
    """
    from sklearn import model_selection

    if candidates.by_halving:
        from sklearn.experimental import enable_halving_search_cv  # noqa: F401
    name, options = searcher_of(asked, candidates)
    search_class = getattr(model_selection, name)
    search = search_class(candidates.estimator, candidates.grid, **options)
    # The best is refitted later and not by the search, so that the results of hours
    # are on disk before.
    search.set_params(refit=False)
    if asked.stopping.early_stopping and candidates.by_halving:
        # Which a halving reads when it is done, even where it has chosen none of
        # several scores. `choose_best` chooses afterwards.
        search.best_index_ = None
    return search
