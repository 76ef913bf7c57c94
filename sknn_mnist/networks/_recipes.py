"""How to make a network again, and whether another recipe makes the same one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any

import keras
import tensorflow as tf

from sknn_mnist._array_kinds import ArrayKind, kind_of
from sknn_mnist._parameters import PRECISIONS
from sknn_mnist.networks._builders import build_cnn, build_dense
from sknn_mnist.networks._conditions import conditions
from sknn_mnist.networks._forks import check_not_forked
from sknn_mnist.networks._keras_copies import arguments_of
from sknn_mnist.networks._keras_fingerprints import NotOwnError, fingerprint
from sknn_mnist.networks._keras_objects import (
    KERAS_CHOOSES,
    describe_optimizer,
    make_loss,
    make_metrics,
    make_optimizer,
)
from sknn_mnist.networks._keras_own import is_own
from sknn_mnist.networks._keras_private import rate_of_optimizer, variables_of_optimizer

__all__ = ["BUILDERS", "NetworkRecipe", "array_kinds_of"]

# Those of the package: what they build depends on their arguments alone, so that
# networks of theirs may be shared, and trainings go on from the memory.
BUILDERS: tuple[Callable[..., keras.Model], ...] = (build_cnn, build_dense)


@dataclass(frozen=True)
class NetworkRecipe:
    """A builder, its arguments, and what the network is compiled with.

    Attributes
    ----------
    builder : callable
        One of the `BUILDERS`.
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
            # The recipe scales the loss by its own dtype, not by Keras's global policy.
            network.compile(**self._compile_arguments(), auto_scale_loss=False)
            network.optimizer.build(network.trainable_variables)
        return network

    def array_kinds(self) -> dict[str, list[ArrayKind]]:
        """Return what `array_kinds_of` gives, of networks too large to make, too."""
        optimizer = self._make_optimizer()
        # In a graph, variables have shapes and take no memory.
        with tf.Graph().as_default():
            network = self.new_network(compiled=False)
            optimizer.build(network.trainable_variables)
            return array_kinds_of(network, optimizer)

    def compiled_with(self, compile_options: Mapping[str, Any]) -> NetworkRecipe:
        """Return the recipe with other settings for `compile`."""
        return replace(self, compile_options=dict(compile_options))

    @property
    def initial_learning_rate(self) -> float | None:
        """The learning rate to start with; None where a schedule gives it."""
        return self._training_fingerprint[1]

    @property
    def network_key(self) -> Any:
        """Equal for recipes of networks that compute the same, seeds aside.

        Computed at each use, as settings of the process take part. None where it can't
        be known: code of the user's own may change.
        """
        known = self._network_fingerprint
        return None if known is None else (conditions(), known)

    @property
    def key(self) -> Any:
        """Equal for recipes of networks that compute and train the same.

        Seeds and initial learning rates may differ; None as in `network_key`.
        """
        known, training = self.network_key, self._training_fingerprint[0]
        return None if known is None or training is None else (known, training)

    @property
    def averages_weights(self) -> bool:
        """Whether the optimizer puts averages in the weights' place at the end."""
        optimizer = self._make_optimizer()
        return bool(getattr(optimizer, "inner_optimizer", optimizer).use_ema)

    @cached_property
    def _network_fingerprint(self) -> Any:
        if self.builder not in BUILDERS:
            return None
        options = dict(self.options)
        if "activation" in options:
            # A name and the function that it stands for make the same network.
            options["activation"] = keras.activations.get(options["activation"])
        try:
            return self.builder.__name__, fingerprint(options)
        except NotOwnError:
            return None

    @cached_property
    def _training_fingerprint(self) -> tuple[Any, float | None]:
        """The fingerprint of what `compile` takes, and its constant learning rate."""
        given = self.compile_options
        described = describe_optimizer(
            given["optimizer"], given["learning_rate"], self.owner
        )
        if described is None:
            return None, _rate_of(self._make_optimizer())
        kind, arguments = described
        arguments = {**_defaults_of(kind), **arguments}
        inner = arguments.pop("inner_optimizer", None)
        if inner is not None:
            known = arguments_of(inner)
            if known is None:
                return None, _rate_of(inner)
            arguments = {**known, "scaling": [type(inner), arguments]}
        rate = arguments.get("learning_rate")
        # A number is held in a variable of the optimizer, not in what is compiled.
        rate = float(rate) if isinstance(rate, float | int) else None
        if rate is not None:
            del arguments["learning_rate"]
        try:
            return (
                fingerprint(kind),
                fingerprint(arguments),
                fingerprint(make_loss(given["loss"], self._dtype, self.owner)),
                # A name may stand for a metric of the user's own.
                tuple(
                    (_metric(each), fingerprint(each) if _is_name(each) else None)
                    for each in make_metrics(given["metrics"], self.owner)
                ),
            ), rate
        except NotOwnError:
            return None, rate

    @property
    def _dtype(self) -> str:
        return PRECISIONS[self.options["dtype"]]

    def _make_optimizer(self) -> keras.optimizers.Optimizer:
        given = self.compile_options
        optimizer = make_optimizer(
            given["optimizer"], given["learning_rate"], self.owner
        )
        scales = isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
        if self.options["dtype"] == "mixed_float16" and not scales:
            # As Keras does: small gradients would vanish in 16 bits.
            optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
        return optimizer

    def _compile_arguments(self) -> dict[str, Any]:
        given = self.compile_options
        return {
            "optimizer": self._make_optimizer(),
            "loss": make_loss(given["loss"], self._dtype, self.owner),
            "metrics": make_metrics(given["metrics"], self.owner),
        }


def array_kinds_of(
    network: keras.Model, optimizer: keras.optimizers.Optimizer | None = None
) -> dict[str, list[ArrayKind]]:
    """Return shape and dtype of each array that training changes.

    Parameters
    ----------
    network : keras.Model
        The network.
    optimizer : keras.optimizers.Optimizer or None, default=None
        Built for it; None for the one that it is compiled with.

    Returns
    -------
    dict of str to list of (tuple of int, str)
        As ``"network"`` and ``"optimizer"``.
    """
    return {
        "network": [kind_of(each) for each in network.variables],
        "optimizer": [
            kind_of(each) for each in variables_of_optimizer(network, optimizer)
        ],
    }


@lru_cache
def _defaults_of(kind: type) -> dict[str, Any]:
    """Return the arguments of an optimizer of Keras's that is given none."""
    try:
        return arguments_of(kind()) or {}
    except TypeError:  # it needs some
        return {}


def _rate_of(optimizer: keras.optimizers.Optimizer) -> float | None:
    """Return the learning rate; None where it is no number."""
    rate = rate_of_optimizer(getattr(optimizer, "inner_optimizer", optimizer))
    return rate if isinstance(rate, float) else None


def _is_name(metric: Any) -> bool:
    return isinstance(metric, str)


def _metric(metric: Any) -> Any:
    """Return what identifies a metric, as `make_metrics` gives it."""
    if not _is_name(metric):
        return fingerprint(metric)
    if metric in KERAS_CHOOSES:
        return metric
    found = vars(keras.metrics).get(metric)
    # The class stands for its defaults; an object of it would have a numbered name.
    return fingerprint(found if is_own(found) else keras.metrics.get(metric))
