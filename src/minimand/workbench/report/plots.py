"""The drawings of a report: strips of paired differences and scores, learning curves, reliability, class counts.

Each function takes plain numbers and gives SVG text. A strip is drawn twice, wide and narrow, since a drawing that
is merely scaled down to a telephone has text that nobody can read; the page shows the one that fits.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from minimand.workbench.report.style import MARKS, axes, canvas, colour, drawing, fitted, label, svg, text_width
from minimand.workbench.report.wording import Scale, count, signed

WIDE, NARROW = 960, 360


@dataclass(frozen=True)
class Row:
    """One row of a strip: what it is called, its single resamples, its centre and interval, the centre in words."""

    name: str
    kind: str
    points: tuple[float, ...]
    centre: float | None
    interval: tuple[float, float] | None
    text: str


@dataclass(frozen=True)
class Picture:
    """One drawing in two widths."""

    wide: str
    narrow: str


def strip(
    rows: Sequence[Row],
    *,
    ident: str,
    title: str,
    description: str,
    scale: Scale,
    axis: str,
    line: float | None,
    region: float | None = None,
) -> Picture:
    """Rows of dots on one axis, each with its centre and interval.

    Args:
        rows: from top to bottom.
        ident: prefix of every identifier in the drawing.
        title: what a screen reader calls the drawing.
        description: what the drawing shows, in words.
        scale: how the values are written.
        axis: the label of the axis.
        line: where the vertical line of the reference stands.
        region: half the width of the shaded band of practical equivalence around `line`.
    """
    drawings = [
        _strip(rows, wide, f"{ident}-{'wide' if wide else 'narrow'}", title, description, scale, axis, line, region)
        for wide in (True, False)
    ]
    return Picture(*drawings)


def window(rows: Sequence[Row], *, also: Sequence[float] = ()) -> tuple[float, float]:
    """The range of the axis: what the rows need, unless a row lies so far off that it would squeeze all others."""
    values = {row: [*row.points, *(row.interval or ()), *([] if row.centre is None else [row.centre])] for row in rows}
    values = {row: found for row, found in values.items() if found}
    if not values:
        low, high = min(also, default=0.0), max(also, default=0.0)
    else:
        middles = {row: statistics.fmean(found) for row, found in values.items()}
        middle = statistics.median(middles.values())
        typical = statistics.median(max(found) - min(found) for found in values.values())
        typical = max(typical, statistics.median(abs(m - middle) for m in middles.values()))
        near = [v for row, found in values.items() if abs(middles[row] - middle) <= 5 * typical for v in found]
        low, high = min([*near, *also]), max([*near, *also])
    margin = 0.05 * (high - low) or max(abs(high) * 0.01, 1e-3)
    return low - margin, high + margin


@drawing()
def _strip(
    rows: Sequence[Row],
    wide: bool,
    ident: str,
    title: str,
    description: str,
    scale: Scale,
    axis: str,
    line: float | None,
    region: float | None,
) -> str:
    width = WIDE if wide else NARROW
    step, top, bottom = (36, 6, 52) if wide else (54, 2, 50)
    longest = max((text_width(row.text, 13) for row in rows), default=0.0)
    left, right = (246, 28 + longest) if wide else (8, 8)
    height = top + step * len(rows) + bottom
    figure = canvas(width, height)
    ax = axes(figure, left, top, width - left - right, step * len(rows))
    also = [] if line is None else [line - (region or 0), line + (region or 0)]
    low, high = window(rows, also=also)
    ax.set_xlim(low, high)
    ax.set_ylim(step * len(rows), 0)
    ax.set_yticks([])
    _axis_of_values(ax, scale, axis, 8 if wide else 6, signs=region is not None)
    # narrow: the names stand above the rows, and nothing is drawn behind them
    bands = [(0.0, float(step * len(rows)))] if wide else [(n * step + 20.0, n * step + 50.0) for n in range(len(rows))]
    for above, below in bands:
        ax.vlines(ax.get_xticks(), above, below, color=colour("grid"), linewidth=1, zorder=0.5)
        if line is not None:
            if region:
                ax.fill_between([line - region, line + region], above, below, color=colour("region"), lw=0, zorder=0.6)
            ax.vlines(line, above, below, color=colour("muted"), linewidth=1.2, linestyle=(0, (4, 3)), zorder=1)
    for number, row in enumerate(rows):
        middle = step * (number + 0.5) if wide else step * number + 34
        _row(ax, row, middle, low, high)
        ink = colour("muted" if row.kind == "row" else "ink")
        if wide:
            label(figure, 0, top + middle, fitted(row.name, left - 12, 13), ha="left", color=ink, size=13)
            label(figure, width, top + middle, row.text, ha="right", color=ink, size=13)
        else:
            name = fitted(row.name, width - left - right - text_width(row.text, 11) - 10, 12)
            label(figure, left, top + middle - 24, name, ha="left", color=ink, size=12)
            label(figure, width - right, top + middle - 24, row.text, ha="right", color=colour("muted"), size=11)
    return svg(figure, ident=ident, title=title, description=description)


def _row(ax: Any, row: Row, middle: float, low: float, high: float) -> None:
    mark = MARKS[row.kind]
    hue = colour(mark.colour)
    inside = [x for x in row.points if low <= x <= high]
    ax.plot(
        inside,
        [middle + 8] * len(inside),
        "o",
        color=hue,
        markersize=4.2,
        alpha=0.55,
        markeredgewidth=0,
        clip_on=False,
    )
    y = middle - 3
    if row.interval is not None and row.interval[1] >= low and row.interval[0] <= high:
        ends = max(row.interval[0], low), min(row.interval[1], high)
        ax.plot(ends, [y, y], color=hue, linewidth=2.6, solid_capstyle="butt")
        for end, bound in zip(ends, row.interval, strict=True):
            if end == bound:
                ax.plot([end, end], [y - 4, y + 4], color=hue, linewidth=1.6)
    if row.centre is None:
        return
    if low <= row.centre <= high:
        face = colour("paper") if row.kind == "row" else hue
        look = {"color": hue, "markerfacecolor": face, "markersize": 9, "markeredgewidth": 1.6, "zorder": 5}
        ax.plot(row.centre, y, mark.marker, **look)
    else:  # far outside: an arrow at the edge; the value stands beside the row
        side = low if row.centre < low else high
        ax.plot(side, y, "<" if side == low else ">", color=hue, markersize=8, clip_on=False, zorder=5)


def _axis_of_values(ax: Any, scale: Scale, text: str, ticks: int, *, signs: bool) -> None:
    from matplotlib.ticker import FuncFormatter

    low, high = ax.get_xlim()
    at, digits = _round_ticks(low, high, scale, ticks)
    ax.set_xticks(at)
    ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: signed(x * scale.factor, digits, plus=signs)))
    ax.set_xlabel(text, labelpad=6)


def _round_ticks(low: float, high: float, scale: Scale, most: int) -> tuple[list[float], int]:
    """Ticks on round numbers of the unit that is written (0.5 points, not the raw value), and the digits they need."""
    from matplotlib.ticker import MaxNLocator

    written = MaxNLocator(most, steps=[1, 2, 5, 10]).tick_values(low * scale.factor, high * scale.factor)
    step = abs(written[1] - written[0])
    digits = next((d for d in range(6) if abs(step * 10**d - round(step * 10**d)) < 1e-6), 6)
    return [t / scale.factor for t in written if low <= t / scale.factor <= high], digits


def curve_limits(curves: Sequence[dict[str, Any]], *, higher_is_better: bool) -> tuple[float, float, int]:
    """The common range of all learning curves: lowest and highest value shown, and the last epoch.

    The first epochs start from chance; shown in full they would flatten what is to be compared. So the worst tenth of
    all the means lies outside.
    """
    last = max((curve["epochs"][-1] for curve in curves if curve["epochs"]), default=1)
    means = sorted(m for curve in curves for m in curve["mean"] if m is not None)
    if not means:
        return 0.0, 1.0, last
    bands = [b for curve in curves for side in ("low", "high") for b in curve[side] if b is not None]
    tenth = len(means) // 10
    if higher_is_better:
        low = means[tenth]
        high = max([means[-1], *bands])
    else:
        low = min([means[0], *bands])
        high = means[-1 - tenth]
    margin = 0.06 * (high - low) or 1e-3
    return low - margin, high + margin, last


@drawing()
def learning_curve(
    curve: dict[str, Any],
    reference: dict[str, Any] | None,
    *,
    limits: tuple[float, float, int],
    best_epoch: float | None,
    kind: str,
    ident: str,
    title: str,
    description: str,
    scale: Scale,
) -> str:
    """One small learning curve with the range over resamples, and the reference behind it, dashed."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    low, high, last = limits
    figure = canvas(300, 190)
    ax = axes(figure, 38, 8, 252, 142)
    ax.set_xlim(1, max(last, 2))
    ax.set_ylim(low, high)
    ax.grid(color=colour("grid"), linewidth=1)
    at, digits = _round_ticks(low, high, scale, 6)
    ax.set_yticks(at)
    ax.yaxis.set_major_formatter(FuncFormatter(lambda y, _: signed(y * scale.factor, digits)))
    ax.xaxis.set_major_locator(MaxNLocator(6, integer=True, steps=[1, 2, 5, 10]))
    ax.set_xlabel("epoch", labelpad=2)
    hue = colour(MARKS[kind].colour)
    if reference is not None:
        ax.plot(*_known(reference["epochs"], reference["mean"]), color=colour("muted"), linewidth=1.2, dashes=(4, 2.5))
    epochs = curve["epochs"]
    banded = [i for i in range(len(epochs)) if curve["low"][i] is not None and curve["high"][i] is not None]
    band = [[curve[side][i] for i in banded] for side in ("low", "high")]
    ax.fill_between([epochs[i] for i in banded], *band, color=hue, alpha=0.2, linewidth=0)
    known = _known(epochs, curve["mean"])
    ax.plot(*known, color=hue, linewidth=2)
    if best_epoch is not None and known[0]:
        nearest = min(range(len(known[0])), key=lambda i: abs(known[0][i] - best_epoch))
        ax.plot(known[0][nearest], known[1][nearest], MARKS[kind].marker, color=hue, markersize=7.5, clip_on=False)
    return svg(figure, ident=ident, title=title, description=description)


