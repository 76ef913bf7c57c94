"""The part of the estimators of one's own networks that makes the network."""

from __future__ import annotations

import copy
import inspect
from typing import Any

import keras
import numpy as np
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from sknn_mnist._parameters import PRECISIONS, invalid
from sknn_mnist.engine._nests import rows_of
from sknn_mnist.estimators._base import metadata_of
from sknn_mnist.estimators._functions import GIVEN, arguments_for
from sknn_mnist.estimators._own_compile import resolved
from sknn_mnist.estimators._own_data import as_known_floats, check_encoded
from sknn_mnist.estimators._own_parameters import is_open
from sknn_mnist.estimators._own_settings import OwnSettings
from sknn_mnist.estimators._several_heads import SeveralHeads
from sknn_mnist.networks._compile_settings import (
    SETTINGS,
    is_by_output,
    made_losses,
    made_metrics,
)
from sknn_mnist.networks._first_networks import FirstNetwork, read_off, remembered
from sknn_mnist.networks._input_specs import spec_of
from sknn_mnist.networks._keras_objects import make_optimizer
from sknn_mnist.networks._own_networks import (
    Ready,
    check_new,
    copied_network,
    made_by_function,
    made_from_config,
)
from sknn_mnist.networks._recipes import NetworkRecipe
from sknn_mnist.networks._sixteen_bits import sixteen_bits_obstacle

__all__ = ["OwnPart", "own_score"]


