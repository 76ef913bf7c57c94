"""What an output depends on: gradients by pixel, and occlusion of regions."""

from __future__ import annotations

from collections.abc import Hashable
from functools import partial
from typing import Any

import numpy as np
from sklearn.base import is_classifier

from sknn_mnist._parameters import (
    as_random_state,
    check_finite,
    check_not_negative,
    check_positive_int,
    refused,
)
from sknn_mnist.estimators._base import KerasEstimator
from sknn_mnist.inspection._gradients import class_score_gradients
from sknn_mnist.inspection._images import as_images, in_batches
from sknn_mnist.inspection._layers import graph_of
from sknn_mnist.inspection._unwrapping import net_and_input

__all__ = ["gradient_saliency", "images_and_classes", "looked_at", "occlusion"]


def gradient_saliency(
    estimator: Any,
    X: Any,
    target: Any = None,
    *,
    n_copies: int = 0,
    noise: float = 0.15,
    random_state: Any = 0,
) -> np.ndarray:
    """Return how much the score of a class depends on each pixel [1]_.

    The gradient of a net jumps from pixel to pixel, and its picture is speckled. With
    `n_copies` it is the mean of the gradients at so many noisy copies of each image:
    SmoothGrad [2]_.

    Parameters
    ----------
    estimator : estimator
        A fitted classifier or regressor of this package, or a pipeline or search
        that ends in one.
    X : array-like of shape (n_samples, ...)
        Images, as `predict` takes them.
    target : array-like of shape (n_samples,), label or None, default=None
        The class; of a regressor with several targets, the number of the target.
        None: the predicted class, or a regressor's only or first target.
    n_copies : int, default=0
        Noisy copies of each image, with the same noise for all images; 0 for the
        gradient at the image itself.
    noise : float, default=0.15
        Standard deviation of the copies' noise, as a fraction of the range of the
        image's values.
    random_state : int, RandomState or None, default=0
        Seeds the noise.

    Returns
    -------
    ndarray of shape (n_samples, height, width)
        Absolute (mean) gradient of the score before the softmax, the maximum over
        the channels. For samples that are no images, height is 1.

    Raises
    ------
    sklearn.exceptions.NotFittedError
        When the estimator is not fitted.
    TypeError or ValueError
        When X is not what `predict` takes, `target` is no class, or another parameter
        is out of its range.

    References
    ----------
    .. [1] K. Simonyan, A. Vedaldi and A. Zisserman, "Deep inside convolutional
       networks", 2013.
    .. [2] D. Smilkov, N. Thorat, B. Kim, F. Viégas and M. Wattenberg, "SmoothGrad:
       removing noise by adding noise", 2017.

    Examples
    --------
    >>> from sknn_mnist import DenseClassifier, load_digits28
    >>> from sknn_mnist.inspection import gradient_saliency
    >>> X, _, y, _ = load_digits28(return_X_y=True)
    >>> clf = DenseClassifier(random_state=0).fit(X[:200], y[:200])
    >>> gradient_saliency(clf, X[:3]).shape
    (3, 28, 28)
    >>> smooth = gradient_saliency(clf, X[:3], n_copies=25)
    """
    owner = "gradient_saliency"
    check_positive_int("n_copies", n_copies, owner, 0)
    noise = check_not_negative("noise", noise, owner)
    generator = as_random_state("random_state", random_state, owner)
    net, x = net_and_input(estimator, owner, X)
    network = graph_of(net, owner)
    units = _units(net, x, target, owner)
    if network.outputs[0].shape[1] == 1:
        units = np.zeros_like(units)  # one score for both classes
    gradients_at = partial(in_batches, partial(class_score_gradients, network))
    if n_copies == 0:
        gradients = gradients_at(x, units)
    else:
        sides = tuple(range(1, x.ndim))
        spread = noise * np.ptp(x, axis=sides, keepdims=True)
        gradients = np.zeros_like(x)
        for _ in range(n_copies):
            # The same for each image: none depends on those beside it.
            noisy = x + spread * generator.standard_normal(x.shape[1:])
            gradients += gradients_at(noisy.astype(x.dtype), units) / n_copies
    return np.abs(as_images(gradients)).max(axis=-1)


