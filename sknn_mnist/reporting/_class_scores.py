"""How well each class is told: precision, recall, F1."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

__all__ = ["ClassScores", "score_classes"]


class ClassScores(NamedTuple):
    """A class, how well it is told, and how many rows are of it."""

    name: Any
    precision: float  # NaN where the class was never predicted
    recall: float  # NaN where no row is of it
    f1: float
    support: int


def score_classes(y_true: Any, y_pred: Any) -> tuple[list[ClassScores], ClassScores]:
    """Return the scores of each class, and their mean.

    Parameters
    ----------
    y_true, y_pred : ndarray of shape (n_samples,)
        Labels of one kind.

    Returns
    -------
    classes : list of ClassScores
        In the order of the classes, those that either has.
    mean : ClassScores
        Of all of them alike (macro), without what is not defined; the support is
        their sum.
    """
    from sklearn.metrics import precision_recall_fscore_support

    names = np.union1d(y_true, y_pred)
    columns = precision_recall_fscore_support(
        y_true, y_pred, labels=names, zero_division=np.nan
    )
    classes = [
        ClassScores(name, float(precision), float(recall), float(f1), int(support))
        for name, precision, recall, f1, support in zip(
            names.tolist(), *columns, strict=True
        )
    ]
    precision, recall, f1 = (float(np.nanmean(column)) for column in columns[:3])
    return classes, ClassScores("mean", precision, recall, f1, len(y_true))
