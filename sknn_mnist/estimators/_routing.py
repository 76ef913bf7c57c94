"""Names with a prefix: arguments of what is made of a parameter.

``optimizer__momentum=0.9`` is an argument of the optimizer's class, whichever way the
optimizer is given. Of several losses, metrics or callbacks, a key or a place says which
one is meant, ``callbacks__stop__patience``, and without it all are.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import keras

from sknn_mnist._messages import and_more
from sknn_mnist._parameters import invalid, near_names, refused
from sknn_mnist.networks._compile_settings import SETTINGS, is_by_output
from sknn_mnist.networks._keras_contents import KINDS
from sknn_mnist.networks._keras_copies import arguments_of, made_from
from sknn_mnist.networks._keras_objects import make_loss, make_metrics, make_optimizer

__all__ = ["PREFIXES", "check_route", "routed", "routes_of", "taken_by"]

PREFIXES = (
    *("model", "compile", "fit", "predict"),
    *("optimizer", "loss", "metrics", "callbacks"),
)

# What was given, by what is left of its name: the whole name, and the value.
_Routes = dict[str, tuple[str, Any]]

# Arguments of Keras's methods that the estimators take.
_OF_METHODS = {
    "compile": {*SETTINGS},
    "fit": {
        *("batch_size", "callbacks", "epochs", "shuffle", "validation_batch_size"),
        *("validation_split", "verbose"),
    },
    "predict": {"batch_size", "verbose"},
}

_NAMESPACES: dict[str, Any] = {
    "optimizer": keras.optimizers,
    "loss": keras.losses,
    "metrics": keras.metrics,
    "callbacks": keras.callbacks,
}


def check_route(prefix: str, rest: str, value: Any) -> bool:
    """Tell whether a name with a prefix can be meant, as far as that is known.

    Parameters
    ----------
    prefix, rest : str
        The name's parts; not of ``model__``.
    value : object
        The parameter that bears the prefix as its name.
    """
    if prefix in _OF_METHODS:
        return rest in _OF_METHODS[prefix]
    kind = _class_of(prefix, value)
    return kind is None or _takes(kind, rest)


def taken_by(prefix: str, value: Any) -> list[str]:
    """Return the names that a prefix may be followed by, as far as they are known."""
    if prefix in _OF_METHODS:
        return sorted(_OF_METHODS[prefix])
    kind = _class_of(prefix, value)
    if kind is None:
        return []
    return list(inspect.signature(kind).parameters)


def routes_of(prefix: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was given with a prefix, without it."""
    start = f"{prefix}__"
    return {
        name.removeprefix(start): value
        for name, value in given.items()
        if name.startswith(start)
    }


def routed(prefix: str, value: Any, routes: Mapping[str, Any], owner: str) -> Any:
    """Return a parameter with the arguments that were given with its prefix.

    Parameters
    ----------
    prefix : {"optimizer", "loss", "metrics", "callbacks"}
        The parameter's name.
    value : object
        The parameter, as users give it.
    routes : Mapping
        Arguments, by names without the prefix.
    owner : str
        Name of the estimator, for messages.

    Returns
    -------
    object
        As users give it, with objects in the place of what gets arguments.

    Raises
    ------
    ValueError or TypeError
        When it does not take them.
    """
    if not routes:
        return value
    if value is None:
        first = next(iter(routes))
        raise invalid(prefix, owner, f"given for {prefix}__{first}", value)
    whole = {rest: (f"{prefix}__{rest}", each) for rest, each in routes.items()}
    return _routed(prefix, value, whole, owner)


def _routed(prefix: str, value: Any, routes: _Routes, owner: str) -> Any:
    if not routes or value is None:
        return value
    if is_by_output(value):
        _check_keys(prefix, value, routes, [*map(str, value)], owner)
        return {
            name: _routed(prefix, each, _meant(str(name), value, routes), owner)
            for name, each in value.items()
        }
    if isinstance(value, list | tuple):
        places = [str(place) for place in range(len(value))]
        # A metric may be called by its name as well.
        names = [each if isinstance(each, str) else "" for each in value]
        known = [*places, *names]
        _check_keys(prefix, dict(enumerate(value)), routes, known, owner)
        return [
            _routed(prefix, each, _meant(name, known, routes, place), owner)
            for place, name, each in zip(places, names, value, strict=True)
        ]
    return _made(prefix, value, routes, owner)


