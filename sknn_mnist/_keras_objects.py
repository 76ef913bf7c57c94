"""Names, configs, classes and objects in; fresh Keras objects out.

A parameter is never handed to Keras as it is: an optimizer that has trained one
network can't train another, and a fit must leave its parameters as they were.
"""

from __future__ import annotations

import contextlib
import copy
import inspect
from collections.abc import Callable
from typing import Any, cast

import keras

from sknn_mnist._keras_private import loss_config
from sknn_mnist._parameters import (
    InvalidParameterError,
    as_finite_float,
    invalid,
    near_names,
)

__all__ = [
    "loss_family",
    "make_loss",
    "make_metrics",
    "make_optimizer",
]


# Names that mean one of several metrics; Keras chooses by the target.
KERAS_CHOOSES = {"accuracy", "acc", "crossentropy", "ce"}


def make_optimizer(
    optimizer: Any, learning_rate: Any, owner: str
) -> keras.optimizers.Optimizer:
    """Return a fresh optimizer, with `learning_rate` unless that is None."""
    changes = (
        {}
        if learning_rate is None
        else {"learning_rate": _rate_or_schedule(learning_rate, owner)}
    )
    try:
        known = _known_optimizer(optimizer, changes)
        if known is not None:
            return known
        made = _make(
            "optimizer",
            copy.deepcopy(optimizer) if isinstance(optimizer, dict) else optimizer,
            keras.optimizers,
            keras.optimizers.Optimizer,
            owner,
        )
        if not changes:
            return made
        return type(made).from_config({**made.get_config(), **changes})
    except InvalidParameterError:
        raise
    except (TypeError, ValueError) as err:
        raise invalid(
            "learning_rate",
            owner,
            "one that the optimizer takes, or None, which leaves the optimizer its "
            f"own ({_first_sentence(err)})",
            learning_rate,
        ) from err


def _rate_or_schedule(learning_rate: Any, owner: str) -> Any:
    allowed = (
        "None, a float in the range (0.0, inf) or a Keras LearningRateSchedule or "
        "its config"
    )
    if isinstance(learning_rate, keras.optimizers.schedules.LearningRateSchedule):
        return learning_rate
    if isinstance(learning_rate, dict):
        try:
            return keras.optimizers.schedules.deserialize(copy.deepcopy(learning_rate))
        except (ValueError, TypeError, KeyError) as err:
            raise invalid("learning_rate", owner, allowed, learning_rate) from err
    rate = as_finite_float(learning_rate)
    if isinstance(learning_rate, bool) or rate is None or rate <= 0:
        raise invalid("learning_rate", owner, allowed, learning_rate)
    return rate


def _known_optimizer(
    optimizer: Any, changes: dict[str, Any]
) -> keras.optimizers.Optimizer | None:
    """Return one of Keras's own optimizers, named for its class; None for others.

    Keras would number it (adam_1, adam_2...), and TensorFlow keeps something for
    each name that a variable has ever had.
    """
    config: dict[str, Any] = {}
    kind: Any = optimizer
    if isinstance(optimizer, str):
        kind = {
            name.lower(): each
            for name, each in vars(keras.optimizers).items()
            if inspect.isclass(each)
        }.get(optimizer.lower())
    elif isinstance(optimizer, keras.optimizers.Optimizer):
        kind, config = type(optimizer), optimizer.get_config()
    if (
        not inspect.isclass(kind)
        or not issubclass(kind, keras.optimizers.Optimizer)
        or kind is keras.optimizers.Optimizer
        or not kind.__module__.startswith("keras.")
        or kind.__name__ == "LossScaleOptimizer"  # which wraps another
    ):
        return None
    name = kind.__name__.lower()
    made: keras.optimizers.Optimizer = cast(Any, kind).from_config(
        {**config, **changes, "name": name}
    )
    return made


