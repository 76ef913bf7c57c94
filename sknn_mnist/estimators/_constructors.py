"""Constructors made of parameters that are named once, in holders.

Estimators must not be dataclasses, nor of attrs: Dask tells dataclasses by their fields
alone, and would take two that were fitted on different data for the same; rich prints
the fields of either in place of scikit-learn's repr. So `dataclasses` makes the
constructors, and nothing else of a dataclass stays. Type checkers see dataclasses.
"""

from __future__ import annotations

import inspect
from dataclasses import Field, field, make_dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

if TYPE_CHECKING:
    from typing_extensions import dataclass_transform
else:

    def dataclass_transform(**_):
        """Do nothing: what this says is for type checkers."""
        return lambda decorator: decorator


__all__ = ["constructed", "holder", "names_of", "open_constructed"]

Kind = TypeVar("Kind", bound=type)


class _Parameter(NamedTuple):
    name: str
    annotation: Any
    default: Any
    kw_only: bool


_held: dict[type, list[_Parameter]] = {}


@dataclass_transform(eq_default=False, kw_only_default=True, field_specifiers=(field,))
def holder(kind: Kind) -> Kind:
    """Take what a class annotates for parameters, and its values for their defaults.

    They go by keyword alone, but for a ``dataclasses.field`` with ``kw_only=False``.
    """
    _held[kind] = []
    for name, annotation in inspect.get_annotations(kind).items():
        default: Any = vars(kind)[name]
        kw_only = True
        if isinstance(default, Field):
            default, kw_only = default.default, bool(default.kw_only)
        _held[kind].append(_Parameter(name, annotation, default, kw_only))
        delattr(kind, name)  # an estimator has what its constructor assigned
    return kind


@dataclass_transform(eq_default=False, kw_only_default=True, field_specifiers=(field,))
def constructed(kind: Kind) -> Kind:
    """Give an estimator a constructor with the parameters of its holders.

    The constructor assigns them. They come in the order of the holders among the
    ancestors, the furthest first; the default is that of the nearest.
    """
    named = {
        each.name: each
        for ancestor in reversed(kind.__mro__)
        for each in _held.get(ancestor, ())
    }
    parameters = [
        (each.name, each.annotation, field(default=each.default, kw_only=each.kw_only))
        for each in named.values()
    ]
    made: Any = make_dataclass(kind.__name__, parameters)
    return _with_constructor(kind, made.__init__)


@dataclass_transform(eq_default=False, kw_only_default=True, field_specifiers=(field,))
def open_constructed(kind: Kind) -> Kind:
    """Do as `constructed`, and take keywords of any other name as well.

    These are handed to the method ``_take`` as a dict, when the others are assigned.
    The attributes are put where properties of the same name don't hinder: a subclass
    may have some.
    """
    closed: Any = constructed(kind).__init__  # type: ignore[misc]
    named = inspect.signature(closed)
    known = set(named.parameters)

    def __init__(self: Any, *args: Any, **given: Any) -> None:  # noqa: N807
        rest = {name: given.pop(name) for name in [*given] if name not in known}
        bound = named.bind(self, *args, **given)
        bound.apply_defaults()
        vars(self).update(list(bound.arguments.items())[1:])
        self._take(rest)

    # Without the others: scikit-learn gives whatever a signature names.
    __init__.__signature__ = named  # type: ignore[attr-defined]
    __init__.__annotations__ = closed.__annotations__
    return _with_constructor(kind, __init__)


def _with_constructor(kind: Kind, constructor: Any) -> Kind:
    constructor.__module__ = kind.__module__
    constructor.__qualname__ = f"{kind.__qualname__}.__init__"
    kind.__init__ = constructor  # type: ignore[misc]
    return kind


def names_of(holder: type) -> tuple[str, ...]:
    """Return the parameters that a holder names."""
    return tuple(each.name for each in _held[holder])
