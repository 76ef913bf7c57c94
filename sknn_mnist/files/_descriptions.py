"""A fitted estimator as JSON and arrays, and again as an estimator.

The network is built again by this package's builders, or by its config, which is judged
before any layer of it is made.
"""

from __future__ import annotations

import math
import platform
import sys
from typing import Any, TypeGuard

import numpy as np
from sklearn.base import is_classifier

from sknn_mnist import estimators
from sknn_mnist._histories import plain_history
from sknn_mnist._parameters import as_factor, as_finite_float, per_layer
from sknn_mnist._version import __version__
from sknn_mnist.engine._owned_network import OwnedNetwork
from sknn_mnist.estimators._base import KerasEstimator
from sknn_mnist.estimators._images import TakesImages
from sknn_mnist.estimators._own_part import OwnPart
from sknn_mnist.files._checks import as_int, check_arrays, numbers_of
from sknn_mnist.files._own_data import set_features
from sknn_mnist.files._own_estimators import (
    own_estimator_of,
    own_network_of,
    own_to_json,
)
from sknn_mnist.files._saved_augmentation import (
    with_augmentation,
    with_plain_augmentation,
)
from sknn_mnist.files._saved_parameters import (
    parameters_from_json,
    parameters_to_json,
)
from sknn_mnist.files._values import (
    UnsavableError,
    labels_from_json,
    labels_to_json,
)
from sknn_mnist.networks._augmentation import augmentation_configs

__all__ = ["CLASSES", "FORMATS", "description_of", "estimator_of"]

CLASSES = {name: getattr(estimators, name) for name in estimators.__all__}
# Packages whose versions a file tells, by the names of their modules: distributions go
# by several (tensorflow-cpu).
PACKAGES = {
    "keras": "keras",
    "tensorflow": "tensorflow",
    "scikit-learn": "sklearn",
    "numpy": "numpy",
}
# By classes: whoever reads the first alone can read the files of those that it knows.
FORMATS = {name: 2 if issubclass(CLASSES[name], OwnPart) else 1 for name in CLASSES}