def make_loss(loss: Any, dtype: str, owner: str) -> Any:
    """Return a fresh loss that computes in `dtype`, or the user's own function."""
    if isinstance(loss, keras.losses.Loss):
        made = loss
    else:
        made = _make(
            "loss", loss, keras.losses, keras.losses.Loss, owner, callable_=True
        )
    if not isinstance(made, keras.losses.Loss):
        known = _loss_class(made)
        if known is None:
            return made
        made = known()
    config = loss_config(made)
    if config.get("from_logits"):
        raise invalid(
            "loss",
            owner,
            "a loss of probabilities, as the networks end in softmax or sigmoid: "
            "from_logits=False",
            loss,
        )
    # Losses hold no state, so a class of the user's own, which may not rebuild
    # from its config, can be used as it is.
    if not type(made).__module__.startswith("keras."):
        return made
    return type(made).from_config({**config, "dtype": dtype})


def loss_family(loss: Any) -> str:
    """Return a loss's name in small letters alone, however it is given.

    ``"sparse_categorical_crossentropy"``, the class, an object and a config all
    give ``"sparsecategoricalcrossentropy"``.
    """
    if isinstance(loss, dict):
        loss = loss.get("class_name", "")
    elif isinstance(loss, keras.losses.Loss):
        loss = type(loss).__name__
    else:
        if isinstance(loss, str) and loss != "auto":
            with contextlib.suppress(ValueError, TypeError, KeyError):
                loss = keras.losses.get(loss)  # "bce" is an alias
        if not isinstance(loss, str):
            loss = getattr(loss, "__name__", type(loss).__name__)
    return loss.replace("_", "").lower()


def make_metrics(metrics: Any, owner: str) -> list[Any]:
    """Return fresh metrics from one of them or a list."""
    if metrics is None:
        return []
    if not isinstance(metrics, list | tuple):
        metrics = [metrics]
    made = []
    for metric in metrics:
        if isinstance(metric, str) and metric in KERAS_CHOOSES:
            made.append(metric)
            continue
        known = _make(
            "metrics",
            metric,
            keras.metrics,
            keras.metrics.Metric,
            owner,
            callable_=True,
        )
        # Keras calls a metric in the history as it was called here.
        made.append(metric if isinstance(metric, str) else known)
    return made


def _make(
    parameter: str,
    identifier: Any,
    module: Any,
    base: Any,
    owner: str,
    callable_: bool = False,
) -> Any:
    if isinstance(identifier, base):
        try:
            return type(identifier).from_config(identifier.get_config())
        except (TypeError, ValueError, NotImplementedError) as err:
            raise invalid(
                parameter,
                owner,
                "an object that can be made again from its get_config() "
                f"({_first_sentence(err)})",
                identifier,
            ) from err
    if inspect.isclass(identifier):
        if issubclass(identifier, base):
            return identifier()
    elif isinstance(identifier, str | dict):
        try:
            made = module.get(identifier)
        except (ValueError, TypeError, KeyError, AttributeError):
            made = None
        if made is not None:
            return made
    elif callable_ and callable(identifier):
        return identifier
    raise _unknown(parameter, identifier, module, owner)


def _unknown(parameter: str, value: Any, module: Any, owner: str) -> Exception:
    names = [name for name in vars(module) if not name.startswith("_")]
    names += [name.lower() for name in names]
    kind = parameter.removesuffix("s") if parameter != "loss" else parameter
    return invalid(
        parameter,
        owner,
        f"the name, config, class or object of a Keras {kind}"
        f"{near_names(value, names)}",
        value,
    )


def _first_sentence(err: Exception) -> str:
    return str(err).strip().partition("\n")[0].partition(". ")[0]


def _loss_class(function: Callable[..., Any]) -> type[keras.losses.Loss] | None:
    """Return Keras's own loss class for Keras's own loss function."""
    if not function.__module__.startswith("keras."):
        return None
    name = function.__name__.replace("_", "")
    for each in vars(keras.losses).values():
        if (
            inspect.isclass(each)
            and issubclass(each, keras.losses.Loss)
            and each.__name__.lower() == name
        ):
            return each
    return None
