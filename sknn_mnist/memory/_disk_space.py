"""The disk space that the states of a folder take, without scanning all of them.

States lie in up to 256 shards, by the first two digits of their trainings' keys. The
file ``sizes`` says how many bytes each shard holds; it is corrected whenever a shard is
scanned. Whoever writes a state scans its shard, and those that were not scanned for the
longest time, some hundred states in all: so the sizes stay true, whoever has written,
removed or crashed. When there is too much, the least recently used of this sample are
removed. A folder of no more states than that is always scanned whole.

With several writers at once, the limit is exceeded by one state of each at most, until
the next one is written; after a crash, by what was not counted, until its shard is
scanned.
"""

from __future__ import annotations

import os
import re
import struct
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from joblib.disk import memstr_to_bytes

from sknn_mnist._regular_files import open_regular, read_regular

__all__ = ["DRAFT", "DiskSpace", "StateFile", "limit_of_folders"]

# Of the bytes that a folder's states may have.
LIMIT_VARIABLE = "SKNN_MNIST_MEMORY_LIMIT"
DEFAULT_LIMIT = "4G"

_SHARD = re.compile(r"[0-9a-f]{2}")
_KEY = re.compile(r"[0-9a-f]{64}")
_NAME = re.compile(r"(\d{6,12})\.([0-9a-f]{64})(?:\.([0-9a-f]{8}))?\.safetensors")

DRAFT = ".draft-"
# A draft this old was left by a process that was killed.
DRAFT_SECONDS = 3600

# Names per scan, which takes some milliseconds, and scans per state that is written,
# to find more to remove: a limit that was lowered by much is reached after some states.
NAMES_PER_SCAN = 128
SCANS_PER_PUT = 4
# The part of a sample that may be removed at once, its oldest states: these are likely
# to be among the oldest of all.
OLD_PART = 0.1

# Clocks of hosts that share a disk may differ by this.
CLOCK_SECONDS = 60

_SIZES = "sizes"
_ENTRY = struct.Struct("<qd")  # bytes, and time of the last scan; 0 for never
_SHARDS = 256


class StateFile(NamedTuple):
    """A file of a kept state, and what is known without reading it."""

    name: str  # with its folder
    key: str
    epoch: int
    digest: str
    passing: str | None
    n_bytes: int
    used: float

    @property
    def path(self) -> Path:
        """The file."""
        return Path(self.name)

    @property
    def shard(self) -> int:
        """The number of its shard."""
        return int(self.key[:2], 16)


def limit_of_folders() -> int:
    """Return how many bytes the states of a folder may have, as the user has set it.

    Raises
    ------
    ValueError
        When the environment variable is no size.
    """
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


