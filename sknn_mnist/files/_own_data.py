"""What an estimator of one's own network knows of its data, as JSON and again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from sklearn.base import is_classifier

from sknn_mnist.estimators._base import KerasEstimator, metadata_of
from sknn_mnist.estimators._own_part import OwnPart
from sknn_mnist.estimators._own_targets import OwnClassEncoder, OwnNumberEncoder
from sknn_mnist.estimators._several_heads import SeveralHeads
from sknn_mnist.files._checks import as_int, numbers_of
from sknn_mnist.files._values import (
    UnsavableError,
    label_dtype,
    labels_from_json,
    labels_to_json,
)

__all__ = [
    "inputs_to_json",
    "own_targets_to_json",
    "rows_from_json",
    "rows_to_json",
    "set_features",
    "set_inputs",
    "set_own_targets",
]

# Most inputs of a network, and sides of an array.
MOST_INPUTS = 1_000
MOST_SIDES = 64

# dtypes that a network's inputs may have, and those of rows for them.
_DTYPES = {
    **{
        name: name
        for name in (
            *("bool", "float16", "float32", "float64"),
            *(f"{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64)),
        )
    },
    "bfloat16": "float32",
}


def inputs_to_json(estimator: OwnPart) -> dict[str, Any]:
    """Return what is known of X and y, for `set_inputs`."""
    return {
        "number": getattr(estimator, "n_features_in_", None),
        "names": getattr(estimator, "feature_names_in_", np.array([])).tolist(),
        "shapes": _nest_to_json(estimator._inputs_, estimator.X_shape_, list),
        "X_dtype": estimator.X_dtype_.str,
        "y_dtype": estimator.y_dtype_.str,
        "y_ndim": int(estimator.y_ndim_),
        "target_type": estimator.target_type_,
    }


def set_inputs(estimator: OwnPart, stored: Mapping[str, Any]) -> None:
    """Set the attributes that `inputs_to_json` told of."""
    shapes = _nest_from_json(stored["shapes"], _sides)
    if isinstance(shapes, tuple):
        set_features(estimator, stored)
    else:
        named = isinstance(shapes, dict)
        estimator._inputs_ = sorted(shapes) if named else len(shapes)
    estimator.X_shape_ = shapes
    estimator.X_dtype_ = label_dtype(stored["X_dtype"])
    estimator.y_dtype_ = label_dtype(stored["y_dtype"])
    estimator.y_ndim_ = as_int(stored["y_ndim"], 0, most=MOST_SIDES)
    estimator.target_type_ = str(stored["target_type"])


def rows_to_json(estimator: OwnPart) -> dict[str, Any]:
    """Return shapes and dtypes of what the network is given, for `rows_from_json`."""
    return _nest_to_json(
        estimator._inputs_,
        estimator._network.recipe.input_spec,
        lambda each: [each.dtype.name, [None, *list(each.shape)[1:]]],
    )


def rows_from_json(stored: Any) -> Any:
    """Return such arrays, of no rows: they take no memory, however wide they are."""
    return _nest_from_json(stored, _no_rows)


def _no_rows(stored: Any) -> np.ndarray:
    name, shape = stored
    if name not in _DTYPES:
        raise ValueError(f"{name!r} is not a dtype of inputs")
    sides = _sides([1 if side is None else side for side in shape])
    return np.empty((0, *sides[1:]), _DTYPES[name])


def _nest_to_json(inputs: Any, values: Any, leaf: Callable[[Any], Any]) -> Any:
    """Return one value, or one for each of several inputs, as JSON."""
    if inputs is None:
        return {"one": leaf(values)}
    if isinstance(values, Mapping):
        return {"dict": [[name, leaf(each)] for name, each in values.items()]}
    return {"list": [leaf(each) for each in values]}


def _nest_from_json(stored: Any, leaf: Callable[[Any], Any]) -> Any:
    ((kind, content),) = stored.items()
    if kind == "one":
        return leaf(content)
    if kind not in ("dict", "list") or not 0 < len(content) <= MOST_INPUTS:
        raise ValueError("its inputs are neither one nor several")
    if kind == "list":
        return [leaf(each) for each in content]
    return {str(name): leaf(each) for name, each in content}


def _sides(shape: Any) -> tuple[int, ...]:
    if not isinstance(shape, list) or not 1 <= len(shape) <= MOST_SIDES:
        raise ValueError("its inputs have no shape of rows")
    return tuple(as_int(side, 0) for side in shape)


# -- targets --------------------------------------------------------------------------


def own_targets_to_json(estimator: OwnPart) -> dict[str, Any]:
    """Return what the encoders of y learnt from it, for `set_own_targets`."""
    encoder = estimator.target_encoder_
    several = isinstance(encoder, SeveralHeads)
    if not is_classifier(estimator):
        if several:
            return {"several": True, "columns": encoder.n_columns_}
        return {"columns": encoder.n_columns_, "dimensions": encoder.ndim_}
    try:
        if several:
            labels = [labels_to_json(each.classes_) for each in encoder.heads_]
            return {"several": True, "labels": labels}
        return {
            "labels": labels_to_json(encoder.classes_),
            "matrix": encoder.is_matrix,
            "one_hot": encoder.is_matrix and encoder.is_one_hot_,
        }
    except UnsavableError as err:
        raise UnsavableError(f"save can't write the classes of y: {err}") from err


def set_own_targets(estimator: OwnPart, stored: Mapping[str, Any]) -> None:
    """Set the encoder that `own_targets_to_json` told of, and what it gives.

    How it encodes is settled when the network is there.
    """
    classifies = is_classifier(estimator)
    owner, dtype = type(estimator).__name__, estimator._dtype_of_data(reset=True)
    encoder: Any
    if stored.get("several"):
        encoder = SeveralHeads(owner, dtype, classifies)
        if classifies:
            heads = [_of_labels(owner, dtype, each) for each in stored["labels"]]
            encoder.heads_, encoder.widths_ = heads, [1] * len(heads)
        encoder.n_columns_ = (
            len(encoder.heads_) if classifies else as_int(stored["columns"], 1)
        )
    elif classifies and stored["matrix"]:
        labels = labels_from_json(stored["labels"])
        _check_labels(labels, np.arange(len(labels)))
        # Whose labels are the numbers of its columns.
        y = np.broadcast_to(np.zeros(1, int), (1, len(labels)))
        encoder = OwnClassEncoder(owner, None, dtype).fit(y)
        encoder.is_one_hot_ = stored["one_hot"] is True
    elif classifies:
        encoder = _of_labels(owner, dtype, stored["labels"])
    else:
        encoder = OwnNumberEncoder(owner, dtype).fit(numbers_of(stored))
    estimator.target_encoder_ = encoder
    estimator.__dict__.update(metadata_of(encoder))


def _of_labels(owner: str, dtype: str, stored: Any) -> OwnClassEncoder:
    labels = labels_from_json(stored)
    _check_labels(labels, np.unique(labels))
    return OwnClassEncoder(owner, None, dtype).fit(labels)


def _check_labels(labels: np.ndarray, known: np.ndarray) -> None:
    if not len(labels) or not np.array_equal(labels, known):
        raise ValueError("its labels are not those of a fit")


def set_features(estimator: KerasEstimator, stored: Mapping[str, Any]) -> None:
    """Set number and names of the features of X."""
    estimator.n_features_in_ = as_int(stored["number"], 1)
    names = stored["names"]
    if names:
        if len(names) != estimator.n_features_in_ or not all(
            isinstance(each, str) for each in names
        ):
            raise ValueError("its feature names are not those of its features")
        estimator.feature_names_in_ = np.array(names, dtype=object)
