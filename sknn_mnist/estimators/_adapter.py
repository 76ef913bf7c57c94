"""The one module that knows SciKeras: what is inherited, what is repaired.

SciKeras's `BaseWrapper` gives the frame of a fit: validate, encode the target and
the features, build, compile, train. `KerasEstimator` fills in the steps.

It does not subclass `BaseWrapper` itself but a copy without the members that
`REPAIRED` lists. Most of them could be overridden; `_more_tags` could not, since
scikit-learn refuses any class in an estimator's MRO that defines it without
`__sklearn_tags__`, and changing SciKeras for the whole process is no way out.
"""

from __future__ import annotations

import copy
import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from numbers import Integral
from typing import Any, BinaryIO

import keras
import numpy as np
from scikeras.wrappers import BaseWrapper
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import check_random_state
from sklearn.utils.validation import (
    check_is_fitted,
    column_or_1d,
    validate_data,
)

from sknn_mnist._parameters import (
    PRECISIONS,
    check_bool,
    check_fraction,
    check_one_of,
    check_positive_int,
    invalid,
)
from sknn_mnist.engine import _training
from sknn_mnist.engine._owned_network import OwnedNetwork
from sknn_mnist.engine._plan import Samples, TrainingPlan
from sknn_mnist.engine._processes import bfloat16_obstacle
from sknn_mnist.engine._watch import Look, Watch
from sknn_mnist.estimators._callbacks import (
    check_picklable,
    copy_of_callbacks,
    make_callbacks,
    picklable,
    release_network,
    things_held,
)
from sknn_mnist.estimators._loss_targets import weights_that_fit
from sknn_mnist.estimators._sklearn_callbacks import (
    CallbackSupportMixin,
    EpochTasks,
    with_callbacks,
)
from sknn_mnist.estimators._weights import check_sample_weight, weighed
from sknn_mnist.memory._stores import open_memory, say_once
from sknn_mnist.networks._keras_contents import KINDS, same
from sknn_mnist.networks._keras_copies import copy_of
from sknn_mnist.networks._keras_objects import make_loss, make_metrics, make_optimizer
from sknn_mnist.networks._keras_pickles import mend_pickling
from sknn_mnist.networks._recipes import NetworkRecipe

__all__ = ["KerasEstimator", "as_arrays"]

# SciKeras has put its own in place of Keras's, which loses arguments.
mend_pickling()

# Members of BaseWrapper left out of the copy, and what takes their place.
REPAIRED = {
    "__init__": "sets attributes from **kwargs; ours name every parameter",
    "__repr__": "not scikit-learn's; BaseEstimator's is",
    "_get_param_names": "reads the instance, so that parameters vary; "
    "BaseEstimator reads the signature",
    "_more_tags": "the tags of before scikit-learn 1.6; __sklearn_tags__ is inherited",
    "_tags": "likewise",
    "initialize": "leaves an estimator that predicts and was never fitted",
    "score": "hides the mixin's",
    "scorer": "used by that score alone",
    "set_params": "accepts any name with a routing prefix; BaseEstimator's refuses it",
}

# What `keras.Model.fit` takes batch_size=None for.
KERAS_BATCH = 32

# Parameters that go to `compile`: they may change under warm_start.
_COMPILED = ("optimizer", "learning_rate", "loss", "metrics")


def _repaired(wrapper: type) -> type:
    kept = {
        name: member
        for name, member in vars(wrapper).items()
        if name not in {*REPAIRED, "__dict__", "__weakref__"}
    }
    return type(wrapper)(wrapper.__name__, wrapper.__bases__, kept)


