"""The generated pages and the check of links: what stands on them, and that a lost link is found."""

import json

import pytest

pytest.importorskip("latex2mathml", reason="the site needs the extra docs")

from minimand.contracts.catalogue import all_cards
from minimand.workbench.site.build import lost_links, navigation, raw_formulas
from minimand.workbench.site.pages import counted, formerly, generated_pages, results
from minimand.workbench.verify.scope import claim_file_of


@pytest.fixture(scope="module")
def pages():
    return generated_pages()


def test_every_component_has_its_page_and_its_line_in_the_index(pages):
    for card in all_cards():
        path = f"components/{card.path}.{card.name}.md"
        assert path in pages
        assert path.removeprefix("components/") in pages["components/index.md"]


def test_a_page_shows_the_recorded_numbers(pages):
    page = pages["components/losses/noisy/gce.gce_loss.md"]
    [gce] = [card for card in all_cards() if card.name == "gce_loss"]
    record = json.loads(claim_file_of(gce).record.read_text(encoding="utf-8"))
    for claim in record["claims"]:
        assert claim["verdict"] in page
        for finding in claim["findings"]:
            assert f"{finding['mean']:.4g}" in page
    assert record["date"] in page
    assert "zhang2018gce" in page


def test_negative_verdicts_stand_first(pages):
    rows = [line for line in pages["verdicts.md"].splitlines() if line.startswith("| [")]
    fails = [row.rstrip("| ").endswith("does not hold here") for row in rows]
    assert any(fails)
    assert fails == sorted(fails, reverse=True)


def test_a_verdict_has_all_its_findings_and_leads_to_the_component_that_it_is_of(pages):
    [row] = [line for line in pages["verdicts.md"].splitlines() if "smooth_adversarial_comp_sum_loss.md" in line]
    assert row.startswith("| [comp-sum](components/losses/classification/smooth_adversarial_comp_sum.")
    for text in ("robust\\_smooth above", "clean\\_smooth above", "clean\\_cross\\_entropy within 0.005 (control)"):
        assert text in row
    assert "about" in row.rsplit("|", 2)[1]


@pytest.mark.parametrize(
    ("verdicts", "said"),
    [
        (["holds here"] * 2 + ["does not hold here"], "3 claims: 1 does not hold here, 2 hold here."),
        (["does not hold here"] * 7 + ["undecided"], "8 claims: 7 do not hold here, 1 is undecided."),
        (["odd", "undecided", "undecided"], "3 claims: 2 are undecided, 1 has the verdict odd."),
        ([], "0 claims."),
    ],
)
def test_verdicts_are_counted_in_good_english(verdicts, said):
    assert counted(verdicts) == said


def test_tables_have_a_head(pages):
    assert not [path for path, text in pages.items() if "| ---" in text and "\n|  |" in text]
    assert "| fact | value |" in pages["components/losses/noisy/gce.gce_loss.md"]


def finding(mean, verdict="holds here", *, control=False, text="a below b by more than 1", seeds_needed=None):
    number = {"mean": mean, "low": mean - 1, "high": mean + 1, "kind": "95 % interval"}
    return {"text": text, "control": control, "verdict": verdict, "seeds_needed": seeds_needed} | number


def claim(name, verdict, findings, **more):
    arms = {"a": [1.0, 2.0], "b": [4.0, 5.0], "off": [0.0, 0.25], "spare": [7.0, 7.0]}
    known = {"name": name, "kind": "comparative", "verdict": verdict, "seeds_needed": None, "findings": findings}
    return known | {"arms": arms, "seeds": [3, 4]} | more


def test_results_have_sign_arms_controls_and_seeds_needed():
    control = finding(0.0, control=True, text="off ties with b within 1")
    entry = claim("one", "undecided", [finding(3.0, "undecided", seeds_needed=12), control], seeds_needed=12)
    table, notes = results(entry)
    first, second = table.splitlines()[2:]
    assert "on seeds 3 to 4" in table.splitlines()[0]
    assert first == (
        "| a below b by more than 1 | +3, +2 to +4 (95 % interval) | `a` 1.5, `b` 4.5 "
        "| undecided: about 12 seeds would decide |"
    )
    assert "off ties with b within 1 (control) | 0, -1 to +1" in second
    assert "`off` 0.125, `b` 4.5" in second
    assert "Means of the other arms: `spare` 7." in notes
    assert "All in all undecided: about 12 seeds would decide." in notes


def test_fresh_seeds_stand_beside_the_first():
    fresh = {"seeds": [8, 9], "findings": [finding(0.5, "undecided", seeds_needed=20)], "verdict": "undecided"}
    more = {"fresh": fresh, "on_recorded_seeds": "holds here", "seeds_needed": 20}
    table, notes = results(claim("one", "undecided", [finding(3.0)], **more))
    assert "on fresh seeds 8 to 9" in table
    assert "| holds here | +0.5, -0.5 to +1.5 (95 % interval) | undecided: about 20 seeds would decide |" in table
    assert "fresh seeds say something else" in notes


def test_what_was_recorded_before_is_told_by_claim_where_it_was_another():
    now = [claim("same_as_ever", "holds here", [finding(1.0)]), claim("moved", "holds here", [finding(2.0)])]
    before = [now[0], claim("moved", "holds here", [finding(2.5)]), claim("gone", "undecided", [finding(9.0)])]
    first = [now[0], claim("moved", "does not hold here", [finding(2.5)])]
    record = {"claims": now, "history": [{"date": "d3", "claims": now}, {"date": "d2", "claims": before}]}
    record["history"].append({"date": "d1", "claims": first})
    second, third = formerly(record)
    assert second.startswith("Formerly recorded, d2:\n\n- moved: holds here (a below b by more than 1: +2.5")
    assert "- gone: undecided" in second
    assert "same as ever" not in second + third
    assert third.count("- ") == 1
    assert "- moved: does not hold here" in third


def test_the_bibliography_has_each_paper_once(pages):
    keys = [line for line in pages["bibliography.md"].splitlines() if line.startswith("@misc{")]
    assert len(keys) == len(set(keys)) == len({paper.key for card in all_cards() for paper in card.papers})


def test_the_navigation_begins_with_the_front_page(tmp_path):
    for name in ("index.md", "zebra.md", "claims.md", "changelog.md"):
        (tmp_path / name).write_text("# X", encoding="utf-8")
    assert navigation(tmp_path).split() == ["-", "index.md", "-", "claims.md", "-", "zebra.md", "-", "changelog.md"]


def test_formulas_that_are_shown_as_latex_are_found(tmp_path):
    (tmp_path / "a.html").write_text(
        "<title>$t$</title><p>good <code>$c$</code> <math><mi>$</mi><mo>$</mo></math> $5</p><p>bad $p_y$ here</p>",
        encoding="utf-8",
    )
    assert raw_formulas(tmp_path) == ["a.html: $p_y$"]


def test_lost_links_are_found(tmp_path):
    (tmp_path / "a.html").write_text(
        '<a href="b.html">good</a><a href="c.html">lost</a><a href="b.html#there">good</a>'
        '<a href="b.html#nowhere">lost</a><a href="https://example.org/x">not ours</a><img src="no.png">',
        encoding="utf-8",
    )
    (tmp_path / "b.html").write_text('<h1 id="there">B</h1>', encoding="utf-8")
    assert lost_links(tmp_path) == ["a.html: c.html", "a.html: b.html#nowhere", "a.html: no.png"]
