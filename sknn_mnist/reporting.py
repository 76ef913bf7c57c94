"""Results of a search, as tables."""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, Literal, overload

import joblib
import numpy as np
import pandas as pd
from sklearn.exceptions import NotFittedError

from sknn_mnist._parameters import check_one_of, near_names

__all__ = ["cv_results_frame", "pivot_cv_results"]

# Shown where a candidate has no such parameter, as in a search over several grids.
ABSENT = "–"
FAILED = "failed"


_Names = str | Iterable[str] | None


@overload
def pivot_cv_results(
    search: Any,
    index: _Names = None,
    columns: _Names = None,
    values: _Names = None,
    *,
    aggfunc: str = "mean",
    format: Literal["frame"] = "frame",
) -> pd.DataFrame: ...


@overload
def pivot_cv_results(
    search: Any,
    index: _Names = None,
    columns: _Names = None,
    values: _Names = None,
    *,
    aggfunc: str = "mean",
    format: Literal["markdown", "html"],
) -> str: ...


def pivot_cv_results(
    search: Any,
    index: _Names = None,
    columns: _Names = None,
    values: _Names = None,
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
        Parameters that make the rows. None: the searched parameters that are not
        in `columns`. The prefix ``param_`` may be left out, and so may those of
        steps and nested estimators (``hidden_size`` for ``clf__hidden_size``)
        where only one parameter can be meant. ``iter`` and ``n_resources`` of a
        halving search serve as well.
    columns : str or iterable of str, default=None
        Parameters that make the columns.
    values : str or iterable of str, default=None
        Columns of ``cv_results_`` to show, or names of metrics of a multi-metric
        search (their mean training and test scores). None: the mean training and
        test scores, as far as they are there.
    aggfunc : {"mean", "min", "max", "median"}, default="mean"
        How several candidates are combined that fall into one cell because a
        parameter is in neither `index` nor `columns`. A failed candidate makes the
        cell NaN; it is not passed over.
    format : {"frame", "markdown", "html"}, default="frame"
        What is returned.

    Returns
    -------
    DataFrame or str
        Rows and columns are labelled with the searched values, sorted where they
        can be compared with each other, else in order of appearance. Numbers, bools
        and strings label as they are; anything else (tuples, None, objects) by its
        text, since pandas takes tuples apart and drops None. "–" stands where a
        candidate has no such parameter. The score of a failed fit is NaN, and reads "failed" in
        markdown and HTML. Of a halving search, each candidate's last iteration is
        shown unless ``iter`` or ``n_resources`` is asked for.

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
    """  # noqa: E501
    owner = "pivot_cv_results"
    check_one_of("format", format, ("frame", "html", "markdown"), owner)
    check_one_of("aggfunc", aggfunc, ("max", "mean", "median", "min"), owner)
    results = cv_results_frame(search)
    if results.empty:
        raise ValueError(f"{owner} got a search without candidates.")
    keys = _Keys(results)
    column_keys = keys.find_all("columns", columns)
    if index is None:
        row_keys = [key for key in keys.parameters if key not in column_keys]
    else:
        row_keys = keys.find_all("index", index)
    twice = set(row_keys) & set(column_keys)
    if twice:
        raise ValueError(f"{sorted(twice)} can't be in both index and columns.")
    shown = _values(results, values)
    if not {"iter", "n_resources"} & {*row_keys, *column_keys}:
        results = _last_iterations(results)
    table = _pivot(results, row_keys, column_keys, shown, aggfunc)
    if row_keys:
        table.index.names = [keys.short(key) for key in row_keys]
    if column_keys:
        table.columns.names = [None, *(keys.short(key) for key in column_keys)]
    if format == "markdown":
        return _markdown(table)
    return _html(table) if format == "html" else table


def cv_results_frame(search: Any) -> pd.DataFrame:
    """Return the results of a search as a DataFrame, a row a candidate.

    Parameters
    ----------
    search : fitted search, mapping or DataFrame
        Anything with a ``cv_results_``, or that itself.

    Returns
    -------
    DataFrame
        All columns of ``cv_results_``; a copy. A parameter that a candidate does
        not have, in a search over several grids, is "–".

    Raises
    ------
    sklearn.exceptions.NotFittedError
        When the search has no results yet.
    TypeError
        When it is something else.

    Examples
    --------
    >>> from sknn_mnist.reporting import cv_results_frame
    >>> cv_results_frame({"params": [{"epochs": 1}], "mean_test_score": [0.9]})
              params  mean_test_score
    0  {'epochs': 1}              0.9
    """
    results = getattr(search, "cv_results_", search)
    if isinstance(results, pd.DataFrame):
        frame = results.reset_index(drop=True)
        if "params" in frame:
            for name in frame.filter(regex="^param_"):
                lacks = [str(name)[6:] not in params for params in frame["params"]]
                frame[name] = [
                    ABSENT if lack else value
                    for lack, value in zip(lacks, frame[name], strict=True)
                ]
        return frame
    if isinstance(results, Mapping):
        return pd.DataFrame(
            {name: _column(name, values) for name, values in results.items()}
        )
    if hasattr(search, "fit"):
        raise NotFittedError(
            f"This {type(search).__name__} instance has no results yet: call 'fit' "
            "first."
        )
    raise TypeError(
        "The 'search' parameter must be a fitted search, its cv_results_ or a "
        f"DataFrame of them. Got {search!r} instead."
    )


def _column(name: str, values: Any) -> Any:
    """Return a column that pandas takes as it is: tuples and None stay."""
    if not name.startswith("param"):
        return np.asarray(values)
    masked = np.ma.getmaskarray(values) if np.ma.isMaskedArray(values) else None
    plain = np.ma.getdata(values) if masked is not None else values
    column = np.empty(len(plain), dtype=object)
    for position, value in enumerate(plain):
        hidden = masked is not None and bool(masked[position])
        column[position] = ABSENT if hidden else value
    return pd.Series(column, dtype=object)


class _Keys:
    """The names that parameters go by: in full, and as short as is clear."""

    def __init__(self, results: pd.DataFrame) -> None:
        self.parameters = [
            name for name in results.columns if str(name).startswith("param_")
        ]
        self.others = [
            name for name in ("iter", "n_resources") if name in results.columns
        ]

    def find_all(self, role: str, names: _Names) -> list[str]:
        if names is None:
            return []
        names = [names] if isinstance(names, str) else list(names)
        found = [self.find(role, name) for name in names]
        if len(set(found)) < len(found):
            raise ValueError(f"{role}={names!r} names a parameter twice.")
        return found

    def find(self, role: str, name: str) -> str:
        for exact in (name, f"param_{name}"):
            if exact in self.parameters or exact in self.others:
                return exact
        ending = f"__{str(name).removeprefix('param_')}"
        found = [key for key in self.parameters if key.endswith(ending)]
        if len(found) == 1:
            return found[0]
        full = [key.removeprefix("param_") for key in self.parameters]
        if found:
            meant = [key.removeprefix("param_") for key in found]
            raise ValueError(f"{role}={name!r} may mean any of {meant}.")
        known = [*full, *(key.rpartition("__")[2] for key in full), *self.others]
        raise ValueError(
            f"{role}={name!r} is none of the searched parameters "
            f"{full + self.others}{near_names(name, known)}."
        )

    def short(self, key: str) -> str:
        name = key.removeprefix("param_")
        endings = [_ending(each) for each in [*self.parameters, *self.others]]
        return _ending(key) if endings.count(_ending(key)) == 1 else name


def _ending(key: str) -> str:
    return key.removeprefix("param_").rpartition("__")[2]


def _values(results: pd.DataFrame, values: _Names) -> list[str]:
    """Return the columns of the results that `values` names."""
    if values is None:
        tests = [name for name in results.columns if name.startswith("mean_test_")]
        metrics = [name.removeprefix("mean_test_") for name in tests]
        if not metrics:
            raise ValueError("The results hold no mean_test_ scores.")
        wanted = [f"mean_{part}_{m}" for m in metrics for part in ("train", "test")]
        return [name for name in wanted if name in results.columns]
    shown = []
    numeric = [
        str(name)
        for name in results.columns
        if not str(name).startswith("param")
        and pd.api.types.is_numeric_dtype(results[name])
    ]
    for name in [values] if isinstance(values, str) else list(values):
        means = [f"mean_train_{name}", f"mean_test_{name}"]
        means = [mean for mean in means if mean in results.columns]
        if name in numeric:
            shown.append(name)
        elif means:
            shown += means
        else:
            raise ValueError(
                f"values={name!r} is none of the results {numeric}"
                f"{near_names(name, numeric)}."
            )
    if not shown:
        raise ValueError("The 'values' parameter names no results.")
    return list(dict.fromkeys(shown))


def _last_iterations(results: pd.DataFrame) -> pd.DataFrame:
    """Return each candidate's last row, of a halving search."""
    if "iter" not in results.columns:
        return results
    names = [name for name in results.columns if str(name).startswith("param_")]
    # Where the resource is a parameter of the estimator it grows from iteration to
    # iteration, and does not tell candidates apart.
    if "n_resources" in results.columns:
        names = [
            name for name in names if (results[name] != results["n_resources"]).any()
        ]
    last: dict[Any, int] = {}
    for place in range(len(results)):
        row = results.iloc[place]
        candidate = tuple(_identity(row[name]) for name in names)
        if (
            candidate not in last
            or row["iter"] >= results["iter"].iloc[last[candidate]]
        ):
            last[candidate] = place
    return results.iloc[sorted(last.values())]


def _pivot(
    results: pd.DataFrame,
    row_keys: list[str],
    column_keys: list[str],
    shown: list[str],
    aggfunc: str,
) -> pd.DataFrame:
    """Group by the places of the values among the distinct ones, then label.

    pandas's own `pivot_table` drops None and failed candidates, and takes tuples
    apart.
    """
    keys = [*row_keys, *column_keys]
    levels = {key: _Level(results[key]) for key in keys}
    places = [levels[key].places.rename(key) for key in keys]
    if not keys:
        places = [pd.Series(0, index=results.index)]

    # skipna=False: a failed candidate is not passed over.
    def combine(cell: pd.Series) -> float:
        return getattr(cell, aggfunc)(skipna=False)

    table: Any = results[shown].astype(float).groupby(places).agg(combine)
    if column_keys:
        if not row_keys:
            table = pd.concat({0: table})
        # Not pivot_table, which would drop what failed.
        table = table.unstack(list(range(-len(column_keys), 0)))[shown]  # noqa: PD010
        table.columns = pd.MultiIndex.from_arrays(
            [
                table.columns.get_level_values(0),
                *(
                    levels[key].labels_at(table.columns.get_level_values(at))
                    for at, key in enumerate(column_keys, start=1)
                ),
            ]
        )
    if len(row_keys) == 1:
        table.index = levels[row_keys[0]].labels_at(table.index)
    elif row_keys:
        table.index = pd.MultiIndex.from_arrays(
            [
                levels[key].labels_at(table.index.get_level_values(at))
                for at, key in enumerate(row_keys)
            ]
        )
    return table


class _Level:
    """The distinct values of a parameter, in order, and where each one occurs."""

    def __init__(self, column: pd.Series) -> None:
        identities = [_identity(value) for value in column]
        distinct = dict(zip(reversed(identities), reversed(list(column)), strict=True))
        order = [key for key in dict.fromkeys(identities) if key[0] != "NoneType"]
        with suppress(TypeError, ValueError):  # else: in order of appearance
            order.sort(key=lambda key: distinct[key])
        # None is comparable with nothing and comes first.
        order = [key for key in distinct if key[0] == "NoneType"] + order
        self.labels = [_label(distinct[key]) for key in order]
        if len(set(self.labels)) < len(order):  # 1 and True are one label to pandas
            self.labels = [repr(label) for label in self.labels]
        at = {key: place for place, key in enumerate(order)}
        self.places = pd.Series([at[key] for key in identities], index=column.index)

    def labels_at(self, places: Iterable[int]) -> pd.Index:
        labels = [self.labels[place] for place in places]
        # pandas would make one type of several: 1.0 of 1.
        mixed = len({type(label) for label in self.labels}) > 1
        return pd.Index(labels, dtype=object) if mixed else pd.Index(labels)


def _identity(value: Any) -> tuple[Any, ...]:
    """Return something to tell values apart by: 1, 1.0 and True are different."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bool | int | float | str):
        return (type(value).__name__, "nan" if value != value else value)
    try:
        return (type(value).__name__, joblib.hash(value))
    except (pickle.PicklingError, AttributeError, TypeError):
        return (type(value).__name__, repr(value))


def _label(value: Any) -> Any:
    """Return a number, a bool or a string as it is, else its text."""
    if isinstance(value, np.generic):
        value = value.item()
    return value if isinstance(value, bool | int | float | str) else repr(value)


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
    counts = name.startswith(("rank_", "n_")) or name == "iter"
    return f"{value:g}" if counts else f"{value:.4f}"


def _column_text(name: Any, levels: list[Any]) -> str:
    if not isinstance(name, tuple):
        return str(name)
    labels = zip(levels[1:], name[1:], strict=True)
    return ", ".join([name[0], *(f"{level}={label}" for level, label in labels)])


def _alignment(table: pd.DataFrame, flat: pd.DataFrame) -> list[str]:
    n_index = flat.shape[1] - table.shape[1]
    return ["left"] * n_index + ["right"] * table.shape[1]
