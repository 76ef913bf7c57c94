"""Whether a network was changed in more than the values of its variables.

Users of `model_` may change more than values: an activation, a layer, what is frozen.
A `Structure` is taken when the network is made, and compared at use.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from operator import is_
from types import CellType, FunctionType
from typing import Any

import keras

from sknn_mnist._array_kinds import kind_of
from sknn_mnist.networks._keras_contents import KINDS, is_same_parameter
from sknn_mnist.networks._keras_private import rate_of_optimizer

__all__ = ["Change", "Origin", "Output", "Structure", "layers_of"]

# Attributes without effect on what an existing network computes or how it trains:
# wrappers that Keras makes for each layer, and what draws the initial weights.
_IDLE = (
    *("build", "quantize", "seed", "seed_generator", "call_signature_parameters"),
    "backend",  # of layers that preprocess: the same for all
)
# Callable attributes of a network that `compile` sets.
_COMPILED = ("loss", "metrics", "optimizer")
_IDLE_ENDS = ("_initializer",)
# Attributes with an effect on training alone.
_TRAINING_ENDS = ("_regularizer", "_constraint")
_TRAINING_OF: dict[type, tuple[str, ...]] = {
    keras.layers.Dropout: ("rate", "noise_shape"),
    keras.layers.BatchNormalization: ("momentum", "renorm_momentum", "synchronized"),
}


@dataclass(frozen=True)
class Change:
    """One way in which a network is not what it was.

    Attributes
    ----------
    what : str
        Half a sentence, for messages.
    in_outputs : bool
        Whether its outputs may depend on it; else training alone does.
    """

    what: str
    in_outputs: bool


@dataclass(frozen=True)
class _Part:
    """A layer, as plain data and references to what it refers to."""

    name: str
    kind: type
    in_outputs: dict[str, Any]
    in_training: dict[str, Any]


@dataclass(frozen=True)
class Output:
    """One of a network's outputs.

    Attributes
    ----------
    shape : tuple of int or None
        Of one row's; None for a side that may have any length.
    dtype : str
        Of its numbers.
    sums_to_one, is_fraction : bool
        Whether they are probabilities that sum to 1 along the last axis, or lie in
        [0, 1].
    """

    shape: tuple[int | None, ...]
    dtype: str
    sums_to_one: bool
    is_fraction: bool


@dataclass(frozen=True)
class Origin:
    """What belonged to a network when its owner got it, and may be replaced.

    Attributes
    ----------
    optimizer : keras.optimizers.Optimizer or None
        The one that it was compiled with.
    settings : dict
        What that was given.
    variables : list of keras.Variable
        Those of the network.
    """

    optimizer: keras.optimizers.Optimizer | None
    settings: dict[str, Any]
    variables: list[keras.Variable]

    @classmethod
    def of(cls, network: keras.Model) -> Origin:
        """Return a network's own, as it is now."""
        optimizer = getattr(network, "optimizer", None)  # none before `compile`
        return cls(optimizer, _settings(optimizer), list(network.variables))


