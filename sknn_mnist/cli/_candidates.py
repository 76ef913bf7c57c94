"""What a search covers: the estimator, and the candidates that options span."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sknn_mnist.cli._arguments import By, Hyperband, Place, Search, Span
from sknn_mnist.cli._errors import CommandError, expecting
from sknn_mnist.cli._estimator import make_estimator, parameters_of
from sknn_mnist.cli._network_options import MOST_EPOCHS, default_grid, typed_as
from sknn_mnist.cli._own_networks import OwnFunction, import_function
from sknn_mnist.cli._stopping import parameters_of_stopping

__all__ = ["Candidates", "candidates_of", "split_grid", "take_epochs"]


@dataclass(frozen=True)
class Candidates:
    """What a search is made over, with candidates whose parameters were checked."""

    estimator: Any
    fixed: dict[str, Any]  # parameters that were given, and that all share
    grid: dict[str, Any]  # lists of values; by Hyperband also a Range
    by: By
    epochs: int | None = None  # the most, where the search deals them out
    brackets: tuple[tuple[Any, ...], ...] = ()  # of Hyperband, as rungs
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

        Where the search deals out epochs, a candidate has a row for each number of
        them that it came to.
        """
        return list(self.grid) if self.epochs is None else ["epochs", *self.grid]

    @property
    def at_once(self) -> int:
        """How many candidates there may be at a time, at most."""
        return max(
            (rungs[0].n_candidates for rungs in self.brackets), default=len(self)
        )

    @property
    def first(self) -> dict[str, Any]:
        """Parameters of one of them."""
        return next(_samples(self.grid))

    def __len__(self) -> int:
        from sklearn.model_selection import ParameterGrid

        if self.brackets:
            return sum(rungs[0].n_candidates for rungs in self.brackets)
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
    epochs = None
    with expecting(code=2):
        if asked.by != "grid":
            given, epochs = take_epochs(given, model, asked.by)
        fixed, grid = split_grid(given, model)
    seed = asked.network.random_state
    fixed |= {"random_state": seed, **parameters_of_stopping(asked.stopping, seed)}
    made_by = import_function(model) if isinstance(model, Place) else model
    function = made_by if isinstance(made_by, OwnFunction) else None
    shared = {**fixed, "memory": asked.memory}
    if asked.hyperband:
        epochs = MOST_EPOCHS if epochs is None else epochs
        trained = {"epochs": epochs}
        checked = [{**each, **trained} for each in _samples(grid)]
        estimator = make_estimator(made_by, shared, checked)
        brackets = _brackets(asked.hyperband, epochs, grid)
        return Candidates(estimator, fixed, grid, asked.by, epochs, brackets, function)
    from sklearn.model_selection import ParameterGrid

    if epochs is not None:
        shared["epochs"] = epochs
    estimator = make_estimator(made_by, shared, ParameterGrid(grid))
    if asked.halving:
        epochs = estimator.epochs
    return Candidates(estimator, fixed, grid, asked.by, epochs, function=function)


def split_grid(
    given: Mapping[str, list[Any]], model: str | Place
) -> tuple[dict[str, Any], dict[str, Any]]:
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
    grid : dict of str to list or Range
        Parameters with several, or a range. Where all have one value, these: a search
        has something to tell its only candidate by.

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
    grid = {
        name: _drawn_from(values) for name, values in given.items() if _several(values)
    }
    if not grid:
        return {}, dict(given)
    fixed = {name: values[0] for name, values in given.items() if name not in grid}
    return fixed, grid


def take_epochs(
    given: Mapping[str, list[Any]], model: str | Place, by: By
) -> tuple[dict[str, list[Any]], int | None]:
    """Take the epochs out of the options, for a search that deals them out itself.

    Parameters
    ----------
    given : mapping of str to list
        Values by parameter.
    model : {"dense", "cnn"} or Place
        Whose default grid serves when nothing is given.
    by : {"halving", "hyperband"}
        The kind of the search.

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
    others = dict(given or default_grid(model, by))
    epochs = others.pop("epochs", [None])
    if by == "hyperband" and not others:
        others = dict(default_grid(model, by))
    if given and len(epochs) > 1:
        raise ValueError(
            f"--{by} sets the epochs itself: --epochs takes a single value with it, "
            f"the maximum. Got {' '.join(map(str, epochs))} instead."
        )
    if not any(map(_several, others.values())):
        ranges = ", or a range" if by == "hyperband" else ""
        raise ValueError(
            f"--{by} chooses between candidates: give an option other than --epochs "
            f"several values{ranges}."
        )
    return others, max(epochs) if epochs != [None] else None


def _several(values: list[Any]) -> bool:
    return len(values) > 1 or isinstance(values[0], Span)


def _drawn_from(values: list[Any]) -> Any:
    """Return a list of values, or the range that is its only one."""
    from sknn_mnist.model_selection import Range

    first = values[0]
    if not isinstance(first, Span):
        return values
    return Range(first.low, first.high, first.log)


def _samples(grid: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield candidates that have, among them, every value and the ends of ranges."""
    values = {
        name: each if isinstance(each, list) else [each.low, each.high]
        for name, each in grid.items()
    }
    first = {name: each[0] for name, each in values.items()}
    yield first
    for name, each in values.items():
        for value in each[1:]:
            yield {**first, name: value}


def _brackets(
    asked: Hyperband, epochs: int, grid: Mapping[str, Any]
) -> tuple[tuple[Any, ...], ...]:
    """Return the rungs of each bracket, which lists alone may not fill."""
    from sknn_mnist.model_selection._brackets import brackets_of
    from sknn_mnist.model_selection._candidates import n_distinct_of

    whole = brackets_of(epochs, asked.factor, n_distinct_of([grid]))
    brackets = [bracket.rungs for bracket in whole]
    if sum(rungs[0].n_candidates for rungs in brackets) < 2:
        raise CommandError(
            f"--hyperband {asked.factor} up to {epochs} epoch(s) has a single "
            f"candidate: give --epochs {asked.factor} or more",
            code=2,
        )
    return tuple(brackets * asked.iterations)