def description_of(
    estimator: KerasEstimator,
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Return what there is to write of a fitted estimator.

    Parameters
    ----------
    estimator : KerasEstimator
        Fitted, of one of the `CLASSES`.

    Returns
    -------
    about : dict
        As `json.dumps` takes it.
    arrays : dict of str to ndarray
        By name.

    Raises
    ------
    UnsavableError
        When a parameter or the labels are code of the user's own, or an array is of
        no dtype of NumPy's.
    """
    state = estimator._network.state
    assert state is not None  # fitted
    arrays = {
        f"{part}/{number}": np.asarray(value, order="C")
        for part, values in state.items()
        for number, value in enumerate(values)
    }
    strange = {each.dtype.name for each in arrays.values() if each.dtype.kind == "V"}
    if strange:  # bfloat16, which is none of NumPy's
        raise UnsavableError(
            f"save can't write arrays of {', '.join(sorted(strange))}. Use joblib.dump."
        )
    for number, values in enumerate(estimator.history_.values()):
        arrays[f"history/{number}"] = np.asarray(values, dtype=np.float64)
    name = type(estimator).__name__
    about = {
        "format": FORMATS[name],
        "estimator": name,
        **(
            own_to_json(estimator)
            if isinstance(estimator, OwnPart)
            else _to_json(estimator)
        ),
        "seed": estimator._seed,
        "initial_epoch": int(estimator.initial_epoch_),
        "history": list(estimator.history_),
        "best": _best_to_json(estimator),
        "state": {part: len(values) for part, values in state.items()},
        "versions": {
            "python": platform.python_version(),
            "sknn_mnist": __version__,
            **{
                name: str(sys.modules[module].__version__)
                for name, module in PACKAGES.items()
            },
        },
    }
    return about, arrays


def estimator_of(
    about: dict[str, Any], arrays: dict[str, np.ndarray], model: Any = None
) -> KerasEstimator:
    """Return the estimator that `description_of` described.

    Anything amiss raises ValueError, or whatever Keras raises when it is given what it
    does not expect.

    Parameters
    ----------
    about : dict
        The description.
    arrays : dict of str to ndarray
        By name.
    model : callable, keras.Model or None, default=None
        The function that makes the network, for estimators that have one.
    """
    kind = CLASSES.get(about["estimator"])
    if kind is None:
        raise ValueError(f"it holds a {about['estimator']!r}, not one of {[*CLASSES]}")
    if about["format"] != FORMATS[kind.__name__]:
        raise ValueError(f"a {kind.__name__} has not the format {about['format']}")
    later: dict[str, Any] = {}
    if issubclass(kind, OwnPart):
        estimator, later = own_estimator_of(kind, about, model)
    elif model is None:
        estimator = _estimator_of(kind, about)
    else:
        raise ValueError(
            f"it holds a {kind.__name__}, whose network no function makes: load takes "
            "model=... for KerasClassifier and KerasRegressor alone"
        )
    estimator._seed = as_int(about["seed"], 0, most=2**31 - 1)
    estimator.callbacks_ = []
    estimator.history_ = _history(about["history"], arrays)
    n_epochs = len(estimator.history_["loss"])
    estimator.n_iter_ = n_epochs
    estimator.initial_epoch_ = as_int(about["initial_epoch"], 0, most=n_epochs)
    _set_best(estimator, about.get("best"))  # none in files of before
    state = {
        part: [arrays[f"{part}/{number}"] for number in range(as_int(length, 0))]
        for part, length in about["state"].items()
    }
    if isinstance(estimator, OwnPart):
        given = model is not None
        estimator._network = own_network_of(estimator, about["network"], state, given)
        estimator.__dict__.update(later)
    else:
        estimator._network = _network_of(estimator, state)
    if not estimator._network.is_finite():
        raise ValueError("its weights are not finite")
    return estimator


def _to_json(estimator: KerasEstimator) -> dict[str, Any]:
    """Return what a file tells of an estimator of this package's own networks alone."""
    owner = type(estimator).__name__
    given, fitted_with = (
        parameters_to_json(owner, with_plain_augmentation(each, owner))
        for each in (estimator.get_params(deep=False), estimator._fit_params)
    )
    return {
        "parameters": given,
        "fitted_with": fitted_with,
        "targets": _targets_to_json(estimator),
        "features": {
            "number": int(estimator.n_features_in_),
            "names": getattr(estimator, "feature_names_in_", np.array([])).tolist(),
            "image_shape": estimator.image_shape_ if _takes_images(estimator) else None,
            **_scale_to_json(estimator),
        },
    }


def _estimator_of(kind: type[KerasEstimator], about: dict[str, Any]) -> KerasEstimator:
    """Return such an estimator again, without its network."""
    estimator = kind(**_parameters(kind, about["parameters"]))
    estimator._check_parameters()
    fit_params = _parameters(kind, about["fitted_with"])
    kind(**fit_params)._check_parameters()
    # A file of before there was a parameter has it at its default.
    estimator._fit_params = {**kind().get_params(deep=False), **fit_params}
    _set_features(estimator, about["features"])
    _set_targets(estimator, about["targets"])
    # It has no state but its shape, and its `fit` would want samples.
    estimator.feature_encoder_ = estimator.feature_encoder
    return estimator


def _parameters(kind: type[KerasEstimator], stored: Any) -> dict[str, Any]:
    given = parameters_from_json(stored)
    unknown = sorted(set(given) - set(kind().get_params(deep=False)))
    if unknown:
        raise ValueError(f"{kind.__name__} has no parameters {unknown}")
    return with_augmentation(given)


def _history(names: Any, arrays: dict[str, np.ndarray]) -> dict[str, list[Any]]:
    if not isinstance(names, list) or "loss" not in names:
        raise ValueError("its history has no loss")
    values = {str(name): arrays[f"history/{at}"] for at, name in enumerate(names)}
    if values["loss"].ndim != 1:
        raise ValueError("its loss is not one number per epoch")
    for name, each in values.items():
        # An array without columns may have any number of rows, and takes no bytes.
        if each.ndim < 1 or len(each) > len(values["loss"]):
            raise ValueError(f"its history of {name!r} is not one value per epoch")
    return plain_history(values)


def _best_to_json(estimator: KerasEstimator) -> dict[str, Any] | None:
    """Return the best epoch, and the name in the history of what says so."""
    if not hasattr(estimator, "best_epoch_"):
        return None
    epoch, history = int(estimator.best_epoch_), estimator.history_
    # What is monitored may have been set anew since.
    names = [name for name in (estimator.monitor, *history) if name in history]
    score = np.float64(estimator.best_score_)
    same = (
        name
        for name in names
        if np.array_equal(np.float64(history[name][epoch]), score, equal_nan=True)
    )
    return {"epoch": epoch, "monitor": next(same)}


def _set_best(estimator: KerasEstimator, stored: Any) -> None:
    if stored is None:
        return
    values = estimator.history_.get(stored["monitor"])
    if values is None:
        raise ValueError("its history lacks what its best epoch was chosen by")
    epoch = as_int(stored["epoch"], 0, most=len(values) - 1)
    if not isinstance(values[epoch], float):
        raise ValueError("its best epoch was chosen by more than one number")
    estimator.best_epoch_, estimator.best_score_ = epoch, values[epoch]


def _network_of(
    estimator: KerasEstimator, state: dict[str, list[np.ndarray]]
) -> OwnedNetwork:
    """Return the network, if the arrays are those of the one that the recipe makes."""
    recipe = estimator._recipe()
    if _n_layers(estimator) > len(state["network"]):
        raise ValueError("it has more layers than arrays")
    # A file that describes a network larger than its arrays is refused before any of
    # it is made.
    check_arrays(recipe.array_kinds(), state)
    return OwnedNetwork(recipe, state)


def _n_layers(estimator: KerasEstimator) -> int:
    """Return the number of layers whose sizes the parameters give."""
    names = ["filters", "hidden_size"] if _takes_images(estimator) else ["hidden_size"]
    given, owner = estimator._fit_params, type(estimator).__name__
    sized = sum(len(per_layer(name, given[name], owner)) for name in names)
    return sized + len(augmentation_configs(given.get("augmentation"), owner) or ())


def _targets_to_json(estimator: KerasEstimator) -> Any:
    encoder = estimator.target_encoder_
    if hasattr(encoder, "classes_"):
        try:
            labels = labels_to_json(encoder.classes_)
        except UnsavableError as err:
            raise UnsavableError(f"save can't write the classes of y: {err}") from err
        return {"labels": labels, "matrix": encoder.is_matrix}
    return {"columns": encoder.n_units, "dimensions": encoder.ndim_}


def _set_targets(estimator: KerasEstimator, stored: dict[str, Any]) -> None:
    y: np.ndarray
    if is_classifier(estimator):
        labels = labels_from_json(stored["labels"])
        known = np.arange(len(labels)) if stored["matrix"] else np.unique(labels)
        if not np.array_equal(labels, known):
            raise ValueError("its labels are not those of a fit")
        # The labels of a matrix are the numbers of its columns.
        y = np.eye(2, len(labels), dtype=int) if stored["matrix"] else labels
    else:
        y = numbers_of(stored)
    estimator.target_encoder_ = estimator.target_encoder.fit(y)
    estimator.__dict__.update(estimator.target_encoder_.get_metadata())


def _takes_images(estimator: KerasEstimator) -> TypeGuard[TakesImages]:
    """Tell whether its network takes images, as those with convolutions do."""
    return isinstance(estimator, TakesImages)


def _scale_to_json(estimator: Any) -> dict[str, Any]:
    seen = getattr(estimator, "value_range_", None)  # not of an older file
    return {"rescaling": estimator.rescaling_, "value_range": seen and list(seen)}


def _set_scale(estimator: Any, stored: dict[str, Any]) -> None:
    # Files of before there was any have neither.
    given, seen = stored.get("rescaling"), stored.get("value_range")
    estimator.rescaling_ = None if given is None else as_factor(given)
    if given is not None and estimator.rescaling_ is None:
        raise ValueError("its rescaling is no number, or 0")
    if seen is not None:
        low, high = (
            None if isinstance(each, bool) else as_finite_float(each)
            for each in list(seen)
        )
        if low is None or high is None or low > high:
            raise ValueError("its value range is no pair of numbers, the smaller first")
        estimator.value_range_ = low, high


def _set_features(estimator: KerasEstimator, stored: dict[str, Any]) -> None:
    set_features(estimator, stored)
    _set_scale(estimator, stored)
    if _takes_images(estimator):
        shape = tuple(as_int(side, 1) for side in stored["image_shape"])
        if len(shape) != 3 or math.prod(shape) != estimator.n_features_in_:
            raise ValueError("its image shape is not that of its features")
        estimator.image_shape_ = shape
