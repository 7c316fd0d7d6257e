"""The critical-difference diagram: mean ranks on one axis, and bars over those that are not shown to differ.

Wide, it is the diagram that readers of comparisons know, names on both sides with lines to the axis. Narrow, where
those names would not fit, each objective has a row of its own, and the bars stand upright beside the rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from minimand.workbench.report.plots import NARROW, WIDE, Picture
from minimand.workbench.report.style import MARKS, axes, canvas, colour, drawing, fitted, label, svg, text_width

BAR = 8.0
"""From one bar to the next."""


@dataclass(frozen=True)
class Ranked:
    """One objective: what it is called, what was found against the reference, its mean rank."""

    name: str
    kind: str
    rank: float


def critical_difference(
    ranked: Sequence[Ranked], groups: Sequence[Sequence[int]], *, ident: str, title: str, description: str
) -> Picture:
    """The diagram in two widths.

    Args:
        ranked: best first.
        groups: places in `ranked` of objectives no two of which are shown to differ; neighbours.
        ident: prefix of every identifier in the drawing.
        title: what a screen reader calls the drawing.
        description: what it shows, in words.
    """
    return Picture(
        _wide(ranked, groups, f"{ident}-wide", title, description),
        _narrow(ranked, groups, f"{ident}-narrow", title, description),
    )


@drawing()
def _wide(ranked: Sequence[Ranked], groups: Sequence[Sequence[int]], ident: str, title: str, description: str) -> str:
    count = len(ranked)
    on_left = (count + 1) // 2
    side, top, step = 270.0, 30.0, 25.0
    first = top + 20 + BAR * len(groups)
    height = first + step * on_left + 4
    figure = canvas(WIDE, height)
    ax = axes(figure, side, 0, WIDE - 2 * side, height)
    ax.set_axis_off()
    ax.set_xlim(1, max(count, 2))
    ax.set_ylim(height, 0)
    _ranks_axis(ax, figure, count, side, WIDE - 2 * side, top)
    for number, one in enumerate(ranked):
        left = number < on_left
        y = first + step * (0.5 + (number if left else count - 1 - number))
        end = 1.0 if left else float(max(count, 2))
        mark = MARKS[one.kind]
        ax.plot([one.rank, one.rank, end], [top, y, y], color=colour(mark.colour), linewidth=1.1, clip_on=False)
        ax.plot(one.rank, top, mark.marker, color=colour(mark.colour), markersize=8, clip_on=False, zorder=5)
        name = fitted(one.name, side - 62, 13)
        outer, inner = (side - 44, side - 8) if left else (WIDE - side + 44, WIDE - side + 8)
        away, near = ("right", "right") if left else ("left", "left")
        label(figure, outer, y, name, ha=away, size=13)
        label(figure, inner, y, f"{one.rank:.1f}", ha=near, color=colour("muted"), size=12)
    for number, group in enumerate(groups):
        ends = ranked[group[0]].rank - 0.04, ranked[group[-1]].rank + 0.04
        y = top + 14 + BAR * number
        ax.plot(ends, [y, y], color=colour("ink"), linewidth=3.6, solid_capstyle="butt", clip_on=False, zorder=6)
    return svg(figure, ident=ident, title=title, description=description)


@drawing()
def _narrow(
    ranked: Sequence[Ranked], groups: Sequence[Sequence[int]], ident: str, title: str, description: str
) -> str:
    count, step, top = len(ranked), 42.0, 34.0
    room = 8 + BAR * len(groups)
    height = top + step * count + 4
    figure = canvas(NARROW, height)
    width = NARROW - room - 18
    ax = axes(figure, 10, 0, width, height)
    ax.set_axis_off()
    ax.set_xlim(1, max(count, 2))
    ax.set_ylim(height, 0)
    _ranks_axis(ax, figure, count, 10, width, top - 8)
    for number, one in enumerate(ranked):
        y = top + step * number + 28
        mark = MARKS[one.kind]
        ax.plot([1, max(count, 2)], [y, y], color=colour("grid"), linewidth=1, clip_on=False)
        ax.plot(one.rank, y, mark.marker, color=colour(mark.colour), markersize=8, clip_on=False, zorder=5)
        text = f"{one.rank:.1f}"
        label(figure, 10, y - 16, fitted(one.name, width - text_width(text, 11) - 10, 12), ha="left", size=12)
        label(figure, 10 + width, y - 16, text, ha="right", color=colour("muted"), size=11)
    for number, group in enumerate(groups):
        x = NARROW - room + 4 + BAR * number
        ends = [top + step * place + at for place, at in ((group[0], 8), (group[-1], 36))]
        at = 1 + (x - 10) / width * (max(count, 2) - 1)
        ax.plot([at, at], ends, color=colour("ink"), linewidth=3.4, solid_capstyle="butt", clip_on=False)
    return svg(figure, ident=ident, title=title, description=description)


def _ranks_axis(ax: Any, figure: Any, count: int, left: float, width: float, y: float) -> None:
    """The line of ranks with its whole numbers, as many as there is room for."""
    last = max(count, 2)
    ax.plot([1, last], [y, y], color=colour("line"), linewidth=1.2, clip_on=False)
    every = next(step for step in (1, 2, 5, 10, 20, 50) if (last - 1) / step * 26 <= width)
    for rank in range(1, last + 1, every):
        ax.plot([rank, rank], [y - 4, y], color=colour("line"), linewidth=1.2, clip_on=False)
        place = left + (rank - 1) / (last - 1) * width
        label(figure, place, y - 14, str(rank), ha="center", color=colour("muted"), size=12)
