"""Names, configs, classes and objects in; fresh Keras objects out.

A parameter is never handed to Keras as it is: an optimizer that has trained one
network can't train another, and a fit must leave its parameters as they were.
"""

from __future__ import annotations

import contextlib
import copy
import inspect
import itertools
import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, cast

import keras

from sknn_mnist._messages import first_line
from sknn_mnist._parameters import (
    InvalidParameterError,
    as_finite_float,
    invalid,
    near_names,
)
from sknn_mnist.networks._keras_copies import (
    Arguments,
    arguments_of,
    copy_of,
    made_from,
)
from sknn_mnist.networks._keras_own import is_own, name_of_own
from sknn_mnist.networks._keras_private import arguments_in_function

__all__ = [
    "check_optimizer",
    "describe_optimizer",
    "make_loss",
    "make_metrics",
    "make_optimizer",
    "takes_logits",
]


# Names that mean one of several metrics; Keras chooses by the target.
KERAS_CHOOSES = {"accuracy", "acc", "crossentropy", "ce"}


def make_optimizer(
    optimizer: Any, learning_rate: Any, owner: str
) -> keras.optimizers.Optimizer:
    """Return a fresh optimizer, with `learning_rate` unless that is None."""
    described = describe_optimizer(optimizer, learning_rate, owner)
    with _refusing(optimizer, learning_rate, owner):
        if described is not None:
            return cast(keras.optimizers.Optimizer, made_from(*described))
        made = _make(
            "optimizer",
            copy.deepcopy(optimizer) if isinstance(optimizer, dict) else optimizer,
            keras.optimizers,
            keras.optimizers.Optimizer,
            owner,
        )
        if learning_rate is None:
            return cast(keras.optimizers.Optimizer, made)
        return cast(
            keras.optimizers.Optimizer,
            copy_of(made, {"learning_rate": _rate_or_schedule(learning_rate, owner)}),
        )


def check_optimizer(optimizer: Any, learning_rate: Any, owner: str) -> None:
    """Refuse what `make_optimizer` would refuse, for less where it is known to make it.

    An optimizer has variables, which take some milliseconds to make.
    """
    described = describe_optimizer(optimizer, learning_rate, owner)
    if described is not None:
        kind, arguments = described
        rate = arguments.get("learning_rate", 1.0)
        if arguments.keys() <= {"name", "learning_rate"} and isinstance(rate, float):
            with _refusing(optimizer, learning_rate, owner):
                _make_once(kind, "learning_rate" in arguments)
            return
    make_optimizer(optimizer, learning_rate, owner)


@lru_cache
def _make_once(kind: type, with_rate: bool) -> None:
    """Make an optimizer of a class, of which no other argument is asked."""
    arguments = {"learning_rate": 1.0} if with_rate else {}
    made_from(kind, {"name": kind.__name__.lower(), **arguments})


def describe_optimizer(
    optimizer: Any, learning_rate: Any, owner: str
) -> tuple[type, Arguments] | None:
    """Return what `make_optimizer` would make, as class and arguments.

    None for anything but Keras's own optimizers. The name is the class's: Keras would
    number it (adam_1, adam_2...), and TensorFlow keeps something for each name that a
    variable has ever had.
    """
    kind: Any = optimizer
    arguments: Arguments | None = {}
    if isinstance(optimizer, str):
        kind = {
            name.lower(): each
            for name, each in vars(keras.optimizers).items()
            if inspect.isclass(each)
        }.get(optimizer.lower())
    elif isinstance(optimizer, dict):
        with _refusing(optimizer, learning_rate, owner):
            made = _make(
                "optimizer",
                copy.deepcopy(optimizer),
                keras.optimizers,
                keras.optimizers.Optimizer,
                owner,
            )
        kind, arguments = type(made), arguments_of(made)
    elif isinstance(optimizer, keras.optimizers.Optimizer):
        kind, arguments = type(optimizer), arguments_of(optimizer)
    if arguments is None or not _is_class_of(kind, keras.optimizers.Optimizer):
        return None
    if not is_own(kind) or kind is keras.optimizers.Optimizer:
        return None
    arguments = {**arguments, "name": kind.__name__.lower()}
    if "inner_optimizer" in arguments:
        # The inner one trains; the outer one scales the loss.
        arguments["inner_optimizer"] = make_optimizer(
            arguments["inner_optimizer"], learning_rate, owner
        )
    elif learning_rate is not None:
        arguments["learning_rate"] = _rate_or_schedule(learning_rate, owner)
    return kind, arguments


