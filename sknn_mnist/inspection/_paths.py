"""The way from an image to a layer, and the pixels that its units see."""

from __future__ import annotations

import sknn_mnist.networks._quiet_start  # noqa: F401  before Keras

# isort: split
import keras
import numpy as np
from keras import layers

from sknn_mnist._parameters import InvalidParameterError, refused
from sknn_mnist.inspection._images import as_images
from sknn_mnist.networks._augmentation import is_augmentation

__all__ = ["path_to", "windows_of"]

WINDOWS = (layers.Conv2D, layers.MaxPooling2D, layers.AveragePooling2D)
MARGINS = (layers.ZeroPadding2D, layers.Cropping2D)
# Of these a signal has no way back.
ONE_WAY = (layers.LeakyReLU, layers.PReLU, layers.ELU)
# A unit sees what the unit at its own place in the map before sees.
SAME_PLACE = (
    *(layers.BatchNormalization, layers.Activation, layers.ReLU, layers.Rescaling),
    *ONE_WAY,
    *(layers.Dropout, layers.SpatialDropout2D, layers.GaussianDropout),
    *(layers.GaussianNoise, layers.ActivityRegularization),
)
# Keras's own act on each place alone. Of others nobody knows.
ACTIVATIONS = tuple(
    each
    for name, each in vars(keras.activations).items()
    if name[0].islower() and name not in ("get", "serialize", "deserialize")
)
RECTIFIERS = (keras.activations.relu, keras.activations.linear)


def path_to(
    network: keras.Model, layer: keras.layers.Layer, owner: str, *, back: bool
) -> list[keras.layers.Layer]:
    """Return the layers from a network's input to one of its layers.

    Parameters
    ----------
    network : keras.Model
        A graph of layers.
    layer : keras.layers.Layer
        The last of the way.
    owner : str
        Who asks, for errors.
    back : bool
        Whether a signal is to be projected back along it.

    Returns
    -------
    list of keras.layers.Layer
        In the order in which an image meets them, `layer` included.

    Raises
    ------
    InvalidParameterError
        Where it isn't known which pixels a unit sees, or there is no way back.
    """
    if isinstance(network, keras.Sequential):
        path = list(network.layers)
        path, calls = path[: path.index(layer) + 1], {}
    else:
        # A sum of two maps, and the like, is an operation, but no layer.
        way = keras.Model(network.inputs[0], layer.output)
        path = [each for each in way.operations if type(each) is not layers.InputLayer]
        config = way.get_config()["layers"]
        calls = {each["name"]: len(each["inbound_nodes"]) for each in config}
    for each in path:
        reason = _obstacle(each) or (back and _obstacle_back(each))
        if calls.get(each.name, 1) > 1:
            reason = f"{each.name!r}, which is called more than once"
        if reason:
            raise _no_way(layer, owner, reason, back)
    return path


def windows_of(
    path: list[keras.layers.Layer],
    images: np.ndarray,
    places: np.ndarray,
    owner: str,
) -> tuple[np.ndarray, tuple[int, int]]:
    """Return which pixels units at some places see: their receptive fields.

    Parameters
    ----------
    path : list of keras.layers.Layer
        Of `path_to`.
    images : ndarray
        Some images, as the network takes them.
    places : ndarray of shape (..., 2), int
        Rows and columns of the units, in the map of the path's last layer.
    owner : str
        Who asks, for errors.

    Returns
    -------
    corners : ndarray of shape (..., 2), int
        Row and column of each window's first pixel. Where a unit sees a margin that a
        convolution or pooling pads, it may be negative.
    size : (int, int)
        Height and width of all windows.
    """
    shapes = [tuple(images.shape)]
    for layer in path:
        shapes.append(tuple(layer.compute_output_shape(shapes[-1])))
    first, last = places, places
    for layer, shape in zip(reversed(path), reversed(shapes[:-1]), strict=True):
        if isinstance(layer, WINDOWS):
            size, strides, before = _windows(layer, shape)
            first = first * strides - before
            last = last * strides - before + size - 1
        elif isinstance(layer, layers.ZeroPadding2D):
            first, last = (each - _before(layer.padding) for each in (first, last))
        elif isinstance(layer, layers.Cropping2D):
            first, last = (each + _before(layer.cropping) for each in (first, last))
        elif isinstance(layer, layers.Reshape):
            # Rows of pixels that become images, as they are looked at as well.
            becomes = (1, *layer.compute_output_shape(shape)[1:])
            if len(shape) == 4 or as_images(images[:1]).shape != becomes:
                reason = f"{layer.name!r}, which reshapes to {layer.target_shape}"
                raise _no_way(path[-1], owner, reason, False)
    height, width = (last - first + 1).reshape(-1, 2)[0].tolist()
    return first, (height, width)


