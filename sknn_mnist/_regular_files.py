"""Files opened only if they are files: no pipe, device, folder or endless link."""

from __future__ import annotations

import errno
import os
import stat
from typing import BinaryIO

from sknn_mnist._whole_files import about_path

__all__ = ["open_regular", "read_regular"]

# Opening a pipe would wait for who writes to it.
_FLAGS = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


def open_regular(path: str | os.PathLike[str], update: bool = False) -> BinaryIO:
    """Open a file, and nothing that could wait or never end.

    Parameters
    ----------
    path : str or path-like
        The file, or a link to it.
    update : bool, default=False
        Whether to update it, and to make it if need be; else it is read.

    Returns
    -------
    binary file
        Open.

    Raises
    ------
    OSError
        At once, when it is no file: a folder, a pipe, a device, a socket; or can't be
        opened.
    """
    about = about_path(path)
    if about is not None:
        _check_regular(about.st_mode, path)
    # Without waiting, and looked at again: it may be another by now.
    flags = os.O_RDWR | os.O_CREAT if update else os.O_RDONLY
    descriptor = os.open(path, flags | _FLAGS, 0o666)  # which no child inherits
    try:
        _check_regular(os.fstat(descriptor).st_mode, path)
        return os.fdopen(descriptor, "r+b" if update else "rb")
    except BaseException:
        os.close(descriptor)
        raise


def read_regular(path: str | os.PathLike[str], most: int) -> bytes:
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


def _check_regular(mode: int, path: str | os.PathLike[str]) -> None:
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(
            errno.EISDIR, os.strerror(errno.EISDIR), os.fspath(path)
        )
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "Not a file but a pipe or device", os.fspath(path))
