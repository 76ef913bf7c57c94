"""Progress of a running search, on a terminal.

scikit-learn's searches tell nobody how far they are, least of all from worker
processes. What runs in every worker is the scorer: a scorer that leaves one byte a
call in a file tells the parent, whichever backend runs the fits.
"""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import perf_counter
from typing import Any, TextIO

__all__ = ["CountingScorer", "SearchProgress", "count_fits", "polling"]

# Often enough for the eye, seldom enough to cost nothing.
POLL_SECONDS = 0.25


class CountingScorer:
    """Scorer that scores as another does and leaves a byte in a file each time.

    Parameters
    ----------
    scorer : callable
        Scorer with the signature ``scorer(estimator, X, y)``.
    path : str or path-like
        File that grows by one byte a call. Where it can't be written, scores are
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
            self._count()

    def __repr__(self) -> str:
        return repr(self.scorer)

    def _count(self) -> None:
        # Progress is worth nothing beside the score: no error of the file (a full
        # disk, a folder already removed) may lose it. O_APPEND keeps the bytes of
        # several processes apart, and without O_CREAT nothing is left behind when
        # the scorer outlives the search.
        with suppress(OSError):
            descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND)
            try:
                os.write(descriptor, b".")
            finally:
                os.close(descriptor)


def count_fits(path: str | os.PathLike[str], calls_per_fit: int, total: int) -> int:
    """Return how many fits have been scored.

    Parameters
    ----------
    path : str or path-like
        File of a `CountingScorer`.
    calls_per_fit : int
        Calls of the scorer a fit: 2 where training scores are returned, else 1.
    total : int
        Number of fits of the search, which the result does not exceed.

    Returns
    -------
    int
        Fits done; 0 where there is no file.
    """
    try:
        calls = os.stat(path).st_size
    except OSError:
        return 0
    return min(calls // calls_per_fit, total)


class SearchProgress:
    """Tells about a search: a bar on a terminal, else a line at start and end.

    Fits that fail are never scored, so the bar does not count them before the
    search is through.

    Parameters
    ----------
    total : int
        Number of cross-validation fits.
    calls_per_fit : int
        Calls of the scorer a fit.
    stream : text stream
        Where to write.
    quiet : bool, default=False
        Whether to write nothing at all.
    """

    def __init__(
        self, total: int, calls_per_fit: int, stream: TextIO, quiet: bool = False
    ) -> None:
        self.total = total
        self.calls_per_fit = calls_per_fit
        self.stream = stream
        self.quiet = quiet
        self.on_terminal = not quiet and stream.isatty()

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
        if not self.on_terminal:
            # Nobody looks: the search runs with the scorer itself.
            start = perf_counter()
            self._say(f"searching: {_fits(self.total)}")
            yield scorer
            self._say(f"searched: {_fits(self.total)} in {_since(start)}")
            return
        # A worker that is killed in an interrupted search may still be writing.
        with tempfile.TemporaryDirectory(
            prefix="sknn-mnist-", ignore_cleanup_errors=True
        ) as folder:
            path = Path(folder, "calls")
            path.touch()
            with self._bar(path):
                yield CountingScorer(scorer, path)

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
            bar.update(task, completed=self.total)

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


def _fits(number: int) -> str:
    return f"{number:,} fit" if number == 1 else f"{number:,} fits"


def _since(start: float) -> str:
    return f"{perf_counter() - start:.1f} s"
