"""What a filter looks for: images that excite it most."""

from __future__ import annotations

from typing import Any

import sknn_mnist.networks._quiet_start  # noqa: F401  before Keras

# isort: split
import keras
import numpy as np
from scipy import ndimage

from sknn_mnist._parameters import (
    as_finite_float,
    as_random_state,
    check_bool,
    check_finite,
    check_positive_int,
    invalid,
    refused,
)
from sknn_mnist.estimators._parameters import is_auto
from sknn_mnist.inspection._gradients import gradient_ascent
from sknn_mnist.inspection._layers import graph_of, layer_with_units
from sknn_mnist.inspection._unwrapping import net_of

__all__ = ["maximize_activation"]


def maximize_activation(
    estimator: Any,
    layer: int | str = 0,
    *,
    whole: bool = False,
    n_steps: int = 60,
    step_size: float = 0.1,
    decay: float = 0.2,
    blur: float = 0.6,
    value_range: Any = "auto",
    random_state: Any = 0,
) -> np.ndarray:
    """Return images that excite each filter of a layer most [1]_.

    This is feature visualisation by optimisation [3]_: from noise around mid grey,
    gradient ascent on the filter's response before its activation, in the middle of
    its map. After each step the image is drawn back to mid grey and blurred a little
    [2]_, which removes patterns that excite a filter but mean nothing to the eye, and
    clipped to the range of pixels.

    Parameters
    ----------
    estimator : estimator
        A fitted `CNNClassifier` or `CNNRegressor`, or a pipeline or search that ends
        in one.
    layer : int or str, default=0
        Which convolution, as in `convolution_kernels`; or the name of a dense layer,
        whose units are then the filters: those of ``"output"`` stand for the classes.
        Of the first convolution these are its kernels again, as images; the last
        convolution and the classes show what kernels can't.
    whole : bool, default=False
        Whether to maximise the filter's mean response over all positions of its map,
        instead of that at one position. A dense layer has one only, which sees all.
    n_steps : int, default=60
        Steps of gradient ascent.
    step_size : float, default=0.1
        Length of a step: root mean square over the pixels that change, as a fraction
        of the range of pixels.
    decay : float, default=0.2
        Fraction of its difference to mid grey that a pixel loses per step, in [0, 1).
    blur : float, default=0.6
        Standard deviation of the Gaussian blur after each step, in pixels; 0 for
        none, which leaves speckle that excites a filter as much.
    value_range : "auto" or (float, float), default="auto"
        Smallest and largest value of a pixel, as the network sees it. "auto" is 0 to
        1, before the first layer of a net that rescales: 0 to 255 by 1/255.
    random_state : int, RandomState or None, default=0
        Seeds the initial noise.

    Returns
    -------
    ndarray of shape (filters, height, width, channels)
        One image per filter: as large as the receptive field of one position of the
        map, or as the network's input if `whole`
        and for a dense layer.

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
    .. [3] C. Olah, A. Mordvintsev and L. Schubert, "Feature visualization", 2017.

    Examples
    --------
    >>> from sknn_mnist import CNNClassifier, load_digits28
    >>> from sknn_mnist.inspection import maximize_activation
    >>> X, _, y, _ = load_digits28(layout="image", return_X_y=True)
    >>> clf = CNNClassifier(filters=(4, 8), random_state=0).fit(X[:200], y[:200])
    >>> maximize_activation(clf, 1, n_steps=5).shape
    (8, 8, 8, 1)
    >>> maximize_activation(clf, "output", n_steps=5).shape  # one for each class
    (10, 28, 28, 1)
    """
    owner = "maximize_activation"
    whole = check_bool("whole", whole, owner)
    check_positive_int("n_steps", n_steps, owner)
    step_size = check_finite("step_size", step_size, owner)
    blur = check_finite("blur", blur, owner)
    if blur < 0:
        raise invalid("blur", owner, "a float in the range [0.0, inf)", blur)
    decay = check_finite("decay", decay, owner)
    if not 0 <= decay < 1:
        raise invalid("decay", owner, "a float in the range [0.0, 1.0)", decay)
    if not is_auto(value_range):
        value_range = _range("value_range", value_range, owner)
    generator = as_random_state("random_state", random_state, owner)
    net = net_of(estimator, owner)
    found = layer_with_units(net, layer, owner)
    network = graph_of(net, owner)
    scale = getattr(net, "rescaling_", None) or 1.0
    low, high = sorted((0.0, 1 / scale)) if is_auto(value_range) else value_range
    if len(network.inputs[0].shape) != 4:
        must = "take images of shape (height, width, channels)"
        raise refused("estimator", owner, must, repr(net))
    shape = (int(found.kernel.shape[-1]), *network.inputs[0].shape[1:])
    noise = generator.uniform(-0.1, 0.1, size=shape)
    grey = (low + high) / 2

    def keep(images: np.ndarray) -> np.ndarray:
        images = grey + (1 - decay) * (images - grey)
        if blur:
            images = ndimage.gaussian_filter(images, (0, blur, blur, 0))
        return np.clip(images, low, high)

    images, seen = gradient_ascent(
        network,
        found,
        (grey + (high - low) * noise).astype(network.inputs[0].dtype),
        whole=whole,
        n_steps=n_steps,
        step_size=step_size * (high - low),
        keep=keep,
    )
    if whole or isinstance(found, keras.layers.Dense):
        return images
    return images[(slice(None), *_bounding_box(seen))]


def _range(name: str, value: Any, owner: str) -> tuple[float, float]:
    try:
        low, high = (as_finite_float(each) for each in value)
    except (TypeError, ValueError):
        low = high = None
    if low is None or high is None or not low < high:
        allowed = "'auto' or a pair (low, high) of finite numbers with low < high"
        raise invalid(name, owner, allowed, value)
    return low, high


def _bounding_box(seen: np.ndarray) -> tuple[slice, slice]:
    rows, columns = (np.flatnonzero(seen.any(axis=axis)) for axis in (1, 0))
    if not len(rows):  # a kernel of zeros sees nothing
        return slice(None), slice(None)
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
