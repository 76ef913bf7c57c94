"""The best candidate of a search, trained on all rows for as long as its folds say."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from sknn_mnist._cv_results import cv_results_frame, judged
from sknn_mnist._parameters import (
    InvalidParameterError,
    check_positive_int,
    check_samples,
    invalid,
    refused,
)
from sknn_mnist.model_selection._best_epochs import BEST_EPOCH
from sknn_mnist.model_selection._last_steps import last_step

__all__ = ["best_epochs_of", "best_index_of", "epochs_by", "refit_best"]

_OWNER = "refit_best"

# How the epochs of the folds become one number.
_RULES: dict[str, Callable[[Any], Any]] = {"median": np.median, "mean": np.mean}

_FOLD = re.compile(rf"split(\d+)_test_{BEST_EPOCH}")


def refit_best(
    search: Any, X: Any, y: Any, *, refit_epochs: Any = "median", **fit_params: Any
) -> Any:
    """Train the best candidate of a search on all rows, for its folds' best epochs.

    A refit with early stopping has to hold out rows once more. This one trains on all
    of them, without early stopping, for the number of epochs after which the net was
    best in the median fold.

    Parameters
    ----------
    search : fitted search
        A `GridSearchCV`, `HalvingGridSearchCV`, `HyperbandSearchCV` or the like, whose
        ``scoring`` is `best_epoch_scoring`'s, over an estimator of this package or a
        Pipeline that ends with one. Its best candidate is ``best_index_``; with
        ``refit=False``, the first by ``rank_test_score``, of the last iteration of
        a halving, of all rows of a `HyperbandSearchCV`.
    X : array-like of shape (n_samples, n_features)
        The rows to train on.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Their targets.
    refit_epochs : {"median", "mean"} or int, default="median"
        The number of epochs: of those of the best candidate's folds, rounded half up;
        or given.
    **fit_params : dict
        Handed to the `fit` of the estimator, for example `sample_weight`; but for
        `groups`, since nothing is split.

    Returns
    -------
    estimator
        A clone of the search's estimator with the best parameters, with
        ``early_stopping=False``, ``validation_split=0.0`` and the `epochs`, fitted.

    Raises
    ------
    sklearn.exceptions.NotFittedError
        When the search is not fitted.
    ValueError
        When the search does not tell its best epochs, or which candidate is the best;
        and whatever `fit` raises.

    Notes
    -----
    No rows are held out: callbacks that go by a number of held-out rows, such as
    ReduceLROnPlateau by ``val_loss``, have none to go by. Give them
    ``monitor="loss"``, or a schedule in their place.

    See Also
    --------
    best_epoch_scoring : The scoring that has the search tell its best epochs.

    Examples
    --------
    >>> from sklearn.model_selection import GridSearchCV, StratifiedShuffleSplit
    >>> from sknn_mnist import DenseClassifier, load_digits28
    >>> from sknn_mnist.model_selection import best_epoch_scoring, refit_best
    >>> X, _, y, _ = load_digits28(return_X_y=True)
    >>> net = DenseClassifier(
    ...     early_stopping=True, n_iter_no_change=2, epochs=20, random_state=0,
    ...     validation_split=StratifiedShuffleSplit(1, test_size=0.2, random_state=0),
    ... )
    >>> search = GridSearchCV(
    ...     net, {"hidden_size": [16, 32]}, cv=3, refit=False,
    ...     scoring=best_epoch_scoring(),
    ... ).fit(X[:600], y[:600])
    >>> best = refit_best(search, X[:600], y[:600])
    >>> (best.early_stopping, best.n_iter_ == best.epochs)
    (False, True)
    """
    rule = _check_rule(refit_epochs)
    check_samples("X", X, _OWNER)
    check_samples("y", y, _OWNER)
    if _n_rows(X) != _n_rows(y):
        must = f"have a target for each of the {_n_rows(X)} rows of X"
        raise refused("y", _OWNER, must, f"{_n_rows(y)}")
    index = best_index_of(search)
    epochs = rule if isinstance(rule, int) else epochs_by(rule, search, index)
    parameters = search.cv_results_["params"][index]
    best = clone(search.estimator).set_params(**clone(parameters, safe=False))
    best.set_params(**_without_stopping(best, search, epochs))
    prefix, _ = last_step(best)
    for name in ("groups", f"{prefix}groups"):
        fit_params.pop(name, None)
    best.fit(X, y, **fit_params)
    return best


def best_index_of(search: Any) -> int:
    """Return the row of a search's results that is the best candidate.

    Parameters
    ----------
    search : fitted search
        Which may have been told not to choose one, with ``refit=False``.

    Raises
    ------
    ValueError
        When there is no telling, or no search.
    """
    results = _results_of(search)
    if hasattr(search, "best_index_"):
        return int(search.best_index_)
    if "rank_test_score" not in results:
        must = (
            "know its best candidate, by refit='NAME' of a score or a single score "
            "('score')"
        )
        raise refused("search", _OWNER, must, repr(search))
    ranks = judged(cv_results_frame(search))["rank_test_score"]
    return int(ranks.index.to_numpy()[ranks.argmin()])


def best_epochs_of(search: Any, index: int) -> list[int]:
    """Return the best epochs of a candidate, as numbers of epochs, fold by fold.

    Parameters
    ----------
    search : fitted search
        With `best_epoch_scoring`.
    index : int
        Row of its results.

    Raises
    ------
    ValueError
        When the results don't tell them.
    """
    results = _results_of(search)
    folds = sorted(
        (int(found[1]), name) for name in results if (found := _FOLD.fullmatch(name))
    )
    if not folds:
        must = (
            f"tell the best epochs of its folds (split0_test_{BEST_EPOCH} of "
            "cv_results_): give it scoring=best_epoch_scoring(...)"
        )
        raise refused("search", _OWNER, must, repr(search))
    epochs = [float(results[name][index]) for _, name in folds]
    told = [int(each) for each in epochs if math.isfinite(each)]
    if not told:  # all of its fits failed
        must = "have a best candidate that could be fitted"
        raise refused("search", _OWNER, must, repr(search))
    return told


def epochs_by(rule: str, search: Any, index: int) -> int:
    """Return the epochs that a rule makes of the folds' best ones, rounded half up."""
    middle = float(_RULES[rule](best_epochs_of(search, index)))
    return max(math.floor(middle + 0.5), 1)