class Structure:
    """A network's layers and their settings.

    Parameters
    ----------
    network : keras.Model
        Nothing of it is kept but what its layers refer to; no variable.
    outputs : TensorSpec, or list, tuple or dict of these, or None
        Of its outputs, in their form; None for those of ``network.outputs``.

    Attributes
    ----------
    outputs : Output, or list, tuple or dict of these
        What it gives.
    """

    def __init__(self, network: keras.Model, outputs: Any = None) -> None:
        self._kind = type(network)
        self._own = _overridden(network)
        self._parts = [_part(layer) for layer in layers_of(network)]
        self._unchanged: list[Any] = []  # marks of a network that had no changes
        self.outputs = _outputs(network, outputs)

    def changes(self, network: keras.Model, origin: Origin) -> list[Change]:
        """Tell how a network differs from this.

        Parameters
        ----------
        network : keras.Model
            One that had this structure.
        origin : Origin
            What it had at first. Another variable is a change, and another setting of
            the same optimizer; another optimizer is none, since the user has
            compiled the network anew.

        Returns
        -------
        list of Change
            Those that its outputs depend on before the others.
        """
        # Some tens of microseconds, where nothing was touched.
        marks = [*_marks(network), origin]
        if len(marks) == len(self._unchanged) and all(map(is_, marks, self._unchanged)):
            return []
        found = list(self._differences(network, origin))
        if not found:
            self._unchanged = marks
        return sorted(found, key=lambda change: not change.in_outputs)

    def _differences(self, network: keras.Model, origin: Origin) -> Iterator[Change]:
        if type(network) is not self._kind:
            yield Change(f"it is a {type(network).__name__} now", True)
            return
        parts = [_part(layer) for layer in layers_of(network)]
        if [(each.name, each.kind) for each in parts] != [
            (each.name, each.kind) for each in self._parts
        ]:
            names = ", ".join(each.name for each in parts)
            before = ", ".join(each.name for each in self._parts)
            yield Change(f"its layers are ({names}), and were ({before})", True)
            return
        for name in _differing(self._own, _overridden(network)):
            yield Change(f"its {name} is another", True)
        for then, now in zip(self._parts, parts, strict=True):
            for name in _differing(then.in_outputs, now.in_outputs):
                what = _told(name, then.in_outputs, now.in_outputs, now.name)
                yield Change(what, True)
            for name in _differing(then.in_training, now.in_training):
                what = _told(name, then.in_training, now.in_training, now.name)
                yield Change(what, False)
        found, first = network.variables, origin.variables
        if len(found) != len(first) or not all(map(is_, found, first)):
            yield Change("layers like its own were put in their place", True)
        if getattr(network, "optimizer", None) is origin.optimizer:
            settings = _settings(origin.optimizer)
            for name in _differing(origin.settings, settings):
                yield Change(_told(name, origin.settings, settings), False)


def _outputs(network: keras.Model, specs: Any) -> Any:
    """Return an `Output` for each of a network's outputs, in the form of `specs`."""
    made_by: dict[int, keras.layers.Layer] = {}
    tensors = list(getattr(network, "outputs", None) or [])
    for layer in network.layers:
        try:
            made = keras.tree.flatten(layer.output)
        except (AttributeError, ValueError, RuntimeError):  # called by code alone
            continue
        made_by.update({id(each): layer for each in made})
    layers = [made_by.get(id(each)) for each in tensors]
    if specs is None:
        specs = tensors[0] if len(tensors) == 1 else tensors
    flat = keras.tree.flatten(specs)
    if len(layers) != len(flat):
        layers = [None] * len(flat)
    outputs = [_output(*each) for each in zip(flat, layers, strict=True)]
    return keras.tree.pack_sequence_as(specs, outputs)


def _output(spec: Any, layer: keras.layers.Layer | None) -> Output:
    activation = getattr(layer, "activation", None)
    if type(layer) is keras.layers.Softmax and getattr(layer, "axis", None) == -1:
        activation = keras.activations.softmax
    sums_to_one = activation is keras.activations.softmax
    return Output(
        shape=tuple(spec.shape[1:]),
        dtype=getattr(spec.dtype, "name", spec.dtype),
        sums_to_one=sums_to_one,
        is_fraction=sums_to_one or activation is keras.activations.sigmoid,
    )


def _marks(network: keras.Model) -> list[Any]:
    """Return objects of which one is replaced by whatever changes the network."""
    marks: list[Any] = [
        type(network),
        getattr(network, "optimizer", None),
        *_overridden(network).values(),
    ]
    for layer in layers_of(network):
        marks += [layer, type(layer), *vars(layer).values()]
    for each in network.variables:
        marks += [each, each.trainable, each.regularizer, each.constraint]
    if marks[1] is not None:
        marks += vars(marks[1]).values()
    return marks


def layers_of(network: Any) -> Iterator[keras.layers.Layer]:
    """Yield the layers, those of networks within it too."""
    for layer in network.layers:
        yield layer
        if isinstance(layer, keras.Model):
            yield from layers_of(layer)


