"""Training states in a folder, a file an epoch.

``FOLDER/training_states/ab/abcd…/000005.DIGEST.safetensors``: the training's key,
the epoch, and the SHA-256 of what the file holds. Safetensors is arrays and nothing
else, so reading a file runs no code. A file whose content is not what its name says,
torn or changed or moved, is told by that and passed over.

Several processes may write at once, on a shared disk as well: files appear whole,
and those of the same training's same epoch are alike.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import time
import warnings
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from safetensors import SafetensorError
from safetensors import numpy as safetensors

from sknn_mnist._whole_files import replacing

__all__ = ["FolderStates", "KeptState", "StateFile"]

SUBFOLDER = "training_states"
_NAME = re.compile(r"(\d{6,})\.([0-9a-f]{64})\.safetensors")
_KEY = re.compile(r"[0-9a-f]{64}")

_DRAFT = ".draft-"
# A draft this old is of a process that was killed.
DRAFT_SECONDS = 3600

# When over the limit, states go until this part of it is left, so that not every
# epoch from there on looks through the folder.
LEFT_PART = 0.9


@dataclass(frozen=True)
class KeptState:
    """What a training had come to after some epochs.

    Attributes
    ----------
    epoch : int
        Epochs done.
    state : dict of str to list of ndarray
        What `_engine.get_state` gives.
    history : dict of str to list
        The history of these epochs.
    """

    epoch: int
    state: dict[str, list[np.ndarray]]
    history: dict[str, list[Any]]

    @property
    def n_bytes(self) -> int:
        """Bytes of the arrays."""
        return sum(each.nbytes for part in self.state.values() for each in part)


class StateFile(NamedTuple):
    """A file of a kept state, and what is known without reading it."""

    path: Path
    key: str
    epoch: int
    n_bytes: int
    used: float


class FolderStates:
    """Kept states in a folder, the least recently used going when it is full.

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
        self._n_bytes: int | None = None  # unknown before the first look
        self._said: set[str] = set()

    def __str__(self) -> str:
        return str(self.folder.parent)

    def longest(self, key: str, epochs: int) -> KeptState | None:
        """Return the state after the most epochs up to `epochs`; None without any."""
        place = self._place(key)
        try:
            names = os.listdir(place)
        except FileNotFoundError:
            return None
        except OSError as err:
            self._warn(f"can't read {place} ({_reason(err)})")
            return None
        found = [each for each in map(_NAME.fullmatch, names) if each]
        for name in sorted(found, key=lambda each: int(each[1]), reverse=True):
            if int(name[1]) <= epochs:
                kept = self._read(place / name[0], key, int(name[1]), name[2])
                if kept is not None:
                    return kept
        return None

    def put(self, key: str, kept: KeptState) -> None:
        """Keep a state; where that is impossible, say so and go on without."""
        data = _encode(key, kept)
        if len(data) > self.limit:
            self._warn(
                f"{len(data):,} bytes a state are over its limit, {self.limit:,}"
            )
            return
        digest = hashlib.sha256(data).hexdigest()
        place = self._place(key)
        path = place / f"{kept.epoch:06d}.{digest}.safetensors"
        try:
            place.mkdir(parents=True, exist_ok=True)
            with replacing(path, prefix=_DRAFT) as draft, draft.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())  # a power cut must not undo what is done
        except OSError as err:
            self._warn(f"can't write to it ({_reason(err)})")
            return
        if self._n_bytes is None:
            self._n_bytes = sum(each.n_bytes for each in self.files())
        else:
            self._n_bytes += len(data)
        if self._n_bytes > self.limit:
            self.shrink(int(self.limit * LEFT_PART), spare=path)

    def files(self) -> list[StateFile]:
        """Return all kept states, the least recently used first."""
        found = []
        for path in self._paths():
            name = _NAME.fullmatch(path.name)
            if name and _KEY.fullmatch(path.parent.name):
                with suppress(OSError):  # another process may have removed it
                    about = path.stat()
                    found.append(
                        StateFile(
                            path,
                            path.parent.name,
                            int(name[1]),
                            about.st_size,
                            about.st_mtime,
                        )
                    )
        return sorted(found, key=lambda each: (each.used, each.epoch))

    def shrink(self, limit: int, spare: Path | None = None) -> list[StateFile]:
        """Remove the least recently used states until `limit` bytes are left.

        Parameters
        ----------
        limit : int
            Bytes that may stay; 0 for none.
        spare : Path or None
            A file that stays in any case.

        Returns
        -------
        list of StateFile
            What was removed.
        """
        self._remove_drafts()
        removed = []
        files = self.files()
        n_bytes = sum(each.n_bytes for each in files)
        for each in files:
            if n_bytes <= limit:
                break
            if each.path == spare:
                continue
            try:
                each.path.unlink(missing_ok=True)
            except OSError as err:
                self._warn(f"can't remove {each.path} ({_reason(err)})")
                break
            removed.append(each)
            n_bytes -= each.n_bytes
            # Of the training, and of those whose keys begin alike, if empty.
            with suppress(OSError):
                each.path.parent.rmdir()
                each.path.parent.parent.rmdir()
        self._n_bytes = n_bytes
        if not files or len(removed) == len(files):
            with suppress(OSError):
                self.folder.rmdir()
        return removed

    def _place(self, key: str) -> Path:
        return self.folder / key[:2] / key

    def _paths(self) -> Iterator[Path]:
        return self.folder.glob("??/*/*")

    def _remove_drafts(self) -> None:
        for path in self._paths():
            if path.name.startswith(_DRAFT):
                with suppress(OSError):
                    if time.time() - path.stat().st_mtime > DRAFT_SECONDS:
                        path.unlink()

    def _read(self, path: Path, key: str, epoch: int, digest: str) -> KeptState | None:
        try:
            data = path.read_bytes()
            if hashlib.sha256(data).hexdigest() != digest:
                raise ValueError("its content is not what was written")
            kept = _decode(data, key, epoch)
        except FileNotFoundError:
            return None  # removed for room just now
        except OSError as err:
            self._warn(f"can't read {path} ({_reason(err)})")
            return None
        except (ValueError, KeyError, TypeError, SafetensorError) as err:
            self._warn(f"{path} is passed over: {err}")
            return None
        with suppress(OSError):  # of a read-only folder
            os.utime(path)
        return kept

    def _warn(self, what: str) -> None:
        if what not in self._said:
            self._said.add(what)
            warnings.warn(f"The memory {self}: {what}", stacklevel=2)


