"""The report of a search: one HTML file that holds all it needs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined

from sknn_mnist._cv_results import (
    Keys,
    Level,
    chosen_metric,
    cv_results_frame,
    metrics_of,
)
from sknn_mnist.display._search_table import shows_growth
from sknn_mnist.reporting._class_scores import ClassScores, score_classes
from sknn_mnist.reporting._classes import count_classes
from sknn_mnist.reporting._findings import findings_of
from sknn_mnist.reporting._pictures import pictures_of
from sknn_mnist.reporting._pivot import pivot_cv_results

__all__ = ["Run", "render_report"]

# Columns of the table, as far as there are any: of each metric, then of all.
OF_METRICS = ("mean_test", "std_test", "mean_train", "std_train")
TIMES = ("mean_fit_time", "std_fit_time")

# Rows of the table that are shown at once; more come best first.
MOST_ROWS = 50


@dataclass(frozen=True)
class Run:
    """What the report is about.

    Attributes
    ----------
    search : fitted search
        Not refitted.
    index : list of str
        Parameters whose combinations are the rows of the table.
    best : estimator or None
        The best candidate, fitted on all training rows.
    record : Mapping
        What ``best_params.json`` holds.
    data : object
        Has ``X_train``, ``X_test``, ``y_train`` and ``y_test``; ``image_shape`` of
        flat rows that are images, or None; ``is_own``, whether they are the user's
        own; and ``about``, a description.
    code : str
        Python that repeats the run.
    settings : Mapping
        Settings of the run, by name.
    """

    search: Any
    index: list[str]
    best: Any
    record: Mapping[str, Any]
    data: Any
    code: str
    settings: Mapping[str, Any]


def render_report(run: Run) -> str:
    """Return the report as HTML, with all that it needs inside.

    Parameters
    ----------
    run : Run
        What the report is about. Its texts are escaped.

    Returns
    -------
    str
        A complete document. Where matplotlib is not installed, it has no pictures and
        says so.
    """
    environment = Environment(
        loader=PackageLoader("sknn_mnist.reporting"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    predicted = None if run.best is None else run.best.predict(run.data.X_test)
    model = run.best.model_ if run.best is not None else None
    return environment.get_template("report.html.j2").render(
        title=f"{run.record['model']} on {run.record['dataset']['name']}",
        about=f"{run.data.about}. {datetime.now(timezone.utc):%Y-%m-%d %H:%M} UTC.",
        finding=findings_of(run.search, run.record["scoring"]),
        results=_results(run.record),
        table=_table(run),
        classes=count_classes(run.data.y_train, run.data.y_test),
        told=[] if predicted is None else _told(run.data.y_test, predicted),
        layers=_layers(model),
        n_parameters=f"{model.count_params():,}" if model is not None else "",
        pictures=pictures_of(run, predicted),
        code=run.code,
        settings=[(name, str(value)) for name, value in run.settings.items()],
    )


def _results(record: Mapping[str, Any]) -> list[tuple[str, str]]:
    results = [(name, str(value)) for name, value in record["params"].items()]
    results.append((f"cross-validated {record['scoring']}", _four(record["cv_score"])))
    if record["test_accuracy"] is not None:
        results.append(("test accuracy", _four(record["test_accuracy"])))
    return results


def _table(run: Run) -> dict[str, Any]:
    """Return the pivot table as cells, each a text, a sort key and a shade."""
    shown, metrics = _columns(cv_results_frame(run.search))
    pivot: Any = pivot_cv_results(run.search, index=run.index, values=shown)
    labels = pivot.index.to_frame(index=False)
    numbers = pivot.to_numpy(dtype=float)
    shades = _shades(numbers, metrics)
    best = _chosen_labels(run)
    rows = []
    # By column, since pandas makes a row of ints and floats all floats.
    columns = [labels.iloc[:, at].tolist() for at in range(labels.shape[1])]
    for place, names in enumerate(zip(*columns, strict=True)):
        cells = [{"text": str(v), "key": str(v), "shade": None} for v in names]
        cells += [
            _cell(name, float(value), shade)
            for name, value, shade in zip(
                shown, numbers[place], shades[place], strict=True
            )
        ]
        rows.append({"cells": cells, "best": names == best})
    metric = chosen_metric(run.search, [each for each in metrics if each])
    by = shown[0] if metric is None else f"mean_test_{metric}"
    if len(rows) > MOST_ROWS:
        scores = numbers[:, shown.index(by)]
        order = np.argsort(-scores, kind="stable")  # NaN last
        rows = [rows[at] for at in sorted(order, key=lambda at: not rows[at]["best"])]
    return {
        "columns": [*map(str, labels.columns), *shown],
        "n_labels": labels.shape[1],
        "has_times": TIMES[0] in shown,
        "has_rungs": _has_rungs(run),
        "sorted_by": by if len(rows) > MOST_ROWS else None,
        "most_rows": MOST_ROWS,
        "rows": rows,
    }


def _has_rungs(run: Run) -> bool:
    """Tell whether a candidate has a row for each rung that it came to."""
    results = cv_results_frame(run.search)
    keys = Keys(results, "render_report")
    index = {keys.find("index", name) for name in run.index}
    return "bracket" in results and shows_growth(results, *index)


def _columns(results: Any) -> tuple[list[str], list[str | None]]:
    """Return the columns to show, and of each the metric that it is a mean of."""
    metrics = metrics_of(results)
    wanted = [
        (f"{part}_{metric}", metric if part.startswith("mean") else None)
        for metric in metrics
        for part in OF_METRICS
    ]
    wanted += [(name, None) for name in TIMES]
    there = [each for each in wanted if each[0] in results.columns]
    return [name for name, _ in there], [metric for _, metric in there]


def _shades(numbers: np.ndarray, metrics: list[str | None]) -> np.ndarray:
    """Return numbers from 0 to 1 for scores, NaN for all else; by metric."""
    shades = np.full(numbers.shape, np.nan)
    for metric in set(metrics) - {None}:
        at = [place for place, each in enumerate(metrics) if each == metric]
        scores = numbers[:, at]
        known = scores[np.isfinite(scores)]
        low, high = (known.min(), known.max()) if len(known) else (0.0, 0.0)
        shades[:, at] = (scores - low) / (high - low) if high > low else 0.5
    return shades


def _chosen_labels(run: Run) -> tuple[Any, ...] | None:
    """Return the labels of the row that the search chose."""
    chosen = getattr(run.search, "best_index_", None)
    if chosen is None or math.isnan(run.search.best_score_):
        return None
    results = cv_results_frame(run.search)
    keys = Keys(results, "render_report")
    levels = [Level(results[keys.find("index", name)]) for name in run.index]
    return tuple(level.labels[level.places[chosen]] for level in levels)


def _cell(column: str, value: float, shade: float) -> dict[str, Any]:
    if math.isnan(value):
        text = "failed" if column.startswith("mean_") else "–"
        return {"text": text, "key": "", "shade": None}
    text = f"{value:.3f}" if column in TIMES else _four(value)
    shown = None if not math.isfinite(shade) else f"{shade:.3f}"
    return {"text": text, "key": repr(value), "shade": shown}


def _told(y: Any, predicted: np.ndarray) -> list[dict[str, Any]]:
    """Return the rows of the table of classes, their mean last."""
    classes, mean = score_classes(y, predicted)
    return [_told_row(each, False) for each in classes] + [_told_row(mean, True)]


def _told_row(scores: ClassScores, is_mean: bool) -> dict[str, Any]:
    values = scores[1:4]
    return {
        "name": scores.name,
        "cells": [
            {"text": "–", "key": ""}
            if math.isnan(value)
            else {"text": _four(value), "key": repr(value)}
            for value in values
        ],
        "support": scores.support,
        "is_mean": is_mean,
    }


def _four(value: float) -> str:
    return f"{value:.4f}"


def _layers(model: Any) -> list[dict[str, str]]:
    if model is None:
        return []
    return [
        {
            "name": layer.name,
            "type": type(layer).__name__,
            "shape": _shape_of_output(layer),
            "parameters": f"{layer.count_params():,}" if layer.built else "",
        }
        for layer in model.layers
    ]


def _shape_of_output(layer: Any) -> str:
    """Return a layer's output shape, "" where the network doesn't tell of one."""
    try:
        output = layer.output
    # Called by code of the user's own, or several times.
    except (AttributeError, ValueError):
        return ""
    outputs = [*output.values()] if isinstance(output, dict) else output
    outputs = outputs if isinstance(outputs, list | tuple) else [outputs]
    return ", ".join(
        " × ".join(str(side) for side in each.shape[1:]) for each in outputs
    )
