"""Legends below their axes, where they cover no curve."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import Any

__all__ = ["grow_for_legends", "legend_below"]

# Inches between the axis's label and the legend, and between that and what is below.
GAP = 0.06

# Between columns, by the size of the letters.
COLUMN_GAP = 1.2


def legend_below(panels: Sequence[Any], title: str | None = None) -> Any:
    """Name what is drawn on axes in a legend below the lowest of them.

    The legend has as many columns as there is room for beside each other. Where no
    layout of the figure makes room for it, the axes give of theirs, as they do for a
    colour bar.

    Parameters
    ----------
    panels : sequence of matplotlib.axes.Axes
        Axes with labelled lines, and with what stands at their axis. What several have
        is named once.
    title : str, default=None
        What stands above the legend.

    Returns
    -------
    matplotlib.legend.Legend or None
        None where nothing has a label.
    """
    named: dict[str, Any] = {}
    for panel in panels:
        for handle, label in zip(*panel.get_legend_handles_labels(), strict=True):
            named.setdefault(label, handle)
    lowest = min(panels, key=lambda panel: panel.get_position().y0)
    for panel in panels:  # of an earlier picture on the same axes
        if panel.get_legend() is not None:
            panel.get_legend().remove()
    if not named:
        return None
    legend = _widest_that_fits(lowest, named, title)
    if lowest.figure.get_layout_engine() is None:
        _give_room(panels, lowest, legend)
    return legend


def grow_for_legends(figure: Any) -> None:
    """Make a figure higher by the legends of its axes, whose room they would take."""
    more = sum(
        legend.get_window_extent().height / figure.dpi + GAP
        for legend in (ax.get_legend() for ax in figure.axes)
        if legend is not None
    )
    figure.set_figheight(figure.get_figheight() + more)


def _widest_that_fits(ax: Any, named: dict[str, Any], title: str | None) -> Any:
    from matplotlib.transforms import ScaledTranslation

    engine = ax.figure.get_layout_engine()
    if engine is not None:
        engine.execute(ax.figure.figure)  # not of a part of a figure
    outer = ax.get_tightbbox()
    below = ax.bbox.y0 - min(ax.bbox.y0, ax.xaxis.get_tightbbox().y0)
    down = ScaledTranslation(0, -below / ax.figure.dpi - GAP, ax.figure.dpi_scale_trans)
    for rows in range(1, len(named) + 1):
        columns = ceil(len(named) / rows)
        # Matplotlib fills column by column; people read line by line.
        order = [each for k in range(columns) for each in list(named)[k::columns]]
        legend = ax.legend(
            [named[each] for each in order],
            order,
            title=title,
            ncols=columns,
            loc="upper center",
            bbox_to_anchor=(0.5, 0),
            bbox_transform=ax.transAxes + down,
            borderaxespad=0,
            columnspacing=COLUMN_GAP,
            handlelength=1.6,
            frameon=False,
        )
        width = legend.get_window_extent().width
        if width <= outer.width:
            break
    if width > ax.bbox.width:  # centred, it would reach beyond the axes' right edge
        legend.set_loc("upper right")
        legend.set_bbox_to_anchor((1, 0), transform=ax.transAxes + down)
    return legend


def _give_room(panels: Sequence[Any], lowest: Any, legend: Any) -> None:
    """Lift the lower edge of axes until their legend is in the figure, and free."""
    figure = lowest.figure
    box = legend.get_window_extent()
    others = [
        each.get_tightbbox()
        for each in figure.axes
        if each.get_visible() and each.bbox.y1 < lowest.bbox.y0
    ]
    ceilings = [figure.bbox.y0, *(each.y1 for each in others if box.overlaps(each))]
    lack = max(ceilings) + GAP * figure.dpi - box.y0
    if lack <= 0:
        return
    bottom = lowest.get_position().y0
    for panel in panels:
        place = panel.get_position()
        if abs(place.y0 - bottom) < 1e-3:
            lift = min(lack / figure.bbox.height, 0.8 * place.height)
            place.y0 += lift
            panel.set_position(place)
