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


__all__ = ["constructed", "holder", "names_of"]

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
    ancestors, the furthest first.
    """
    parameters = [
        (each.name, each.annotation, field(default=each.default, kw_only=each.kw_only))
        for ancestor in reversed(kind.__mro__)
        for each in _held.get(ancestor, ())
    ]
    made: Any = make_dataclass(kind.__name__, parameters)
    made.__init__.__module__ = kind.__module__
    made.__init__.__qualname__ = f"{kind.__qualname__}.__init__"
    kind.__init__ = made.__init__  # type: ignore[misc]
    return kind


def names_of(holder: type) -> tuple[str, ...]:
    """Return the parameters that a holder names."""
    return tuple(each.name for each in _held[holder])
