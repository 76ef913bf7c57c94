"""Names of image files, as tables have them."""

from __future__ import annotations

import os
from collections.abc import Iterable

__all__ = ["names_below"]


def names_below(folder: str, files: Iterable[str]) -> list[str]:
    """Return the paths of files below a folder, with slashes on every system."""
    root = os.path.expanduser(folder)
    return [os.path.relpath(each, root).replace(os.sep, "/") for each in files]