def _windows(
    layer: keras.layers.Layer, shape: tuple[int, ...]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return size, strides and margin before of a layer's windows, by side."""
    is_convolution = isinstance(layer, layers.Conv2D)
    size = np.array(layer.kernel_size if is_convolution else layer.pool_size)
    if is_convolution:
        size = (size - 1) * np.array(layer.dilation_rate) + 1
    strides, sides = np.array(layer.strides), np.array(shape[1:3])
    if layer.padding == "valid":
        return size, strides, np.zeros(2, int)
    margin = (-(-sides // strides) - 1) * strides + size - sides
    return size, strides, np.maximum(margin, 0) // 2


def _before(margins: tuple[tuple[int, int], tuple[int, int]]) -> np.ndarray:
    return np.array([before for before, _ in margins])


def _obstacle(layer: keras.layers.Layer) -> str:
    """Return why it isn't known what a layer's units see, "" if it is."""
    kind = type(layer)
    known = (*WINDOWS, *MARGINS, *SAME_PLACE, layers.Reshape)
    if kind not in known and not is_augmentation(layer):
        return f"{layer.name!r}, of the type {kind.__name__}"
    if getattr(layer, "data_format", "channels_last") != "channels_last":
        return f"{layer.name!r}, whose data_format is {layer.data_format!r}"
    activation = getattr(layer, "activation", None)
    is_layer = type(activation) in (layers.ReLU, *ONE_WAY)
    if not is_layer and not any(activation is each for each in (None, *ACTIVATIONS)):
        return _by_activation(layer)
    return ""


def _obstacle_back(layer: keras.layers.Layer) -> str:
    """Return why a signal can't be projected back through a layer, "" if it can."""
    kind = type(layer)
    if kind in ONE_WAY:
        return f"{layer.name!r}, of the type {kind.__name__}"
    if getattr(layer, "groups", 1) != 1:
        return f"{layer.name!r}, of {layer.groups} groups"
    if getattr(layer, "activation", None) not in (None, *RECTIFIERS):
        return _by_activation(layer)
    if kind is layers.ReLU:
        plain = not layer.negative_slope and not layer.threshold
        if not plain or layer.max_value is not None:
            return f"{layer.name!r}, a ReLU with a slope, threshold or largest value"
    return ""


def _by_activation(layer: keras.layers.Layer) -> str:
    kind = type(layer.activation)
    name = getattr(layer.activation, "__name__", kind.__name__)
    return f"{layer.name!r}, whose activation is {name!r}"


def _no_way(
    layer: keras.layers.Layer, owner: str, got: str, back: bool
) -> InvalidParameterError:
    convolutions = (
        "convolutions with relu or no activation"
        if back
        else ("convolutions, activations of Keras's")
    )
    must = (
        "be reached from the image, one layer after the other, through "
        f"{convolutions}, pooling, batch normalisation, rescaling, margins "
        "and what acts in training alone"
    )
    return refused("layer", owner, must, f"{layer.name!r}, behind {got},")
