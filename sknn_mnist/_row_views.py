"""Rows that are read when they are needed, of arrays that should not be copied whole.

What is larger than memory, or would be when it is made dense or decoded, goes through
a fit as a `RowView`: it is indexed as an array is, and reads nothing before a batch.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from contextlib import suppress
from math import prod
from typing import Any, Protocol

import numpy as np

from sknn_mnist._parameters import invalid

__all__ = ["ArrayRows", "RowView", "RowsSource", "blocks_of"]

# What a pass over all rows holds at once.
BYTES_PER_BLOCK = 16 * 2**20


class RowsSource(Protocol):
    """Where rows come from.

    Attributes
    ----------
    shape : tuple of int
        Number of rows, and the shape of one.
    dtype : numpy.dtype
        Of what `read` returns.
    """

    shape: tuple[int, ...]
    dtype: np.dtype

    def read(self, rows: np.ndarray | slice) -> np.ndarray:
        """Return the rows of these numbers, as an array."""


class ArrayRows:
    """Rows of an array, which may be memory-mapped."""

    def __init__(self, array: np.ndarray) -> None:
        self.array = array
        self.shape, self.dtype = array.shape, array.dtype

    def read(self, rows: np.ndarray | slice) -> np.ndarray:
        """Return the rows; of a slice, no copy."""
        return np.asarray(self.array[rows])

    def __getstate__(self) -> Any:
        # A process that gets it opens the file, and is not sent what is in it.
        found = self.array
        if (
            isinstance(found, np.memmap)
            and isinstance(found.base, mmap.mmap)
            and found.filename is not None
            and found.mode != "c"  # what was written is not in the file
        ):
            return found.filename, found.dtype, found.offset, found.shape, _order(found)
        return np.asarray(found)

    def __setstate__(self, state: Any) -> None:
        if isinstance(state, tuple):
            name, dtype, offset, shape, order = state
            state = np.memmap(name, dtype, "r", offset, shape, order)
        self.__init__(state)  # type: ignore[misc]


class RowView:
    """Rows of an array, chosen without being copied.

    An array-like of the same shape: indexed by a slice, by numbers or by a mask along
    the first axis it gives another view; ``numpy.asarray`` reads all of its rows.
    scikit-learn's splitters index it, so that cross-validation of a memory-mapped array
    copies no fold, and where processes share the work, each opens the file.

    Parameters
    ----------
    source : ndarray or RowsSource
        The rows. Of a `numpy.memmap` nothing is read.

    Attributes
    ----------
    shape : tuple of int
        Number of rows, and the shape of one.
    dtype : numpy.dtype
        Of its values.

    Examples
    --------
    >>> import numpy as np
    >>> from sknn_mnist.datasets import RowView
    >>> view = RowView(np.arange(12).reshape(6, 2))
    >>> odd = view[1::2]
    >>> odd.shape
    (3, 2)
    >>> np.asarray(odd[[2, 0]])
    array([[10, 11],
           [ 2,  3]])
    """

    def __init__(self, source: Any) -> None:
        if isinstance(source, RowView):
            self.__dict__.update(vars(source))
            return
        if isinstance(source, np.ndarray) and source.ndim:
            source = ArrayRows(source)
        elif not (callable(getattr(source, "read", None)) and hasattr(source, "shape")):
            allowed = "an array of rows, or an object with shape, dtype and read"
            raise invalid("source", "RowView", allowed, source)
        self._source: RowsSource = source
        self._rows: np.ndarray | slice = slice(0, source.shape[0], 1)
        self.shape: tuple[int, ...] = tuple(source.shape)
        self.dtype: np.dtype = np.dtype(source.dtype)

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def nbytes(self) -> int:
        """Bytes of the array that it stands for."""
        return prod(self.shape) * self.dtype.itemsize

    def __len__(self) -> int:
        return self.shape[0]

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of shape {self.shape}, {self.dtype}>"

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, tuple):
            if len(key) != 2 or key[1] is not Ellipsis:
                raise IndexError("A RowView is indexed along its first axis alone.")
            key = key[0]
        if isinstance(key, slice):
            return self._with_rows(self._chosen(key))
        numbers = np.asarray(key)
        if numbers.size and (numbers.dtype.kind not in "iub" or numbers.ndim > 1):
            raise IndexError(
                "A RowView is indexed by a slice, by whole numbers or by a mask. Got "
                f"{key!r}."
            )
        if numbers.ndim == 0:
            return self[numbers[None]].read()[0]
        if numbers.dtype == bool and numbers.shape != (len(self),):
            raise IndexError(
                f"A mask of shape {numbers.shape} does not fit {len(self)} rows."
            )
        if not numbers.size:
            numbers = numbers.astype(np.int64)
        return self._with_rows(self._chosen(numbers))

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        return np.array(self.read(), dtype=dtype)

    def read(self) -> np.ndarray:
        """Return all rows as an array, which may be the source's own memory."""
        found = self._source.read(self._rows)
        return found.reshape(self.shape).astype(self.dtype, copy=False)

    @property
    def source(self) -> RowsSource:
        """Where the rows come from."""
        return self._source

    @property
    def numbers(self) -> np.ndarray:
        """The numbers of its rows at the source."""
        rows = self._rows
        if isinstance(rows, slice):
            return np.arange(rows.start, rows.stop, rows.step)
        return rows

    def identity(self) -> tuple[tuple[Any, ...], Iterator[np.ndarray]]:
        """Return what is equal for views of equal rows: values, and arrays to hash.

        Those of an array of the same values are the same. Where a source has a shorter
        way to tell (the bytes of files that are decoded), its method ``identity`` does.
        """
        known = getattr(self._source, "identity", None)
        if known is None:
            return (self.dtype.str, self.shape), blocks_of(self)
        found: tuple[tuple[Any, ...], Iterator[np.ndarray]] = known(self)
        return found

    def reshape(self, *shape: Any) -> RowView:
        """Return a view whose rows have another shape, of as many values.

        As an array's method; the number of rows stays.
        """
        sides = tuple(shape[0]) if isinstance(shape[0], tuple | list) else shape
        wanted: tuple[int, ...] = ()
        with suppress(ValueError, TypeError):
            # What -1 means is NumPy's to say, of an array that takes no memory.
            row = np.broadcast_to(np.uint8(0), self.shape[1:])
            wanted = row.reshape(sides[1:]).shape
        n_open = sum(1 for side in sides if side == -1)
        if not wanted or sides[0] not in (-1, len(self)) or n_open > 1:
            raise ValueError(
                f"{len(self)} rows of shape {self.shape[1:]} can't be given the shape "
                f"{sides}, each."
            )
        made = self[:]
        made.shape = (len(self), *wanted)
        return made

    def astype(self, dtype: Any) -> RowView:
        """Return a view whose values are converted when they are read."""
        made = self[:]
        made.dtype = np.dtype(dtype)
        return made

    def _chosen(self, key: Any) -> np.ndarray | slice:
        if isinstance(self._rows, slice):
            numbers = range(self._rows.start, self._rows.stop, self._rows.step)
            if isinstance(key, slice):
                part = numbers[key]
                if part.step > 0:
                    return slice(part.start, part.stop, part.step)
                return np.arange(part.start, part.stop, part.step)
        return self.numbers[key]

    def _with_rows(self, rows: np.ndarray | slice) -> RowView:
        made = object.__new__(type(self))
        made.__dict__.update(vars(self))
        n_rows = (
            len(range(rows.start, rows.stop, rows.step))
            if isinstance(rows, slice)
            else len(rows)
        )
        made._rows, made.shape = rows, (n_rows, *self.shape[1:])
        return made


def blocks_of(rows: Any, n_bytes: int = BYTES_PER_BLOCK) -> Iterator[np.ndarray]:
    """Yield all rows of an array or a view, a few at a time."""
    per_row = max(1, prod(rows.shape[1:]) * np.dtype(rows.dtype).itemsize)
    step = max(1, n_bytes // per_row)
    for start in range(0, len(rows), step):
        part = rows[start : start + step]
        yield part.read() if isinstance(part, RowView) else part


def _order(array: np.ndarray) -> Any:
    return "F" if array.flags.f_contiguous and not array.flags.c_contiguous else "C"
