"""Estimators of fully connected nets."""

from __future__ import annotations

import sknn_mnist.networks._quiet_start  # noqa: F401  before anything that imports Keras

# isort: split
from typing import Any

from sklearn.utils import Tags

from sknn_mnist.estimators._base import KerasEstimator
from sknn_mnist.estimators._classifier import BaseKerasClassifier
from sknn_mnist.estimators._constructors import constructed, names_of
from sknn_mnist.estimators._parameters import DenseParameters
from sknn_mnist.estimators._pixel_values import ScalesPixels
from sknn_mnist.estimators._regressor import BaseKerasRegressor
from sknn_mnist.networks._builder_parameters import check_dense_parameters
from sknn_mnist.networks._builders import build_dense

__all__ = ["DenseClassifier", "DenseRegressor"]


class DensePart(ScalesPixels, KerasEstimator, DenseParameters):
    """The part of the estimators that builds with `build_dense`."""

    _builder = staticmethod(build_dense)
    _network_parameters = (*names_of(DenseParameters), "rescaling", "dtype")

    def _check_parameters(self) -> None:
        super()._check_parameters()
        given = {name: getattr(self, name) for name in names_of(DenseParameters)}
        check_dense_parameters(type(self).__name__, **given)

    @property
    def _input_shape(self) -> tuple[int, ...]:
        return (self.n_features_in_,)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def _options_of_rows(self, reset: bool) -> dict[str, Any]:
        return {**super()._options_of_rows(reset), "accept_sparse": "csr"}

    def _rows_of(self, X: Any, reset: bool) -> Any:
        """Return X, which must have one row per sample."""
        shape = getattr(X, "shape", ())
        if len(shape) in (3, 4):
            task = type(self).__name__.removeprefix("Dense")
            raise ValueError(
                f"{type(self).__name__} takes rows of shape (n_samples, n_features), "
                f"and X of shape {shape} looks like images. Give X.reshape(len(X), -1)"
                ", or begin a pipeline with FunctionTransformer(lambda X: X.reshape("
                f"len(X), -1)); or take CNN{task}, which takes images as they are."
            )
        return super()._rows_of(X, reset)


@constructed
class DenseClassifier(BaseKerasClassifier, DensePart):
    """Classifier: a net of fully connected layers.

    A Keras net (`model_`) with the behaviour of a scikit-learn classifier. Two
    classes, more than two, and label indicator matrices (several labels per sample)
    are understood; the output layer and the loss follow the target.

    Parameters
    ----------
    hidden_size : int or sequence of int, default=32
        Units of the hidden layer, or of each hidden layer. An empty tuple leaves
        none.
    activation : str, dict or callable, default="relu"
        Activation of the hidden layers, as Keras takes it.
    dropout : float, default=0.0
        Fraction of each hidden dense layer's outputs set to 0 in training, in
        [0, 1).
    batch_norm : bool, default=False
        Whether batch normalisation follows each hidden layer's activation.
    rescaling : "auto", float or None, default="auto"
        By what the network's first layer, a Rescaling, multiplies X. "auto" is 1/255
        for pixels in 8 bits (X of dtype uint8 with values above 32), which stay 8 bits
        in memory, and none for any other X. A number serves pixels of other dtypes.
    optimizer : str, dict, class or keras.optimizers.Optimizer, default="adam"
        Optimizer by name, config, class or object. Objects are copied.
    learning_rate : float, LearningRateSchedule, dict or None, default=None
        Learning rate of the optimizer; None leaves it as the optimizer has it
        (0.001 for "adam").
    loss : str, dict, class, keras.losses.Loss or callable, default="auto"
        Loss by name, config, class or object, of probabilities. "auto" means
        binary cross-entropy for two classes and for indicator matrices, sparse
        categorical cross-entropy otherwise. With "categorical_crossentropy" a
        matrix `y` is taken as one-hot: the net ends in softmax and predicts
        one-hot rows. A loss that is not one of probabilities is refused. With one
        class in `y` it is not used: there is nothing to learn.
    metrics : str, dict, Metric, callable or list of these, default=None
        Metrics kept in `history_`, by name, config or object. None means
        ``"accuracy"``.
    batch_size : int or None, default=128
        Samples per step of the optimizer; all of them where there are fewer. None
        means 32, as in `keras.Model.fit`.
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
    callbacks : str, dict, keras.callbacks.Callback or list of these, default=None
        Callbacks by name, config or object. A fit works on copies, which are then
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
    dtype : {"float32", "float64", "mixed_bfloat16", "mixed_float16"}, default="float32"
        Precision of the network and of the probabilities. With the mixed ones the
        hidden layers compute in 16 bits, which some accelerators do faster; weights
        and probabilities are float32.
    class_weight : dict, "balanced" or None, default=None
        Weights of the classes in training, by label; classes that are not named
        weigh 1, and of those that weigh 0 no sample is trained on. "balanced" weighs
        classes inversely to their frequency. Multiplied with `sample_weight`, they
        are scaled to an average of 1 over the samples trained on.

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
    classes_ : ndarray of shape (n_classes,)
        The labels. With a label indicator matrix as `y`: the column numbers.
    n_classes_ : int
        Number of classes.
    rescaling_ : float or None
        By what the network multiplies X; None where it has no such layer.
    value_range_ : tuple of float
        Smallest and largest value of X, as found in up to 1000 of the rows, evenly
        spaced. `predict` warns of values that are plainly on another scale.
    n_features_in_ : int
        Features of a sample.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where X had string column names.

    See Also
    --------
    CNNClassifier : The same with convolutions.
    sknn_mnist.build_dense : The network itself.

    Examples
    --------
    >>> from sknn_mnist import DenseClassifier
    >>> from sknn_mnist.datasets import load_digits28
    >>> X_train, X_test, y_train, y_test = load_digits28(return_X_y=True)
    >>> clf = DenseClassifier(hidden_size=32, epochs=20, random_state=0)
    >>> clf.fit(X_train, y_train).score(X_test, y_test) > 0.9
    True
    >>> clf.predict_proba(X_test[:1]).shape
    (1, 10)
    """