def occlusion(
    estimator: Any,
    X: Any,
    target: Any = None,
    *,
    patch_size: int = 5,
    stride: int = 2,
    fill: float = 0.0,
) -> np.ndarray:
    """Return how much a class's probability falls where a patch hides the image [1]_.

    Parameters
    ----------
    estimator : estimator
        A fitted classifier of this package, or a pipeline or search that ends in
        one. (For a regressor: how much the prediction falls.)
    X : array-like of shape (n_samples, ...)
        Images, as `predict` takes them.
    target : array-like of shape (n_samples,), label or None, default=None
        As in `gradient_saliency`.
    patch_size : int, default=5
        Side of the patch, in pixels.
    stride : int, default=2
        Pixels from one position of the patch to the next.
    fill : float, default=0.0
        Value of the hidden pixels, in the scale of X: from 0 to 255 where the net's
        first layer divides by 255.

    Returns
    -------
    ndarray of shape (n_samples, height, width)
        For each pixel the mean, over the patches that hide it, of the probability
        without the patch minus that with it. Negative where the patch raises it.

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
    fill = check_finite("fill", fill, "occlusion")
    net, x = net_and_input(estimator, "occlusion", X)
    units = _units(net, x, target, "occlusion")

    def scores(part: np.ndarray) -> np.ndarray:
        outputs = net._network.predict(part)
        if outputs.shape[1] == 1 and hasattr(net, "classes_"):  # a sigmoid
            outputs = np.hstack([1 - outputs, outputs])
        return outputs

    pictures = as_images(x)
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


def looked_at(estimator: Any, X: Any, target: Any = None) -> tuple[np.ndarray, list]:
    """Return the images and classes that `occlusion` and `gradient_saliency` are about.

    Parameters
    ----------
    estimator : estimator
        A fitted classifier or regressor of this package, or a pipeline or search
        that ends in one.
    X : array-like of shape (n_samples, ...)
        Images, as `predict` takes them.
    target : array-like of shape (n_samples,), label or None, default=None
        As in `gradient_saliency`.

    Returns
    -------
    images : ndarray of shape (n_samples, height, width, channels)
        The network's input.
    labels : list
        For each sample the class whose score is meant; empty for a regressor.

    Raises
    ------
    sklearn.exceptions.NotFittedError
        When the estimator is not fitted.
    TypeError or ValueError
        When X is not what `predict` takes, or `target` is no class.

    Examples
    --------
    >>> from sknn_mnist import DenseClassifier, load_digits28
    >>> from sknn_mnist.inspection import looked_at
    >>> X, _, y, _ = load_digits28(return_X_y=True)
    >>> clf = DenseClassifier(random_state=0).fit(X[:200], y[:200])
    >>> images, labels = looked_at(clf, X[:3], target=[7, 8, 9])
    >>> images.shape, labels
    ((3, 28, 28, 1), [7, 8, 9])
    """
    return images_and_classes(estimator, X, target, "looked_at")


def images_and_classes(
    estimator: Any, X: Any, target: Any, owner: str
) -> tuple[np.ndarray, list]:
    """Return what `looked_at` does, for `owner`, which errors name."""
    net, x = net_and_input(estimator, owner, X)
    images = as_images(x)
    units = _units(net, x, target, owner)
    return images, net.classes_[units].tolist() if is_classifier(net) else []


def _units(net: KerasEstimator, x: np.ndarray, target: Any, owner: str) -> np.ndarray:
    """Return, for each sample, the output unit that `target` means."""
    first = net._network.predict(x[:1])
    if not isinstance(first, np.ndarray) or first.ndim != 2:
        raise refused("estimator", owner, "have one output, a row of units", repr(net))
    n_units = first.shape[1]
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
    try:
        targets = np.asarray(target)
    except ValueError:  # sequences of several lengths
        targets = np.empty((0, 0))
    if targets.ndim == 0:
        targets = np.full(len(x), targets)
    if targets.shape != (len(x),):
        must = f"be one class, or one for each of the {len(x)} samples"
        got = f"an array of shape {targets.shape}" if targets.size else repr(target)
        raise refused("target", owner, must, got)
    classes_of_units = known.tolist()
    places = {label: place for place, label in enumerate(classes_of_units)}
    for label in targets.tolist():
        if not isinstance(label, Hashable) or label not in places:
            must = f"hold classes of the estimator, {classes_of_units}"
            raise refused("target", owner, must, repr(label))
    return np.array([places[label] for label in targets.tolist()])


def _places(side: int, patch: int, stride: int) -> list[int]:
    last = max(side - patch, 0)
    return sorted({*range(0, last + 1, stride), last})
