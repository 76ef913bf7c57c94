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

from sknn_mnist.engine._nests import Nest, each_of, leaves_of, n_rows_of, rows_of

__all__ = ["find_sizes", "in_blocks"]

# A small block serves a few rows, a middle one a hundred, a large one thousands.
SMALL = (16, 32, 64)
MIDDLE = 128
LARGE = (1024, 256, 128, 64)

# How many outputs two block sizes must agree in, and the most rows computed for that.
OUTPUTS_COMPARED, MOST_ROWS_COMPARED = 4096, 512

# From a block to its rows' outputs.
Compute = Callable[[Nest], Nest]


def find_sizes(compute: Compute, like: Nest, most_rows: int) -> tuple[int, ...]:
    """Return block sizes in which a row's bits do not depend on the other rows.

    Parameters
    ----------
    compute : callable
        Takes a nest of arrays of shape (n, ...), and returns one of shape (n, ...).
    like : nest of arrays, tensors or specs
        Of the shapes and dtypes that `compute` takes, whatever the number of rows.
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
    rows = each_of(lambda each: _rows_to_try(each.shape[1:], each.dtype, rng), like)
    alone = 1
    for large in LARGE:
        if large > most_rows and large != LARGE[-1]:
            continue
        n_rows = _rows_to_compare(compute, rows, large)
        expected = in_blocks(compute, rows_of(rows, slice(n_rows)), [large])
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


def in_blocks(compute: Compute, x: Nest, sizes: Sequence[int]) -> Nest:
    """Return the outputs for all rows of `x`, computed in blocks of `sizes`.

    Parameters
    ----------
    compute : callable
        As in `find_sizes`.
    x : nest of ndarrays or tensors of shape (n_rows, ...)
        At least one row.
    sizes : sequence of int
        What `find_sizes` gave.

    Returns
    -------
    nest of ndarrays of shape (n_rows, ...)
        The same bits for the same row, alone or among a million.
    """
    parts = []
    start, n_rows = 0, n_rows_of(x)
    while start < n_rows:
        size = _size_for(n_rows - start, sizes)
        block = rows_of(x, slice(start, start + size))
        outputs = compute(
            each_of(lambda each, size=size: _filled_up(each, size), block)
        )
        parts.append(rows_of(outputs, slice(min(size, n_rows - start))))
        start += size
    if len(parts) == 1:
        return parts[0]
    return each_of(lambda *each: np.concatenate(each), *parts)


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


def _rows_to_try(
    shape: Sequence[int], dtype: Any, rng: np.random.Generator
) -> np.ndarray:
    n_rows = max(LARGE[0], MOST_ROWS_COMPARED)
    numbers = rng.random((n_rows, *shape), dtype=np.float32)
    dtype = np.dtype(getattr(dtype, "as_numpy_dtype", dtype))  # or of TensorFlow's
    if dtype.kind in "iub":
        numbers = np.rint(numbers)  # 0 and 1, which are tokens of any vocabulary
    return numbers.astype(dtype)


def _rows_to_compare(compute: Compute, rows: Nest, large: int) -> int:
    outputs = compute(rows_of(rows, slice(large)))
    n_outputs = sum(each[0].size for each in leaves_of(outputs))
    wanted = min(-(-OUTPUTS_COMPARED // max(n_outputs, 1)), MOST_ROWS_COMPARED)
    return -(-wanted // large) * large


def _reproduces(
    expected: Nest,
    compute: Compute,
    rows: Nest,
    size: int,
    orders: Sequence[np.ndarray],
) -> bool:
    """Tell whether blocks of a size give the expected bits in any order of the rows."""
    return all(
        _has_same_bits(
            in_blocks(compute, rows_of(rows, order), [size]), rows_of(expected, order)
        )
        for order in orders
    )


def _has_same_bits(one: Nest, other: Nest) -> bool:
    pairs = zip(leaves_of(one), leaves_of(other), strict=True)
    return all(first.tobytes() == second.tobytes() for first, second in pairs)
