"""The score against one searched parameter: a point for each candidate."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Real
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from sknn_mnist._cv_results import Keys, Level, last_iterations, resource_of
from sknn_mnist.display._drawing import colour_of, plain, shade_of
from sknn_mnist.display._legends import legend_below

__all__ = ["Points", "are_spread", "draw_points", "points_of"]

# A parameter of more values can't be a column each in a heat map, and one of up to so
# many has a place on the axis for each.
MOST_VALUES, MOST_PLACES = 12, 8

# Of the cells of a heat map, how many are to be full.
FULL = 0.2

# Characters of a value on the axis, and how much of its place candidates take.
LONGEST, ROOM = 18, 0.5


@dataclass(frozen=True)
class Points:
    """The candidates' values of a parameter, and their scores.

    Attributes
    ----------
    name : str
        The parameter.
    given : Series
        Of each candidate that has it and a score.
    scores : Series of float
        Of the candidate's last rung, where it was stopped.
    resources : Series of int or None
        What it came to there; None of searches that stop nobody.
    resource : str
        What that is called.
    metric : str
        The scores' name.
    best : Best or None
        The best one.
    """

    name: str
    given: pd.Series
    scores: pd.Series
    resources: pd.Series | None
    resource: str
    metric: str
    best: Best | None


class Best(NamedTuple):
    """The best row of a search."""

    value: Any
    score: float
    resource: Any  # what it came to; None of searches that stop nobody


def are_spread(results: pd.DataFrame, keys: list[str], n_cells: int, n: int) -> bool:
    """Tell whether parameters have too many values for a heat map to show anything.

    Parameters
    ----------
    results : DataFrame
        A row for each candidate.
    keys : list of str
        Columns of the searched parameters.
    n_cells : int
        Cells of the heat map.
    n : int
        Those that have a score.
    """
    return n < FULL * n_cells or any(_is_spread(results[key]) for key in keys)


def _is_spread(column: pd.Series) -> bool:
    return len(set(_numbers_of(column))) > MOST_VALUES


def points_of(
    results: pd.DataFrame, keys: Keys, varying: list[str], metric: str, best: Any
) -> list[Points]:
    """Return the points for each parameter that has several values.

    Parameters
    ----------
    results : DataFrame
        A row for each candidate.
    keys : Keys
        The names of its parameters.
    varying : list of str
        Columns of those with several values.
    metric : str
        Which score.
    best : int or None
        The best row.
    """
    dealt_out = resource_of(results)
    called = keys.short(dealt_out) if dealt_out else "n_resources"
    last = last_iterations(results)
    column = f"mean_test_{metric}"
    last = last[last[column].notna()]
    found = []
    for key in varying:
        if key == dealt_out:
            continue
        chosen = None
        if best is not None:
            row = results.loc[best]
            chosen = Best(row[key], float(row[column]), row.get("n_resources"))
        found.append(
            Points(
                name=keys.short(key),
                given=last[key],
                scores=last[column].astype(float),
                resources=last["n_resources"] if "iter" in last else None,
                resource=called,
                metric=metric,
                best=chosen,
            )
        )
    return found


def draw_points(points: Points, ax: Any) -> None:
    """Draw them: numbers where they are on the axis, a few values side by side."""
    scale = _Scale(points)
    resources = points.resources
    rungs = [None] if resources is None else sorted(set(resources.tolist()))
    aside = {
        rung: ROOM * ((place + 0.5) / len(rungs) - 0.5)
        for place, rung in enumerate(rungs)
    }
    for place, rung in enumerate(rungs):
        here = scale.known & (True if rung is None else resources == rung)
        ax.plot(
            [scale.at(value, aside[rung]) for value in points.given[here]],
            points.scores[here],
            linestyle="none",
            marker="o",
            markersize=4,
            alpha=0.85,
            color=colour_of(0, 1)
            if rung is None
            else shade_of(place / max(len(rungs) - 1, 1)),
            label=None if rung is None else plain(f"{rung:,}"),
        )
    best = points.best
    if best is not None and scale.has(best.value):
        ax.plot(
            [scale.at(best.value, aside.get(best.resource, 0.0))],
            [best.score],
            linestyle="none",
            marker="*",
            markersize=13,
            markerfacecolor="none",
            markeredgecolor=ax.xaxis.label.get_color(),
            label="best",
        )
    scale.label(ax)
    ax.set_xlabel(plain(points.name))
    ax.set_ylabel(f"mean test {points.metric}")
    ax.grid(alpha=0.3)
    title = None if resources is None else plain(points.resource)
    legend_below([ax], title)


class _Scale:
    """Where the values of a parameter stand on the horizontal axis."""

    def __init__(self, points: Points) -> None:
        self.labels = Level(points.given).labels
        self.numbers = _numbers_of(points.given)
        self.is_numeric = len(set(self.numbers)) > MOST_PLACES
        # Of a search over several grids, some may have none.
        self.known = points.given.map(self.has).astype(bool)

    def has(self, value: Any) -> bool:
        """Tell whether a value has a place."""
        return _is_number(value) if self.is_numeric else self._label(value) is not None

    def at(self, value: Any, aside: float) -> float:
        """Return the place of a value, those with room a bit aside."""
        if self.is_numeric:
            return float(value)
        return float(self.labels.index(self._label(value))) + aside

    def label(self, ax: Any) -> None:
        """Write the values at the axis, or choose how numbers go along it."""
        if self.is_numeric:
            ax.set_xscale("log" if _by_logarithm(self.numbers) else "linear")
            return
        texts = [plain(_cut(str(label))) for label in self.labels]
        steep = sum(map(len, texts)) > 2 * LONGEST
        turned = {"rotation": 30, "ha": "right"} if steep else {}
        ax.set_xticks(range(len(texts)), texts, **turned)

    def _label(self, value: Any) -> Any:
        (label,) = Level(pd.Series([value], dtype=object)).labels
        return label if label in self.labels else None


def _is_number(value: Any) -> bool:
    is_real = isinstance(value, Real) and not isinstance(value, bool | np.bool_)
    return is_real and bool(np.isfinite(value))


def _numbers_of(column: pd.Series) -> list[float]:
    return [float(value) for value in column if _is_number(value)]


def _by_logarithm(numbers: list[float]) -> bool:
    """Tell whether numbers are spread more evenly by their logarithms."""
    low, middle, high = np.quantile(numbers, [0, 0.5, 1])
    if low <= 0 or high < 10 * low:
        return False
    place = (middle - low) / (high - low)
    by_logarithm = np.log(middle / low) / np.log(high / low)
    return bool(abs(by_logarithm - 0.5) < abs(place - 0.5))


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
