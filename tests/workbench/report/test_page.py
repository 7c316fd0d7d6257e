"""The page of a comparison: well-formed, self-contained, escaped, and with the numbers of the results."""

from __future__ import annotations

import copy
import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

import pytest

from minimand.workbench.report.page import render_compare

VOID = {"meta", "link", "br", "hr", "img", "input", "base", "col", "wbr", "source"}
SHAPES = {"path", "use", "rect", "line", "circle"}  # elements of SVG that may close themselves


@dataclass
class Element:
    tag: str
    attributes: dict[str, str | None]
    children: list[Element] = field(default_factory=list)
    pieces: list[str] = field(default_factory=list)

    def all(self, tag: str) -> list[Element]:
        found = [self] if self.tag == tag else []
        return found + [e for child in self.children for e in child.all(tag)]

    def text(self) -> str:
        return "".join(self.pieces)

    def by_id(self, ident: str) -> Element:
        found = [e for e in self.walk() if e.attributes.get("id") == ident]
        assert len(found) == 1, (ident, len(found))
        return found[0]

    def walk(self) -> list[Element]:
        return [self] + [e for child in self.children for e in child.walk()]


class Tree(HTMLParser):
    """The page as a tree; fails on a tag that is not closed, or closed in the wrong place."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("", {})
        self.open = [self.root]
        self.feed(html)
        self.close()
        assert self.open == [self.root], [element.tag for element in self.open]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"an attribute twice in <{tag}>"
        element = Element(tag, dict(attrs))
        self.open[-1].children.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in SHAPES | {"g", "defs", "text"}, f"<{tag}/> does not close itself in HTML"
        self.open[-1].children.append(Element(tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open[-1].tag == tag, f"</{tag}> closes <{self.open[-1].tag}>"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        for element in self.open:
            element.pieces.append(data)


def check_page(html: str) -> Element:
    """What every page must keep, whatever the results."""
    root = Tree(html).root
    elements = root.walk()
    idents = [e.attributes["id"] for e in elements if "id" in e.attributes]
    assert len(idents) == len(set(idents))
    assert not {e.tag for e in elements} & {
        "script",
        "link",
        "img",
        "iframe",
        "object",
        "embed",
        "form",
        "base",
        "image",
    }
    for element in elements:
        assert not [name for name in element.attributes if name.startswith("on")], element.attributes
        for name in ("src", "href", "srcset", "action", "data", "xlink:href", "poster"):
            value = element.attributes.get(name)
            assert value is None or value.startswith("#"), (element.tag, name, value)
            if value is not None:
                assert value[1:] in idents, f"{value} leads nowhere"
        for name in ("aria-labelledby", "clip-path"):
            for ident in re.findall(r"#([\w-]+)", element.attributes.get(name) or "") or (
                (element.attributes.get(name) or "").split() if name == "aria-labelledby" else []
            ):
                assert ident in idents, (name, ident)
    style = "".join(e.text() for e in root.all("style"))
    assert "url(" not in style
    assert "@import" not in style
    policies = [e for e in root.all("meta") if e.attributes.get("http-equiv") == "Content-Security-Policy"]
    assert policies[0].attributes["content"] == "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    assert len(root.all("h1")) == 1
    assert len(html.encode()) <= 1_000_000
    for svg in root.all("svg"):
        check_svg(svg)
    for figure in root.all("figure"):
        assert figure.all("svg")
        assert figure.all("table"), "a figure without its numbers"
        assert figure.all("figcaption")
    for table in root.all("table"):
        assert len(table.all("caption")) == 1
        assert all(head.attributes.get("scope") in ("col", "row", "rowgroup") for head in table.all("th"))
    return root


def check_svg(svg: Element) -> None:
    assert svg.attributes["role"] == "img"
    assert [child.tag for child in svg.children[:2]] == ["title", "desc"]
    assert all(child.text().strip() for child in svg.children[:2])
    assert svg.attributes["aria-labelledby"] == " ".join(str(c.attributes["id"]) for c in svg.children[:2])
    coloured = False
    for element in svg.walk():
        assert element.tag not in ("style", "metadata", "image", "script")
        for name, value in element.attributes.items():
            if name not in ("href", "clip-path"):
                assert not re.search(r"#[0-9a-fA-F]{3,8}\b|rgb\(|font-family", value or ""), (name, value)
        coloured |= "var(--" in (element.attributes.get("style") or "")
    assert coloured


def numbers(row: Element) -> list[float]:
    """The exact values that stand behind the numbers of a row of a table."""
    return [float(e.attributes["value"] or "nan") for e in row.all("data")]


def test_the_page_is_well_formed_and_asks_for_nothing(page: str) -> None:
    root = check_page(page)
    assert len(root.all("figure")) == 6  # confirmation, differences, scores, curves, reliability, classes
    # four strips in two widths, a learning curve for each objective, reliability for all but two
    assert len(root.all("svg")) == 4 * 2 + 8 + 6


def test_the_decision_comes_first_and_is_the_heading(page: str, results: dict[str, Any]) -> None:
    root = Tree(page).root
    assert root.all("h1")[0].text() == results["decision"]["sentence"]
    header = root.all("header")[0]
    assert results["decision"]["rule"] in header.text()
    assert all(detail in header.text() for detail in results["decision"]["details"])


def test_the_table_has_the_numbers_of_the_results_sorted_by_mean(page: str, results: dict[str, Any]) -> None:
    table = Tree(page).root.by_id("results").all("table")[0]
    rows = table.all("tbody")[0].all("tr")
    expected = sorted([*results["objectives"], *results["references"]], key=lambda row: -row["mean"])
    assert [row.all("bdi")[0].text() for row in rows] == [row["title"] for row in expected]
    for row, truth in zip(rows, expected, strict=True):
        text = row.text()
        if "verdict" not in truth:
            assert numbers(row) == [truth["mean"]]
            assert "reference row" in text
        elif truth["verdict"] == "reference":
            assert numbers(row) == [truth["mean"], truth["stopped_early"]]
        else:
            assert numbers(row) == [truth["mean"], truth["difference"], truth["p_holm"], truth["stopped_early"]]
            low, high = (f"{100 * bound:+.2f}".replace("-", "−") for bound in truth["interval95"])
            assert f"[{low}, {high}]" in text
        assert f"{100 * truth['mean']:.2f} ± {100 * truth['sd']:.2f}" in text
        assert truth.get("verdict", "reference row") in text


def test_a_metric_for_which_lower_is_better_is_sorted_and_drawn_the_other_way(small: dict[str, Any]) -> None:
    lower = copy.deepcopy(small)
    lower["metric"] |= {"name": "log-loss", "title": "log loss", "higher_is_better": False}
    # the same differences from mirrored scores: differences are oriented so that positive is better
    for row in [*lower["objectives"], *lower["references"]]:
        row["mean"], row["scores"] = 1 - row["mean"], [1 - s for s in row["scores"]]
    found = lower["decision"]["confirmation"]
    for key in ("scores", "reference_scores"):
        found[key] = [1 - s for s in found[key]]
    root = check_page(render_compare(lower))
    means = [numbers(row)[0] for row in root.by_id("results").all("tbody")[0].all("tr")]
    assert means == sorted(means)
    gains = [numbers(row)[-1] for row in root.by_id("confirmation").all("tbody")[0].all("tr")]
    truth = small["decision"]["confirmation"]
    assert gains == pytest.approx([a - b for a, b in zip(truth["scores"], truth["reference_scores"], strict=True)])
    best = max(small["objectives"][1:], key=lambda arm: arm["difference"])
    description = root.by_id("differences-wide-desc").text()
    assert description.startswith(f"{best['title']}: {best['difference']:+.4f}".replace("-", "−"))


def test_every_score_stands_in_the_table_of_the_figure(page: str, results: dict[str, Any]) -> None:
    rows = Tree(page).root.by_id("scores").all("tbody")[0].all("tr")
    found = {row.all("bdi")[0].text(): numbers(row) for row in rows}
    for truth in [*results["objectives"], *results["references"]]:
        assert found[truth["title"]] == [truth["mean"], truth["sd"], *truth["scores"]]


def test_all_metrics_are_shown_and_the_best_of_each_is_marked(page: str, results: dict[str, Any]) -> None:
    table = Tree(page).root.by_id("metrics").all("table")[0]
    keys = ["accuracy", "balanced-accuracy", "macro-f1", "log-loss", "brier", "calibration-error", "auroc"]
    best: dict[str, set[str]] = {key: set() for key in keys}
    for row in table.all("tbody")[0].all("tr"):
        title = row.all("bdi")[0].text()
        truth = next(r for r in [*results["objectives"], *results["references"]] if r["title"] == title)
        for key, cell in zip(keys, row.all("td"), strict=True):
            if truth["metrics"][key] is None:
                assert cell.text() == "–"
            else:
                assert numbers(cell) == [truth["metrics"][key]["mean"]]
            if cell.attributes.get("class") == "best":
                best[key].add(title)
    everything = [*results["objectives"], *results["references"]]
    for key in keys:
        means = {r["title"]: r["metrics"][key]["mean"] for r in everything if r["metrics"][key]}
        pick = min if key in ("log-loss", "brier", "calibration-error") else max
        assert best[key] == {title for title, mean in means.items() if mean == pick(means.values())}


def test_reliability_leaves_out_objectives_without_probabilities_and_says_so(page: str) -> None:
    section = Tree(page).root.by_id("reliability")
    drawn = [p.text() for p in section.all("p") if p.attributes.get("class") == "name"]
    assert len(drawn) == 6
    assert not any("Squentropy" in name for name in drawn)
    assert "No probabilities are defined for Squentropy, Z-loss" in section.text()


def test_settings_at_an_edge_are_flagged(page: str, results: dict[str, Any]) -> None:
    section = Tree(page).root.by_id("settings")
    warned = next(arm for arm in results["objectives"] if arm["edge_warning"])
    assert warned["edge_warning"] in section.text()
    assert "4 of 10" in [td.text() for td in section.all("td")]  # chosen at its end in folds 0, 3, 6 and 9
    row = next(tr for tr in section.all("tr") if "repeat-0-fold-1" in tr.text())
    assert numbers(row) == [results["objectives"][0]["chosen"][1][key] for key in ("validation", "test")]


def test_what_reproduces_the_run_is_there(page: str, results: dict[str, Any]) -> None:
    text = Tree(page).root.by_id("reproduce").text()
    reproduce = results["reproduce"]
    for needed in (reproduce["command"], reproduce["config"], reproduce["processor"], results["data"]["sha256"]):
        assert needed in text
    assert all(file in text for file in reproduce["files"])
    assert all(f"{key} {value}" in text for key, value in reproduce["versions"].items())


def test_the_same_results_give_the_same_bytes(page: str, results: dict[str, Any]) -> None:
    assert render_compare(copy.deepcopy(results)) == page


def test_hostile_names_stay_text(hostile_page: str, examples: Any) -> None:
    root = check_page(hostile_page)
    lowered = hostile_page.lower()
    assert "<script" not in lowered
    assert "<img" not in lowered
    assert "\x1b" not in hostile_page
    assert "\x07" not in hostile_page
    assert "\u202e" not in hostile_page
    assert hostile_page.count("</title>") == 1 + len(root.all("svg"))
    titles = [bdi.text() for bdi in root.by_id("results").all("bdi")]
    for name in examples.HOSTILE[:6]:
        assert name in titles
    assert any(name.startswith('"><img src=http://example.org/x.png') and "[U+202E]" in name for name in titles)
    assert "{{ 7*7 }}" in root.text()  # a template in a name is not run


def test_dollars_and_underscores_show_literally_in_drawings(hostile_page: str) -> None:
    svgs = Tree(hostile_page).root.all("svg")
    labels = [text.text() for svg in svgs for text in svg.all("text")]
    assert "$x_1^2$" in labels
    assert "<script>alert(1)</script>" in labels
    assert max(map(len, labels)) < 60  # three hundred characters are cut, and do not run out of the drawing


def test_twelve_objectives_on_twenty_resamples_stay_below_a_megabyte(examples: Any) -> None:
    html = render_compare(examples.example_results(objectives=12, resamples=20, classes=200, bins=15, epochs=200))
    root = check_page(html)
    assert "180 more classes" in [text.text() for svg in root.all("svg") for text in svg.all("text")]
    assert len(root.by_id("data").all("table")[0].all("tbody")[0].all("tr")) == 200


def without_confirmation(results: dict[str, Any]) -> None:
    results["decision"] |= {"confirmation": None, "winner": None}


def without_probabilities(results: dict[str, Any]) -> None:
    for arm in results["objectives"]:
        arm["reliability"] = None


def without_label_noise(results: dict[str, Any]) -> None:
    results["data"]["diagnosis"]["label_noise"] = None


def without_suspects(results: dict[str, Any]) -> None:
    results["data"]["diagnosis"]["label_noise"] |= {"suspected": 0, "share": 0.0, "false_alarm_rate": None}


def without_examples(results: dict[str, Any]) -> None:
    results["data"]["diagnosis"]["label_noise"]["examples"] = []


def without_values(results: dict[str, Any]) -> None:
    for example in results["data"]["diagnosis"]["label_noise"]["examples"]:
        del example["values"]


def without_curves(results: dict[str, Any]) -> None:
    for arm in results["objectives"]:
        arm["curve"] = None


def without_other_rows(results: dict[str, Any]) -> None:
    results["objectives"] = results["objectives"][:1]
    results["references"] = []
    results["decision"] |= {"confirmation": None, "winner": None, "best": None}


def with_nothing_to_tell(results: dict[str, Any]) -> None:
    results["not_candidates"], results["data"]["left_out"], results["data"]["notes"] = [], [], []
    results["plan"] |= {"notes": [], "budget_seconds": None, "estimated_seconds": None}


def with_a_test_file(results: dict[str, Any]) -> None:
    values = {"accuracy": 0.8512, "log-loss": None}
    results["test_file"] = {"path": "t.csv", "rows": 1, "metrics": {"cross-entropy": values, "gce": dict(values)}}


def with_all_scores_equal(results: dict[str, Any]) -> None:
    for row in [*results["objectives"], *results["references"]]:
        row["scores"], row["mean"], row["sd"] = [0.8] * len(row["scores"]), 0.8, 0.0
    for arm in results["objectives"][1:]:
        arm |= {"difference": 0.0, "interval95": [0.0, 0.0], "interval90": [0.0, 0.0], "verdict": "practically equal"}


def with_nan(results: dict[str, Any]) -> None:
    results["objectives"][1]["curve"]["mean"][0] = float("nan")
    results["objectives"][1]["scores"][0] = float("nan")
    results["objectives"][2]["metrics"]["log-loss"]["mean"] = float("inf")


def with_an_empty_curve(results: dict[str, Any]) -> None:
    results["objectives"][1]["curve"] = {"epochs": [], "mean": [], "low": [], "high": [], "loss": []}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (without_confirmation, "Every objective had 8 configurations"),
        (without_probabilities, "there is no reliability diagram"),
        (without_label_noise, "too few rows to tell a wrong label from a hard row"),
        (without_suspects, "No row is suspected"),
        (without_examples, "raise the alarm on about 1.7\u00a0% of the rows"),
        (without_values, "not shown"),
        (without_curves, "No learning curves were recorded"),
        (without_other_rows, "There is no objective beside the reference"),
        (with_nothing_to_tell, "none given"),
        (with_a_test_file, "t.csv, 1 row, opened only after every choice was made"),
        (with_all_scores_equal, "practically equal"),
        (with_nan, "Label smoothing"),
        (with_an_empty_curve, "Label smoothing"),
    ],
)
def test_what_may_be_missing_may_be_missing(small: dict[str, Any], change: Any, words: str) -> None:
    changed = copy.deepcopy(small)
    change(changed)
    html = render_compare(changed)
    assert words in check_page(html).text()
    assert "None" not in re.sub(r"None(?= of the objectives|\.)", "", Tree(html).root.all("body")[0].text())
    assert "nan" not in Tree(html).root.all("main")[0].text().split()


def test_values_of_rows_are_not_shown_without_examples(page: str, small: dict[str, Any]) -> None:
    changed = copy.deepcopy(small)
    without_examples(changed)
    assert "Prof-school" in page
    assert "Prof-school" not in render_compare(changed)


def test_a_single_resample_has_no_intervals(examples: Any) -> None:
    single = examples.example_results(objectives=3, resamples=1, epochs=8)
    root = check_page(render_compare(single))
    rows = root.by_id("results").all("tbody")[0].all("tr")
    assert not any("±" in row.all("td")[0].text() for row in rows)


def test_when_boosting_wins_this_is_said_before_the_decision(small: dict[str, Any]) -> None:
    boosted = copy.deepcopy(small)
    boosted["decision"]["boosting_wins"] = True
    boosted["references"][2]["mean"] = 0.912
    html = render_compare(boosted)
    check_page(html)
    assert "Gradient boosting beats every objective here: accuracy 91.20 against" in html
    assert html.index("Gradient boosting beats every objective") < html.index("<h1>")
    boosted["decision"]["sentence"] = "Gradient boosting beats every objective; of these, train with cross entropy."
    assert render_compare(boosted).count("Gradient boosting beats every objective") == 1


def test_results_of_another_schema_are_refused(results: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="schema 1 and job 'compare', got schema 2"):
        render_compare({**results, "schema": 2})


def test_both_schemes_define_every_colour_that_is_used(page: str) -> None:
    style = "".join(e.text() for e in Tree(page).root.all("style"))
    schemes = re.findall(r":root \{([^}]*)\}", style)
    assert "prefers-color-scheme: dark" in style
    used = set(re.findall(r"var\(--([\w-]+)\)", page))
    for scheme in schemes[:2]:
        assert used <= set(re.findall(r"--([\w-]+):", scheme))
