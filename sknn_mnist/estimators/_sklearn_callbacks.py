"""scikit-learn's callbacks: progress bars and monitors that see each epoch.

The one module that knows `sklearn.callback`, which scikit-learn has since 1.9 and
calls experimental. Without it the estimators have no `set_callbacks`, and all that is
here does nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Support of callbacks, which this scikit-learn does not have."""

    def with_callbacks(method: Any) -> Any:
        """Return the method as it is."""
        return method


__all__ = ["CallbackSupportMixin", "EpochTasks", "with_callbacks"]


class EpochTasks:
    """The epochs of a fit as scikit-learn's callbacks see them.

    Parameters
    ----------
    estimator : estimator
        Who is fitted; inside a method decorated by `with_callbacks`.
    n_epochs : int
        How many epochs are meant.
    X, y, sample_weight : array-like
        What `fit` was given, for callbacks that score.
    """

    def __init__(
        self, estimator: Any, n_epochs: int, X: Any, y: Any, sample_weight: Any
    ) -> None:
        self._known = {"estimator": estimator, "X": X, "y": y}
        if sample_weight is not None:
            self._known["metadata"] = {"sample_weight": sample_weight}
        self._fit = None
        if hasattr(estimator, "_init_callback_context"):
            self._fit = estimator._init_callback_context(max_subtasks=n_epochs)
            self._fit.call_on_fit_task_begin(**self._known)

    def begin(self) -> None:
        """Tell that an epoch begins."""
        if self._fit is not None:
            self._epoch = self._fit.subcontext(task_name="epoch")
            self._epoch.call_on_fit_task_begin(**self._known)

    def end(self, attributes: Callable[[], dict[str, Any] | None]) -> bool:
        """Tell that the epoch has ended.

        Parameters
        ----------
        attributes : callable
            Gives what the estimator would have after this epoch, if that is asked
            for; None where it is not known any more.

        Returns
        -------
        bool
            Whether a callback wants the training to stop.
        """
        if self._fit is None:
            return False
        return self._epoch.call_on_fit_task_end(
            **self._known, reconstruction_attributes=attributes
        )

    def close(self) -> None:
        """Tell that the fit has ended."""
        if self._fit is not None:
            self._fit.call_on_fit_task_end(**self._known)
