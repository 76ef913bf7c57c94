"""The results of a search as a table, and the names of its parameters and scores."""

from __future__ import annotations

import pickle
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import joblib
import numpy as np
import pandas as pd
from sklearn.exceptions import NotFittedError

from sknn_mnist._parameters import invalid, near_names, refused

__all__ = [
    "COURSE",
    "Keys",
    "Level",
    "Names",
    "candidate_numbers",
    "chosen_metric",
    "cv_results_frame",
    "identity",
    "identity_of_parameters",
    "judged",
    "last_iterations",
    "metrics_of",
    "resource_of",
    "results_of",
    "scores_named",
]

# Shown where a candidate has no such parameter, as in a search over several grids.
ABSENT = "–"

# Columns by which the rows of searches that stop candidates can be told apart, beside
# the parameters.
COURSE = ("iter", "n_resources", "bracket", "candidate")

Names = str | Iterable[str] | None


def cv_results_frame(search: Any) -> pd.DataFrame:
    """Return the results of a search as a DataFrame, one row per candidate.

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
    return results_of(search, "cv_results_frame")


def results_of(search: Any, owner: str) -> pd.DataFrame:
    """Return the results of a search as a DataFrame, for `owner`, which errors name."""
    if isinstance(search, type):
        raise _no_results(search, owner)
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
        try:
            return pd.DataFrame(
                {name: _column(name, values) for name, values in results.items()}
            )
        except (TypeError, ValueError, AttributeError) as err:
            raise _no_results(search, owner) from err
    if hasattr(search, "fit"):
        raise NotFittedError(
            f"This {type(search).__name__} instance has no results yet: call 'fit' "
            "first."
        )
    raise _no_results(search, owner)


def _no_results(search: Any, owner: str) -> Exception:
    allowed = "a fitted search, its cv_results_ or a DataFrame of them"
    return invalid("search", owner, allowed, search)


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


class Keys:
    """The names that parameters go by: in full, and as short as is clear.

    Parameters
    ----------
    results : DataFrame
        A row for each candidate.
    owner : str
        Who is given the names, for errors.
    """

    def __init__(self, results: pd.DataFrame, owner: str) -> None:
        self.owner = owner
        self.parameters = _parameters(results)
        self.others = [name for name in COURSE if name in results.columns]

    def find_all(self, role: str, names: Names) -> list[str]:
        """Return the columns that the names of a parameter `role` mean."""
        if names is None:
            return []
        names = _listed(role, names, self.owner)
        found = [self.find(role, name) for name in names]
        if len(set(found)) < len(found):
            raise refused(role, self.owner, "name each parameter once", repr(names))
        return found

    def find(self, role: str, name: str) -> str:
        """Return the column that a name means, whole or without its prefixes."""
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
            must = f"name one parameter: it may mean any of {meant}"
            raise refused(role, self.owner, must, repr(name))
        known = [*full, *(key.rpartition("__")[2] for key in full), *self.others]
        raise refused(
            role,
            self.owner,
            f"name some of the searched parameters {full + self.others}"
            f"{near_names(name, known)}",
            repr(name),
        )

    def short(self, key: str) -> str:
        """Return the shortest name of a column by which `find` finds it."""
        name = key.removeprefix("param_")
        if name in self.others:  # which another column has
            return key
        endings = [_ending(each) for each in [*self.parameters, *self.others]]
        return _ending(key) if endings.count(_ending(key)) == 1 else name


def _ending(key: str) -> str:
    return key.removeprefix("param_").rpartition("__")[2]


def _listed(role: str, names: Any, owner: str) -> list[Any]:
    """Return the names that a parameter `role` was given: one, or several."""
    if isinstance(names, str):
        return [names]
    if not isinstance(names, Iterable):
        raise invalid(role, owner, "None, a str or an iterable of str", names)
    return list(names)


def scores_named(results: pd.DataFrame, values: Names, owner: str) -> list[str]:
    """Return the columns of the results that `values` names."""
    if values is None:
        metrics = metrics_of(results)
        if not metrics:
            columns = [str(name) for name in results.columns]
            must, got = "have mean_test_ scores", f"a table of {columns}"
            raise refused("search", owner, must, got)
        wanted = [f"mean_{part}_{m}" for m in metrics for part in ("train", "test")]
        return [name for name in wanted if name in results.columns]
    shown = []
    numeric = [
        str(name)
        for name in results.columns
        if not str(name).startswith("param")
        and pd.api.types.is_numeric_dtype(results[name])
    ]
    for name in _listed("values", values, owner):
        means = [f"mean_train_{name}", f"mean_test_{name}"]
        means = [mean for mean in means if mean in results.columns]
        if name in numeric:
            shown.append(name)
        elif means:
            shown += means
        else:
            must = f"name some of the results {numeric}{near_names(name, numeric)}"
            raise refused("values", owner, must, repr(name))
    if not shown:
        raise refused("values", owner, "name at least one result", repr(values))
    return list(dict.fromkeys(shown))


def metrics_of(results: Iterable[Any]) -> list[str]:
    """Return the metrics of a search, by the columns of its results."""
    start = "mean_test_"
    names = [str(name) for name in results]
    return [name.removeprefix(start) for name in names if name.startswith(start)]


def chosen_metric(search: Any, metrics: Sequence[str]) -> str | None:
    """Return which of its metrics a search chose by; None where there is no telling."""
    # "score" is what scorers of the package call it that tell of more than the score.
    named = (getattr(search, "refit", None), "score")
    return next((name for name in named if name in metrics), None)


def resource_of(results: pd.DataFrame) -> str | None:
    """Return the parameter that a search deals out as its resource, if it is one."""
    return next(iter(_dealt_out(results)), None)


def _dealt_out(results: pd.DataFrame) -> list[str]:
    if "n_resources" not in results.columns:
        return []
    resources = results["n_resources"]
    return [name for name in _parameters(results) if (results[name] == resources).all()]


def _parameters(results: pd.DataFrame) -> list[str]:
    return [str(name) for name in results.columns if str(name).startswith("param_")]


def candidate_numbers(results: pd.DataFrame) -> pd.Series:
    """Return which candidate each row is of, as a number from 0.

    Parameters
    ----------
    results : DataFrame
        Of any search.

    Returns
    -------
    Series of int
        Where a search by Hyperband numbers them, its own; in a halving they are told
        apart by their parameters; else each row is one.
    """
    if "candidate" in results.columns:
        return results["candidate"]
    if "iter" not in results.columns:
        return pd.Series(np.arange(len(results)), index=results.index)
    # What is dealt out grows from iteration to iteration, and tells nobody apart.
    dealt_out = _dealt_out(results)
    names = [name for name in _parameters(results) if name not in dealt_out]
    numbers: dict[Any, int] = {}
    found = [
        numbers.setdefault(tuple(map(identity, values)), len(numbers))
        for values in zip(*(results[name] for name in names), strict=True)
    ]
    return pd.Series(found if names else 0, index=results.index)


def last_iterations(results: pd.DataFrame) -> pd.DataFrame:
    """Return each candidate's last row, of a search that stops candidates."""
    if "iter" not in results.columns:
        return results
    by_iteration = results.sort_values("iter", kind="stable")
    numbers = candidate_numbers(by_iteration)
    return by_iteration[~numbers.duplicated(keep="last")].sort_index()


