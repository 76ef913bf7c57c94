"""What a fitted network sees: maps, sensitive pixels, what filters look for.

The pictures of these are in `sknn_mnist.display`.
"""

from __future__ import annotations

from typing import Any

import sknn_mnist._quiet_start  # noqa: F401  before Keras

# isort: split
import keras
import numpy as np
from scipy import ndimage
from sklearn.base import is_classifier
from sklearn.pipeline import Pipeline
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from sknn_mnist._parameters import as_finite_float, check_positive_int, invalid
from sknn_mnist.estimators._adapter import KerasEstimator
from sknn_mnist.inspection._gradients import class_score_gradients, climb

__all__ = [
    "convolution_kernels",
    "feature_maps",
    "gradient_saliency",
    "images_of",
    "looked_at",
    "maximize_activation",
    "occlusion",
]

# Images at a time; only memory limits it.
BATCH = 512


def convolution_kernels(estimator: Any, layer: int | str = 0) -> np.ndarray:
    """Return the kernels of a convolution.

    Parameters
    ----------
    estimator : estimator
        A fitted `CNNClassifier` or `CNNRegressor`, or a pipeline or search that ends
        in one.
    layer : int or str, default=0
        Which convolution: its number from 0 (-1 is the last), or the name of its
        layer.

    Returns
    -------
    ndarray of shape (kernel_height, kernel_width, channels, filters)
        A copy, as Keras lays kernels out.

    Raises
    ------
    sklearn.exceptions.NotFittedError
        When the estimator is not fitted.
    TypeError or ValueError
        When it has no convolutions, or no such one.

    Examples
    --------
    >>> from sknn_mnist import CNNClassifier, load_digits28
    >>> from sknn_mnist.inspection import convolution_kernels
    >>> X, _, y, _ = load_digits28(layout="image", return_X_y=True)
    >>> clf = CNNClassifier(filters=(8, 16), random_state=0).fit(X[:200], y[:200])
    >>> convolution_kernels(clf, 1).shape
    (3, 3, 8, 16)
    """
    net, _ = _take_apart(estimator, "convolution_kernels")
    found = _convolution(net, layer, "convolution_kernels")
    return np.array(keras.ops.convert_to_numpy(found.kernel))


def feature_maps(estimator: Any, X: Any, layer: int | str = 0) -> np.ndarray:
    """Return what a layer makes of images.

    Parameters
    ----------
    estimator : estimator
        A fitted `CNNClassifier` or `CNNRegressor`, or a pipeline or search that ends
        in one.
    X : array-like of shape (n_samples, ...)
        Images, as `predict` takes them.
    layer : int or str, default=0
        Number of a convolution from 0 (-1 is the last), or the name of any layer
        that gives maps: ``"conv_1"``, ``"batch_norm_1"``, ``"pool_1"``.

    Returns
    -------
    ndarray of shape (n_samples, height, width, filters)
        The maps.

    Raises
    ------
    sklearn.exceptions.NotFittedError
        When the estimator is not fitted.
    TypeError or ValueError
        When there is no such layer, or X is not what `predict` takes.

    Examples
    --------
    >>> from sknn_mnist import CNNClassifier, load_digits28
    >>> from sknn_mnist.inspection import feature_maps
    >>> X, _, y, _ = load_digits28(layout="image", return_X_y=True)
    >>> clf = CNNClassifier(filters=8, random_state=0).fit(X[:200], y[:200])
    >>> feature_maps(clf, X[:5]).shape, feature_maps(clf, X[:5], "pool_1").shape
    ((5, 26, 26, 8), (5, 13, 13, 8))
    """
    net, images = _take_apart(estimator, "feature_maps", X)
    found = _layer_with_maps(net, layer, "feature_maps")
    network = keras.Model(net.model_.inputs[0], found.output)
    return _in_batches(lambda part: network(part, training=False), images)


