"""Where modules went whose classes and functions stand in pickles of version 0.1.0."""

from __future__ import annotations

import sys
from importlib import import_module

TYPE_CHECKING = False  # as the package says, and why
if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from typing import Any

__all__ = ["know_moved_modules"]

_MOVED = {
    "sknn_mnist._callbacks": ("sknn_mnist.estimators._callbacks",),
    "sknn_mnist._checkpoints": ("sknn_mnist.memory._stores",),
    "sknn_mnist._display_history": ("sknn_mnist.display._history",),
    "sknn_mnist._display_layers": (
        "sknn_mnist.display._activation_maximization",
        "sknn_mnist.display._feature_maps",
        "sknn_mnist.display._kernels",
    ),
    "sknn_mnist._display_samples": (
        "sknn_mnist.display._mistakes",
        "sknn_mnist.display._sensitivity",
    ),
    "sknn_mnist._display_search": ("sknn_mnist.display._search",),
    "sknn_mnist._keras_copies": ("sknn_mnist.networks._keras_pickles",),
    "sknn_mnist._networks": ("sknn_mnist.estimators._images",),
    "sknn_mnist._owned_network": ("sknn_mnist.engine._owned_network",),
    "sknn_mnist._pool": ("sknn_mnist.engine._pool",),
    "sknn_mnist._recipes": ("sknn_mnist.networks._recipes",),
    "sknn_mnist._saved_files": ("sknn_mnist.files._estimator_files",),
    "sknn_mnist._targets": ("sknn_mnist.estimators._targets",),
}


def know_moved_modules() -> None:
    """Let pickles find these under their old names.

    Nothing is imported, and no module is there, until one is asked for: pickle looks
    for some objects in all modules that there are.
    """
    if not any(isinstance(each, _Finder) for each in sys.meta_path):
        sys.meta_path.append(_Finder())


class _Finder:
    """Makes a module of an old name, when it is asked for, with what others have."""

    def find_spec(self, name: str, *_: Any) -> ModuleSpec | None:
        if name not in _MOVED:
            return None
        # Not before: whoever imports the package waits for it.
        from importlib.machinery import ModuleSpec

        return ModuleSpec(name, self)  # type: ignore[arg-type]

    def create_module(self, spec: ModuleSpec) -> None:
        """Leave it to Python."""

    def exec_module(self, module: ModuleType) -> None:
        moved: dict[str, Any] = {}
        for name in _MOVED[module.__name__]:
            moved |= vars(import_module(name))
        for name, value in moved.items():
            if not name.startswith("__"):
                setattr(module, name, value)