def _known(xs: Sequence[float], ys: Sequence[float | None]) -> tuple[list[float], list[float]]:
    pairs = [(x, y) for x, y in zip(xs, ys, strict=True) if y is not None]
    return [x for x, _ in pairs], [y for _, y in pairs]


@drawing()
def reliability(bins: Sequence[dict[str, Any]], *, kind: str, ident: str, title: str, description: str) -> str:
    """One small reliability diagram: accuracy against confidence by bin, and below it how many rows each bin holds."""
    filled = [b for b in bins if b["count"] > 0]
    figure = canvas(176, 232)
    ax = axes(figure, 30, 8, 138, 138)
    hue = colour(MARKS[kind].colour)
    ax.set_xlim(0, 1)
    ax.set_ylim(0, 1)
    ax.set_xticks([0, 0.5, 1], ["", "", ""])
    ax.set_yticks([0, 0.5, 1], ["0", "50", "100"])
    ax.tick_params(labelsize=10)
    ax.grid(color=colour("grid"), linewidth=1)
    ax.plot([0, 1], [0, 1], color=colour("muted"), linewidth=1, dashes=(4, 3))
    for b in filled:
        ax.plot([b["confidence"]] * 2, [b["confidence"], b["accuracy"]], color=hue, linewidth=1.2, alpha=0.6)
    xs, ys = [b["confidence"] for b in filled], [b["accuracy"] for b in filled]
    ax.plot(xs, ys, color=hue, linewidth=1.5)
    ax.plot(xs, ys, MARKS[kind].marker, color=hue, markersize=5, clip_on=False)
    below = axes(figure, 30, 152, 138, 34)
    most = max((b["count"] for b in filled), default=1)
    below.bar(
        [(b["low"] + b["high"]) / 2 for b in filled],
        [b["count"] for b in filled],
        width=[0.88 * (b["high"] - b["low"]) for b in filled],
        color=hue,
        alpha=0.55,
    )
    below.set_xlim(0, 1)
    below.set_ylim(0, most)
    below.set_yticks([])
    below.set_xticks([0, 0.5, 1], ["0", "50", "100"])
    below.tick_params(labelsize=10, pad=3)
    below.set_xlabel("confidence, %", labelpad=2, fontsize=10)
    label(figure, 33, 158, f"≤ {count(most)} rows", ha="left", color=colour("muted"), size=9.5)
    return svg(figure, ident=ident, title=title, description=description)


