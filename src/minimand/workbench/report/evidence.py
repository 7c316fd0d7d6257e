"""What a report shows of numbers, ordered levels and labels beside the metrics: drawings and the tables under them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from minimand.extras import require
from minimand.workbench.report.plots import NARROW, WIDE, Picture
from minimand.workbench.report.style import MARKS, axes, canvas, colour, drawing, label, svg
from minimand.workbench.report.wording import count, setting, share, shorten

SHADES = 6
"""Steps of density in a map."""
MOST_STRETCH = 3.0
"""Times the reference's range of errors up to which the drawings of errors reach."""


@dataclass(frozen=True)
class Drawn:
    """One of several small drawings: whose it is, and the SVG."""

    name: str
    verdict: str
    svg: str


def target_histogram(values: dict[str, Any]) -> Picture:
    """The histogram of a target of numbers, in two widths."""
    found = values["histogram"]
    outside = found["below"] + found["above"]
    description = (
        f"From {setting(values['lowest'])} to {setting(values['highest'])}, mean {setting(values['mean'])}, "
        f"deviation {setting(values['deviation'])}; the largest bin holds {count(max(found['counts']))} rows."
        + (f" {count(outside)} rows beyond the drawing are counted in the bins at its ends." if outside else "")
    )
    drawn = [
        _histogram(found, width, f"target-{name}", description) for width, name in ((WIDE, "wide"), (NARROW, "narrow"))
    ]
    return Picture(*drawn)


@drawing()
def _histogram(found: dict[str, Any], width: int, ident: str, description: str) -> str:
    edges, counts = found["edges"], found["counts"]
    figure = canvas(width, 210)
    ax = axes(figure, 8, 22, width - 16, 140)
    widths = [high - low for low, high in pairwise(edges)]
    middles = [low + w / 2 for low, w in zip(edges, widths, strict=False)]
    ax.bar(middles, counts, width=[0.92 * w for w in widths], color=colour("accent"))
    ax.set_xlim(edges[0], edges[-1])
    ax.set_ylim(0, max(*counts, 1))
    ax.set_yticks([])
    _ticks(ax, "x", edges[0], edges[-1], 8 if width == WIDE else 4)
    ax.set_xlabel("target", labelpad=4)
    label(figure, 8, 10, f"≤ {count(max(counts))} rows a bin", ha="left", color=colour("muted"), size=10.5)
    return svg(figure, ident=ident, title="Histogram of the target", description=description)


def map_edges(results: dict[str, Any]) -> list[float] | None:
    """The edges of the cells of the maps: of numbers as they were counted, of levels around their numbers."""
    if results["data"].get("problem") == "regression":
        edges: list[float] = results["data"]["diagnosis"]["values"]["map_edges"]
        return edges
    return None


def value_maps(results: dict[str, Any]) -> list[Drawn]:
    """For each objective, where the predicted numbers (or levels) lie against the true ones."""
    edges, classes = map_edges(results), results["data"]["classes"]
    panels = []
    for number, arm in enumerate(results["objectives"]):
        if arm.get("residuals") is not None and edges is not None:
            cells, names = arm["residuals"]["map"], None
        elif arm.get("map") is not None:
            size = len(classes)
            cells, names = [arm["map"][i * size : (i + 1) * size] for i in range(size)], classes
        else:
            continue
        total = sum(map(sum, cells)) or 1
        on_diagonal = sum(row[i] for i, row in enumerate(cells))
        drawn = value_map(
            cells,
            edges=edges,
            names=names,
            kind=arm["verdict"],
            ident=f"map-{number}",
            title=f"Predicted against true targets of {shorten(arm['title'], 80)}",
            description=f"{100 * on_diagonal / total:.0f} % of the rows lie in a cell on the diagonal.",
        )
        panels.append(Drawn(arm["title"], arm["verdict"], drawn))
    return panels