@contextlib.contextmanager
def _refusing(optimizer: Any, learning_rate: Any, owner: str) -> Iterator[None]:
    try:
        yield
    except InvalidParameterError:
        raise
    except (TypeError, ValueError, AttributeError, KeyError) as err:
        if learning_rate is None:
            raise invalid(
                "optimizer",
                owner,
                "one that can be made of what is given "
                f"({type(err).__name__}: {_first_sentence(err)})",
                optimizer,
            ) from err
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


def make_loss(loss: Any, dtype: str, owner: str, logits: bool = False) -> Any:
    """Return a fresh loss that computes in `dtype`, or the user's own function.

    One of logits is refused, unless `logits`.
    """
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
    if not logits and takes_logits(made):
        raise invalid(
            "loss",
            owner,
            "a loss of probabilities, as the networks end in softmax or sigmoid: "
            "from_logits=False",
            loss,
        )
    arguments = arguments_of(made)
    # Losses hold no state, so one of the user's own can be used as it is.
    return (
        made
        if arguments is None
        else made_from(type(made), {**arguments, "dtype": dtype})
    )


def takes_logits(loss: Any) -> bool:
    """Tell whether a loss takes logits, and not probabilities."""
    return bool(
        arguments_in_function(loss).get("from_logits")
        or getattr(loss, "from_logits", False)
    )


def make_metrics(metrics: Any, owner: str) -> list[Any]:
    """Return fresh metrics from one of them or a list.

    Strings stay: Keras takes them for the names in the history. Classes and configs get
    the name that Keras gives the first of their kind in a process, ``auc``: Keras would
    number them on from fit to fit.
    """
    if metrics is None:
        return []
    if not isinstance(metrics, list | tuple):
        metrics = [metrics]
    made: list[Any] = []
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
        if isinstance(metric, str):
            made.append(metric)
            continue
        if not isinstance(metric, keras.metrics.Metric) and isinstance(
            known, keras.metrics.Metric
        ):
            _name_as_first(known, metric, made)
        made.append(known)
    return made


def _name_as_first(metric: keras.metrics.Metric, given: Any, others: list[Any]) -> None:
    """Number a metric that Keras has numbered anew, among the others of the list."""
    if isinstance(given, dict) and given.get("config", {}).get("name"):
        return
    base = _snake_case(type(metric).__name__)
    if not re.fullmatch(rf"{re.escape(base)}(_\d+)?", metric.name):
        return  # a name that Keras did not make up
    taken = {getattr(each, "name", each) for each in others}
    names = (
        base if number == 0 else f"{base}_{number}" for number in itertools.count()
    )
    metric.name = next(name for name in names if name not in taken)


def _snake_case(name: str) -> str:
    """Return a class's name as Keras turns it into an object's: AUC to auc."""
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


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
            return copy_of(identifier)
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
            try:
                return identifier()
            except TypeError as err:
                raise invalid(
                    parameter,
                    owner,
                    "a class that can be made without arguments "
                    f"({_first_sentence(err)})",
                    identifier,
                ) from err
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


def _is_class_of(value: Any, base: type) -> bool:
    return inspect.isclass(value) and issubclass(value, base)


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
    return first_line(err).partition(". ")[0]


def _loss_class(function: Callable[..., Any]) -> type[keras.losses.Loss] | None:
    """Return Keras's own loss class for Keras's own loss function."""
    if not (name_of_own(function) or "").startswith("keras.losses."):
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
