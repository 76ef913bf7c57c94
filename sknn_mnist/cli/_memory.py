"""What the command line says of kept training states."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sknn_mnist.cli._errors import expecting, tell

__all__ = [
    "amount",
    "going_on",
    "last_used",
    "prepare_memory",
    "states_in",
    "tell_found",
    "tell_kept",
]


def prepare_memory(folder: str | None) -> None:
    """Make the folder of `--memory`, unless it exists: that may be read-only.

    Raises
    ------
    OSError
        When it can't be made.
    """
    from sknn_mnist.cli._outputs import prepare_folder
    from sknn_mnist.memory._stores import IN_PROCESS

    if folder is None or folder == IN_PROCESS:
        return
    path = os.path.expanduser(folder)  # as the estimators do
    if not os.path.isdir(path):
        prepare_folder(path)


def states_in(memory: str | None) -> list[Any]:
    """Return the states that a folder keeps, the least recently used first.

    Parameters
    ----------
    memory : str or None
        As the estimators take it.

    Returns
    -------
    list of StateFile
        Empty where `memory` is no folder.
    """
    from sknn_mnist.memory._state_files import FolderStore
    from sknn_mnist.memory._stores import open_memory

    with expecting():
        states = open_memory(memory, "sknn-mnist")
    return states.files() if isinstance(states, FolderStore) else []


def amount(files: Sequence[Any]) -> str:
    """Return how much some states are."""
    from sknn_mnist.memory._stores import Amount

    return str(Amount.of(files))


def last_used(files: Sequence[Any]) -> str:
    """Return when the last of some states was used, to the minute; "" without any."""
    if not files:
        return ""
    try:
        when = f"{datetime.fromtimestamp(files[-1].used):%Y-%m-%d %H:%M}"
    except (ValueError, OverflowError, OSError):  # the clock was wrong
        when = "at an unknown time"
    return f", last used {when}"


def tell_found(memory: str | None) -> None:
    """Tell what earlier runs have left, if anything."""
    found = states_in(memory)
    if found:
        tell(
            f"memory: {memory} holds {amount(found)}; fits resume from matching states"
        )


def tell_kept(memory: str | None) -> None:
    """Tell how much is left for the next run, and how it is cleared."""
    kept = states_in(memory)
    if kept:
        tell(
            f"kept for next time: {amount(kept)}; to clear: sknn-mnist cache --clear "
            f"{shlex.quote(str(memory))}"
        )


@contextmanager
def going_on(memory: str | None) -> Iterator[None]:
    """After Ctrl-C in the block, say how to go on, where states are kept."""
    try:
        yield
    except KeyboardInterrupt as stop:
        if not states_in(memory):
            raise
        raise KeyboardInterrupt("run the same command again to go on") from stop
