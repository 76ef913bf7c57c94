"""The course of a fit, and what every estimator has: predict, summary, model_, save."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

import sknn_mnist.networks._quiet_start  # noqa: F401  before Keras

# isort: split
import keras
import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from sknn_mnist.engine._owned_network import OwnedNetwork
from sknn_mnist.engine._plan import Trained
from sknn_mnist.estimators._callbacks import release_network
from sknn_mnist.estimators._copies import EstimatorCopies
from sknn_mnist.estimators._held_out import Validation
from sknn_mnist.estimators._plans import PlansTraining
from sknn_mnist.estimators._scikeras import ScikerasFrame
from sknn_mnist.estimators._sklearn_callbacks import (
    CallbackSupportMixin,
    EpochTasks,
    with_callbacks,
)
from sknn_mnist.networks._recipes import NetworkRecipe

__all__ = ["KerasEstimator", "metadata_of"]


class KerasEstimator(
    CallbackSupportMixin, EstimatorCopies, PlansTraining, ScikerasFrame
):
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
    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
        groups: Any = None,
    ) -> KerasEstimator:
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
            rate keeps its meaning. The weights of the samples held out are scaled so
            on their own, without weights of classes.
        X_val : array-like of shape (n_val, n_features), default=None
            Samples to evaluate after each epoch, instead of those that
            `validation_split` would hold out.
        y_val : array-like of shape (n_val,) or (n_val, n_outputs), default=None
            Targets of `X_val`; labels must be among those of `y`.
        sample_weight_val : array-like of shape (n_val,), default=None
            Weights of the samples of `X_val`, as `sample_weight`.
        groups : array-like of shape (n_samples,), default=None
            Groups of the samples, for a splitter as `validation_split`.

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
        validation = Validation(X_val, y_val, sample_weight_val, groups)
        self._check_validation(validation)
        tasks = EpochTasks(self, self._setting("epochs"), X, y, sample_weight)
        with self._all_or_nothing(), self._borrowing():
            if self.warm_start and self.initialized_:
                self._check_same_network()
            self._validation = validation
            self._epoch_tasks = tasks
            super().fit(X, y, sample_weight=sample_weight)
            del self._epoch_tasks, self._validation
        tasks.close()
        return self

    def partial_fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
        groups: Any = None,
    ) -> KerasEstimator:
        """Train for one more epoch on X and y.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training samples, as in `fit`.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples, as in `fit`.
        X_val, y_val, sample_weight_val, groups : array-like, default=None
            As in `fit`. With `early_stopping` there must be samples to validate on, and
            the one epoch is the best of its call: when to stop is the caller's to say.

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
        validation = Validation(X_val, y_val, sample_weight_val, groups)
        self._check_validation(validation)
        with self._all_or_nothing():
            if self.initialized_:
                self._check_same_network()
            self._validation = validation
            super().partial_fit(X, y, sample_weight=sample_weight)
            del self._validation
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
        self._take_validation()
        # Last, so that bad data draws nothing from a RandomState.
        random_state = check_random_state(self._lent("seed", self.random_state))
        self._seed = int(random_state.randint(2**31 - 1))
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
        _check_trained(self, network, trained, initial_epoch)
        self._network = network
        self.callbacks_ = list(plan.callbacks)
        release_network(self.callbacks_)
        self._remember_course(trained, initial_epoch)

    def _predict_raw(self, X: Any) -> np.ndarray:
        # SciKeras calls `keras.Model.predict`, which builds a dataset each time.
        check_is_fitted(self, "history_")
        return self._network.predict(self._network_input(X), **self._of_predict())

    def _network_input(self, X: Any) -> Any:
        """Return samples as the network takes them."""
        X, _ = self._validate_data(X)
        return self._as_taken(self.feature_encoder_.transform(X))

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
    estimator: KerasEstimator, network: OwnedNetwork, trained: Trained, first: int
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
    name, epoch, which = "loss", len(losses) - 1, "the last epoch"
    if trained.best_epoch is not None:
        name, epoch = estimator.monitor, trained.best_epoch - first
        which = "each epoch, and the first was put back"
    value = trained.history[name][epoch]
    if not np.isfinite(value):
        # Its weights are good numbers, but nobody can tell how good.
        warnings.warn(
            f"The {name} of {owner} is {value} in {which}: too large for its dtype. "
            "Scale y and X, or lower learning_rate.",
            ConvergenceWarning,
            stacklevel=3,
        )
