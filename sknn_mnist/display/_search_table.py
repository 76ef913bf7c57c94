"""From the results of a search to the table that a picture shows."""

from __future__ import annotations

import sys
from collections.abc import Collection, Container, Sequence
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd

from sknn_mnist._cv_results import Keys, Level, judged, metrics_of, resource_of
from sknn_mnist._parameters import invalid, near_names, refused

__all__ = [
    "check_column",
    "check_order",
    "check_row",
    "check_table",
    "chosen_candidate",
    "keys_of_axes",
    "left_out",
    "metric_of",
    "shows_growth",
    "table_of_places",
]

# Columns of the table that are no parameters.
SCORES = ("mean_test", "std_test", "mean_train", "std_train", "n_candidates")


# How many values a parameter may have that is chosen for the rows of the heat map, or
# for a line each: more, as those drawn from a distribution, can't be told apart.
HUES = range(2, 25)
ANY_SIZE = range(1, sys.maxsize)


def check_table(name: str, results: Any, owner: str) -> pd.DataFrame:
    """Check the table that a display is made from: it needs a score."""
    try:
        scored = bool(results["mean_test"].astype(float).notna().any())
    except (TypeError, ValueError, KeyError, AttributeError):
        scored = False
    if not isinstance(results, pd.DataFrame) or not scored:
        allowed = "a DataFrame with a column 'mean_test' of scores"
        raise invalid(name, owner, allowed, results)
    return results


def check_column(name: str, column: Any, owner: str, results: pd.DataFrame) -> str:
    """Check the name of a parameter's column."""
    columns = [each for each in results.columns if each not in SCORES]
    if not isinstance(column, str) or column not in columns:
        raise invalid(name, owner, f"one of the columns {columns}", column)
    return column


def check_order(
    name: str, order: Any, owner: str, values: Sequence[Any] | pd.Series
) -> Sequence[Any] | None:
    """Check an order of a parameter's values: None, or a sequence with each of them."""
    if order is None:
        return None
    is_order = isinstance(order, Collection) and not isinstance(order, str | bytes)
    there = list(dict.fromkeys(values))
    if not is_order or not all(each in list(order) for each in there):
        raise invalid(name, owner, f"None, or a sequence with each of {there}", order)
    return list(order)


def check_row(name: str, row: Any, owner: str, n_rows: int) -> int | None:
    """Check the number of a row, or None."""
    is_int = isinstance(row, Integral) and not isinstance(row, bool)
    if row is not None and not (is_int and 0 <= row < n_rows):
        raise invalid(name, owner, f"None or an int in the range [0, {n_rows})", row)
    return row


def metric_of(results: pd.DataFrame, metric: str | None, owner: str) -> str:
    """Return the metric asked for; the first one if None."""
    known = metrics_of(results)
    if not known:
        must, got = "have mean_test_ scores", f"a table of {list(results.columns)}"
        raise refused("search", owner, must, got)
    if metric is None:
        return known[0]
    if metric not in known:
        must = f"be one of {known}{near_names(metric, known)}"
        raise refused("metric", owner, must, repr(metric))
    return metric


def keys_of_axes(
    results: pd.DataFrame, keys: Keys, x: str | None, hue: str | None
) -> tuple[str, str | None]:
    """Choose the columns of the parameters along the axes.

    Parameters
    ----------
    results : DataFrame
        A row for each candidate.
    keys : Keys
        Their names.
    x, hue : str or None
        The parameters asked for, as `SearchDisplay.from_search` takes them.

    Returns
    -------
    x_key : str
        Column of the parameter along the horizontal axis.
    hue_key : str or None
        Column of the other one, if there is another.
    """
    if not keys.parameters:
        must, got = "have parameters", "a search without parameters"
        raise refused("search", keys.owner, must, got)
    x_key = keys.find("x", x) if x is not None else None
    hue_key = keys.find("hue", hue) if hue is not None else None
    if hue_key is not None and hue_key == x_key:
        must = "name another parameter than 'x'"
        raise refused("hue", keys.owner, must, repr(hue))
    x_key = x_key or _widest(results, keys, without=hue_key)
    hue_key = hue_key or _widest(results, keys, without=x_key, sizes=HUES)
    if x_key is None:
        must = f"leave a parameter for x: {hue!r} is the only one that was searched"
        raise refused("hue", keys.owner, must, repr(hue))
    return x_key, hue_key


