"""What a user's own network takes: rows of any shape, several inputs, integers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from scipy import sparse
from sklearn.base import clone
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import check_array, check_consistent_length
from sklearn.utils.multiclass import type_of_target

from sknn_mnist._parameters import PRECISIONS, invalid
from sknn_mnist._row_views import RowView
from sknn_mnist.estimators._data import CheckedData, as_arrays
from sknn_mnist.networks._input_specs import as_taken

__all__ = [
    "AnyRows",
    "OwnData",
    "as_known_floats",
    "check_encoded",
    "encoder_of",
    "kind_of_target",
    "of_one_kind",
]

# Kept as they are: tokens, pixels. The network says what it takes.
_INTEGERS = [np.dtype(each).type for each in ("i1", "i2", "i4", "i8", "u1", "u2", "u4")]


class OwnData(CheckedData):
    """The part of the estimators of one's own networks that takes data in."""

    _network: Any
    # Whether X was several arrays in `fit`, and as what: their number, or their names.
    _inputs_: Any = None

    @property
    def feature_encoder(self) -> Any:
        """Transformer from rows to what the network takes, as it was given."""
        given = vars(self).get("feature_encoder")
        if given is None:
            return as_arrays(AnyRows())
        return encoder_of("feature_encoder", given, type(self).__name__)

    _reads_later = False  # the network, or an encoder, may do anything with X

    def _validate_data(
        self,
        X: Any = None,
        y: Any = "no_validation",
        reset: bool = False,
        y_numeric: bool = False,
    ) -> tuple[Any, Any]:
        if isinstance(X, RowView):
            X = np.asarray(X)
        several = self._several(X, y, reset)
        if several is not None:
            X, y = self._validate_several(several, y, reset)
        elif not reset and getattr(X, "ndim", 0) > 2:
            # Not by the number of features: sequences may be shorter than in `fit`.
            (X,), y = self._validate_several([X], y, reset)
        else:
            X, y = super()._validate_data(X, y, reset, y_numeric)
        if reset:
            self._remember_shapes(X, y)
        elif several is None:
            self._check_dimensions(X)
        return X, y

    def _check_dimensions(self, X: np.ndarray) -> None:
        """Refuse rows of another number of dimensions than in `fit`."""
        before = len(vars(self).get("X_shape_", X.shape))
        if X.ndim != before:
            raise ValueError(
                f"X has {X.ndim} dimensions, but {type(self).__name__} was fitted with "
                f"{before}."
            )

    def _several(self, X: Any, y: Any, reset: bool) -> Any:
        """Return X as several arrays, None where it is one."""
        if isinstance(X, Mapping) and not sparse.issparse(X):  # some are dicts
            found: Any = {str(name): each for name, each in X.items()}
        elif isinstance(X, list | tuple) and _are_arrays(X) and len(X) != _n_rows(y):
            found = list(X)
        else:
            found = None
        if not reset and self._inputs_ != _inputs(found):
            if isinstance(X, list | tuple) and isinstance(self._inputs_, int):
                return list(X)  # with as many inputs as rows
            raise ValueError(
                f"X of {type(self).__name__} must be {_said(self._inputs_)}, as in "
                f"fit. Got {_said(_inputs(found))}."
            )
        if reset:
            self._inputs_ = _inputs(found)
        return found

    def _validate_several(self, X: Any, y: Any, reset: bool) -> tuple[Any, Any]:
        options = {**self._options_of_rows(reset), "order": "C", "input_name": "X"}
        if isinstance(X, dict):
            X = {name: check_array(each, **options) for name, each in X.items()}
        else:
            X = [check_array(each, **options) for each in X]
        parts = list(X.values()) if isinstance(X, dict) else X
        check_consistent_length(*parts)
        if isinstance(y, str) and y == "no_validation":
            return X, None
        if sparse.issparse(y):
            y = y.toarray()
        numbers = {"dtype": "numeric"} if self._y_numeric else {"dtype": None}
        y = check_array(y, ensure_2d=False, input_name="y", **numbers)
        check_consistent_length(*parts, y)
        return X, self._checked_targets(y, reset)

    def _options_of_rows(self, reset: bool) -> dict[str, Any]:
        floats = np.dtype(self._dtype_of_data(reset)).type
        return {"dtype": [floats, *_INTEGERS], "allow_nd": True}

    def _dtype_of_data(self, reset: bool) -> str:
        given = self._setting("dtype") if reset else self._fit_params["dtype"]
        return keras.config.floatx() if given is None else PRECISIONS[given]

    def _remember_shapes(self, X: Any, y: Any) -> None:
        """Set the attributes that SciKeras's users find in ``meta``."""
        first = keras.tree.flatten(X)[0]
        several = self._inputs_ is not None
        self.X_shape_ = keras.tree.map_structure(np.shape, X) if several else X.shape
        self.X_dtype_ = first.dtype
        self.y_dtype_ = y.dtype
        self.y_ndim_ = y.ndim
        self.target_type_ = kind_of_target(y)
        if several:
            self.__dict__.pop("n_features_in_", None)

    def _as_taken(self, X: Any) -> Any:
        check_encoded(X, type(self).__name__)
        return as_taken(X, self._network.recipe.input_spec, type(self).__name__)