class OwnPart(OwnSettings):
    """The part of the estimators whose network a function of the user's makes."""

    def initialize(self, X: Any, y: Any) -> OwnPart:
        """Make the network, and train nothing: to predict by one that is trained.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples, as in `fit`.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets; a classifier learns its labels from them.

        Returns
        -------
        object
            The estimator itself.

        Raises
        ------
        ValueError or TypeError
            As in `fit`.
        """
        self._check_parameters()
        with self._all_or_nothing():
            self._initialize(X, y)
            self.history_: dict[str, list[Any]] = {"loss": []}
            self.callbacks_: list[Any] = []
            self.initial_epoch_ = 0
        return self

    @available_if(lambda self: self.transform_layer is not None)
    def transform(self, X: Any) -> np.ndarray:
        """Return what the layer `transform_layer` makes of X.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples, in the layouts that `fit` takes.

        Returns
        -------
        ndarray of shape (n_samples, n_outputs)
            The layer's outputs, a flat row for each sample.
        """
        check_is_fitted(self, "history_")
        x = self._network_input(X)
        outputs = np.asarray(self._network.outputs_of(self.transform_layer, x))
        return as_known_floats(outputs).reshape(len(outputs), -1)

    # -- the network ----------------------------------------------------------------

    def _recipe_for(self, X: Any, y: Any) -> NetworkRecipe:
        self.__dict__.update(metadata_of(self.feature_encoder_))
        first, builder, arguments = self._first_network(X)
        _check_computable(first, type(self).__name__)
        self._heads, self._compiled = first.heads, first.compiled
        self._changed_since = frozenset()
        _check_layer(self.transform_layer, first, type(self).__name__)
        self._choose_encoder(y)
        settings = self._settings()
        self._settle(settings["loss"])
        floatx = keras.config.floatx()
        known_policy = first.policy if first.policy in PRECISIONS else floatx
        common = {
            "owner": type(self).__name__,
            "seed": self._seed,
            "input_spec": first.spec,
            "logits": True,
        }
        dtype = self.dtype or known_policy
        if first.known is not None:
            kind, config = first.known
            return NetworkRecipe(
                made_from_config,
                {"kind": kind, "config": config, "dtype": dtype},
                settings,
                initial=first.values,
                **common,
            )
        network = first.network
        if isinstance(self.model, keras.Model):
            network = copied_network(**arguments, seed=self._seed)
        return NetworkRecipe(
            builder,
            {**arguments, "dtype": dtype, "ready": Ready(network)},
            settings if self._compiled is None or self._overrides() else None,
            own=False,
            **common,
        )

    def _first_network(self, X: Any) -> tuple[FirstNetwork, Any, dict[str, Any]]:
        """Return what is known of the network, its builder and the arguments."""
        x = self.feature_encoder_.transform(rows_of(X, slice(1)))
        owner = type(self).__name__
        check_encoded(x, owner)
        if isinstance(self.model, keras.Model):
            if not self.model.built:
                raise ValueError(
                    f"The model {self.model.name!r} of {owner} has no weights yet: "
                    "give it an Input, call it once, or give a function that makes it."
                )
            policy = self.model.dtype_policy.name
            if self.dtype not in (None, policy):
                allowed = f"None or {policy!r}, which the given model has"
                raise invalid("dtype", owner, allowed, self.dtype)
            arguments: dict[str, Any] = {"model": self.model, "dtype": self.dtype}
            return read_off(self.model, x, owner), copied_network, arguments
        maker = self._maker()
        assert maker is not None  # checked
        arguments = {
            "function": maker.function,
            "arguments": self._arguments(maker),
            "dtype": self.dtype,
            "spec": spec_of(x),
        }
        others = repr(arguments["spec"]), self.dtype, self._seed

        def make() -> FirstNetwork:
            nonlocal x
            try:
                network = made_by_function(**arguments, seed=self._seed)
            except Exception:
                floats = _as_floats(x, self._dtype_of_data(True))
                if floats is x:
                    raise
                # It does not say what it takes, and takes no integers.
                arguments["spec"], x = spec_of(floats), floats
                network = made_by_function(**arguments, seed=self._seed)
            found = read_off(network, x, owner)
            if found.network is not None:
                check_new(found.network, maker.function)
            return found

        first = remembered(maker.function, arguments["arguments"], others, make)
        return first, made_by_function, arguments

    def _arguments(self, maker: Any) -> dict[str, Any]:
        owner = type(self).__name__
        stored = self._given_now()
        own = dict(self._own_parameters())
        given = {}
        for name in [*maker.keywords, *(stored if maker.takes_any else ())]:
            if f"model__{name}" in stored:
                given[name] = stored[f"model__{name}"]
            elif name in own:
                if not is_open(own[name]):
                    given[name] = own[name]
            elif name in stored and "__" not in name:
                given[name] = stored[name]
        on_request = dict.fromkeys(GIVEN)
        if "meta" in maker.asks_for:
            on_request["meta"] = self._meta()
        if "compile_kwargs" in maker.asks_for:
            on_request["compile_kwargs"] = self._compile_kwargs()
        if "params" in maker.asks_for:
            on_request["params"] = self.get_params()
        return arguments_for(maker, copy.copy(given), on_request, owner)

    def _meta(self) -> dict[str, Any]:
        """Return the attributes of the fit, as SciKeras hands them to a function."""
        names = [each for each in vars(self) if each.endswith("_") and each[0] != "_"]
        found = {name: vars(self)[name] for name in names}
        past = (
            *("history_", "callbacks_", "initial_epoch_"),
            *("n_iter_", "best_epoch_", "best_score_"),
        )
        return {name: each for name, each in found.items() if name not in past}

    def _compile_kwargs(self) -> dict[str, Any]:
        """Return what `keras.Model.compile` takes, for a function to compile with."""
        owner = type(self).__name__
        settings = resolved(self._explicit(), None, self._given_now(), owner)
        dtype = self._dtype_of_data(True)
        return {
            **{name: settings.get(name, default) for name, default in SETTINGS.items()},
            "optimizer": make_optimizer(
                settings["optimizer"], self._now("learning_rate"), owner
            ),
            "loss": made_losses(settings["loss"], dtype, owner, logits=True),
            "metrics": made_metrics(settings["metrics"], owner)
            if settings["metrics"] is not None
            else list(self._default_metrics),
            "run_eagerly": bool(settings.get("run_eagerly") or self.run_eagerly),
        }

    # -- targets --------------------------------------------------------------------

    def _choose_encoder(self, y: Any) -> None:
        """Encode each column for an output of its own, where there are several."""
        encoder, n_heads = self.target_encoder_, len(self._heads.each)
        if not hasattr(encoder, "settle"):  # the user's own
            expected = metadata_of(encoder).get("n_outputs_expected_")
            if expected is not None:
                self._check_outputs(expected, f"target_encoder is for {expected}")
            return
        if n_heads > 1 and np.ndim(y) == 2 and not isinstance(encoder, SeveralHeads):
            dtype = self._dtype_of_data(True)
            encoder = SeveralHeads(type(self).__name__, dtype, self._classifies).fit(y)
            self.__dict__.update(target_encoder_=encoder, **metadata_of(encoder))
        several = isinstance(encoder, SeveralHeads)
        if self._classifies or not several:
            columns = encoder.n_columns_ if several else 1
            self._check_outputs(columns, f"y has {columns} column(s)")

    def _check_outputs(self, expected: int, said: str) -> None:
        """Refuse a network of another number of outputs."""
        names = [each.name for each in self._heads.each]
        if len(names) != expected:
            raise ValueError(
                f"The network of {type(self).__name__} has {len(names)} output(s) "
                f"({', '.join(names)}), and {said}. Give y a column for each, or a "
                "target_encoder that makes of y what the outputs take."
            )

    def _settle(self, loss: Any) -> None:
        encoder = self.target_encoder_
        if not hasattr(encoder, "settle"):
            return  # the user's own
        maker = self._maker()
        name = self.model.name if maker is None else maker.name
        if isinstance(encoder, SeveralHeads):
            encoder.settle(loss, self._heads, name)
        else:
            if is_by_output(loss):
                loss = next(iter(loss.values()), None)
            elif isinstance(loss, list | tuple):
                loss = loss[0]
            encoder.settle(loss, self._heads.each[0], name)

    def _takes_same_targets(self) -> bool:
        encoder = self.target_encoder_
        if not hasattr(encoder, "settle"):
            return True
        before = copy.deepcopy(encoder)
        try:
            self._settle(self._settings()["loss"])
        except ValueError:
            self.target_encoder_ = before
            return False
        same = getattr(encoder, "kind_", None) == getattr(before, "kind_", None)
        if not same:
            self.target_encoder_ = before
        return same


