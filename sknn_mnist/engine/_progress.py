"""Progress of one fit, on one line."""

from __future__ import annotations

import multiprocessing
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from time import perf_counter
from typing import Any

import keras
import numpy as np

from sknn_mnist.engine._plan import TrainingPlan

__all__ = ["FitProgress", "showing_progress"]


@contextmanager
def showing_progress(owner: str, plan: TrainingPlan) -> Iterator[TrainingPlan]:
    """Give a plan that shows one line of progress where `verbose` is 1.

    The line is written by a callback that comes after the others.
    """
    if plan.verbose != 1:
        yield plan
        return
    line = FitProgress(owner, plan.epochs, plan.initial_epoch)
    try:
        yield replace(plan, callbacks=[*plan.callbacks, line], verbose=0)
    finally:
        line.close()


class FitProgress(keras.callbacks.Callback):
    """Shows how far a fit is: a bar on a terminal, and one line when it is done.

    Workers may share a terminal with others: they show no bar, and write their line in
    one piece.

    Parameters
    ----------
    owner : str
        Name of the estimator.
    epochs : int
        Epoch to stop before.
    initial_epoch : int, default=0
        Epochs done before.
    """

    def __init__(self, owner: str, epochs: int, initial_epoch: int = 0) -> None:
        super().__init__()
        self.owner = owner
        self.epochs = epochs
        self.initial_epoch = initial_epoch
        self._bar: Any = None

    def on_train_begin(self, logs: Any = None) -> None:
        """Start the clock, and the bar."""
        self._start = perf_counter()
        self._done = self.initial_epoch
        self._logs: dict[str, Any] = {}
        if _is_alone():
            self._bar = _bar_on_terminal()
        if self._bar is not None:
            self._bar.start()
            self._task = self._bar.add_task(
                self.owner, total=self.epochs, completed=self._done, text=""
            )

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Move the bar within the epoch."""
        if self._bar is not None:
            part = (batch + 1) / self.params["steps"]
            self._show(self._done + min(part, 1.0))

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Move the bar by an epoch."""
        self._done = epoch + 1
        self._logs = dict(logs or {})
        if self._bar is not None:
            self._show(self._done)

    def on_train_end(self, logs: Any = None) -> None:
        """Say how it ended."""
        self.close()
        found = f" ({self.initial_epoch} found)" if self.initial_epoch else ""
        line = (
            f"{self.owner}: {self._done}/{self.epochs} epochs{found}, "
            f"{perf_counter() - self._start:.1f} s - {self._values()}\n"
        )
        # In one piece, so that lines of several workers stay lines.
        sys.stdout.write(line)
        sys.stdout.flush()

    def close(self) -> None:
        """Give the terminal back, if the fit has ended or failed."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def _show(self, done: float) -> None:
        self._bar.update(self._task, completed=done, text=self._values())

    def _values(self) -> str:
        return " - ".join(
            f"{name}: {float(value):.4f}"
            for name, value in self._logs.items()
            if np.ndim(value) == 0
        )


def _is_alone() -> bool:
    """Tell whether no other fit writes to the same terminal at the same time."""
    return (
        multiprocessing.current_process().name == "MainProcess"
        and threading.current_thread() is threading.main_thread()
    )


def _bar_on_terminal() -> Any:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    console = Console(file=sys.stdout)
    if not (console.is_terminal or console.is_jupyter):
        return None
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=20),
        TextColumn("{task.completed:.1f}/{task.total} epochs"),
        TextColumn("{task.fields[text]}"),
        console=console,
        transient=True,  # the line at the end takes its place
    )
