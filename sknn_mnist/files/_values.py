"""Parameters and labels as JSON that runs no code when it is read.

What Keras would import by name, when it is given a config, is allowed from Keras's own
optimizers, schedules, losses, metrics and activations alone, and a few callbacks.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from sknn_mnist.networks._keras_copies import EXCLUDED, arguments_of, made_from
from sknn_mnist.networks._keras_own import NAMESPACES as KERAS_NAMESPACES
from sknn_mnist.networks._keras_own import is_own, own_named

__all__ = [
    "UnsavableError",
    "check_callbacks",
    "check_configs",
    "label_dtype",
    "labels_from_json",
    "labels_to_json",
    "value_from_json",
    "value_to_json",
]

# Where names are looked up, and what a config may name.
NAMESPACES = {
    name: KERAS_NAMESPACES[name]
    for name in (
        *("keras.optimizers", "keras.optimizers.schedules", "keras.losses"),
        *("keras.metrics", "keras.activations", "keras.callbacks"),
    )
}
BASES = (
    keras.optimizers.Optimizer,
    keras.optimizers.schedules.LearningRateSchedule,
    keras.losses.Loss,
    keras.metrics.Metric,
)
# Those that write and read no files of their own and run no code of the user's.
CALLBACKS = {"EarlyStopping", "ReduceLROnPlateau", "TerminateOnNaN"}

# NumPy gives each label as many bytes as the longest has. The most of one label; and of
# all of them, the bytes always allowed, and those allowed per byte of their characters.
MOST_LABEL_BYTES = 2**16
MOST_LABELS_BYTES = 2**22
MOST_LABELS_RATIO = 16

_LABEL_DTYPE = re.compile(r"[<>|=]?(?:[biuf]\d{1,2}|[US]\d*|[mM]8(?:\[\w+\])?|O8?)")


class UnsavableError(TypeError):
    """A value that can't be written without code of the user's own."""


def value_to_json(value: Any) -> Any:
    """Return a parameter as what `json.dumps` takes.

    Parameters
    ----------
    value : object
        None, numbers, strings, tuples, lists, dicts and arrays of these; RandomState;
        objects, classes and functions of Keras's own.

    Returns
    -------
    object
        For `value_from_json`, which gives the same back; an array comes back as a
        list, and scalars of NumPy as Python's.

    Raises
    ------
    UnsavableError
        For anything else.
    """
    if isinstance(value, np.generic | np.ndarray):
        value = value.tolist()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list):
        return [value_to_json(each) for each in value]
    if isinstance(value, tuple):
        return {"tuple": [value_to_json(each) for each in value]}
    if isinstance(value, dict):
        pairs = [
            [value_to_json(name), value_to_json(each)] for name, each in value.items()
        ]
        return {"dict": pairs}
    if isinstance(value, np.random.RandomState):
        name, keys, *rest = value.get_state(legacy=True)
        return {"random_state": [name, np.asarray(keys).tolist(), *rest]}
    place = _place_of(value)
    if place is not None:
        return {"name": place}
    if isinstance(value, BASES):
        place = _place_of(type(value))
        if place is not None:
            arguments = arguments_of(value)
            if arguments is None:
                raise UnsavableError(f"{value!r} holds more than its arguments say")
            _check_excluded(arguments)
            return {"object": [place, value_to_json(arguments)]}
    raise UnsavableError(f"{value!r} {_why_not(value)}")


def value_from_json(stored: Any) -> Any:
    """Return what `value_to_json` was given; anything amiss raises ValueError."""
    if isinstance(stored, list):
        return [value_from_json(each) for each in stored]
    if not isinstance(stored, dict):
        return stored
    if len(stored) != 1:
        raise ValueError(f"{sorted(stored)} is not a value of one type")
    ((kind, content),) = stored.items()
    if kind not in _READERS:
        raise ValueError(f"unknown value type {kind!r}")
    try:
        value = _READERS[kind](content)
    except (TypeError, KeyError, IndexError, AttributeError) as err:
        raise ValueError(f"a {kind} can't be read: {err}") from err
    return value


def check_configs(value: Any) -> None:
    """Refuse configs that name anything but Keras's own, anywhere in a parameter.

    Parameters
    ----------
    value : object
        A parameter.

    Raises
    ------
    ValueError
        When Keras would import something else for it.
    """
    if isinstance(value, dict):
        if not {"class_name", "module", "registered_name"}.isdisjoint(value):
            _check_config(value)
        for each in value.values():
            check_configs(each)
    elif isinstance(value, list | tuple):
        for each in value:
            check_configs(each)


def check_callbacks(value: Any) -> None:
    """Refuse callbacks but the few that write nothing, call nobody and run no code.

    Parameters
    ----------
    value : object
        The parameter `callbacks`.

    Raises
    ------
    ValueError
        When it names another: by string, class or config, alone, in a list or a dict.
    """
    if value is None:
        return
    if isinstance(value, dict) and "class_name" not in value:
        value = list(value.values())
    if isinstance(value, list | tuple):
        for each in value:
            check_callbacks(each)
        return
    name = value.get("class_name") if isinstance(value, dict) else value
    if isinstance(name, type):
        name = name.__name__ if _place_of(name) else None
    if not isinstance(name, str) or name not in CALLBACKS:
        raise ValueError(
            f"the callbacks of a file are {', '.join(sorted(CALLBACKS))} alone, not "
            f"{name!r}"
        )


def labels_to_json(labels: np.ndarray) -> Any:
    """Return labels as what `json.dumps` takes.

    Parameters
    ----------
    labels : ndarray of shape (n_classes,)
        Strings, numbers, bools, bytes, dates or, as objects, strings and numbers.

    Returns
    -------
    object
        For `labels_from_json`.

    Raises
    ------
    UnsavableError
        For objects of another kind, and for labels too long.
    """
    kind = labels.dtype.kind
    if kind in "mM":
        values = labels.view("int64").tolist()
    elif kind == "S":
        values = [each.decode("latin-1") for each in labels.tolist()]
    else:
        values = labels.tolist()
    for each in values:
        if not isinstance(each, str | bool | int | float):
            raise UnsavableError(f"the label {each!r} is a {type(each).__name__}")
    stored = {"dtype": labels.dtype.str, "values": values}
    try:
        labels_from_json(stored)
    except ValueError as err:
        raise UnsavableError(str(err)) from err
    return stored


def labels_from_json(stored: Any) -> np.ndarray:
    """Return what `labels_to_json` was given; anything amiss raises ValueError.

    Strings get the room that the longest of them needs, whatever they had before.
    """
    try:
        name, values = stored["dtype"], stored["values"]
        dtype = label_dtype(name)
        if not isinstance(values, list):
            raise ValueError("the labels are not a list")
        if dtype.kind in "US":
            _check_lengths(values, np.dtype(f"{dtype.kind}1").itemsize)
            dtype = np.dtype(f"{dtype.byteorder}{dtype.kind}")
        if not all(isinstance(each, str | bool | int | float) for each in values):
            raise ValueError("labels must be strings, numbers or dates")
        if dtype.kind in "mM":
            return np.array(values, dtype="int64").view(dtype)
        if dtype.kind == "S":
            values = [each.encode("latin-1") for each in values]
        labels = np.array(values, dtype=dtype)
    except (TypeError, KeyError, AttributeError, OverflowError) as err:
        raise ValueError(f"the labels can't be read: {err}") from err
    if labels.ndim != 1:
        raise ValueError("the labels are not a list")
    return labels


def label_dtype(name: Any) -> np.dtype:
    """Return the dtype of labels or numbers that a file names, or raise ValueError."""
    if not isinstance(name, str) or not _LABEL_DTYPE.fullmatch(name):
        raise ValueError(f"{name!r} is not a dtype of labels")
    return np.dtype(name)


def _check_lengths(values: list[str], letter_bytes: int) -> None:
    if not all(isinstance(each, str) for each in values):
        raise ValueError("labels must be strings")
    lengths = [len(each) for each in values]
    longest = letter_bytes * max(lengths, default=0)
    if longest > MOST_LABEL_BYTES:
        raise ValueError(f"a label of {max(lengths):,} characters is too long")
    needed = longest * len(values)
    if needed > MOST_LABELS_BYTES + MOST_LABELS_RATIO * letter_bytes * sum(lengths):
        raise ValueError(
            f"{len(values):,} labels of up to {max(lengths):,} characters would take "
            f"{needed / 2**20:,.0f} MB, far more than all of their characters take"
        )


def _place_of(value: Any) -> str | None:
    """Return where a class or function of Keras's own is found; None for others."""
    name = getattr(value, "__name__", None)
    if not isinstance(name, str):
        return None
    for module, namespace in NAMESPACES.items():
        if getattr(namespace, name, None) is value and _may_be_made(module, name):
            return f"{module}.{name}"
    return None


