"""The end of a comparison in the terminal: the decision, the table, where the report is.

Names from the data are shown as plain text: no markup of rich is read from them, and no escape code reaches the
terminal, where it could move the cursor, change the title or hide a line.
"""

from __future__ import annotations

from os import PathLike
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console, JustifyMethod
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from minimand.workbench.report.page import boosting_first, ranked
from minimand.workbench.report.style import MARKS
from minimand.workbench.report.wording import Scale, cleaned, p_value, plural, printable, scale_of, shorten

STYLES = {
    "reference": "bold",
    "better": "green",
    "practically equal": "blue",
    "undecided": "magenta",
    "worse": "red",
    "row": "dim",
}
GAP = 2  # empty columns between two columns of the table
PLAIN = str.maketrans(
    {"±": "+/-", "−": "-", "–": "-", "\u00a0": " ", "…": "~", "≤": "<="} | {mark.glyph: "*" for mark in MARKS.values()}
)


def print_compare(
    results: dict[str, Any],
    console: Console,
    *,
    report: str | PathLike[str] | None = None,
    quiet: bool = False,
) -> None:
    """Print the outcome of `minimand compare`.

    Args:
        results: the content of results.json, schema 1.
        console: where to print; it decides about colour and width.
        report: the path of report.html, said at the end.
        quiet: print the decision sentence and nothing else.
    """
    results = cleaned(results)
    sentence = _text(results["decision"]["sentence"], console, "bold")
    if quiet:
        console.print(sentence, soft_wrap=True)
        return
    if first := boosting_first(results):
        console.print(_text(first, console, "bold red"))
    console.print(sentence)
    for detail in results["decision"]["details"]:
        console.print(Padding(_text(detail, console), (0, 0, 0, 2), expand=False))
    console.print(_table(results, console))
    needing = [row for row in results["objectives"] if row["verdict"] == "undecided" and row["resamples_needed"]]
    for row in needing:
        text = f"{row['title']} is undecided: about {plural(row['resamples_needed'], 'resample')} would decide."
        console.print(_text(text, console, "dim"))
    for row in results["objectives"]:
        if row["edge_warning"]:
            console.print(_text(f"{row['title']}: {row['edge_warning']}", console, "dim"))
    if results.get("halving"):
        console.print(_text(results["halving"]["sentence"], console, "dim"))
    if report is not None:
        # soft: a path broken over two lines cannot be copied
        console.print(_text(f"Report: {report}", console), soft_wrap=True)


def _text(content: object, console: Console, style: str = "") -> Text:
    """The content as plain text of the console's encoding, with nothing in it to obey."""
    text = printable(content)
    encoding = console.encoding or "ascii"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        text = text.translate(PLAIN).encode(encoding, "replace").decode(encoding)
    return Text(text, style=style)


def _table(results: dict[str, Any], console: Console) -> Table:
    """The rows by mean. Only names give way when the terminal is narrow: half a number is worse than none."""
    scale = scale_of(results["metric"]["name"])
    gap_unit = f", {scale.gap_unit}" if scale.gap_unit else ""
    unit = f", {scale.unit}" if scale.unit else ""
    rows = ranked(results)
    columns: list[tuple[str, list[Text]]] = [
        (f"{results['metric']['title']}{unit}", [_text(scale.mean_sd(r["mean"], r["sd"]), console) for r in rows]),
        (f"Difference{gap_unit}", [_text(_difference(row, scale), console) for row in rows]),
        ("Verdict", [_verdict(row, console) for row in rows]),
        ("p, after Holm", [_text(_p_holm(row), console) for row in rows]),
    ]
    room = console.width
    widths = [max(cell_len(heading), *(cell.cell_len for cell in column)) + GAP for heading, column in columns]
    if room - sum(widths) < 24:  # the p value can be read in the report
        columns, widths = columns[:-1], widths[:-1]
    if room - sum(widths) < 12:  # and so can the interval
        columns[1] = (
            columns[1][0],
            [_text("" if r["difference"] is None else scale.gap(r["difference"]), console) for r in rows],
        )
        widths[1] = max(cell_len(columns[1][0]), *(cell.cell_len for cell in columns[1][1])) + GAP
    width_of_names = max(8, min(room - sum(widths), 48))
    names = [
        _text(shorten(row["title"], width_of_names), console, "dim" if row["is_reference_row"] else "") for row in rows
    ]
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="dim", padding=(0, GAP - 1, 0, 0))
    table.add_column("Objective", no_wrap=True, overflow="crop")
    for (heading, _), width in zip(columns, widths, strict=True):
        justify: JustifyMethod = "left" if heading == "Verdict" else "right"
        table.add_column(_text(heading, console), justify=justify, no_wrap=True, overflow="crop", min_width=width - GAP)
    for name, *cells in zip(names, *(column for _, column in columns), strict=True):
        table.add_row(name, *cells)
    return table


def _p_holm(row: dict[str, Any]) -> str:
    return "" if row.get("p_holm") is None else p_value(row["p_holm"])


def _difference(row: dict[str, Any], scale: Scale) -> str:
    if row["difference"] is None:
        return ""
    text = scale.gap(row["difference"])
    return text if row["interval95"] is None else f"{text} {scale.interval(row['interval95'])}"


def _verdict(row: dict[str, Any], console: Console) -> Text:
    words = "reference row" if row["is_reference_row"] else row["verdict"]
    return _text(f"{MARKS[row['kind']].glyph} {words}", console, STYLES[row["kind"]])