def judged(results: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that are candidates for the best one.

    Of a halving, those of the last iteration: others had less of the resource. Of
    Hyperband and searches that stop nobody, all.
    """
    if "iter" not in results.columns or "bracket" in results.columns:
        return results
    return results[results["iter"] == results["iter"].max()]


class Level:
    """The distinct values of a parameter, in order, and where each one occurs."""

    def __init__(self, column: pd.Series) -> None:
        identities = [identity(value) for value in column]
        distinct = dict(zip(reversed(identities), reversed(list(column)), strict=True))
        order = [key for key in dict.fromkeys(identities) if key[0] != "NoneType"]
        with suppress(TypeError, ValueError):  # else: in order of appearance
            order.sort(key=lambda key: distinct[key])
        # None is comparable with nothing and comes first.
        order = [key for key in distinct if key[0] == "NoneType"] + order
        self.labels = [_label(distinct[key]) for key in order]
        if len(set(self.labels)) < len(order):  # 1 and True are one label to pandas
            self.labels = _apart([repr(_plain(distinct[key])) for key in order])
        at = {key: place for place, key in enumerate(order)}
        self.places = pd.Series([at[key] for key in identities], index=column.index)

    def labels_at(self, places: Iterable[int]) -> pd.Index:
        """Return the labels of values, given by their places in the order."""
        labels = [self.labels[place] for place in places]
        # pandas would make one type of several: 1.0 of 1.
        mixed = len({type(label) for label in self.labels}) > 1
        return pd.Index(labels, dtype=object) if mixed else pd.Index(labels)


def identity(value: Any) -> tuple[Any, ...]:
    """Return something to tell values apart by: 1, 1.0 and True are different."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bool | int | float | str):
        return (type(value).__name__, "nan" if value != value else value)
    try:
        return (type(value).__name__, joblib.hash(value))
    except (pickle.PicklingError, AttributeError, TypeError):
        return (type(value).__name__, repr(value))


def identity_of_parameters(
    parameters: Mapping[str, Any], without: str | None = None
) -> frozenset[tuple[str, tuple[Any, ...]]]:
    """Return something to tell candidates apart by, but for one parameter's value."""
    names = parameters.keys() - {without}
    return frozenset((name, identity(parameters[name])) for name in names)


def _label(value: Any) -> Any:
    """Return a number, a bool or a string as it is, else its text."""
    value = _plain(value)
    # NaN, which is no label: it is not even equal to itself.
    if isinstance(value, float) and value != value:
        return "nan"
    return value if isinstance(value, bool | int | float | str) else repr(value)


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def _apart(labels: list[str]) -> list[str]:
    """Number labels that are the same."""
    seen: Counter[str] = Counter()
    apart = []
    for label in labels:
        seen[label] += 1
        apart.append(label if seen[label] == 1 else f"{label} ({seen[label]})")
    return apart
