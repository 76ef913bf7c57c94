"""Callbacks as users give them in; a fit's own callbacks out.

A fit's copy of a callback has a state of its own as far as that is plain: numbers,
text, arrays, random generators, metrics, and lists, dicts, sets of such. Two fits never
share it. Whatever else a callback holds, such as a study, a run, a lock, a client, a
function or a network, is shared with it: what the copy reports must arrive there. A
callback's class may say otherwise, by `__sklearn_clone__` first of all: where that
gives the callback itself, it takes part in fits itself.
"""

from __future__ import annotations

import copy
import dataclasses
import datetime
import inspect
import pickle
import random
import re
import threading
import types
import warnings
from collections import deque
from collections.abc import Iterator
from enum import Enum
from functools import partial
from numbers import Number
from pathlib import PurePath
from typing import Any
from uuid import UUID

import keras
import numpy as np
from keras.callbacks import Callback
from sklearn.base import BaseEstimator, clone

from sknn_mnist._parameters import invalid, near_names

try:
    import cloudpickle
except ImportError:  # joblib before 1.6 has its own
    from joblib.externals import cloudpickle

__all__ = [
    "check_picklable",
    "copy_of_callbacks",
    "make_callbacks",
    "picklable",
    "release_network",
    "things_held",
]

# Copied as they are.
_PLAIN = (
    *(type(None), type(Ellipsis), Number, np.generic, str, bytes, bytearray),
    *(range, slice, PurePath, re.Pattern, Enum, UUID, datetime.tzinfo),
    *(datetime.date, datetime.time, datetime.timedelta),
    *(np.random.Generator, np.random.RandomState, np.random.SeedSequence),
    *(random.Random, keras.metrics.Metric),
)
# Copied with what is in them.
_CONTAINERS = (list, tuple, dict, set, frozenset, deque)
# Shared, whatever their class says of copies: others hold them as well.
_SHARED = (keras.layers.Layer, keras.Variable, np.memmap, BaseEstimator)
# It computes; a function may also report to what it refers to.
_CODE = (
    *(type, types.ModuleType, np.ufunc, partial),
    *(types.FunctionType, types.BuiltinFunctionType),
)


def make_callbacks(callbacks: Any, owner: str) -> list[Callback]:
    """Return a fit's own callbacks from one of them or a list.

    Two fits never share a callback's plain state; see the module.
    """
    made = []
    memo: dict[int, Any] = {}
    for callback in _flat(callbacks):
        try:
            if isinstance(callback, Callback):
                made.append(copy_of_callbacks(callback, memo))
            else:
                made.append(_new_callback(callback, owner, memo))
        except (TypeError, ValueError) as err:
            if isinstance(callback, Callback):
                allowed = f"callbacks that can be copied ({err})"
                raise invalid("callbacks", owner, allowed, callback) from err
            raise
    return made


def copy_of_callbacks(value: Any, memo: dict[int, Any] | None = None) -> Any:
    """Return a deep copy of callbacks that shares what is not their plain state.

    Parameters
    ----------
    value : object
        A callback, a list of them, or whatever a user gives for one.
    memo : dict, default=None
        As of `copy.deepcopy`; what is shared is added to it.

    Returns
    -------
    object
        Of a callback whose class has a `__sklearn_clone__`, `__deepcopy__` or
        `__copy__` of its own, what the first of them gives.
    """
    memo = {} if memo is None else memo
    copies: list[tuple[Any, Any]] = []
    for each in _reached(value, memo):
        if not isinstance(each, Callback):
            memo[id(each)] = each
        elif _has_own(each, "__sklearn_clone__"):
            memo[id(each)] = clone(each)
        elif _has_own(each, "__copy__"):
            memo[id(each)] = copy.copy(each)
        elif not isinstance(each, _CONTAINERS):
            # By its attributes, not by what it leaves of itself to pickle.
            memo[id(each)] = object.__new__(type(each))
            copies.append((each, memo[id(each)]))
    for original, copied in copies:
        for name, held in _slots(original):
            object.__setattr__(copied, name, copy.deepcopy(held, memo))
        for name, held in vars(original).items():
            vars(copied)[name] = copy.deepcopy(held, memo)
    return copy.deepcopy(value, memo)