def gradient_saliency(estimator: Any, X: Any, target: Any = None) -> np.ndarray:
    """Return how much each pixel moves the score of a class [1]_.

    Parameters
    ----------
    estimator : estimator
        A fitted classifier or regressor of this package, or a pipeline or search
        that ends in one.
    X : array-like of shape (n_samples, ...)
        Images, as `predict` takes them.
    target : array-like of shape (n_samples,), label or None, default=None
        The class (of a regressor with several targets: the number of the target).
        None: what is predicted, and a regressor's only or first target.

    Returns
    -------
    ndarray of shape (n_samples, height, width)
        Absolute gradient of the score before the softmax, the largest over the
        channels. Of samples that are no images, height is 1.

    Raises
    ------
    sklearn.exceptions.NotFittedError
        When the estimator is not fitted.
    TypeError or ValueError
        When X is not what `predict` takes, or `target` is no class.

    References
    ----------
    .. [1] K. Simonyan, A. Vedaldi and A. Zisserman, "Deep inside convolutional
       networks", 2013.

    Examples
    --------
    >>> from sknn_mnist import DenseClassifier, load_digits28
    >>> from sknn_mnist.inspection import gradient_saliency
    >>> X, _, y, _ = load_digits28(return_X_y=True)
    >>> clf = DenseClassifier(random_state=0).fit(X[:200], y[:200])
    >>> gradient_saliency(clf, X[:3]).shape
    (3, 28, 28)
    """
    net, x = _take_apart(estimator, "gradient_saliency", X)
    units = _units(net, x, target)
    if net.model_.outputs[0].shape[1] == 1:
        units = np.zeros_like(units)  # one score for both classes
    parts = [
        class_score_gradients(net.model_, x[at : at + BATCH], units[at : at + BATCH])
        for at in range(0, len(x), BATCH)
    ]
    return np.abs(images_of(net, np.concatenate(parts))).max(axis=-1)


def occlusion(
    estimator: Any,
    X: Any,
    target: Any = None,
    *,
    patch_size: int = 5,
    stride: int = 2,
    fill: float = 0.0,
) -> np.ndarray:
    """Return what is lost of a class's probability where a patch hides the image [1]_.

    Parameters
    ----------
    estimator : estimator
        A fitted classifier of this package, or a pipeline or search that ends in
        one. (Of a regressor: what is lost of the prediction.)
    X : array-like of shape (n_samples, ...)
        Images, as `predict` takes them.
    target : array-like of shape (n_samples,), label or None, default=None
        As in `gradient_saliency`.
    patch_size : int, default=5
        Side of the patch, in pixels.
    stride : int, default=2
        Pixels from one place of the patch to the next.
    fill : float, default=0.0
        What the hidden pixels become, as the network sees them.

    Returns
    -------
    ndarray of shape (n_samples, height, width)
        For each pixel the mean, over the patches that hide it, of the probability
        without the patch minus that with it. Negative where the patch helps.

    Raises
    ------
    sklearn.exceptions.NotFittedError
        When the estimator is not fitted.
    TypeError or ValueError
        When a parameter is out of its range.

    References
    ----------
    .. [1] M. D. Zeiler and R. Fergus, "Visualizing and understanding convolutional
       networks", 2014.

    Examples
    --------
    >>> from sknn_mnist import CNNClassifier, load_digits28
    >>> from sknn_mnist.inspection import occlusion
    >>> X, _, y, _ = load_digits28(layout="image", return_X_y=True)
    >>> clf = CNNClassifier(filters=8, random_state=0).fit(X[:200], y[:200])
    >>> occlusion(clf, X[:2], patch_size=7, stride=7).shape
    (2, 28, 28)
    """
    check_positive_int("patch_size", patch_size, "occlusion")
    check_positive_int("stride", stride, "occlusion")
    fill = _finite("fill", fill, "occlusion")
    net, x = _take_apart(estimator, "occlusion", X)
    units = _units(net, x, target)

    def scores(part: np.ndarray) -> np.ndarray:
        outputs = net._network.predict(part)
        if outputs.shape[1] == 1 and hasattr(net, "classes_"):  # a sigmoid
            outputs = np.hstack([1 - outputs, outputs])
        return outputs

    pictures = images_of(net, x)
    height, width = pictures.shape[1:3]
    before = np.take_along_axis(scores(x), units[:, None], axis=1)[:, 0]
    lost = np.zeros((len(x), height, width))
    hidden = np.zeros((height, width))
    for top in _places(height, patch_size, stride):
        for left in _places(width, patch_size, stride):
            place = (slice(top, top + patch_size), slice(left, left + patch_size))
            covered = pictures.copy()
            covered[(slice(None), *place)] = fill
            after = scores(covered.reshape(x.shape))
            after = np.take_along_axis(after, units[:, None], axis=1)[:, 0]
            lost[(slice(None), *place)] += (before - after)[:, None, None]
            hidden[place] += 1
    return lost / np.maximum(hidden, 1)


