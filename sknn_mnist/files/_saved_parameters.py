"""An estimator's parameters as JSON, and again as what they were, judged before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sknn_mnist._messages import one_line
from sknn_mnist.files._saved_splitters import SPLITS, split_from_json, split_to_json
from sknn_mnist.files._sizes import check_routes, check_size
from sknn_mnist.files._values import (
    UnsavableError,
    check_callbacks,
    check_configs,
    value_from_json,
    value_to_json,
)

__all__ = [
    "LEFT_OUT",
    "parameter_from_json",
    "parameters_from_json",
    "parameters_to_json",
]

# What belongs to this machine or process: not written, and None when read.
LEFT_OUT = {"memory"}


def parameters_to_json(owner: str, given: Mapping[str, Any]) -> Any:
    """Return what `parameters_from_json` takes.

    Parameters
    ----------
    owner : str
        Name of the estimator, for messages.
    given : Mapping
        Parameters by name.

    Raises
    ------
    UnsavableError
        When one is code of the user's own, or more than a file may ask for.
    """
    stored = {}
    for name, value in given.items():
        if name in LEFT_OUT:
            continue
        if name in SPLITS:
            try:
                stored[name] = split_to_json(value)
            except UnsavableError as err:
                raise UnsavableError(
                    f"save can't write {name}={one_line(value)} of {owner}: {err}. Use "
                    "joblib.dump."
                ) from err
            continue
        try:
            stored[name] = value_to_json(value)
            parameter_from_json(name, stored[name])
        except (UnsavableError, ValueError) as err:
            raise UnsavableError(
                f"save can't write {name}={value!r} of {owner}: the file holds no code "
                f"({err}). Give it by name or config where Keras has it, or use "
                "joblib.dump."
            ) from err
    try:
        check_routes(stored)
    except ValueError as err:
        raise UnsavableError(
            f"save can't write the parameters of {owner}: {err}."
        ) from err
    return {"dict": [[name, stored[name]] for name in stored]}


def parameters_from_json(stored: Any) -> dict[str, Any]:
    """Return parameters by name; anything amiss raises ValueError."""
    found = dict(stored["dict"])
    check_routes(found)
    given = {name: parameter_from_json(name, value) for name, value in found.items()}
    return {name: value for name, value in given.items() if name not in LEFT_OUT}


def parameter_from_json(name: str, stored: Any) -> Any:
    """Return a parameter from its JSON, if it is one that a file may have."""
    if name in SPLITS:
        return split_from_json(stored)
    check_size(name, stored)
    value = value_from_json(stored)
    check_configs(value)
    if name in ("callbacks", "fit__callbacks"):
        check_callbacks(value)
    return value
