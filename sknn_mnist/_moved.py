"""Where modules went whose classes and functions stand in pickles of version 0.1.0."""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import Any

__all__ = ["know_moved_modules"]

_MOVED = {
    "sknn_mnist._adapter": "sknn_mnist.estimators._base",
    "sknn_mnist._callbacks": "sknn_mnist.estimators._callbacks",
    "sknn_mnist._keras_copies": "sknn_mnist.networks._keras_pickles",
    "sknn_mnist._networks": "sknn_mnist.estimators._images",
    "sknn_mnist._owned_network": "sknn_mnist.engine._owned_network",
    "sknn_mnist._recipes": "sknn_mnist.networks._recipes",
    "sknn_mnist._targets": "sknn_mnist.estimators._targets",
}


def know_moved_modules() -> None:
    """Let pickles find these under their old names; nothing is imported before."""
    for old, new in _MOVED.items():
        sys.modules.setdefault(old, _Moved(old, new))


class _Moved(ModuleType):
    """A module that has what another one has."""

    def __init__(self, old: str, new: str) -> None:
        super().__init__(old, f"Moved to `{new}`.")
        self.__dict__["_new"] = new

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # asked by whoever walks through all modules
            raise AttributeError(name)
        return getattr(import_module(self.__dict__["_new"]), name)
