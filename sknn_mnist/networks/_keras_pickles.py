"""Pickles of losses, metrics and optimizers that keep all that the objects hold."""

from __future__ import annotations

from typing import Any

import keras

from sknn_mnist.networks._keras_contents import is_plain, untracked
from sknn_mnist.networks._keras_copies import (
    Arguments,
    arguments_of,
    config_with_objects,
    made_from,
)
from sknn_mnist.networks._keras_own import name_of_own, own_named
from sknn_mnist.networks._keras_private import is_bookkeeping

__all__ = ["mend_pickling"]


def mend_pickling() -> None:
    """Let `copy.deepcopy` and pickles of losses, metrics and optimizers keep all.

    SciKeras replaces how Keras pickles these by their configs, on import and for the
    whole process, so that ``sklearn.base.clone`` of ``Huber(0.1)`` gives a ``Huber()``.
    """
    for kind in (keras.losses.Loss, keras.metrics.Metric, keras.optimizers.Optimizer):
        kind.__reduce__ = _reduce


def _reduce(value: Any) -> Any:
    arguments = arguments_of(value)
    if arguments is not None:
        return _made_by_name, (name_of_own(type(value)), arguments)
    if isinstance(value, keras.losses.Loss):
        return _from_attributes, (type(value), dict(vars(value)))
    # Of the user's own, by config, with what is plain of the rest.
    config = config_with_objects(value)
    rest = {
        name: untracked(each)
        for name, each in vars(value).items()
        if not is_bookkeeping(name) and is_plain(each)
    }
    return _from_config, (type(value), config, rest)


def _made_by_name(name: str, arguments: Arguments) -> Any:
    return made_from(own_named(name), arguments)


def _from_attributes(kind: type, attributes: dict[str, Any]) -> Any:
    made: Any = object.__new__(kind)
    vars(made).update(attributes)
    return made


def _from_config(kind: Any, config: Arguments, rest: dict[str, Any]) -> Any:
    made = kind.from_config(config)
    for name, value in rest.items():
        setattr(made, name, value)
    return made
