"""The course of a fit, and what every estimator has: predict, summary, model_, save."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from numbers import Integral
from typing import Any, BinaryIO

import keras
import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from sknn_mnist.engine._owned_network import OwnedNetwork
from sknn_mnist.engine._plan import Samples, Trained, TrainingPlan
from sknn_mnist.engine._training import split_validation
from sknn_mnist.engine._watch import Look, Watch
from sknn_mnist.estimators._callbacks import make_callbacks, release_network
from sknn_mnist.estimators._copies import EstimatorCopies
from sknn_mnist.estimators._data import CheckedData
from sknn_mnist.estimators._fit_parameters import as_int
from sknn_mnist.estimators._scikeras import ScikerasFrame
from sknn_mnist.estimators._sklearn_callbacks import (
    CallbackSupportMixin,
    EpochTasks,
    with_callbacks,
)
from sknn_mnist.memory._stores import open_memory
from sknn_mnist.networks._recipes import NetworkRecipe

__all__ = ["KerasEstimator", "metadata_of"]

# What `keras.Model.fit` takes batch_size=None for.
KERAS_BATCH = 32


class KerasEstimator(CallbackSupportMixin, EstimatorCopies, CheckedData, ScikerasFrame):
    """Common ground of the estimators: a network that is built, trained and kept.

    A subclass names its parameters in `__init__`, says how its network is built in
    `_builder` and `_input_shape`, and chooses its `target_encoder`.
    """

    _builder: Callable[..., keras.Model]

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
            rate keeps its meaning. The weights of the samples held out by
            `validation_split` are scaled so on their own, without weights of classes.

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
        tasks = EpochTasks(self, self._setting("epochs"), X, y, sample_weight)
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
        history and versions as JSON, and of a network that your own function makes the
        layers, where all are Keras's own. Where it has layers, a loss or metrics of
        yours, `load` must be given the function. Unlike a pickle it runs no code when
        it is read.

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
            use joblib.dump for these. When the layers of `model_`, or the parameter
            `model`, were changed since `fit`.
        OSError
            When the file can't be written.

        See Also
        --------
        sknn_mnist.load : Read it.
        """
        # The one arrow that goes the other way: files know estimators.
        from sknn_mnist.files._estimator_files import save_estimator

        save_estimator(self, path)

    # -- steps of SciKeras's frame ------------------------------------------------

    def _initialize(self, X: Any, y: Any = None) -> tuple[np.ndarray, np.ndarray]:
        # SciKeras takes a copy of a RandomState, so that two fits with the same one
        # are alike, seeds Python, NumPy and TensorFlow for the whole process, and
        # builds the network as `model_`. Here scikit-learn's way with a RandomState,
        # a seed for the layers alone, and a recipe for the engine to build from.
        self._remember_parameters()
        X, y = self._validate_data(X, y, reset=True)
        self.target_encoder_ = self.target_encoder.fit(y)
        self.__dict__.update(metadata_of(self.target_encoder_))
        self.feature_encoder_ = self.feature_encoder.fit(X)
        # Last, so that bad data draws nothing from a RandomState.
        self._seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        self._network = OwnedNetwork(self._recipe_for(X, y))
        return X, y

    def _recipe_for(self, X: Any, y: Any) -> NetworkRecipe:
        """Return how to make the network, whose encoders are fitted."""
        return self._recipe()

    def _recipe(self) -> NetworkRecipe:
        target = self.target_encoder_
        return NetworkRecipe(
            builder=type(self)._builder,
            options={
                "input_shape": self._input_shape,
                "n_outputs": target.n_units,
                "output_activation": target.output_activation,
                **self._network_options(),
            },
            compile_options=self._compile_options(),
            owner=type(self).__name__,
            seed=self._seed,
        )

    @property
    def _is_in_fit(self) -> bool:
        """Whether `fit` is at work, and not `partial_fit`."""
        return hasattr(self, "_epoch_tasks")

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
        initial_epoch = self.current_epoch if warm_start else 0
        X = self._as_taken(X)
        plan = self._plan(X, y, sample_weight, initial_epoch, initial_epoch + epochs)
        self._tell_of_copies()
        network, trained = self._network.trained(plan)
        _check_trained(self, network, trained)
        self._network = network
        self.callbacks_ = list(plan.callbacks)
        release_network(self.callbacks_)
        self.initial_epoch_ = trained.initial_epoch
        self.history_ = self._whole_history(trained.history, initial_epoch)

    def _plan(
        self,
        X: np.ndarray,
        y: np.ndarray,
        sample_weight: np.ndarray | None,
        initial_epoch: int,
        epochs: int,
    ) -> TrainingPlan:
        """Return what to train on, and how, by the parameters."""
        owner = type(self).__name__
        held_out = None
        fraction = self._setting("validation_split")
        if fraction:
            (X, y, sample_weight), rest = split_validation(
                (X, y, sample_weight), fraction, owner
            )
            held_out = Samples(*self._weighed(*rest))
        batch_size = self._setting("batch_size")
        return TrainingPlan(
            Samples(*self._weighed(X, y, self._weigh(y, sample_weight))),
            epochs=epochs,
            initial_epoch=initial_epoch,
            batch_size=KERAS_BATCH if batch_size is None else batch_size,
            shuffle=self._setting("shuffle"),
            seed=self._seed,
            seeded=isinstance(self.random_state, Integral),
            validation_data=held_out,
            validation_batch_size=self._validation_batch_size(),
            callbacks=make_callbacks(self._callbacks_given(), owner),
            verbose=as_int(self._setting("verbose")),
            memory=open_memory(self.memory, owner),
            watch=self._watching(initial_epoch),
        )

    def _validation_batch_size(self) -> int | None:
        """Return the samples per step of the validation; None for the engine's."""
        return None

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
                return {
                    "_network": OwnedNetwork(network.recipe, look.state),
                    "history_": self._whole_history(look.history, initial_epoch),
                    "initial_epoch_": initial_epoch,
                    "callbacks_": [],
                }

            return tasks.end(attributes)

        return Watch(tasks.begin, after_epoch)

    def _predict_raw(self, X: Any) -> np.ndarray:
        # SciKeras calls `keras.Model.predict`, which builds a dataset each time.
        check_is_fitted(self, "history_")
        return self._network.predict(self._network_input(X), **self._of_predict())

    def _network_input(self, X: Any) -> Any:
        """Return samples as the network takes them."""
        X, _ = self._validate_data(X)
        return self._as_taken(self.feature_encoder_.transform(X))

    def _as_taken(self, X: Any) -> Any:
        """Return encoded rows in the shapes and dtypes that the network takes."""
        return X

    def _of_predict(self) -> dict[str, Any]:
        """Return further arguments of the network's `predict`."""
        return {}

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


def metadata_of(encoder: Any) -> dict[str, Any]:
    """Return the attributes that an encoder gives its estimator, as SciKeras has it."""
    found: dict[str, Any] = getattr(encoder, "get_metadata", dict)()
    return found


def _check_trained(
    estimator: KerasEstimator, network: OwnedNetwork, trained: Trained
) -> None:
    """Refuse a network that diverged, and warn of a loss that tells nothing."""
    owner, losses = type(estimator).__name__, trained.history["loss"]
    if not network.is_finite():
        raise ValueError(
            f"Training of {owner} diverged: its weights are no longer finite after "
            f"{len(losses)} epoch(s). Lower learning_rate (now "
            f"{estimator.learning_rate!r}), scale X, or clip gradients in the "
            "optimizer."
        )
    if not np.isfinite(losses[-1]):
        # Its weights are good numbers, but nobody can tell how good.
        warnings.warn(
            f"The loss of {owner} is {losses[-1]} in the last epoch: too large for its "
            "dtype. Scale y and X.",
            ConvergenceWarning,
            stacklevel=3,
        )
