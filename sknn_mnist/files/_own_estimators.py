"""Estimators of networks that the user's own functions make, as JSON and again.

A network of Keras's own layers is made again by its config. Of any other a file has the
arrays, and what the function was called with: `load` must be given the function.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import keras

from sknn_mnist._parameters import PRECISIONS
from sknn_mnist.engine._owned_network import OwnedNetwork
from sknn_mnist.estimators._functions import maker_of
from sknn_mnist.estimators._own_part import OwnPart
from sknn_mnist.files._checks import State, check_arrays
from sknn_mnist.files._network_configs import (
    REFUSED_LAYERS,
    RefusedNetworkError,
    check_config,
    config_from_json,
    config_to_json,
)
from sknn_mnist.files._network_sizes import check_network_size
from sknn_mnist.files._own_data import (
    inputs_to_json,
    own_targets_to_json,
    rows_from_json,
    rows_to_json,
    set_inputs,
    set_own_targets,
)
from sknn_mnist.files._saved_functions import SavedFunction, function_to_json
from sknn_mnist.files._saved_parameters import (
    parameter_from_json,
    parameters_from_json,
    parameters_to_json,
)
from sknn_mnist.files._values import UnsavableError, value_to_json
from sknn_mnist.networks._compile_settings import SETTINGS, Compiled
from sknn_mnist.networks._heads import heads_of
from sknn_mnist.networks._input_specs import declared_inputs, taken_spec
from sknn_mnist.networks._keras_own import is_own
from sknn_mnist.networks._keras_private import FUNCTIONAL
from sknn_mnist.networks._model_changes import layers_of
from sknn_mnist.networks._own_networks import made_from_config
from sknn_mnist.networks._recipes import NetworkRecipe, array_kinds_of

__all__ = ["own_estimator_of", "own_network_of", "own_to_json"]

# What a network is compiled with, as far as it matters to training.
_COMPILED = ("optimizer", "learning_rate", "loss", "metrics", *SETTINGS)

# Code, even where Keras has it.
_ENCODERS = ("feature_encoder", "target_encoder")


def own_to_json(estimator: OwnPart) -> dict[str, Any]:
    """Return what a file tells of such an estimator alone.

    Parameters
    ----------
    estimator : KerasClassifier or KerasRegressor
        Fitted.

    Raises
    ------
    UnsavableError
        When a parameter is code, or the function is another than that of the fit.
    """
    owner = type(estimator).__name__
    for name in _ENCODERS:
        if vars(estimator)[name] is not None:
            raise UnsavableError(
                f"save can't write {name}={vars(estimator)[name]!r} of {owner}: the "
                "file holds no code. Use joblib.dump."
            )
    if estimator._has_changed("model"):
        raise UnsavableError(
            f"save can't write this {owner}: its model is another than in fit. Fit it "
            "again, or save it before set_params(model=...)."
        )
    model = estimator._fit_params["model"]
    maker = maker_of(model)
    return {
        "parameters": parameters_to_json(owner, _parameters(estimator)),
        "fitted_with": parameters_to_json(owner, _parameters_of_fit(estimator)),
        "function": {"name": str(model.name), "keywords": [], "takes_any": False}
        if maker is None
        else function_to_json(maker),
        "network": {
            "taken": rows_to_json(estimator),
            **_network_to_json(estimator),
        },
        "inputs": inputs_to_json(estimator),
        "targets": own_targets_to_json(estimator),
    }


def own_estimator_of(
    kind: type[OwnPart], about: Mapping[str, Any], model: Any
) -> tuple[OwnPart, dict[str, Any]]:
    """Return the estimator that `own_to_json` told of, without its network.

    Parameters
    ----------
    kind : type
        Its class.
    about : Mapping
        What the file tells.
    model : callable, keras.Model or None
        The function that makes the network; None for none.

    Returns
    -------
    estimator : KerasClassifier or KerasRegressor
        With the parameters of its fit.
    parameters : dict of str to object
        Attributes: what was set for the next fit, when the network is made.
    """
    if model is None:
        model = SavedFunction.from_json(about["function"])
    fitted, now = (
        _constructed(kind, model, parameters_from_json(about[part]))
        for part in ("fitted_with", "parameters")
    )
    fitted._remember_parameters()
    set_inputs(fitted, about["inputs"])
    fitted.feature_encoder_ = fitted.feature_encoder
    set_own_targets(fitted, about["targets"])
    return fitted, dict(vars(now))


def own_network_of(
    estimator: OwnPart, stored: Mapping[str, Any], state: State, given: bool
) -> OwnedNetwork:
    """Return the network, if the arrays are those of the one that is made.

    Parameters
    ----------
    estimator : KerasClassifier or KerasRegressor
        From `own_estimator_of`, with its seed. It gets the attributes that come with
        the network.
    stored : Mapping
        What the file tells of the network.
    state : dict
        Its arrays.
    given : bool
        Whether the estimator has a function that makes the network.
    """
    if "config" in stored:
        return OwnedNetwork(_described(estimator, stored, state), state)
    return OwnedNetwork(_made(estimator, stored, state, given), state)


def _constructed(kind: type[OwnPart], model: Any, given: dict[str, Any]) -> OwnPart:
    if any(given.get(name) is not None for name in _ENCODERS):
        raise ValueError("a file has no encoders")
    estimator: OwnPart = kind(model=model, **given)  # type: ignore[call-arg]
    estimator._check_parameters()
    return estimator


def _parameters(estimator: OwnPart) -> dict[str, Any]:
    """Return the parameters that are set, but for the function."""
    return {
        **{
            name: value
            for name, value in estimator._own_parameters()
            if name != "model"
        },
        **estimator._given,
    }


def _parameters_of_fit(estimator: OwnPart) -> dict[str, Any]:
    now = _parameters(estimator)
    found = {}
    for name, value in estimator._fit_params.items():
        # Fits remember no callbacks, whose arguments these are.
        if name == "model" or name.startswith("callbacks__"):
            continue
        if estimator._has_changed(name):
            found[name] = value
        elif name in now:  # else it is a default of the function
            found[name] = now[name]
    return found


# -- the network ----------------------------------------------------------------------


def _network_to_json(estimator: OwnPart) -> dict[str, Any]:
    recipe = estimator._network.recipe
    if recipe.builder is not made_from_config or recipe.compile_options is None:
        return {"needs": _code_in(estimator.model_)}
    kind, config = recipe.options["kind"], recipe.options["config"]
    try:
        stored = config_to_json(config)
        check_config(config_from_json(stored))
        recipe.array_kinds(check_network_size)
    except RefusedNetworkError as err:
        return {"needs": f"its network has {err.what}, which a file can't hold"}
    except ValueError as err:
        return {"needs": f"a file can't hold its network ({err})"}
    compiled = estimator._compiled
    try:
        return {
            "kind": kind,
            "config": stored,
            "dtype": recipe.options["dtype"],
            "compile": _settings_to_json(recipe.compile_options),
            "compiled": None if compiled is None else _compiled_to_json(compiled),
        }
    except (UnsavableError, ValueError) as err:
        return {"needs": f"it is compiled with code of your own: {err}"}


def _compiled_to_json(compiled: Compiled) -> dict[str, Any]:
    return {
        "settings": _settings_to_json(compiled.settings),
        "is_copied": compiled.is_copied,
    }


def _settings_to_json(settings: Mapping[str, Any]) -> dict[str, Any]:
    found = {}
    for name in _COMPILED:
        if name in settings:
            try:
                found[name] = value_to_json(settings[name])
                parameter_from_json(name, found[name])
            except (UnsavableError, ValueError) as err:
                raise UnsavableError(f"{name}, where {err}") from err
    return found


def _settings_from_json(stored: Mapping[str, Any]) -> dict[str, Any]:
    unknown = set(stored) - set(_COMPILED)
    if unknown:
        raise ValueError(f"it is compiled with {sorted(unknown)}")
    return {name: parameter_from_json(name, value) for name, value in stored.items()}


def _code_in(network: keras.Model) -> str:
    """Return half a sentence on what of a network is not Keras's own."""
    if type(network) not in (keras.Sequential, FUNCTIONAL):
        return f"its network is of a class of your own ({type(network).__name__})"
    layers = {
        f"{each.name!r} ({type(each).__name__})": each for each in layers_of(network)
    }
    own = [
        name
        for name, each in layers.items()
        if not is_own(type(each)) and type(each) is not FUNCTIONAL
    ]
    if own:
        return f"its network has layers of your own ({', '.join(own[:5])})"
    refused = [
        name for name, each in layers.items() if type(each).__name__ in REFUSED_LAYERS
    ]
    if refused:
        return (
            "its network has layers that run code or read files "
            f"({', '.join(refused[:5])})"
        )
    return "its network has code or settings of your own that no config tells of"