def release_network(callbacks: list[Callback]) -> None:
    """Let go of the network that callbacks, and those within them, were set to.

    It would be kept alive and be pickled with them.
    """
    for each in _reached(callbacks, {}, into_all=True):
        if isinstance(each, Callback):
            # Not the callback's own method, which may open files.
            Callback.set_model(each, None)


def things_held(callbacks: Any) -> list[str]:
    """Return the classes of what callbacks hold and may report to.

    Not those of networks, nor of functions that only compute.
    """
    reached = _reached(callbacks, {}, into_all=True)
    schedules = [
        id(each.schedule)
        for each in reached
        if isinstance(each, keras.callbacks.LearningRateScheduler)
    ]
    found: dict[str, None] = {}
    for each in reached:
        if isinstance(each, _CODE):
            things = [] if id(each) in schedules else _things_of_code(each)
        elif isinstance(each, Callback | keras.layers.Layer):
            things = []
        else:
            things = [each]
        found.update(dict.fromkeys(type(thing).__name__ for thing in things))
    return list(found)


def check_picklable(callbacks: Any, owner: str) -> None:
    """Refuse to store or send callbacks that hold what can't be, in one sentence."""
    things = things_held(callbacks)
    if not things or _trial.runs:
        return
    try:
        # It takes all that pickle takes, and is what workers are sent with.
        with _trial:
            cloudpickle.dumps(callbacks)
    except Exception as err:
        raise invalid(
            "callbacks",
            owner,
            "ones that can be pickled, where the estimator is stored or sent to "
            f"another process, but these hold {', '.join(things)} ({err}); fit with "
            "n_jobs=1 or joblib's threading backend, where they are shared",
            callbacks,
        ) from err


def picklable(callbacks: list[Callback]) -> list[Callback]:
    """Return the callbacks of a past fit without those that can't be pickled.

    An estimator must not become unpicklable by what its fit left behind.
    """
    if _trial.runs:
        return callbacks
    kept = []
    for callback in callbacks:
        try:
            with _trial:
                pickle.dumps(callback)
        except Exception as err:
            warnings.warn(
                f"callbacks_ is stored without its {type(callback).__name__}, which "
                f"can't be pickled: {err}",
                stacklevel=4,
            )
        else:
            kept.append(callback)
    return kept


class _Trial(threading.local):
    """Whether pickling is being tried, by this thread.

    A callback may hold the estimator that tries it.
    """

    runs = False

    def __enter__(self) -> None:
        self.runs = True

    def __exit__(self, *_: object) -> None:
        self.runs = False


_trial = _Trial()


def _new_callback(callback: Any, owner: str, memo: dict[int, Any]) -> Callback:
    """Return a callback by its name, config or class."""
    name, config = callback, {}
    if isinstance(callback, dict) and "class_name" in callback:
        name, config = callback["class_name"], callback.get("config", {})
    found = getattr(keras.callbacks, name, None) if isinstance(name, str) else name
    if not inspect.isclass(found) or not issubclass(found, Callback):
        names = [each for each in vars(keras.callbacks) if not each.startswith("_")]
        names += [each.lower() for each in names]
        raise invalid(
            "callbacks",
            owner,
            "the name, config, class or object of a Keras callback"
            f"{near_names(callback, names)}",
            callback,
        )
    try:
        made: Callback = found(**copy_of_callbacks(config, memo))
    except (TypeError, ValueError) as err:
        raise invalid("callbacks", owner, f"Keras callbacks ({err})", callback) from err
    return made


def _flat(callbacks: Any) -> Iterator[Any]:
    """Yield the callbacks one by one, those of Keras's lists of callbacks too."""
    if type(callbacks) is keras.callbacks.CallbackList:
        callbacks = callbacks.callbacks
    if isinstance(callbacks, list | tuple):
        for each in callbacks:
            if type(each) is keras.callbacks.CallbackList:
                yield from _flat(each)
            else:
                yield each
    elif callbacks is not None:
        yield callbacks


def _reached(value: Any, known: dict[int, Any], into_all: bool = False) -> list[Any]:
    """Return the callbacks, and what they hold that is not plain, each once.

    Not what is `known`, by its `id`, nor objects whose class says how they are copied;
    such callbacks, too, with `into_all`.
    """
    found: list[Any] = []
    seen: set[int] = set()
    rest = [value]
    while rest:
        each = rest.pop()
        if id(each) in seen or id(each) in known:
            continue
        seen.add(id(each))
        kind = _kind_of(each, into_all)
        if kind in (_Kind.CALLBACK, _Kind.WHOLE):
            found.append(each)
        if kind in (_Kind.CALLBACK, _Kind.CONTAINER):
            rest += _within(each)
    return found