def _check_rule(value: Any) -> str | int:
    if isinstance(value, str) and value in _RULES:
        return value
    try:
        return check_positive_int("refit_epochs", value, _OWNER)
    except InvalidParameterError as err:
        allowed = "'median', 'mean' or an int in the range [1, inf)"
        raise invalid("refit_epochs", _OWNER, allowed, value) from err


def _results_of(search: Any) -> Mapping[str, Any]:
    results = getattr(search, "cv_results_", None)
    if isinstance(results, Mapping) and hasattr(search, "estimator"):
        return results
    if hasattr(search, "estimator") and hasattr(search, "fit"):
        raise NotFittedError(
            f"This {type(search).__name__} instance has no results yet: call 'fit' "
            "first."
        )
    raise invalid("search", _OWNER, "a fitted search of scikit-learn's", search)


def _without_stopping(best: Any, search: Any, epochs: int) -> dict[str, Any]:
    """Return parameters with which an estimator trains for so long, on all rows."""
    wanted = {"early_stopping": False, "validation_split": 0.0, "epochs": epochs}
    prefix, net = last_step(best)
    known = net.get_params(deep=False) if hasattr(net, "get_params") else {}
    if not set(wanted) <= set(known):
        must = (
            "be one over an estimator of sknn_mnist, or over a Pipeline that ends with "
            "one"
        )
        raise refused("search", _OWNER, must, repr(search))
    # By SciKeras's prefix they may be given a second time, which then counts.
    routed = {f"fit__{name}": value for name, value in wanted.items()}
    wanted |= {name: value for name, value in routed.items() if name in known}
    return {f"{prefix}{name}": value for name, value in wanted.items()}


def _n_rows(value: Any) -> int:
    shape = getattr(value, "shape", None)
    return int(shape[0]) if shape is not None else len(value)