@constructed
class DenseRegressor(BaseKerasRegressor, DensePart):
    """Regressor: a net of fully connected layers.

    A Keras net (`model_`) with the behaviour of a scikit-learn regressor, for one
    target or several.

    Parameters
    ----------
    hidden_size : int or sequence of int, default=32
        Units of the hidden layer, or of each hidden layer. An empty tuple leaves
        none.
    activation : str, dict or callable, default="relu"
        Activation of the hidden layers, as Keras takes it.
    dropout : float, default=0.0
        Fraction of each hidden dense layer's outputs set to 0 in training, in
        [0, 1).
    batch_norm : bool, default=False
        Whether batch normalisation follows each hidden layer's activation.
    rescaling : "auto", float or None, default="auto"
        By what the network's first layer, a Rescaling, multiplies X. "auto" is 1/255
        for pixels in 8 bits (X of dtype uint8 with values above 32), which stay 8 bits
        in memory, and none for any other X. A number serves pixels of other dtypes.
    optimizer : str, dict, class or keras.optimizers.Optimizer, default="adam"
        Optimizer by name, config, class or object. Objects are copied.
    learning_rate : float, LearningRateSchedule, dict or None, default=None
        Learning rate of the optimizer; None leaves it as the optimizer has it
        (0.001 for "adam").
    loss : str, dict, class, keras.losses.Loss or callable, default="auto"
        Loss by name, config, class or object. "auto" means mean squared error. The
        output layer follows it: exponential for "poisson" and
        "mean_squared_logarithmic_error", whose `y` must not be negative, sigmoid for
        "binary_crossentropy" of `y` from 0 to 1, softmax for "kl_divergence" and
        "categorical_crossentropy" of distributions, and linear otherwise. A
        classification loss, and `y` out of the loss's range, are refused.
    metrics : str, dict, Metric, callable or list of these, default=None
        Metrics kept in `history_`, by name, config or object. None means
        none beside the loss.
    batch_size : int or None, default=128
        Samples per step of the optimizer; all of them where there are fewer. None
        means 32, as in `keras.Model.fit`.
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
    callbacks : str, dict, keras.callbacks.Callback or list of these, default=None
        Callbacks by name, config or object. A fit works on copies, which are then
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
    dtype : {"float32", "float64", "mixed_bfloat16", "mixed_float16"}, default="float32"
        Precision of the network. Predictions are float64 either way. With the mixed
        ones the hidden layers compute in 16 bits, which some accelerators do faster;
        weights are float32.

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
    n_outputs_ : int
        Number of targets.
    rescaling_ : float or None
        By what the network multiplies X; None where it has no such layer.
    value_range_ : tuple of float
        Smallest and largest value of X, as found in up to 1000 of the rows, evenly
        spaced. `predict` warns of values that are plainly on another scale.
    n_features_in_ : int
        Features of a sample.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where X had string column names.

    See Also
    --------
    CNNRegressor : The same with convolutions.
    sknn_mnist.build_dense : The network itself.

    Examples
    --------
    >>> from sklearn.datasets import make_regression
    >>> from sknn_mnist import DenseRegressor
    >>> X, y = make_regression(n_features=4, noise=1.0, random_state=0)
    >>> reg = DenseRegressor(epochs=100, learning_rate=0.1, random_state=0)
    >>> reg.fit(X, y).score(X, y) > 0.9
    True
    """