def _why_not(value: Any) -> str:
    """Return why a value can't be written, for messages."""
    kind = value if isinstance(value, type) else type(value)
    if not (issubclass(kind, keras.callbacks.Callback) and is_own(kind)):
        return "is code of your own"
    if kind.__name__ in CALLBACKS:
        return "is an object; give its name, class or config"
    return f"is none of the callbacks that files hold, {', '.join(sorted(CALLBACKS))}"


def _found(place: Any) -> Any:
    module, _, name = str(place).rpartition(".")
    if module not in NAMESPACES or not _may_be_made(module, name):
        raise ValueError(f"{place!r} is not one of Keras's optimizers, losses and such")
    return own_named(place)


def _may_be_made(module: str, name: str) -> bool:
    if name.startswith("_") or not hasattr(NAMESPACES[module], name):
        return False
    if module == "keras.callbacks":
        return name in CALLBACKS
    found = getattr(NAMESPACES[module], name)
    if isinstance(found, type):
        return issubclass(found, BASES)
    # Not `get` and `deserialize`, which would make anything that a string names.
    return callable(found) and name not in {"get", "serialize", "deserialize"}


def _object(content: Any) -> Any:
    place, stored = content
    config = value_from_json(stored)
    kind = _found(place)
    if not (isinstance(kind, type) and issubclass(kind, BASES)):
        raise ValueError(f"{place!r} is not a class of Keras objects")
    check_configs(config)
    _check_excluded(config)
    return made_from(kind, config)


