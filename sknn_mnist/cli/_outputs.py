"""Files that the command line writes, each whole or not at all."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

from sknn_mnist._whole_files import about_path, replacing

__all__ = [
    "check_writable",
    "prepare_folder",
    "write_text",
]


def prepare_folder(path: str | os.PathLike[str]) -> Path:
    """Make a folder unless it exists, and try whether files can be written there.

    Parameters
    ----------
    path : str or path-like
        The folder.

    Returns
    -------
    Path
        The same.

    Raises
    ------
    OSError
        When it is no folder, or can't be made or written to.
    """
    folder = Path(path)
    try:
        about_path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        # Permissions, full disks and read-only mounts all show in the attempt.
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as err:
        is_file = os.path.isfile(folder)  # which is False of what can't be
        reason = "a file" if is_file else (err.strerror or str(err)).lower()
        raise OSError(f"can't write to the folder {folder}: {reason}") from err
    return folder


def check_writable(path: str | os.PathLike[str]) -> Path:
    """Try whether a file can be written, without touching one that is there.

    Parameters
    ----------
    path : str or path-like
        The file.

    Returns
    -------
    Path
        The same.

    Raises
    ------
    OSError
        When the path is a folder, or its folder can't be written to.
    """
    file = Path(path)
    try:
        about = about_path(file)
        # Where a link leads to nothing, it is made there.
        place = file.resolve().parent
    except (OSError, RuntimeError) as err:  # older Python: for links in a circle
        reason = getattr(err, "strerror", None) or str(err)
        raise OSError(f"can't write the file {file}: {reason.lower()}") from err
    if about is not None and stat.S_ISDIR(about.st_mode):
        raise OSError(f"can't write the file {file}: it is a folder")
    if about is None or stat.S_ISREG(about.st_mode):  # a device needs no folder
        prepare_folder(place)
    return file


def write_text(path: Path, text: str) -> None:
    """Write a text file, whole or not at all.

    Parameters
    ----------
    path : Path
        The file.
    text : str
        What it shall hold.
    """
    # Paths may hold what UTF-8 can't, and results of hours are in the same file.
    data = text.encode("utf-8", errors="backslashreplace")
    with replacing(path) as draft:
        draft.write_bytes(data)
