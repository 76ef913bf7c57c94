"""The estimator of a command, checked before anything is trained."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sknn_mnist.cli._arguments import Network
from sknn_mnist.cli._errors import CommandError, expecting
from sknn_mnist.cli._network_options import MODELS, OPTIONS

__all__ = ["make_estimator", "parameters_of"]


def parameters_of(network: Network) -> dict[str, Any]:
    """Return the parameters that were given of a network.

    Parameters
    ----------
    network : Network
        The network.

    Returns
    -------
    dict of str to object
        By name, a value or the list of them.

    Raises
    ------
    CommandError
        When its model does not have one of them.
    """
    for option in OPTIONS:
        if option.name in network.parameters and network.model not in option.models:
            raise CommandError(
                f"{option.flag} belongs to --model {' or '.join(option.models)}, "
                f"not to --model {network.model}.",
                code=2,
            )
    return dict(network.parameters)


def make_estimator(
    model: str, fixed: Mapping[str, Any], grid: Mapping[str, Any] | None = None
) -> Any:
    """Return the estimator, after a check of it and of every candidate of the grid."""
    from sklearn.base import clone
    from sklearn.model_selection import ParameterGrid

    from sknn_mnist import estimators

    estimator = getattr(estimators, MODELS[model])(**fixed)
    with expecting(code=2):
        for parameters in ParameterGrid(dict(grid or {})):
            clone(estimator).set_params(**parameters)._check_parameters()
    return estimator