def _encode(key: str, kept: KeptState) -> bytes:
    arrays = {
        f"{part}/{number}": np.asarray(array, order="C")
        for part, values in kept.state.items()
        for number, array in enumerate(values)
    }
    for number, values in enumerate(kept.history.values()):
        arrays[f"history/{number}"] = np.asarray(values)
    about = {
        "key": key,
        "epoch": kept.epoch,
        "state": {part: len(values) for part, values in kept.state.items()},
        "history": list(kept.history),
    }
    arrays["about"] = np.frombuffer(json.dumps(about).encode(), dtype=np.uint8)
    return bytes(safetensors.save(arrays))


def _decode(data: bytes, key: str, epoch: int) -> KeptState:
    """Return what `_encode` was given; anything amiss raises ValueError or KeyError."""
    arrays = safetensors.load(data)
    about = json.loads(arrays["about"].tobytes())
    if (about["key"], about["epoch"]) != (key, epoch):
        raise ValueError("it is of another training or epoch")
    state = {
        part: [arrays[f"{part}/{number}"] for number in range(length)]
        for part, length in about["state"].items()
    }
    history = {
        name: _as_list(arrays[f"history/{number}"])
        for number, name in enumerate(about["history"])
    }
    return KeptState(epoch, state, history)


def _as_list(values: np.ndarray) -> list[Any]:
    """Return numbers as floats; some metrics give a vector, a value a class."""
    return values.tolist() if values.ndim == 1 else list(values)


def _reason(err: OSError) -> str:
    return (err.strerror or str(err)).lower()
