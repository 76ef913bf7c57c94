"""Early stopping: when a fit has seen enough, and which of its epochs was the best.

Keras's own `EarlyStopping` judges. What it says depends on the history alone, so it can
judge epochs that were trained by another fit, and no training is another one for being
watched.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np

from sknn_mnist._parameters import invalid

__all__ = ["BestEpoch", "StopRule"]

Metrics = Callable[[], list[keras.metrics.Metric]]


@dataclass(frozen=True)
class StopRule:
    """When to stop.

    Attributes
    ----------
    monitor : str
        Name in the history of what is to improve.
    tol : float
        By how much it has to, to count.
    n_iter_no_change : int
        Epochs without that after which a fit stops.
    """

    monitor: str = "val_loss"
    tol: float = 0.0
    n_iter_no_change: int = 10


class BestEpoch:
    """The best epoch so far of one fit, as a rule judges.

    Parameters
    ----------
    rule : StopRule
        The rule.
    owner : str
        Name of the estimator, for messages.
    metrics : callable
        Gives the metrics of the network, built; called where they must be asked
        whether more is better.

    Attributes
    ----------
    epoch : int or None
        The best epoch so far, counted from 0; None before any was seen.
    held : object or None
        What was to be kept of it.
    n_seen : int
        Epochs seen.
    """

    def __init__(self, rule: StopRule, owner: str, metrics: Metrics) -> None:
        self.epoch: int | None = None
        self.held: Any = None
        self.n_seen = 0
        self._rule = rule
        self._owner = owner
        self._metrics = metrics
        self._judge: keras.callbacks.EarlyStopping | None = None
        # The judge asks a network to stop; here the loop is asked.
        self._asked = SimpleNamespace(stop_training=False)

    @property
    def stopped(self) -> bool:
        """Whether the rule has said to stop."""
        return bool(self._asked.stop_training)

    def prepare(self, names: Collection[str]) -> None:
        """Refuse to watch a training whose epochs have no such number to go by.

        Parameters
        ----------
        names : collection of str
            What the history of the training has.
        """
        monitor = self._rule.monitor
        if monitor not in names:
            allowed = f"the name of a loss or metric in history_, one of {list(names)}"
            raise invalid("monitor", self._owner, allowed, monitor)
        if self._judge is None:
            self._judge = keras.callbacks.EarlyStopping(
                monitor,
                min_delta=self._rule.tol,
                patience=self._rule.n_iter_no_change,
                mode=_direction(monitor, self._metrics, self._owner),
            )
            self._judge.set_model(self._asked)
            self._judge.on_train_begin()

    def see(
        self,
        epoch: int,
        logs: Mapping[str, Any],
        keep: Callable[[], Any] = lambda: None,
    ) -> bool:
        """Judge one more epoch.

        Parameters
        ----------
        epoch : int
            Its number, counted from 0.
        logs : mapping of str to float
            Its values in the history.
        keep : callable
            Gives what to keep of it, if it is the best one so far.

        Returns
        -------
        bool
            Whether to stop.

        Raises
        ------
        ValueError
            When its values have none to go by.
        """
        self.prepare(logs)
        assert self._judge is not None
        monitor = self._rule.monitor
        if np.ndim(logs[monitor]):
            allowed = "the name of one number per epoch (this metric gives a vector)"
            raise invalid("monitor", self._owner, allowed, monitor)
        self._judge.on_epoch_end(epoch, dict(logs))
        self.n_seen += 1
        # Where no epoch is a number, the first one is the best.
        if self._judge.wait == 0 or self.epoch is None:
            self.epoch, self.held = epoch, keep()
        return self.stopped


def _direction(monitor: str, metrics: Metrics, owner: str) -> str:
    """Return which way a number of the history gets better, "min" or "max"."""
    if monitor.removeprefix("val_") == "loss":
        return "min"
    asked = keras.callbacks.EarlyStopping(monitor)
    asked.set_model(SimpleNamespace(metrics=metrics(), stop_training=False))
    asked.on_train_begin()
    try:
        asked.on_epoch_end(0, {monitor: 0.0})
    except ValueError as err:
        if monitor.endswith("_loss"):  # of several outputs, each has one
            return "min"
        raise invalid(
            "monitor",
            owner,
            "a loss, or a metric of which Keras knows whether more is better; for "
            "others, give callbacks=keras.callbacks.EarlyStopping(..., mode='max', "
            "restore_best_weights=True)",
            monitor,
        ) from err
    return "min" if asked.monitor_op is keras.ops.less else "max"
