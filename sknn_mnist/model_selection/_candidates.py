"""The candidates of a search that deals out epochs: drawn, and given epochs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.model_selection import ParameterGrid, ParameterSampler

from sknn_mnist._loans import Loan, lend
from sknn_mnist._parameters import InvalidParameterError, invalid, refused
from sknn_mnist.model_selection._last_steps import last_step

__all__ = ["Space", "epochs_name", "n_distinct_of"]

# The parameter of a net, and the same with SciKeras's prefix, which counts where it is
# given.
EPOCHS, ROUTED = "epochs", "fit__epochs"


class Space:
    """Where candidates are drawn from.

    Parameters
    ----------
    estimator : estimator
        Whose parameters are searched.
    param_distributions : dict or list of dicts
        As `sklearn.model_selection.RandomizedSearchCV` takes them.
    owner : str
        The search, for errors.

    Attributes
    ----------
    epochs : str
        The parameter that has the epochs.
    n_distinct : int or None
        How many candidates there are, where all parameters are lists.
    """

    def __init__(self, estimator: Any, param_distributions: Any, owner: str) -> None:
        self.epochs = epochs_name(estimator, owner)
        self._estimator = estimator
        self._given = param_distributions
        self._owner = owner
        # Scikit-learn's own checks.
        try:
            ParameterSampler(param_distributions, 1)
        except (TypeError, ValueError) as err:
            raise InvalidParameterError(
                f"The 'param_distributions' parameter of {owner}: {err}"
            ) from err
        dicts: Any = param_distributions
        dicts = [dicts] if isinstance(dicts, Mapping) else list(dicts)
        if not any(dicts):
            allowed = "a dict of parameters to search, or a list of such dicts"
            raise invalid("param_distributions", owner, allowed, param_distributions)
        prefix = self.epochs.removesuffix(ROUTED).removesuffix(EPOCHS)
        for name in {name for each in dicts for name in each}:
            if name in (f"{prefix}{EPOCHS}", f"{prefix}{ROUTED}"):
                must = f"leave {name!r} out, which the search sets itself (max_epochs)"
                raise refused("param_distributions", owner, must, repr(dicts))
        self.n_distinct = n_distinct_of(dicts)

    def draw(self, n: int, random_state: np.random.RandomState) -> list[dict[str, Any]]:
        """Draw candidates, after a look at whether the estimator takes their names."""
        drawn = list(ParameterSampler(self._given, n, random_state=random_state))
        by_names = {frozenset(candidate): candidate for candidate in drawn}
        for candidate in by_names.values():
            parameters = {**clone(candidate, safe=False), self.epochs: 1}
            clone(self._estimator).set_params(**parameters)
        return drawn

    def with_epochs(
        self, candidate: Mapping[str, Any], n_epochs: int, loan: Loan
    ) -> dict[str, Any]:
        """Return the parameters of a candidate that trains for so many epochs.

        Nets among the parameters get what is lent, as the estimator's have.
        """
        return {
            **{name: _lent(value, loan) for name, value in candidate.items()},
            self.epochs: n_epochs,
        }


def n_distinct_of(dicts: Iterable[Mapping[str, Any]]) -> int | None:
    """Return how many candidates there are, where all parameters are lists."""
    dicts = list(dicts)
    if any(hasattr(value, "rvs") for each in dicts for value in each.values()):
        return None
    return len(ParameterGrid(dicts))


def epochs_name(estimator: Any, owner: str) -> str:
    """Return the name of the parameter that has the epochs of an estimator's net.

    Parameters
    ----------
    estimator : estimator
        A net, a Pipeline that ends with one, or what else holds one net.
    owner : str
        The search, for errors.

    Raises
    ------
    ValueError or TypeError
        When there is none, or several.
    """
    if not hasattr(estimator, "get_params") or isinstance(estimator, type):
        raise invalid("estimator", owner, "an estimator with epochs", estimator)
    known = estimator.get_params(deep=True)
    prefix, _ = last_step(estimator)
    found = [name for name in (f"{prefix}{EPOCHS}",) if name in known]
    if not found:
        found = [name for name in known if _is_epochs(name)]
    if not found:
        must = (
            "be a net of this package, or hold one, so that it has epochs: a Pipeline "
            "that ends with one, or another estimator around one"
        )
        raise refused("estimator", owner, must, repr(estimator))
    if len(found) > 1:
        must = f"have one net whose epochs are searched, not several: {sorted(found)}"
        raise refused("estimator", owner, must, repr(estimator))
    routed = f"{found[0].removesuffix(EPOCHS)}{ROUTED}"
    return routed if routed in known else found[0]


def _is_epochs(name: str) -> bool:
    return name.rpartition("__")[2] == EPOCHS and not name.endswith(ROUTED)


def _lent(value: Any, loan: Loan) -> Any:
    """Return a value whose nets, if it has any, are its own and have what is lent."""
    nets: Iterable[Any] = value if isinstance(value, list | tuple) else (value,)
    if not any(hasattr(net, "get_params") for net in nets):
        return value
    own = clone(value, safe=False)
    return own if lend(own, loan) else value
