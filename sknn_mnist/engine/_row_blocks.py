"""Rows computed in blocks of fixed sizes, so that none depends on those beside it.

Eigen and oneDNN cut a matrix by its number of rows and the threads that there are, and
sum differently in the pieces, so that a row's output would depend, in its last digits,
on how many rows come with it. Blocks of one size are always cut alike; but not every
size is cut evenly, and which are depends on the processor, the libraries and the
network. So sizes are tried, on random rows: taken are a small, a middle and a large
one that give a row the same bits, at every place of the block.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

__all__ = ["find_sizes", "in_blocks"]

# A small block serves a few rows, a middle one a hundred, a large one thousands.
SMALL = (16, 32, 64)
MIDDLE = 128
LARGE = (1024, 256, 128, 64)

# How many outputs two block sizes must agree in, and the most rows computed for that.
OUTPUTS_COMPARED, MOST_ROWS_COMPARED = 4096, 512

# From a block to its rows' outputs.
Compute = Callable[[Any], np.ndarray]


def find_sizes(
    compute: Compute, shape: Sequence[int], dtype: str, most_rows: int
) -> tuple[int, ...]:
    """Return block sizes in which a row's bits do not depend on the other rows.

    Parameters
    ----------
    compute : callable
        Takes an array of shape (n, *shape), and returns one of shape (n, ...).
    shape : sequence of int
        Of one row.
    dtype : str
        Of the rows.
    most_rows : int
        Most rows of a block, to save memory; the least large size is tried all the
        same.

    Returns
    -------
    tuple of int
        A small, a middle and a large size, or fewer; ``(1,)``, which always passes,
        where no other does.
    """
    rng = np.random.default_rng(0)
    rows = rng.random((max(LARGE[0], MOST_ROWS_COMPARED), *shape), dtype=np.float32)
    rows = rows.astype(dtype)
    alone = 1
    for large in LARGE:
        if large > most_rows and large != LARGE[-1]:
            continue
        n_rows = _rows_to_compare(compute, rows, large)
        expected = in_blocks(compute, rows[:n_rows], [large])
        orders = [np.arange(n_rows)[::-1], rng.permutation(n_rows)]
        if not _reproduces(expected, compute, rows, large, orders):
            continue
        for small in SMALL:
            if small >= large:
                return (large,)
            if _reproduces(expected, compute, rows, small, orders[1:]):
                if large > MIDDLE and _reproduces(
                    expected, compute, rows, MIDDLE, orders[1:]
                ):
                    return (small, MIDDLE, large)
                return (small, large)
        alone = large  # the smallest, in the end
    return (alone,)


def in_blocks(compute: Compute, x: Any, sizes: Sequence[int]) -> np.ndarray:
    """Return the outputs for all rows of `x`, computed in blocks of `sizes`.

    Parameters
    ----------
    compute : callable
        As in `find_sizes`.
    x : ndarray or tensor of shape (n_rows, ...)
        At least one row.
    sizes : sequence of int
        What `find_sizes` gave.

    Returns
    -------
    ndarray of shape (n_rows, ...)
        The same bits for the same row, alone or among a million.
    """
    parts = []
    start = 0
    while start < len(x):
        size = _size_for(len(x) - start, sizes)
        block = x[start : start + size]
        parts.append(compute(_filled_up(block, size))[: len(block)])
        start += size
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _size_for(n_rows: int, sizes: Sequence[int]) -> int:
    """Return the size of the next block, of which up to three quarters may be empty."""
    return next((size for size in reversed(sizes) if n_rows > size // 4), sizes[0])


def _filled_up(block: Any, size: int) -> Any:
    if len(block) == size:
        return block
    block = np.asarray(block)
    # With rows of zeros, whose outputs are dropped.
    filled = np.zeros((size, *block.shape[1:]), block.dtype)
    filled[: len(block)] = block
    return filled


def _rows_to_compare(compute: Compute, rows: np.ndarray, large: int) -> int:
    n_outputs = compute(rows[:large])[0].size
    wanted = min(-(-OUTPUTS_COMPARED // n_outputs), MOST_ROWS_COMPARED)
    return -(-wanted // large) * large


def _reproduces(
    expected: np.ndarray,
    compute: Compute,
    rows: np.ndarray,
    size: int,
    orders: Sequence[np.ndarray],
) -> bool:
    """Tell whether blocks of a size give the expected bits in any order of the rows."""
    return all(
        in_blocks(compute, rows[order], [size]).tobytes() == expected[order].tobytes()
        for order in orders
    )
