"""Stores of training states by epoch, so that a fit can go on from an earlier one.

What `memory` of the estimators may be, and the store that it stands for: a folder
(`_state_files`), or the memory of this process.
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

from sknn_mnist._parameters import invalid
from sknn_mnist.memory._disk_space import limit_of_folders
from sknn_mnist.memory._state_files import FolderStore, StateFile
from sknn_mnist.memory._states import KeptState, Kinds

__all__ = [
    "IN_PROCESS",
    "Amount",
    "Store",
    "amount_kept",
    "clear_memory",
    "open_memory",
    "say_once",
]

# As SQLite names its databases without a file.
IN_PROCESS = ":memory:"
MAX_PROCESS_BYTES = 512 * 2**20


class Store(Protocol):
    """A store of training states, each of one training (its key) and one epoch.

    States are kept for good, or in passing: until the fit that they belong to has come
    further.
    """

    def longest(
        self, key: str, epochs: int, kinds: Callable[[], Kinds]
    ) -> KeptState | None:
        """Return the state after the most epochs up to `epochs`; None without any.

        Parameters
        ----------
        key : str
            The training.
        epochs : int
            Epochs at most.
        kinds : callable
            Gives what the state must be like; called if there is one.
        """

    def put(
        self,
        key: str,
        kept: KeptState,
        passing: str | None = None,
        instead_of: Iterable[tuple[int, str]] = (),
    ) -> bool:
        """Keep a state.

        Parameters
        ----------
        key : str
            The training.
        kept : KeptState
            The state.
        passing : str or None, default=None
            The fit that the state is kept in passing for, as eight digits; None to
            keep it for good.
        instead_of : iterable of (int, str), default=()
            States kept in passing that go when this one is kept, as epoch and fit.

        Returns
        -------
        bool
            Whether it is kept.
        """


class Amount(NamedTuple):
    """How much is kept: states, the trainings that they are of, and their bytes."""

    n_states: int
    n_trainings: int
    n_bytes: int

    @classmethod
    def of(cls, files: Collection[StateFile]) -> Amount:
        """Return how much some files make up."""
        trainings = {each.key for each in files}
        return cls(len(files), len(trainings), sum(each.n_bytes for each in files))

    def __str__(self) -> str:
        return (
            f"{self.n_states:,} states of {self.n_trainings:,} trainings, "
            f"{self.n_bytes / 1e6:,.1f} MB"
        )


def open_memory(memory: Any, owner: str) -> Store | None:
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
    Store or None
        The same one for the same folder.

    Raises
    ------
    ValueError or TypeError
        When it is none of these, or names a file.
    """
    if memory is None:
        return None
    if isinstance(memory, str) and memory == IN_PROCESS:
        return _process_store
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
    limit = limit_of_folders()
    with _lock:
        # Several stores may share a folder: all they know of it is on disk.
        if path not in _folders or _folders[path].limit != limit:
            _folders[path] = FolderStore(path, limit)
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
    store = open_memory(memory, "clear_memory")
    if isinstance(store, ProcessStore):
        store.clear()
    elif isinstance(store, FolderStore):
        store.shrink(0)


def amount_kept(memory: Any) -> Amount:
    """Return how much a memory holds; a folder is scanned whole.

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
    store = open_memory(memory, "amount_kept")
    if isinstance(store, FolderStore):
        return Amount.of(store.files())
    return store.amount() if isinstance(store, ProcessStore) else Amount(0, 0, 0)


# A state's training and epoch, and the fit that it is kept in passing for, if any.
_Id = tuple[str, int, str | None]


class ProcessStore:
    """A store in this process; the least recently used states go first."""

    def __init__(self, limit: int = MAX_PROCESS_BYTES) -> None:
        self.limit = limit
        self._lock = threading.Lock()
        self._n_bytes = 0
        self._kept: OrderedDict[_Id, KeptState] = OrderedDict()
        self._ids: dict[str, set[_Id]] = {}

    def __str__(self) -> str:
        return IN_PROCESS

    def longest(
        self, key: str, epochs: int, kinds: Callable[[], Kinds]
    ) -> KeptState | None:
        """Return the state after the most epochs up to `epochs`; None without any."""
        with self._lock:
            found = [each for each in self._ids.get(key, ()) if each[1] <= epochs]
            if not found:
                return None
            # Of those of the same epoch, the one that is kept for good.
            which = max(found, key=lambda each: (each[1], each[2] is None))
            self._kept.move_to_end(which)
            return replace(self._kept[which], passing=which[2])

    def put(
        self,
        key: str,
        kept: KeptState,
        passing: str | None = None,
        instead_of: Iterable[tuple[int, str]] = (),
    ) -> bool:
        """Keep a state; its arrays become read-only, as fits to come share them."""
        for values in kept.history.values():
            for value in values:
                if isinstance(value, np.ndarray):  # and no float
                    value.flags.writeable = False
        for array in kept.arrays():
            array.flags.writeable = False
        if kept.n_bytes > self.limit:  # it would push out all others
            return False
        which = (key, kept.epoch, passing)
        with self._lock:
            for epoch, fit in instead_of:
                self._remove((key, epoch, fit))
            self._remove(which)
            self._kept[which] = kept
            self._ids.setdefault(key, set()).add(which)
            self._n_bytes += kept.n_bytes
            while self._n_bytes > self.limit:
                self._remove(next(iter(self._kept)))
        return True

    def amount(self) -> Amount:
        """Return how much is kept."""
        with self._lock:
            return Amount(len(self._kept), len(self._ids), self._n_bytes)

    def clear(self) -> None:
        """Forget all states."""
        with self._lock:
            self._kept.clear()
            self._ids.clear()
            self._n_bytes = 0

    def _remove(self, which: _Id) -> None:
        kept = self._kept.pop(which, None)
        if kept is not None:
            self._n_bytes -= kept.n_bytes
            self._ids[which[0]].remove(which)
            if not self._ids[which[0]]:
                del self._ids[which[0]]


_lock = threading.Lock()
_process_store = ProcessStore()
_folders: dict[Path, FolderStore] = {}
_said: set[str] = set()


def say_once(message: str) -> None:
    """Warn, the first time in this process."""
    if message not in _said:
        _said.add(message)
        warnings.warn(message, stacklevel=2)


def _refused(memory: Any, owner: str) -> Exception:
    return invalid(
        "memory",
        owner,
        f"None, a folder, {IN_PROCESS!r} or a joblib.Memory on a local disk",
        memory,
    )