def _check_keys(
    prefix: str,
    several: Mapping[Any, Any],
    routes: _Routes,
    known: list[str],
    owner: str,
) -> None:
    """Refuse a name that is meant for one of several, and for none that is there."""
    for route, (name, _) in routes.items():
        first, _, rest = route.partition("__")
        if not rest or first in known:
            continue
        kinds = [_class_of(prefix, each) for each in several.values()]
        if any(kind is not None and not _takes(kind, route) for kind in kinds):
            keys = [each for each in known if each]
            raise refused(
                prefix,
                owner,
                f"have the key {first!r}, for {name!r}{near_names(first, keys)}",
                f"the keys {and_more([repr(each) for each in keys], 5)}",
            )


def _meant(name: str, known: Any, routes: _Routes, other: str | None = None) -> _Routes:
    """Return the routes to one of several: those that name it, and those to all."""
    found: _Routes = {}
    for route, value in routes.items():
        first, _, rest = route.partition("__")
        if not rest or first not in map(str, known):
            found.setdefault(route, value)
        elif first in (name, other):
            found[rest] = value
    return found


def _made(prefix: str, value: Any, routes: _Routes, owner: str) -> Any:
    kind = _class_of(prefix, value)
    for route, (name, _) in routes.items():
        if kind is not None and not _takes(kind, route):
            near = near_names(route, list(inspect.signature(kind).parameters))
            raise invalid(
                prefix,
                owner,
                f"one that takes {route!r}, for {name!r}{near}",
                _said(value),
            )
    given = {route: each for route, (_, each) in routes.items()}
    try:
        if inspect.isclass(value):
            return value(**given)
        if prefix == "callbacks":
            if kind is None:
                raise TypeError("it is made already")
            return kind(**given)
        made = _OBJECTS[prefix](value, owner)
        arguments = arguments_of(made)
        if arguments is None:
            raise TypeError("it is not made of arguments")
        return made_from(type(made), {**arguments, **given})
    except (TypeError, ValueError) as err:
        listed = ", ".join(f"{name}={each!r}" for name, each in routes.values())
        raise invalid(
            prefix, owner, f"one that takes {listed} ({err})", _said(value)
        ) from err


def _said(value: Any) -> Any:
    """Return what a message prints of an object that has no repr of its own."""
    return type(value) if isinstance(value, KINDS) else value


_OBJECTS: dict[str, Callable[[Any, str], Any]] = {
    "optimizer": lambda value, owner: make_optimizer(value, None, owner),
    "loss": lambda value, owner: make_loss(value, keras.config.floatx(), owner, True),
    "metrics": lambda value, owner: _metric(value, owner),
}


def _metric(value: Any, owner: str) -> Any:
    kind = _class_of("metrics", value) if isinstance(value, str) else None
    return make_metrics(value if kind is None else kind, owner)[0]


def _class_of(prefix: str, value: Any) -> type | None:
    """Return the class that a value names, is or is of; None where it tells of none."""
    if inspect.isclass(value):
        return value
    if isinstance(value, KINDS):
        return type(value)
    if not isinstance(value, str):
        return None
    wanted = value.replace("_", "").lower()
    for name, each in vars(_NAMESPACES[prefix]).items():
        if inspect.isclass(each) and name.lower() == wanted:
            return each
    if prefix in ("loss", "metrics"):
        try:
            found = getattr(keras, {"loss": "losses"}.get(prefix, prefix)).get(value)
        except (ValueError, TypeError, KeyError):
            return None
        if isinstance(found, keras.metrics.Metric):
            return type(found)
        name = getattr(found, "__name__", "")
        return _class_of(prefix, name) if name and name != value else None
    return None


def _takes(kind: type, name: str) -> bool:
    try:
        parameters = inspect.signature(kind).parameters
    except (ValueError, TypeError):
        return True
    if name in parameters:
        return parameters[name].kind is not inspect.Parameter.VAR_KEYWORD
    # Keras's own take ``**kwargs`` to refuse what is old.
    own = kind.__module__.startswith("keras.")
    return not own and any(
        each.kind is inspect.Parameter.VAR_KEYWORD for each in parameters.values()
    )
