"""The report of a search: one HTML file that holds all it needs."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined

from sknn_mnist._cv_results import Keys, Level, cv_results_frame, identity
from sknn_mnist.display._drawing import near_square
from sknn_mnist.reporting._classes import (
    as_images_of,
    colours_of,
    count_classes,
    draw_examples,
    examples_of,
)
from sknn_mnist.reporting._confusion import confusion_of, draw_confusion
from sknn_mnist.reporting._pivot import pivot_cv_results

__all__ = ["Run", "render_report"]

# Mistakes shown at most, so that the figure stays readable.
N_MISTAKES = 24

# Pixels per inch of figures, as in CSS.
PIXELS = 96


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
    missing = ""
    class_pictures: list[_Picture] = []
    search_pictures: list[_Picture] = []
    best_pictures: list[_Picture] = []
    try:
        import matplotlib as mpl
    except ImportError:
        missing = "No pictures: they need matplotlib, pip install 'sknn-mnist[plot]'."
    else:
        with mpl.rc_context({"figure.max_open_warning": 0, "svg.hashsalt": "report"}):
            class_pictures = _class_pictures(run)
            search_pictures = _search_pictures(run)
            best_pictures = _best_pictures(run)
    model = run.best.model_ if run.best is not None else None
    return environment.get_template("report.html.j2").render(
        title=f"{run.record['model']} on {run.record['dataset']['name']}",
        about=f"{run.data.about}. {datetime.now(timezone.utc):%Y-%m-%d %H:%M} UTC.",
        results=_results(run.record),
        table=_table(run),
        classes=count_classes(run.data.y_train, run.data.y_test),
        class_pictures=class_pictures,
        search_pictures=search_pictures,
        best_pictures=best_pictures,
        layers=_layers(model),
        n_parameters=f"{model.count_params():,}" if model is not None else "",
        missing=missing,
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
    pivot: Any = pivot_cv_results(run.search, index=run.index)
    labels = pivot.index.to_frame(index=False)
    scores = pivot.to_numpy(dtype=float)
    best = _chosen_labels(run)
    known = scores[~np.isnan(scores)]
    low, high = (known.min(), known.max()) if len(known) else (0.0, 0.0)
    rows = []
    # By column, since pandas makes a row of ints and floats all floats.
    columns = [labels.iloc[:, at].tolist() for at in range(labels.shape[1])]
    for names, numbers in zip(zip(*columns, strict=True), scores, strict=True):
        cells = [{"text": str(v), "key": str(v), "shade": None} for v in names]
        cells += [_score_cell(value, low, high) for value in numbers]
        rows.append({"cells": cells, "best": names == best})
    return {
        "columns": [*map(str, labels.columns), *map(str, pivot.columns)],
        "n_labels": labels.shape[1],
        "rows": rows,
    }


def _chosen_labels(run: Run) -> tuple[Any, ...] | None:
    """Return the labels of the row that the search chose."""
    chosen = getattr(run.search, "best_index_", None)
    if chosen is None or math.isnan(run.search.best_score_):
        return None
    results = cv_results_frame(run.search)
    keys = Keys(results, "render_report")
    levels = [Level(results[keys.find("index", name)]) for name in run.index]
    return tuple(level.labels[level.places[chosen]] for level in levels)


def _score_cell(value: float, low: float, high: float) -> dict[str, Any]:
    if math.isnan(value):
        return {"text": "failed", "key": "", "shade": None}
    shade = (value - low) / (high - low) if high > low else 0.5
    return {"text": _four(value), "key": repr(float(value)), "shade": f"{shade:.3f}"}


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


# -- pictures ---------------------------------------------------------------------


@dataclass(frozen=True)
class _Picture:
    """A picture in a light and a dark theme, as data URIs."""

    title: str
    width: int
    light: str
    dark: str


def _class_pictures(run: Run) -> list[_Picture]:
    examples = examples_of(run.data)
    if examples is None:
        return []
    size = (1.6 + 0.75 * examples.n_columns, 0.4 + 0.8 * len(examples.names))
    return [_picture(examples.title, lambda ax: draw_examples(examples, ax), size)]


def _search_pictures(run: Run) -> list[_Picture]:
    from sknn_mnist.display import SearchDisplay

    results = cv_results_frame(run.search)
    keys = Keys(results, "render_report")
    varying = [
        key for key in keys.parameters if len({identity(v) for v in results[key]}) > 1
    ]
    if not varying:
        return []
    display = SearchDisplay.from_search(run.search)
    n_columns = results[keys.find("x", display.x)].map(str).nunique()
    n_rows = display.frame()[display.hue].map(str).nunique() if display.hue else 1
    return [
        _picture(
            "Mean test score, the best per cell; the best of all is framed",
            lambda ax: display.plot(ax=ax, kind="heatmap"),
            (2.8 + 0.8 * n_columns, 1.5 + 0.5 * n_rows),
        ),
        _picture(
            "Test scores solid, training dashed, with one standard deviation over the "
            "folds",
            lambda ax: display.plot(ax=ax, kind="lines", train=True),
            (6.0, 4.0),
        ),
    ]


def _best_pictures(run: Run) -> list[_Picture]:
    if run.best is None:
        return []
    from sknn_mnist.display import HistoryDisplay

    X, y = run.data.X_test, run.data.y_test
    history = HistoryDisplay.from_estimator(run.best)
    metrics = list(dict.fromkeys(history.frame()["metric"]))
    mistakes = _mistakes(run)
    confusion = confusion_of(y, run.best.predict(X))
    return [
        _picture(
            "Learning curves",
            lambda axes: history.plot(ax=axes),
            (1.0 + 3.6 * len(metrics), 3.4),
            len(metrics),
        ),
        _picture(
            "Confusion matrix of the test rows",
            lambda ax: draw_confusion(confusion, ax),
            (confusion.side, confusion.side),
        ),
        _picture(
            "Most confident mistakes: true and predicted class, and its probability",
            lambda ax: mistakes.plot(
                ax=ax, n_images=N_MISTAKES, cmap=colours_of(run.data)
            ),
            _size_of_mistakes(mistakes),
        ),
    ]


def _size_of_mistakes(mistakes: Any) -> tuple[float, float]:
    n_shown = max(1, min(N_MISTAKES, len(mistakes.images)))
    if not any(isinstance(name, str) for name in mistakes.y_true.tolist()):
        return 8.8, 1.3 * math.ceil(n_shown / 6)
    # Names of classes may need lines of their own.
    n_columns = near_square(n_shown)
    return 1.5 * n_columns, 2.3 * math.ceil(n_shown / n_columns)


def _mistakes(run: Run) -> Any:
    from sknn_mnist.display import MistakesDisplay

    X = run.data.X_test
    found = MistakesDisplay.from_estimator(run.best, X, run.data.y_test)
    images = as_images_of(run.data, X[found.index])
    if images is not None:  # of a shape that flat rows don't tell
        found.images = images
    return found


def _picture(
    title: str,
    draw: Callable[[Any], Any],
    size: tuple[float, float],
    n_panels: int = 1,
) -> _Picture:
    width, height = min(size[0], 12.0), min(size[1], 12.0)
    return _Picture(
        title,
        round(width * PIXELS),
        _svg(draw, (width, height), n_panels, "default"),
        _svg(draw, (width, height), n_panels, "dark_background"),
    )


def _svg(
    draw: Callable[[Any], Any], size: tuple[float, float], n_panels: int, style: str
) -> str:
    from matplotlib import style as styles
    from matplotlib.figure import Figure

    # Not pyplot, which may open windows and keeps figures alive.
    with styles.context(style):
        figure = Figure(figsize=size, layout="constrained")
        axes: Sequence[Any] = figure.subplots(1, n_panels, squeeze=False)[0]
        draw(axes if n_panels > 1 else axes[0])
        text = io.BytesIO()
        figure.savefig(text, format="svg", transparent=True, metadata={"Date": None})
    return "data:image/svg+xml;base64," + base64.b64encode(text.getvalue()).decode()
