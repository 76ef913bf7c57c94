"""Training states kept by epoch, so that a fit can go on from an earlier one.

What `memory` of the estimators may be, and the store that it stands for: a folder
(`_state_files`), or this process alone.
"""

from __future__ import annotations

import os
import threading
import warnings
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import joblib
import numpy as np
from joblib.disk import memstr_to_bytes

from sknn_mnist._parameters import invalid
from sknn_mnist.memory._state_files import FolderStates, StateFile
from sknn_mnist.memory._states import KeptState, Kinds

__all__ = [
    "IN_PROCESS",
    "Amount",
    "States",
    "amount_kept",
    "clear_memory",
    "open_memory",
    "say_once",
]

# As SQLite names its databases without a file.
IN_PROCESS = ":memory:"
MAX_PROCESS_BYTES = 512 * 2**20

LIMIT_VARIABLE = "SKNN_MNIST_MEMORY_LIMIT"
DEFAULT_LIMIT = "4G"


class States(Protocol):
    """A store of training states."""

    def longest(
        self, key: str, epochs: int, kinds: Callable[[], Kinds]
    ) -> KeptState | None:
        """Return the state after the most epochs up to `epochs`; None without any."""

    def put(
        self,
        key: str,
        kept: KeptState,
        passing: str | None = None,
        instead_of: Iterable[tuple[int, str]] = (),
    ) -> bool:
        """Keep a state, and return whether that was possible."""


class Amount(NamedTuple):
    """How much is kept: states, the trainings that they are of, and their bytes."""

    n_states: int
    n_trainings: int
    n_bytes: int

    @classmethod
    def of(cls, files: Collection[StateFile]) -> Amount:
        """Return how much some files are."""
        trainings = {each.key for each in files}
        return cls(len(files), len(trainings), sum(each.n_bytes for each in files))

    def __str__(self) -> str:
        return (
            f"{self.n_states:,} states of {self.n_trainings:,} trainings, "
            f"{self.n_bytes / 1e6:,.1f} MB"
        )


def open_memory(memory: Any, owner: str) -> States | None:
    """Return the store that the `memory` parameter stands for; None without one.

    Nothing is made on disk before there is something to keep.

    Parameters
    ----------
    memory : str, path-like, joblib.Memory or None
        The parameter.
    owner : str
        The estimator's name, for messages.

    Returns
    -------
    States or None
        The same one for the same folder.

    Raises
    ------
    ValueError or TypeError
        When it is nothing of these, or names a file.
    """
    if memory is None:
        return None
    if isinstance(memory, str) and memory == IN_PROCESS:
        return _process_states
    if isinstance(memory, joblib.Memory):
        if memory.location is None:
            return None  # as joblib has it: keep nothing
        folder = memory.location if memory.backend == "local" else None
    else:
        folder = memory
    if not isinstance(folder, str | os.PathLike) or not os.fspath(folder):
        raise _refused(memory, owner)
    if "\0" in os.fsdecode(folder):
        raise _refused(memory, owner)
    path = Path(os.path.abspath(os.path.expanduser(folder)))
    if path.exists() and not path.is_dir():
        raise _refused(memory, owner)
    limit = _limit()
    with _lock:
        # Several may have one folder open: what is in it is on disk.
        if path not in _folders or _folders[path].limit != limit:
            _folders[path] = FolderStates(path, limit)
        return _folders[path]


def clear_memory(memory: Any) -> None:
    """Forget the training states that `memory=` of the estimators has kept.

    Only files that the package wrote are removed.

    Parameters
    ----------
    memory : str, path-like or joblib.Memory
        What the estimators were given: a folder, ``":memory:"`` for the states of
        this process, or a `joblib.Memory`, whose own files stay.

    Raises
    ------
    ValueError or TypeError
        When it is none of these.

    See Also
    --------
    clear_network_pool : Frees the compiled networks.

    Examples
    --------
    >>> import sknn_mnist
    >>> sknn_mnist.clear_memory(":memory:")
    """
    states = open_memory(memory, "clear_memory")
    if isinstance(states, ProcessStates):
        states.clear()
    elif isinstance(states, FolderStates):
        states.shrink(0)