def _check_excluded(arguments: dict[str, Any]) -> None:
    # Keras takes names of variables for patterns, which could search for ever.
    names = arguments.get(EXCLUDED) or []
    if not isinstance(names, list) or not all(
        isinstance(each, str) and re.fullmatch(r"[\w/ -]+", each) for each in names
    ):
        raise UnsavableError(f"names excluded from weight decay can't be {names!r}")


def _dict(content: Any) -> dict[Any, Any]:
    pairs = [(value_from_json(name), value_from_json(each)) for name, each in content]
    value = dict(pairs)
    check_configs(value)
    return value


def _random_state(content: Any) -> np.random.RandomState:
    name, keys, place, has_normal, normal = content
    keys = np.asarray(keys, dtype=np.uint32)
    # NumPy would read beyond the state from a place that is not in it.
    if (
        name != "MT19937"
        or keys.shape != (624,)
        or not (isinstance(place, int) and 0 <= place <= 624)
        or has_normal not in (0, 1)
    ):
        raise ValueError("a random state is not a valid MT19937 state")
    state = np.random.RandomState()
    state.set_state((name, keys, place, int(has_normal), float(normal)))
    return state


_READERS: dict[str, Callable[[Any], Any]] = {
    "tuple": lambda content: tuple(value_from_json(each) for each in content),
    "dict": _dict,
    "random_state": _random_state,
    "name": _found,
    "object": _object,
}


def _check_config(config: dict[Any, Any]) -> None:
    module, name = config.get("module"), config.get("class_name")
    inner = config.get("config")
    registered = config.get("registered_name")
    if module in ("builtins", None) and name == "function":
        module, name = None, inner
    elif isinstance(registered, str) and registered not in ("", name):
        name = None  # of the user's own, by the name it was registered under
    modules = NAMESPACES if module is None else [module]
    if not isinstance(name, str) or not any(
        each in NAMESPACES and _may_be_made(each, name) for each in modules
    ):
        raise ValueError(
            "a config may name Keras's own optimizers, schedules, losses, metrics, "
            f"activations and harmless callbacks alone, not "
            f"{config.get('module')}.{config.get('class_name')}"
        )
