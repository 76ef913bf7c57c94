"""Keras objects copied and told apart with all that they hold.

Keras and SciKeras copy a loss, a metric or an optimizer through its `get_config`, which
leaves things out: a Huber's delta, a cosine similarity's axis, an AdamW's exclusions,
whatever a class of the user's own does not list. Here an object of Keras's own is
described by arguments that are tried: what they make must hold what the object holds.
Everything else is code of the user's own, copied with the attributes that it has.
"""

from __future__ import annotations

import copy
import inspect
import re
from collections.abc import Collection, Mapping
from typing import Any, TypeAlias

import numpy as np

from sknn_mnist.networks._keras_own import is_own, name_of_own

# isort: split
import keras

from sknn_mnist._keras_private import (
    VARIABLES,
    arguments_in_function,
    config_of_optimizer,
    exclude_from_weight_decay,
    rate_of_optimizer,
)

__all__ = [
    "EXCLUDED",
    "KINDS",
    "Arguments",
    "NotOwnError",
    "arguments_of",
    "copy_of",
    "fingerprint",
    "made_from",
    "mend_pickling",
    "same",
]

Schedule = keras.optimizers.schedules.LearningRateSchedule

# Of these, arguments tell what they are.
KINDS = (
    keras.optimizers.Optimizer,
    Schedule,
    keras.losses.Loss,
    keras.metrics.Metric,
    keras.regularizers.Regularizer,
    keras.constraints.Constraint,
)

# An argument that no optimizer's constructor takes: names given to the method.
EXCLUDED = "exclude_from_weight_decay"

Arguments: TypeAlias = dict[str, Any]

# What may go wrong when an object is made again from its config.
_CONFIG_ERRORS = (TypeError, ValueError, NotImplementedError, AttributeError, KeyError)


class NotOwnError(Exception):
    """What a value computes can't be told from its name and arguments."""


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
    return arguments if _holds_same(value, again) else None


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
    config = _config_with_objects(value)
    config.update({**_functions_of(value, config), **changes})
    if any(map(_is_no_config, config.values())) and is_own(type(value)):
        made = type(value)(**config)  # `from_config` takes configs alone
    else:
        made = type(value).from_config(config)
    if isinstance(value, keras.optimizers.Optimizer):
        exclude_from_weight_decay(made, like=value)
    _take_attributes(made, value, but=changes)
    return made


def same(one: Any, other: Any) -> bool:
    """Tell whether two parameters mean the same: objects by all that they hold."""
    if one is other:
        return True
    if isinstance(one, tuple | list) and isinstance(other, tuple | list):
        return (
            type(one) is type(other)
            and len(one) == len(other)
            and all(map(same, one, other))
        )
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(
            same(one[name], other[name]) for name in one
        )
    if isinstance(one, KINDS) or isinstance(other, KINDS):
        # Keras numbers the names of optimizers and metrics.
        return type(one) is type(other) and _holds_same(one, other, names=False)
    try:
        return bool(one == other)
    except ValueError:  # of arrays, or of what holds some
        return bool(np.array_equal(one, other))


def fingerprint(value: Any) -> Any:
    """Return something hashable that is equal only for values that mean the same.

    Parameters
    ----------
    value : object
        Plain values, and classes, functions and objects of Keras's own.

    Raises
    ------
    NotOwnError
        For anything else: it may change.
    """
    if value is None or isinstance(value, str | bool | int | float):
        return type(value).__name__, value
    if isinstance(value, np.generic):
        return fingerprint(value.item())
    if isinstance(value, list | tuple):
        return tuple(fingerprint(each) for each in value)
    if keras.ops.is_tensor(value):
        value = keras.ops.convert_to_numpy(value)
    if isinstance(value, np.ndarray):
        return "array", value.dtype.str, value.shape, value.tobytes()
    if isinstance(value, Mapping):
        # Keras's config of an object holds no more than its name, which may stand for
        # something else by the time that it is made.
        if "class_name" in value:
            _check_names_own(value)
        return tuple(
            (str(name), fingerprint(each)) for name, each in sorted(value.items())
        )
    name = name_of_own(value)
    if name is not None:
        return name
    arguments = arguments_of(value)
    if arguments is None:
        raise NotOwnError(value)
    return fingerprint(type(value)), fingerprint(arguments)


