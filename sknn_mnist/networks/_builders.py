"""Parameters in, an uncompiled :class:`keras.Model` out.

Nothing here knows scikit-learn: the builders can be used with ``compile`` and
``fit`` as in any Keras program. Layers carry fixed names (``conv_1``,
``hidden_1``, ``output``...), so that a network's summary and its saved weights do
not depend on what was built before it in the same process.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sknn_mnist.networks._quiet_start  # noqa: F401  before Keras

# isort: split
import keras

from sknn_mnist._parameters import (
    check_image_shape,
    check_positive_int,
    check_seed,
    per_layer,
    per_side,
)
from sknn_mnist.networks._augmentation import augmentation_layers
from sknn_mnist.networks._builder_layers import (
    block,
    dense_layers,
    dropout_layer,
    input_layers,
    outer_dtype,
    output_layer,
)
from sknn_mnist.networks._builder_parameters import (
    check_cnn_parameters,
    check_dense_parameters,
    check_dtype,
    check_input_shape,
    check_output_activation,
    check_rescaling,
)
from sknn_mnist.networks._initial_values import augmentation_seeds, layer_seeds

__all__ = ["build_cnn", "build_dense"]


def build_dense(
    input_shape: tuple[int, ...] = (784,),
    n_outputs: int = 10,
    *,
    hidden_size: int | Sequence[int] = 32,
    activation: Any = "relu",
    dropout: float = 0.0,
    batch_norm: bool = False,
    output_activation: Any = "softmax",
    rescaling: float | None = None,
    dtype: Any = "float32",
    seed: int | None = None,
) -> keras.Model:
    """Build a net of fully connected layers.

    Parameters
    ----------
    input_shape : tuple of int, default=(784,)
        Shape of one sample. Images, as in ``(28, 28)`` or ``(28, 28, 1)``, are
        flattened first.
    n_outputs : int, default=10
        Units of the output layer.
    hidden_size : int or sequence of int, default=32
        Units of the hidden layer, or of each hidden layer. An empty sequence
        leaves none: softmax regression.
    activation : str, dict or callable, default="relu"
        Activation of the hidden layers, as Keras takes it.
    dropout : float, default=0.0
        Fraction of each hidden layer's outputs set to 0 in training [1]_, in
        [0, 1).
    batch_norm : bool, default=False
        Whether batch normalisation follows each hidden layer's activation [2]_.
    output_activation : str, dict, callable or None, default="softmax"
        Activation of the output layer; None means linear.
    rescaling : float or None, default=None
        What the network's first layer multiplies values by: 1 / 255 brings pixels
        of 0 to 255 to [0, 1], with the same results as ``pixels / 255``. None means
        no such layer.
    dtype : str, default="float32"
        Keras dtype policy of all layers. With a mixed one, input and output are
        float32.
    seed : int or None, default=None
        Seeds the initial weights and dropout. Int: the same weights each time,
        and no global random state is read or changed.

    Returns
    -------
    keras.Sequential
        Built, not compiled.

    Raises
    ------
    ValueError or TypeError
        When a parameter is out of its range, naming it.

    References
    ----------
    .. [1] N. Srivastava et al., "Dropout: a simple way to prevent neural networks
       from overfitting", JMLR 15, 2014.
    .. [2] S. Ioffe and C. Szegedy, "Batch normalization: accelerating deep network
       training by reducing internal covariate shift", ICML 2015.

    Examples
    --------
    >>> from sknn_mnist.builders import build_dense
    >>> build_dense(hidden_size=32).count_params()
    25450
    >>> build_dense(hidden_size=(1024, 1024), dropout=0.5).count_params()
    1863690
    """
    owner = "build_dense"
    input_shape = check_input_shape(input_shape, owner)
    check_positive_int("n_outputs", n_outputs, owner)
    check_dense_parameters(
        owner,
        hidden_size=hidden_size,
        activation=activation,
        dropout=dropout,
        batch_norm=batch_norm,
    )
    check_output_activation("output_activation", output_activation, owner)
    rescaling = check_rescaling("rescaling", rescaling, owner)
    check_dtype("dtype", dtype, owner)
    seed = check_seed("seed", seed, owner)
    sizes = per_layer("hidden_size", hidden_size, owner)
    seeds = layer_seeds(seed)
    layers = input_layers(input_shape, rescaling, dtype)
    if len(input_shape) > 1:
        layers.append(
            keras.layers.Flatten("channels_last", dtype=dtype, name="flatten")
        )
    layers += dense_layers(sizes, activation, dropout, batch_norm, dtype, seeds)
    layers.append(output_layer(n_outputs, output_activation, dtype, seeds))
    return keras.Sequential(layers, name="dense_net")


def build_cnn(
    input_shape: tuple[int, ...] = (28, 28, 1),
    n_outputs: int = 10,
    *,
    filters: int | Sequence[int] = (32, 32),
    kernel_size: int | tuple[int, int] = 3,
    pool_size: int | tuple[int, int] = 2,
    padding: str = "valid",
    hidden_size: int | Sequence[int] = 64,
    activation: Any = "relu",
    dropout: float = 0.0,
    batch_norm: bool = False,
    output_activation: Any = "softmax",
    rescaling: float | None = None,
    augmentation: Any = None,
    dtype: Any = "float32",
    seed: int | None = None,
) -> keras.Model:
    """Build a small convolutional net.

    Each entry of `filters` makes one block: convolution with `activation`, batch
    normalisation if asked for, max pooling. Then the feature maps are flattened
    and go through dense layers as in :func:`build_dense`.

    Parameters
    ----------
    input_shape : tuple of int, default=(28, 28, 1)
        Height, width and channels of one image; ``(28, 28)`` means one channel.
    n_outputs : int, default=10
        Units of the output layer.
    filters : int or sequence of int, default=(32, 32)
        Filters of the convolution, or of each convolution.
    kernel_size : int or (int, int), default=3
        Height and width of the kernels, in pixels.
    pool_size : int or (int, int), default=2
        Height and width of the pooling window, which is also its stride, in
        pixels; 1 means no pooling.
    padding : {"valid", "same"}, default="valid"
        Whether a convolution sees only whole windows, which trims the image, or
        pads it with zeros to keep its size.
    hidden_size : int or sequence of int, default=64
        Units of the hidden dense layer, or of each. May be empty.
    activation : str, dict or callable, default="relu"
        Activation of convolutions and hidden dense layers, as Keras takes it.
    dropout : float, default=0.0
        Fraction of each hidden dense layer's outputs (of the flattened maps when
        `hidden_size` is empty) set to 0 in training, in [0, 1).
    batch_norm : bool, default=False
        Whether batch normalisation follows each convolution's activation.
    output_activation : str, dict, callable or None, default="softmax"
        Activation of the output layer; None means linear.
    rescaling : float or None, default=None
        What the network's first layer multiplies values by: 1 / 255 brings pixels
        of 0 to 255 to [0, 1], with the same results as ``pixels / 255``. None means
        no such layer.
    augmentation : str, dict, keras.layers.Layer or list of these, default=None
        How images are changed at random in training, and in training alone: any of
        "translation", "rotation", "zoom", "flip", "contrast" and "brightness", or
        Keras's layers behind them (see Notes) by class name, config or object, in
        the order of a list. None leaves images as they are.
    dtype : str, default="float32"
        Keras dtype policy of all layers. With a mixed one, input and output are
        float32.
    seed : int or None, default=None
        Seeds the initial weights, dropout and augmentation. Int: the same weights
        each time, and no global random state is read or changed.

    Returns
    -------
    keras.Sequential
        Built, not compiled.

    Raises
    ------
    ValueError or TypeError
        When a parameter is out of its range, naming it.

    Notes
    -----
    Small images work. Where a kernel or a pooling window is larger than what is
    left of a side, it is cut to that side: an image never shrinks below one
    pixel, and a network for images large enough is not changed by the rule. A
    3×3 kernel on maps 2 pixels wide becomes a 3×2 kernel.

    Augmentation comes after `rescaling`. By name it is moderate, and for pixels from
    0 to 1: "translation" by up to a tenth of height and width, "rotation" by up to
    0.03 turns (11°), "zoom" by up to a tenth, "flip" left to right, "contrast" by a
    factor of 0.8 to 1.2, "brightness" by up to 0.2; what comes in at the edge is as
    the pixels there. Of Keras's layers, those that are called ``Random...`` and keep
    an image's shape are taken; layers are made anew, with names (``augmentation_1``)
    and seeds of their own. A config without `value_range`, and a name, mean pixels
    from 0 to 1; an object has a `value_range` already, Keras's being (0, 255). Weights
    start as they would without augmentation.

    The block of convolution, non-linearity and pooling is that of LeNet [1]_.

    References
    ----------
    .. [1] Y. LeCun, L. Bottou, Y. Bengio and P. Haffner, "Gradient-based learning
       applied to document recognition", Proc. IEEE 86(11), 1998.

    Examples
    --------
    >>> from sknn_mnist.builders import build_cnn
    >>> build_cnn(filters=(32, 32), hidden_size=64).count_params()
    61482
    >>> small = build_cnn((8, 8, 1), filters=(8, 8))
    >>> small.get_layer("pool_2").output.shape
    (None, 1, 1, 8)
    """
    owner = "build_cnn"
    input_shape = check_image_shape("input_shape", input_shape, owner)
    check_positive_int("n_outputs", n_outputs, owner)
    check_cnn_parameters(
        owner,
        filters=filters,
        kernel_size=kernel_size,
        pool_size=pool_size,
        padding=padding,
        hidden_size=hidden_size,
        activation=activation,
        dropout=dropout,
        batch_norm=batch_norm,
        augmentation=augmentation,
    )
    check_output_activation("output_activation", output_activation, owner)
    rescaling = check_rescaling("rescaling", rescaling, owner)
    check_dtype("dtype", dtype, owner)
    seed = check_seed("seed", seed, owner)
    widths = per_layer("filters", filters, owner)
    sizes = per_layer("hidden_size", hidden_size, owner)
    kernel = per_side("kernel_size", kernel_size, owner)
    window = per_side("pool_size", pool_size, owner)
    seeds = layer_seeds(seed)
    layers = input_layers(input_shape, rescaling, dtype)
    layers += augmentation_layers(
        augmentation,
        owner,
        channels=input_shape[-1],
        dtype=outer_dtype(dtype),
        seeds=augmentation_seeds(seed),
    )
    sides: tuple[int, ...] = input_shape[:2]
    for number, width in enumerate(widths, start=1):
        maps, sides = block(
            number,
            width,
            sides,
            kernel=kernel,
            window=window,
            padding=padding,
            activation=activation,
            batch_norm=batch_norm,
            dtype=dtype,
            seed=next(seeds),
        )
        layers += maps
    layers.append(keras.layers.Flatten("channels_last", dtype=dtype, name="flatten"))
    if not sizes and dropout:
        layers.append(dropout_layer(dropout, dtype, next(seeds), "dropout_1"))
    layers += dense_layers(sizes, activation, dropout, False, dtype, seeds)
    layers.append(output_layer(n_outputs, output_activation, dtype, seeds))
    return keras.Sequential(layers, name="cnn")