def _described(
    estimator: OwnPart, stored: Mapping[str, Any], state: State
) -> NetworkRecipe:
    """Return the recipe of a network of Keras's own layers, all of it judged."""
    config = config_from_json(stored["config"])
    check_config(config)
    if stored["kind"] not in ("Sequential", "Functional"):
        raise ValueError(f"it has a network of the kind {stored['kind']!r}")
    if stored["dtype"] not in PRECISIONS:
        raise ValueError(f"it has a network of the dtype {stored['dtype']!r}")
    compiled = stored["compiled"]
    estimator._compiled = None
    if compiled is not None:
        settings = _settings_from_json(compiled["settings"])
        estimator._compiled = Compiled(settings, compiled["is_copied"] is True)
    settings = _settings_from_json(stored["compile"])
    owner = type(estimator).__name__
    recipe = NetworkRecipe(
        made_from_config,
        {"kind": stored["kind"], "config": config, "dtype": stored["dtype"]},
        settings,
        owner=owner,
        seed=estimator._seed,
        logits=True,
    )
    rows, specs = rows_from_json(stored["taken"]), []

    def judge(network: keras.Model) -> None:
        check_network_size(network)
        spec = taken_spec(rows, declared_inputs(network), owner)
        estimator._heads = heads_of(network, spec)
        specs.append(spec)

    check_arrays(recipe.array_kinds(judge), state)
    estimator._settle(settings["loss"])
    return replace(recipe, input_spec=specs[0])


def _made(
    estimator: OwnPart, stored: Mapping[str, Any], state: State, given: bool
) -> NetworkRecipe:
    """Return the recipe of a network that the user's own function makes."""
    if not given:
        needs = stored["needs"]
        raise ValueError(
            f"{needs if isinstance(needs, str) else 'it has code'}: give load the "
            "function that makes it, model=..."
        )
    recipe = estimator._recipe_for(rows_from_json(stored["taken"]), None)
    if recipe.compile_options is None or recipe.builder is not made_from_config:
        kinds = array_kinds_of(recipe.new_network())
    else:
        kinds = recipe.array_kinds()
    check_arrays(kinds, state)
    return recipe
