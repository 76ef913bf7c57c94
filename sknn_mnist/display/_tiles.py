"""Grids of tiles: which of many are shown, what says so, and how large they are."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from math import ceil
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd

from sknn_mnist._parameters import invalid
from sknn_mnist.display._drawing import new_axes

__all__ = ["FEW", "MANY", "as_choice", "axes_for", "grid_columns", "table_of", "told"]

# Shown unless asked for otherwise: along each side of a table, and of a single list.
FEW, MANY = 8, 32

# Inches: a picture that is as wide leaves letters and tiles legible on a phone; a tile
# is at most as large, and one of many is not smaller.
WIDTH, HEIGHT, LARGEST, SMALLEST = 6.0, 5.0, 1.0, 0.3


def as_choice(
    name: str,
    value: Any,
    owner: str,
    n: int,
    most: int,
    numbers: Sequence[Any] | None = None,
) -> list[int]:
    """Return which of several things are shown.

    Parameters
    ----------
    name, owner : str
        The parameter, and whose it is.
    value : int, sequence of int or None
        As the user gave it: so many, the first ones; or their numbers from 0, each
        once, where -1 is the last; None for the first `most`.
    n : int
        How many there are.
    most : int
        How many are shown by default.
    numbers : sequence, default=None
        What their captions call them, where it is not 0 to n - 1.

    Returns
    -------
    list of int
        Their places, from 0 to n - 1.
    """
    if value is None:
        return list(range(min(n, most)))
    if _is_int(value) and value >= 1:
        return list(range(min(n, int(value))))
    is_list = isinstance(value, Collection | np.ndarray) and not isinstance(value, dict)
    chosen = list(value) if is_list else []
    called = list(range(n) if numbers is None else numbers)
    known = {each: at for at, each in enumerate(called)}
    known |= {at - n: at for at in range(n)}
    is_known = chosen and all(_is_int(each) and each in known for each in chosen)
    if not is_known or len({known[each] for each in chosen}) < len(chosen):
        is_plain = called == list(range(n))
        ints = f"in [{-n}, {n})" if is_plain else f"among {called}"
        allowed = f"None, an int above 0, or a sequence of distinct ints {ints}"
        raise invalid(name, owner, allowed, value)
    return [known[each] for each in chosen]


def told(shown: Collection[int], n: int, what: str) -> str:
    """Return what a picture says of how many it shows.

    Parameters
    ----------
    shown : collection of int
        Those shown.
    n : int
        How many there are.
    what : str
        What they are, in the singular.

    Returns
    -------
    str
        ``"8 of 32 filters"``, or ``"8 filters"`` where all are shown.
    """
    things = what if n == 1 else f"{what}s"
    return f"{n} {things}" if len(shown) == n else f"{len(shown)} of {n} {things}"


def grid_columns(n_tiles: int) -> int:
    """Return how many tiles of a list stand side by side: up to 8, rows of one length.

    Parameters
    ----------
    n_tiles : int
        At least 1.

    Returns
    -------
    int
        Columns; where possible a number that leaves the last row no empty tile.
    """
    full = [columns for columns in range(4, FEW + 1) if n_tiles % columns == 0]
    if n_tiles <= FEW:
        return n_tiles if n_tiles < 5 else max(ceil(n_tiles / 2), 3)
    return max(full, default=FEW)


def axes_for(
    ax: Any,
    display: Any,
    n_rows: int,
    n_columns: int,
    *,
    captions: int = 0,
    beside: float = 0.6,
    above: float = 0.0,
) -> Any:
    """Return the axes that were given, or new ones with room for tiles.

    Parameters
    ----------
    ax : matplotlib.axes.Axes or None
        Axes to draw on.
    display : display
        Who draws.
    n_rows, n_columns : int
        How many tiles stand above and beside each other.
    captions : int, default=0
        Lines of text above each tile.
    beside : float, default=0.6
        Inches for labels and a colour bar.
    above : float, default=0.0
        Inches for a title.

    Returns
    -------
    matplotlib.axes.Axes
        Where to draw.
    """
    fitting = min((WIDTH - beside) / n_columns, HEIGHT / n_rows)
    tile = min(max(fitting, SMALLEST), LARGEST)
    return new_axes(
        ax,
        type(display).__name__,
        width=max(tile * n_columns + beside, 2.6),
        height=max((tile + 0.18 * captions) * n_rows + 0.6, 1.6) + above,
    )


def table_of(
    array: np.ndarray, sides: Sequence[str], order: Sequence[str], value: str
) -> pd.DataFrame:
    """Return an array as a table, one row for each of its numbers.

    Parameters
    ----------
    array : ndarray
        Numbers.
    sides : sequence of str
        What each of its dimensions counts.
    order : sequence of str
        The same in the order of the columns, by which the rows are sorted.
    value : str
        What the numbers are.

    Returns
    -------
    DataFrame
        A column for each dimension, counted from 0, and one for the numbers.
    """
    turned = array.transpose([list(sides).index(each) for each in order])
    places = np.indices(turned.shape).reshape(turned.ndim, -1)
    columns = dict(zip(order, places, strict=True))
    return pd.DataFrame({**columns, value: turned.ravel()})


def _is_int(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool | np.bool_)
