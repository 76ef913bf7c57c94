"""Learning curves: how loss and metrics went from epoch to epoch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd
from sklearn.exceptions import NotFittedError

from sknn_mnist._parameters import check_bool, invalid, near_names, refused
from sknn_mnist.display._best_epochs import (
    as_best_epochs,
    as_monitors,
    best_epoch_in,
    known_best,
)
from sknn_mnist.display._checks import (
    as_histories,
    as_line_options,
    check_axes,
    method_of,
)
from sknn_mnist.display._drawing import colour_of, plain, pyplot
from sknn_mnist.display._legends import grow_for_legends, legend_below
from sknn_mnist.inspection._unwrapping import unwrapped

__all__ = ["HistoryDisplay"]

# Longer curves are drawn without a marker per epoch.
MARKED = 12

# Inches: as wide as leaves letters legible where it is shown on a phone; the height is
# of each of the panels, which stand above each other and share their epochs.
WIDTH, HEIGHT, SINGLE = 5.6, 2.2, 3.4
TICKS: dict[str, Any] = {"nbins": 6, "steps": [1, 2, 5, 10]}


class HistoryDisplay:
    """Learning curves of one estimator, or of several compared.

    Training is drawn solid, validation dashed; estimators differ in colour. Where the
    best epoch is known, as after early stopping, a star marks it, and a shade what was
    trained after it.

    Parameters
    ----------
    histories : dict of str to (dict of str to list of float)
        By name of the estimator, its `history_`: one value per epoch for each metric.
    best_epochs : dict of str to int, default=None
        By name of the estimator, its `best_epoch_`, counted from 0; those not named
        have none.
    monitors : dict of str to str, default=None
        By name of the estimator, the metric that the best epoch was told by; those
        not named have "val_loss".

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes or ndarray of them
        After `plot`: the panels; an array where there are several.
    figure_ : matplotlib.figure.Figure
        After `plot`.

    See Also
    --------
    sklearn.model_selection.LearningCurveDisplay : Scores against the number of
        samples.

    Examples
    --------
    >>> from sknn_mnist import DenseClassifier, load_digits28
    >>> from sknn_mnist.display import HistoryDisplay
    >>> X, _, y, _ = load_digits28(return_X_y=True)
    >>> clf = DenseClassifier(validation_split=0.2, epochs=3, random_state=0)
    >>> display = HistoryDisplay.from_estimator(clf.fit(X, y))
    >>> display.frame().columns.tolist()
    ['estimator', 'epoch', 'metric', 'set', 'value']
    >>> _ = display.plot()
    """

    def __init__(
        self,
        histories: Mapping[str, Mapping[str, Sequence[float]]],
        *,
        best_epochs: Mapping[str, int] | None = None,
        monitors: Mapping[str, str] | None = None,
    ) -> None:
        owner = type(self).__name__
        self.histories = as_histories("histories", histories, owner)
        self.best_epochs = as_best_epochs(
            "best_epochs", best_epochs, owner, self.histories
        )
        self.monitors = as_monitors("monitors", monitors, owner, self.histories)

    @classmethod
    def from_estimator(cls, estimator: Any, *, name: str | None = None) -> Any:
        """Take the learning curves of a fitted estimator, and its best epoch if known.

        Parameters
        ----------
        estimator : estimator or dict of str to estimator
            Fitted, with a ``history_``; a pipeline or search that ends in one; or
            several by name, to compare.
        name : str or number, default=None
            Name of a single estimator; that of its class if None.

        Returns
        -------
        HistoryDisplay
            Not drawn yet.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            When an estimator has no history yet.
        ValueError or TypeError
            When an estimator never has one, or `name` is no name.
        """
        owner = method_of(cls, "from_estimator")
        if name is not None and not isinstance(name, str | Real):
            raise invalid("name", owner, "a str, a number or None", name)
        several = estimator
        if not isinstance(estimator, Mapping):
            _, net = unwrapped(estimator)
            own = name in (None, "")
            several = {type(net).__name__ if own else str(name): estimator}
        histories = {each: _history_of(one, owner) for each, one in several.items()}
        histories = as_histories("estimator", histories, owner)
        best, monitors = known_best(
            {each: unwrapped(one)[1] for each, one in several.items()}
        )
        return cls(histories, best_epochs=best, monitors=monitors)

    @classmethod
    def from_history(cls, history: Any, *, name: str = "net") -> Any:
        """Take learning curves as they are.

        Parameters
        ----------
        history : dict, keras.callbacks.History or dict of them
            One value per epoch, by name of the metric; or several of these by name,
            to compare.
        name : str or number, default="net"
            Name of a single history.

        Returns
        -------
        HistoryDisplay
            Not drawn yet.

        Raises
        ------
        ValueError or TypeError
            When a parameter is invalid.
        """
        owner = method_of(cls, "from_history")
        if not isinstance(name, str | Real):
            raise invalid("name", owner, "a str or a number", name)
        given = getattr(history, "history", history)
        if not isinstance(given, Mapping) or not given:
            allowed = "a dict of metrics, or a dict of these"
            raise invalid("history", owner, allowed, history)
        inner: dict[str, Any] = {
            str(each): getattr(value, "history", value) for each, value in given.items()
        }
        several = all(isinstance(value, Mapping) for value in inner.values())
        histories = inner if several else {str(name): given}
        return cls(as_histories("history", histories, owner))

    def frame(self) -> pd.DataFrame:
        """Return what is drawn, one row per point.

        Returns
        -------
        DataFrame
            Columns estimator, epoch (from 1), metric, set ("training" or
            "validation"), value. Metrics that give a vector are left out.
        """
        rows = [
            {
                "estimator": name,
                "epoch": epoch,
                "metric": metric.removeprefix("val_"),
                "set": "validation" if metric.startswith("val_") else "training",
                "value": float(value),
            }
            for name, history in self.histories.items()
            for metric, values in history.items()
            for epoch, value in enumerate(values, start=1)
            if np.ndim(value) == 0
        ]
        columns = ["estimator", "epoch", "metric", "set", "value"]
        return pd.DataFrame(rows, columns=columns)

    def plot(
        self,
        *,
        ax: Any = None,
        metrics: str | Sequence[str] | None = None,
        line_kw: Mapping[str, Any] | None = None,
        mark_best: bool = True,
        best_kw: Mapping[str, Any] | None = None,
    ) -> Any:
        """Draw one panel per metric.

        Parameters
        ----------
        ax : matplotlib.axes.Axes or sequence of them, default=None
            A panel for each metric; a new figure if None.
        metrics : str or sequence of str, default=None
            Which metrics, without ``val_``. None: all, the loss first.
        line_kw : dict, default=None
            Handed to `matplotlib.axes.Axes.plot`.
        mark_best : bool, default=True
            Whether the best epoch is marked, where it is known: on the line it was
            told by (validation or training), with its number, counted from 1 as the
            axis does, and the monitored value in the legend.
        best_kw : dict, default=None
            Handed to `matplotlib.axes.Axes.plot` for the mark.

        Returns
        -------
        HistoryDisplay
            Itself.

        Raises
        ------
        ImportError
            When matplotlib is not installed.
        ValueError or TypeError
            When a metric is unknown, there are not as many axes as metrics, or a
            parameter is invalid.
        """
        plt = pyplot(type(self).__name__)
        from matplotlib.ticker import MaxNLocator

        owner = method_of(self, "plot")
        points = self.frame()
        if points.empty:
            must = "hold values to draw"
            raise refused("histories", type(self).__name__, must, repr(self.histories))
        shown = _metrics(points, metrics, owner)
        options = as_line_options(line_kw, owner)
        of_mark = as_line_options(best_kw, owner, "best_kw")
        marked = check_bool("mark_best", mark_best, owner)
        panels = np.atleast_1d(np.asarray(ax, dtype=object)).ravel()
        for each in panels:
            check_axes(each, owner)
        if ax is None:
            height = SINGLE if len(shown) == 1 else 0.4 + HEIGHT * len(shown)
            panels = plt.subplots(
                len(shown),
                figsize=(WIDTH, height),
                sharex=True,
                squeeze=False,
                layout="constrained",
            )[1][:, 0]
        elif len(panels) != len(shown):
            must = f"hold {len(shown)} axes, one for each of {shown}"
            raise refused("ax", owner, must, repr(ax))
        for panel, metric in zip(panels, shown, strict=True):
            drawn = self._draw(panel, points[points["metric"] == metric], options)
            if marked:
                self._mark(panel, drawn, of_mark)
            if ax is not None or panel is panels[-1]:
                panel.set_xlabel("epoch")
            panel.set_ylabel(plain(metric))
            panel.xaxis.set_major_locator(MaxNLocator(**TICKS, integer=True))
            panel.yaxis.set_major_locator(MaxNLocator(**TICKS))
            panel.grid(alpha=0.3)
        self.ax_ = panels if len(panels) > 1 else panels[0]
        self.figure_ = panels[0].figure
        labels = [each.get_legend_handles_labels()[1] for each in panels]
        if len(set().union(*labels)) > 1:
            legend_below([*panels])
            if ax is None:
                grow_for_legends(self.figure_)
        return self

    def _draw(
        self, panel: Any, points: pd.DataFrame, line_kw: dict[str, Any]
    ) -> dict[tuple[str, str], Any]:
        """Draw a metric; returns its lines, by estimator and set."""
        alone = len(self.histories) == 1
        drawn = {}
        for place, name in enumerate(self.histories):
            mine = points[points["estimator"] == name]
            for part, style in (("training", "-"), ("validation", "--")):
                line = mine[mine["set"] == part]
                if line.empty:
                    continue
                # One estimator has two colours for its two lines.
                at = 1 if alone and part == "validation" else place
                options = {
                    "color": colour_of(at, max(len(self.histories), 2)),
                    "linestyle": style,
                    "marker": "o" if len(line) <= MARKED else None,
                    "markersize": 4,
                    "label": part if alone else plain(f"{name}, {part}"),
                    **line_kw,
                }
                (drawn[name, part],) = panel.plot(
                    line["epoch"], line["value"], **options
                )
        return drawn

    def _mark(
        self, panel: Any, drawn: dict[tuple[str, str], Any], options: dict[str, Any]
    ) -> None:
        for name in self.histories:
            best = best_epoch_in(name, self.histories, self.best_epochs, self.monitors)
            if best is None:
                continue
            # A metric that only training has is marked there.
            line = drawn.get((name, best.part)) or drawn.get((name, "training"))
            if line is not None and len(line.get_ydata()) >= best.epoch:
                whose = None if len(self.histories) == 1 else name
                best.draw(panel, line, name=whose, options=options)


def _metrics(points: pd.DataFrame, metrics: Any, owner: str) -> list[str]:
    known = list(dict.fromkeys(points["metric"]))
    known.sort(key=lambda metric: metric != "loss")
    if metrics is None:
        return known
    wanted = [metrics] if isinstance(metrics, str) else metrics
    if not isinstance(wanted, Iterable) or not (wanted := list(wanted)):
        raise invalid("metrics", owner, f"None, or some of {known}", metrics)
    for metric in wanted:
        if metric not in known:
            must = f"name some of {known}{near_names(metric, known)}"
            raise refused("metrics", owner, must, repr(metric))
    return wanted


def _history_of(estimator: Any, owner: str) -> Mapping[str, Sequence[float]]:
    _, net = unwrapped(estimator)
    history = getattr(net, "history_", None)
    if history is None:
        if hasattr(net, "partial_fit") and hasattr(net, "epochs"):
            raise NotFittedError(
                f"This {type(net).__name__} instance has no history yet: call 'fit' "
                "first."
            )
        must = "have a history_, as the estimators of this package have"
        raise refused("estimator", owner, must, repr(net))
    return history
