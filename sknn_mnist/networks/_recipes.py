"""How to make a network again, and whether another recipe makes the same one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from sknn_mnist._array_kinds import ArrayKind, kind_of
from sknn_mnist._parameters import PRECISIONS
from sknn_mnist.networks._builders import build_cnn, build_dense
from sknn_mnist.networks._compile_settings import (
    SETTINGS,
    is_by_output,
    made_losses,
    made_metrics,
    other_settings,
)
from sknn_mnist.networks._conditions import conditions
from sknn_mnist.networks._forks import check_not_forked
from sknn_mnist.networks._isolation import isolated
from sknn_mnist.networks._keras_copies import arguments_of, copy_of
from sknn_mnist.networks._keras_fingerprints import NotOwnError, fingerprint
from sknn_mnist.networks._keras_objects import (
    KERAS_CHOOSES,
    describe_optimizer,
    make_optimizer,
)
from sknn_mnist.networks._keras_own import is_own
from sknn_mnist.networks._keras_private import rate_of_optimizer, variables_of_optimizer
from sknn_mnist.networks._own_networks import made_from_config

__all__ = ["BUILDERS", "NetworkRecipe", "array_kinds_of"]

# Those of the package: what they build depends on their arguments alone, so that
# networks of theirs may be shared, and trainings go on from the memory.
BUILDERS: tuple[Callable[..., keras.Model], ...] = (
    build_cnn,
    build_dense,
    made_from_config,
)


@dataclass(frozen=True)
class NetworkRecipe:
    """A builder, its arguments, and what the network is compiled with.

    Attributes
    ----------
    builder : callable
        One of the `BUILDERS`, or one that calls code of the user's own.
    options : Mapping
        Keyword arguments of the builder, all but ``seed``. ``dtype`` is that of the
        estimator: the loss has its precision.
    compile_options : Mapping or None
        ``optimizer``, ``learning_rate``, ``loss`` and ``metrics`` as users give
        them, and any of `SETTINGS`. None where the builder compiles in a way of its
        own.
    owner : str
        Name of the estimator, for messages.
    seed : int
        Seeds the initial weights and dropout.
    initial : tuple of ndarray or None, default=None
        The values that the network starts with, in the order of its variables; None
        for those that the builder draws by the seed.
    input_spec : tf.TensorSpec, or list, tuple or dict of them, or None, default=None
        What the network is called on; None for its only input.
    logits : bool, default=False
        Whether a loss may take logits.
    own : bool, default=True
        Whether the network runs Keras's own code alone, loss and metrics aside.
    """

    builder: Callable[..., keras.Model]
    options: Mapping[str, Any]
    compile_options: Mapping[str, Any] | None
    owner: str
    seed: int
    initial: tuple[np.ndarray, ...] | None = None
    input_spec: Any = None
    logits: bool = False
    own: bool = True

    def new_network(self, compiled: bool = True) -> keras.Model:
        """Return a network of its own, with the seed's initial weights."""
        check_not_forked()
        network = self.builder(**self.options, seed=self.seed)
        for variable, value in zip(network.variables, self.initial or (), strict=False):
            variable.assign(value)
        if compiled:
            if self.compile_options is not None:
                self._compile(network, self.compile_options)
            else:
                # Whoever compiled it may have given it one that others train by. One
                # of the user's own class may not be made again, and stays.
                with suppress(TypeError, ValueError, NotImplementedError):
                    network.optimizer = copy_of(network.optimizer)
            network.optimizer.build(network.trainable_variables)
        return network

    def _compile(self, network: keras.Model, given: Mapping[str, Any]) -> None:
        # Keras numbers the metrics that are made here.
        with isolated(self.seed):
            # The recipe scales the loss by its own dtype, not by Keras's global policy.
            network.compile(
                optimizer=self._make_optimizer(given),
                loss=made_losses(given["loss"], self._dtype, self.owner, self.logits),
                metrics=made_metrics(given["metrics"], self.owner),
                **other_settings(given, self.owner),
                auto_scale_loss=False,
            )

    def array_kinds(
        self, judge: Callable[[keras.Model], None] | None = None
    ) -> dict[str, list[ArrayKind]]:
        """Return what `array_kinds_of` gives, of networks too large to make, too.

        Parameters
        ----------
        judge : callable or None, default=None
            Is shown the network, whose variables have no values.
        """
        assert self.compile_options is not None  # as of networks that are saved
        optimizer = self._make_optimizer(self.compile_options)
        # In a graph, variables have shapes and take no memory.
        with tf.Graph().as_default():
            network = self.new_network(compiled=False)
            if judge is not None:
                judge(network)
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
        if self.compile_options is None:
            return False
        optimizer = self._make_optimizer(self.compile_options)
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
            # The same network may be called on a list of inputs, or on a dict.
            return self.builder.__name__, fingerprint(options), repr(self.input_spec)
        except NotOwnError:
            return None

    @cached_property
    def _training_fingerprint(self) -> tuple[Any, float | None]:
        """The fingerprint of what `compile` takes, and its constant learning rate."""
        given = self.compile_options
        if given is None:
            return None, None
        described = describe_optimizer(
            given["optimizer"], given["learning_rate"], self.owner
        )
        if described is None:
            return None, _rate_of(self._make_optimizer(given))
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
        others = other_settings(given, self.owner)
        weighted = others.pop("weighted_metrics", None)
        try:
            return (
                fingerprint(kind),
                fingerprint(arguments),
                self._fingerprint_of(given["loss"]),
                _metrics(made_metrics(given["metrics"], self.owner)),
                _metrics(weighted),
                fingerprint({**SETTINGS, **others}),
            ), rate
        except NotOwnError:
            return None, rate

    def _fingerprint_of(self, loss: Any) -> Any:
        if isinstance(loss, str):
            found = keras.losses.get(loss)
            if is_own(found):
                return _fingerprint_of_own(found, self._dtype)
        return fingerprint(made_losses(loss, self._dtype, self.owner, self.logits))

    @property
    def _dtype(self) -> str:
        return PRECISIONS[self.options["dtype"]]

    def _make_optimizer(self, given: Mapping[str, Any]) -> keras.optimizers.Optimizer:
        optimizer = make_optimizer(
            given["optimizer"], given["learning_rate"], self.owner
        )
        scales = isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
        if self.options["dtype"] == "mixed_float16" and not scales:
            # As Keras does: small gradients would vanish in 16 bits.
            optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
        return optimizer


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


