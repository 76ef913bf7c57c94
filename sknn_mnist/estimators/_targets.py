"""Targets as scikit-learn gives them, to targets as a Keras loss wants them.

Both encoders follow the protocol of SciKeras: ``fit``, ``transform``,
``inverse_transform``, and ``get_metadata`` for the attributes that the estimator
takes over.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.preprocessing import LabelEncoder
from sklearn.utils.multiclass import type_of_target

from sknn_mnist._parameters import InvalidParameterError
from sknn_mnist.estimators._loss_targets import (
    is_of_codes,
    is_of_one_class,
    output_of_numbers,
)
from sknn_mnist.estimators._parameters import is_auto

__all__ = [
    "ClassTargetEncoder",
    "RegressionTargetEncoder",
    "check_class_targets",
    "kind_of_labels",
]

# Kinds of targets that make a single sigmoid.
_ONE_UNIT = {"constant", "binary"}


class ClassTargetEncoder(TransformerMixin, BaseEstimator):
    """Encode labels, label indicators or one-hot rows by what the loss takes.

    ============================== ========================== =================
    `y`                            loss (family)              output layer
    ============================== ========================== =================
    one class                      any (ignored)              1 sigmoid
    two classes                    "auto", binary             1 sigmoid
    two or more classes            "auto" (more), of codes    softmax, codes
    two or more classes            any other                  softmax, one-hot
    label indicator matrix         "auto", any other          k sigmoids
    label indicator matrix,        of one class               softmax, one-hot
    a single 1 in each row
    ============================== ========================== =================

    With one class there is nothing to learn: the net is trained by binary
    cross-entropy, whatever the loss, and is not used to predict: the class has a
    probability of 1.

    Parameters
    ----------
    loss : str
        Name of the loss in lower case without underscores, or "auto".
    owner : str
        Name of the estimator, for messages.
    classes : ndarray of shape (n_classes,) or None
        All labels, where `y` may lack some (`partial_fit`).
    dtype : str
        dtype of encoded targets that are not class codes.
    """

    def __init__(self, loss: str, owner: str, classes: Any, dtype: str) -> None:
        self.loss = loss
        self.owner = owner
        self.classes = classes
        self.dtype = dtype

    def fit(self, y: np.ndarray) -> ClassTargetEncoder:
        if y.ndim == 2:
            self._fit_matrix(y)
            return self
        self.labels_ = LabelEncoder().fit(y if self.classes is None else self.classes)
        self.classes_ = self.labels_.classes_
        self._codes(y)
        n_classes = len(self.classes_)
        binary_loss = self.loss.startswith("binary")
        if binary_loss and n_classes > 2:
            raise InvalidParameterError(
                f"The 'loss' parameter of {self.owner} must not be a binary one with "
                f"{n_classes} classes in y. Got {self.loss!r} instead."
            )
        if n_classes == 1:
            self.kind_ = "constant"
        elif binary_loss or (self.loss == "auto" and n_classes == 2):
            self.kind_ = "binary"
        elif self.loss == "auto" or is_of_codes(self.loss):
            self.kind_ = "codes"
        else:
            self.kind_ = "one_hot"
        return self

    def _fit_matrix(self, y: np.ndarray) -> None:
        n_classes = y.shape[1]
        if not np.isin(y, (0, 1)).all():
            raise ValueError(
                f"{self.owner} takes a matrix y as label indicators: each value must "
                f"be 0 or 1. Got {np.unique(y)[:5].tolist()!r}."
            )
        if is_of_codes(self.loss):
            raise InvalidParameterError(
                f"The 'loss' parameter of {self.owner} must not be a sparse one with "
                f"a label indicator matrix as y. Got {self.loss!r} instead."
            )
        self.classes_ = np.arange(n_classes)
        if is_of_one_class(self.loss):
            if not np.all(y.sum(axis=1) == 1):
                raise ValueError(
                    f"With loss={self.loss!r}, {self.owner} takes a matrix y as "
                    "one-hot: each row must hold a single 1. For several labels "
                    "per row use loss='auto'."
                )
            self.kind_ = "one_hot_rows"
        else:
            self.kind_ = "multilabel"

    def transform(self, y: np.ndarray) -> np.ndarray:
        if self.is_matrix != (y.ndim == 2):
            raise ValueError(
                f"y has {y.ndim} dimension(s), but {self.owner} was fitted with "
                f"{2 if self.is_matrix else 1}."
            )
        if self.is_matrix:
            if y.shape[1] != len(self.classes_):
                raise ValueError(
                    f"y has {y.shape[1]} columns, but {self.owner} was fitted with "
                    f"{len(self.classes_)}."
                )
            return y.astype(self.dtype)
        codes = self._codes(y)
        if self.kind_ == "codes":
            return codes.astype("int32")
        if self.kind_ in _ONE_UNIT:
            return codes.astype(self.dtype).reshape(-1, 1)
        return np.eye(len(self.classes_), dtype=self.dtype)[codes]

    def inverse_transform(
        self, y: np.ndarray, return_proba: bool = False
    ) -> np.ndarray:
        if self.kind_ == "constant":
            return np.ones_like(y) if return_proba else self.classes_.repeat(len(y))
        if return_proba:
            return np.hstack([1 - y, y]) if self.kind_ == "binary" else y
        if self.kind_ == "multilabel":
            return (y > 0.5).astype(int)
        if self.kind_ == "one_hot_rows":
            return np.eye(len(self.classes_), dtype=int)[y.argmax(axis=1)]
        codes = (y[:, 0] > 0.5).astype(int) if self.kind_ == "binary" else y.argmax(1)
        return self.classes_[codes]

    def codes_of(self, encoded: np.ndarray) -> np.ndarray:
        """Return the class codes of encoded targets."""
        if self.kind_ == "multilabel":
            raise ValueError(
                "class_weight can't be used with a label indicator matrix as y: a "
                "sample has no one class. Give sample_weight instead."
            )
        if self.kind_ == "codes":
            return encoded
        if self.kind_ in _ONE_UNIT:
            return encoded[:, 0].astype(int)
        return encoded.argmax(axis=1)

    def get_metadata(self) -> dict[str, Any]:
        return {"classes_": self.classes_, "n_classes_": len(self.classes_)}

    @property
    def is_matrix(self) -> bool:
        return self.kind_ in {"multilabel", "one_hot_rows"}

    @property
    def n_units(self) -> int:
        """Units of the output layer."""
        return 1 if self.kind_ in _ONE_UNIT else len(self.classes_)

    @property
    def output_activation(self) -> str:
        sigmoids = {*_ONE_UNIT, "multilabel"}
        return "sigmoid" if self.kind_ in sigmoids else "softmax"

    def compiled_loss(self, loss: Any) -> Any:
        """Return the loss to train by, where `loss` is what the user gave."""
        if self.kind_ == "constant":
            return "binary_crossentropy"
        if not is_auto(loss):
            return loss
        return {
            "binary": "binary_crossentropy",
            "multilabel": "binary_crossentropy",
            "codes": "sparse_categorical_crossentropy",
        }[self.kind_]

    def _codes(self, y: np.ndarray) -> np.ndarray:
        alike = kind_of_labels(y) == kind_of_labels(self.classes_)
        unknown = np.setdiff1d(y, self.classes_) if alike else np.unique(y)
        if len(unknown):
            raise ValueError(
                f"y holds unknown classes: {unknown.tolist()!r}. {self.owner} knows "
                f"{self.classes_.tolist()!r}."
            )
        return self.labels_.transform(y)


class RegressionTargetEncoder(TransformerMixin, BaseEstimator):
    """Encode one target, or several, as columns.

    Parameters
    ----------
    loss : str, dict, class, keras.losses.Loss or callable
        The loss as the user gave it; the output layer is made for it.
    owner : str
        Name of the estimator, for messages.
    dtype : str
        dtype of the encoded targets.
    """

    def __init__(self, loss: Any, owner: str, dtype: str) -> None:
        self.loss = loss
        self.owner = owner
        self.dtype = dtype

    def fit(self, y: np.ndarray) -> RegressionTargetEncoder:
        self.ndim_ = y.ndim
        self.n_units = 1 if y.ndim == 1 else y.shape[1]
        return self

    def transform(self, y: np.ndarray) -> np.ndarray:
        columns = 1 if y.ndim == 1 else y.shape[1]
        if (y.ndim, columns) != (self.ndim_, self.n_units):
            raise ValueError(
                f"y has shape {y.shape}, but {self.owner} was fitted with "
                f"{self.n_units} target(s)."
            )
        with np.errstate(over="ignore"):
            encoded = y.reshape(len(y), columns).astype(self.dtype)
        if not np.isfinite(encoded).all():
            raise ValueError(
                f"Input y contains values too large for dtype({self.dtype!r})."
            )
        return encoded

    def inverse_transform(self, y: np.ndarray) -> np.ndarray:
        # scikit-learn's regressors return float64, whatever they compute in.
        y = y.astype(np.float64)
        return y[:, 0] if self.ndim_ == 1 else y

    def get_metadata(self) -> dict[str, Any]:
        return {"n_outputs_": self.n_units}

    @property
    def output_activation(self) -> str:
        return output_of_numbers(self.loss)

    def compiled_loss(self, loss: Any) -> Any:
        """Return the loss to train by, where `loss` is what the user gave."""
        return "mean_squared_error" if is_auto(loss) else loss


def check_class_targets(y: np.ndarray, owner: str) -> None:
    """Refuse targets that are neither labels nor a label indicator matrix."""
    kind = type_of_target(y, input_name="y")
    if kind not in {"binary", "multiclass", "multilabel-indicator"}:
        raise ValueError(
            f"Unknown label type: {kind}. {owner} takes labels or a label indicator "
            "matrix as y; for continuous targets use the regressor."
        )


def kind_of_labels(labels: np.ndarray) -> str:
    """Return what labels are; NumPy takes True for 1, and beside text 1 for "1"."""
    # Of objects, scikit-learn takes strings alone for labels.
    kinds = {"b": "bool", "O": "str", "U": "str", "S": "bytes"}
    return kinds.get(labels.dtype.kind, "number")
