"""Files opened only if they are files: no pipe, device, folder or endless link."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

__all__ = ["open_regular", "read_regular"]

# Opening a pipe would wait for who writes to it.
_FLAGS = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


def open_regular(path: Path, update: bool = False) -> BinaryIO:
    """Open a regular file, to read it, or to update it and make it if need be.

    Raises
    ------
    OSError
        When it is anything else.
    """
    try:
        # Before it is opened, which may do something to a device, and after, since
        # another may have taken its place.
        _check_regular(os.stat(path), path)
    except FileNotFoundError:
        if not update:
            raise
    flags = os.O_RDWR | os.O_CREAT if update else os.O_RDONLY
    file = os.fdopen(os.open(path, flags | _FLAGS, 0o666), "r+b" if update else "rb")
    try:
        _check_regular(os.fstat(file.fileno()), path)
    except OSError:
        file.close()
        raise
    return file


def read_regular(path: Path, most: int) -> bytes:
    """Return all of a regular file.

    Raises
    ------
    OSError
        When it is anything else, or has more than `most` bytes.
    """
    with open_regular(path) as file:
        if os.fstat(file.fileno()).st_size > most:
            raise OSError(errno.EFBIG, "larger than it can be", str(path))
        return file.read(most)


def _check_regular(about: os.stat_result, path: Path) -> None:
    if not stat.S_ISREG(about.st_mode):
        raise OSError(errno.EINVAL, "not a regular file", str(path))
