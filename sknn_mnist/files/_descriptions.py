"""A fitted estimator as JSON and arrays, and again as an estimator.

The network is built again by this package's builders: no layer comes from a file.
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
from sknn_mnist._parameters import per_layer
from sknn_mnist._version import __version__
from sknn_mnist.engine._owned_network import OwnedNetwork
from sknn_mnist.estimators._base import KerasEstimator
from sknn_mnist.estimators._images import TakesImages
from sknn_mnist.files._sizes import check_size
from sknn_mnist.files._values import (
    UnsavableError,
    check_callbacks,
    check_configs,
    labels_from_json,
    labels_to_json,
    value_from_json,
    value_to_json,
)

__all__ = ["CLASSES", "FORMAT", "description_of", "estimator_of"]

FORMAT = 1
CLASSES = {name: getattr(estimators, name) for name in estimators.__all__}
# Packages whose versions a file tells, by the names of their modules: distributions go
# by several (tensorflow-cpu).
PACKAGES = {
    "keras": "keras",
    "tensorflow": "tensorflow",
    "scikit-learn": "sklearn",
    "numpy": "numpy",
}
# What belongs to this machine or process: not written, and None when read.
LEFT_OUT = {"memory"}


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
        When a parameter or the labels are code of the user's own.
    """
    state = estimator._network.state
    assert state is not None  # fitted
    arrays = {
        f"{part}/{number}": np.asarray(value, order="C")
        for part, values in state.items()
        for number, value in enumerate(values)
    }
    for number, values in enumerate(estimator.history_.values()):
        arrays[f"history/{number}"] = np.asarray(values, dtype=np.float64)
    about = {
        "format": FORMAT,
        "estimator": type(estimator).__name__,
        "parameters": _parameters_to_json(estimator, estimator.get_params(deep=False)),
        "fitted_with": _parameters_to_json(estimator, estimator._fit_params),
        "targets": _targets_to_json(estimator),
        "features": {
            "number": int(estimator.n_features_in_),
            "names": getattr(estimator, "feature_names_in_", np.array([])).tolist(),
            "image_shape": estimator.image_shape_ if _takes_images(estimator) else None,
        },
        "seed": estimator._seed,
        "initial_epoch": int(estimator.initial_epoch_),
        "history": list(estimator.history_),
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
    about: dict[str, Any], arrays: dict[str, np.ndarray]
) -> KerasEstimator:
    """Return the estimator that `description_of` described.

    Anything amiss raises ValueError, or whatever Keras raises when it is given what it
    does not expect.
    """
    kind = CLASSES.get(about["estimator"])
    if kind is None:
        raise ValueError(f"it holds a {about['estimator']!r}, not one of {[*CLASSES]}")
    estimator = kind(**_parameters(kind, about["parameters"]))
    estimator._check_parameters()
    fit_params = _parameters(kind, about["fitted_with"])
    kind(**fit_params)._check_parameters()
    estimator._fit_params = fit_params
    _set_features(estimator, about["features"])
    _set_targets(estimator, about["targets"])
    # It has no state but its shape, and its `fit` would want samples.
    estimator.feature_encoder_ = estimator.feature_encoder
    estimator._seed = _int(about["seed"], 0, most=2**31 - 1)
    estimator.callbacks_ = []
    estimator.history_ = _history(about["history"], arrays)
    n_epochs = len(estimator.history_["loss"])
    estimator.initial_epoch_ = _int(about["initial_epoch"], 0, most=n_epochs)
    state = {
        part: [arrays[f"{part}/{number}"] for number in range(_int(length, 0))]
        for part, length in about["state"].items()
    }
    estimator._network = _network_of(estimator, state)
    return estimator


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