def _check_layer(layer: Any, first: FirstNetwork, owner: str) -> None:
    """Refuse a `transform_layer` that is none of the network's."""
    names = _layers_of(first)
    of_place = layer in range(-len(names), len(names))
    if layer is not None and layer not in names and not of_place:
        wanted = f"None, or the name or place of one of the layers {names}"
        raise invalid("transform_layer", owner, wanted, layer)


def _layers_of(first: FirstNetwork) -> list[str]:
    if first.known is None:
        assert first.network is not None
        return [each.name for each in first.network.layers]
    kind, config = first.known
    layers = [(each["class_name"], each["config"]["name"]) for each in config["layers"]]
    # Of a Sequential, the input is no layer.
    skipped = "InputLayer" if kind == "Sequential" else None
    return [name for class_name, name in layers if class_name != skipped]


def _check_computable(first: FirstNetwork, owner: str) -> None:
    for dtype in sorted(first.computes_in):
        obstacle = sixteen_bits_obstacle(dtype)
        if obstacle:
            raise ValueError(
                f"The network of {owner} has layers that compute in {dtype}, which "
                f"would end this process: {obstacle}."
            )


def _as_floats(x: Any, dtype: str) -> Any:
    if all(each.dtype.kind == "f" for each in keras.tree.flatten(x)):
        return x
    return keras.tree.map_structure(lambda each: each.astype(dtype), x)


def own_score(estimator: Any, X: Any, y: Any, sample_weight: Any) -> float | None:
    """Return what the `scorer` of a class gives, as SciKeras has it; None without."""
    if inspect.getattr_static(type(estimator), "scorer", None) is None:
        return None
    weights = {} if sample_weight is None else {"sample_weight": sample_weight}
    return float(estimator.scorer(y, estimator.predict(X), **weights))
