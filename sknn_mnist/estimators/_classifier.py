"""What classifying adds to a Keras estimator."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils import Tags
from sklearn.utils.class_weight import compute_class_weight

from sknn_mnist._parameters import PRECISIONS, as_finite_float, invalid
from sknn_mnist.estimators._base import KerasEstimator
from sknn_mnist.estimators._held_out import warn_of_classes
from sknn_mnist.estimators._loss_targets import check_loss_of_classes, family_of
from sknn_mnist.estimators._parameters import ClassParameters
from sknn_mnist.estimators._targets import (
    ClassTargetEncoder,
    check_class_targets,
    kind_of_labels,
)
from sknn_mnist.estimators._weights import balanced, near_one

__all__ = ["BaseKerasClassifier"]


class BaseKerasClassifier(ClassParameters, ClassifierMixin, KerasEstimator):
    """A Keras estimator of classes, whatever network it trains."""

    _default_metrics = ("accuracy",)

    def partial_fit(  # type: ignore[override]
        self,
        X: Any,
        y: Any,
        classes: Any = None,
        sample_weight: Any = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
        groups: Any = None,
    ) -> BaseKerasClassifier:
        """Train for one more epoch on X and y.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training samples, as in `fit`.
        y : array-like of shape (n_samples,) or (n_samples, n_classes)
            Labels, which may lack some of the classes.
        classes : array-like of shape (n_classes,), default=None
            All labels that will ever come. Needed in the first call, unless `fit`
            went before; may be left out later.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples, as in `fit`.
        X_val, y_val, sample_weight_val, groups : array-like, default=None
            As in `fit`. With `early_stopping` there must be samples to validate on, and
            the one epoch is the best of its call: when to stop is the caller's to say.

        Returns
        -------
        object
            The fitted estimator itself.

        Raises
        ------
        ValueError or TypeError
            As in `fit`; and when `classes` is missing in the first call, or is not
            what it was.
        """
        owner = type(self).__name__
        if isinstance(self.class_weight, str):
            raise ValueError(
                f"class_weight={self.class_weight!r} can't be computed from one batch: "
                f"give {owner}.partial_fit the weights as a dict."
            )
        if not self.initialized_:
            if classes is None:
                raise ValueError(
                    "classes must be passed on the first call to partial_fit."
                )
            self._known_classes = np.unique(np.asarray(classes))
        elif classes is not None and not self._knows_just(np.asarray(classes)):
            raise ValueError(
                f"classes={classes!r} is not the same as on last call to "
                f"partial_fit, was: {self.classes_!r}"
            )
        try:
            return super().partial_fit(
                X,
                y,
                sample_weight=sample_weight,
                X_val=X_val,
                y_val=y_val,
                sample_weight_val=sample_weight_val,
                groups=groups,
            )
        finally:
            self.__dict__.pop("_known_classes", None)

    def predict_proba(self, X: Any) -> np.ndarray:
        """Predict the probabilities of the classes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples, in the layouts that `fit` takes.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Probabilities, of the estimator's `dtype`, in the order of `classes_`.
            With a label indicator matrix as `y`, each label's own. With one class
            in `y`, a column of ones.
        """
        return self._proba_from_raw(self._predict_raw(X))

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Predict the logarithms of the probabilities of the classes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples, in the layouts that `fit` takes.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Natural logarithms of what `predict_proba` returns.
        """
        with np.errstate(divide="ignore"):  # log(0) is -inf, as it should be
            return np.log(self.predict_proba(X))

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags

    @property
    def target_encoder(self) -> ClassTargetEncoder:
        """Transformer from labels to what the loss takes."""
        given = self._fit_params
        return ClassTargetEncoder(
            family_of(given["loss"]),
            owner=type(self).__name__,
            classes=getattr(self, "_known_classes", None),
            dtype=PRECISIONS[given["dtype"]],
        )

    def _takes_same_targets(self) -> bool:
        """Tell whether the loss takes targets encoded as they were."""
        encoder = self.target_encoder
        encoder.classes = None if self.target_encoder_.is_matrix else self.classes_
        y = np.eye(len(self.classes_), dtype=int)
        try:
            encoder.fit(y if self.target_encoder_.is_matrix else self.classes_)
        except ValueError:
            return False
        return encoder.kind_ == self.target_encoder_.kind_

    def _proba_from_raw(self, raw: np.ndarray) -> np.ndarray:
        return self.target_encoder_.inverse_transform(raw, return_proba=True)

    def _check_targets(self, y: np.ndarray, reset: bool) -> None:
        check_class_targets(y, type(self).__name__)
        # A batch, or what is held out, may lack classes; the encoder refuses unknown
        # ones.
        whole = self._is_in_fit and not self._checks_validation
        if reset or not whole or y.ndim == 2:
            return
        if not self.target_encoder_.is_matrix and not self._knows_just(y):
            raise ValueError(
                "warm_start can only be used where `y` has the same classes as in the "
                f"previous call to fit. Previously got {self.classes_!r}, `y` has "
                f"{np.unique(y)!r}."
            )

    def _knows_just(self, labels: np.ndarray) -> bool:
        """Tell whether these are all the classes, and the same kind of labels."""
        return kind_of_labels(labels) == kind_of_labels(
            self.classes_
        ) and np.array_equal(np.unique(labels), self.classes_)

    def _check_parameters(self) -> None:
        super()._check_parameters()
        given = self.class_weight
        if isinstance(given, dict):
            sound = all(
                (number := as_finite_float(weight)) is not None and number >= 0
                for weight in given.values()
            )
        else:
            sound = given is None or (isinstance(given, str) and given == "balanced")
        if not sound:
            raise invalid(
                "class_weight",
                type(self).__name__,
                "None, 'balanced' or a dict of weights, not negative, by class",
                given,
            )

    def _check_compiled(self) -> None:
        super()._check_compiled()
        check_loss_of_classes(self.loss, type(self).__name__)

    def _weigh(
        self, y: np.ndarray, sample_weight: np.ndarray | None
    ) -> np.ndarray | None:
        """Multiply the weights of the samples with those of their classes."""
        if self.class_weight is None:
            return sample_weight
        codes = self._codes_of(y)
        of_class = (
            self._weights_of_named_classes()
            if isinstance(self.class_weight, dict)
            else balanced(codes, len(self.classes_), sample_weight)
        )
        present = of_class[np.unique(codes)]
        dtype = self._dtype_of_data(reset=False)
        least = np.finfo(dtype).tiny * present.max()
        if not present.any() or ((present > 0) & (present < least)).any():
            raise ValueError(
                f"class_weight={self.class_weight!r} leaves {type(self).__name__} "
                f"weights from {present.min()} to {present.max()}: they must not be "
                f"all 0, nor so far apart that {dtype} rounds the smaller to 0."
            )
        weights = near_one(of_class[codes])
        return weights if sample_weight is None else weights * sample_weight

    def _labels_of(self, y: Any) -> np.ndarray:
        codes = self._codes_if_known(y)
        return super()._labels_of(y) if codes is None else self.classes_[codes]

    def _compare_split(self, trained: Any, held_out: Any) -> None:
        codes, others = map(self._codes_if_known, (trained, held_out))
        if self._is_in_fit and codes is not None and others is not None:
            warn_of_classes(self, self.classes_, codes, others)

    def _codes_if_known(self, y: Any) -> np.ndarray | None:
        """Return the class codes of encoded targets; None where a row has several."""
        encoder = self.target_encoder_
        if getattr(encoder, "kind_", "unknown") in ("unknown", "multilabel"):
            return None
        codes: np.ndarray = encoder.codes_of(y)
        return codes

    def _codes_of(self, encoded: Any) -> np.ndarray:
        """Return the class codes of encoded targets."""
        return self.target_encoder_.codes_of(encoded)

    def _weights_of_named_classes(self) -> np.ndarray:
        try:
            return compute_class_weight(
                self.class_weight, classes=self.classes_, y=self.classes_
            )
        except ValueError as err:
            raise ValueError(
                f"class_weight={self.class_weight!r} names other classes than y "
                f"holds: {self.classes_.tolist()!r}."
            ) from err