def maximize_activation(
    estimator: Any,
    layer: int | str = 0,
    *,
    whole: bool = False,
    n_steps: int = 60,
    step_size: float = 0.1,
    decay: float = 0.2,
    blur: float = 0.3,
    value_range: tuple[float, float] = (0.0, 1.0),
    random_state: Any = 0,
) -> np.ndarray:
    """Return images that excite each filter of a convolution most [1]_.

    From noise around mid grey, gradient ascent on the filter's response before its
    activation, in the middle of its map. After each step the image is drawn back to
    mid grey and blurred a little [2]_, which takes away what excites a filter and
    says nothing to the eye, and brought back into the range of pixels.

    Parameters
    ----------
    estimator : estimator
        A fitted `CNNClassifier` or `CNNRegressor`, or a pipeline or search that ends
        in one.
    layer : int or str, default=0
        Which convolution, as in `convolution_kernels`.
    whole : bool, default=False
        Whether to excite the filter in all places of the image, by its mean response,
        instead of one place.
    n_steps : int, default=60
        Steps of gradient ascent.
    step_size : float, default=0.1
        Length of a step: root mean square over the pixels that change, as a fraction
        of the range of pixels.
    decay : float, default=0.2
        Part of its difference to mid grey that a pixel loses in a step, in [0, 1).
    blur : float, default=0.3
        Standard deviation of the Gaussian blur after each step, in pixels; 0 for
        none.
    value_range : (float, float), default=(0.0, 1.0)
        Smallest and largest value of a pixel, as the network sees it.
    random_state : int, RandomState or None, default=0
        Seeds the noise to start with.

    Returns
    -------
    ndarray of shape (filters, height, width, channels)
        An image a filter: as large as what one place of the map sees, its receptive
        field, or as the network's input if `whole`.

    Raises
    ------
    sklearn.exceptions.NotFittedError
        When the estimator is not fitted.
    TypeError or ValueError
        When a parameter is out of its range, or there is no such convolution.

    References
    ----------
    .. [1] D. Erhan, Y. Bengio, A. Courville and P. Vincent, "Visualizing
       higher-layer features of a deep network", 2009.
    .. [2] J. Yosinski, J. Clune, A. Nguyen, T. Fuchs and H. Lipson, "Understanding
       neural networks through deep visualization", 2015.

    Examples
    --------
    >>> from sknn_mnist import CNNClassifier, load_digits28
    >>> from sknn_mnist.inspection import maximize_activation
    >>> X, _, y, _ = load_digits28(layout="image", return_X_y=True)
    >>> clf = CNNClassifier(filters=(4, 8), random_state=0).fit(X[:200], y[:200])
    >>> maximize_activation(clf, 1, n_steps=5).shape
    (8, 8, 8, 1)
    """
    owner = "maximize_activation"
    check_positive_int("n_steps", n_steps, owner)
    step_size = _finite("step_size", step_size, owner)
    blur = _finite("blur", blur, owner)
    if blur < 0:
        raise invalid("blur", owner, "a float in the range [0.0, inf)", blur)
    decay = _finite("decay", decay, owner)
    if not 0 <= decay < 1:
        raise invalid("decay", owner, "a float in the range [0.0, 1.0)", decay)
    try:
        low, high = (float(each) for each in value_range)
        if not low < high:
            raise ValueError
    except (TypeError, ValueError):
        raise invalid(
            "value_range", owner, "a pair (low, high) with low < high", value_range
        ) from None
    net, _ = _take_apart(estimator, owner)
    found = _convolution(net, layer, owner)
    shape = (int(found.kernel.shape[-1]), *net.model_.inputs[0].shape[1:])
    noise = check_random_state(random_state).uniform(-0.1, 0.1, size=shape)
    grey = (low + high) / 2

    def keep(images: np.ndarray) -> np.ndarray:
        images = grey + (1 - decay) * (images - grey)
        if blur:
            images = ndimage.gaussian_filter(images, (0, blur, blur, 0))
        return np.clip(images, low, high)

    images, seen = climb(
        net.model_,
        found,
        (grey + (high - low) * noise).astype(net.model_.inputs[0].dtype),
        whole=whole,
        n_steps=n_steps,
        step_size=step_size * (high - low),
        keep=keep,
    )
    return images if whole else images[(slice(None), *_bounding_box(seen))]


def _bounding_box(seen: np.ndarray) -> tuple[slice, slice]:
    rows, columns = (np.flatnonzero(seen.any(axis=axis)) for axis in (1, 0))
    if not len(rows):  # a kernel of zeros sees nothing
        return slice(None), slice(None)
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


