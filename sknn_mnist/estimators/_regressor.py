"""What regression adds to a Keras estimator."""

from __future__ import annotations

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.utils import Tags

from sknn_mnist._parameters import PRECISIONS
from sknn_mnist.estimators._base import KerasEstimator
from sknn_mnist.estimators._loss_targets import (
    check_loss_of_numbers,
    check_number_targets,
)
from sknn_mnist.estimators._targets import RegressionTargetEncoder

__all__ = ["BaseKerasRegressor"]


class BaseKerasRegressor(RegressorMixin, KerasEstimator):
    """A Keras estimator of numbers, whatever network it trains."""

    _y_numeric = True

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    @property
    def target_encoder(self) -> RegressionTargetEncoder:
        """Transformer from targets to what the loss takes."""
        given = self._fit_params
        return RegressionTargetEncoder(
            given["loss"],
            owner=type(self).__name__,
            dtype=PRECISIONS[given["dtype"]],
        )

    def _takes_same_targets(self) -> bool:
        """Tell whether the loss takes outputs of the layer that there is."""
        return (
            self.target_encoder.output_activation
            == self.target_encoder_.output_activation
        )

    def _check_targets(self, y: np.ndarray, reset: bool) -> None:
        check_number_targets(self._fit_params["loss"], y, type(self).__name__)

    def _check_compiled(self) -> None:
        super()._check_compiled()
        check_loss_of_numbers(self.loss, type(self).__name__)
