"""What a network is compiled with: the function's say, and the estimator's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sknn_mnist.estimators._routing import routed, routes_of
from sknn_mnist.networks._compile_settings import Compiled

__all__ = ["resolved"]


def resolved(
    explicit: Mapping[str, Any],
    compiled: Compiled | None,
    given: Mapping[str, Any],
    owner: str,
) -> dict[str, Any]:
    """Return what a network is compiled with.

    Parameters
    ----------
    explicit : Mapping
        ``optimizer``, ``loss`` and ``metrics`` as far as the estimator says them.
    compiled : Compiled or None
        What the function said.
    given : Mapping
        Names with a prefix.
    owner : str
        Name of the estimator, for messages.

    Returns
    -------
    dict
        With optimizer, loss and metrics; loss and metrics are None where nobody says
        them.
    """
    settings: dict[str, Any] = {"optimizer": "adam", "loss": None, "metrics": None}
    if compiled is not None:
        settings.update(compiled.settings)
    settings.update(explicit)
    for name in ("optimizer", "loss", "metrics"):
        if name != "loss" or settings[name] is not None:  # it is chosen later
            settings[name] = routed(name, settings[name], routes_of(name, given), owner)
    settings.update(routes_of("compile", given))
    return settings
