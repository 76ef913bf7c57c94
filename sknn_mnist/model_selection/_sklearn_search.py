"""The base of scikit-learn's searches, which is no public name of scikit-learn's.

It is documented by its one hook, `_run_search`, by which a search chooses what to
evaluate: `GridSearchCV` and the searches by halving are made by it. What is known of it
here is tested in tests/model_selection/test_sklearn_search.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sklearn.model_selection._search import BaseSearchCV

__all__ = ["BaseSearchCV", "RungTasks", "every_fit_failed"]


def every_fit_failed(error: ValueError) -> bool:
    """Tell whether an evaluation of candidates was given up since all fits failed."""
    text = str(error).strip()
    return text.startswith("All the ") and "fits failed" in text


class RungTasks:
    """The rungs of a search as scikit-learn's callbacks see them, since 1.9.

    A context, at whose end the search has ended.

    Parameters
    ----------
    search : BaseSearchCV
        Who searches.
    n_rungs : int
        How many rungs there may be.
    callback_ctx : object or None
        What `_run_search` was given; None in versions without callbacks, where all
        that is here does nothing.
    """

    def __init__(self, search: Any, n_rungs: int, callback_ctx: Any) -> None:
        self._search = search
        self._n_rungs = n_rungs
        self._context = callback_ctx

    def __enter__(self) -> RungTasks:
        if self._context is not None:
            self._context = self._context.subcontext(
                task_name="search", max_subtasks=self._n_rungs
            )
            self._context.call_on_fit_task_begin(estimator=self._search)
        return self

    def __exit__(self, *error: object) -> None:
        if self._context is not None:
            self._context.call_on_fit_task_end(estimator=self._search)

    @contextmanager
    def rung(self, n_fits: int) -> Iterator[dict[str, Any]]:
        """Tell of a rung while the block runs.

        Parameters
        ----------
        n_fits : int
            Its fits.

        Yields
        ------
        dict of str to object
            What the evaluation of its candidates is to be given.
        """
        if self._context is None:
            yield {}
            return
        rung = self._context.subcontext(
            task_name="rung", max_subtasks=n_fits, sequential_subtasks=False
        )
        rung.call_on_fit_task_begin(estimator=self._search)
        try:
            yield {"callback_ctx": rung}
        finally:
            rung.call_on_fit_task_end(estimator=self._search)