def _network_of(
    estimator: KerasEstimator, state: dict[str, list[np.ndarray]]
) -> OwnedNetwork:
    """Return the network, if the arrays are those of the one that the recipe makes."""
    recipe = estimator._recipe()
    if _n_layers(estimator) > len(state["network"]):
        raise ValueError("it has more layers than arrays")
    # A file that describes a network larger than its arrays is refused before any of
    # it is made.
    expected = recipe.array_kinds()
    for part, kinds in expected.items():
        if part == "optimizer" and part not in state:
            continue  # the holder of `model_` had compiled it anew
        found = [(each.shape, each.dtype.name) for each in state[part]]
        if found != kinds:
            raise ValueError(f"its arrays are not those of its {part}")
    if set(state) - set(expected):
        raise ValueError("it has unexpected arrays")
    loaded = OwnedNetwork(recipe, state)
    if not loaded.is_finite():
        raise ValueError("its weights are not finite")
    return loaded


def _n_layers(estimator: KerasEstimator) -> int:
    """Return the number of layers whose sizes the parameters give."""
    names = ["filters", "hidden_size"] if _takes_images(estimator) else ["hidden_size"]
    given, owner = estimator._fit_params, type(estimator).__name__
    return sum(len(per_layer(name, given[name], owner)) for name in names)


def _parameters_to_json(estimator: KerasEstimator, given: dict[str, Any]) -> Any:
    owner = type(estimator).__name__
    stored = {}
    for name, value in given.items():
        if name in LEFT_OUT:
            continue
        try:
            stored[name] = value_to_json(value)
            _check_parameter(name, stored[name])
        except (UnsavableError, ValueError) as err:
            raise UnsavableError(
                f"save can't write {name}={value!r} of {owner}: the file holds no code "
                f"({err}). Give it by name or config where Keras has it, or use "
                "joblib.dump."
            ) from err
    return {"dict": [[name, stored[name]] for name in stored]}


def _check_parameter(name: str, stored: Any) -> Any:
    """Return a parameter from its JSON, if it is one that a file may have."""
    check_size(name, stored)
    value = value_from_json(stored)
    check_configs(value)
    if name == "callbacks":
        check_callbacks(value)
    return value


def _parameters(kind: type[KerasEstimator], stored: Any) -> dict[str, Any]:
    given = {name: _check_parameter(name, value) for name, value in stored["dict"]}
    known = kind().get_params(deep=False)
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise ValueError(f"{kind.__name__} has no parameters {unknown}")
    return {name: value for name, value in given.items() if name not in LEFT_OUT}


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
        columns = _int(stored["columns"], 1)
        several = _int(stored["dimensions"], 1, most=2) == 2
        if columns > 1 and not several:
            raise ValueError("its targets are one number and several at once")
        y = np.empty((0, columns) if several else 0)  # which takes no memory
    estimator.target_encoder_ = estimator.target_encoder.fit(y)
    estimator.__dict__.update(estimator.target_encoder_.get_metadata())


def _takes_images(estimator: KerasEstimator) -> TypeGuard[TakesImages]:
    """Tell whether its network takes images, as those with convolutions do."""
    return isinstance(estimator, TakesImages)


def _set_features(estimator: KerasEstimator, stored: dict[str, Any]) -> None:
    estimator.n_features_in_ = _int(stored["number"], 1)
    names = stored["names"]
    if names:
        if len(names) != estimator.n_features_in_ or not all(
            isinstance(each, str) for each in names
        ):
            raise ValueError("its feature names are not those of its features")
        estimator.feature_names_in_ = np.array(names, dtype=object)
    if _takes_images(estimator):
        shape = tuple(_int(side, 1) for side in stored["image_shape"])
        if len(shape) != 3 or math.prod(shape) != estimator.n_features_in_:
            raise ValueError("its image shape is not that of its features")
        estimator.image_shape_ = shape


def _int(value: Any, least: int, most: float = math.inf) -> int:
    if (
        not isinstance(value, int)
        or isinstance(value, bool)
        or not least <= value <= most
    ):
        allowed = f"of {least} or more" if most == math.inf else f"of {least} to {most}"
        raise ValueError(f"{value!r} is not an int {allowed}")
    return value