class _Kind(Enum):
    """What a value is to those who look for callbacks and what they hold."""

    # Found, and looked into.
    CALLBACK = "a callback that is copied by its attributes"
    # Found, and left shut.
    WHOLE = "shared, or a callback that its class copies"
    # Looked into.
    CONTAINER = "copied with what is in it"
    # Neither.
    PLAIN = "copied as it is, or by its class"


def _kind_of(value: Any, into_all: bool) -> _Kind:
    """Return what a value is; any callback is to be looked into with `into_all`."""
    if isinstance(value, _SHARED) or _is_backend_variable(value):
        return _Kind.WHOLE
    if isinstance(value, Callback):
        if into_all:
            return _Kind.CALLBACK
        if _has_own(value, "__sklearn_clone__"):
            return _Kind.WHOLE
        if _has_own(value, "__deepcopy__"):
            return _Kind.PLAIN
        return _Kind.WHOLE if _has_own(value, "__copy__") else _Kind.CALLBACK
    if _is_container(value) or isinstance(value, types.MethodType):
        return _Kind.CONTAINER
    if isinstance(value, partial) and _leads_to_callback(value):
        return _Kind.CONTAINER
    if isinstance(value, _PLAIN) or _has_own(value, "__deepcopy__"):
        return _Kind.PLAIN
    return _Kind.WHOLE


def _is_backend_variable(value: Any) -> bool:
    """Tell whether a value is a variable of TensorFlow's own, as Keras sees them."""
    return keras.ops.is_tensor(value) and hasattr(value, "assign")


def _is_container(value: Any) -> bool:
    """Tell whether a value is copied with what is in it, for whatever it holds."""
    return (
        isinstance(value, _CONTAINERS)
        or type(value) in (np.ndarray, types.SimpleNamespace)
        or (dataclasses.is_dataclass(value) and not isinstance(value, type))
    )


def _within(value: Any) -> list[Any]:
    """Return what a callback, a container, a method or a partial function holds."""
    if isinstance(value, types.MethodType):
        return [value.__self__]  # of the callback itself, it becomes one of the copy
    if isinstance(value, partial):
        return [value.func, value.args, value.keywords]
    held = [*getattr(value, "__dict__", {}).values()]
    held += [each for _, each in _slots(value)]
    if isinstance(value, dict):
        held += [*value.keys(), *value.values()]
    elif isinstance(value, _CONTAINERS):
        held += value
    elif isinstance(value, np.ndarray) and value.dtype.hasobject:
        held += value.ravel().tolist()
    return held


def _slots(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield names and values of what an object holds in slots."""
    for kind in type(value).__mro__:
        for name, slot in vars(kind).items():
            if isinstance(slot, types.MemberDescriptorType) and hasattr(value, name):
                yield name, getattr(value, name)


def _has_own(value: Any, method: str) -> bool:
    """Tell whether an object's class says how it is copied."""
    return getattr(type(value), method, None) is not None


def _leads_to_callback(function: partial[Any]) -> bool:
    held = [function.func, *function.args, *function.keywords.values()]
    return any(
        isinstance(each, Callback)
        or isinstance(getattr(each, "__self__", None), Callback)
        for each in held
    )


def _things_of_code(function: Any) -> list[Any]:
    """Return what a function of the user's own may report to."""
    held: list[Any] = []
    if isinstance(function, types.BuiltinFunctionType):  # as of `reports.append`
        held = [function.__self__]
    elif isinstance(function, partial):
        held = [*function.args, *function.keywords.values(), function.func]
    elif isinstance(function, types.FunctionType):
        names = inspect.getclosurevars(function)
        held = [*names.nonlocals.values(), *names.globals.values()]
    return [each for each in held if _takes_reports(each)]


def _takes_reports(value: Any) -> bool:
    """Tell whether a function that refers to the value may leave something in it."""
    if isinstance(value, tuple | frozenset):
        return any(map(_takes_reports, value))
    computes = (*_PLAIN, *_CODE, types.MethodType, Callback, keras.layers.Layer)
    return not isinstance(value, computes)
