"""What a running search has done so far, recorded by its scorer.

scikit-learn's searches have no hook for progress, least of all from worker processes.
What runs in every worker is the scorer: one that appends a line per call to a file
tells the parent process, whichever backend runs the fits.
"""

from __future__ import annotations

import json
import math
import os
import threading
import weakref
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

__all__ = ["CountingScorer", "SearchRecords"]

# The estimator that this thread scored last.
_scored = threading.local()


class CountingScorer:
    """Scorer that returns another's scores and appends a record per call to a file.

    Parameters
    ----------
    scorer : callable
        Scorer with the signature ``scorer(estimator, X, y)``.
    path : str or path-like
        File that gets one line of JSON per call. Where it can't be written, the call
        is not counted, and scores are the same.
    names : sequence of str, default=()
        Parameters of the estimator in which candidates differ.
    """

    def __init__(
        self,
        scorer: Callable[..., Any],
        path: str | os.PathLike[str],
        names: Sequence[str] = (),
    ):
        self.scorer = scorer
        self.path = os.fspath(path)
        self.names = tuple(names)

    def __call__(self, estimator: Any, *args: Any, **kwargs: Any) -> Any:
        """Return the score of `estimator`, and count the call even if it failed."""
        score = math.nan
        try:
            score = self.scorer(estimator, *args, **kwargs)
            return score
        finally:
            self._count(estimator, score)

    def __repr__(self) -> str:
        return repr(self.scorer)

    def _count(self, estimator: Any, score: Any) -> None:
        epochs = len(getattr(estimator, "history_", {}).get("loss", ()))
        if isinstance(score, Mapping):  # of several, the one that is searched by
            score = score.get("score")
        record = {
            "epochs": epochs,
            "most": _most_epochs(estimator, epochs),
            "trained": epochs - getattr(estimator, "initial_epoch_", 0),
            # Searches score the held-out rows first, then those of training.
            "held_out": _is_new(estimator),
            "score": float(score) if isinstance(score, float | int) else math.nan,
            "params": ", ".join(f"{n}={getattr(estimator, n, '')}" for n in self.names),
        }
        # The score matters, progress does not: no error of the file (a full disk, a
        # folder already removed) may lose it. O_APPEND keeps the records of several
        # processes apart, and without O_CREAT no file is left behind when the scorer
        # outlives the search.
        with suppress(OSError):
            descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND)
            try:
                os.write(descriptor, json.dumps(record).encode() + b"\n")
            finally:
                os.close(descriptor)


class SearchRecords:
    """The records of a `CountingScorer`, summed as they come.

    Parameters
    ----------
    path : str or path-like
        Its file.
    calls_per_fit : int
        Calls of the scorer per fit: 2 where training scores are returned, else 1.
    n_folds : int
        Fits per candidate.

    Attributes
    ----------
    fits : int
        Fits that have been scored.
    epochs, trained_epochs : int
        Epochs of these fits, and how many of them were trained: the others were
        found in the estimators' memory.
    most_epochs : int
        How many epochs there would be, had none of the fits stopped early.
    best : tuple of (float, str) or None
        Best mean score of the candidates whose folds are all scored, and the
        candidate that has it.
    """

    def __init__(
        self, path: str | os.PathLike[str], calls_per_fit: int, n_folds: int
    ) -> None:
        self.path = path
        self.calls_per_fit = calls_per_fit
        self.n_folds = n_folds
        self.fits = self.epochs = self.trained_epochs = self.most_epochs = 0
        self.best: tuple[float, str] | None = None
        self._at = self._calls = self._epochs = self._trained = self._most = 0
        self._scores: dict[str, list[float]] = {}
        self._lock = threading.Lock()

    def update(self) -> None:
        """Read what has come since the last time."""
        with self._lock:
            try:
                with open(self.path, "rb") as file:
                    file.seek(self._at)
                    new = file.read()
            except OSError:
                return
            whole = new[: new.rfind(b"\n") + 1]  # a line may be half written
            self._at += len(whole)
            for line in whole.splitlines():
                self._add(json.loads(line))
            self.fits = self._calls // self.calls_per_fit
            self.epochs = self._epochs // self.calls_per_fit
            self.trained_epochs = self._trained // self.calls_per_fit
            self.most_epochs = self._most // self.calls_per_fit

    def _add(self, record: dict[str, Any]) -> None:
        self._calls += 1
        self._epochs += record["epochs"]
        self._trained += record["trained"]
        self._most += record["most"]
        if not record["held_out"]:
            return
        scores = self._scores.setdefault(record["params"], [])
        scores.append(record["score"])
        if len(scores) == self.n_folds:
            mean = sum(scores) / len(scores)
            # A NaN is never the best.
            if mean == mean and (self.best is None or mean > self.best[0]):
                self.best = mean, record["params"]


def _most_epochs(estimator: Any, epochs: int) -> int:
    """Return the epochs of a fit, or those that it could have had."""
    if not hasattr(estimator, "best_epoch_"):
        return epochs
    given = estimator.get_params(deep=False)
    return int(given.get("fit__epochs", given["epochs"]))


def _is_new(estimator: Any) -> bool:
    last = getattr(_scored, "last", lambda: None)()
    with suppress(TypeError):  # None and lists have no weak references
        _scored.last = weakref.ref(estimator)
    return last is not estimator
