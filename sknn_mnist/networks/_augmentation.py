"""Augmentation: Keras's random image layers from names, configs, objects and lists.

What estimators remember of them is plain configs, so that a network is known by its
augmentation and files can hold it; a builder makes new layers of these.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from inspect import signature
from typing import Any

import sknn_mnist.networks._quiet_start  # noqa: F401  before Keras

# isort: split
import keras
import numpy as np

from sknn_mnist._messages import first_line
from sknn_mnist._parameters import invalid, near_names, refused
from sknn_mnist.networks._keras_contents import untracked
from sknn_mnist.networks._keras_own import is_own

__all__ = [
    "AUGMENTATIONS",
    "LAYERS",
    "augmentation_configs",
    "augmentation_layers",
    "check_channels",
    "is_augmentation",
    "ranges_apart",
]

# Names of our own, and what they mean: moderate changes of pixels from 0 to 1.
AUGMENTATIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "translation": (
        "RandomTranslation",
        {"height_factor": 0.1, "width_factor": 0.1, "fill_mode": "nearest"},
    ),
    "rotation": ("RandomRotation", {"factor": 0.03, "fill_mode": "nearest"}),
    "zoom": ("RandomZoom", {"height_factor": 0.1, "fill_mode": "nearest"}),
    "flip": ("RandomFlip", {"mode": "horizontal"}),
    # Of one number Keras would make contrast alone that grows.
    "contrast": ("RandomContrast", {"factor": [0.2, 0.2]}),
    "brightness": ("RandomBrightness", {"factor": 0.2}),
}

# Keras's layers that change images at random and keep their shape, draw all that they
# draw from a seed of their own, and step by step as well in a loop of TensorFlow's.
# Older versions have some of them.
_NAMES = (
    *("RandomBrightness", "RandomColorDegeneration", "RandomColorJitter"),
    *("RandomContrast", "RandomElasticTransform", "RandomErasing", "RandomFlip"),
    *("RandomGaussianBlur", "RandomGrayscale", "RandomHue", "RandomInvert"),
    *("RandomPerspective", "RandomPosterization", "RandomRotation"),
    *("RandomSaturation", "RandomSharpness", "RandomShear", "RandomTranslation"),
    "RandomZoom",
)
LAYERS: dict[str, Any] = {
    name: getattr(keras.layers, name) for name in _NAMES if hasattr(keras.layers, name)
}

# Those that take images of so many channels alone.
_CHANNELS = {
    **dict.fromkeys(("RandomColorDegeneration", "RandomHue", "RandomSaturation"), (3,)),
    "RandomGrayscale": (1, 3),
}

_OF_COLOURS = ("saturation_factor", "hue_factor")

_FLIPS = ("horizontal", "vertical", "horizontal_and_vertical")

# Arguments that the builder gives.
_OF_THE_BUILDER = {"name", "trainable", "dtype", "seed", "data_format"}

_PARAMETER = "augmentation"
_ERRORS = (TypeError, ValueError, NotImplementedError, AttributeError, KeyError)


def augmentation_configs(value: Any, owner: str) -> tuple[dict[str, Any], ...] | None:
    """Return what makes augmentation's layers, as plain values.

    Parameters
    ----------
    value : object
        As users give it: None, the name of an augmentation or of a layer's class, a
        class, a config, a layer, a keras.Sequential of layers, or a list or tuple of
        these.
    owner : str
        Who was given it, for messages.

    Returns
    -------
    tuple of dict, or None
        Configs as `keras.saving.deserialize_keras_object` takes them, all arguments
        said, without name, seed and dtype; equal for equal layers. None for none.

    Raises
    ------
    ValueError and TypeError
        When it is something else.
    """
    if value is None:
        return None
    if type(value) is keras.Sequential:
        value = value.layers
    if isinstance(value, np.ndarray):
        value = value.tolist()
    given = value if isinstance(value, list | tuple) else [value]
    return tuple(_config(each, owner) for each in given) or None


def augmentation_layers(
    value: Any, owner: str, *, channels: int, dtype: Any, seeds: Iterator[int | None]
) -> list[keras.layers.Layer]:
    """Return new layers, as `augmentation_configs` takes them.

    Parameters
    ----------
    value : object
        What the user gave.
    owner : str
        Who was given it, for messages.
    channels : int
        Of the images, whose channels come last.
    dtype : str
        Of the layers.
    seeds : iterator of int or None
        One for each layer.

    Raises
    ------
    ValueError and TypeError
        When it is something else, or for images of other channels.
    """
    configs = augmentation_configs(value, owner) or ()
    check_channels(configs, channels, owner)
    return [
        _made(
            LAYERS[each["class_name"]],
            {
                **each["config"],
                "name": f"{_PARAMETER}_{number}",
                "dtype": dtype,
                "seed": next(seeds),
                "data_format": "channels_last",
            },
            owner,
        )
        for number, each in enumerate(configs, start=1)
    ]


def check_channels(
    configs: Iterable[Mapping[str, Any]] | None, channels: int, owner: str
) -> None:
    """Refuse layers that don't take images of so many channels.

    Parameters
    ----------
    configs : iterable of dict or None
        As `augmentation_configs` returns them.
    channels : int
        Of the images.
    owner : str
        Who was given them, for messages.

    Raises
    ------
    ValueError and TypeError
        When one doesn't.
    """
    for each in configs or ():
        name, arguments = each["class_name"], each["config"]
        allowed = _CHANNELS.get(name)
        if name == "RandomColorJitter" and any(map(arguments.get, _OF_COLOURS)):
            allowed = (3,)
        if allowed and channels not in allowed:
            raise refused(
                _PARAMETER,
                owner,
                f"be for images of {channels} channel{'s' if channels > 1 else ''}",
                f"{name} (for {' or '.join(map(str, allowed))})",
            )


def ranges_apart(
    configs: Iterable[Mapping[str, Any]] | None, high: float
) -> Iterator[str]:
    """Yield what to say of layers for pixels on plainly another scale.

    Parameters
    ----------
    configs : iterable of dict or None
        As `augmentation_configs` returns them.
    high : float
        The largest of the pixels that come to them.
    """
    for each in configs or ():
        lower, upper = each["config"].get("value_range") or (0, high)
        if 0 < high <= 1 and upper >= 16:
            yield (
                f"has a {each['class_name']} for pixels from {lower} to {upper} in its "
                f"augmentation, which get values up to {high:g}. Give it "
                "value_range=(0, 1)."
            )
        elif high >= 16 and upper <= 1:
            yield (
                f"has a {each['class_name']} for pixels from {lower} to {upper} in its "
                f"augmentation, which get values up to {high:g}. Give "
                "rescaling=1 / 255, or divide pixels by 255."
            )


def is_augmentation(layer: keras.layers.Layer) -> bool:
    """Tell whether a layer is one of those that `augmentation_layers` makes."""
    return LAYERS.get(type(layer).__name__) is type(layer)


def _config(value: Any, owner: str) -> dict[str, Any]:
    kind, arguments = _described(value, owner)
    layer = _made(kind, arguments, owner)
    if type(layer) is not kind:  # of a class that makes others
        raise _unknown(value, owner)
    return {
        "module": "keras.layers",
        "class_name": kind.__name__,
        # With all arguments, whoever left some to their defaults.
        "config": _arguments_of(layer),
        "registered_name": None,
    }


def _described(value: Any, owner: str) -> tuple[Any, dict[str, Any]]:
    """Return the class of a layer, and the arguments that make it."""
    if isinstance(value, keras.layers.Layer) and is_augmentation(value):
        return type(value), _arguments_of(value)
    if isinstance(value, type) and is_own(value):
        value = value.__name__
    if isinstance(value, str) and value in AUGMENTATIONS:
        name, arguments = AUGMENTATIONS[value]
        return LAYERS[name], _in_range(LAYERS[name], arguments)
    if isinstance(value, str) and value in LAYERS:
        return LAYERS[value], _in_range(LAYERS[value], _usual(value))
    if isinstance(value, Mapping) and _is_config(value):
        kind = LAYERS[value["class_name"]]
        arguments = _without_builders(value.get("config") or {})
        return kind, _in_range(kind, arguments)
    raise _unknown(value, owner)


def _arguments_of(layer: keras.layers.Layer) -> dict[str, Any]:
    """Return the arguments that make a layer again, as plain values."""
    config = _without_builders(untracked(layer.get_config()))
    arguments = {name: _plain(each) for name, each in config.items()}
    if type(layer).__name__ == "RandomShear":
        # Its config has what Keras makes of a number, which it does not take itself.
        for name in ("x_factor", "y_factor"):
            lower, upper = arguments[name]
            arguments[name] = upper if lower == -upper else [lower, upper]
    return arguments


def _is_config(value: Mapping[Any, Any]) -> bool:
    name, config = value.get("class_name"), value.get("config")
    return (
        isinstance(name, str)
        and name in LAYERS
        and set(value)
        <= {"class_name", "config", "module", "registered_name", "build_config"}
        and str(value.get("module") or "keras.layers").split(".")[0] == "keras"
        and value.get("registered_name") in (None, "", name)
        and (config is None or isinstance(config, Mapping))
    )


def _usual(name: str) -> dict[str, Any]:
    """Return the arguments that a layer has under a name of our own, if it has one."""
    return next(
        (arguments for known, arguments in AUGMENTATIONS.values() if known == name), {}
    )


def _in_range(kind: Any, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return arguments for pixels from 0 to 1, unless they say otherwise."""
    if "value_range" in signature(kind.__init__).parameters:
        return {"value_range": [0, 1], **arguments}
    return dict(arguments)


def _without_builders(config: Mapping[str, Any]) -> dict[str, Any]:
    return {name: each for name, each in config.items() if name not in _OF_THE_BUILDER}


def _made(kind: Any, arguments: Mapping[str, Any], owner: str) -> Any:
    try:
        layer = kind(**arguments)
        # Keras would make one that does nothing.
        if isinstance(layer, keras.layers.RandomFlip) and layer.mode not in _FLIPS:
            raise ValueError(f"`mode` should be one of {', '.join(_FLIPS)}")
        return layer
    except _ERRORS as err:
        raise refused(
            _PARAMETER,
            owner,
            f"give {kind.__name__} arguments that it takes ({first_line(err)})",
            repr(_without_builders(arguments)),
        ) from err


def _plain(value: Any) -> Any:
    """Return a value of a config as JSON has it."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value


def _unknown(value: Any, owner: str) -> Exception:
    names = [*AUGMENTATIONS, *LAYERS]
    return invalid(
        _PARAMETER,
        owner,
        f"None, one of {', '.join(map(repr, AUGMENTATIONS))}, one of Keras's layers "
        f"{', '.join(LAYERS)} by name, config or object, or a list of these"
        f"{near_names(value, names)}",
        value,
    )
