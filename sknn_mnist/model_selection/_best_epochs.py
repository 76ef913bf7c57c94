"""Scores of a search that tell the best epoch of each of its fits besides."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sklearn.metrics import check_scoring, get_scorer_names
from sklearn.utils.metadata_routing import MetadataRequest

from sknn_mnist._parameters import invalid, near_names
from sknn_mnist.model_selection._last_steps import last_step

__all__ = ["BEST_EPOCH", "BestEpochScorer", "best_epoch_scoring"]

# Beside the scores, and in the names of the columns of results.
BEST_EPOCH = "best_epoch"

_OWNER = "best_epoch_scoring"


def best_epoch_scoring(scoring: Any = None) -> BestEpochScorer:
    """Return a scoring that tells the best epoch of each fit of a search as well.

    With early stopping each fold stops elsewhere. A search with this scoring has in its
    ``cv_results_`` where: ``split0_test_best_epoch`` and so on are numbers of epochs
    (``best_epoch_ + 1``), ``mean_test_best_epoch`` is their mean. `refit_best` reads
    them. The ``rank_test_best_epoch`` that scikit-learn adds means nothing.

    Parameters
    ----------
    scoring : str, callable, list, tuple, set, dict or None, default=None
        What the nets are scored by, as `sklearn.model_selection.GridSearchCV` takes it;
        None for their `score`.

    Returns
    -------
    callable
        For ``scoring`` of a search; it is called with an estimator, X and y, and
        returns a dict. Of a single score the dict has the names ``"score"`` and
        ``"best_epoch"``, so that the search needs ``refit="score"`` or
        ``refit=False``; of several, their names and ``"best_epoch"``.

    Raises
    ------
    ValueError
        When `scoring` is none.

    Notes
    -----
    Of a net without `early_stopping` the epochs are those up to the one that a callback
    has put back, Keras's EarlyStopping with ``restore_best_weights=True``; without one,
    those that it was trained for (``n_iter_``). Of a Pipeline the last step is asked.

    With scikit-learn's metadata routing, weights for scoring need scorers that request
    them: of ``scoring=None`` nothing can be requested.

    Scikit-learn's searches by halving need ``refit="score"``: with ``refit=False`` they
    fail at their end where a scoring returns a dict.

    See Also
    --------
    refit_best : Train the best candidate for as long as its folds say.

    Examples
    --------
    >>> from sklearn.model_selection import GridSearchCV, StratifiedShuffleSplit
    >>> from sknn_mnist import DenseClassifier, load_digits28
    >>> from sknn_mnist.model_selection import best_epoch_scoring
    >>> X, _, y, _ = load_digits28(return_X_y=True)
    >>> net = DenseClassifier(
    ...     early_stopping=True, n_iter_no_change=2, epochs=20, random_state=0,
    ...     validation_split=StratifiedShuffleSplit(1, test_size=0.2, random_state=0),
    ... )
    >>> search = GridSearchCV(
    ...     net, {"learning_rate": [0.003, 0.03]}, cv=2, refit=False,
    ...     scoring=best_epoch_scoring("accuracy"),
    ... ).fit(X[:400], y[:400])
    >>> "split1_test_best_epoch" in search.cv_results_
    True
    >>> bool((search.cv_results_["mean_test_best_epoch"] <= 20).all())
    True
    """
    _check(scoring)
    return BestEpochScorer(scoring)


class BestEpochScorer:
    """What `best_epoch_scoring` returns.

    Parameters
    ----------
    scoring : object
        As it was given.
    """

    def __init__(self, scoring: Any) -> None:
        self.scoring = scoring

    def __call__(
        self,
        estimator: Any,
        X: Any,
        y: Any = None,
        sample_weight: Any = None,
        **params: Any,
    ) -> dict[str, Any]:
        """Return the scores of a fitted estimator, and the epochs of its net."""
        if sample_weight is not None:
            params["sample_weight"] = sample_weight
        scores = check_scoring(estimator, self.scoring)(estimator, X, y, **params)
        if not isinstance(scores, Mapping):
            scores = {"score": scores}
        return {**scores, BEST_EPOCH: _epochs_of(estimator)}

    def get_metadata_routing(self) -> Any:
        """Return what metadata the scorers ask for, as scikit-learn routes it."""
        if self.scoring is not None:
            scorer = check_scoring(scoring=self.scoring)
            if hasattr(scorer, "get_metadata_routing"):
                return scorer.get_metadata_routing()
        # Nobody is asked, so that weights that are passed are an error, and no score
        # goes without them in silence.
        request = MetadataRequest(owner=self)
        request.score.add_request(param="sample_weight", alias=None)
        return request

    def __repr__(self) -> str:
        given = "" if self.scoring is None else repr(self.scoring)
        return f"{_OWNER}({given})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, BestEpochScorer) and self.scoring == other.scoring

    def __hash__(self) -> int:
        return hash(repr(self))


def _epochs_of(estimator: Any) -> int:
    """Return after how many epochs the net of an estimator was the one it is."""
    _, net = last_step(estimator)
    if hasattr(net, "best_epoch_"):
        return int(net.best_epoch_) + 1
    for callback in reversed(getattr(net, "callbacks_", [])):
        if getattr(callback, "restore_best_weights", False):
            return int(callback.best_epoch) + 1
    if hasattr(net, "n_iter_"):
        return int(net.n_iter_)
    raise TypeError(
        f"{_OWNER} needs a net that tells its epochs (n_iter_), or a Pipeline that "
        f"ends with one. Got a {type(net).__name__} instead."
    )


def _check(scoring: Any) -> None:
    """Refuse what no scores can be made by, before any fit."""
    if scoring is None or callable(scoring):
        return
    if isinstance(scoring, str):
        _check_name(scoring, scoring)
        return
    named = isinstance(scoring, Mapping)
    if not (named or isinstance(scoring, list | tuple | set)) or not scoring:
        raise _refusal(scoring)
    names = list(scoring)
    if not all(isinstance(name, str) for name in names) or BEST_EPOCH in names:
        raise _refusal(scoring)
    if len(set(names)) < len(names):
        raise _refusal(scoring)
    for name in names:
        scorer = scoring[name] if named else name
        if isinstance(scorer, str):
            _check_name(scorer, scoring)
        elif not callable(scorer):
            raise _refusal(scoring)


def _check_name(name: str, scoring: Any) -> None:
    if name not in get_scorer_names():
        raise _refusal(scoring, near_names(name, get_scorer_names()))


def _refusal(scoring: Any, hint: str = "") -> ValueError:
    allowed = (
        f"None, the name of a scorer of scikit-learn's{hint}, a callable, a list of "
        "different names, or a dict of names or callables by names other than "
        f"{BEST_EPOCH!r}"
    )
    return invalid("scoring", _OWNER, allowed, scoring)
