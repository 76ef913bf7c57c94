"""Gradients of a network's outputs with respect to its input, by TensorFlow's tape."""

from __future__ import annotations

from collections.abc import Callable

import sknn_mnist.networks._quiet_start  # noqa: F401  before Keras

# isort: split
import keras
import numpy as np
import tensorflow as tf

__all__ = ["class_score_gradients", "gradient_ascent"]


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
    """Change images until they excite the filters of a convolution, one per filter.

    Parameters
    ----------
    model : keras.Model
        The network.
    layer : keras.layers.Conv2D
        One of its convolutions.
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
    # The convolution without its activation: where a relu is 0 there is no slope.
    body = None
    if layer is not model.layers[0]:
        body = keras.Model(model.inputs[0], layer.input)

    @tf.function(autograph=False)
    def slope(x: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            tape.watch(x)
            taken = x if body is None else body(x, training=False)
            maps = keras.ops.conv(
                keras.ops.cast(taken, layer.kernel.dtype),  # of 64 bits if rescaled
                layer.kernel,
                padding=layer.padding,
                data_format="channels_last",
            )
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
