"""The labels of a net beside those of a data set, and in a table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from sknn_mnist.cli._csv import csv_of

__all__ = ["comparable", "outputs_of", "predictions"]


def comparable(
    net: Any,
    predicted: np.ndarray,
    y: np.ndarray,
    known: np.ndarray,
    name: str,
    some: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
    """Return a data set's labels and what a net predicted, to be compared.

    Text counts as the number that it spells: "7" is 7. The labels of an indicator
    matrix are the numbers of its columns.

    Parameters
    ----------
    net : estimator
        The classifier.
    predicted : ndarray of shape (n_samples,) or (n_samples, n_classes)
        What it predicted.
    y : ndarray of shape (n_samples,)
        The true labels, ints or texts.
    known : ndarray of shape (n_labels,)
        All labels of the data set.
    name : str
        Of the data set.
    some : bool, default=False
        Whether the data set may have some of the net's labels alone.

    Returns
    -------
    y, predicted : ndarray
        Both ints or both texts of shape (n_samples,), or both indicators.

    Raises
    ------
    ValueError
        When the net has labels that the data set has not.
    """
    if predicted.ndim == 2:
        n_columns = predicted.shape[1]
        if known.tolist() != list(range(n_columns)):
            raise ValueError(
                f"the net predicts {n_columns} labels per row, by column, and {name} "
                f"has the labels {_listed(known)}"
            )
        if net.target_encoder_.kind_ == "one_hot_rows":  # which are classes
            return y, predicted.argmax(axis=1)
        return np.eye(n_columns, dtype=int)[y], predicted
    classes = net.classes_.tolist()
    spelled = [_spelled(label) for label in classes]
    meant: dict[str | None, Any] = {str(label): label for label in known.tolist()}
    foreign = [
        label for label, text in zip(classes, spelled, strict=True) if text not in meant
    ]
    if foreign and not (some and len(foreign) < len(classes)):
        raise ValueError(
            f"the net predicts labels that {name} does not have: {_listed(foreign)}; "
            f"its labels are {_listed(known)}"
        )
    if foreign:  # of which text can be made, whatever the others are
        y, meant = y.astype(str), {text: text for text in spelled}
    labels = np.array([meant[text] for text in spelled])
    return y, labels[np.searchsorted(net.classes_, predicted)]


def outputs_of(net: Any, blocks: Iterable[Any]) -> tuple[np.ndarray, np.ndarray]:
    """Return what a classifier predicts of samples that come in blocks.

    Parameters
    ----------
    net : estimator
        A fitted classifier.
    blocks : iterable of array-like
        Its samples, one block at least.

    Returns
    -------
    predicted, probabilities : ndarray
        Of all samples.
    """
    parts = [(net.predict(X), net.predict_proba(X)) for X in blocks]
    predicted, probabilities = map(np.concatenate, zip(*parts, strict=True))
    return predicted, probabilities


def predictions(
    net: Any,
    outputs: tuple[np.ndarray, np.ndarray],
    names: Sequence[str] | None = None,
    labels: Any = None,
) -> str:
    """Return what a classifier has predicted, as CSV.

    Parameters
    ----------
    net : estimator
        A fitted classifier.
    outputs : tuple of two ndarrays
        What `outputs_of` gave.
    names : sequence of str, default=None
        Names of the samples, where they have any.
    labels : ndarray of shape (n_samples,), default=None
        The true labels, where they are known.

    Returns
    -------
    str
        The columns index, with `names` name, prediction, probability (of the
        prediction) and, with `labels`, label. Of a net with several labels per row,
        prediction holds their numbers, and each label has a column of probabilities.
        Text is `guarded`.

    Raises
    ------
    ValueError
        When a label is text that UTF-8 can't hold.
    """
    for label in net.classes_.tolist():
        try:
            str(label).encode()
        except UnicodeEncodeError as err:
            raise ValueError(
                f"the net has the label {label!r}, which UTF-8 can't hold"
            ) from err
    predicted, probabilities = outputs
    columns: dict[str, Iterable[Any]] = {"index": range(len(predicted))}
    if names is not None:
        columns["name"] = names
    if predicted.ndim == 2:
        columns["prediction"] = [
            " ".join(map(str, np.flatnonzero(row))) for row in predicted
        ]
        for number, column in enumerate(probabilities.T):
            columns[f"probability_{number}"] = [f"{each:.6f}" for each in column]
    else:
        # That of what is predicted, not the largest: several may be equal.
        at = np.searchsorted(net.classes_, predicted)
        probability = np.take_along_axis(probabilities, at[:, None], axis=1)[:, 0]
        columns["prediction"] = _written(predicted)
        columns["probability"] = [f"{each:.6f}" for each in probability]
    if labels is not None:
        columns["label"] = labels.tolist()
    return csv_of([list(columns), *zip(*columns.values(), strict=True)])


def _written(labels: np.ndarray) -> list[Any]:
    if labels.dtype.kind in "mM":  # Python's numbers of some would be nanoseconds
        return labels.astype(str).tolist()
    return [
        each.decode(errors="backslashreplace") if isinstance(each, bytes) else each
        for each in labels.tolist()
    ]


def _spelled(label: Any) -> str | None:
    """Return the name that a label is, or spells; None where it is none."""
    if isinstance(label, bool):
        return str(label)
    if isinstance(label, bytes):
        return label.decode("latin-1")
    if isinstance(label, float):
        return str(int(label)) if label.is_integer() else None
    return str(label) if isinstance(label, int | str) else None


def _listed(labels: Iterable[Any], most: int = 10) -> str:
    shown = [repr(getattr(each, "item", lambda each=each: each)()) for each in labels]
    return ", ".join([*shown[:most], *(["..."] if len(shown) > most else [])])
