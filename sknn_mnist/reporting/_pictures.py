"""The pictures of a report, each in a light and a dark theme."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from sknn_mnist._cv_results import (
    Keys,
    chosen_metric,
    cv_results_frame,
    identity,
    metrics_of,
)
from sknn_mnist.display._heatmap import size_of_cells
from sknn_mnist.display._legends import grow_for_legends
from sknn_mnist.display._mistakes import gallery_size
from sknn_mnist.display._search_table import chosen_candidate, metric_of
from sknn_mnist.reporting._classes import (
    as_images_of,
    colours_of,
    draw_examples,
    examples_of,
)
from sknn_mnist.reporting._confusion import confusion_of, draw_confusion
from sknn_mnist.reporting._points import are_spread, draw_points, points_of

__all__ = ["Picture", "Pictures", "pictures_of"]

# Mistakes shown at most, so that the figure stays readable.
N_MISTAKES = 20

# Pixels per inch of figures, as in CSS.
PIXELS = 96

# Images of this side or less need no more room than this, in inches.
SMALL_SIDE, SMALL_TILE, TILE = 32, 0.55, 0.75

# Ink is as dark as the page's is light: no white tiles on dark paper, no glaring lines.
# The colours are the page's.
LIGHT: list[Any] = ["default", {"image.cmap": "gray_r"}]
DARK: list[Any] = [
    "dark_background",
    {
        "image.cmap": "gray",
        **dict.fromkeys(
            ("text.color", "axes.labelcolor", "xtick.labelcolor", "ytick.labelcolor"),
            "#e6edf3",
        ),
        **dict.fromkeys(
            ("axes.edgecolor", "xtick.color", "ytick.color", "grid.color"), "#6e7681"
        ),
        **dict.fromkeys(
            ("figure.facecolor", "axes.facecolor", "legend.facecolor"), "#0d1117"
        ),
        "legend.edgecolor": "#3d444d",
    },
]


@dataclass(frozen=True)
class Picture:
    """A picture in a light and a dark theme, as data URIs."""

    title: str
    width: int
    light: str
    dark: str
    is_photo: bool = False  # whether it shows images of the user's own as they are


@dataclass(frozen=True)
class Pictures:
    """The pictures of a report, by section; `missing` says why there are none."""

    search: tuple[Picture, ...] = ()
    classes: tuple[Picture, ...] = ()
    curves: tuple[Picture, ...] = ()
    mistakes: tuple[Picture, ...] = ()
    missing: str = ""


def pictures_of(run: Any, predicted: np.ndarray | None) -> Pictures:
    """Draw the pictures of a report.

    Parameters
    ----------
    run : Run
        What the report is about.
    predicted : ndarray of shape (n_samples,) or None
        The best candidate's classes of the test rows; None where there is no best.

    Returns
    -------
    Pictures
        None of them where matplotlib is not installed.
    """
    try:
        import matplotlib as mpl
    except ImportError:
        return Pictures(
            missing="No pictures: they need matplotlib, pip install 'sknn-mnist[plot]'."
        )
    with mpl.rc_context({"figure.max_open_warning": 0, "svg.hashsalt": "report"}):
        return Pictures(
            search=tuple(_search_pictures(run)),
            classes=tuple(_class_pictures(run)),
            curves=() if predicted is None else tuple(_curves(run)),
            mistakes=()
            if predicted is None
            else tuple(_mistake_pictures(run, predicted)),
        )


def _class_pictures(run: Any) -> list[Picture]:
    examples = examples_of(run.data)
    if examples is None:
        return []
    tile = SMALL_TILE if max(examples.tiles[0].shape[:2]) <= SMALL_SIDE else TILE
    size = (
        1.0 + 0.08 * examples.longest_name + tile * examples.n_columns,
        0.4 + 1.06 * tile * len(examples.names),
    )
    return [
        _picture(
            examples.title,
            lambda ax: draw_examples(examples, ax),
            size,
            is_photo=run.data.is_own,
        )
    ]


def _search_pictures(run: Any) -> list[Picture]:
    results = cv_results_frame(run.search)
    keys = Keys(results, "render_report")
    varying = [
        key for key in keys.parameters if len({identity(v) for v in results[key]}) > 1
    ]
    if not varying:
        return []
    by = chosen_metric(run.search, metrics_of(results))
    return [
        *(_brackets(run, by) if "iter" in results else ()),
        *(_grid(run, results, keys, by) or _points(run, results, keys, varying, by)),
    ]


def _brackets(run: Any, by: str | None) -> list[Picture]:
    from sknn_mnist.display import BracketsDisplay

    display = BracketsDisplay.from_search(run.search, metric=by)
    return [
        _picture(
            f"Mean test score by {display.resource}: a line per candidate, which ends "
            "where it was stopped",
            lambda ax: display.plot(ax=ax),
            (6.0, 3.8),
        )
    ]


def _grid(run: Any, results: pd.DataFrame, keys: Keys, by: str | None) -> list[Picture]:
    """Draw the scores by two parameters; nothing where they have too many values."""
    from sknn_mnist.display import SearchDisplay

    display = SearchDisplay.from_search(run.search, metric=by)
    n_columns = results[keys.find("x", display.x)].map(str).nunique()
    n_rows = display.frame()[display.hue].map(str).nunique() if display.hue else 1
    # Many epochs are an axis for lines.
    others = [key for key in keys.parameters if keys.short(key) != "epochs"]
    if are_spread(results, others, n_columns * n_rows, len(display.frame())):
        return []
    return [
        _picture(
            "Mean test score, the best per cell; the best of all is framed",
            lambda ax: display.plot(ax=ax, kind="heatmap"),
            size_of_cells(n_rows, n_columns),
        ),
        _picture(
            "Test scores solid, training dashed, with one standard deviation over the "
            "folds",
            lambda ax: display.plot(ax=ax, kind="lines", train=True),
            (5.6, 3.6),
        ),
    ]


def _points(
    run: Any, results: pd.DataFrame, keys: Keys, varying: list[str], by: str | None
) -> list[Picture]:
    metric = by or metric_of(results, None, "render_report")
    best = chosen_candidate(run.search, results, metric)
    return [
        _picture(
            f"Mean test score by {points.name}, a point per candidate"
            + ("" if points.resources is None else ", where it was stopped"),
            partial(draw_points, points),
            (4.6, 3.4),
        )
        for points in points_of(results, keys, varying, metric, best)
    ]


def _curves(run: Any) -> list[Picture]:
    """Draw a picture for each metric: beside each other, they would shrink more."""
    from sknn_mnist.display import HistoryDisplay

    history = HistoryDisplay.from_estimator(run.best)
    points = history.frame()
    marked = "; the best epoch is marked" if history.best_epochs else ""
    pictures = []
    metrics = sorted(points["metric"].unique(), key=lambda metric: metric != "loss")
    for metric in metrics:
        parts = set(points[points["metric"] == metric]["set"])
        drawn = " and ".join(sorted(parts))
        if len(parts) > 1:
            drawn = "training solid, validation dashed"
        pictures.append(
            _picture(
                f"Learning curve, {metric}: {drawn}{marked}",
                partial(_draw_curve, history, metric),
                (4.6, 3.4),
            )
        )
    return pictures


def _draw_curve(history: Any, metric: str, ax: Any) -> None:
    history.plot(ax=ax, metrics=metric)


def _mistake_pictures(run: Any, predicted: np.ndarray) -> list[Picture]:
    mistakes = _mistakes(run)
    confusion = confusion_of(run.data.y_test, predicted)
    return [
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
            gallery_size(mistakes, N_MISTAKES),
            is_photo=run.data.is_own,
        ),
    ]


def _mistakes(run: Any) -> Any:
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
    *,
    is_photo: bool = False,
) -> Picture:
    size = min(size[0], 12.0), min(size[1], 12.0)
    width = round(size[0] * PIXELS)
    return Picture(
        title, width, _svg(draw, size, LIGHT), _svg(draw, size, DARK), is_photo
    )


def _svg(draw: Callable[[Any], Any], size: tuple[float, float], theme: Any) -> str:
    from matplotlib import style
    from matplotlib.figure import Figure

    # Not pyplot, which may open windows and keeps figures alive.
    with style.context(theme):
        figure = Figure(figsize=size, layout="constrained")
        draw(figure.subplots())
        grow_for_legends(figure)
        text = io.BytesIO()
        figure.savefig(text, format="svg", transparent=True, metadata={"Date": None})
    return "data:image/svg+xml;base64," + base64.b64encode(text.getvalue()).decode()
