"""Progress of a running search, on a terminal or in a log."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any, TextIO

from sknn_mnist._messages import counted
from sknn_mnist.reporting._records import CountingScorer, SearchRecords

__all__ = ["SearchProgress", "polling"]

# Often enough to look smooth, seldom enough to cost nothing.
POLL_SECONDS = 0.25

# Where there is no terminal: seconds from one line to the next.
LINE_SECONDS = 5


class SearchProgress:
    """Shows the progress of a search: what is done, what is left, the best so far.

    A bar on a terminal, else a line at start and end and every few seconds. Fits that
    fail are never scored, so they are not counted before the search has ended.

    Parameters
    ----------
    total : int or None
        Number of cross-validation fits; None where only the search decides it.
    calls_per_fit : int
        Calls of the scorer per fit.
    stream : text stream
        Where to write.
    quiet : bool, default=False
        Whether to write nothing at all.
    names : sequence of str, default=()
        Parameters in which candidates differ.
    n_folds : int, default=1
        Fits per candidate.
    epochs : int, default=None
        Epochs of all fits, at most: counted instead of the fits, where some have many
        times as many as others.
    course : str, default=""
        What is said of the search where only it decides the fits.

    Attributes
    ----------
    epochs, trained_epochs : int
        After the search: epochs of its fits, and how many of them were trained.
    """

    def __init__(
        self,
        total: int | None,
        calls_per_fit: int,
        stream: TextIO,
        quiet: bool = False,
        *,
        names: Sequence[str] = (),
        n_folds: int = 1,
        epochs: int | None = None,
        course: str = "",
    ) -> None:
        self.total = total
        self.calls_per_fit = calls_per_fit
        self.stream = stream
        self.quiet = quiet
        self.names = names
        self.n_folds = n_folds
        self.on_terminal = not quiet and stream.isatty()
        self.epochs = self.trained_epochs = 0
        self._most_epochs = epochs
        self._course = course
        self._records: SearchRecords | None = None
        self._above_bar: Callable[[str], None] | None = None

    @contextmanager
    def search(self, scorer: Callable[..., Any]) -> Iterator[Callable[..., Any]]:
        """Show the progress of the search in the block; yields the scorer for it.

        Parameters
        ----------
        scorer : callable
            The scorer to search by.

        Yields
        ------
        callable
            A scorer with the same scores, whose calls are counted.
        """
        # A worker of an interrupted search may still be writing while it is killed.
        with tempfile.TemporaryDirectory(
            prefix="sknn-mnist-", ignore_cleanup_errors=True
        ) as folder:
            path = Path(folder, "calls")
            path.touch()
            records = SearchRecords(path, self.calls_per_fit, self.n_folds)
            self._records = records
            start = perf_counter()
            with self._bar(records) if self.on_terminal else self._lines(records):
                yield CountingScorer(scorer, path, self.names)
            records.update()
            self.epochs, self.trained_epochs = records.epochs, records.trained_epochs
            spared = records.most_epochs - records.epochs
            fits = counted(self.total or records.fits, "fit")
            said = f"searched: {fits} in {_since(start)}"
            if self.epochs:  # unknown where workers on other machines can't write
                said += (
                    f"; {self.trained_epochs:,} of their {self.epochs:,} epochs "
                    "trained, the others found"
                )
            if spared:
                said += (
                    f"; early stopping spared {spared:,} of at most "
                    f"{records.most_epochs:,}"
                )
            self._say(said)

    def tell_stage(self, stage: str) -> None:
        """Tell what the search has come to, with a line: on a terminal above the bar.

        Parameters
        ----------
        stage : str
            What it is at.
        """
        if self._above_bar is not None:
            self._above_bar(stage)
        elif self._records is not None:
            self._records.update()
            self._say(f"searching: {stage}{_best(self._records)}")

    @contextmanager
    def refit(self, n_rows: int) -> Iterator[None]:
        """Show that the block refits the best candidate.

        Parameters
        ----------
        n_rows : int
            Rows it is fitted on.
        """
        message = f"refitting the best on {n_rows:,} rows"
        if not self.on_terminal:
            self._say(message)
            yield
            return
        from rich.console import Console

        with Console(file=self.stream).status(message):
            yield

    @contextmanager
    def _lines(self, records: SearchRecords) -> Iterator[None]:
        known = self._course if self.total is None else counted(self.total, "fit")
        self._say(f"searching: {known}")
        told = perf_counter()

        def show() -> None:
            nonlocal told
            if perf_counter() - told > LINE_SECONDS:
                told = perf_counter()
                records.update()
                self._say(f"searching: {self._done(records)}{_best(records)}")

        with polling(show):
            yield

    @contextmanager
    def _bar(self, records: SearchRecords) -> Iterator[None]:
        from rich.console import Console
        from rich.markup import escape
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )
        from rich.text import Text

        columns = (
            TextColumn("searching"),
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TextColumn("fits" if self._most_epochs is None else "epochs"),
            TimeElapsedColumn(),
            TextColumn("elapsed,"),
            # Estimated from all fits, not the last ones: those of a grid grow slower.
            TimeRemainingColumn(),
            TextColumn("to go"),
        )

        class Bar(Progress):
            # With the best below, where its parameters have room.
            best = ""

            def get_renderables(self) -> Iterator[Any]:
                yield from super().get_renderables()
                if self.best:
                    yield Text(self.best)

        console = Console(file=self.stream, highlight=False)
        with Bar(*columns, console=console, speed_estimate_period=float("inf")) as bar:
            self._above_bar = lambda line: console.print(escape(line))
            total = self._most_epochs or self.total
            task = bar.add_task("search", total=total)

            def show() -> None:
                records.update()
                done = self._counted(records)
                if total is not None:
                    done = min(done, total)
                bar.best = _best(records).removeprefix(", ")
                bar.update(task, completed=done)

            try:
                with polling(show):
                    yield
            finally:
                self._above_bar = None
            records.update()
            done = self.total or self._counted(records)
            bar.update(task, total=done, completed=done)

    def _counted(self, records: SearchRecords) -> int:
        """Return how much is done, in what is counted."""
        return records.fits if self._most_epochs is None else records.most_epochs

    def _done(self, records: SearchRecords) -> str:
        if self._most_epochs is not None:
            return f"{records.most_epochs:,} of {self._most_epochs:,} epochs done"
        if self.total is None:
            return f"{counted(records.fits, 'fit')} done"
        left = max(self.total - records.fits, 0)
        return f"{records.fits:,} of {counted(self.total, 'fit')} done, {left:,} left"

    def _say(self, message: str) -> None:
        if not self.quiet:
            print(message, file=self.stream, flush=True)


@contextmanager
def polling(show: Callable[[], None]) -> Iterator[None]:
    """Call `show` periodically in a thread while the block runs, and once after.

    Parameters
    ----------
    show : callable
        Called without arguments.
    """
    over = threading.Event()

    def poll() -> None:
        while not over.wait(POLL_SECONDS):
            show()

    thread = threading.Thread(target=poll, name="sknn-mnist-progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        show()


def _since(start: float) -> str:
    return f"{perf_counter() - start:.1f} s"


def _best(records: SearchRecords) -> str:
    if records.best is None:
        return ""
    score, candidate = records.best
    return f", best so far {score:.4f} ({candidate})"
