"""Targets of one's own networks: encoded by what the loss takes and the network gives.

The encoders follow SciKeras's protocol, as those of the other estimators do; they learn
the labels first, and how to encode them when the network is there (`settle`).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import expit, softmax
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.preprocessing import LabelEncoder

from sknn_mnist._parameters import invalid
from sknn_mnist.estimators._loss_targets import (
    family_of,
    is_of_codes,
    is_of_one_class,
)
from sknn_mnist.estimators._targets import ClassTargetEncoder
from sknn_mnist.networks._heads import Head
from sknn_mnist.networks._keras_objects import takes_logits

__all__ = ["OwnClassEncoder", "OwnNumberEncoder", "loss_for"]


class OwnClassEncoder(ClassTargetEncoder):
    """Encode labels for one output of a network of the user's own.

    Parameters
    ----------
    owner : str
        Name of the estimator, for messages.
    classes : ndarray of shape (n_classes,) or None
        All labels, where `y` may lack some.
    dtype : str
        dtype of encoded targets that are not class codes.
    """

    def __init__(self, owner: str, classes: Any, dtype: str) -> None:
        super().__init__("auto", owner, classes, dtype)

    def fit(self, y: np.ndarray) -> OwnClassEncoder:
        self.kind_ = "unsettled"
        if y.ndim == 2:
            if not np.isin(y, (0, 1)).all():
                raise ValueError(
                    f"{self.owner} takes a matrix y as label indicators for a network "
                    "of one output: each value must be 0 or 1. Got "
                    f"{np.unique(y)[:5].tolist()!r}."
                )
            self.classes_ = np.arange(y.shape[1])
            self.is_one_hot_ = bool((y.sum(axis=1) == 1).all())
            self._is_matrix = True
            return self
        self.labels_ = LabelEncoder().fit(y if self.classes is None else self.classes)
        self.classes_ = self.labels_.classes_
        self._is_matrix = False
        self._codes(y)
        return self

    def settle(self, loss: Any, head: Head, maker: str) -> OwnClassEncoder:
        """Choose the encoding, by the loss and the output that it is of.

        Raises
        ------
        ValueError
            When they don't fit the labels.
        """
        family, n_classes, units = family_of(loss), len(self.classes_), head.units
        self.width_ = units or 1
        self.link_ = _link(loss, family, head)
        # What else units give, all may be near 1, or be scores around 0.
        self.sums_to_one_ = "softmax" in (self.link_, head.activation)
        sparse = is_of_codes(family)
        if self._is_matrix:
            fits = units == n_classes
            if is_of_one_class(family) or sparse:
                if not self.is_one_hot_:
                    raise ValueError(
                        f"With the loss {_said(loss)}, {self.owner} takes a matrix y "
                        "as one-hot: each row must hold a single 1."
                    )
                self.kind_ = "one_hot_rows"
            else:
                one = self.is_one_hot_ and head.activation == "softmax"
                self.kind_ = "one_hot_rows" if one else "multilabel"
        elif n_classes == 1:
            fits, self.kind_ = True, "constant"
        elif units == 1:
            # A loss over classes compares units, and learns nothing of a single one.
            fits = n_classes == 2 and not sparse and not is_of_one_class(family)
            self.kind_ = "binary"
        else:
            fits, self.kind_ = units == n_classes, "codes" if sparse else "one_hot"
        self._is_sparse = sparse
        if not fits:
            self._refuse(loss, head, maker)
        if self.kind_ != "constant":
            # Each unit tells of itself alone.
            alone = self.kind_ in ("binary", "multilabel")
            wanted = "sigmoid" if alone or family.startswith("binary") else "softmax"
            _check_link(loss, head, wanted, maker, self.owner)
        return self

    def transform(self, y: np.ndarray) -> np.ndarray:
        if self.kind_ == "constant":
            if y.ndim != 1:
                super().transform(y)  # which refuses it
            codes = self._codes(y)
            if self._is_sparse:
                return codes.astype("int32")
            encoded = np.zeros((len(y), self.width_), self.dtype)
            encoded[:, 0] = self.width_ > 1
            return encoded
        encoded = super().transform(y)
        if self._is_matrix and self._is_sparse:
            return encoded.argmax(axis=1).astype("int32")
        return encoded

    def inverse_transform(
        self, y: np.ndarray, return_proba: bool = False
    ) -> np.ndarray:
        if self.kind_ == "constant":
            # Nothing was to be learnt, whatever the network gives.
            if return_proba:
                return np.ones((len(y), 1), y.dtype)
            return self.classes_.repeat(len(y))
        y = y.reshape(len(y), -1)
        of_classes = self.kind_ in _UNITS_OF_CLASSES
        if return_proba or not of_classes:  # the largest stays the largest
            y = _linked(y, self.link_)
        if return_proba and not self.sums_to_one_:
            y = _summing_to_one(y) if of_classes else np.clip(y, 0, 1)
        return super().inverse_transform(y, return_proba)

    def codes_of(self, encoded: np.ndarray) -> np.ndarray:
        if self.kind_ == "constant" or (self._is_matrix and self._is_sparse):
            return np.zeros(len(encoded), int) if self.kind_ == "constant" else encoded
        return super().codes_of(encoded)

    @property
    def is_matrix(self) -> bool:
        return self._is_matrix

    def get_metadata(self) -> dict[str, Any]:
        return {**super().get_metadata(), "n_outputs_": 1, "n_outputs_expected_": 1}

    def _refuse(self, loss: Any, head: Head, maker: str) -> None:
        n_classes, family = len(self.classes_), family_of(loss)
        wanted = f"{n_classes} unit(s)"
        if n_classes == 2 and not self._is_matrix:
            wanted = "1 (sigmoid) or 2 (softmax) unit(s)"
            if self._is_sparse or is_of_one_class(family):
                wanted = (
                    f"2 units (softmax) for the loss {_said(loss)}, or 1 (sigmoid) "
                    "with a binary loss"
                )
        what = "columns" if self._is_matrix else "classes"
        raise ValueError(
            f"The last layer of {maker} has {head.units} unit(s), and y has "
            f"{n_classes} {what}: give the output layer {wanted}. A function "
            "that takes `meta` finds their number as meta['n_classes_']."
        )


class OwnNumberEncoder(TransformerMixin, BaseEstimator):
    """Encode numbers for one output of a network of the user's own.

    Parameters
    ----------
    owner : str
        Name of the estimator, for messages.
    dtype : str
        dtype of the encoded targets.
    """

    def __init__(self, owner: str, dtype: str) -> None:
        self.owner = owner
        self.dtype = dtype

    def fit(self, y: np.ndarray) -> OwnNumberEncoder:
        self.ndim_ = y.ndim
        self.n_columns_ = 1 if y.ndim == 1 else y.shape[1]
        self.shape_: tuple[int, ...] = (self.n_columns_,)
        return self

    def settle(self, loss: Any, head: Head, maker: str) -> OwnNumberEncoder:
        """Take the shape of the output.

        Raises
        ------
        ValueError
            When it has not as many numbers as a row of y.
        """
        if head.units is not None:
            if head.units != self.n_columns_:
                raise ValueError(
                    f"The last layer of {maker} has {head.units} unit(s), and y has "
                    f"{self.n_columns_} column(s): give the output layer "
                    f"{self.n_columns_} unit(s)."
                )
            self.shape_ = tuple(int(side or 1) for side in head.shape)
        return self

    def transform(self, y: np.ndarray) -> np.ndarray:
        columns = 1 if y.ndim == 1 else y.shape[1]
        if (y.ndim, columns) != (self.ndim_, self.n_columns_):
            raise ValueError(
                f"y has shape {y.shape}, but {self.owner} was fitted with "
                f"{self.n_columns_} target(s)."
            )
        with np.errstate(over="ignore"):
            encoded = y.reshape(len(y), *self.shape_).astype(self.dtype)
        if not np.isfinite(encoded).all():
            raise ValueError(
                f"Input y contains values too large for dtype({self.dtype!r})."
            )
        return encoded

    def inverse_transform(self, y: np.ndarray) -> np.ndarray:
        # scikit-learn's regressors return float64, whatever they compute in.
        y = y.astype(np.float64).reshape(len(y), -1)
        return y[:, 0] if self.ndim_ == 1 else y

    def get_metadata(self) -> dict[str, Any]:
        return {"n_outputs_": self.n_columns_, "n_outputs_expected_": 1}


def loss_for(encoder: Any, head: Head, classifies: bool, owner: str) -> str:
    """Return the loss of a network that was compiled with none, for one output."""
    if not classifies:
        return "mean_squared_error"
    if head.units == 1:
        return "binary_crossentropy"
    if not hasattr(encoder, "is_matrix"):
        wanted = "given where a target_encoder is, as that alone knows what it gives"
        raise invalid("loss", owner, wanted, "auto")
    if encoder.is_matrix:
        one = encoder.is_one_hot_ and head.activation == "softmax"
        return "categorical_crossentropy" if one else "binary_crossentropy"
    return "sparse_categorical_crossentropy"


# Kinds of one class a row, with a unit for each.
_UNITS_OF_CLASSES = ("codes", "one_hot", "one_hot_rows")

_CROSSENTROPIES = {
    *("categoricalcrossentropy", "sparsecategoricalcrossentropy"),
    *("binarycrossentropy", "binaryfocalcrossentropy", "categoricalfocalcrossentropy"),
}
# These take no logits either.
_OF_PROBABILITIES = {
    *("kldivergence", "dice", "tversky", "categoricalgeneralizedcrossentropy"),
}


def _link(loss: Any, family: str, head: Head) -> str | None:
    """Return what makes probabilities of a network's outputs; None for nothing."""
    if head.activation in ("softmax", "sigmoid"):
        return None
    if family in ("hinge", "squaredhinge"):
        return "signs"
    if not takes_logits(loss):
        return None
    return "sigmoid" if family.startswith("binary") else "softmax"


