"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["replacing"]


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
        dir=path.parent, prefix=prefix or f".{path.name}."
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
