"""Where rows of X come from that are not made an array whole."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import PIL

from sknn_mnist._row_views import RowView
from sknn_mnist.images._reading import read_images

__all__ = ["LEAST_BYTES", "FileRows", "SparseRows", "is_read_later"]

# Smaller arrays cost less copied than read in parts.
LEAST_BYTES = 16 * 2**20


class SparseRows:
    """Rows of a sparse matrix, made dense a few at a time."""

    def __init__(self, matrix: Any) -> None:
        self.matrix = matrix
        self.shape, self.dtype = matrix.shape, matrix.dtype

    def read(self, rows: np.ndarray | slice) -> np.ndarray:
        """Return the rows as a dense array."""
        found: np.ndarray = self.matrix[rows].toarray()
        return found


class FileRows:
    """Images of files, read and decoded when they are needed.

    Parameters
    ----------
    paths : list of str
        The files.
    shape : tuple (height, width, channels)
        To which they are brought.
    kept : bool
        Whether they stay in memory once they are read.
    """

    dtype = np.dtype(np.uint8)

    def __init__(
        self, paths: list[str], shape: tuple[int, int, int], kept: bool
    ) -> None:
        self.paths = np.array(paths, dtype=object)
        self.shape = (len(paths), *shape)
        self._kept = np.empty(self.shape, np.uint8) if kept else None
        self._is_kept = np.zeros(len(paths), dtype=bool)

    def read(self, rows: np.ndarray | slice) -> np.ndarray:
        """Return the images."""
        if self._kept is None:
            return read_images(self.paths[rows], self.shape[1:])
        chosen = np.arange(len(self.paths))[rows]
        missing = np.unique(chosen[~self._is_kept[chosen]])
        if len(missing):
            self._kept[missing] = read_images(self.paths[missing], self.shape[1:])
            self._is_kept[missing] = True
        return self._kept[chosen]

    def identity(self, view: RowView) -> tuple[Any, Iterator[np.ndarray]]:
        """Return what is equal for equal files: their bytes, which are not decoded."""

        def parts() -> Iterator[np.ndarray]:
            for path in self.paths[view.numbers]:
                content = Path(path).read_bytes()
                yield np.array([len(content)])
                yield np.frombuffer(content, np.uint8)

        # What Pillow decodes them to may differ by its version.
        return ("files", PIL.__version__, view.shape), parts()


def is_read_later(X: Any) -> bool:
    """Tell whether an array's rows should be read when they are needed.

    A memory map, whatever it holds, and pixels in 8 bits, where they are many.
    """
    return (
        isinstance(X, np.ndarray)
        and (isinstance(X, np.memmap) or X.dtype == np.uint8)
        and X.dtype.kind in "biuf"
        and X.nbytes >= LEAST_BYTES
    )