def mend_pickling() -> None:
    """Let `copy.deepcopy` and pickles of losses, metrics and optimizers keep all.

    SciKeras replaces how Keras pickles these by their configs, on import and for the
    whole process, so that ``sklearn.base.clone`` of ``Huber(0.1)`` gives a ``Huber()``.
    """
    for kind in (keras.losses.Loss, keras.metrics.Metric, keras.optimizers.Optimizer):
        kind.__reduce__ = _reduce


# -- arguments --------------------------------------------------------------------


def _arguments(value: Any) -> Arguments:
    config = _config_with_objects(value)
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
    """Return the functions that a config has by names, which need not be their own."""
    held = {name: vars(value).get(name, vars(value).get(f"_{name}")) for name in config}
    return {name: each for name, each in held.items() if inspect.isroutine(each)}


def _is_no_config(value: Any) -> bool:
    return isinstance(value, KINDS) or inspect.isroutine(value)


def _config_with_objects(value: Any) -> Arguments:
    """Return the config, with schedules and inner optimizers as they are."""
    if not isinstance(value, keras.optimizers.Optimizer):
        return _untracked(value.get_config())
    config = _untracked(config_of_optimizer(value))
    rate = rate_of_optimizer(value)
    if callable(rate):
        config["learning_rate"] = rate
    inner = getattr(value, "inner_optimizer", None)
    if inner is not None:
        config["inner_optimizer"] = inner
    return config


def _untracked(value: Any) -> Any:
    """Return tensors, and Keras's lists and dicts, which know their owner, as plain."""
    for kind in (dict, list, set):
        if isinstance(value, kind) and type(value).__module__.startswith("keras."):
            value = kind(value)
    if keras.ops.is_tensor(value):
        return keras.ops.convert_to_numpy(value).tolist()
    if type(value) is dict:
        return {name: _untracked(each) for name, each in value.items()}
    if type(value) in (list, tuple, set):
        return type(value)(_untracked(each) for each in value)
    return value


def _check_names_own(config: Mapping[Any, Any]) -> None:
    name, module = config.get("class_name"), config.get("module")
    if name in ("function", "__tuple__", "__numpy__", "__tensor__", "DTypePolicy"):
        if name == "function":
            raise NotOwnError(config)
        return
    found = None
    if isinstance(module, str) and isinstance(name, str):
        namespace: Any = keras
        for part in module.removeprefix("keras").split("."):
            namespace = getattr(namespace, part, None) if part else namespace
        found = getattr(namespace, name, None)
    if not is_own(found):
        raise NotOwnError(config)


# -- what an object holds ---------------------------------------------------------


def _holds_same(one: Any, other: Any, names: bool = True) -> bool:
    """Tell whether two objects of a class hold the same plain values.

    Variables are state; and what belongs to Keras's own bookkeeping comes with the
    class.
    """
    if isinstance(one, keras.optimizers.Optimizer) and not (
        _is_same(rate_of_optimizer(one), rate_of_optimizer(other))
        and _excluded(one) == _excluded(other)
    ):
        return False
    held, others = (
        {
            name: value
            for name, value in vars(each).items()
            if not _is_bookkeeping(name)
            and (names or name != "name")
            and not _holds_variables_alone(value)
        }
        for each in (one, other)
    )
    return held.keys() == others.keys() and all(
        _is_same(value, others[name]) for name, value in held.items()
    )


def _excluded(optimizer: keras.optimizers.Optimizer) -> Any:
    try:
        return exclude_from_weight_decay(None, like=optimizer)
    except ValueError:
        return optimizer  # like no other


def _holds_variables_alone(value: Any) -> bool:
    """Tell whether a value is state, which an optimizer gets when it is built."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        return all(map(_holds_variables_alone, value))
    return isinstance(value, VARIABLES)


def _is_bookkeeping(name: str) -> bool:
    """Tell whether an attribute is TensorFlow's, or comes with use: nobody chose it."""
    return name in _BUILT_BY_USE or name.startswith("_self_")


