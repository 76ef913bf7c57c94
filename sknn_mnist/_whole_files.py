"""Files that are written whole or not at all, and read without waiting for anybody."""

from __future__ import annotations

import errno
import io
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

__all__ = [
    "about_path",
    "is_open_file",
    "replacing",
    "write_all",
]

# Of a file's name in that of its draft: file systems take 255 bytes, and `mkstemp` adds
# some.
MOST_LETTERS = 50


def about_path(path: str | os.PathLike[str]) -> os.stat_result | None:
    """Return what the system knows of the file at a path; None if none is there.

    Parameters
    ----------
    path : str or path-like
        Where.

    Returns
    -------
    os.stat_result or None
        Of the file that a link leads to.

    Raises
    ------
    OSError
        When there can't be a file: a link that leads to itself, a name too long, a
        NUL in it, a parent that is no folder or may not be entered.
    """
    try:
        return os.stat(path)
    except FileNotFoundError:
        return None
    except ValueError as err:  # Python's, of what no system takes
        raise OSError(errno.EINVAL, "No path of a file", repr(path)) from err


@contextmanager
def replacing(path: Path, prefix: str = "") -> Iterator[Path]:
    """Give a place beside `path` to write to; at the end it becomes `path`.

    Parameters
    ----------
    path : Path
        The file to be.
    prefix : str, default=""
        What the draft's name begins with, by which the drafts of killed processes
        can be told; by default a dot and the file's name.

    Yields
    ------
    Path
        A file in the same folder, which is gone if the block raises.
    """
    path = path.resolve()  # of a link, the file is replaced and the link stays
    if path.exists() and not path.is_file():
        yield path  # a pipe or a device
        return
    descriptor, name = tempfile.mkstemp(
        dir=path.parent, prefix=prefix or f".{path.name[:MOST_LETTERS]}."
    )
    os.close(descriptor)
    draft = Path(name)
    try:
        yield draft
        # mkstemp makes files for the owner alone; these are results to share.
        umask = os.umask(0)
        os.umask(umask)
        draft.chmod(0o666 & ~umask)
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def is_open_file(place: Any, function: str, method: str) -> bool:
    """Tell whether a place is an open file; refuse what is neither that nor a path.

    Parameters
    ----------
    place : object
        What the user gave as `path`.
    function : str
        Whose parameter it is, for the message.
    method : {"read", "write"}
        What will be done with it.

    Returns
    -------
    bool
        Whether it is an open file.

    Raises
    ------
    TypeError
        When it is open for text, or something else.
    """
    if isinstance(place, str | os.PathLike):
        return False
    if hasattr(place, method) and not isinstance(place, io.TextIOBase):
        return True
    raise TypeError(
        f"The 'path' parameter of {function} must be a path or a file open in binary "
        f"mode. Got {place!r} instead."
    )


def write_all(file: BinaryIO, data: bytes) -> None:
    """Write to a file that may take a part at a time, as raw ones do."""
    left = memoryview(data)
    while left:
        written = file.write(left)
        # Some say nothing of how much they took, and took all.
        left = left[len(left) if written is None else written :]
