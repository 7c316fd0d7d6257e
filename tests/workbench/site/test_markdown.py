"""Markdown of docstrings: formulas become MathML, the rest is shown as it is written."""

import pytest

pytest.importorskip("latex2mathml", reason="the site needs the extra docs")

pytest.importorskip("markdown", reason="the site needs the extra docs")

import markdown

from minimand.contracts.catalogue import all_cards
from minimand.workbench.catalogue.details import details
from minimand.workbench.site.markdown import formulas_drawn, mathml, table, with_formulas


def test_formulas_become_mathml_and_code_stays():
    found = with_formulas("At $q = 1$ it is `a * b`, *not* & not <b>.")
    assert "<math" in found
    assert "`a * b`" in found
    assert "*not* &amp; not &lt;b&gt;" in found
    assert "$" not in found


@pytest.mark.parametrize("text", ["a * b * c", "2*3*4", "*one", "**two**", "a_b_c", "[one](two)"])
def test_marks_that_are_none_are_shown(text):
    assert markdown.markdown(with_formulas(text)) == f"<p>{text}</p>"


def test_marks_in_formulas_are_none():
    found = markdown.markdown(with_formulas("$p^*$ and $q^*$ in $[0, 1]$, $|x|$"))
    assert "<em>" not in found
    assert "<a" not in found
    assert found.count("</math>") == 4


def test_a_formula_never_begins_a_line():
    assert "\n" not in with_formulas("half the distance between\n$p$\nand the label")
    assert with_formulas("one\n\ntwo\n- item").count("\n") == 3


SPACE = '<mspace width="0.167em" />'
APPLIED = "<mo>\u2061</mo>"


@pytest.mark.parametrize(
    ("latex", "shown"),
    [
        (r"\log p", f"<mi>log</mi>{APPLIED}{SPACE}<mi>p</mi>"),
        (r"a \log b", f"<mi>a</mi>{SPACE}<mi>log</mi>{APPLIED}{SPACE}<mi>b</mi>"),
        (r"-\log (p)", f'</mo><mi>log</mi>{APPLIED}<mo stretchy="false">(</mo>'),
        (r"\max_k z", f"<msub><mo>max</mo><mi>k</mi></msub>{APPLIED}{SPACE}<mi>z</mi>"),
        (r"\mathrm{logit} p", f"<mi>logit</mi></mrow>{APPLIED}{SPACE}<mi>p</mi>"),
        (r"\sum_k \log p", f"</msub><mi>log</mi>{APPLIED}"),
        (r"w_{\mathrm{on}} x", "<mi>on</mi></mrow></mrow></msub><mi>x</mi>"),
    ],
)
def test_names_of_functions_stand_apart(latex, shown):
    assert shown in mathml(latex)


def test_a_page_keeps_its_code_and_comments_and_shows_its_formulas():
    kept = "    $indented$ code\n    more $code$\n\n```\n$fenced$\n```\n\n`$code$` <!-- $comment$ -->\n"
    page = f"# Of $K$\n\ncosts $5 in all\n\n| a |\n| --- |\n| $|x|$ |\n\n{kept}\n$p\n+ q$\n$$a = b$$\n"
    found = formulas_drawn(page)
    assert kept in found
    assert "costs $5 in all" in found
    assert found.count("<math") == 4
    rows = markdown.markdown(found, extensions=["tables", "fenced_code"]).count("<td>")
    assert rows == 1


@pytest.mark.parametrize("wrong", ["a_{", r"\left( a", r"\nosuchcommand x"])
def test_a_mistake_in_a_formula_is_named(wrong):
    with pytest.raises(ValueError, match=r"cannot be converted"):
        mathml(wrong)


def test_cells_keep_to_their_line():
    assert table(("a", "b"), [("x | y", "two\nlines")]).splitlines()[2] == "| x \\| y | two lines |"


@pytest.mark.parametrize("card", all_cards(), ids=lambda card: card.id)
def test_every_formula_of_the_catalogue_can_be_shown(card):
    found = details(card)
    for text in (found["summary"], found["description"], *(item["text"] for item in found["arguments"])):
        shown = with_formulas(text)
        assert "merror" not in shown
        assert "$" not in shown.replace("`$", "")
