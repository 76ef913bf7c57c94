"""The best epoch of a training, marked in its learning curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Integral
from typing import Any, NamedTuple

import numpy as np

from sknn_mnist._parameters import invalid, refused
from sknn_mnist.display._drawing import plain

__all__ = ["BestEpoch", "as_best_epochs", "as_monitors", "best_epoch_in", "known_best"]

History = Mapping[str, Sequence[float]]

# What early stopping watches unless told otherwise, here as in Keras.
MONITOR = "val_loss"


class BestEpoch(NamedTuple):
    """The best epoch of one training."""

    epoch: int  # from 1, as learning curves count
    n_epochs: int
    monitor: str
    score: float | None  # None where the history lacks the monitored metric

    @property
    def n_after(self) -> int:
        """Epochs trained after the best one."""
        return self.n_epochs - self.epoch

    @property
    def part(self) -> str:
        """The set that the best epoch was told by."""
        return "validation" if self.monitor.startswith("val_") else "training"

    def label(self, name: str | None) -> str:
        """Return what a legend says of it; `name` is the estimator's among several."""
        whose = "" if name is None else f"{name}, "
        score = "" if self.score is None else f" ({self.monitor} {self.score:.4g})"
        return plain(f"{whose}best epoch {self.epoch}{score}")

    def draw(
        self, panel: Any, line: Any, *, name: str | None, options: dict[str, Any]
    ) -> None:
        """Mark the epoch on a line of learning curves, and what was trained after it.

        Parameters
        ----------
        panel : matplotlib.axes.Axes
            Where the line is.
        line : matplotlib.lines.Line2D
            The metric, a point per epoch.
        name : str or None
            The estimator's, among several.
        options : dict
            Of `matplotlib.axes.Axes.plot`, over those used here.
        """
        options = {
            "color": line.get_color(),
            "linestyle": "none",
            "marker": "*",
            "markersize": 13,
            "markeredgecolor": panel.xaxis.label.get_color(),
            "zorder": line.get_zorder() + 1,
            "label": self.label(name),
            **options,
        }
        value = line.get_ydata()[self.epoch - 1]
        (mark,) = panel.plot([self.epoch], [value], **options)
        colour = mark.get_color()
        panel.axvline(self.epoch, color=colour, linestyle=":", linewidth=1)
        # Among several estimators, the shades would cover each other.
        if self.n_after and name is None:
            epochs = "epoch" if self.n_after == 1 else "epochs"
            panel.axvspan(
                self.epoch,
                self.n_epochs,
                color=colour,
                alpha=0.12,
                linewidth=0,
                label=f"{self.n_after} {epochs} after it",
            )


def known_best(nets: Mapping[Any, Any]) -> tuple[dict[Any, int], dict[Any, str]]:
    """Return the best epochs of those fitted nets that know it, and their monitors."""
    best = {name: getattr(net, "best_epoch_", None) for name, net in nets.items()}
    found = {name: epoch for name, epoch in best.items() if epoch is not None}
    return found, {name: getattr(nets[name], "monitor", MONITOR) for name in found}


def best_epoch_in(
    name: Any, histories: Mapping[Any, History], best: Mapping, monitors: Mapping
) -> BestEpoch | None:
    """Return the best epoch of one of several trainings; None where it isn't known."""
    if name not in best:
        return None
    history, epoch = histories[name], best[name]
    monitor = monitors.get(name, MONITOR)
    watched = history.get(monitor)
    known = watched is not None and epoch < len(watched) and not np.ndim(watched[epoch])
    score = float(watched[epoch]) if watched is not None and known else None
    return BestEpoch(epoch + 1, _n_epochs(history), monitor, score)


def as_best_epochs(
    name: str, value: Any, owner: str, histories: Mapping[Any, History]
) -> dict[Any, int]:
    """Return best epochs by name of the estimator, counted from 0; none if None."""
    best = _by_estimator(name, value, owner, histories, "epochs, by name")
    for each, epoch in best.items():
        most = _n_epochs(histories[each])
        is_int = isinstance(epoch, Integral) and not isinstance(epoch, bool)
        if not is_int or not 0 <= epoch < most:
            must = f"hold ints in the range [0, {most}) for {each!r}"
            raise refused(name, owner, must, repr(epoch))
    return {each: int(epoch) for each, epoch in best.items()}


def as_monitors(
    name: str, value: Any, owner: str, histories: Mapping[Any, History]
) -> dict[Any, str]:
    """Return the monitored metrics by name of the estimator; none if None."""
    monitors = _by_estimator(name, value, owner, histories, "metrics, by name")
    for each, monitor in monitors.items():
        if not isinstance(monitor, str):
            must = f"hold the name of a metric for {each!r}"
            raise refused(name, owner, must, repr(monitor))
    return monitors


def _by_estimator(
    name: str, value: Any, owner: str, histories: Mapping[Any, History], what: str
) -> dict[Any, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping) or not set(value) <= set(histories):
        allowed = f"None, or a dict of {what}: some of {list(histories)}"
        raise invalid(name, owner, allowed, value)
    return dict(value)


def _n_epochs(history: History) -> int:
    return max(map(len, history.values()), default=0)
