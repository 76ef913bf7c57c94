"""A search that stops candidates as a picture: how far each of them came."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import is_integer_dtype, is_numeric_dtype

from sknn_mnist._cv_results import Keys, candidate_numbers, resource_of, results_of
from sknn_mnist._messages import counted
from sknn_mnist._parameters import invalid, refused
from sknn_mnist.display._checks import as_line_options, check_axes, method_of
from sknn_mnist.display._drawing import colour_of, new_axes, plain, pyplot
from sknn_mnist.display._legends import grow_for_legends, legend_below
from sknn_mnist.display._search_table import (
    check_row,
    check_table,
    chosen_candidate,
    metric_of,
)

__all__ = ["BracketsDisplay"]

# What tells the rows of the table apart.
NUMBERS = ("bracket", "candidate")

# How much of the way from one rung to the next the brackets are spread over, so that
# those that end at the same rung stand side by side.
SPREAD = 0.3

# Room below the lowest that went on, as a part of the scores' range.
MARGIN = 0.08

# Brackets of the same rungs that a legend names; the others are counted.
MOST_NAMED = 3


class BracketsDisplay:
    """Scores by epoch of a search that stops candidates: how far each of them came.

    A line per candidate, from rung to rung, ends with a dot where it was stopped, or
    where its bracket ended. Brackets have colours; those with the same first rung
    have the same. A candidate of a single rung is a dot. The vertical axis begins where
    the lowest of those that went on is; a triangle at its lower edge stands for those
    that were stopped below, or ended there.

    Parameters
    ----------
    results : DataFrame
        One row per candidate and rung: columns ``bracket``, ``candidate``, the one
        called `resource`, ``mean_test`` and, if known, ``std_test``.
    metric : str, default="score"
        Name of the metric.
    best : int or None, default=None
        Row of `results` that the search chose; the largest ``mean_test`` if None.
    resource : str, default="epochs"
        What candidates have more of from rung to rung.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        After `plot`.
    figure_ : matplotlib.figure.Figure
        After `plot`.

    See Also
    --------
    SearchDisplay : Scores against one or two parameters.
    sknn_mnist.model_selection.HyperbandSearchCV : A search in brackets.

    Examples
    --------
    >>> from sknn_mnist.display import BracketsDisplay
    >>> results = {
    ...     "params": [{"a": a, "epochs": e} for a, e in ((1, 1), (2, 1), (2, 3))],
    ...     "param_a": [1, 2, 2],
    ...     "param_epochs": [1, 1, 3],
    ...     "iter": [0, 0, 1],
    ...     "n_resources": [1, 1, 3],
    ...     "mean_test_score": [0.5, 0.7, 0.9],
    ... }
    >>> display = BracketsDisplay.from_search(results)
    >>> display.frame()
       bracket  candidate  epochs  mean_test
    0        0          0       1        0.5
    1        0          1       1        0.7
    2        0          1       3        0.9
    >>> _ = display.plot()
    """

    def __init__(
        self,
        results: pd.DataFrame,
        metric: str = "score",
        *,
        best: int | None = None,
        resource: str = "epochs",
    ) -> None:
        owner = type(self).__name__
        self.results = check_table("results", results, owner)
        for name in NUMBERS:
            if name not in results or not is_integer_dtype(results[name]):
                allowed = f"a DataFrame with a column {name!r} of ints"
                raise invalid("results", owner, allowed, results)
        if not isinstance(metric, str):
            raise invalid("metric", owner, "a str", metric)
        self.metric = metric
        self.best = check_row("best", best, owner, len(results))
        self.resource = _check_resource(resource, owner, results)

    @classmethod
    def from_search(cls, search: Any, *, metric: str | None = None) -> Any:
        """Take the scores of a search that stops candidates.

        Parameters
        ----------
        search : fitted search, mapping or DataFrame
            A `HyperbandSearchCV`, or a `HalvingGridSearchCV` or
            `HalvingRandomSearchCV` of scikit-learn's, which is one bracket; or the
            ``cv_results_`` of one.
        metric : str, default=None
            Which metric, of a multi-metric search; the only or first one if None.

        Returns
        -------
        BracketsDisplay
            Not drawn yet.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            When the search has no results yet.
        ValueError or TypeError
            When the metric is unknown, or the search has no rungs or no scores.
        """
        owner = method_of(cls, "from_search")
        results = results_of(search, owner)
        metric = metric_of(results, metric, owner)
        if not {"iter", "n_resources"} <= set(results.columns):
            must = "be one that stops candidates, with 'iter' and 'n_resources'"
            raise refused("search", owner, must, f"a table of {list(results.columns)}")
        if results[f"mean_test_{metric}"].isna().all():
            must, got = "have scores", "a search in which every fit failed"
            raise refused("search", owner, must, got)
        key = resource_of(results)
        resource = Keys(results, owner).short(key) if key else "n_resources"
        table: dict[str, Any] = {
            "bracket": results.get("bracket", 0),
            "candidate": candidate_numbers(results),
            resource: results["n_resources"],
            "mean_test": results[f"mean_test_{metric}"].astype(float),
        }
        if f"std_test_{metric}" in results:
            table["std_test"] = results[f"std_test_{metric}"].astype(float)
        best = int(chosen_candidate(search, results, metric))
        return cls(pd.DataFrame(table), metric, best=best, resource=resource)

    def frame(self) -> pd.DataFrame:
        """Return what is drawn, one row per candidate and rung.

        Returns
        -------
        DataFrame
            A copy of `results`: columns bracket, candidate, the resource's name,
            mean_test and, if known, std_test.
        """
        return self.results.copy()

    def plot(
        self,
        *,
        ax: Any = None,
        line_kw: Mapping[str, Any] | None = None,
        best_kw: Mapping[str, Any] | None = None,
    ) -> Any:
        """Draw the scores by epoch, the epochs by their logarithm.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Where to draw; a new figure if None.
        line_kw : dict, default=None
            Handed to `matplotlib.axes.Axes.plot` for each candidate.
        best_kw : dict, default=None
            Handed to `matplotlib.axes.Axes.plot` for the mark of the best.

        Returns
        -------
        BracketsDisplay
            Itself.

        Raises
        ------
        ImportError
            When matplotlib is not installed.
        ValueError or TypeError
            When a parameter is invalid.
        """
        pyplot(type(self).__name__)
        owner = method_of(self, "plot")
        check_axes(ax, owner)
        options = as_line_options(line_kw, owner)
        of_mark = as_line_options(best_kw, owner, "best_kw")
        is_own = ax is None
        self.ax_ = ax = new_axes(ax, type(self).__name__, 5.6, 3.6)
        self.figure_ = ax.figure
        rungs = sorted(set(self.results[self.resource].tolist()))
        table = self.results.assign(
            at=self._places(rungs), mean_test=self.results["mean_test"].astype(float)
        )
        for place, brackets in enumerate(kinds := self._kinds()):
            mine = table[table["bracket"].isin(brackets)]
            # The many that start early are drawn below the few that start late.
            style = {
                "color": colour_of(place, len(kinds)),
                "linewidth": 0.9,
                "marker": "o",
                "markersize": 3.5,
                "markevery": [-1],
                "zorder": 2 + place / len(kinds),
                **options,
            }
            label = self._label(brackets, mine)
            scored = mine[mine["mean_test"].notna()]
            for _, line in scored.groupby("candidate", sort=False):
                line = line.sort_values(self.resource)
                ax.plot(line["at"], line["mean_test"], **{"label": label, **style})
                label = "_nolegend_"  # once for each colour
        self._mark_best(ax, table, of_mark)
        _mark_lower(ax, table)
        ax.set_xscale("log")
        ax.set_xticks(rungs, [plain(f"{each:,}") for each in rungs])
        ax.set_xticks([], minor=True)
        ax.set_xlabel(plain(self.resource))
        ax.set_ylabel(f"mean test {self.metric}")
        ax.grid(alpha=0.3)
        legend_below([ax])
        if is_own:
            grow_for_legends(self.figure_)
        return self

    def _kinds(self) -> list[list[Any]]:
        """Return the brackets, together those with the same first rung."""
        kinds: dict[Any, list[Any]] = {}
        starts = self.results.groupby("bracket")[self.resource].min()
        for bracket, start in starts.items():
            kinds.setdefault(start, []).append(bracket)
        return [kinds[start] for start in sorted(kinds)]

    def _places(self, rungs: list[Any]) -> pd.Series:
        """Return where each row stands along the axis: near its rung."""
        kinds = self._kinds()
        steps = np.diff(np.log(rungs))
        room = SPREAD * (steps.min() if len(steps) else 1.0)
        aside = {
            bracket: room * ((place + 0.5) / len(kinds) - 0.5)
            for place, brackets in enumerate(kinds)
            for bracket in brackets
        }
        shift = self.results["bracket"].map(aside)
        return self.results[self.resource] * np.exp(shift)

    def _label(self, brackets: list[Any], mine: pd.DataFrame) -> str:
        """Return what a legend says of brackets of one kind."""
        n = mine.groupby("bracket")["candidate"].nunique().sum()
        start = mine[self.resource].min()
        candidates = f"{counted(n, 'candidate')} from {start:,}"
        if len(set(self.results["bracket"])) == 1:
            return candidates
        named = ", ".join(str(each + 1) for each in brackets[:MOST_NAMED])
        more = "" if len(brackets) <= MOST_NAMED else "..."
        plural = "" if len(brackets) == 1 else "s"
        return f"bracket{plural} {named}{more}: {candidates}"

    def _mark_best(self, ax: Any, table: pd.DataFrame, options: dict[str, Any]) -> None:
        scores = table["mean_test"]
        at = int(np.nanargmax(scores)) if self.best is None else self.best
        best = table.iloc[at]
        if np.isnan(best["mean_test"]):
            return
        place = next(
            place for place, each in enumerate(self._kinds()) if best["bracket"] in each
        )
        style = {
            "color": colour_of(place, len(self._kinds())),
            "linestyle": "none",
            "marker": "*",
            "markersize": 14,
            "markeredgecolor": ax.xaxis.label.get_color(),
            "zorder": 4,
            "label": plain(
                f"best: {best['mean_test']:.4g} at "
                f"{self.resource}={self.results[self.resource].iloc[at]:,}"
            ),
            **options,
        }
        ax.plot([best["at"]], [best["mean_test"]], **style)


def _mark_lower(ax: Any, table: pd.DataFrame) -> None:
    """Leave the room to those that went on, and mark where others are below."""
    scores = table["mean_test"]
    went_on = scores[table["candidate"].duplicated(keep="last")]
    if went_on.isna().all():
        return
    margin = MARGIN * (scores.max() - went_on.min())
    floor = went_on.min() - margin
    below = table[scores < floor]
    if below.empty or not margin > 0:
        return
    ax.set_ylim(floor, scores.max() + margin)
    n = below["candidate"].nunique()
    ax.plot(
        below["at"],
        [0.02] * len(below),
        transform=ax.get_xaxis_transform(),
        linestyle="none",
        marker="v",
        markersize=5,
        color=ax.xaxis.label.get_color(),
        label=f"{n:,} below {floor:.3g}",
    )


def _check_resource(resource: Any, owner: str, results: pd.DataFrame) -> str:
    """Check the name of the column of what is dealt out: numbers above 0."""
    columns = [
        str(name)
        for name in results.columns
        if name not in (*NUMBERS, "mean_test", "std_test")
        and is_numeric_dtype(results[name])
        and (results[name] > 0).all()
    ]
    if not isinstance(resource, str) or resource not in columns:
        allowed = f"a column of numbers above 0, one of {columns}"
        raise invalid("resource", owner, allowed, resource)
    return resource
