"""From the results of a search to the table of places that a picture shows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from sknn_mnist._cv_results import Keys, Level
from sknn_mnist._parameters import near_names

__all__ = [
    "chosen_candidate",
    "keys_of_axes",
    "metric_of",
    "shows_growth",
    "table_of_places",
]


def metric_of(results: pd.DataFrame, metric: str | None) -> str:
    """Return the metric that is meant: the first one if None."""
    known = [
        str(name).removeprefix("mean_test_")
        for name in results.columns
        if str(name).startswith("mean_test_")
    ]
    if not known:
        raise ValueError("SearchDisplay got results without mean_test_ scores.")
    if metric is None:
        return known[0]
    if metric not in known:
        raise ValueError(
            "The 'metric' parameter of SearchDisplay.from_search must be one of "
            f"{known}. Got {metric!r} instead{near_names(metric, known)}."
        )
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
        raise ValueError("SearchDisplay got a search without parameters.")
    x_key = keys.find("x", x) if x is not None else None
    hue_key = keys.find("hue", hue) if hue is not None else None
    if hue_key is not None and hue_key == x_key:
        raise ValueError(f"{hue!r} can't be both x and hue.")
    x_key = x_key or _widest(results, keys, without=hue_key)
    hue_key = hue_key or _widest(results, keys, without=x_key, at_least=2)
    if x_key is None:
        raise ValueError(
            f"hue={hue!r} is the only parameter that was searched: give it as x."
        )
    return x_key, hue_key


def shows_growth(results: pd.DataFrame, *shown: str | None) -> bool:
    """Tell whether what a halving search gives more of is shown."""
    return any(
        key in ("iter", "n_resources")
        or (key and (results[key] == results["n_resources"]).all())
        for key in shown
    )


def table_of_places(
    results: pd.DataFrame, levels: list[Level], names: list[str], metric: str
) -> tuple[pd.DataFrame, pd.Series]:
    """Build the table: the best candidate of each place.

    Parameters
    ----------
    results : DataFrame
        A row for each candidate.
    levels : list of Level
        Values of the one or two parameters along the axes. A place is a combination of
        them.
    names : list of str
        What these parameters are called in the table.
    metric : str
        Which metric's scores.

    Returns
    -------
    table : DataFrame
        A row for each place: the parameters' labels, scores and number of candidates.
    places : Series of int
        Of each candidate, the row of its place in the table.
    """
    scores = results[f"mean_test_{metric}"].astype(float)
    if scores.isna().all():
        raise ValueError("SearchDisplay got a search in which every fit failed.")
    # A failed candidate is shown where it is all there is.
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
    """Return the row that the search chose, else that with the best score."""
    chosen = getattr(search, "best_index_", None)
    refit = getattr(search, "refit", True)
    if chosen in results.index and (metric == "score" or refit == metric):
        return chosen
    scores = results[f"mean_test_{metric}"].astype(float)
    if "iter" in results:  # what was given up early is not the best
        scores = scores[results["iter"] == results["iter"].max()]
    return scores.fillna(-np.inf).idxmax()


def _widest(
    results: pd.DataFrame, keys: Keys, without: str | None, at_least: int = 1
) -> str | None:
    """Return `epochs`, or the parameter with most values."""
    sizes = {
        key: len(Level(results[key]).labels)
        for key in keys.parameters
        if key != without
    }
    sizes = {key: size for key, size in sizes.items() if size >= at_least}
    epochs = [key for key in sizes if keys.short(key) == "epochs" and sizes[key] > 1]
    if epochs:
        return epochs[0]
    return max(sizes, key=sizes.__getitem__) if sizes else None
