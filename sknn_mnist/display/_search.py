"""A search as a picture: a heat map of its scores, or lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd

from sknn_mnist._cv_results import Keys, Level, last_iterations, results_of
from sknn_mnist._parameters import check_bool, check_one_of, invalid, refused
from sknn_mnist.display._checks import (
    as_line_options,
    as_names,
    check_drawing,
    method_of,
)
from sknn_mnist.display._drawing import colour_of, new_axes, plain
from sknn_mnist.display._heatmap import (
    axes_of_cells,
    frame_cell,
    label_columns,
    write_scores,
)
from sknn_mnist.display._legends import grow_for_legends, legend_below
from sknn_mnist.display._search_table import (
    check_column,
    check_order,
    check_row,
    check_table,
    chosen_candidate,
    keys_of_axes,
    left_out,
    metric_of,
    shows_growth,
    table_of_places,
)

__all__ = ["SearchDisplay"]

# More numbers along the axis are left to Matplotlib to label.
MOST_TICKS = 8

# Other parameters that are named; more are counted.
MOST_NAMED = 3


class SearchDisplay:
    """Scores of a search against one or two of its parameters.

    Where several candidates have the same values of these parameters, the best of
    them is shown, and the title says over which other parameters it is the best.

    Parameters
    ----------
    results : DataFrame
        One row per cell of the grid: the columns `x` and, unless None, `hue` with the
        parameters' values, ``mean_test``, ``std_test`` (over the folds),
        ``n_candidates``, and ``mean_train``, ``std_train`` where there are training
        scores.
    x : str
        Name of the parameter along the horizontal axis.
    hue : str or None
        Name of the other parameter: a row of the heat map, or a line, for each value.
    metric : str, default="score"
        Name of the metric.
    best : int or None, default=None
        Row of `results` that the search chose; the largest ``mean_test`` if None.
    x_order, hue_order : sequence or None, default=None
        The parameters' values in the order to draw them in; sorted if None.
    over : sequence of str, default=()
        Names of the other parameters: those over which a cell is the best.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        After `plot`.
    figure_ : matplotlib.figure.Figure
        After `plot`.
    colorbar_ : matplotlib.colorbar.Colorbar or None
        After `plot`: of the heat map; None for lines.

    See Also
    --------
    sknn_mnist.pivot_cv_results : The same as a table.

    Examples
    --------
    >>> from sknn_mnist.display import SearchDisplay
    >>> results = {
    ...     "params": [{"epochs": e, "hidden_size": h}
    ...                for e in (1, 5) for h in (32, 64)],
    ...     "param_epochs": [1, 1, 5, 5],
    ...     "param_hidden_size": [32, 64, 32, 64],
    ...     "mean_test_score": [0.85, 0.88, 0.91, 0.93],
    ...     "std_test_score": [0.02, 0.01, 0.01, 0.01],
    ... }
    >>> display = SearchDisplay.from_search(results)
    >>> display.x, display.hue
    ('epochs', 'hidden_size')
    >>> _ = display.plot(kind="lines")
    """

    def __init__(
        self,
        results: pd.DataFrame,
        x: str,
        hue: str | None,
        metric: str = "score",
        *,
        best: int | None = None,
        x_order: Sequence[Any] | None = None,
        hue_order: Sequence[Any] | None = None,
        over: Sequence[str] = (),
    ) -> None:
        owner = type(self).__name__
        self.results = check_table("results", results, owner)
        self.x = check_column("x", x, owner, results)
        self.hue = hue if hue is None else check_column("hue", hue, owner, results)
        if not isinstance(metric, str):
            raise invalid("metric", owner, "a str", metric)
        self.metric = metric
        self.best = check_row("best", best, owner, len(results))
        self.x_order = check_order("x_order", x_order, owner, results[x])
        values: Any = [] if hue is None else results[hue]
        self.hue_order = check_order("hue_order", hue_order, owner, values)
        self.over = as_names("over", over, owner)

    @classmethod
    def from_search(
        cls,
        search: Any,
        *,
        x: str | None = None,
        hue: str | None = None,
        metric: str | None = None,
    ) -> Any:
        """Take the scores of a search.

        Parameters
        ----------
        search : fitted search, mapping or DataFrame
            Anything with a ``cv_results_``, or that itself.
        x : str, default=None
            Parameter along the horizontal axis, named as in `pivot_cv_results`.
            None: ``epochs`` where it was searched, else the one with most values.
        hue : str, default=None
            Another parameter. None: of the others, the one with most values, of
            which there are 2 to 24; none where no other has so many.
        metric : str, default=None
            Which metric, of a multi-metric search; the only or first one if None.

        Returns
        -------
        SearchDisplay
            Not drawn yet.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            When the search has no results yet.
        ValueError or TypeError
            When a name is unknown, or there is nothing to show.
        """
        owner = method_of(cls, "from_search")
        results = results_of(search, owner)
        if results.empty:
            must, got = "have candidates", "a search without candidates"
            raise refused("search", owner, must, got)
        metric = metric_of(results, metric, owner)
        keys = Keys(results, owner)
        x_key, hue_key = keys_of_axes(results, keys, x, hue)
        if "iter" in results and not shows_growth(results, x_key, hue_key):
            results = last_iterations(results)
        levels = [Level(results[key]) for key in (x_key, hue_key) if key]
        names = [keys.short(key) for key in (x_key, hue_key) if key]
        table, places = table_of_places(results, levels, names, metric, owner)
        return cls(
            table,
            names[0],
            names[1] if hue_key else None,
            metric,
            best=int(places[chosen_candidate(search, results, metric)]),
            x_order=levels[0].labels,
            hue_order=levels[1].labels if hue_key else None,
            over=[keys.short(key) for key in left_out(results, keys, levels)],
        )

    def frame(self) -> pd.DataFrame:
        """Return what is drawn, one row per cell of the grid.

        Returns
        -------
        DataFrame
            A copy of `results`: the columns `x` and `hue`, mean_test, and where they
            are known std_test, mean_train, std_train, n_candidates.
        """
        return self.results.copy()

    def plot(
        self,
        *,
        kind: str = "heatmap",
        ax: Any = None,
        train: bool = False,
        cmap: Any = "cividis",
        line_kw: Mapping[str, Any] | None = None,
    ) -> Any:
        """Draw the scores.

        Parameters
        ----------
        kind : {"heatmap", "lines"}, default="heatmap"
            A heat map with the test scores written in, the best one framed; or a
            line for each value of `hue`, with a band of one standard deviation over
            the folds.
        ax : matplotlib.axes.Axes, default=None
            Where to draw; a new figure if None.
        train : bool, default=False
            Whether lines show the training scores too, dashed.
        cmap : str or matplotlib.colors.Colormap, default="cividis"
            Colours of the heat map.
        line_kw : dict, default=None
            Handed to `matplotlib.axes.Axes.plot`.

        Returns
        -------
        SearchDisplay
            Itself.

        Raises
        ------
        ImportError
            When matplotlib is not installed.
        ValueError or TypeError
            When a parameter is invalid.
        """
        owner = method_of(self, "plot")
        check_one_of("kind", kind, ("heatmap", "lines"), owner)
        train = check_bool("train", train, owner)
        cmap = check_drawing(self, ax, cmap)
        options = as_line_options(line_kw, owner)
        self.colorbar_ = None
        if kind == "heatmap":
            self._draw_heatmap(ax, cmap)
        else:
            self._draw_lines(ax, train, options)
        return self

    def _draw_heatmap(self, ax: Any, cmap: Any) -> None:
        columns = self._order(self.x, self.x_order)
        rows = self._order(self.hue, self.hue_order) if self.hue else [""]
        at = self._cells(rows, columns)
        scores = np.full((len(rows), len(columns)), np.nan)
        scores[tuple(zip(*at, strict=True))] = self.results["mean_test"]
        owner = type(self).__name__
        self.ax_ = ax = axes_of_cells(ax, owner, len(rows), len(columns))
        self.figure_ = ax.figure
        image = ax.imshow(scores, cmap=cmap, aspect="auto", origin="lower")
        self.colorbar_ = ax.figure.colorbar(
            image, ax=ax, label=f"mean test {self.metric}"
        )
        write_scores(image, scores)
        frame_cell(ax, *at[self._best_row()])
        label_columns(ax, columns)
        ax.set_xlabel(plain(self.x))
        ax.set_yticks(range(len(rows)), [plain(each) for each in rows])
        if self.hue:
            ax.set_ylabel(plain(self.hue))
        self._say_over_what(ax, "cell")

    def _say_over_what(self, ax: Any, what: str) -> None:
        """Write above the axes that a cell or point is the best of several candidates.

        Nothing where each is one candidate.
        """
        shared = self.results.get("n_candidates")
        if not self.over and (shared is None or not (shared > 1).any()):
            return
        names = f"best over {', '.join(self.over)}"
        if len(self.over) > MOST_NAMED:
            names = f"best over {len(self.over)} other parameters"
        elif not self.over:
            names = "best of its candidates"
        ax.set_title(plain(f"each {what}: {names}"), fontsize="medium", wrap=True)

    def _cells(self, rows: list[Any], columns: list[Any]) -> list[tuple[int, int]]:
        """Return (row, column) of the cell of each row of the results."""
        hues = self.results[self.hue] if self.hue else [""] * len(self.results)
        return [
            (rows.index(hue), columns.index(x))
            for hue, x in zip(hues, self.results[self.x], strict=True)
        ]

    def _best_row(self) -> int:
        """Return the row of the results that the search chose, else of the best."""
        if self.best is not None:
            return self.best
        return int(np.nanargmax(self.results["mean_test"]))

    def _order(self, name: str, given: Sequence[Any] | None) -> list[Any]:
        """Return the values that occur in the results, in order."""
        present = list(dict.fromkeys(self.results[name]))
        order = Level(self.results[name]).labels if given is None else given
        return [each for each in order if each in present]

    def _draw_lines(self, ax: Any, train: bool, line_kw: dict[str, Any]) -> None:
        is_own = ax is None
        self.ax_ = ax = new_axes(ax, type(self).__name__, 5.6, 3.6)
        self.figure_ = ax.figure
        values = self._order(self.x, self.x_order)
        # Numbers stand where they are on the axis, other values side by side.
        numeric = _are_numbers(values)
        hues = self._order(self.hue, self.hue_order) if self.hue else [None]
        for place, hue in enumerate(hues):
            mine = self.results
            if self.hue:
                mine = mine[[each == hue for each in mine[self.hue]]]
            at = [each if numeric else values.index(each) for each in mine[self.x]]
            label = plain(f"{self.hue}={hue}") if self.hue else "test"
            style = {"color": colour_of(place, len(hues)), "label": label, **line_kw}
            _draw_line(ax, at, mine, "test", {"linestyle": "-", **style})
            if train and "mean_train" in mine:
                style = {**style, "label": f"{label}, training", **line_kw}
                _draw_line(ax, at, mine, "train", {"linestyle": "--", **style})
        if not numeric or len(values) <= MOST_TICKS:
            ticks = values if numeric else range(len(values))
            ax.set_xticks(ticks, [plain(each) for each in values])
        ax.set_xlabel(plain(self.x))
        ax.set_ylabel(f"mean {self.metric}, ± 1 std over the folds")
        ax.grid(alpha=0.3)
        self._say_over_what(ax, "point")
        if self.hue or train:
            legend_below([ax])
            if is_own:
                grow_for_legends(ax.figure)


def _are_numbers(values: Sequence[Any]) -> bool:
    return all(
        isinstance(each, Real) and not isinstance(each, bool | np.bool_)
        for each in values
    )


def _draw_line(
    ax: Any, at: list[Any], results: pd.DataFrame, part: str, options: dict[str, Any]
) -> None:
    """Draw mean scores, and a band of one standard deviation where that is known."""
    mean = results[f"mean_{part}"].to_numpy()
    options = {"marker": "o", "markersize": 4, **options}
    ax.plot(at, mean, **options)
    if f"std_{part}" in results:
        spread = results[f"std_{part}"].to_numpy()
        band = {"color": options["color"], "alpha": 0.15, "linewidth": 0}
        ax.fill_between(at, mean - spread, mean + spread, **band)
