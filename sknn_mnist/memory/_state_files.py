"""A store of training states in a folder, one file per epoch.

``FOLDER/training_states/ab/abcd…/000005.DIGEST.safetensors``: the training's key,
the epoch, and the SHA-256 of what the file holds; before the suffix, of an epoch that
is kept only until the fit has come further, eight digits of that fit. A file whose
content is not what its name says, torn or changed or moved, is recognised by that and
skipped, and so is one that holds anything but what the training would have written.

Several processes may write at once, on a shared disk as well: files appear whole,
those of the same training's same epoch are alike, and anything may vanish.
"""

from __future__ import annotations

import hashlib
import os
import stat
import warnings
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from sknn_mnist._regular_files import read_regular
from sknn_mnist._whole_files import replacing
from sknn_mnist.memory._disk_space import DRAFT, DiskSpace, StateFile
from sknn_mnist.memory._states import (
    ForeignStateError,
    KeptState,
    Kinds,
    decode,
    encode,
)

__all__ = ["FolderStore", "KeptState", "StateFile"]

SUBFOLDER = "training_states"

# Attempts at writing, as another process may remove the new folder, which is empty.
_TRIES = 10


class FolderStore:
    """A store in a folder; the least recently used states go when it is full.

    Parameters
    ----------
    folder : Path
        Where; made when the first state is put there.
    limit : int
        Bytes that all files may have.
    """

    def __init__(self, folder: Path, limit: int) -> None:
        self.folder = folder / SUBFOLDER
        self.limit = limit
        self._space = DiskSpace(self.folder, limit)
        self._said: set[str] = set()

    def __str__(self) -> str:
        return str(self.folder.parent)

    def longest(
        self, key: str, epochs: int, kinds: Callable[[], Kinds]
    ) -> KeptState | None:
        """Return the state after the most epochs up to `epochs`; None without any."""
        try:
            files = self._space.files_of(key)
        except FileNotFoundError:
            return None
        except OSError as err:
            self._warn(f"can't read {self._folder_of(key)} ({_reason(err)})")
            return None
        # Of those of the same epoch, the one that is kept for good comes first.
        files.sort(key=lambda each: (-each.epoch, each.passing or ""))
        for file in files:
            if 0 < file.epoch <= epochs:
                kept = self._read(file, kinds())
                if kept is not None:
                    return kept
        return None

    def put(
        self,
        key: str,
        kept: KeptState,
        passing: str | None = None,
        instead_of: Iterable[tuple[int, str]] = (),
    ) -> bool:
        """Keep a state; where that is impossible, say so and go on without."""
        data = encode(key, kept)
        if len(data) > self.limit:
            self._warn(
                f"a state of {len(data):,} bytes is over its limit, {self.limit:,}"
            )
            return False
        digest = hashlib.sha256(data).hexdigest()
        fit = "" if passing is None else f".{passing}"
        path = self._folder_of(key) / f"{kept.epoch:06d}.{digest}{fit}.safetensors"
        try:
            _write(path, data)
        except (OSError, ValueError) as err:  # ValueError: a NUL in the name
            self._warn(f"can't write to it ({_reason(err)})")
            return False
        gone = set(instead_of)
        with suppress(OSError):
            for each in self._space.files_of(key) if gone else ():
                if (each.epoch, each.passing) in gone:
                    each.path.unlink(missing_ok=True)
        self._warn_of(self._space.make_room(path))
        return True

    def files(self) -> list[StateFile]:
        """Return all kept states, the least recently used first."""
        return self._space.files()

    def shrink(self, limit: int) -> list[StateFile]:
        """Remove the least recently used states until `limit` bytes are left.

        Parameters
        ----------
        limit : int
            Bytes that may stay; 0 for none.

        Returns
        -------
        list of StateFile
            What was removed.
        """
        removed, stuck = self._space.shrink(limit)
        self._warn_of(stuck)
        return removed

    def _folder_of(self, key: str) -> Path:
        return self.folder / key[:2] / key

    def _read(self, file: StateFile, kinds: Kinds) -> KeptState | None:
        try:
            data = read_regular(file.path, kinds.most_bytes(file.epoch))
            if hashlib.sha256(data).hexdigest() != file.digest:
                raise ForeignStateError("its content is not what was written")
            kept = decode(data, file.key, file.epoch, kinds)
        except FileNotFoundError:
            return None  # just removed to free space
        except OSError as err:
            self._warn(f"can't read {file.path} ({_reason(err)})")
            return None
        except ForeignStateError as err:
            self._warn(f"{file.path} is skipped: {err}")
            return None
        with suppress(OSError):  # of a read-only folder
            os.utime(file.path)
        return replace(kept, passing=file.passing)

    def _warn_of(self, stuck: list[StateFile]) -> None:
        if stuck:
            self._warn(f"can't remove {stuck[0].path}, and is over its limit")

    def _warn(self, what: str) -> None:
        if what not in self._said:
            self._said.add(what)
            warnings.warn(f"The memory {self}: {what}", stacklevel=2)


def _write(path: Path, data: bytes) -> None:
    for again in reversed(range(_TRIES)):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with suppress(FileNotFoundError):
                if not stat.S_ISREG(os.lstat(path).st_mode):
                    os.unlink(path)  # writing to a pipe would wait for its reader
            with replacing(path, prefix=DRAFT) as draft, draft.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())  # a power cut must not undo what is done
            return
        except (FileNotFoundError, FileExistsError):
            # Another process has removed the folder, which was empty, or made it.
            if not again:
                raise


def _reason(err: Exception) -> str:
    return (getattr(err, "strerror", None) or str(err)).lower()
