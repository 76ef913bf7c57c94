"""What excites a filter most: patches of images, and their projections to pixels."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import sknn_mnist.networks._quiet_start  # noqa: F401  before Keras

# isort: split
import keras
import numpy as np
from sklearn.utils import Bunch

from sknn_mnist._parameters import check_positive_int, invalid
from sknn_mnist.inspection._gradients import deconvolved
from sknn_mnist.inspection._images import BATCH, as_images, in_batches
from sknn_mnist.inspection._layers import graph_of, layer_with_maps
from sknn_mnist.inspection._paths import path_to, windows_of
from sknn_mnist.inspection._unwrapping import net_and_input, net_of

__all__ = ["deconvolution", "strongest_patches"]


def strongest_patches(
    estimator: Any,
    X: Any,
    layer: int | str = -1,
    *,
    n_patches: int = 9,
    filters: Any = None,
) -> Bunch:
    """Return the patches of images that excite each filter of a layer most [1]_.

    A unit of a feature map sees a window of the image, its receptive field. Of each
    image the unit that is excited most is taken, so that the patches of a filter are
    from as many images.

    Parameters
    ----------
    estimator : estimator
        A fitted `CNNClassifier` or `CNNRegressor`, an estimator of a network of one's
        own, or a pipeline or search that ends in one.
    X : array-like of shape (n_samples, ...)
        Images, as `predict` takes them; the more, the more a filter has to choose
        from.
    layer : int or str, default=-1
        Number of a convolution from 0 (-1 is the last), or the name of any layer
        that gives maps: ``"conv_1"``, ``"pool_1"``.
    n_patches : int, default=9
        Patches per filter, at most as many as there are images.
    filters : sequence of int or None, default=None
        Numbers of the filters, each once; None for all.

    Returns
    -------
    sklearn.utils.Bunch
        With arrays, the strongest first:

        filters : ndarray of shape (n_filters,)
            Numbers of the filters.
        activations : ndarray of shape (n_filters, n_patches)
            How much the patches excite them. Where all are 0, the filter answers to
            none of the images.
        images : ndarray of shape (n_filters, n_patches)
            Which rows of X they are from.
        positions : ndarray of shape (n_filters, n_patches, 2)
            Row and column of the unit in the feature map.
        corners : ndarray of shape (n_filters, n_patches, 2)
            Row and column of the patch's first pixel in the image.
        patches : ndarray of shape (n_filters, n_patches, height, width, channels)
            The pixels. What is beyond the border of an image is 0, in the scale of X.
            The network may have something else there: margins of convolutions are 0
            behind a rescaling, pooling leaves its margins out.

    Raises
    ------
    sklearn.exceptions.NotFittedError
        When the estimator is not fitted.
    TypeError or ValueError
        When there is no such layer, or its units don't see windows of the image; when
        X is not what `predict` takes, or a parameter is out of its range.

    Notes
    -----
    Layers between the image and `layer` may be those that `deconvolution` can go back
    through, and as well convolutions of groups, activations of Keras's other than
    relu, LeakyReLU, PReLU and ELU.

    References
    ----------
    .. [1] M. D. Zeiler and R. Fergus, "Visualizing and understanding convolutional
       networks", 2014.

    Examples
    --------
    >>> from sknn_mnist import CNNClassifier, load_digits28
    >>> from sknn_mnist.inspection import strongest_patches
    >>> X, _, y, _ = load_digits28(layout="image", return_X_y=True)
    >>> clf = CNNClassifier(filters=(4, 8), random_state=0).fit(X[:200], y[:200])
    >>> found = strongest_patches(clf, X[:200], n_patches=4)
    >>> found.activations.shape, found.patches.shape
    ((8, 4), (8, 4, 8, 8, 1))
    """
    owner = "strongest_patches"
    return _found(estimator, X, layer, n_patches, filters, owner)[0]


def deconvolution(
    estimator: Any,
    X: Any,
    layer: int | str = -1,
    *,
    n_patches: int = 9,
    filters: Any = None,
) -> Bunch:
    """Return what in an image excites a filter: activations projected to pixels [1]_.

    For each of the `strongest_patches` all other activations of the layer are set to
    0, and the one that is left goes back down to the pixels: through a pooling to
    where the maximum was, through a relu if it is positive, and through a convolution
    by its kernels, transposed. What remains are the strokes that the activation came
    from, with the sign that they had in it.

    Parameters
    ----------
    estimator : estimator
        A fitted `CNNClassifier` or `CNNRegressor`, an estimator of a network of one's
        own, or a pipeline or search that ends in one.
    X : array-like of shape (n_samples, ...)
        Images, as `predict` takes them.
    layer : int or str, default=-1
        As in `strongest_patches`.
    n_patches : int, default=9
        As in `strongest_patches`.
    filters : sequence of int or None, default=None
        Numbers of the filters, each once; None for all.

    Returns
    -------
    sklearn.utils.Bunch
        What `strongest_patches` returns, and

        projections : ndarray of shape (n_filters, n_patches, height, width, channels)
            The projections, on the same windows as the patches.

    Raises
    ------
    sklearn.exceptions.NotFittedError
        When the estimator is not fitted.
    TypeError or ValueError
        As in `strongest_patches`.

    Notes
    -----
    Layers between the image and `layer` may be convolutions without activation or with
    relu, max and average pooling, batch normalisation, rescaling, margins of zeros,
    cropping, and those that act in training alone; one after the other. Average
    pooling, which has no switches, spreads a value over its window; of windows that
    overlap, values are added. Batch normalisation multiplies by its gamma over its
    standard deviation, as it does on the way up. Biases have no part. Other
    activations than relu are refused: the method rests on maps that are never
    negative. `strongest_patches` takes them.

    References
    ----------
    .. [1] M. D. Zeiler and R. Fergus, "Visualizing and understanding convolutional
       networks", 2014.

    Examples
    --------
    >>> from sknn_mnist import CNNClassifier, load_digits28
    >>> from sknn_mnist.inspection import deconvolution
    >>> X, _, y, _ = load_digits28(layout="image", return_X_y=True)
    >>> clf = CNNClassifier(filters=(4, 8), random_state=0).fit(X[:200], y[:200])
    >>> found = deconvolution(clf, X[:200], layer=1, n_patches=4, filters=[0, 5])
    >>> found.filters.tolist(), found.projections.shape
    ([0, 5], (2, 4, 8, 8, 1))
    """
    owner = "deconvolution"
    found, path, x = _found(estimator, X, layer, n_patches, filters, owner)
    projections = in_batches(
        partial(deconvolved, path),
        x[found.images.ravel()],
        np.repeat(found.filters, n_patches),
        found.positions.reshape(-1, 2),
    )
    size = found.patches.shape[2:4]
    windows = _cut_out(as_images(projections), found.corners.reshape(-1, 2), size)
    found.projections = windows.reshape(found.patches.shape)
    return found


def _found(
    estimator: Any, X: Any, layer: Any, n_patches: Any, filters: Any, owner: str
) -> tuple[Bunch, list[keras.layers.Layer], np.ndarray]:
    """Return what `strongest_patches` does, the way to the layer, the input for X."""
    net = net_of(estimator, owner)
    network = graph_of(net, owner)
    chosen = layer_with_maps(net, layer, owner)
    path = path_to(network, chosen, owner, back=owner == "deconvolution")
    n_patches = check_positive_int("n_patches", n_patches, owner)
    numbers = _as_filters(filters, chosen.output.shape[-1], owner)
    _, x = net_and_input(estimator, owner, X)
    if n_patches > len(x):
        allowed = f"at most the number of images, {len(x)}: it is one patch of each"
        raise invalid("n_patches", owner, allowed, n_patches)
    values, positions = _maxima(keras.Model(network.inputs[0], chosen.output), x)
    values, positions = values[:, numbers], positions[:, numbers]
    order = np.argsort(-values, axis=0, kind="stable")[:n_patches]
    images = order.T
    positions = np.take_along_axis(positions, order[..., None], axis=0)
    positions = positions.transpose(1, 0, 2)
    corners, size = windows_of(path, x, positions, owner)
    patches = _cut_out(
        as_images(x[images.ravel()]), corners.reshape(-1, 2), size
    ).reshape(*images.shape, *size, -1)
    found = Bunch(
        filters=numbers,
        activations=np.take_along_axis(values, order, axis=0).T,
        images=images,
        positions=positions,
        corners=corners,
        patches=patches,
    )
    return found, path, x


def _as_filters(value: Any, n_filters: int, owner: str) -> np.ndarray:
    if value is None:
        return np.arange(n_filters)
    is_list = isinstance(value, Sequence | np.ndarray) and not isinstance(value, str)
    numbers = list(value) if is_list else []
    if (
        not numbers
        or not all(
            isinstance(each, int | np.integer)
            and not isinstance(each, bool)
            and 0 <= each < n_filters
            for each in numbers
        )
        or len(set(numbers)) < len(numbers)
    ):
        ints = f"distinct ints from 0 to {n_filters - 1}"
        allowed = f"None or a sequence of {ints}, one or more"
        raise invalid("filters", owner, allowed, value)
    return np.array(numbers, dtype=int)


def _maxima(network: keras.Model, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return each image's largest activation by filter, and its row and column."""
    values, positions = [], []
    for at in range(0, len(x), BATCH):
        maps = network(x[at : at + BATCH], training=False)
        if keras.backend.standardize_dtype(maps.dtype) in ("float16", "bfloat16"):
            maps = keras.ops.cast(maps, "float32")
        maps = keras.ops.convert_to_numpy(maps)
        flat = maps.reshape(len(maps), -1, maps.shape[-1])
        place = flat.argmax(axis=1)
        values.append(np.take_along_axis(flat, place[:, None], axis=1)[:, 0])
        positions.append(np.stack(np.divmod(place, maps.shape[2]), axis=-1))
    return np.concatenate(values), np.concatenate(positions)


def _cut_out(
    images: np.ndarray, corners: np.ndarray, size: tuple[int, int]
) -> np.ndarray:
    """Return one window of each image; beyond its borders there are zeros."""
    windows = np.zeros((len(images), *size, images.shape[-1]), images.dtype)
    sides = np.array(images.shape[1:3])
    for window, image, corner in zip(windows, images, corners, strict=True):
        low, high = np.maximum(corner, 0), np.minimum(corner + size, sides)
        there = tuple(slice(*each) for each in zip(low, high, strict=True))
        here = tuple(
            slice(*each) for each in zip(low - corner, high - corner, strict=True)
        )
        window[here] = image[there]
    return windows
