"""Folds that stay the same, however often they are asked for."""

from __future__ import annotations

from typing import Any

from sklearn.utils.metadata_routing import get_routing_for_object

__all__ = ["SameFolds"]


class SameFolds:
    """A splitter whose first folds are those of all times.

    Scores of one evaluation are compared with those of the next, and trainings go on,
    on the same rows. A splitter that draws them anew each time is asked once.

    Parameters
    ----------
    splitter : splitter
        As `sklearn.model_selection.check_cv` returns it.
    """

    def __init__(self, splitter: Any) -> None:
        self.splitter = splitter
        self.n_splits = 0  # until they were asked for
        self._folds: list[Any] | None = None

    def get_n_splits(self, X: Any = None, y: Any = None, **params: Any) -> int:
        """Return how many folds there are."""
        self.n_splits = int(self.splitter.get_n_splits(X, y, **params))
        return self.n_splits

    def split(self, X: Any, y: Any = None, **params: Any) -> list[Any]:
        """Return the folds, as pairs of rows to train and to test on."""
        if self._folds is None:
            self._folds = list(self.splitter.split(X, y, **params))
            self.n_splits = len(self._folds)
        return self._folds

    def get_metadata_routing(self) -> Any:
        """Return what metadata the splitter asks for."""
        return get_routing_for_object(self.splitter)

    def __getstate__(self) -> dict[str, Any]:
        # Scikit-learn sends it along with each fit, which has rows of its own.
        return {**vars(self), "_folds": None}

    def __repr__(self) -> str:
        return repr(self.splitter)