@drawing()
def value_map(
    cells: Sequence[Sequence[int]],
    *,
    edges: Sequence[float] | None,
    names: Sequence[str] | None,
    kind: str,
    ident: str,
    title: str,
    description: str,
) -> str:
    """One small map of the rows: across what is predicted, up what is true, darker where more rows lie."""
    paths = require("matplotlib.path", extra="workbench")
    patches = require("matplotlib.patches", extra="workbench")
    size = len(cells)
    figure = canvas(220, 232)
    ax = axes(figure, 48, 8, 164, 164)
    hue = colour(MARKS[kind].colour)
    most = max((max(row) for row in cells), default=1) or 1
    # one path for all cells of a shade: a drawing of some hundred squares would be as many elements.
    shades: dict[int, list[tuple[int, int]]] = {}
    for true, row in enumerate(cells):
        for predicted, n in enumerate(row):
            if n:
                shades.setdefault(math.ceil(SHADES * math.sqrt(n / most)), []).append((predicted, true))
    for shade, places in sorted(shades.items()):
        corners = [(x + dx, y + dy) for x, y in places for dx, dy in ((0, 0), (1, 0), (1, 1), (0, 1), (0, 0))]
        codes = [1, 2, 2, 2, 79] * len(places)
        path = paths.Path(corners, codes)
        ax.add_patch(patches.PathPatch(path, facecolor=hue, linewidth=0, alpha=0.12 + 0.88 * shade / SHADES))
    ax.plot([0, size], [0, size], color=colour("muted"), linewidth=1, dashes=(4, 3))
    ax.set_xlim(0, size)
    ax.set_ylim(0, size)
    ax.tick_params(labelsize=9.5, pad=3)
    if names is not None:
        step = max(1, math.ceil(size / 6))
        at = list(range(0, size, step))
        texts = [shorten(names[i], 6) for i in at]
        ax.set_xticks([i + 0.5 for i in at], texts)
        ax.set_yticks([i + 0.5 for i in at], texts)
    elif edges is not None:
        at_values = _round_values(edges[0], edges[-1], 4)
        span = (edges[-1] - edges[0]) or 1.0
        at_cells = [(value - edges[0]) / span * size for value in at_values]
        texts = [setting(value) for value in at_values]
        ax.set_xticks(at_cells, texts)
        ax.set_yticks(at_cells, texts)
    ax.set_xlabel("predicted", labelpad=3, fontsize=10)
    ax.set_ylabel("true", labelpad=3, fontsize=10)
    return svg(figure, ident=ident, title=title, description=description)


def residual_panels(results: dict[str, Any]) -> list[Drawn]:
    """For each objective, the errors of each tenth of the rows by what is predicted."""
    arms = [arm for arm in results["objectives"] if arm.get("residuals") is not None]
    if not arms:
        return []
    limits = residual_limits(arms, results["decision"]["reference"])
    panels = []
    for number, arm in enumerate(arms):
        tenths = arm["residuals"]["tenths"]
        drawn = residuals(
            tenths,
            limits=limits,
            kind=arm["verdict"],
            ident=f"residuals-{number}",
            title=f"Errors of {shorten(arm['title'], 80)} by tenth of the prediction",
            description="; ".join(
                f"predicted {setting(t['predicted'])}: median error {setting(t['quantiles'][2])}" for t in tenths
            )
            + ".",
        )
        panels.append(Drawn(arm["title"], arm["verdict"], drawn))
    return panels


def residual_limits(arms: Sequence[dict[str, Any]], reference: str) -> tuple[float, float]:
    """The common range of errors: what the objectives need, but at most some times what the reference does."""

    def ends(arm: dict[str, Any]) -> tuple[float, float]:
        tenths = arm["residuals"]["tenths"]
        return min(t["quantiles"][0] for t in tenths), max(t["quantiles"][-1] for t in tenths)

    of_reference = next((ends(arm) for arm in arms if arm["slug"] == reference), ends(arms[0]))
    most = MOST_STRETCH * max(abs(of_reference[0]), abs(of_reference[1]))
    low = max(-most, min(ends(arm)[0] for arm in arms))
    high = min(most, max(ends(arm)[1] for arm in arms))
    margin = 0.06 * (high - low) or 1.0
    return low - margin, high + margin


