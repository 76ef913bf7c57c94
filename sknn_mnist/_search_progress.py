"""Progress of a running search, on a terminal.

scikit-learn's searches tell nobody how far they are, least of all from worker
processes. What runs in every worker is the scorer: a scorer that leaves a record a
call in a file tells the parent, whichever backend runs the fits.
"""

from __future__ import annotations

import os
import struct
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import perf_counter
from typing import Any, TextIO

__all__ = [
    "CountingScorer",
    "SearchProgress",
    "count_epochs",
    "count_fits",
    "polling",
]

# Often enough for the eye, seldom enough to cost nothing.
POLL_SECONDS = 0.25

# Epochs of the fit that was scored, and how many of them it trained itself.
RECORD = struct.Struct("<II")


class CountingScorer:
    """Scorer that scores as another does and leaves a record in a file each time.

    Parameters
    ----------
    scorer : callable
        Scorer with the signature ``scorer(estimator, X, y)``.
    path : str or path-like
        File that grows by one record a call. Where it can't be written, scores are
        the same and the call is not counted.
    """

    def __init__(self, scorer: Callable[..., Any], path: str | os.PathLike[str]):
        self.scorer = scorer
        self.path = os.fspath(path)

    def __call__(self, estimator: Any, *args: Any, **kwargs: Any) -> Any:
        """Return the score of `estimator`, and count the call even if it failed."""
        try:
            return self.scorer(estimator, *args, **kwargs)
        finally:
            self._count(estimator)

    def __repr__(self) -> str:
        return repr(self.scorer)

    def _count(self, estimator: Any) -> None:
        epochs = len(getattr(estimator, "history_", {}).get("loss", ()))
        trained = epochs - getattr(estimator, "initial_epoch_", 0)
        # Progress is worth nothing beside the score: no error of the file (a full
        # disk, a folder already removed) may lose it. O_APPEND keeps the records of
        # several processes apart, and without O_CREAT nothing is left behind when
        # the scorer outlives the search.
        with suppress(OSError):
            descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND)
            try:
                os.write(descriptor, RECORD.pack(epochs, trained))
            finally:
                os.close(descriptor)


def count_fits(
    path: str | os.PathLike[str], calls_per_fit: int, total: int | None
) -> int:
    """Return how many fits have been scored.

    Parameters
    ----------
    path : str or path-like
        File of a `CountingScorer`.
    calls_per_fit : int
        Calls of the scorer a fit: 2 where training scores are returned, else 1.
    total : int or None
        Number of fits of the search, which the result does not exceed, where it is
        known.

    Returns
    -------
    int
        Fits done; 0 where there is no file.
    """
    try:
        calls = os.stat(path).st_size // RECORD.size
    except OSError:
        return 0
    done = calls // calls_per_fit
    return done if total is None else min(done, total)


def count_epochs(path: str | os.PathLike[str], calls_per_fit: int) -> tuple[int, int]:
    """Return the epochs of all fits that have been scored, and those trained.

    Parameters
    ----------
    path : str or path-like
        File of a `CountingScorer`.
    calls_per_fit : int
        Calls of the scorer a fit.

    Returns
    -------
    epochs, trained : int
        The others were found in the estimators' memory. 0 where there is no file.
    """
    try:
        content = Path(path).read_bytes()
    except OSError:
        return 0, 0
    whole = len(content) // RECORD.size * RECORD.size
    records = list(RECORD.iter_unpack(content[:whole]))
    epochs = sum(record[0] for record in records) // calls_per_fit
    return epochs, sum(record[1] for record in records) // calls_per_fit


class SearchProgress:
    """Tells about a search: a bar on a terminal, else a line at start and end.

    Fits that fail are never scored, so the bar does not count them before the
    search is through.

    Parameters
    ----------
    total : int or None
        Number of cross-validation fits, None where only the search will know.
    calls_per_fit : int
        Calls of the scorer a fit.
    stream : text stream
        Where to write.
    quiet : bool, default=False
        Whether to write nothing at all.

    Attributes
    ----------
    epochs, trained_epochs : int
        After the search: epochs of its fits, and how many of them were trained.
    """

    def __init__(
        self, total: int | None, calls_per_fit: int, stream: TextIO, quiet: bool = False
    ) -> None:
        self.total = total
        self.calls_per_fit = calls_per_fit
        self.stream = stream
        self.quiet = quiet
        self.on_terminal = not quiet and stream.isatty()
        self.epochs = self.trained_epochs = 0

    @contextmanager
    def search(self, scorer: Callable[..., Any]) -> Iterator[Callable[..., Any]]:
        """Tell about what the block does; gives the scorer to search with.

        Parameters
        ----------
        scorer : callable
            The scorer that is wanted.

        Yields
        ------
        callable
            A scorer with the same scores.
        """
        # A worker that is killed in an interrupted search may still be writing.
        with tempfile.TemporaryDirectory(
            prefix="sknn-mnist-", ignore_cleanup_errors=True
        ) as folder:
            path = Path(folder, "calls")
            path.touch()
            start = perf_counter()
            if self.on_terminal:
                with self._bar(path):
                    yield CountingScorer(scorer, path)
            else:
                self._say(f"searching: {_fits(self.total)}")
                yield CountingScorer(scorer, path)
            done = count_fits(path, self.calls_per_fit, None)
            self.epochs, self.trained_epochs = count_epochs(path, self.calls_per_fit)
            self._say(
                f"searched: {_fits(self.total or done)} in {_since(start)}; "
                f"{self.trained_epochs:,} of their {self.epochs:,} epochs trained, the "
                "others found"
            )

    @contextmanager
    def refit(self, n_rows: int) -> Iterator[None]:
        """Tell that the block refits the best.

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
    def _bar(self, path: Path) -> Iterator[None]:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        columns = (
            TextColumn("searching"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("fits"),
            TimeElapsedColumn(),
            TextColumn("elapsed,"),
            # All of the past counts: fits of a grid come cheap ones first.
            TimeRemainingColumn(),
            TextColumn("to go"),
        )
        with Progress(
            *columns,
            console=Console(file=self.stream),
            speed_estimate_period=float("inf"),
        ) as bar:
            task = bar.add_task("search", total=self.total)

            def show() -> None:
                done = count_fits(path, self.calls_per_fit, self.total)
                bar.update(task, completed=done)

            with polling(show):
                yield
            done = count_fits(path, self.calls_per_fit, self.total)
            bar.update(task, total=self.total or done, completed=self.total or done)

    def _say(self, message: str) -> None:
        if not self.quiet:
            print(message, file=self.stream, flush=True)


@contextmanager
def polling(show: Callable[[], None]) -> Iterator[None]:
    """Call `show` again and again in a thread while the block runs, and once after.

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


def _fits(number: int | None) -> str:
    if number is None:
        return "by halving"
    return f"{number:,} fit" if number == 1 else f"{number:,} fits"


def _since(start: float) -> str:
    return f"{perf_counter() - start:.1f} s"
