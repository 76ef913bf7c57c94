"""Where the batches of a compiled call come from: tensors, or rows read in time.

Arrays that fit are tensors, and the compiled loop gathers batches from them. Rows that
are read when they are needed (`RowView`: files, memory maps, sparse matrices) are read
for the steps of one call, and for the next call while that one computes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from math import prod
from typing import Any, NamedTuple, Protocol

import numpy as np
import tensorflow as tf

from sknn_mnist._row_views import RowView

__all__ = ["Feed", "Given", "bytes_of_row", "feed_of"]

# Most bytes of rows that are read for one call; twice that is held.
BYTES_PER_CALL = 32 * 2**20


class Given(NamedTuple):
    """What the compiled loop is called with.

    Attributes
    ----------
    rows : tf.Tensor of int
        The order of the rows of `data`.
    begin, n_steps : int
        First step within that order, and how many.
    data : list of tf.Tensor
        The arrays.
    """

    rows: tf.Tensor
    begin: int
    n_steps: int
    data: Sequence[tf.Tensor]


class Feed(Protocol):
    """Gives the rows of consecutive steps."""

    def steps(self, first: int, last: int) -> Given:
        """Return the steps from `first` on, up to `last` or fewer."""


@contextmanager
def feed_of(
    data: Sequence[tf.Tensor | RowView], rows: tf.Tensor, batch_size: int
) -> Iterator[Feed]:
    """Return the feed of a pass.

    Parameters
    ----------
    data : sequence of tf.Tensor or RowView
        Samples, targets, weights.
    rows : tf.Tensor of int32
        Their order in this pass.
    batch_size : int
        Rows of a step.
    """
    if not any(isinstance(each, RowView) for each in data):
        yield _Resident(data, rows)
        return
    with ThreadPoolExecutor(1, "sknn_mnist-rows") as reader:
        feed = _Streamed(data, rows.numpy(), batch_size, reader)
        try:
            yield feed
        finally:
            feed.cancel()


def bytes_of_row(data: Any) -> int:
    """Return the bytes of one row of an array, tensor or view."""
    return max(1, prod(data.shape[1:])) * tf.as_dtype(data.dtype).size


class _Resident:
    """All rows lie ready."""

    def __init__(self, data: Sequence[tf.Tensor], rows: tf.Tensor) -> None:
        self._data, self._rows = data, rows

    def steps(self, first: int, last: int) -> Given:
        return Given(self._rows, first, last - first, self._data)


class _Streamed:
    """Rows are read in another thread, one call ahead."""

    def __init__(
        self,
        data: Sequence[Any],
        rows: np.ndarray,
        batch_size: int,
        reader: ThreadPoolExecutor,
    ) -> None:
        self._data = [
            each if isinstance(each, RowView) else each.numpy() for each in data
        ]
        self._rows, self._batch_size, self._reader = rows, batch_size, reader
        of_batch = batch_size * sum(map(bytes_of_row, data))
        self._most = max(1, BYTES_PER_CALL // of_batch)
        self._ahead: tuple[int, Future[list[np.ndarray]]] | None = None

    def steps(self, first: int, last: int) -> Given:
        if self._ahead is None:
            self._read(min(last - first, self._most), first)
        assert self._ahead is not None
        n_steps, reading = self._ahead
        arrays = reading.result()
        # How many come next is told by how long these last steps took.
        self._ahead = None
        self._read(min(last - first, self._most), first + n_steps)
        n_rows = len(arrays[0])
        return Given(
            tf.range(n_rows), 0, n_steps, [tf.convert_to_tensor(a) for a in arrays]
        )

    def cancel(self) -> None:
        """Give up what was read ahead."""
        if self._ahead is not None:
            self._ahead[1].cancel()

    def _read(self, n_steps: int, first: int) -> None:
        size = self._batch_size
        chosen = self._rows[first * size : (first + n_steps) * size]
        n_steps = -(-len(chosen) // size)
        if n_steps:
            self._ahead = n_steps, self._reader.submit(self._arrays, chosen)

    def _arrays(self, chosen: np.ndarray) -> list[np.ndarray]:
        return [
            each[chosen].read() if isinstance(each, RowView) else each[chosen]
            for each in self._data
        ]