def class_counts(
    classes: Sequence[str],
    counts: Sequence[int],
    *,
    ident: str,
    title: str,
    description: str,
    total: int | None = None,
) -> Picture:
    """Bars of how many rows each class has, the largest first; beyond twenty classes the rest is one bar.

    Args:
        classes: their names.
        counts: rows of each.
        ident: prefix of every identifier in the drawing.
        title: what a screen reader calls the drawing.
        description: what the drawing shows, in words.
        total: rows of which shares are taken; those of all classes together by default.
    """
    whole = sum(counts) if total is None else total
    order = sorted(range(len(classes)), key=lambda i: -counts[i])
    bars = [(classes[i], counts[i]) for i in order[:20]]
    if len(order) > 20:
        rest = order[20:]
        bars.append((f"{len(rest)} more classes", sum(counts[i] for i in rest)))
    return Picture(
        _class_counts(bars, whole, True, f"{ident}-wide", title, description),
        _class_counts(bars, whole, False, f"{ident}-narrow", title, description),
    )


@drawing()
def _class_counts(
    bars: Sequence[tuple[str, int]], total: int, wide: bool, ident: str, title: str, description: str
) -> str:
    width, step = (WIDE, 28) if wide else (NARROW, 44)
    left, right = (246, 150) if wide else (0, 0)
    size = 13 if wide else 12
    figure = canvas(width, step * len(bars) + 4)
    ax = axes(figure, left, 2, width - left - right, step * len(bars))
    ax.set_axis_off()
    ax.set_xlim(0, max(1, *(n for _, n in bars)))
    ax.set_ylim(step * len(bars), 0)
    for number, (name, n) in enumerate(bars):
        middle = step * (number + 0.5) if wide else step * number + 31
        ax.barh(middle, n, height=14, color=colour("accent"))
        text = f"{count(n)}  ({100 * n / max(total, 1):.1f} %)"
        at = middle if wide else middle - 17
        label(
            figure,
            0,
            2 + at,
            fitted(name, left - 12 if wide else width - text_width(text, size) - 10, size),
            ha="left",
            size=size,
        )
        label(figure, width, 2 + at, text, ha="right", color=colour("muted"), size=size)
    return svg(figure, ident=ident, title=title, description=description)
