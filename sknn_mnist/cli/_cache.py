"""The command that shows or clears kept training states."""

from __future__ import annotations

import os
from typing import Any

from sknn_mnist.cli._arguments import Cache
from sknn_mnist.cli._errors import CommandError, expecting
from sknn_mnist.cli._memory import amount, last_used, states_in

__all__ = ["run_cache"]


def run_cache(asked: Cache) -> None:
    """Show or clear the training states kept in folders."""
    from sknn_mnist.memory._stores import open_memory

    for folder in asked.folders:
        if not os.path.isdir(os.path.expanduser(folder)):
            raise CommandError(f"no such folder: {folder}")
        if asked.clear or asked.shrink is not None:
            with expecting():
                states: Any = open_memory(folder, "cache")
            removed = states.shrink(asked.shrink or 0)
            print(f"{folder}: removed {amount(removed)}")
        files = states_in(folder)
        print(f"{folder}: {amount(files)}{last_used(files)}")
