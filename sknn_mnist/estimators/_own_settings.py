"""Parameters of the estimators of one's own networks, as training takes them.

What `keras.Model.fit` and `compile` are given: by the estimator's parameters, by names
with a prefix, and by the function that made the network.
"""

from __future__ import annotations

from numbers import Integral
from typing import Any, TypeVar

import keras
import numpy as np

from sknn_mnist._parameters import (
    PRECISIONS,
    check_bool,
    check_one_of,
    check_positive_int,
)
from sknn_mnist.estimators._base import KerasEstimator
from sknn_mnist.estimators._functions import check_model
from sknn_mnist.estimators._own_compile import resolved
from sknn_mnist.estimators._own_data import OwnData, as_known_floats, encoder_of
from sknn_mnist.estimators._own_parameters import (
    FunctionParameters,
    OwnParameters,
    is_open,
)
from sknn_mnist.estimators._own_targets import loss_for
from sknn_mnist.estimators._routing import routed, routes_of
from sknn_mnist.estimators._several_heads import SeveralHeads
from sknn_mnist.networks._compile_settings import (
    Compiled,
    is_by_output,
    made_losses,
    made_metrics,
)
from sknn_mnist.networks._heads import Heads
from sknn_mnist.networks._keras_objects import check_optimizer

__all__ = ["OwnSettings"]

Own = TypeVar("Own", bound="OwnSettings")

_COMPILED = ("optimizer", "loss", "metrics")


