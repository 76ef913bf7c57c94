"""Labels as a network counts them, 0 to n - 1, and the names that they stand for."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from sknn_mnist.datasets._samples import DataFileError, Samples, bad

__all__ = ["encode", "in_order"]

_INT = re.compile(r"[+-]?\d+")


def encode(
    train: Samples, test: Samples | None
) -> tuple[np.ndarray, np.ndarray | None, np.ndarray | None]:
    """Return y of training and test samples, and the names of the classes.

    Parameters
    ----------
    train, test : Samples
        Test samples may be None.

    Returns
    -------
    tuple of (ndarray, ndarray or None, ndarray or None)
        Codes of int64, and names as str in the order of the codes: numbers by their
        size, other names as text. Labels that are numbers with fractions stay as they
        are, and have no names.

    Raises
    ------
    DataFileError
        When labels are missing, not one a sample, or some test labels are new.
    """
    labels = _labels_of(train)
    test_labels = None if test is None else _labels_of(test)
    if labels.dtype.kind == "f":
        return labels, None if test is None else _as_floats(test, test_labels), None
    if test_labels is not None and test_labels.dtype.kind != labels.dtype.kind:
        labels, test_labels = _as_text(labels), _as_text(test_labels)
    values, codes = np.unique(labels, return_inverse=True)
    order = in_order(values)
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    y = place[codes.reshape(-1)]
    y_test = None
    if test_labels is not None:
        found = np.searchsorted(values, test_labels)
        found[found == len(values)] = 0
        new = values[found] != test_labels
        if new.any():
            raise _new(test, test_labels[new])
        y_test = place[found]
    return y, y_test, _as_text(values[order])


def in_order(values: np.ndarray) -> np.ndarray:
    """Return how unique values are sorted: text by its numbers where all is numbers."""
    if values.dtype.kind == "U" and all(map(_INT.fullmatch, values.tolist())):
        keys = [(int(each), each) for each in values.tolist()]
        return np.array(sorted(range(len(keys)), key=keys.__getitem__), dtype=np.int64)
    return np.argsort(values, kind="stable")


def _labels_of(samples: Samples) -> np.ndarray:
    """Return labels as ints, floats with fractions, or text; one a sample."""
    labels = samples.labels
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1:
        raise bad(
            samples.place,
            f"has labels of shape {labels.shape}; they must be one a sample, of shape "
            "(n,)",
        )
    if len(labels) != len(samples.X):
        raise bad(
            samples.place, f"holds {len(labels)} labels for {len(samples.X)} images"
        )
    if len(labels) == 0:
        raise bad(samples.place, "holds no images")
    kind = labels.dtype.kind
    if kind == "O":
        return _text_of_objects(labels, samples)
    if kind == "S":
        return np.char.decode(labels, "utf-8", "replace")
    if kind == "b":
        return labels.astype(str)
    if kind == "f":
        return _whole_or_floats(labels, samples)
    if kind in "iu":
        # Of both kinds one, so that labels of two files can be compared.
        return labels.astype(np.int64) if labels.dtype != np.uint64 else labels
    if kind == "U":
        return labels
    raise bad(samples.place, f"has labels of {labels.dtype}, not numbers or text")


def _text_of_objects(labels: np.ndarray, samples: Samples) -> np.ndarray:
    for row, each in enumerate(labels):
        if not isinstance(each, str):
            what = "no label" if each is None or each != each else f"the label {each!r}"
            raise bad(
                samples.place,
                f"has {what} in row {row + 1}; others are numbers or text",
            )
    return labels.astype(str)


def _whole_or_floats(labels: np.ndarray, samples: Samples) -> np.ndarray:
    odd = ~np.isfinite(labels)
    if odd.any():
        row = int(odd.argmax())
        raise bad(samples.place, f"has the label {labels[row]} in row {row + 1}")
    is_whole = (labels == np.rint(labels)).all() and np.abs(labels).max() < 2**53
    return labels.astype(np.int64) if is_whole else labels


def _as_floats(test: Samples, labels: Any) -> np.ndarray:
    try:
        return labels.astype(np.float64)  # of text as well, as tables have it
    except ValueError as err:
        raise _new(test, labels) from err


def _as_text(values: np.ndarray) -> np.ndarray:
    return values if values.dtype.kind == "U" else values.astype(str)


def _new(test: Samples | None, labels: np.ndarray) -> DataFileError:
    assert test is not None
    names = ", ".join(repr(str(each)) for each in np.unique(labels)[:20])
    return bad(test.place, f"has test labels that no training sample has: {names}")
