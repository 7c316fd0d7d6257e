"""The summary in the terminal: the decision, whole numbers, and no orders from the data."""

from __future__ import annotations

import copy
import io
from typing import Any

import pytest
from rich.console import Console

from minimand.workbench.report.terminal import print_compare


def printed(results: dict[str, Any], *, width: int = 100, colour: bool = False, **options: Any) -> str:
    console = Console(
        file=io.StringIO(), width=width, force_terminal=colour, color_system="standard" if colour else None
    )
    print_compare(results, console, **options)
    return console.file.getvalue()


def test_it_says_the_decision_the_rows_and_where_the_report_is(results: dict[str, Any]) -> None:
    text = printed(results, report="runs/a very long folder name/" + "x" * 120 + "/report.html")
    assert " ".join(text.split()).startswith(results["decision"]["sentence"])
    for row in [*results["objectives"], *results["references"]]:
        line = next(line for line in text.splitlines() if line.startswith(row["title"]) and "±" in line)
        assert f"{100 * row['mean']:.2f} ± {100 * row['sd']:.2f}" in line
        assert row.get("verdict", "reference row") in line
        if row.get("difference") is not None:
            assert f"{100 * row['difference']:.2f}".lstrip("-") in line
    # one line, to be copied
    assert text.splitlines()[-1].endswith("x" * 120 + "/report.html")


def test_quiet_prints_only_the_sentence_on_one_line(results: dict[str, Any]) -> None:
    assert printed(results, quiet=True, report="r.html") == results["decision"]["sentence"] + "\n"


def test_rows_are_sorted_by_mean(results: dict[str, Any]) -> None:
    lines = [line for line in printed(results).splitlines() if "±" in line]
    means = [float(line.split("±")[0].split()[-1]) for line in lines]
    assert means == sorted(means, reverse=True)
    assert len(means) == 11


@pytest.mark.parametrize("width", [64, 80, 120, 200])
def test_numbers_are_never_cut(results: dict[str, Any], width: int) -> None:
    text = printed(results, width=width)
    assert all(len(line) <= width for line in text.splitlines())
    for row in results["objectives"]:
        assert f"{100 * row['mean']:.2f} ± {100 * row['sd']:.2f}" in text


def test_no_escape_code_of_the_data_reaches_the_terminal(examples: Any) -> None:
    results = examples.hostile_results()
    text = printed(results, report="\x1b]0;title\x07/report.html")
    assert not [c for c in text if c != "\n" and (ord(c) < 32 or 127 <= ord(c) < 160)]
    assert "\u202e" not in text


def test_markup_in_a_name_is_shown_and_not_obeyed(examples: Any) -> None:
    results = examples.hostile_results()
    assert "[bold red]markup[/] ␛[31mred" in printed(results, colour=True)


def test_when_boosting_wins_this_is_the_first_line(results: dict[str, Any]) -> None:
    boosted = copy.deepcopy(results)
    boosted["decision"]["boosting_wins"] = True
    assert printed(boosted).startswith("Gradient boosting beats every objective here")


def test_a_terminal_without_unicode_gets_plain_signs(examples: Any) -> None:
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding="ascii")
    print_compare(examples.hostile_results(), Console(file=file, width=100))
    file.flush()
    assert "+/-" in raw.getvalue().decode("ascii")