class OwnSettings(OwnParameters, OwnData, FunctionParameters, KerasEstimator):
    """What the estimators of one's own networks do with their parameters."""

    _heads: Heads
    _compiled: Compiled | None
    # What went to the function, and was changed since it made the network.
    _changed_since: frozenset[str] = frozenset()

    def __copy__(self: Own) -> Own:
        twin = super().__copy__()
        twin.__dict__["_given"] = dict(vars(self).get("_given", {}))
        return twin

    def _setting(self, name: str) -> Any:
        given = self._given_now()
        value = given.get(f"fit__{name}", vars(self).get(name, getattr(self, name)))
        whole = name == "batch_size" and isinstance(value, int) and value == -1
        return np.iinfo(np.int32).max if whole else value

    def _validation_batch_size(self) -> int | None:
        size = self._setting("validation_batch_size")
        return np.iinfo(np.int32).max if size == -1 else size

    def _predict_raw(self, X: Any) -> Any:
        return keras.tree.map_structure(as_known_floats, super()._predict_raw(X))

    def _of_predict(self) -> dict[str, Any]:
        most = self._given_now().get("predict__batch_size")
        return {} if most is None or most == -1 else {"most_rows": int(most)}

    def _callbacks_given(self) -> Any:
        owner = type(self).__name__
        given = self._given_now()
        routes = routes_of("callbacks", given)
        of_all, of_fit = self.callbacks, given.get("fit__callbacks")
        # Arguments are for those of the name, where there are any.
        if of_all is None:
            of_fit = routed("callbacks", of_fit, routes, owner)
        else:
            of_all = routed("callbacks", of_all, routes, owner)
        return [*_listed(of_all), *_listed(of_fit)] or None

    def _check_parameters(self) -> None:
        super()._check_parameters()
        owner = type(self).__name__
        if self.model is not None and self._keras_build_fn is not None:
            raise ValueError(
                f"{owner} has a method _keras_build_fn and is given a model: one of "
                "them makes the network."
            )
        if self._maker() is None:
            check_model(self.model, owner)
        check_bool("run_eagerly", self.run_eagerly, owner)
        size = self._setting("validation_batch_size")
        if size is not None and not _is_minus_one(size):
            check_positive_int("validation_batch_size", size, owner)
        size = self._given_now().get("predict__batch_size")
        if size is not None and not _is_minus_one(size):
            check_positive_int("predict__batch_size", size, owner)
        for name in ("feature_encoder", "target_encoder"):
            if vars(self).get(name) is not None:
                encoder_of(name, vars(self)[name], owner)

    def _check_dtype(self) -> None:
        check_one_of("dtype", self.dtype, (None, *PRECISIONS), type(self).__name__)

    def _check_compiled(self) -> None:
        owner = type(self).__name__
        explicit = self._explicit()
        optimizer = explicit.get("optimizer", "adam")
        routes = routes_of("optimizer", self._given_now())
        if "optimizer" in explicit:
            optimizer = routed("optimizer", optimizer, routes, owner)
        check_optimizer(optimizer, self._now("learning_rate"), owner)
        if "metrics" in explicit:
            made_metrics(explicit["metrics"], owner)
        if "loss" in explicit:
            made_losses(explicit["loss"], "float32", owner, logits=True)

    def _explicit(self) -> dict[str, Any]:
        """Return what the estimator, and not the function, says of `compile`."""
        return {
            name: vars(self)[name]
            for name in _COMPILED
            if not is_open(vars(self).get(name))
        }

    def _now(self, name: str) -> Any:
        return self._parameters_now().get(name)

    def _parameters_now(self) -> dict[str, Any]:
        # A subclass may name fewer in its constructor; the attributes are there.
        names = self._all_parameters()
        all_own = {name: vars(self)[name] for name in names if name in vars(self)}
        return {**all_own, **self.get_params(deep=False)}

    def _names_of_network(self) -> list[str]:
        maker = self._maker()
        given = self._given_now()
        compiled = {*_COMPILED, "learning_rate", "metrics"}
        own = dict(self._own_parameters())
        return [
            "model",
            "dtype",
            *(name for name in (maker.keywords if maker else ()) if name not in own),
            *(
                name
                for name in given
                if name.startswith("model__") and name not in compiled
            ),
            *(name for name in given if "__" not in name),
        ]

    def _settings(self) -> dict[str, Any]:
        """Return what the network is compiled with, whoever says it."""
        owner = type(self).__name__
        given = self._given_now()
        settings = resolved(self._handed_over(), self._compiled, given, owner)
        of_function = "learning_rate" in self._taken_by_function()
        settings["learning_rate"] = None if of_function else self.learning_rate
        if self.run_eagerly:
            settings["run_eagerly"] = True
        if settings["loss"] is None:
            loss = self._chosen_loss() if self._leaves_loss_open() else None
            settings["loss"] = routed("loss", loss, routes_of("loss", given), owner)
        if settings["metrics"] is None and self._compiled is None:
            each = list(self._default_metrics)
            several = len(self._heads.each) > 1
            metrics = [each] * len(self._heads.each)
            settings["metrics"] = self._heads.packed(metrics) if several else each
        return settings

    def _chosen_loss(self) -> Any:
        """Return the loss that is right for targets and outputs."""
        owner = type(self).__name__
        losses = [
            loss_for(encoder, head, self._classifies, owner)
            for encoder, head in zip(self._encoders(), self._heads.each, strict=True)
        ]
        return losses[0] if len(losses) == 1 else self._heads.packed(losses)

    def _handed_over(self) -> dict[str, Any]:
        """Return the estimator's settings that the function does not take itself."""
        taken = self._taken_by_function()
        return {
            name: value for name, value in self._explicit().items() if name not in taken
        }

    def _taken_by_function(self) -> set[str]:
        """Return the keywords of a function that has compiled by them."""
        maker = self._maker()
        if maker is None or self._compiled is None:
            return set()
        return {*maker.keywords} - self._changed_since

    def _check_same_network(self) -> None:
        names = (*_COMPILED, "learning_rate")
        changed = {name for name in names if self._has_changed(name)}
        self._changed_since = self._changed_since | changed
        super()._check_same_network()

    def _leaves_loss_open(self) -> bool:
        """Tell whether the loss is the estimator's to choose."""
        maker = self._maker()
        return self._compiled is None or (
            maker is not None and "compile_kwargs" in maker.asks_for
        )

    def _overrides(self) -> bool:
        """Tell whether the estimator says anything else than the function compiled."""
        given = self._given_now()
        prefixes = ("optimizer", "loss", "metrics", "compile")
        settings = self._settings()
        return bool(
            self._handed_over()
            or settings["learning_rate"] is not None
            or self.run_eagerly
            or any(routes_of(prefix, given) for prefix in prefixes)
            or (
                self._compiled is not None
                and self._compiled.settings["loss"] is None
                and settings["loss"] is not None
            )
        )

    def _compile_options(self) -> dict[str, Any]:
        return self._settings()

    def _weights_that_fit(self, weights: np.ndarray | None) -> np.ndarray | None:
        if weights is None:
            return None
        loss = self._settings()["loss"]
        one = self._heads.is_one and not isinstance(loss, list | tuple | dict)
        if loss is None or not one:
            return weights
        return super()._weights_that_fit(weights)

    @property
    def _classifies(self) -> bool:
        return bool(self._default_metrics)

    def _encoders(self) -> list[Any]:
        """Return the encoder of each output of the network."""
        encoder = self.target_encoder_
        if isinstance(encoder, SeveralHeads) and self._classifies:
            return list(encoder.heads_)
        return [encoder] * len(self._heads.each)


def _is_minus_one(size: Any) -> bool:
    """Tell whether a number of samples means all of them."""
    return isinstance(size, Integral) and size == -1


def _listed(callbacks: Any) -> list[Any]:
    """Return callbacks, in a dict of them too, as a list."""
    if callbacks is None:
        return []
    if is_by_output(callbacks):
        return [each for value in callbacks.values() for each in _listed(value)]
    if isinstance(callbacks, list | tuple):
        return [each for value in callbacks for each in _listed(value)]
    return [callbacks]
