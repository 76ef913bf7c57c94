"""Checks of what displays hold and of how they are drawn, before anything is."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from numbers import Number
from typing import Any

import numpy as np

from sknn_mnist._parameters import invalid, refused
from sknn_mnist.display._drawing import pyplot

__all__ = [
    "as_cells",
    "as_colormap",
    "as_histories",
    "as_labels",
    "as_line_options",
    "as_names",
    "as_texts",
    "as_whole",
    "check_axes",
    "check_drawing",
    "described",
    "method_of",
]

# Of `matplotlib.axes.Axes.plot` itself; its other keywords are those of a line.
PLOT_KEYWORDS = {"data", "scalex", "scaley"}


def method_of(display: Any, name: str) -> str:
    """Return what a user calls a method of a display, for messages.

    Parameters
    ----------
    display : display or class
        Whose method it is.
    name : str
        The method.

    Returns
    -------
    str
        ``"KernelsDisplay.plot"``.
    """
    cls = display if isinstance(display, type) else type(display)
    return f"{cls.__name__}.{name}"


def check_drawing(display: Any, ax: Any, cmap: Any) -> Any:
    """Check what `plot` is to draw with.

    Parameters
    ----------
    display : display
        What is drawn.
    ax : object
        Where, as the user gave it.
    cmap : object
        The colour map, as the user gave it.

    Returns
    -------
    matplotlib.colors.Colormap
        The colour map.
    """
    pyplot(type(display).__name__)
    owner = method_of(display, "plot")
    check_axes(ax, owner)
    return as_colormap(cmap, owner)


def check_axes(ax: Any, owner: str) -> None:
    """Refuse what is neither None nor axes of Matplotlib."""
    from matplotlib.axes import Axes

    if ax is not None and not isinstance(ax, Axes):
        raise invalid("ax", owner, "a matplotlib.axes.Axes or None", ax)


def as_colormap(cmap: Any, owner: str) -> Any:
    """Return a colour map by its name, itself, or Matplotlib's default for None."""
    from matplotlib import colormaps

    try:
        return colormaps.get_cmap(cmap)
    except (ValueError, TypeError) as err:
        allowed = "the name of a colour map of Matplotlib, or a colour map"
        raise invalid("cmap", owner, allowed, cmap) from err


def as_line_options(line_kw: Any, owner: str, name: str = "line_kw") -> dict[str, Any]:
    """Return options of `matplotlib.axes.Axes.plot` by their long names.

    Parameters
    ----------
    line_kw : mapping or None
        As the user gave them: short names (``lw``) would stand beside the long ones of
        the defaults, and Matplotlib refuses both at once.
    owner : str
        Who draws, for errors.
    name : str, default="line_kw"
        The parameter.

    Returns
    -------
    dict
        A copy.
    """
    from matplotlib.cbook import normalize_kwargs
    from matplotlib.lines import Line2D

    if line_kw is None:
        return {}
    if isinstance(line_kw, Mapping):
        try:
            options = normalize_kwargs(dict(line_kw), Line2D)
            Line2D([], [], **{k: options[k] for k in options.keys() - PLOT_KEYWORDS})
        except (ValueError, TypeError, AttributeError) as err:
            reason = str(err)
        else:
            return options
    else:
        reason = "not a mapping"
    allowed = f"a dict of options of matplotlib.axes.Axes.plot, or None ({reason})"
    raise invalid(name, owner, allowed, line_kw)