@drawing()
def residuals(
    tenths: Sequence[dict[str, Any]],
    *,
    limits: tuple[float, float],
    kind: str,
    ident: str,
    title: str,
    description: str,
) -> str:
    """One small drawing of errors, true minus predicted: of each tenth the median, the middle half and 80 %."""
    figure = canvas(300, 200)
    ax = axes(figure, 48, 8, 244, 150)
    hue = colour(MARKS[kind].colour)
    low, high = limits
    ax.set_xlim(0.4, len(tenths) + 0.6)
    ax.set_ylim(low, high)
    ax.grid(axis="y", color=colour("grid"), linewidth=1)
    ax.plot([0.4, len(tenths) + 0.6], [0, 0], color=colour("muted"), linewidth=1, dashes=(4, 3))
    for place, tenth in enumerate(tenths, start=1):
        ends = [min(max(q, low), high) for q in tenth["quantiles"]]
        ax.plot([place, place], [ends[0], ends[-1]], color=hue, linewidth=1.2, alpha=0.7)
        ax.plot([place, place], [ends[1], ends[-2]], color=hue, linewidth=6, alpha=0.35, solid_capstyle="butt")
        ax.plot(place, ends[2], MARKS[kind].marker, color=hue, markersize=5.5)
    ax.set_xticks([1, len(tenths)], [setting(tenths[0]["predicted"]), setting(tenths[-1]["predicted"])])
    ax.tick_params(labelsize=10, pad=3)
    _ticks(ax, "y", low, high, 5)
    ax.set_xlabel("predicted, by tenths of the rows", labelpad=2, fontsize=10)
    return svg(figure, ident=ident, title=title, description=description)


def coverage_rows(results: dict[str, Any]) -> list[dict[str, Any]]:
    """For each objective of numbers: what it predicts, and how many targets lie at or below it."""
    return [
        {
            "title": arm["title"],
            "verdict": arm["verdict"],
            "predicts": arm.get("predicts"),
            "level": arm.get("quantile"),
            "below": arm["residuals"]["below"],
        }
        for arm in results["objectives"]
        if arm.get("residuals") is not None
    ]


def label_rows(results: dict[str, Any]) -> dict[str, Any] | None:
    """For each label, how many rows have it and the F1 of every objective; None where labels are not predicted."""
    arms = [arm for arm in results["objectives"] if arm.get("labels") is not None]
    if not arms:
        return None
    data = results["data"]
    rows = []
    for place, name in enumerate(data["classes"]):
        n = data["class_counts"][place]
        rows.append(
            {"name": name, "rows": n, "share": share(n / data["rows"]), "f1": [_f1(arm, place) for arm in arms]}
        )
    return {"titles": [arm["title"] for arm in arms], "rows": rows}


def _f1(arm: dict[str, Any], place: int) -> float | None:
    found = arm["labels"]
    both = found["claimed"][place] + found["present"][place]
    return 2 * found["hits"][place] / both if both else None


def _ticks(ax: Any, side: str, low: float, high: float, most: int) -> None:
    at = _round_values(low, high, most)
    (ax.set_xticks if side == "x" else ax.set_yticks)(at, [setting(value) for value in at])


def _round_values(low: float, high: float, most: int) -> list[float]:
    """Round numbers inside a range."""
    locator = require("matplotlib.ticker", extra="workbench").MaxNLocator(most, steps=[1, 2, 5, 10])
    step_free = [float(value) for value in locator.tick_values(low, high)]
    return [value for value in step_free if low <= value <= high]