class DiskSpace:
    """The disk space that the states of a folder take.

    Anything in the folder may vanish at any moment.

    Parameters
    ----------
    folder : Path
        Where the shards are.
    limit : int
        Bytes that all states may have.
    """

    def __init__(self, folder: Path, limit: int) -> None:
        self.folder = folder
        self.limit = limit

    def files_of(self, key: str) -> list[StateFile]:
        """Return the states of one training.

        Raises
        ------
        OSError
            When its folder can't be read; FileNotFoundError when there is none.
        """
        place = self.folder / key[:2] / key
        found = [(name, _NAME.fullmatch(name)) for name in os.listdir(place)]
        return [
            _state_file(f"{place}/{name}", key, told) for name, told in found if told
        ]

    def files(self) -> list[StateFile]:
        """Return all states, the least recently used first."""
        now = time.time()
        found = [each for shard in self._shards() for each in self._scan(shard, now)[0]]
        return sorted(found, key=_age)

    def make_room(self, path: Path) -> list[StateFile]:
        """Remove states where there are too many, but not `path`, just written.

        Returns
        -------
        list of StateFile
            States that could not be removed, where they are why there are too many.
        """
        now = time.time()
        sizes = self._sizes(now)
        own = int(path.parent.parent.name, 16)
        others = [each for each in self._shards() if each != own]
        there = [own, *sorted(others, key=lambda shard: sizes[shard][1])]
        todo = list(there)
        sample: list[StateFile] = []
        stuck: list[StateFile] = []
        changed: set[int] = set()
        for _ in range(SCANS_PER_PUT):
            for shard, files in self._scan_some(todo, now):
                sizes[shard] = (_total(files), now)
                changed.add(shard)
                sample += files
            n_bytes, is_whole = _estimate([sizes[each] for each in there])
            most = len(sample) if not todo else max(1, int(OLD_PART * len(sample)))
            oldest = sorted(sample, key=_age)[:most]
            removed, failed = _remove_until(self.limit, n_bytes, oldest, but=path)
            stuck += failed
            n_bytes -= _total(removed)
            for each in removed:
                size, _ = sizes[each.shard]
                sizes[each.shard] = (size - each.n_bytes, now)
            tried = {*removed, *failed}
            sample = [each for each in sample if each not in tried]
            if n_bytes <= self.limit or not todo or not is_whole:
                break
        self._write({shard: sizes[shard] for shard in changed})
        return stuck if n_bytes > self.limit else []

    def shrink(self, limit: int) -> tuple[list[StateFile], list[StateFile]]:
        """Remove the least recently used states until `limit` bytes are left.

        Returns
        -------
        (list of StateFile, list of StateFile)
            What was removed, and what could not be.
        """
        now = time.time()
        found, sizes = [], {}
        for shard in self._shards():
            files, _ = self._scan(shard, now, mend=True)
            found += files
            sizes[shard] = _total(files)
        oldest = sorted(found, key=_age)
        removed, stuck = _remove_until(limit, sum(sizes.values()), oldest)
        for each in removed:
            sizes[each.shard] -= each.n_bytes
        if any(sizes.values()):
            self._write({shard: (size, now) for shard, size in sizes.items()})
        else:
            with suppress(OSError):
                (self.folder / _SIZES).unlink()
            with suppress(OSError):
                self.folder.rmdir()
        return removed, stuck

    def _shards(self) -> list[int]:
        names = [name for name in _names(self.folder) if _SHARD.fullmatch(name)]
        return [int(name, 16) for name in names]

    def _scan_some(
        self, todo: list[int], now: float
    ) -> Iterator[tuple[int, list[StateFile]]]:
        """Take shards off `todo` and scan them, some names in all."""
        n_names = 0
        while todo and n_names < NAMES_PER_SCAN:
            shard = todo.pop(0)
            files, n_found = self._scan(shard, now, mend=True)
            n_names += n_found + 1
            yield shard, files

    def _scan(
        self, shard: int, now: float, mend: bool = False
    ) -> tuple[list[StateFile], int]:
        """Return the states of a shard, and how many names were read."""
        place = f"{self.folder}/{shard:02x}"
        keys = _names(place)
        files, n_names = [], len(keys)
        for key in keys:
            if not _KEY.fullmatch(key):
                continue
            for entry in _entries(f"{place}/{key}"):
                n_names += 1
                with suppress(OSError):  # another may have removed it
                    told = _NAME.fullmatch(entry.name)
                    if told:
                        about = entry.stat()
                        used = _dated(entry.path, about.st_mtime, now, mend)
                        size = about.st_size
                        files.append(_state_file(entry.path, key, told, size, used))
                    elif (
                        mend
                        and entry.name.startswith(DRAFT)
                        # Of the past or, by another clock, of the future.
                        and abs(now - entry.stat().st_mtime) > DRAFT_SECONDS
                    ):
                        os.unlink(entry.path)
        return files, n_names

    def _sizes(self, now: float) -> list[tuple[int, float]]:
        """Return each shard's bytes, and when it was scanned; 0 for never."""
        try:
            data = read_regular(self.folder / _SIZES, _ENTRY.size * _SHARDS)
        except OSError:
            data = b""
        if len(data) != _ENTRY.size * _SHARDS:
            return [(0, 0.0)] * _SHARDS
        return [
            # A size below 0, or a scan dated in the future, tells nothing.
            (size, scanned)
            if size >= 0 and 0 < scanned <= now + CLOCK_SECONDS
            else (0, 0.0)
            for size, scanned in _ENTRY.iter_unpack(data)
        ]

    def _write(self, sizes: dict[int, tuple[int, float]]) -> None:
        # Each entry at its place, so that what others write at the same time stays.
        # Where the file can't be written, shards are scanned again.
        with (
            suppress(OSError),
            open_regular(self.folder / _SIZES, update=True) as file,
        ):
            if os.fstat(file.fileno()).st_size != _ENTRY.size * _SHARDS:
                file.truncate(_ENTRY.size * _SHARDS)
            for shard, (size, scanned) in sizes.items():
                file.seek(_ENTRY.size * shard)
                file.write(_ENTRY.pack(max(0, size), scanned))


def _total(files: Iterable[StateFile]) -> int:
    return sum(each.n_bytes for each in files)


def _estimate(sizes: Sequence[tuple[int, float]]) -> tuple[int, bool]:
    """Return the bytes of shards, and whether all were scanned.

    Keys are spread evenly, so that shards which were never scanned hold about as much
    as those that were.
    """
    known = [n_bytes for n_bytes, scanned in sizes if scanned]
    unknown = len(sizes) - len(known)
    return sum(known) + unknown * sum(known) // len(known), not unknown


def _remove_until(
    limit: int, n_bytes: int, files: Iterable[StateFile], but: Path | None = None
) -> tuple[list[StateFile], list[StateFile]]:
    """Remove files, in their order, until no more than `limit` of `n_bytes` are left.

    Returns
    -------
    (list of StateFile, list of StateFile)
        What was removed, and what could not be.
    """
    removed: list[StateFile] = []
    stuck: list[StateFile] = []
    for each in files:
        if n_bytes <= limit:
            break
        if each.path == but:
            continue
        if _remove(each):
            removed.append(each)
            n_bytes -= each.n_bytes
        else:
            stuck.append(each)
    return removed, stuck


def _state_file(
    name: str, key: str, told: re.Match[str], n_bytes: int = 0, used: float = 0.0
) -> StateFile:
    return StateFile(name, key, int(told[1]), told[2], told[3], n_bytes, used)


def _age(file: StateFile) -> tuple[float, int]:
    return file.used, file.epoch


def _dated(name: str, used: float, now: float, mend: bool) -> float:
    """Return when a state was used: now at the latest.

    One that is dated in the future, by a clock that was ahead, would never be the
    least recently used: it is given today's date, from which it grows old.
    """
    if used <= now + CLOCK_SECONDS or not mend:
        return min(used, now)
    date = now - 1  # so that what was put just now is younger
    try:
        os.utime(name, (date, date))
    except OSError:
        return 0.0  # what can't be dated goes first
    return date


def _remove(file: StateFile) -> bool:
    try:
        file.path.unlink(missing_ok=True)
    except OSError:
        return False
    # The folders of the training and of the shard, if they are empty.
    with suppress(OSError):
        file.path.parent.rmdir()
        file.path.parent.parent.rmdir()
    return True


def _names(folder: str | Path) -> list[str]:
    return [entry.name for entry in _entries(folder)]


def _entries(folder: str | Path) -> Iterator[os.DirEntry[str]]:
    # Anything may vanish, or turn out to be no folder, while it is read.
    with suppress(OSError), os.scandir(folder) as entries:
        yield from entries
