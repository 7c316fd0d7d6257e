"""The page over several data sets: well-formed, self-contained, escaped, with the numbers of the results."""

from __future__ import annotations

import re
from io import StringIO
from xml.etree import ElementTree

import pytest
from rich.console import Console

from minimand.workbench.report.ranks import Ranked, critical_difference
from minimand.workbench.report.several_page import kind_of, render_several
from minimand.workbench.report.several_terminal import print_several
from tests.workbench.compare.several_results import example
from tests.workbench.report.test_page import Element, check_page

pytest.importorskip("matplotlib")
pytest.importorskip("jinja2")


def checked(html: str) -> Element:
    """What every page must keep; links to the pages of data sets, and no others, may lead out of it."""
    return check_page(re.sub(r'href="[^"#:]*/report\.html"', 'href="#sets"', html))


@pytest.fixture(scope="module")
def page() -> str:
    return render_several(example())


def test_the_page_keeps_what_every_page_must(page: str) -> None:
    root = checked(page)
    text = root.text()
    results = example()
    assert results["sentence"] in text
    block = results["consensus"][0]
    for one in block["objectives"]:
        assert one["title"] in text
    for detail in block["details"]:
        assert detail in text
    assert "bad.csv is empty." in text
    assert "Somewhere only" in text


def test_every_data_set_has_its_link(page: str) -> None:
    links = re.findall(r'href="([^"#][^"]*)"', page)
    assert links == [f"{one['name']}/report.html" for one in example()["sets"]]


def test_each_figure_has_its_numbers_in_a_table(page: str) -> None:
    root = checked(page)
    block = example()["consensus"][0]
    cells = [element.text() for element in root.all("td")]
    for one in block["objectives"]:
        assert f"{one['mean_rank']:.2f}" in cells
        assert f"{100 * one['borda']:.1f}" in cells
    figures = root.all("figure")
    assert len(figures) == 2
    assert all(figure.all("table") and figure.all("svg") for figure in figures)


def test_names_from_the_data_stay_in_their_place() -> None:
    html = render_several(example(sets=3, objectives=3, hostile=True))
    checked(html)
    assert "<b>digits" not in html
    assert "&lt;b&gt;digits" in html
    assert 'href="%3Cb%3Edigits%3C/b%3E%20%24x_1%24/report.html"' in html


@pytest.mark.parametrize("options", [{"sets": 2, "objectives": 2}, {"sets": 40, "objectives": 30}])
def test_few_and_many(options: dict[str, int]) -> None:
    checked(render_several(example(**options)))


def test_results_of_another_job_are_refused() -> None:
    with pytest.raises(ValueError, match="job 'compare-several'"):
        render_several({"schema": 1, "job": "compare"})


def test_the_marks_say_what_the_test_found() -> None:
    against = {"p_holm": 0.01, "higher": 9, "lower": 1}
    assert kind_of({"against_reference": None}, 0.05) == "reference"
    assert kind_of({"against_reference": against}, 0.05) == "better"
    assert kind_of({"against_reference": against | {"higher": 1, "lower": 9}}, 0.05) == "worse"
    assert kind_of({"against_reference": against | {"p_holm": 0.2}}, 0.05) == "undecided"


def test_the_diagram_has_a_name_a_rank_and_a_bar_where_they_belong() -> None:
    ranked = [Ranked(f"name {k}", "undecided", 1.0 + 1.3 * k) for k in range(5)]
    picture = critical_difference(ranked, [[0, 1, 2], [3, 4]], ident="cd", title="t", description="d")
    for drawn in (picture.wide, picture.narrow):
        root = ElementTree.fromstring(drawn)
        names = {element: element.tag.rpartition("}")[2] for element in root.iter()}
        texts = [element.text for element, name in names.items() if name == "text"]
        for one in ranked:
            assert one.name in texts
            assert f"{one.rank:.1f}" in texts
        assert [element.text for element, name in names.items() if name in ("title", "desc")] == ["t", "d"]
        bars = [e for e in names if re.search(r"stroke-width:3\.[46]", e.attrib.get("style", ""))]
        assert len(bars) == 2
        assert "var(--ink)" in drawn
    without = critical_difference(ranked, [], ident="cd", title="t", description="d")
    assert "stroke-width:3.6" not in without.wide


def test_the_terminal_shows_the_ranking() -> None:
    out = StringIO()
    console = Console(file=out, width=120)
    results = example()
    print_several(results, console, report="out/report.html")
    text = out.getvalue()
    assert "Mean rank" in text
    assert "surely higher" in text
    assert "bad was left out: bad.csv is empty." in text
    assert text.rstrip().endswith("Report: out/report.html")
    out.truncate(0)
    print_several(results, console, quiet=True)
    assert "Mean rank" not in out.getvalue()