def _linked(y: np.ndarray, link: str | None) -> np.ndarray:
    if link == "sigmoid":
        return expit(y)
    if link == "softmax":
        return softmax(y, axis=1)
    return (y + 1) / 2 if link == "signs" else y


def _summing_to_one(y: np.ndarray) -> np.ndarray:
    """Return scores as probabilities: none below 0, and divided by their sum.

    Rows without a score above 0 count from their smallest.
    """
    least = np.where(y.max(axis=1, keepdims=True) > 0, 0, y.min(axis=1, keepdims=True))
    y = np.maximum(y - least, 0)
    total = y.sum(axis=1, keepdims=True)
    return np.where(total > 0, y / np.where(total > 0, total, 1), 1 / y.shape[1])


def _check_link(loss: Any, head: Head, wanted: str, maker: str, owner: str) -> None:
    family = family_of(loss)
    if head.activation == "softmax" and head.units == 1:
        raise ValueError(
            f"The last layer of {maker} is a softmax of one unit, which is always 1: "
            "give it activation='sigmoid', or a unit for each class."
        )
    if (
        family in _CROSSENTROPIES | _OF_PROBABILITIES
        and not takes_logits(loss)
        and head.activation in ("linear", "relu", "tanh")
    ):
        otherwise = ", or another loss"
        if family in _CROSSENTROPIES:
            otherwise = ", or the loss from_logits=True (loss__from_logits=True)"
        raise ValueError(
            f"The last layer of {maker} ends in {head.activation!r}, and the loss "
            f"{_said(loss)} of {owner} takes probabilities: give the layer "
            f"activation={wanted!r}{otherwise}."
        )


def _said(loss: Any) -> str:
    return repr(loss) if isinstance(loss, str) else getattr(loss, "name", repr(loss))