def as_cells(
    name: str, value: Any, owner: str, sides: Sequence[str], *, empty: bool = False
) -> np.ndarray:
    """Return numbers as an array with these sides, by name; none of them may be 0.

    Parameters
    ----------
    name, owner : str
        The parameter, and whose it is.
    value : array-like
        What came.
    sides : sequence of str
        What each dimension counts.
    empty : bool, default=False
        Whether the first side may be 0.

    Returns
    -------
    ndarray
        Floats of 32 bits or more, in which differences of small ints, bools and
        halves are what they are; the array itself, where it is of such ones.
    """
    try:
        array = np.asarray(value)
    except ValueError:  # sequences of several lengths
        array = np.empty((), dtype=object)
    if (
        array.ndim != len(sides)
        or not _is_numeric(array)
        or 0 in array.shape[int(empty) :]
    ):
        must = f"be an array of numbers of shape ({', '.join(sides)})"
        raise refused(name, owner, must, described(value))
    # bfloat16 has no common dtype with NumPy's own.
    own = array if array.dtype.kind in "biuf" else array.astype(np.float32)
    return own.astype(np.result_type(own.dtype, np.float32), copy=False)


def as_whole(name: str, value: Any, owner: str, shape: tuple[int, ...]) -> np.ndarray:
    """Return numbers of things, or places, as an array of ints of a shape."""
    try:
        array = np.asarray(value)
    except ValueError:
        array = np.empty((), dtype=object)
    if array.shape != shape or array.dtype.kind not in "iu":
        must = f"be an array of ints of shape {shape}"
        raise refused(name, owner, must, described(value))
    return array


def as_labels(name: str, value: Any, owner: str, length: int) -> np.ndarray:
    """Return values of any kind as an array, one for each of `length` things."""
    try:
        array = np.asarray(value)
    except ValueError:
        array = np.empty((), dtype=object)
    if array.shape != (length,):
        raise refused(
            name, owner, f"be an array of shape ({length},)", described(value)
        )
    return array


def as_texts(name: str, value: Any, owner: str, length: int) -> list[str]:
    """Return texts as a list: none, or one for each of `length` things."""
    is_list = isinstance(value, Collection) and not isinstance(value, str | bytes)
    texts: list[Any] = list(value) if is_list else [None]
    if not all(isinstance(each, str) for each in texts) or len(texts) not in (
        0,
        length,
    ):
        raise invalid(name, owner, f"empty or {length} str, one per image", value)
    return texts


def as_names(name: str, value: Any, owner: str) -> list[str]:
    """Return names as a list."""
    is_list = isinstance(value, Collection) and not isinstance(value, str | bytes)
    if not is_list or not all(isinstance(each, str) for each in value):
        raise invalid(name, owner, "a sequence of str", value)
    return list(value)


def as_histories(
    name: str, value: Any, owner: str
) -> dict[str, Mapping[str, Sequence[float]]]:
    """Return histories by the name of their estimator.

    Parameters
    ----------
    name, owner : str
        The parameter, and whose it is.
    value : mapping
        By name, a mapping of metrics to their values, one per epoch.

    Returns
    -------
    dict
        The histories themselves, by name.
    """
    if not isinstance(value, Mapping) or not all(
        isinstance(history, Mapping) for history in value.values()
    ):
        raise invalid(name, owner, "a dict of histories, by name", value)
    for history in value.values():
        for metric, values in history.items():
            if not isinstance(metric, str) or not _are_values(values):
                must = "hold histories: numbers, one per epoch, by name of the metric"
                raise refused(name, owner, must, f"{metric!r}: {values!r}")
    return dict(value)


def described(value: Any) -> str:
    """Return a value as errors tell it: of an array the shape, which says more."""
    if not isinstance(value, np.ndarray):
        return repr(value)
    return f"an array of shape {value.shape} and dtype {value.dtype}"


def _is_numeric(array: np.ndarray) -> bool:
    # bfloat16, as mixed precision computes, is not one of NumPy's own kinds.
    return array.dtype.kind in "biuf" or np.can_cast(array.dtype, float)


def _are_values(values: Any) -> bool:
    """Tell whether these are numbers, or vectors of them, one per epoch."""
    if not isinstance(values, Collection) or isinstance(values, str | bytes | Mapping):
        return False
    if getattr(values, "ndim", 1) == 0:
        return False
    try:
        return all(
            isinstance(value, Number) or _is_numeric(np.asarray(value))
            for value in values
        )
    except ValueError:  # a sequence of sequences of several lengths
        return False
