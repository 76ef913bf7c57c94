"""A function that makes a network: its keywords, and what it is given."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import keras

from sknn_mnist._parameters import invalid, near_names
from sknn_mnist.networks._own_networks import name_of

__all__ = [
    "GIVEN",
    "MISSING",
    "Maker",
    "arguments_for",
    "check_model",
    "maker_of",
    "nearest",
]

# What a function may ask for by name, and that is no parameter of the estimator.
GIVEN = ("meta", "compile_kwargs", "params")

# The default of a keyword that has none.
MISSING = inspect.Parameter.empty


@dataclass(frozen=True)
class Maker:
    """A function that makes a network, by its signature.

    Attributes
    ----------
    function : callable
        The function.
    keywords : dict of str to object
        Its keywords with their defaults, `MISSING` for those that have none; none of
        `GIVEN`.
    asks_for : tuple of str
        Which of `GIVEN` it names.
    takes_any : bool
        Whether it takes further keywords, of any name.
    """

    function: Callable[..., Any]
    keywords: dict[str, Any]
    asks_for: tuple[str, ...] = ()
    takes_any: bool = False

    @property
    def name(self) -> str:
        """The function's name, for messages."""
        return name_of(self.function)

    def takes(self, name: str) -> bool:
        """Tell whether a parameter of the estimator may be a keyword of it."""
        return name in self.keywords or (self.takes_any and name not in GIVEN)


def maker_of(model: Any) -> Maker | None:
    """Return the function that a `model` is; None for a network, and for nothing."""
    if model is None or isinstance(model, keras.Model) or not callable(model):
        return None
    try:
        signature = inspect.signature(model)
    except (ValueError, TypeError):  # of a function that is not Python's
        return Maker(model, {}, takes_any=True)
    keywords, takes_any = {}, False
    for each in signature.parameters.values():
        if each.kind is each.VAR_KEYWORD:
            takes_any = True
        elif each.kind in (each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY):
            keywords[each.name] = each.default
    asks_for = tuple(name for name in GIVEN if name in keywords)
    for name in asks_for:
        del keywords[name]
    return Maker(model, keywords, asks_for, takes_any)


def check_model(model: Any, owner: str) -> None:
    """Refuse a `model` that makes no network."""
    if not isinstance(model, keras.Model) and not callable(model):
        raise invalid(
            "model",
            owner,
            "a function that returns a keras.Model, or a keras.Model",
            model,
        )


# What other wrappers call parameters, where the names are not alike.
_ELSEWHERE = {"build_fn": "model", "nb_epoch": "epochs"}


def nearest(name: str, known: Iterable[str]) -> str:
    """Return " (did you mean 'x'?)" where a known name comes near."""
    # A name stands near itself.
    return near_names(_ELSEWHERE.get(name, name), [*known])


def arguments_for(
    maker: Maker, given: Mapping[str, Any], on_request: Mapping[str, Any], owner: str
) -> dict[str, Any]:
    """Return what a function is called with.

    Parameters
    ----------
    maker : Maker
        The function.
    given : Mapping
        Its keywords, without those that are left to it.
    on_request : Mapping
        Values of `GIVEN`.
    owner : str
        Name of the estimator, for messages.

    Raises
    ------
    TypeError
        When one without default is missing.
    """
    missing = [
        name
        for name, default in maker.keywords.items()
        if default is MISSING and name not in given
    ]
    if missing:
        raise TypeError(
            f"{maker.name} must be given {', '.join(map(repr, missing))}: set "
            f"{missing[0]}=... of {owner}."
        )
    return {**given, **{name: on_request[name] for name in maker.asks_for}}