class AnyRows(FunctionTransformer):
    """A transformer by a function, of rows in a dict or list of arrays as well."""

    def fit(self, X: Any, y: Any = None) -> AnyRows:
        return self


def encoder_of(name: str, given: Any, owner: str) -> Any:
    """Return an encoder that a user gave, unfitted: a transformer, or of a function."""
    if (
        hasattr(given, "fit")
        and hasattr(given, "transform")
        and not isinstance(given, type)
    ):
        return as_arrays(clone(given)) if hasattr(given, "set_output") else clone(given)
    if callable(given) and not isinstance(given, type):
        return as_arrays(AnyRows(given))
    raise invalid(name, owner, "None, a transformer or a function", given)


def check_encoded(x: Any, owner: str) -> None:
    """Refuse what a `feature_encoder` made of X, if that is no array or several."""
    leaves = keras.tree.flatten(x)
    for each in leaves or [x]:
        if not isinstance(each, np.ndarray) or each.ndim == 0:
            raise ValueError(
                f"The feature_encoder of {owner} must make an array of X, or a list or "
                f"dict of arrays. It made {type(x).__name__} of it"
                f"{'' if each is x else f', with {type(each).__name__} inside'}."
            )


def as_known_floats(output: np.ndarray) -> np.ndarray:
    """Return an output in a precision that scikit-learn computes in."""
    # NumPy does not know bfloat16, and has no kind for it.
    narrow = output.dtype.itemsize == 2 and output.dtype.kind not in "iu"
    return output.astype(np.float32) if narrow else output


def kind_of_target(y: np.ndarray) -> str:
    """Return scikit-learn's `type_of_target`; of columns of several kinds as well."""
    if y.dtype == object and y.ndim == 2:
        # The columns of a frame, which may be numbers and text.
        columns = [of_one_kind(column) for column in y.T]
        if any(each.dtype.kind in "OUS" for each in columns):
            return "multiclass-multioutput"
        y = np.column_stack(columns)
    return str(type_of_target(y, input_name="y"))


def of_one_kind(column: np.ndarray) -> np.ndarray:
    """Return a column of objects as what they are, where all are of a kind."""
    if column.dtype != object:
        return column
    found = np.asarray(column.tolist())
    # NumPy makes text of numbers that stand beside some.
    mixed = found.dtype.kind in "US" and len({isinstance(x, str) for x in column}) > 1
    return column if mixed or found.ndim != 1 else found


def _are_arrays(values: Any) -> bool:
    return len(values) > 0 and all(getattr(each, "ndim", 0) >= 2 for each in values)


def _n_rows(y: Any) -> int | None:
    if isinstance(y, str) or not hasattr(y, "__len__"):
        return None
    return len(y)


def _inputs(several: Any) -> Any:
    """Return the number or the names of several arrays, None for one."""
    if several is None:
        return None
    return sorted(several) if isinstance(several, dict) else len(several)


def _said(inputs: Any) -> str:
    if inputs is None:
        return "one array"
    return (
        f"a dict of {inputs}"
        if isinstance(inputs, list)
        else f"a list of {inputs} arrays"
    )
