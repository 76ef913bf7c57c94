"""The net that an estimator ends with: itself, or the last step of a Pipeline."""

from __future__ import annotations

from typing import Any

from sklearn.pipeline import Pipeline

__all__ = ["last_step"]


def last_step(estimator: Any) -> tuple[str, Any]:
    """Return the last step of a Pipeline, however deep, or what is none.

    Parameters
    ----------
    estimator : object
        An estimator.

    Returns
    -------
    prefix : str
        What the parameters of the step are prefixed with; "" of what is no Pipeline.
    step : object
        The step.
    """
    prefix = ""
    while isinstance(estimator, Pipeline):
        name, estimator = estimator.steps[-1]
        prefix = f"{prefix}{name}__"
    return prefix, estimator
