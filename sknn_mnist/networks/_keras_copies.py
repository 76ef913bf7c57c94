"""Keras objects copied with all that they hold.

Keras and SciKeras copy a loss, a metric or an optimizer through its `get_config`, which
leaves things out: a Huber's delta, a cosine similarity's axis, an AdamW's exclusions,
whatever a class of the user's own does not list. Here an object of Keras's own is
described by arguments that are tried: the object they make must hold the same.
Everything else is code of the user's own, copied with the attributes that it has.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Collection, Mapping
from typing import Any, TypeAlias

import keras

from sknn_mnist.networks._keras_contents import (
    KINDS,
    has_same_contents,
    is_plain,
    is_same_value,
    plain_copy,
    untracked,
)
from sknn_mnist.networks._keras_own import is_own
from sknn_mnist.networks._keras_private import (
    arguments_in_function,
    config_of_optimizer,
    exclude_from_weight_decay,
    is_bookkeeping,
    rate_of_optimizer,
)

__all__ = [
    "EXCLUDED",
    "Arguments",
    "arguments_of",
    "config_with_objects",
    "copy_of",
    "made_from",
]


# No argument of an optimizer's constructor, but the names given to this method.
EXCLUDED = "exclude_from_weight_decay"

Arguments: TypeAlias = dict[str, Any]

# What may go wrong when an object is made again from its config.
_CONFIG_ERRORS = (TypeError, ValueError, NotImplementedError, AttributeError, KeyError)


def arguments_of(value: Any) -> Arguments | None:
    """Return the arguments that make an object again, None where none do.

    Parameters
    ----------
    value : object
        An optimizer, schedule, loss, metric, regularizer or constraint.

    Returns
    -------
    dict of str to object or None
        For `made_from`; schedules and inner optimizers in it are objects. None for a
        class that is not Keras's own, and for an object that holds more than its
        arguments say.
    """
    if not isinstance(value, KINDS) or not is_own(type(value)):
        return None
    try:
        arguments = _arguments(value)
        again = made_from(type(value), arguments)
    except _CONFIG_ERRORS:
        return None
    return arguments if has_same_contents(value, again) else None


def made_from(kind: type, arguments: Mapping[str, Any]) -> Any:
    """Return a new object of Keras's own class `kind`.

    Parameters
    ----------
    kind : type
        The class.
    arguments : Mapping
        What `arguments_of` gave, or some of it.

    Returns
    -------
    object
        It shares no state with what the arguments came from.
    """
    given = {
        name: copy_of(value) if isinstance(value, KINDS) else copy.deepcopy(value)
        for name, value in arguments.items()
    }
    excluded = given.pop(EXCLUDED, None)
    if any(map(_is_no_config, given.values())):
        made = kind(**given)  # `from_config` takes configs alone
    else:
        made = kind.from_config(given)  # type: ignore[attr-defined]
    if excluded is not None:
        made.exclude_from_weight_decay(var_names=excluded)
    return made


def copy_of(value: Any, changes: Mapping[str, Any] | None = None) -> Any:
    """Return a copy of a Keras object with all that it holds, but for its state.

    Parameters
    ----------
    value : object
        An optimizer, schedule, loss, metric, regularizer or constraint, of Keras's own
        or the user's.
    changes : Mapping or None
        Arguments of an optimizer or metric to change.

    Returns
    -------
    object
        Of the same class. What an object of the user's own holds beside plain values
        (functions, models, variables) is shared with it.

    Raises
    ------
    TypeError, ValueError or NotImplementedError
        When an optimizer or metric can't be made again from its `get_config`.
    """
    changes = changes or {}
    arguments = arguments_of(value)
    if arguments is not None:
        return made_from(type(value), {**arguments, **changes})
    if not isinstance(value, keras.optimizers.Optimizer | keras.metrics.Metric):
        return _with_attributes_of(value)
    config = config_with_objects(value)
    config.update({**_functions_of(value, config), **changes})
    if any(map(_is_no_config, config.values())) and is_own(type(value)):
        made = type(value)(**config)  # `from_config` takes configs alone
    else:
        made = type(value).from_config(config)
    if isinstance(value, keras.optimizers.Optimizer):
        exclude_from_weight_decay(made, like=value)
    _take_attributes(made, value, but=changes)
    return made


def _arguments(value: Any) -> Arguments:
    config = config_with_objects(value)
    if isinstance(value, keras.optimizers.Optimizer):
        excluded = exclude_from_weight_decay(None, like=value)
        if excluded is not None:
            config[EXCLUDED] = excluded
        if any(isinstance(each, dict) for each in config.values()):
            raise ValueError("it holds objects, as configs that name them")
        return config
    takes = inspect.signature(type(value).__init__).parameters
    left_out = {
        name: each
        for name, each in arguments_in_function(value).items()
        if name in takes
    }
    if isinstance(value, keras.losses.Loss):
        left_out["dtype"] = value.dtype
    functions = _functions_of(value, config)
    for name, function in functions.items():
        if not is_own(function):
            raise ValueError(f"{name} is code of the user's own")
    return {**config, **left_out, **functions}


def _functions_of(value: Any, config: Mapping[str, Any]) -> Arguments:
    """Return the functions of which a config has but names, which others may bear."""
    held = {name: vars(value).get(name, vars(value).get(f"_{name}")) for name in config}
    return {name: each for name, each in held.items() if inspect.isroutine(each)}


def _is_no_config(value: Any) -> bool:
    return isinstance(value, KINDS) or inspect.isroutine(value)


def config_with_objects(value: Any) -> Arguments:
    """Return the config, with schedules and inner optimizers as they are."""
    if not isinstance(value, keras.optimizers.Optimizer):
        return untracked(value.get_config())
    config = untracked(config_of_optimizer(value))
    rate = rate_of_optimizer(value)
    if callable(rate):
        config["learning_rate"] = rate
    inner = getattr(value, "inner_optimizer", None)
    if inner is not None:
        config["inner_optimizer"] = inner
    return config


def _with_attributes_of(value: Any) -> Any:
    made = object.__new__(type(value))
    vars(made).update({name: plain_copy(each) for name, each in vars(value).items()})
    return made


def _take_attributes(made: Any, value: Any, but: Collection[str] = ()) -> None:
    """Give `made` the plain attributes that the user's own class left out."""
    for name, each in vars(value).items():
        if is_bookkeeping(name) or name.lstrip("_") in but or not is_plain(each):
            continue
        if name not in vars(made) or not is_same_value(each, vars(made)[name]):
            setattr(made, name, plain_copy(each))
