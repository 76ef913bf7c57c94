"""Results of a search, as tables."""

from __future__ import annotations

from typing import Any, Literal, overload

import numpy as np
import pandas as pd

from sknn_mnist._cv_results import (
    COURSE,
    Keys,
    Level,
    Names,
    last_iterations,
    resource_of,
    results_of,
    scores_named,
)
from sknn_mnist._parameters import check_one_of, refused

__all__ = ["pivot_cv_results"]

FAILED = "failed"


@overload
def pivot_cv_results(
    search: Any,
    index: Names = None,
    columns: Names = None,
    values: Names = None,
    *,
    aggfunc: str = "mean",
    format: Literal["frame"] = "frame",
) -> pd.DataFrame: ...


@overload
def pivot_cv_results(
    search: Any,
    index: Names = None,
    columns: Names = None,
    values: Names = None,
    *,
    aggfunc: str = "mean",
    format: Literal["markdown", "html"],
) -> str: ...


def pivot_cv_results(
    search: Any,
    index: Names = None,
    columns: Names = None,
    values: Names = None,
    *,
    aggfunc: str = "mean",
    format: str = "frame",
) -> pd.DataFrame | str:
    """Pivot the results of a search: its scores by its parameters.

    With the defaults it is the lesson's table: a row for each combination of the
    searched parameters, its training and its test score.

    Parameters
    ----------
    search : fitted search, mapping or DataFrame
        Anything with a ``cv_results_``, or that itself.
    index : str or iterable of str, default=None
        Parameters whose combinations are the rows. None: the searched parameters not
        in `columns`. The prefix ``param_`` may be left out, and so may those of
        steps and nested estimators (``hidden_size`` for ``clf__hidden_size``)
        where only one parameter can be meant. ``iter`` and ``n_resources`` of a
        halving search serve as well, and ``bracket`` and ``candidate`` of a
        `HyperbandSearchCV`.
    columns : str or iterable of str, default=None
        Parameters whose combinations are the columns.
    values : str or iterable of str, default=None
        Columns of ``cv_results_`` to show, or names of metrics of a multi-metric
        search (their mean training and test scores). None: the mean training and
        test scores that there are.
    aggfunc : {"mean", "min", "max", "median"}, default="mean"
        How candidates are combined that fall into one cell, because a parameter is
        in neither `index` nor `columns`. A failed candidate makes the cell NaN: it is
        not skipped.
    format : {"frame", "markdown", "html"}, default="frame"
        What is returned.

    Returns
    -------
    DataFrame or str
        Rows and columns are labelled with the searched values, sorted where they
        can be compared with each other, else in order of appearance. Numbers, bools
        and strings are labels as they are, anything else (tuples, None, objects) as
        text, since pandas splits tuples and drops None. "–" stands where a candidate
        has no such parameter. The score of a failed fit is NaN, and reads "failed" in
        markdown and HTML. Of a halving search, each candidate's last iteration is
        shown unless ``iter`` or ``n_resources`` is asked for; so of Hyperband, whose
        rows are all shown where the epochs are asked for too: any may be the best.

    Raises
    ------
    sklearn.exceptions.NotFittedError
        When the search has no results yet.
    ValueError or TypeError
        When a name is unknown or may mean several parameters, or when there is
        nothing to show.

    Examples
    --------
    >>> from sknn_mnist.reporting import pivot_cv_results
    >>> results = {
    ...     "params": [{"epochs": e, "hidden_size": h}
    ...                for e in (1, 5) for h in (32, 64)],
    ...     "param_epochs": [1, 1, 5, 5],
    ...     "param_hidden_size": [32, 64, 32, 64],
    ...     "mean_test_score": [0.85, 0.88, 0.91, 0.93],
    ... }
    >>> pivot_cv_results(results)
                        mean_test_score
    epochs hidden_size
    1      32                      0.85
           64                      0.88
    5      32                      0.91
           64                      0.93
    >>> print(pivot_cv_results(results, columns="hidden_size", format="markdown"))
    | epochs   |   mean_test_score, hidden_size=32 |   mean_test_score, hidden_size=64 |
    |:---------|----------------------------------:|----------------------------------:|
    | 1        |                            0.8500 |                            0.8800 |
    | 5        |                            0.9100 |                            0.9300 |
    """
    owner = "pivot_cv_results"
    check_one_of("format", format, ("frame", "html", "markdown"), owner)
    check_one_of("aggfunc", aggfunc, ("max", "mean", "median", "min"), owner)
    results = results_of(search, owner)
    if results.empty:
        must = "have candidates"
        raise refused("search", owner, must, "a search without candidates")
    keys = Keys(results, owner)
    column_keys = keys.find_all("columns", columns)
    if index is None:
        row_keys = [key for key in keys.parameters if key not in column_keys]
    else:
        row_keys = keys.find_all("index", index)
    twice = set(row_keys) & set(column_keys)
    if twice:
        must = "name other parameters than 'index'"
        raise refused("columns", owner, must, repr(sorted(twice)))
    shown = scores_named(results, values, owner)
    if not _shows_growth(results, {*row_keys, *column_keys}):
        results = last_iterations(results)
    table = _pivot(results, row_keys, column_keys, shown, aggfunc)
    if row_keys:
        table.index.names = [keys.short(key) for key in row_keys]
    if column_keys:
        table.columns.names = [None, *(keys.short(key) for key in column_keys)]
    if format == "markdown":
        return _markdown(table)
    return _html(table) if format == "html" else table


