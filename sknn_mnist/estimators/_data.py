"""What a fit takes: X, y and weights of samples, checked as scikit-learn does."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import assert_all_finite, check_X_y
from sklearn.utils.validation import column_or_1d, validate_data

from sknn_mnist._parameters import PRECISIONS
from sknn_mnist._row_views import RowView, blocks_of
from sknn_mnist.estimators._fit_parameters import FitParameters
from sknn_mnist.estimators._loss_targets import weights_that_fit
from sknn_mnist.estimators._sources import SparseRows, is_read_later
from sknn_mnist.estimators._weights import weighed

__all__ = ["CheckedData", "as_arrays"]


class CheckedData(FitParameters):
    """Steps of SciKeras's frame that take data in, and what subclasses add to them."""

    _y_numeric = False
    # Whether rows may be read when they are needed.
    _reads_later = True

    def _validate_data(
        self,
        X: Any = None,
        y: Any = "no_validation",
        reset: bool = False,
        y_numeric: bool = False,
    ) -> tuple[Any, Any]:
        X = self._rows_of(X, reset)
        if sparse.issparse(y):
            y = y.toarray()
        if self._reads_later and (isinstance(X, RowView) or is_read_later(X)):
            X, y = self._validate_view(RowView(X), y, reset)
        else:
            X, y = self._validate_array(X, y, reset)
        self._look_at(X, reset)
        return X, y

    def _validate_array(self, X: Any, y: Any, reset: bool) -> tuple[Any, Any]:
        # SciKeras checks shapes by itself; scikit-learn's function also checks and
        # keeps feature names, and says what users of scikit-learn know.
        options = {**self._options_of_rows(reset), "order": "C"}
        if _is_left_out(y):
            X, y = validate_data(self, X, reset=reset, **options), None
        else:
            X, y = validate_data(
                self,
                X,
                y,
                reset=reset,
                multi_output=True,
                y_numeric=self._y_numeric,
                **options,
            )
            y = self._checked_targets(y, reset)
        return RowView(SparseRows(X)) if sparse.issparse(X) else X, y

    def _validate_view(
        self, X: RowView, y: Any, reset: bool
    ) -> tuple[RowView, np.ndarray | None]:
        """Judge rows that are read when they are needed, as those of an array are."""
        owner = type(self).__name__
        if X.dtype.kind not in "biuf":
            raise ValueError(f"X of {owner} must hold numbers. Got {X.dtype}.")
        if X.ndim != 2:
            raise ValueError(
                f"Expected 2D array, got {X.ndim}D array instead. Reshape your data: "
                f"{owner} takes rows of shape (n_samples, n_features)."
            )
        validate_data(self, X, reset=reset, skip_check_array=True)
        if len(X) == 0:
            raise ValueError(
                f"Found array with 0 sample(s) (shape={X.shape}) while a minimum of 1 "
                f"is required by {owner}."
            )
        dtype = np.dtype(self._dtype_of_data(reset))
        if X.dtype not in (dtype, np.uint8):
            X = X.astype(dtype)
        if X.dtype.kind == "f":
            for block in blocks_of(X):
                assert_all_finite(block, estimator_name=owner, input_name="X")
        if _is_left_out(y):
            return X, None
        _, y = check_X_y(
            np.zeros((len(X), 1)),
            y,
            multi_output=True,
            y_numeric=self._y_numeric,
            estimator=self,
        )
        return X, self._checked_targets(y, reset)

    def _checked_targets(self, y: np.ndarray, reset: bool) -> np.ndarray:
        """Return targets of the right kind, one column of them as one dimension."""
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        self._check_targets(y, reset)
        return y

    def _check_targets(self, y: np.ndarray, reset: bool) -> None:
        """Refuse targets of the wrong kind; unless `reset`, others than before."""

    def _rows_of(self, X: Any, reset: bool) -> Any:
        """Return X with one row per sample."""
        return X

    def _look_at(self, X: Any, reset: bool) -> None:
        """See rows that were validated: on `reset` those of a fit that starts anew."""

    def _options_of_rows(self, reset: bool) -> dict[str, Any]:
        """Return what rows may be, as scikit-learn's `validate_data` takes it."""
        # Pixels in 8 bits stay what they are.
        return {"dtype": [np.dtype(self._dtype_of_data(reset)).type, np.uint8]}

    def _dtype_of_data(self, reset: bool) -> str:
        return PRECISIONS[self.dtype if reset else self._fit_params["dtype"]]

    @property
    def feature_encoder(self) -> FunctionTransformer:
        """Transformer from rows to what the network takes: here, the rows."""
        return as_arrays(FunctionTransformer())

    def _weigh(
        self, y: np.ndarray, sample_weight: np.ndarray | None
    ) -> np.ndarray | None:
        """Return the weights of the encoded targets in the loss, of any scale."""
        return sample_weight

    def _weighed(
        self, X: np.ndarray, y: np.ndarray, weights: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
        X, y, weights = weighed(X, y, weights, self._dtype_of_data(reset=False))
        return X, y, self._weights_that_fit(weights)

    def _weights_that_fit(self, weights: np.ndarray | None) -> np.ndarray | None:
        """Return the weights, as far as the loss takes them."""
        if weights is None:
            return None
        loss = self._compile_options()["loss"]
        return weights_that_fit(loss, weights, type(self).__name__)


def as_arrays(transformer: FunctionTransformer) -> FunctionTransformer:
    """Return a transformer that gives arrays, whatever scikit-learn's config says."""
    return transformer.set_output(transform="default")


def _is_left_out(y: Any) -> bool:
    """Tell whether y is what stands for no targets."""
    return isinstance(y, str) and y == "no_validation"