@lru_cache
def _fingerprint_of_own(loss: Any, dtype: str) -> Any:
    """Return the fingerprint of a loss of Keras's that was given by name."""
    return fingerprint(made_losses(loss, dtype, "loss"))


def _rate_of(optimizer: keras.optimizers.Optimizer) -> float | None:
    """Return the learning rate; None where it is no number."""
    rate = rate_of_optimizer(getattr(optimizer, "inner_optimizer", optimizer))
    return rate if isinstance(rate, float) else None


def _is_name(metric: Any) -> bool:
    return isinstance(metric, str)


def _metrics(made: Any) -> Any:
    """Return what identifies metrics, as `made_metrics` gives them."""
    if is_by_output(made):
        return tuple((name, _metrics(each)) for name, each in sorted(made.items()))
    if isinstance(made, list):
        # A name may stand for a metric of the user's own.
        return tuple(
            _metrics(each)
            if isinstance(each, list)
            else (_metric(each), fingerprint(each) if _is_name(each) else None)
            for each in made
        )
    return fingerprint(made)


def _metric(metric: Any) -> Any:
    """Return what identifies a metric, as `make_metrics` gives it."""
    if not _is_name(metric):
        return fingerprint(metric)
    if metric in KERAS_CHOOSES:
        return metric
    found = vars(keras.metrics).get(metric)
    # The class stands for its defaults; an object of it would have a numbered name.
    return fingerprint(found if is_own(found) else keras.metrics.get(metric))
