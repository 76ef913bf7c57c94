"""The classifier of a network that the user's own function makes."""

from __future__ import annotations

import sknn_mnist.networks._quiet_start  # noqa: F401  before anything that imports Keras

# isort: split
import inspect
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from sknn_mnist.estimators._classifier import BaseKerasClassifier
from sknn_mnist.estimators._constructors import open_constructed
from sknn_mnist.estimators._own_data import encoder_of, of_one_kind
from sknn_mnist.estimators._own_parameters import ModelParameter
from sknn_mnist.estimators._own_part import OwnPart, own_score
from sknn_mnist.estimators._own_targets import OwnClassEncoder
from sknn_mnist.estimators._several_heads import SeveralHeads
from sknn_mnist.estimators._targets import check_class_targets

__all__ = ["KerasClassifier"]


@open_constructed
class KerasClassifier(OwnPart, BaseKerasClassifier, ModelParameter):
    """Classifier: the network that a function of your own makes.

    The function's keywords are parameters of the estimator, from its signature:
    ``KerasClassifier(make_model, hidden_size=64)``, and in grids. Labels of any kind
    are encoded to what the loss takes, and a last layer that does not fit them is
    refused before training. A network of Keras's own layers trains, resumes and is
    saved as `DenseClassifier` is; one with code of yours trains in the same loop,
    compiled anew for each fit.

    Parameters
    ----------
    model : callable, keras.Model or None, default=None
        A function that returns a `keras.Model`, compiled or not; or a network itself,
        whose weights are where each fit starts: fits train copies, and clones share
        it. A function may ask for ``meta`` (a dict of what `fit` knows of the data:
        ``meta["n_classes_"]``, ``meta["n_features_in_"]``...), ``compile_kwargs`` and
        ``params`` by these names. None is for subclasses with a method
        ``_keras_build_fn``.
    optimizer : str, dict, class, keras.optimizers.Optimizer or None, default="auto"
        Optimizer by name, config, class or object. Objects are copied. "auto" and None
        leave it to the function, and where that does not compile mean Adam.
    learning_rate : float, LearningRateSchedule, dict or None, default=None
        Learning rate of the optimizer, the function's too; None leaves it as the
        optimizer has it.
    loss : str, dict, class, keras.losses.Loss, callable, list or None, default="auto"
        Loss by name, config, class or object, or one for each output. "auto" and None
        leave it to the function, and where that does not compile mean binary
        cross-entropy for an output layer of one unit and for several labels a row,
        cross-entropy of classes otherwise. Of logits too (``loss__from_logits=True``):
        `predict_proba` gives probabilities all the same. Where a loss of scores has
        trained a last layer that gives none (mean squared error or a hinge on a linear
        one), it counts those below 0 as 0 and divides by their sum; of one unit, or of
        several labels a row, it keeps each within [0, 1].
    metrics : str, dict, Metric, callable, list of these or None, default=None
        Metrics kept in `history_`, or some for each output. None leaves them to the
        function, and where that does not compile means ``"accuracy"``.
    batch_size : int or None, default=128
        Samples per step of the optimizer; all of them where there are fewer, and for
        -1. None means 32, as in `keras.Model.fit`.
    epochs : int, default=10
        Passes over the training samples.
    validation_split : float or splitter, default=0.0
        Fraction of the samples, the last ones and at least one, held out from
        training and evaluated after each epoch, in [0, 1), as in `keras.Model.fit`.
        Or a splitter of scikit-learn's, whose first split is taken: for example
        ``StratifiedShuffleSplit(1, test_size=0.1)``.
    early_stopping : bool, default=False
        Whether to stop when `monitor` has not improved for `n_iter_no_change` epochs,
        and to put the network of the best epoch back, as Keras's EarlyStopping does.
        Then there are at most `epochs`. A `monitor` of held-out samples needs
        `validation_split`, or `X_val` and `y_val` of `fit`.
    n_iter_no_change : int, default=10
        Epochs without improvement after which `early_stopping` stops.
    tol : float, default=0.0
        By how much `monitor` must improve for `early_stopping` to count it.
    monitor : str, default="val_loss"
        What `early_stopping` goes by: the name of a loss or metric in `history_`.
    shuffle : bool, default=True
        Whether each epoch takes the samples in an order of its own.
    callbacks : str, dict, Callback, class or list of these, default=None
        Callbacks by name, config, class or object, or a dict of them by names of your
        own, for ``callbacks__stop__patience=3``. A fit works on copies, which are then
        found in `callbacks_`: plain state (numbers, lists, arrays) is the copy's own,
        anything else that a callback holds, such as a study or a run, is shared. In a
        grid, where scikit-learn copies the candidates, give such callbacks a
        `__sklearn_clone__` that returns them, or give their class.
    warm_start : bool, default=False
        Whether `fit` goes on from the weights, optimizer state and history of the
        last fit instead of starting anew. A classifier needs the same classes then.
    memory : str, path-like, joblib.Memory or None, default=None
        Where training states are kept: a folder, or ``":memory:"`` for this process
        alone. A fit then goes on from the longest earlier training that differs from
        it in `epochs` at most, interrupted ones too, with the same result to the bit.
        Needs an int `random_state`, and of callbacks takes those of Keras's own that
        stop, log, save or set rates by epoch, and no others. The how-to page "Share
        epochs, and resume what was stopped" says more.
    random_state : int, RandomState instance or None, default=None
        Seeds initial weights, order of samples and dropout. With an int, fits on
        the same data give the same weights.
    verbose : {0, 1, 2}, default=0
        Silent, one line of progress per fit, or Keras's line per epoch.
    dtype : str or None, default=None
        "float32", "float64", "mixed_bfloat16" or "mixed_float16":
        Keras's dtype policy while the function makes the network; None for the one
        that is set.
    class_weight : dict, "balanced" or None, default=None
        Weights of the classes in training, by label; classes that are not named
        weigh 1, and of those that weigh 0 no sample is trained on. "balanced" weighs
        classes inversely to their frequency. Multiplied with `sample_weight`, they
        are scaled to an average of 1 over the samples trained on.
    run_eagerly : bool, default=False
        Whether to train by `keras.Model.fit`, step by step in Python, for debugging.
    validation_batch_size : int or None, default=None
        Samples per step of the validation; None lets the engine choose.
    feature_encoder : transformer, callable or None, default=None
        From X, checked, to what the network takes: an array, or a list or dict of
        them for several inputs. A clone is fitted.
    target_encoder : transformer, callable or None, default=None
        From y to what the loss takes, and back from what the network gives, by
        ``inverse_transform``. None encodes labels by the loss and the last layer.
    transform_layer : str, int or None, default=None
        The layer, by name or place, whose output `transform` returns.

    Attributes
    ----------
    model_ : keras.Model
        The trained network.
    history_ : dict of str to list of float
        Loss and metrics of each epoch; those of held-out samples as ``val_loss`` and
        so on.
    n_iter_ : int
        Epochs in `history_`.
    best_epoch_ : int
        With `early_stopping`, the epoch that was put back, counted from 0 as in Keras:
        ``history_[monitor][best_epoch_]`` is its score.
    best_score_ : float
        With `early_stopping`, the value of `monitor` in that epoch.
    initial_epoch_ : int
        The epoch that the last fit started at: 0, or as many as it found in `memory`
        or went on from under `warm_start`. `history_` has those before as well.
    callbacks_ : list of keras.callbacks.Callback
        The callbacks that took part in the last fit.
    classes_ : ndarray of shape (n_classes,), or list of them
        The labels, of each column where y has several. With a label indicator matrix as
        `y`: the column numbers.
    n_classes_ : int, or list of int
        Number of classes.
    n_outputs_ : int
        Number of targets.
    n_features_in_ : int
        Features of a sample, where X is one array.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where X had string column names.

    See Also
    --------
    KerasRegressor : For numbers.
    DenseClassifier : Without writing a network.

    Notes
    -----
    Further parameters are the keywords of the function, and names with a prefix:

    - ``model__``, for the function alone;
    - ``optimizer__``, ``loss__``, ``metrics__`` and ``callbacks__``, for arguments of
      what is made of these: ``optimizer__momentum``, ``callbacks__stop__patience``;
    - ``compile__``, for what `keras.Model.compile` takes beside them:
      ``jit_compile``, ``loss_weights``, ``run_eagerly``, ``steps_per_execution`` and
      ``weighted_metrics``;
    - ``fit__``, for ``batch_size``, ``callbacks``, ``epochs``, ``shuffle``,
      ``validation_batch_size``, ``validation_split`` and ``verbose``: ``fit__epochs=2``
      outweighs ``epochs=1``;
    - ``predict__``, for ``batch_size`` and ``verbose``.

    No name that nobody takes is ignored. The constructor and `set_params` refuse it, or
    `fit` before training where it is routed to the optimizer, loss, metrics or
    callbacks, which may not be known before.

    Examples
    --------
    >>> import keras
    >>> from sknn_mnist import KerasClassifier
    >>> from sknn_mnist.datasets import load_digits28
    >>> def make_model(optimizer="adam", hidden_size=32):
    ...     model = keras.Sequential([
    ...         keras.layers.Input((784,)),
    ...         keras.layers.Dense(hidden_size, activation="relu"),
    ...         keras.layers.Dense(10, activation="softmax"),
    ...     ])
    ...     model.compile(
    ...         optimizer, loss="categorical_crossentropy", metrics=["accuracy"]
    ...     )
    ...     return model
    >>> X_train, X_test, y_train, y_test = load_digits28(return_X_y=True)
    >>> clf = KerasClassifier(make_model, epochs=20, random_state=0)
    >>> clf.set_params(hidden_size=64).fit(X_train, y_train).score(X_test, y_test) > 0.9
    True
    """

    def predict_log_proba(self, X: Any) -> Any:
        """Predict the logarithms of the probabilities of the classes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples, in the layouts that `fit` takes.

        Returns
        -------
        ndarray of shape (n_samples, n_classes), or list of them
            Natural logarithms of what `predict_proba` returns.
        """
        found = self.predict_proba(X)
        with np.errstate(divide="ignore"):  # log(0) is -inf, as it should be
            if isinstance(found, list):
                return [np.log(each) for each in found]
            return np.log(found)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the accuracy on X and y, or what a `scorer` of the class gives.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples, in the layouts that `fit` takes.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Labels.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples.

        Returns
        -------
        float
            Of several columns, the fraction of rows that are right in all.
        """
        check_is_fitted(self, "history_")
        own = own_score(self, X, y, sample_weight)
        if own is not None:
            return own
        if isinstance(self.target_encoder_, SeveralHeads):
            right = (self.predict(X) == np.asarray(y)).all(axis=1)
            return float(np.average(right, weights=sample_weight))
        return super().score(X, y, sample_weight)

    @property  # type: ignore[misc]
    def target_encoder(self) -> Any:
        """Transformer from labels to what the loss takes."""
        given, owner = vars(self).get("target_encoder"), type(self).__name__
        if given is not None:
            return encoder_of("target_encoder", given, owner)
        dtype = self._dtype_of_data(reset=True)
        if self.target_type_ == "multiclass-multioutput":
            return SeveralHeads(owner, dtype, classes=True)
        return OwnClassEncoder(owner, getattr(self, "_known_classes", None), dtype)

    def _check_compiled(self) -> None:
        OwnPart._check_compiled(self)

    def _check_targets(self, y: np.ndarray, reset: bool) -> None:
        if _encodes_itself(self, KerasClassifier):
            return
        if reset or y.ndim == 1 or not isinstance(self.target_encoder_, SeveralHeads):
            _check_labels(y, type(self).__name__, super()._check_targets, reset)

    def _proba_from_raw(self, raw: Any) -> Any:
        convert = self.target_encoder_.inverse_transform
        if "return_proba" in inspect.signature(convert).parameters:
            return convert(raw, return_proba=True)
        return raw

    def _codes_of(self, encoded: Any) -> np.ndarray:
        if not hasattr(self.target_encoder_, "codes_of"):
            raise ValueError(
                f"class_weight of {type(self).__name__} can't be used with a "
                "target_encoder of your own, whose classes are not known. Give "
                "sample_weight instead."
            )
        return super()._codes_of(encoded)

    def _takes_same_targets(self) -> bool:
        return OwnPart._takes_same_targets(self)


def _encodes_itself(estimator: Any, kind: type) -> bool:
    """Tell whether targets are encoded by the user's own encoder."""
    overridden = type(estimator).target_encoder is not vars(kind)["target_encoder"]
    return overridden or vars(estimator).get("target_encoder") is not None


def _check_labels(y: np.ndarray, owner: str, check: Any, reset: bool) -> None:
    """Refuse targets that are no labels; several columns of them are."""
    if y.ndim == 2 and y.dtype == object:
        _check_columns(y, owner)
    if y.ndim == 2 and y.dtype.kind in "OUSbiu":
        return
    if y.ndim == 2 and np.array_equal(y, np.round(y)):
        return
    if y.ndim == 2:
        check_class_targets(y, owner)
    check(y, reset)


def _check_columns(y: np.ndarray, owner: str) -> None:
    """Refuse columns of a frame that are no labels, each of its own kind."""
    for place, objects in enumerate(y.T):
        column = of_one_kind(objects)
        kinds = {type(each).__name__ for each in column}
        if column.dtype == object and kinds != {"str"}:
            raise ValueError(
                f"Column {place} of y holds {' and '.join(sorted(kinds))}: {owner} "
                "takes labels of one kind in each, text or whole numbers."
            )
        check_class_targets(column, owner)