def shows_growth(results: pd.DataFrame, *shown: str | None) -> bool:
    """Tell whether an axis shows the iterations or the resource of a search."""
    return bool({"iter", "n_resources", resource_of(results)} & {*shown} - {None})


def left_out(results: pd.DataFrame, keys: Keys, levels: list[Level]) -> list[str]:
    """Return the columns of other parameters, in which candidates of a place differ.

    Parameters
    ----------
    results : DataFrame
        A row for each candidate.
    keys : Keys
        Their names.
    levels : list of Level
        Values of the one or two parameters along the axes.

    Returns
    -------
    list of str
        Without what a search deals out, where its candidates stand at their last rung.
    """
    places = [level.places for level in levels]
    dealt_out = resource_of(results) if "iter" in results else None
    return [
        key
        for key in keys.parameters
        if key != dealt_out
        and Level(results[key]).places.groupby(places).nunique().gt(1).any()
    ]


def table_of_places(
    results: pd.DataFrame,
    levels: list[Level],
    names: list[str],
    metric: str,
    owner: str,
) -> tuple[pd.DataFrame, pd.Series]:
    """Build the table: the best candidate for each combination of values.

    Parameters
    ----------
    results : DataFrame
        A row for each candidate.
    levels : list of Level
        Values of the one or two parameters along the axes. A combination of them is a
        place in the picture.
    names : list of str
        Names of these parameters in the table.
    metric : str
        Which metric's scores.
    owner : str
        What the user called, for errors.

    Returns
    -------
    table : DataFrame
        A row for each place: the parameters' labels, scores and number of candidates.
    places : Series of int
        Of each candidate, the row of its place in the table.
    """
    scores = results[f"mean_test_{metric}"].astype(float)
    if scores.isna().all():
        must, got = "have scores", "a search in which every fit failed"
        raise refused("search", owner, must, got)
    # A failed candidate is shown only where no other is.
    by_place = scores.fillna(-np.inf).groupby([level.places for level in levels])
    best = results.loc[by_place.idxmax()]
    columns: dict[str, Any] = {
        name: level.labels_at(level.places[best.index])
        for name, level in zip(names, levels, strict=True)
    }
    for part in ("test", "train"):
        for kind in ("mean", "std"):
            column = f"{kind}_{part}_{metric}"
            if column in results:
                columns[f"{kind}_{part}"] = best[column].to_numpy(float)
    columns["n_candidates"] = by_place.size().to_numpy()
    return pd.DataFrame(columns), by_place.ngroup()


def chosen_candidate(search: Any, results: pd.DataFrame, metric: str) -> Any:
    """Return the row that the search chose, else the row with the best score."""
    chosen = getattr(search, "best_index_", None)
    refit = getattr(search, "refit", True)
    if chosen in results.index and (metric == "score" or refit == metric):
        return chosen
    scores = results[f"mean_test_{metric}"].astype(float)
    return scores[judged(results).index].fillna(-np.inf).idxmax()


def _widest(
    results: pd.DataFrame,
    keys: Keys,
    without: str | None,
    sizes: Container[int] = ANY_SIZE,
) -> str | None:
    """Return `epochs`, or the parameter with most values, of so many as `sizes`."""
    found = {
        key: len(Level(results[key]).labels)
        for key in keys.parameters
        if key != without
    }
    found = {key: size for key, size in found.items() if size in sizes}
    epochs = [key for key in found if keys.short(key) == "epochs" and found[key] > 1]
    if epochs:
        return epochs[0]
    return max(found, key=found.__getitem__) if found else None
