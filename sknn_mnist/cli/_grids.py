"""What a search covers: the candidates that options span."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["split_grid", "take_epochs"]

# What a search covers when no option says otherwise: the grids of the lesson.
DEFAULT_GRIDS: dict[str, dict[str, list[Any]]] = {
    "dense": {"epochs": [1, 5, 10], "hidden_size": [32, 64, 256]},
    "cnn": {"epochs": [1, 3], "filters": [8, 32]},
}


def split_grid(
    given: Mapping[str, list[Any]], model: str
) -> tuple[dict[str, Any], dict[str, list[Any]]]:
    """Split options into what is fixed and what is searched over.

    Parameters
    ----------
    given : mapping of str to list
        Values by parameter.
    model : {"dense", "cnn"}
        Whose default grid serves when nothing is given.

    Returns
    -------
    fixed : dict of str to object
        Parameters with one value.
    grid : dict of str to list
        Parameters with several. Where all have one, these: a search has
        something to tell its only candidate by.

    Raises
    ------
    ValueError
        When a value is given twice.
    """
    if not given:
        return {}, DEFAULT_GRIDS[model]
    for name, values in given.items():
        twice = {repr(value) for value in values if values.count(value) > 1}
        if twice:
            flag = "--" + name.replace("_", "-")
            raise ValueError(f"{flag} names {min(twice)} more than once.")
    grid = {name: values for name, values in given.items() if len(values) > 1}
    if not grid:
        return {}, dict(given)
    fixed = {name: values[0] for name, values in given.items() if name not in grid}
    return fixed, grid


def take_epochs(
    given: Mapping[str, list[Any]], model: str
) -> tuple[dict[str, list[Any]], int | None]:
    """Take the epochs out of the options, for a search that deals them out itself.

    Parameters
    ----------
    given : mapping of str to list
        Values by parameter.
    model : {"dense", "cnn"}
        Whose default grid serves when nothing is given.

    Returns
    -------
    given : dict of str to list
        The others.
    epochs : int or None
        The most epochs of a candidate; None leaves them to the estimator.

    Raises
    ------
    ValueError
        When several epochs are given, or nothing else has several values.
    """
    others = dict(given or DEFAULT_GRIDS[model])
    epochs = others.pop("epochs", [None])
    if given and len(epochs) > 1:
        raise ValueError(
            "--halving deals out the epochs itself: --epochs takes one value then, "
            f"the most. Got {' '.join(map(str, epochs))} instead."
        )
    if not any(len(values) > 1 for values in others.values()):
        raise ValueError(
            "--halving chooses between candidates: give an option other than --epochs "
            "several values."
        )
    return others, max(epochs) if epochs != [None] else None
