"""What is Keras's own: what Keras has under its name, and nothing else.

A function in `functools.wraps` of one of Keras's bears its name and module, a class may
claim any module, a subclass looks like its base. So a thing is known by identity alone,
with what Keras had when this package was imported.
"""

from __future__ import annotations

import inspect
from typing import Any

import sknn_mnist.networks._quiet_start  # noqa: F401  before Keras

# isort: split
import keras

__all__ = ["NAMESPACES", "is_own", "name_of_own", "own_named"]

# Keras's public namespaces; a thing is named by the first that has it.
NAMESPACES = {
    "keras.optimizers": keras.optimizers,
    "keras.optimizers.schedules": keras.optimizers.schedules,
    "keras.losses": keras.losses,
    "keras.metrics": keras.metrics,
    "keras.activations": keras.activations,
    "keras.regularizers": keras.regularizers,
    "keras.constraints": keras.constraints,
    "keras.initializers": keras.initializers,
    "keras.callbacks": keras.callbacks,
    "keras.layers": keras.layers,
    "keras.models": keras.models,
    "keras.ops": keras.ops,
}


def name_of_own(value: Any) -> str | None:
    """Return where Keras has a class or function, None for anything else.

    Parameters
    ----------
    value : object
        Anything.

    Returns
    -------
    str or None
        As in ``"keras.losses.Huber"``; the same for all names of the same thing.
    """
    name, kept = _OWN.get(id(value), (None, None))
    return name if kept is value else None


def is_own(value: Any) -> bool:
    """Tell whether a class or function is Keras's own."""
    return name_of_own(value) is not None


def own_named(name: str) -> Any:
    """Return what Keras has under a name that `name_of_own` gave.

    Raises
    ------
    KeyError or AttributeError
        When it has nothing there, as in another version.
    """
    module, _, ending = name.rpartition(".")
    return getattr(NAMESPACES[module], ending)


def _find_own() -> dict[int, tuple[str, Any]]:
    # What is found is held, so that no other thing gets its id.
    found: dict[int, tuple[str, Any]] = {}
    for module, namespace in NAMESPACES.items():
        for name, value in vars(namespace).items():
            if not name.startswith("_") and (
                inspect.isclass(value) or inspect.isfunction(value)
            ):
                found.setdefault(id(value), (f"{module}.{name}", value))
    return found


_OWN = _find_own()