def images_of(net: Any, x: np.ndarray) -> np.ndarray:
    """Return what a network takes, or gradients by it, as images.

    Parameters
    ----------
    net : estimator
        A fitted estimator of this package.
    x : ndarray of shape (n_samples, ...)
        In the shape of the network's input. Rows of a dense net are taken as square
        images where they can be, of 1 or 3 channels, else as one line of pixels.

    Returns
    -------
    ndarray of shape (n_samples, height, width, channels)
        The same values.
    """
    if x.ndim == 4:
        return x
    n_features = x.shape[1]
    for channels in (1, 3):
        side = int((n_features // channels) ** 0.5 + 0.5)
        if side * side * channels == n_features:
            return x.reshape(len(x), side, side, channels)
    return x.reshape(len(x), 1, n_features, 1)


def looked_at(estimator: Any, X: Any, target: Any = None) -> tuple[np.ndarray, list]:
    """Return what `occlusion` and `gradient_saliency` are about.

    Parameters
    ----------
    estimator, X, target : estimator, array-like and label or labels
        As they take them.

    Returns
    -------
    images : ndarray of shape (n_samples, height, width, channels)
        What the network is fed.
    labels : list
        The class whose score each sample's is; empty for a regressor.
    """
    net, x = _take_apart(estimator, "looked_at", X)
    images = images_of(net, x)
    if not is_classifier(net):
        return images, []
    return images, net.classes_[_units(net, x, target)].tolist()


def _take_apart(
    estimator: Any, owner: str, X: Any = None
) -> tuple[KerasEstimator, np.ndarray]:
    """Return the net at the end of pipelines and searches, and what it is fed."""
    estimator = getattr(estimator, "best_estimator_", estimator)
    if isinstance(estimator, Pipeline):
        check_is_fitted(estimator)
        if X is not None and len(estimator.steps) > 1:
            X = estimator[:-1].transform(X)
        return _take_apart(estimator[-1], owner, X)
    if not isinstance(estimator, KerasEstimator):
        raise TypeError(
            f"The 'estimator' parameter of {owner} must be an estimator of this "
            "package, or a pipeline or fitted search that ends in one. Got "
            f"{estimator!r} instead."
        )
    check_is_fitted(estimator, "history_")
    if X is None:
        return estimator, np.empty(0)
    X, _ = estimator._validate_data(X)
    return estimator, estimator.feature_encoder_.transform(X)


def _convolution(net: KerasEstimator, layer: Any, owner: str) -> keras.layers.Conv2D:
    found = [
        each for each in net.model_.layers if isinstance(each, keras.layers.Conv2D)
    ]
    return _chosen(found, layer, owner, net, "a convolution")


def _layer_with_maps(net: KerasEstimator, layer: Any, owner: str) -> keras.layers.Layer:
    if not isinstance(layer, str):
        return _convolution(net, layer, owner)
    found = [each for each in net.model_.layers if len(each.output.shape) == 4]
    return _chosen(found, layer, owner, net, "a layer that gives maps")


def _chosen(found: list[Any], layer: Any, owner: str, net: Any, what: str) -> Any:
    if not found:
        raise TypeError(
            f"The 'estimator' parameter of {owner} must have convolutions. Got {net!r} "
            "instead."
        )
    names = [each.name for each in found]
    if isinstance(layer, str) and layer in names:
        return found[names.index(layer)]
    is_number = isinstance(layer, int | np.integer) and not isinstance(layer, bool)
    if is_number and -len(found) <= layer < len(found):
        return found[layer]
    numbers = f"a number from 0 to {len(found) - 1}, or " if what[2] == "c" else ""
    raise invalid("layer", owner, f"{what}: {numbers}one of {names}", layer)


def _units(net: KerasEstimator, x: np.ndarray, target: Any) -> np.ndarray:
    """Return the output unit of each sample that `target` means."""
    n_units = net.model_.outputs[0].shape[1]
    known = np.arange(n_units)  # several targets go by their numbers
    classes = getattr(net, "classes_", None)
    if isinstance(classes, np.ndarray) and len(classes) == max(n_units, 2):
        known = classes
    if target is None:
        if classes is None:
            return np.zeros(len(x), dtype=int)
        outputs = net._network.predict(x)
        if n_units > 1:
            return outputs.argmax(axis=1)
        return (outputs[:, 0] > 0.5).astype(int)
    targets = np.asarray(target)
    if targets.ndim == 0:
        targets = np.full(len(x), targets)
    if targets.shape != (len(x),):
        raise ValueError(
            "The 'target' parameter must be one class, or one for each of the "
            f"{len(x)} samples. Got an array of shape {targets.shape} instead."
        )
    places = {label: place for place, label in enumerate(known.tolist())}
    try:
        return np.array([places[label] for label in targets.tolist()])
    except KeyError as err:
        raise ValueError(
            f"The 'target' parameter must hold classes of the estimator, "
            f"{known.tolist()}. Got {err.args[0]!r} instead."
        ) from None


def _finite(name: str, value: Any, owner: str) -> float:
    number = as_finite_float(value)
    if number is None:
        raise invalid(name, owner, "a finite number", value)
    return number


def _places(side: int, patch: int, stride: int) -> list[int]:
    last = max(side - patch, 0)
    return sorted({*range(0, last + 1, stride), last})


def _in_batches(function: Any, x: np.ndarray) -> np.ndarray:
    parts = [
        keras.ops.convert_to_numpy(function(x[at : at + BATCH]))
        for at in range(0, len(x), BATCH)
    ]
    return np.concatenate(parts)
