"""Gradients of a network's outputs with respect to its input, by TensorFlow's tape."""

from __future__ import annotations

from collections.abc import Callable

import sknn_mnist.networks._quiet_start  # noqa: F401  before Keras

# isort: split
import keras
import numpy as np
import tensorflow as tf

__all__ = ["class_score_gradients", "deconvolved", "gradient_ascent"]


def class_score_gradients(
    model: keras.Model, images: np.ndarray, units: np.ndarray
) -> np.ndarray:
    """Return how a class's score changes with each pixel.

    Parameters
    ----------
    model : keras.Model
        A network whose last layer is dense, with one unit per class.
    images : ndarray of shape (n_samples, ...)
        Its input.
    units : ndarray of shape (n_samples,)
        The output unit of each sample.

    Returns
    -------
    ndarray of shape (n_samples, ...)
        The gradient of the unit before its activation: that of the softmax vanishes
        where the network is sure.
    """
    head = model.layers[-1]
    body = keras.Model(model.inputs[0], head.input)
    x = tf.convert_to_tensor(images)
    with tf.GradientTape() as tape:
        tape.watch(x)
        scores = keras.ops.matmul(body(x, training=False), head.kernel) + head.bias
        chosen = tf.gather(scores, tf.constant(units), axis=1, batch_dims=1)
        total = tf.reduce_sum(chosen)
    return np.asarray(tape.gradient(total, x))


def deconvolved(
    path: list[keras.layers.Layer],
    images: np.ndarray,
    filters: np.ndarray,
    places: np.ndarray,
) -> np.ndarray:
    """Project one unit's activation for each image back to its pixels.

    Parameters
    ----------
    path : list of keras.layers.Layer
        The layers from the image to the unit's, convolutions with relu or without.
    images : ndarray of shape (n_samples, ...)
        The network's input.
    filters : ndarray of shape (n_samples,), int
        The filter of each image's unit.
    places : ndarray of shape (n_samples, 2), int
        Its row and column in the map.

    Returns
    -------
    ndarray of shape (n_samples, ...)
        The projections. They are a gradient but for the rectification: transposed
        convolution is that of a convolution, and unpooling by the switches that of
        pooling.
    """
    x = tf.convert_to_tensor(images)
    with tf.GradientTape() as tape:
        tape.watch(x)
        maps = x
        for layer in path:
            maps = _passed(layer, maps)
    signal = np.zeros(maps.shape, dtype=np.float64)
    unit = (np.arange(len(images)), *places.T, filters)
    signal[unit] = tf.cast(maps, tf.float64).numpy()[unit]
    signal = tf.cast(signal, maps.dtype)
    return np.asarray(tape.gradient(maps, x, output_gradients=signal))


def _passed(layer: keras.layers.Layer, maps: tf.Tensor) -> tf.Tensor:
    """Return what a layer makes of maps, rectified by way of `_rectified`."""
    if isinstance(layer, keras.layers.Conv2D):
        maps = _convolved(layer, maps)
    elif not isinstance(layer, keras.layers.Activation | keras.layers.ReLU):
        return layer(maps, training=False)
    activation = getattr(layer, "activation", keras.activations.relu)
    return _rectified(maps) if activation is keras.activations.relu else maps


def _convolved(layer: keras.layers.Conv2D, maps: tf.Tensor) -> tf.Tensor:
    """Return the response of a convolution before its activation."""
    dtype = layer.compute_dtype  # what comes out of a rescaling has 64 bits
    maps = keras.ops.conv(
        keras.ops.cast(maps, dtype),
        keras.ops.cast(layer.kernel, dtype),
        strides=layer.strides,
        padding=layer.padding,
        dilation_rate=layer.dilation_rate,
        data_format="channels_last",
    )
    return maps + keras.ops.cast(layer.bias, dtype) if layer.use_bias else maps


@tf.custom_gradient
def _rectified(maps: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
    """Rectify maps on the way up, and the signal on the way down."""
    return tf.nn.relu(maps), tf.nn.relu


def gradient_ascent(
    model: keras.Model,
    layer: keras.layers.Layer,
    start: np.ndarray,
    *,
    whole: bool,
    n_steps: int,
    step_size: float,
    keep: Callable[[np.ndarray], np.ndarray],
) -> tuple[np.ndarray, np.ndarray]:
    """Change images until they excite the filters of a layer, one per filter.

    Parameters
    ----------
    model : keras.Model
        The network.
    layer : keras.layers.Conv2D or keras.layers.Dense
        One of its layers. The units of a dense one are filters that see all.
    start : ndarray of shape (n_filters, height, width, channels)
        The initial images; image i is changed to excite filter i.
    whole : bool
        Whether to excite them at all positions of their maps, or in the middle.
    n_steps : int
        Steps along the gradient.
    step_size : float
        Length of a step, as the root mean square over the pixels it changes.
    keep : callable
        Takes the images after each step, and returns them in the allowed range.

    Returns
    -------
    images : ndarray of shape (n_filters, height, width, channels)
        The images.
    seen : ndarray of shape (height, width), bool
        Which pixels have ever had a gradient, for any filter.
    """
    # The layer without its activation: where a relu is 0 there is no slope.
    body = None
    if layer is not model.layers[0]:
        body = keras.Model(model.inputs[0], layer.input)

    @tf.function(autograph=False)
    def slope(x: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            tape.watch(x)
            taken = x if body is None else body(x, training=False)
            if isinstance(layer, keras.layers.Dense):
                dtype = layer.compute_dtype
                maps = tf.matmul(tf.cast(taken, dtype), tf.cast(layer.kernel, dtype))
                maps = maps[:, None, None]  # a bias has no slope
            else:
                maps = _convolved(layer, taken)
            if whole:
                wanted = tf.reduce_mean(maps, axis=(1, 2))
            else:
                wanted = maps[:, maps.shape[1] // 2, maps.shape[2] // 2]
            total = tf.reduce_sum(tf.linalg.diag_part(wanted))
        return tape.gradient(total, x)

    images = start
    seen = np.zeros(start.shape[1:3], dtype=bool)
    for _ in range(n_steps):
        gradient = np.asarray(slope(tf.convert_to_tensor(images)))
        changed = gradient != 0
        seen |= changed.any(axis=(0, 3))
        count = np.maximum(changed.sum(axis=(1, 2, 3), keepdims=True), 1)
        size = np.sqrt((gradient**2).sum(axis=(1, 2, 3), keepdims=True) / count)
        step = step_size * gradient / np.maximum(size, np.finfo(size.dtype).tiny)
        images = keep((images + step).astype(start.dtype))
    return images, seen
