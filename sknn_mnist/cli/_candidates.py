"""What a search covers: the estimator, and the candidates that options span."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sknn_mnist.cli._arguments import Place, Search
from sknn_mnist.cli._errors import expecting
from sknn_mnist.cli._estimator import make_estimator, parameters_of
from sknn_mnist.cli._network_options import default_grid, typed_as
from sknn_mnist.cli._own_networks import OwnFunction, import_function
from sknn_mnist.cli._stopping import parameters_of_stopping

__all__ = ["Candidates", "candidates_of", "split_grid", "take_epochs"]


@dataclass(frozen=True)
class Candidates:
    """What a search is made over, with candidates whose parameters were checked."""

    estimator: Any
    fixed: dict[str, Any]  # parameters that were given, and that all share
    grid: dict[str, list[Any]]
    by_halving: bool
    function: OwnFunction | None = None  # that makes the networks

    @property
    def name(self) -> str:
        """Name of the estimator."""
        return type(self.estimator).__name__

    @property
    def full_name(self) -> str:
        """Name of the estimator, with the function that makes its networks."""
        return f"{self.name}({self.function.name})" if self.function else self.name

    @property
    def index(self) -> list[str]:
        """Parameters that tell rows of the results apart.

        By halving a candidate has a row for each number of epochs that it came to.
        """
        return ["epochs", *self.grid] if self.by_halving else list(self.grid)

    def __len__(self) -> int:
        from sklearn.model_selection import ParameterGrid

        return len(ParameterGrid(self.grid))


def candidates_of(asked: Search) -> Candidates:
    """Return what a search is made over.

    Parameters
    ----------
    asked : Search
        The command.

    Returns
    -------
    Candidates
        With the estimator's memory as it was given.

    Raises
    ------
    CommandError
        When the options can't be searched over, or a candidate is refused.
    """
    model = asked.network.model
    given = parameters_of(asked.network)
    most: dict[str, Any] = {}
    with expecting(code=2):
        if asked.halving:
            given, epochs = take_epochs(given, model)
            if epochs is not None:
                most["epochs"] = epochs
        fixed, grid = split_grid(given, model)
    seed = asked.network.random_state
    fixed |= {"random_state": seed, **parameters_of_stopping(asked.stopping, seed)}
    made_by = import_function(model) if isinstance(model, Place) else model
    estimator = make_estimator(made_by, {**fixed, "memory": asked.memory, **most}, grid)
    function = made_by if isinstance(made_by, OwnFunction) else None
    return Candidates(estimator, fixed, grid, bool(asked.halving), function)


def split_grid(
    given: Mapping[str, list[Any]], model: str | Place
) -> tuple[dict[str, Any], dict[str, list[Any]]]:
    """Split options into what is fixed and what is searched over.

    Parameters
    ----------
    given : mapping of str to list
        Values by parameter.
    model : {"dense", "cnn"} or Place
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
        return {}, default_grid(model)
    for name, values in given.items():
        twice = {repr(value) for value in values if values.count(value) > 1}
        if twice:
            raise ValueError(
                f"{typed_as(name, model)} names {min(twice)} more than once."
            )
    grid = {name: values for name, values in given.items() if len(values) > 1}
    if not grid:
        return {}, dict(given)
    fixed = {name: values[0] for name, values in given.items() if name not in grid}
    return fixed, grid


def take_epochs(
    given: Mapping[str, list[Any]], model: str | Place
) -> tuple[dict[str, list[Any]], int | None]:
    """Take the epochs out of the options, for a search that deals them out itself.

    Parameters
    ----------
    given : mapping of str to list
        Values by parameter.
    model : {"dense", "cnn"} or Place
        Whose default grid serves when nothing is given.

    Returns
    -------
    given : dict of str to list
        The others.
    epochs : int or None
        The largest number of epochs of a candidate; None leaves it to the estimator.

    Raises
    ------
    ValueError
        When several epochs are given, or nothing else has several values.
    """
    others = dict(given or default_grid(model))
    epochs = others.pop("epochs", [None])
    if given and len(epochs) > 1:
        raise ValueError(
            "--halving sets the epochs itself: --epochs takes a single value with it, "
            f"the maximum. Got {' '.join(map(str, epochs))} instead."
        )
    if not any(len(values) > 1 for values in others.values()):
        raise ValueError(
            "--halving chooses between candidates: give an option other than --epochs "
            "several values."
        )
    return others, max(epochs) if epochs != [None] else None