def _part(layer: keras.layers.Layer) -> _Part:
    of_training: tuple[str, ...] = ()
    for kind, names in _TRAINING_OF.items():
        if type(layer) is kind:
            of_training = names
    in_outputs: dict[str, Any] = {
        "dtype policy": (type(layer.dtype_policy), layer.dtype_policy.name),
        **_overridden(layer),
    }
    in_training: dict[str, Any] = {
        "trainable": layer.trainable,
        # Not the layer's: `layer.kernel.trainable = False` freezes a part of it.
        "variables' settings": [
            (each.trainable, each.regularizer, each.constraint)
            for each in layer.variables
        ],
    }
    # Not by their class: in Keras 3.6 a layer's are no `keras.Variable`.
    variables = {id(each) for each in layer.variables}
    for name, value in vars(layer).items():
        if name[0] == "_" or name in _IDLE or name.endswith(_IDLE_ENDS):
            continue
        trains = (
            name in of_training
            or name.endswith(_TRAINING_ENDS)
            or name == "activity_regularizer"
        )
        # A name that was there at first can't be missing later without a difference.
        if id(value) in variables:
            value = keras.Variable
        elif isinstance(value, keras.random.SeedGenerator):
            value = keras.random.SeedGenerator  # what it holds is a variable
        elif isinstance(value, list):
            value = tuple(value)
        (in_training if trains else in_outputs)[name] = value
    in_outputs["variables"] = [kind_of(each) for each in layer.variables]
    return _Part(layer.name, type(layer), in_outputs, in_training)


def _overridden(owner: Any) -> dict[str, Any]:
    """Return the methods that were put on an object in place of its class's."""
    return {
        name: value
        for name, value in vars(owner).items()
        if callable(value)
        and name[0] != "_"
        and name not in (*_IDLE, *_COMPILED)
        and callable(getattr(type(owner), name, None))
    }


def _settings(optimizer: Any) -> dict[str, Any]:
    """Return the numbers and names that an optimizer was given.

    All but a learning rate that is a number, which is held in a variable and belongs
    to its state.
    """
    if optimizer is None:
        return {}
    settings: dict[str, Any] = {}
    for name, value in vars(optimizer).items():
        if name[0] == "_" or name == "name":
            continue
        if isinstance(value, keras.optimizers.Optimizer):  # the one within
            settings[name] = _settings(value)
        elif value is None or isinstance(value, bool | int | float | str | tuple):
            settings[name] = value
    is_number = isinstance(rate_of_optimizer(optimizer), float)
    settings["learning rate"] = "a number" if is_number else "a schedule"
    settings["variables"] = len(optimizer.variables)
    return settings


def _differing(then: dict[str, Any], now: dict[str, Any]) -> list[str]:
    nothing = object()
    return [
        name
        for name in {**then, **now}
        # An attribute that the user has added, such as a note, means nothing to
        # Keras; methods are among `then` and `now` by `_overridden`.
        if (name in then or callable(now[name]))
        and not _is_same_setting(then.get(name, nothing), now.get(name, nothing))
    ]


def _is_same_setting(one: Any, other: Any) -> bool:
    """Tell whether an attribute of a layer or optimizer means what it meant.

    Functions are the same by their code and what they have bound.
    """
    if one is other:
        return True
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(_is_same_setting, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return not _differing(one, other)
    if type(one) is not type(other):
        return False
    if isinstance(one, FunctionType):
        # A builder may make a function anew for each network.
        return one.__code__ == other.__code__ and _is_same_setting(
            _bound_values(one), _bound_values(other)
        )
    try:
        if isinstance(one, KINDS):
            return is_same_parameter(one, other)
        if hasattr(one, "get_config") and not isinstance(one, type):
            return bool(one.get_config() == other.get_config())
        return bool(one == other)
    except (ValueError, TypeError, NotImplementedError):
        return False


def _bound_values(function: FunctionType) -> list[Any]:
    cells = function.__closure__ or ()
    return [
        function.__defaults__,
        function.__kwdefaults__,
        # An empty one is of a name that was not bound yet.
        *(cell.cell_contents for cell in cells if cell != CellType()),
    ]


def _told(
    name: str, then: dict[str, Any], now: dict[str, Any], layer: str | None = None
) -> str:
    owner = "its optimizer" if layer is None else f"its layer {layer!r}"
    if name == "trainable":
        return f"{owner} is {'unfrozen' if now[name] else 'frozen'}"
    values = [
        _short(each[name]) if name in each else "Keras's own" for each in (now, then)
    ]
    if values[0] == values[1] or name.startswith("variables"):
        return f"the {name} of {owner} changed"
    return f"the {name} of {owner} is {values[0]}, and was {values[1]}"


def _short(value: Any) -> str:
    if isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], type):
        return str(value[1])  # a dtype policy
    if isinstance(value, str):
        return value
    return getattr(value, "__name__", None) or repr(value)[:60]