_BUILT_BY_USE = (
    *("built", "_built", "_trainable_variables", "_trainable_variables_indices"),
    *("_exclude_from_weight_decay_cache", "_exclude_from_weight_decay"),
    *("_exclude_from_weight_decay_pattern", "_variables", "_metrics", "_lock"),
    *("_iterations", "_var_to_optimizer_idx", "_tracker", "_mesh"),
)


def _is_same(one: Any, other: Any) -> bool:
    if one is other:
        return True
    if inspect.ismethod(one) and inspect.ismethod(other):
        return one.__func__ is other.__func__
    if type(one) is not type(other):
        return False
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(_is_same, one, other))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(
            _is_same(value, other[name]) for name, value in one.items()
        )
    if keras.ops.is_tensor(one):
        one, other = map(keras.ops.convert_to_numpy, (one, other))
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and np.array_equal(one, other)
    if isinstance(one, float) and one != one:
        return other != other
    if isinstance(one, KINDS):
        return _holds_same(one, other)
    if isinstance(one, str | bool | int | float | bytes | set | frozenset | re.Pattern):
        return one == other
    if isinstance(one, keras.DTypePolicy):
        return (one.compute_dtype, one.variable_dtype) == (
            other.compute_dtype,
            other.variable_dtype,
        )
    try:
        return bool(one == other)
    except (ValueError, TypeError):
        return False


def _with_attributes_of(value: Any) -> Any:
    made = object.__new__(type(value))
    vars(made).update({name: _plain_copy(each) for name, each in vars(value).items()})
    return made


def _take_attributes(made: Any, value: Any, but: Collection[str] = ()) -> None:
    """Give `made` the plain attributes that the user's own class left out."""
    for name, each in vars(value).items():
        if _is_bookkeeping(name) or name.lstrip("_") in but or not _is_plain(each):
            continue
        if name not in vars(made) or not _is_same(each, vars(made)[name]):
            setattr(made, name, _plain_copy(each))


def _is_plain(value: Any) -> bool:
    """Tell whether a value holds no variable, and nothing that does."""
    if isinstance(value, Mapping):
        return all(map(_is_plain, value.values()))
    if isinstance(value, list | tuple | set | frozenset):
        return all(map(_is_plain, value))
    return (
        value is None
        or isinstance(value, str | bool | int | float | bytes | np.generic | np.ndarray)
        or inspect.isfunction(value)
    )


def _plain_copy(value: Any) -> Any:
    """Return a copy of containers and arrays; what else they hold is shared."""
    value = _untracked(value)
    if isinstance(value, dict):
        return {name: _plain_copy(each) for name, each in value.items()}
    if type(value) in (list, tuple, set, frozenset):
        return type(value)(_plain_copy(each) for each in value)
    return value.copy() if isinstance(value, np.ndarray) else value


# -- pickling ---------------------------------------------------------------------


def _reduce(value: Any) -> Any:
    arguments = arguments_of(value)
    if arguments is not None:
        return _made_by_name, (name_of_own(type(value)), arguments)
    if isinstance(value, keras.losses.Loss):
        return _from_attributes, (type(value), dict(vars(value)))
    # Of the user's own, by config, with what is plain of the rest.
    config = _config_with_objects(value)
    rest = {
        name: _untracked(each)
        for name, each in vars(value).items()
        if not _is_bookkeeping(name) and _is_plain(each)
    }
    return _from_config, (type(value), config, rest)


def _made_by_name(name: str, arguments: Arguments) -> Any:
    module, _, ending = name.rpartition(".")
    namespace: Any = keras
    for part in module.split(".")[1:]:
        namespace = getattr(namespace, part)
    return made_from(getattr(namespace, ending), arguments)


def _from_attributes(kind: type, attributes: dict[str, Any]) -> Any:
    made: Any = object.__new__(kind)
    vars(made).update(attributes)
    return made


def _from_config(kind: Any, config: Arguments, rest: dict[str, Any]) -> Any:
    made = kind.from_config(config)
    for name, value in rest.items():
        setattr(made, name, value)
    return made
