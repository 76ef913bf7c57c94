"""How to make a network again, and whether another recipe makes the same one."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from sknn_mnist._keras_objects import (
    KERAS_CHOOSES,
    make_loss,
    make_metrics,
    make_optimizer,
)
from sknn_mnist._keras_private import loss_config
from sknn_mnist._parameters import PRECISIONS
from sknn_mnist._processes import check_not_forked
from sknn_mnist.builders import build_cnn, build_dense

__all__ = ["NetworkRecipe"]


@dataclass(frozen=True)
class NetworkRecipe:
    """A builder, what it takes, and what the network is compiled with.

    Attributes
    ----------
    builder : callable
        `build_dense` or `build_cnn`.
    options : Mapping
        Keyword arguments of the builder, all but ``seed``.
    compile_options : Mapping
        ``optimizer``, ``learning_rate``, ``loss`` and ``metrics`` as users give
        them.
    owner : str
        Name of the estimator, for messages.
    seed : int
        Seeds the initial weights and dropout.
    """

    builder: Callable[..., keras.Model]
    options: Mapping[str, Any]
    compile_options: Mapping[str, Any]
    owner: str
    seed: int

    def new_network(self, compiled: bool = True) -> keras.Model:
        """Return a network of its own, with the seed's initial weights."""
        check_not_forked()
        network = self.builder(**self.options, seed=self.seed)
        if compiled:
            # Whatever Keras's global policy says: the recipe has a dtype.
            network.compile(**self._compile_arguments(), auto_scale_loss=False)
            network.optimizer.build(network.trainable_variables)
        return network

    def array_kinds(self) -> dict[str, list[tuple[tuple[int, ...], str]]]:
        """Return shape and dtype of each variable, of networks too large to make, too.

        Returns
        -------
        dict of str to list of (tuple of int, str)
            As ``"network"`` and ``"optimizer"``.
        """
        optimizer = self._compile_arguments()["optimizer"]
        # In a graph, variables have shapes and take no memory.
        with tf.Graph().as_default():
            network = self.new_network(compiled=False)
            optimizer.build(network.trainable_variables)
            return {
                part: [(tuple(each.shape), str(each.dtype)) for each in variables]
                for part, variables in (
                    ("network", network.variables),
                    ("optimizer", optimizer.variables),
                )
            }

    def compiled_with(self, compile_options: Mapping[str, Any]) -> NetworkRecipe:
        """Return the recipe with other settings for `compile`."""
        return replace(self, compile_options=dict(compile_options))

    @property
    def initial_learning_rate(self) -> float | None:
        """The learning rate to start with; None where a schedule gives it."""
        return self._training_key[1]

    @cached_property
    def network_key(self) -> Any:
        """Equal for recipes of networks that compute the same, seeds aside.

        None where that can't be known: code of the user's own may change.
        """
        if self.builder not in (build_cnn, build_dense):
            return None
        try:
            return self.builder.__name__, _fingerprint(
                {
                    **self.options,
                    "activation": keras.activations.get(self.options["activation"]),
                }
            )
        except _UnknownError:
            return None

    @property
    def key(self) -> Any:
        """Equal for recipes of networks that compute and train the same.

        Seeds and initial learning rates may differ; None as in `network_key`.
        """
        training_key = self._training_key[0]
        if self.network_key is None or training_key is None:
            return None
        return self.network_key, training_key

    @property
    def averages_weights(self) -> bool:
        """Whether the optimizer puts averages in the weights' place at the end."""
        return _averages(self._compile_arguments()["optimizer"].get_config())

    @cached_property
    def _training_key(self) -> tuple[Any, float | None]:
        """Key of what `compile` takes, without a constant learning rate, and that."""
        arguments = self._compile_arguments()
        config = arguments["optimizer"].get_config()
        rate = config.get("learning_rate")
        # A number is held in a variable of the optimizer, not in what is compiled.
        rate = float(rate) if isinstance(rate, float | int) else None
        if rate is not None:
            del config["learning_rate"]
        config.pop("name", None)  # numbered by Keras: adam_1, adam_2...
        try:
            key = tuple(
                _fingerprint(part)
                for part in (
                    type(arguments["optimizer"]),
                    config,
                    arguments["loss"],
                    # A name may stand for a metric of the user's own.
                    [(_metric(each), each) for each in arguments["metrics"]],
                )
            )
        except _UnknownError:
            return None, rate
        return key, rate

    def _compile_arguments(self) -> dict[str, Any]:
        given = self.compile_options
        optimizer = make_optimizer(
            given["optimizer"], given["learning_rate"], self.owner
        )
        dtype = self.options["dtype"]
        scales = isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
        if dtype == "mixed_float16" and not scales:
            # As Keras does: small gradients would vanish in 16 bits.
            optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
        return {
            "optimizer": optimizer,
            "loss": make_loss(given["loss"], PRECISIONS[dtype], self.owner),
            "metrics": make_metrics(given["metrics"], self.owner),
        }


def _averages(config: Mapping[str, Any]) -> bool:
    inner = config.get("inner_optimizer")  # of one that scales the loss
    return bool(config.get("use_ema")) or (
        inner is not None and _averages(inner["config"])
    )


def _metric(metric: Any) -> Any:
    if isinstance(metric, str) and metric not in KERAS_CHOOSES:
        return keras.metrics.get(metric)
    return metric


class _UnknownError(Exception):
    """What a value computes can't be told from its name and config."""


def _fingerprint(value: Any) -> Any:
    """Return something hashable that is equal only for values that mean the same."""
    if value is None or isinstance(value, str | bool | int | float):
        return type(value).__name__, value
    if isinstance(value, np.generic):
        return _fingerprint(value.item())
    if isinstance(value, list | tuple):
        return tuple(_fingerprint(each) for each in value)
    if isinstance(value, Mapping):
        # Keras's config of an object of the user's own holds no more than its name.
        module = value.get("module")
        registered = value.get("registered_name")
        if (isinstance(module, str) and not _is_keras_module(module)) or (
            isinstance(registered, str) and ">" in registered
        ):
            raise _UnknownError
        return tuple(
            (str(name), _fingerprint(each)) for name, each in sorted(value.items())
        )
    if inspect.isclass(value) or inspect.isfunction(value):
        if not _is_keras_module(value.__module__):
            raise _UnknownError
        return value.__module__, value.__qualname__
    if isinstance(value, keras.losses.Loss):
        return _fingerprint(type(value)), _fingerprint(loss_config(value))
    if hasattr(value, "get_config"):
        return _fingerprint(type(value)), _fingerprint(value.get_config())
    raise _UnknownError


def _is_keras_module(name: str) -> bool:
    return name == "keras" or name.startswith("keras.")