def amount_kept(memory: Any) -> Amount:
    """Return how much a memory holds. All of a folder is looked through.

    Parameters
    ----------
    memory : str, path-like, joblib.Memory or None
        What the estimators were given.

    Returns
    -------
    Amount
        Numbers of states and trainings, and bytes.

    Raises
    ------
    ValueError or TypeError
        When it is none of these.
    """
    states = open_memory(memory, "amount_kept")
    if isinstance(states, FolderStates):
        return Amount.of(states.files())
    return states.amount() if isinstance(states, ProcessStates) else Amount(0, 0, 0)


# A state's training and epoch, and the fit in flight that it belongs to, if any.
_Place = tuple[str, int, str | None]


class ProcessStates:
    """Kept states in the memory of this process, least recently used going first."""

    def __init__(self, limit: int = MAX_PROCESS_BYTES) -> None:
        self.limit = limit
        self._lock = threading.Lock()
        self._n_bytes = 0
        self._kept: OrderedDict[_Place, KeptState] = OrderedDict()
        self._places: dict[str, set[_Place]] = {}

    def __str__(self) -> str:
        return IN_PROCESS

    def longest(
        self, key: str, epochs: int, kinds: Callable[[], Kinds]
    ) -> KeptState | None:
        """Return the state after the most epochs up to `epochs`; None without any."""
        with self._lock:
            there = [each for each in self._places.get(key, ()) if each[1] <= epochs]
            if not there:
                return None
            # Of alike ones, that which is kept for good.
            place = max(there, key=lambda each: (each[1], each[2] is None))
            self._kept.move_to_end(place)
            return replace(self._kept[place], passing=place[2])

    def put(
        self,
        key: str,
        kept: KeptState,
        passing: str | None = None,
        instead_of: Iterable[tuple[int, str]] = (),
    ) -> bool:
        """Keep a state, as in `FolderStates.put`.

        Its arrays become read-only: fits to come share them.
        """
        for values in kept.history.values():
            for value in values:
                if isinstance(value, np.ndarray):  # and no float
                    value.flags.writeable = False
        for array in kept.arrays():
            array.flags.writeable = False
        if kept.n_bytes > self.limit:  # it would push out all others
            return False
        place = (key, kept.epoch, passing)
        with self._lock:
            for epoch, fit in instead_of:
                self._remove((key, epoch, fit))
            self._remove(place)
            self._kept[place] = kept
            self._places.setdefault(key, set()).add(place)
            self._n_bytes += kept.n_bytes
            while self._n_bytes > self.limit:
                self._remove(next(iter(self._kept)))
        return True

    def amount(self) -> Amount:
        """Return how much is kept."""
        with self._lock:
            return Amount(len(self._kept), len(self._places), self._n_bytes)

    def clear(self) -> None:
        """Forget all states."""
        with self._lock:
            self._kept.clear()
            self._places.clear()
            self._n_bytes = 0

    def _remove(self, place: _Place) -> None:
        kept = self._kept.pop(place, None)
        if kept is not None:
            self._n_bytes -= kept.n_bytes
            self._places[place[0]].remove(place)
            if not self._places[place[0]]:
                del self._places[place[0]]


_lock = threading.Lock()
_process_states = ProcessStates()
_folders: dict[Path, FolderStates] = {}
_said: set[str] = set()


def say_once(message: str) -> None:
    """Warn, the first time in this process."""
    if message not in _said:
        _said.add(message)
        warnings.warn(message, stacklevel=2)


def _limit() -> int:
    given = os.environ.get(LIMIT_VARIABLE, DEFAULT_LIMIT)
    try:
        limit = memstr_to_bytes(given)
    except (ValueError, IndexError, OverflowError):
        limit = 0
    if limit <= 0:
        raise ValueError(
            f"The environment variable {LIMIT_VARIABLE} must be a size such as "
            f"'500M' or '4G'. Got {given!r} instead."
        )
    return int(limit)


def _refused(memory: Any, owner: str) -> Exception:
    return invalid(
        "memory",
        owner,
        f"None, a folder, {IN_PROCESS!r} or a joblib.Memory on a local disk",
        memory,
    )
