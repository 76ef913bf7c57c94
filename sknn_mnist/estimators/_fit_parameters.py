"""Parameters in a fit: checked before it, remembered by it, compared after it."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Iterable
from typing import Any

import numpy as np

from sknn_mnist._parameters import (
    PRECISIONS,
    check_bool,
    check_not_negative,
    check_one_of,
    check_positive_int,
    invalid,
)
from sknn_mnist.engine._owned_network import OwnedNetwork
from sknn_mnist.estimators._callbacks import make_callbacks
from sknn_mnist.estimators._parameters import TrainingParameters, is_auto
from sknn_mnist.memory._stores import open_memory
from sknn_mnist.networks._keras_contents import KINDS, is_same_parameter
from sknn_mnist.networks._keras_copies import copy_of
from sknn_mnist.networks._keras_objects import check_optimizer, make_loss, make_metrics
from sknn_mnist.networks._sixteen_bits import sixteen_bits_obstacle

__all__ = ["FitParameters", "as_int"]

# Parameters that go to `compile`: they may change under warm_start.
_COMPILED = ("optimizer", "learning_rate", "loss", "metrics")

# They don't change what is computed, or change with being used.
_NOT_REMEMBERED = {"callbacks", "memory", "random_state"}


class FitParameters(TrainingParameters):
    """What an estimator does with its parameters, whatever they build."""

    # Parameters that shape the network: they can't change under warm_start.
    _network_parameters: tuple[str, ...] = ()
    # What `metrics=None` means.
    _default_metrics: tuple[str, ...] = ()

    _fit_params: dict[str, Any]
    _network: OwnedNetwork
    target_encoder_: Any

    def _check_parameters(self) -> None:
        """Refuse bad parameters. Those of the network are judged by its builder."""
        owner = type(self).__name__
        check_positive_int("epochs", self._setting("epochs"), owner)
        batch_size = self._setting("batch_size")
        if batch_size is not None:
            check_positive_int("batch_size", batch_size, owner)
        check_bool("early_stopping", self.early_stopping, owner)
        check_positive_int("n_iter_no_change", self.n_iter_no_change, owner)
        check_not_negative("tol", self.tol, owner)
        if not isinstance(self.monitor, str) or not self.monitor:
            allowed = "the name of a loss or metric in history_, such as 'val_loss'"
            raise invalid("monitor", owner, allowed, self.monitor)
        check_bool("shuffle", self._setting("shuffle"), owner)
        check_bool("warm_start", self.warm_start, owner)
        check_one_of("verbose", as_int(self._setting("verbose")), (0, 1, 2), owner)
        self._check_dtype()
        obstacle = sixteen_bits_obstacle(self.dtype) if self.dtype else None
        if obstacle:
            raise invalid("dtype", owner, f"another one ({obstacle})", self.dtype)
        make_callbacks(self._callbacks_given(), owner)
        open_memory(self.memory, owner)
        self._check_compiled()

    def _check_dtype(self) -> None:
        check_one_of("dtype", self.dtype, PRECISIONS, type(self).__name__)

    def _check_compiled(self) -> None:
        """Refuse what `compile` would not take."""
        owner = type(self).__name__
        check_optimizer(self.optimizer, self.learning_rate, owner)
        make_metrics(self.metrics, owner)
        if not is_auto(self.loss):
            make_loss(self.loss, PRECISIONS[self.dtype], owner)

    def _setting(self, name: str) -> Any:
        """Return a parameter of training, by the name that `keras.Model.fit` has."""
        return getattr(self, name)

    def _callbacks_given(self) -> Any:
        """Return the callbacks of a fit, as `make_callbacks` takes them."""
        return self.callbacks

    def _check_same_network(self) -> None:
        """Refuse to continue a network under parameters that would build another."""
        for name in self._names_of_network():
            if self._has_changed(name):
                raise self._cannot_continue(name)
        changed = {name for name in _COMPILED if self._has_changed(name)}
        if not changed:
            return
        past = self._fit_params
        self._remember_parameters()
        if "loss" in changed and not self._takes_same_targets():
            self._fit_params = past
            raise self._cannot_continue("loss")
        self._network = self._network.compiled_with(
            self._compile_options(),
            new_optimizer="optimizer" in changed,
            new_rate="learning_rate" in changed,
        )

    def _compile_options(self) -> dict[str, Any]:
        given = {name: self._fit_params[name] for name in _COMPILED}
        given["loss"] = self.target_encoder_.compiled_loss(given["loss"])
        if given["metrics"] is None:
            given["metrics"] = self._default_metrics
        return given

    def _has_changed(self, name: str) -> bool:
        return not is_same_parameter(
            _frozen(self._now(name)), self._fit_params.get(name)
        )

    def _now(self, name: str) -> Any:
        """Return a parameter as it is set now."""
        return getattr(self, name)

    def _network_options(self) -> dict[str, Any]:
        """Return the builder's arguments that parameters give."""
        return {name: self._fit_params[name] for name in self._network_parameters}

    def _names_of_network(self) -> Iterable[str]:
        """Return the names of the parameters that shape the network."""
        return self._network_parameters

    def _takes_same_targets(self) -> bool:
        """Tell whether the loss takes targets encoded as they were."""
        return True

    def _cannot_continue(self, name: str) -> ValueError:
        return ValueError(
            f"{type(self).__name__} can't continue a network fitted with "
            f"{name}={self._fit_params.get(name)!r} as one with "
            f"{name}={self._now(name)!r}. Call fit with warm_start=False instead."
        )

    def _remember_parameters(self) -> None:
        """Remember what the network is built and compiled with.

        `set_params` may change the parameters later.
        """
        self._fit_params = {
            name: _frozen(value)
            for name, value in self._parameters_now().items()
            # Nor what goes to them, as in callbacks__stop__patience.
            if name.removeprefix("fit__").partition("__")[0] not in _NOT_REMEMBERED
        }

    def _parameters_now(self) -> dict[str, Any]:
        """Return all parameters as they are set now."""
        return {name: getattr(self, name) for name in self._all_parameters()}

    @classmethod
    def _all_parameters(cls) -> list[str]:
        """Return the parameters of this class and of those it comes from.

        A subclass may name fewer in its own `__init__`; the attributes are there.
        """
        return list(
            dict.fromkeys(
                name
                for each in cls.__mro__
                if issubclass(each, FitParameters) and "__init__" in vars(each)
                for name in _names_in(each)
            )
        )


def _names_in(kind: type) -> list[str]:
    """Return the parameters that a class's own constructor names."""
    _, *parameters = inspect.signature(vars(kind)["__init__"]).parameters.values()
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return [each.name for each in parameters if each.kind in named]


def _frozen(value: Any) -> Any:
    """Return a parameter as a value of its own, which its owner can't change."""
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, list):
        return tuple(_frozen(each) for each in value)
    if isinstance(value, KINDS):
        return copy_of(value)
    return copy.deepcopy(value) if isinstance(value, dict) else value


def as_int(verbose: Any) -> Any:
    """Return `verbose` as an int where it is a bool or of NumPy."""
    return int(verbose) if isinstance(verbose, bool | np.integer) else verbose
