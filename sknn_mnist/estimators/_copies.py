"""Copies of an estimator: clones, deep copies, pickles; and its callbacks in them."""

from __future__ import annotations

import copy
from collections.abc import Callable
from inspect import signature
from typing import Any, TypeVar

import keras
from sklearn.base import BaseEstimator

from sknn_mnist._loans import Borrower
from sknn_mnist.estimators._callbacks import (
    check_picklable,
    copy_of_callbacks,
    picklable,
    things_held,
)
from sknn_mnist.memory._stores import say_once

__all__ = ["EstimatorCopies"]

Own = TypeVar("Own", bound="EstimatorCopies")


class EstimatorCopies(Borrower, BaseEstimator):
    """How an estimator is copied and pickled."""

    callbacks: Any
    # The callbacks that came out of a pickle, if any did.
    _unpickled_callbacks: Any = None

    def __sklearn_clone__(self: Own) -> Own:
        # As scikit-learn clones, but for the parameters that are copied in a way of
        # their own: it takes those as they are from a stand-in.
        stand_in = copy.copy(self)
        given = self.get_params(deep=False)
        for name in _COPIES.keys() & given.keys():
            setattr(stand_in, name, _Copied(_COPIES[name](given[name])))
        twin: Own = super(EstimatorCopies, stand_in).__sklearn_clone__()
        if self._has_unpickled_callbacks():
            twin._unpickled_callbacks = twin.callbacks
        self._lend_on(twin)
        return twin

    def __copy__(self: Own) -> Own:
        # Not by way of what is pickled.
        twin = type(self).__new__(type(self))
        twin.__dict__.update(vars(self))
        return twin

    def __deepcopy__(self: Own, memo: dict[int, Any]) -> Own:
        twin = memo[id(self)] = copy.copy(self)
        for name in ("callbacks", "callbacks_"):
            copy_of_callbacks(vars(self).get(name), memo)  # remembered in `memo`
        for name, value in vars(self).items():
            twin.__dict__[name] = copy.deepcopy(value, memo)
        return twin

    def __getstate__(self) -> dict[str, Any]:
        state = {**super().__getstate__()}
        state.pop("_unpickled_callbacks", None)
        if self._loan is not None and self._loan.is_empty:
            state.pop("_loan", None)
        check_picklable(state.get("callbacks"), type(self).__name__)
        if "callbacks_" in state:
            state["callbacks_"] = picklable(state["callbacks_"])
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        # Pickles of before there was a parameter have it at its default.
        for name, parameter in signature(type(self)).parameters.items():
            if name not in vars(self) and parameter.default is not parameter.empty:
                setattr(self, name, parameter.default)
                vars(self).get("_fit_params", {})[name] = parameter.default
        if state.get("callbacks") is not None:
            self._unpickled_callbacks = self.callbacks

    def _has_unpickled_callbacks(self) -> bool:
        """Tell whether the callbacks came with the estimator, out of a pickle."""
        callbacks = vars(self).get("callbacks")
        return callbacks is not None and callbacks is self._unpickled_callbacks

    def _tell_of_copies(self) -> None:
        """Warn, once, of callbacks whose reports don't arrive where they were meant."""
        things = things_held(self.callbacks) if self._has_unpickled_callbacks() else []
        if things:
            say_once(
                f"The callbacks of {type(self).__name__} hold copies "
                f"({', '.join(things)}), since the estimator was sent to this process "
                "or loaded from a file: what they report to them does not reach the "
                "originals, unless these keep it outside of processes, as in a file, "
                "a database or a server. Fit with n_jobs=1 or joblib's threading "
                "backend, where the originals are shared."
            )


# How a clone's parameters are copied, where scikit-learn's deep copy is not right.
_COPIES: dict[str, Callable[[Any], Any]] = {
    "callbacks": copy_of_callbacks,
    # Fits train copies of a network, so that clones can share it.
    "model": lambda value: (
        value if isinstance(value, keras.Model) else copy.deepcopy(value)
    ),
}


class _Copied:
    """A parameter that is copied already, for `sklearn.base.clone`."""

    def __init__(self, value: Any) -> None:
        self._value = value

    def __sklearn_clone__(self) -> Any:
        return self._value