class KerasEstimator(CallbackSupportMixin, _repaired(BaseWrapper)):  # type: ignore[misc]
    """Common ground of the estimators: a network that is built, trained and kept.

    A subclass names its parameters in `__init__`, says how its network is built in
    `_builder` and `_input_shape`, and chooses its `target_encoder`.
    """

    # Parameters that shape the network: they can't change under warm_start.
    _network_parameters: tuple[str, ...] = ()

    _builder: Callable[..., keras.Model]

    _network: OwnedNetwork
    _fit_params: dict[str, Any]

    @property
    def _input_shape(self) -> tuple[int, ...]:
        """Shape of one sample, as the network takes it."""
        raise NotImplementedError

    @with_callbacks
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> KerasEstimator:
        """Train the network on X and y.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training samples, finite numbers. The CNNs take images as well, of
            shape (n_samples, height, width) or (n_samples, height, width,
            channels).
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples in the loss, not negative. Those of the samples
            trained on, multiplied with the weights of their classes where there are
            any, are scaled to an average of 1, so that a weight of 2 does what
            repeating the sample would, 0 what leaving it out would, and the learning
            rate keeps its meaning. So are, on their own and of no class, those of
            the samples held out by `validation_split`.

        Returns
        -------
        object
            The fitted estimator itself.

        Raises
        ------
        ValueError or TypeError
            When a parameter or the data can't be used, before training; or when
            training diverged. The estimator is then as it was before the call.
        """
        self._check_parameters()
        tasks = EpochTasks(self, self.epochs, X, y, sample_weight)
        with self._all_or_nothing():
            if self.warm_start and self.initialized_:
                self._check_same_network()
            self._epoch_tasks = tasks
            super().fit(X, y, sample_weight=sample_weight)
            del self._epoch_tasks
        tasks.close()
        return self

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> KerasEstimator:
        """Train for one more epoch on X and y.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training samples, as in `fit`.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples, as in `fit`.

        Returns
        -------
        object
            The fitted estimator itself.

        Raises
        ------
        ValueError or TypeError
            As in `fit`.
        """
        self._check_parameters()
        with self._all_or_nothing():
            if self.initialized_:
                self._check_same_network()
            super().partial_fit(X, y, sample_weight=sample_weight)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Predict the targets of X.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples, in the layouts that `fit` takes.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_outputs)
            Predicted targets: labels, indicators or numbers, as `y` was.
        """
        return super().predict(X)

    def summary(self, **kwargs: Any) -> None:
        """Print the layers of the fitted network, as `keras.Model.summary` does.

        Parameters
        ----------
        **kwargs : dict
            Handed to `keras.Model.summary`, for example ``line_length=80``.
        """
        self.model_.summary(**kwargs)

    @property
    def model_(self) -> keras.Model:
        """The fitted network, the estimator's own and compiled.

        It is made when first asked for, once, and no later fit changes it. Where its
        holder trains or changes it, the estimator predicts by what it became, or says
        why it can't any more. Where that is more than values of weights (an
        activation, a layer, what is frozen), whatever needs the network that the
        parameters make is refused with what was changed: `partial_fit`,
        ``warm_start``, `save`, pickling and deep copies. `fit` and
        `sklearn.base.clone` start anew. Where it was compiled anew, later training of
        the estimator has its own optimizer and loss, from their start.
        """
        check_is_fitted(self, "history_")
        return self._network.model

    def save(self, path: str | os.PathLike[str] | BinaryIO) -> None:
        """Write the fitted estimator to a file that `sknn_mnist.load` reads.

        A safetensors file: weights and optimizer state as arrays; parameters, labels,
        history and versions as JSON. Unlike a pickle it runs no code when it is read.

        Parameters
        ----------
        path : str, path-like or binary file
            The file, written whole or not at all; one of this name is replaced. By
            custom it ends in ``.safetensors``. Or a file that is open, which is
            written to from where it stands, and stays open.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            When the estimator is not fitted.
        TypeError
            When a parameter is code of your own (a function, a callback object, a
            class that is not Keras's) or more than a file may ask for (a callback that
            writes, a metric of gigabytes), or the estimator of a class of your own;
            use joblib.dump for these. When the layers of `model_` were changed.
        OSError
            When the file can't be written.

        See Also
        --------
        sknn_mnist.load : Read it.
        """
        from sknn_mnist.files._estimator_files import save_estimator

        save_estimator(self, path)

    # -- parameters ---------------------------------------------------------------

    def _check_parameters(self) -> None:
        """Refuse bad parameters. Those of the network are judged by its builder."""
        owner = type(self).__name__
        check_positive_int("epochs", self.epochs, owner)
        if self.batch_size is not None:
            check_positive_int("batch_size", self.batch_size, owner)
        check_fraction("validation_split", self.validation_split, owner)
        check_bool("shuffle", self.shuffle, owner)
        check_bool("warm_start", self.warm_start, owner)
        check_one_of("verbose", _as_int(self.verbose), (0, 1, 2), owner)
        check_one_of("dtype", self.dtype, PRECISIONS, owner)
        obstacle = bfloat16_obstacle() if self.dtype == "mixed_bfloat16" else None
        if obstacle:
            raise invalid("dtype", owner, f"another one ({obstacle})", self.dtype)
        make_optimizer(self.optimizer, self.learning_rate, owner)
        make_metrics(self.metrics, owner)
        make_callbacks(self.callbacks, owner)
        open_memory(self.memory, owner)
        if not self._loss_is_auto():
            make_loss(self.loss, PRECISIONS[self.dtype], owner)

    def _loss_is_auto(self) -> bool:
        return isinstance(self.loss, str) and self.loss == "auto"

    def _check_same_network(self) -> None:
        """Refuse to continue a network under parameters that would build another."""
        for name in self._network_parameters:
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

    def _has_changed(self, name: str) -> bool:
        return not same(_frozen(getattr(self, name)), self._fit_params[name])

    def _takes_same_targets(self) -> bool:
        """Tell whether the loss takes targets encoded as they were."""
        return True

    def _cannot_continue(self, name: str) -> ValueError:
        return ValueError(
            f"{type(self).__name__} can't continue a network fitted with "
            f"{name}={self._fit_params[name]!r} as one with "
            f"{name}={getattr(self, name)!r}. Call fit with warm_start=False instead."
        )

    def _remember_parameters(self) -> None:
        # What the network was built and compiled with; `set_params` may change
        # the parameters later.
        self._fit_params = {
            name: _frozen(getattr(self, name))
            for name in self._all_parameters()
            if name not in {"callbacks", "memory", "random_state"}
        }

    @classmethod
    def _all_parameters(cls) -> list[str]:
        """Return the parameters of this class and of those it comes from.

        A subclass may name fewer in its own `__init__`; the attributes are there.
        """
        return list(
            dict.fromkeys(
                name
                for each in cls.__mro__
                if issubclass(each, KerasEstimator) and "__init__" in vars(each)
                for name in each._get_param_names()
            )
        )

    # -- steps of SciKeras's frame ------------------------------------------------

    def _initialize(self, X: Any, y: Any = None) -> tuple[np.ndarray, np.ndarray]:
        # SciKeras takes a copy of a RandomState, so that two fits with the same one
        # are alike, seeds Python, NumPy and TensorFlow for the whole process, and
        # builds the network as `model_`. Here scikit-learn's way with a RandomState,
        # a seed for the layers alone, and a recipe for the engine to build from.
        self._remember_parameters()
        X, y = self._validate_data(X, y, reset=True)
        self.target_encoder_ = self.target_encoder.fit(y)
        self.__dict__.update(self.target_encoder_.get_metadata())
        self.feature_encoder_ = self.feature_encoder.fit(X)
        # Last, so that bad data draws nothing from a RandomState.
        self._seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        self._network = OwnedNetwork(self._recipe())
        return X, y

    def _recipe(self) -> NetworkRecipe:
        target = self.target_encoder_
        return NetworkRecipe(
            builder=type(self)._builder,
            options={
                "input_shape": self._input_shape,
                "n_outputs": target.n_units,
                "output_activation": target.output_activation,
                **{name: self._fit_params[name] for name in self._network_parameters},
            },
            compile_options=self._compile_options(),
            owner=type(self).__name__,
            seed=self._seed,
        )

    def _ensure_compiled_model(self) -> None:
        """Nothing to do: the recipe compiles."""

    @property
    def initialized_(self) -> bool:
        """Whether the estimator is fitted."""
        # SciKeras asks for `model_`, which would make one.
        return "_network" in vars(self)

    def _compile_options(self) -> dict[str, Any]:
        given = {name: self._fit_params[name] for name in _COMPILED}
        given["loss"] = self.target_encoder_.compiled_loss(given["loss"])
        if given["metrics"] is None:
            given["metrics"] = self._default_metrics
        return given

    _default_metrics: tuple[str, ...] = ()

    def _check_model_compatibility(self, y: np.ndarray) -> None:
        """Nothing to check: the output layer is made for the target and the loss."""

    def _validate_data(
        self,
        X: Any = None,
        y: Any = "no_validation",
        reset: bool = False,
        y_numeric: bool = False,
    ) -> tuple[np.ndarray, Any]:
        # SciKeras checks shapes by itself; scikit-learn's function also checks and
        # keeps feature names, and says what users of scikit-learn know.
        X = self._rows_of(X, reset)
        options = {"dtype": np.dtype(self._dtype_of_data(reset)).type, "order": "C"}
        if isinstance(y, str) and y == "no_validation":
            return validate_data(self, X, reset=reset, **options), None
        if sparse.issparse(y):
            y = y.toarray()
        X, y = validate_data(
            self,
            X,
            y,
            reset=reset,
            multi_output=True,
            y_numeric=self._y_numeric,
            **options,
        )
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        self._check_targets(y, reset)
        return X, y

    _y_numeric = False

    def _check_targets(self, y: np.ndarray, reset: bool) -> None:
        """Refuse targets of the wrong kind; unless `reset`, others than before."""

    @property
    def _is_in_fit(self) -> bool:
        """Whether `fit` is at work, and not `partial_fit`."""
        return hasattr(self, "_epoch_tasks")

    def _rows_of(self, X: Any, reset: bool) -> Any:
        """Return X with one row a sample."""
        return X

    def _dtype_of_data(self, reset: bool) -> str:
        return PRECISIONS[self.dtype if reset else self._fit_params["dtype"]]

    @property
    def feature_encoder(self) -> FunctionTransformer:
        """Transformer from rows to what the network takes: here, the rows."""
        return as_arrays(FunctionTransformer())

    @staticmethod
    def _validate_sample_weight(
        X: np.ndarray, y: np.ndarray, sample_weight: Any
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        # Rows without weight are gone before any are held out for validation.
        weights = check_sample_weight(sample_weight, len(X))
        kept = weights > 0
        return X[kept], y[kept], weights[kept]

    def _fit_keras_model(
        self,
        X: np.ndarray,
        y: np.ndarray,
        sample_weight: np.ndarray | None,
        warm_start: bool,
        epochs: int,
        initial_epoch: int,
    ) -> None:
        # SciKeras counts epochs from 0 again under warm_start and forgets the
        # history; scikit-learn's MLP keeps its loss curve, as we do.
        owner = type(self).__name__
        initial_epoch = self.current_epoch if warm_start else 0
        arrays: Sequence[Any] = (X, y, sample_weight)
        held_out: Sequence[Any] | None = None
        if self.validation_split:
            arrays, held_out = _training.split_validation(
                arrays, self.validation_split, owner
            )
            held_out = self._weighed(*held_out)
        X, y, sample_weight = arrays
        arrays = self._weighed(X, y, self._weigh(y, sample_weight))
        callbacks = make_callbacks(self.callbacks, owner)
        self._tell_of_copies()
        network, trained = self._network.trained(
            TrainingPlan(
                Samples(*arrays),
                epochs=initial_epoch + epochs,
                initial_epoch=initial_epoch,
                batch_size=KERAS_BATCH if self.batch_size is None else self.batch_size,
                shuffle=self.shuffle,
                seed=self._seed,
                seeded=isinstance(self.random_state, Integral),
                validation_data=None if held_out is None else Samples(*held_out),
                callbacks=callbacks,
                verbose=_as_int(self.verbose),
                memory=open_memory(self.memory, owner),
                watch=self._watching(initial_epoch),
            )
        )
        added = trained.history
        if not network.is_finite():
            raise ValueError(
                f"Training of {owner} diverged: its weights are no longer finite "
                f"after {len(added['loss'])} epoch(s). Lower learning_rate (now "
                f"{self.learning_rate!r}), scale X, or clip gradients in the "
                "optimizer."
            )
        if not np.isfinite(added["loss"][-1]):
            # Its weights are good numbers, but nobody can tell how good.
            warnings.warn(
                f"The loss of {owner} is {added['loss'][-1]} in the last epoch: too "
                "large for its dtype. Scale y and X.",
                ConvergenceWarning,
                stacklevel=2,
            )
        self._network = network
        release_network(callbacks)
        self.callbacks_ = callbacks
        self.initial_epoch_ = trained.initial_epoch
        self.history_ = self._whole_history(added, initial_epoch)

    def _whole_history(
        self, added: dict[str, list[Any]], initial_epoch: int
    ) -> dict[str, list[Any]]:
        """Return the history before, if training went on from it, and what came."""
        past = getattr(self, "history_", {}) if initial_epoch else {}
        unknown = [float("nan")]
        return {
            name: past.get(name, unknown * initial_epoch)
            + added.get(name, unknown * len(added["loss"]))
            for name in [*added, *(name for name in past if name not in added)]
        }

    def _watching(self, initial_epoch: int) -> Watch:
        """Return what tells scikit-learn's callbacks of the epochs of `fit`."""
        if not self._is_in_fit:  # partial_fit is one epoch and no task
            return Watch()
        tasks = self._epoch_tasks
        network = self._network

        def after_epoch(look: Look) -> bool:
            def attributes() -> dict[str, Any]:
                history, state = look()
                return {
                    "_network": OwnedNetwork(network.recipe, state),
                    "history_": self._whole_history(history, initial_epoch),
                    "initial_epoch_": initial_epoch,
                    "callbacks_": [],
                }

            return tasks.end(attributes)

        return Watch(tasks.begin, after_epoch)

    def _weigh(
        self, y: np.ndarray, sample_weight: np.ndarray | None
    ) -> np.ndarray | None:
        """Return the weights of the encoded targets in the loss, of any scale."""
        return sample_weight

    def _weighed(
        self, X: np.ndarray, y: np.ndarray, weights: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
        X, y, weights = weighed(X, y, weights)
        loss = self._compile_options()["loss"]
        return X, y, weights_that_fit(loss, weights, type(self).__name__)

    def _predict_raw(self, X: Any) -> np.ndarray:
        # SciKeras calls `keras.Model.predict`, which builds a dataset each time.
        check_is_fitted(self, "history_")
        X, _ = self._validate_data(X)
        return self._network.predict(self.feature_encoder_.transform(X))

    # -- whole or not at all ------------------------------------------------------

    @contextmanager
    def _all_or_nothing(self) -> Iterator[None]:
        """Leave the estimator as it was when the block raises, Ctrl-C included."""
        before = dict(vars(self))
        try:
            yield
        except BaseException:
            self.__dict__.clear()
            self.__dict__.update(before)
            raise

    # -- copies -------------------------------------------------------------------

    def __sklearn_clone__(self) -> KerasEstimator:
        # As scikit-learn clones, but for the parameters that are copied in a way of
        # their own: it takes those as they are from a stand-in.
        stand_in = copy.copy(self)
        given = self.get_params(deep=False)
        for name in _COPIES.keys() & given.keys():
            setattr(stand_in, name, _Copied(_COPIES[name](given[name])))
        twin: KerasEstimator = super(KerasEstimator, stand_in).__sklearn_clone__()
        if self._has_unpickled_callbacks():
            twin._unpickled_callbacks = twin.callbacks
        return twin

    def __copy__(self) -> KerasEstimator:
        # Not by way of what is pickled.
        twin = type(self).__new__(type(self))
        twin.__dict__.update(vars(self))
        return twin

    def __deepcopy__(self, memo: dict[int, Any]) -> KerasEstimator:
        twin = memo[id(self)] = copy.copy(self)
        for name in ("callbacks", "callbacks_"):
            copy_of_callbacks(vars(self).get(name), memo)  # remembered in `memo`
        for name, value in vars(self).items():
            twin.__dict__[name] = copy.deepcopy(value, memo)
        return twin

    def __getstate__(self) -> dict[str, Any]:
        state = {**super().__getstate__()}
        state.pop("_unpickled_callbacks", None)
        check_picklable(state.get("callbacks"), type(self).__name__)
        if "callbacks_" in state:
            state["callbacks_"] = picklable(state["callbacks_"])
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if state.get("callbacks") is not None:
            self._unpickled_callbacks = self.callbacks

    _unpickled_callbacks: Any = None

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
_COPIES: dict[str, Callable[[Any], Any]] = {"callbacks": copy_of_callbacks}


class _Copied:
    """A parameter that is copied already, for `sklearn.base.clone`."""

    def __init__(self, value: Any) -> None:
        self._value = value

    def __sklearn_clone__(self) -> Any:
        return self._value


def as_arrays(transformer: FunctionTransformer) -> FunctionTransformer:
    """Return a transformer that gives arrays, whatever scikit-learn's config says."""
    return transformer.set_output(transform="default")


def _frozen(value: Any) -> Any:
    """Return a parameter as a value of its own, which its owner can't change."""
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, list):
        return tuple(_frozen(each) for each in value)
    if isinstance(value, KINDS):
        return copy_of(value)
    return copy.deepcopy(value) if isinstance(value, dict) else value


def _as_int(verbose: Any) -> Any:
    return int(verbose) if isinstance(verbose, bool | np.integer) else verbose