def _shows_growth(results: pd.DataFrame, keys: set[str]) -> bool:
    """Tell whether to show what candidates were before their last iteration."""
    growing = {"iter", "n_resources"}
    if "bracket" in results.columns:
        growing |= {resource_of(results) or "n_resources"}
    return bool(growing & keys)


def _pivot(
    results: pd.DataFrame,
    row_keys: list[str],
    column_keys: list[str],
    shown: list[str],
    aggfunc: str,
) -> pd.DataFrame:
    """Return the scores, by the values of some parameters and of others.

    Candidates are grouped by numbers, which stand for combinations of values, and the
    numbers labelled at the end: pandas's own `pivot_table` drops None and failed
    candidates, and takes tuples apart.
    """
    rows, row_labels = _combinations(results, row_keys)
    columns, column_labels = _combinations(results, column_keys)

    # skipna=False: a failed candidate is not skipped.
    def combine(cell: pd.Series) -> float:
        return getattr(cell, aggfunc)(skipna=False)

    cells: Any = results[shown].astype(float).groupby([rows, columns]).agg(combine)
    # From a row for each cell to columns (score, number of the combination), of which
    # those of one score stand together. Not pivot_table, which would drop what failed.
    table = cells.unstack()[shown]  # noqa: PD010
    scores, numbers = (table.columns.get_level_values(at) for at in (0, 1))
    table.columns = _index_of([scores, *(each[numbers] for each in column_labels)])
    table.index = _index_of(row_labels) if row_keys else pd.Index([0])
    return table


def _combinations(
    results: pd.DataFrame, keys: list[str]
) -> tuple[pd.Series, list[pd.Index]]:
    """Number the combinations of values that some parameters have.

    Parameters
    ----------
    results : DataFrame
        A row for each candidate.
    keys : list of str
        Columns of the parameters. Of none there is one combination.

    Returns
    -------
    numbers : Series of int
        Of each candidate, the number of its combination, in the order of the values.
    labels : list of Index
        For each parameter, the label of its value in each combination.
    """
    levels = [Level(results[key]) for key in keys]
    of_candidates = [
        tuple(level.places.iloc[row] for level in levels) for row in range(len(results))
    ]
    combinations = sorted(set(of_candidates))
    number = {each: place for place, each in enumerate(combinations)}
    labels = [
        level.labels_at(each[at] for each in combinations)
        for at, level in enumerate(levels)
    ]
    return pd.Series([number[c] for c in of_candidates], index=results.index), labels


def _index_of(labels: list[pd.Index]) -> pd.Index:
    return labels[0] if len(labels) == 1 else pd.MultiIndex.from_arrays(labels)


def _markdown(table: pd.DataFrame) -> str:
    flat = _as_text(table)
    escaped = flat.map(
        lambda cell: cell.replace("|", "\\|") if isinstance(cell, str) else cell
    )
    escaped.columns = [str(name).replace("|", "\\|") for name in flat.columns]
    return escaped.to_markdown(
        index=False, disable_numparse=True, colalign=_alignment(table, flat)
    )


def _html(table: pd.DataFrame) -> str:
    flat = _as_text(table)
    return flat.to_html(index=False, escape=True, border=0)


def _as_text(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with its index as columns and its numbers as text."""
    body = pd.DataFrame(
        [
            [_number_text(name, value) for name, value in zip(table, row, strict=True)]
            for row in table.to_numpy()
        ],
        columns=[_column_text(name, table.columns.names) for name in table],
        index=table.index,
    )
    rows = (
        body.index.to_frame(index=False).map(str)
        if body.index.names != [None]
        else pd.DataFrame(index=range(len(body)))
    )
    return pd.concat([rows, body.reset_index(drop=True)], axis=1)


def _number_text(name: Any, value: float) -> str:
    if np.isnan(value):
        return FAILED
    name = name[0] if isinstance(name, tuple) else name
    counts = name.startswith(("rank_", "n_")) or name in COURSE
    return f"{value:g}" if counts else f"{value:.4f}"


def _column_text(name: Any, levels: list[Any]) -> str:
    if not isinstance(name, tuple):
        return str(name)
    labels = zip(levels[1:], name[1:], strict=True)
    return ", ".join([name[0], *(f"{level}={label}" for level, label in labels)])


def _alignment(table: pd.DataFrame, flat: pd.DataFrame) -> list[str]:
    n_index = flat.shape[1] - table.shape[1]
    return ["left"] * n_index + ["right"] * table.shape[1]
