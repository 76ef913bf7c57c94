"""The estimator of a command, checked before anything is trained."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sknn_mnist.cli._arguments import Network, Place
from sknn_mnist.cli._errors import CommandError, expecting
from sknn_mnist.cli._network_options import MODELS, OPTIONS, flag_of
from sknn_mnist.cli._own_networks import OwnFunction

__all__ = ["make_estimator", "parameters_of"]


# Parameters of every estimator that commands have options for.
_OF_COMMANDS = (
    *("model", "random_state", "memory"),
    *("validation_split", "early_stopping", "n_iter_no_change", "tol", "monitor"),
)


def parameters_of(network: Network, others: Iterable[str] = ()) -> dict[str, Any]:
    """Return the parameters that were given of a network.

    Parameters
    ----------
    network : Network
        The network.
    others : iterable of str, default=()
        Parameters that the command has options for, beside those of the network.

    Returns
    -------
    dict of str to object
        By name, a value or the list of them.

    Raises
    ------
    CommandError
        When its model does not have one of them.
    """
    model, is_own = network.model, isinstance(network.model, Place)
    for option in OPTIONS:
        if option.name not in network.parameters:
            continue
        if is_own and not option.of_training:
            raise CommandError(
                f"{option.flag} belongs to --model {' or '.join(option.models)}: of "
                f"{model} give --set {option.name}=...",
                code=2,
            )
        if not is_own and model not in option.models:
            raise CommandError(
                f"{option.flag} belongs to --model {' or '.join(option.models)}, "
                f"not to --model {model}.",
                code=2,
            )
    if network.settings and not is_own:
        name = next(iter(network.settings))
        raise CommandError(
            f"--set {name} belongs to a function of your own, --model "
            f"FILE.py:FUNCTION, not to --model {model}.",
            code=2,
        )
    with_options = {each.name for each in OPTIONS if each.of_training}
    for name in network.settings:
        if name in {*with_options, *_OF_COMMANDS, *others}:
            raise CommandError(f"{name} is given by {flag_of(name)}, not by --set.", 2)
    return {**network.parameters, **network.settings}


def make_estimator(
    model: str | OwnFunction,
    fixed: Mapping[str, Any],
    candidates: Iterable[Mapping[str, Any]] = ({},),
) -> Any:
    """Return the estimator, after a check of every candidate: parameters it gets."""
    from sklearn.base import clone

    from sknn_mnist import estimators

    with expecting(code=2):
        if isinstance(model, OwnFunction):
            estimator: Any = estimators.KerasClassifier(model.function, **fixed)
        else:
            estimator = getattr(estimators, MODELS[model])(**fixed)
        for parameters in candidates:
            clone(estimator).set_params(**parameters)._check_parameters()
    return estimator
