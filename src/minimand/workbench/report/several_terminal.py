"""The end of a comparison over several data sets in the terminal: the consensus, the ranking, where the report is."""

from __future__ import annotations

from os import PathLike
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.padding import Padding
from rich.table import Table

from minimand.workbench.report.several_page import kind_of
from minimand.workbench.report.style import MARKS
from minimand.workbench.report.terminal import STYLES, _text
from minimand.workbench.report.wording import cleaned, shorten

FOUND = {
    "reference": "reference",
    "better": "surely higher",
    "undecided": "not shown to differ",
    "worse": "surely lower",
}
COUNTED = ("better", "practically_equal", "worse")


def print_several(
    results: dict[str, Any],
    console: Console,
    *,
    report: str | PathLike[str] | None = None,
    quiet: bool = False,
) -> None:
    """Print the outcome of `minimand compare` over several data sets.

    Args:
        results: the content of results.json, schema 1 of job `compare-several`.
        console: where to print; it decides about colour and width.
        report: the path of report.html, said at the end.
        quiet: print the consensus in one sentence and nothing else.
    """
    results = cleaned(results)
    sentence = _text(results["sentence"], console, "bold")
    if quiet:
        console.print(sentence, soft_wrap=True)
        return
    console.print(sentence)
    for block in results["consensus"]:
        for detail in block["details"]:
            console.print(Padding(_text(detail, console), (0, 0, 0, 2), expand=False))
        console.print(_ranking(block, console))
    for one in results["without_consensus"]:
        names = ", ".join(one["sets"])
        console.print(_text(f"No consensus for {one['task']} ({names}): {one['why']}.", console, "dim"))
    for one in results["sets"]:
        console.print(_text(f"{one['name']}: {one['sentence']}", console))
    for one in results["failed"]:
        console.print(_text(f"{one['name']} was left out: {one['why']}", console, "red"))
    if report is not None:
        # soft: a path broken over two lines cannot be copied
        console.print(_text(f"Report: {report}", console), soft_wrap=True)


def _ranking(block: dict[str, Any], console: Console) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="dim", padding=(0, 1, 0, 0))
    table.add_column("Objective", no_wrap=True, overflow="crop")
    for heading in ("Mean rank", "Duels won", "Better", "Equal", "Worse"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("Over all", no_wrap=True)
    room = max(12, min(40, console.width - 66))
    for one in block["objectives"]:
        against, kind = one["against_reference"], kind_of(one, block["alpha"])
        low, high = one["borda_interval"]
        counts = [""] * len(COUNTED) if against is None else [str(against[verdict]) for verdict in COUNTED]
        table.add_row(
            _text(shorten(one["title"], room), console),
            f"{one['mean_rank']:.1f}",
            f"{100 * one['borda']:.0f} % [{100 * low:.0f}, {100 * high:.0f}]",
            *counts,
            _text(f"{MARKS[kind].glyph} {FOUND[kind]}", console, STYLES[kind]),
        )
    return table
