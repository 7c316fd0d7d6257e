"""Numbers of hand-written pages that are recorded results: filled from the records, and up to date."""

import dataclasses
import re
from pathlib import Path

import pytest

from minimand.contracts.catalogue import find
from minimand.errors import InputError
from minimand.workbench.site import numbers
from minimand.workbench.site.numbers import filled, main
from minimand.workbench.verify.record import recorded
from minimand.workbench.verify.scope import ClaimFile

CHOOSE = Path(__file__).parents[3] / "docs" / "choose.md"


def test_the_page_says_what_is_recorded():
    text = CHOOSE.read_text(encoding="utf-8")
    assert filled(text) == text, "run python -m minimand.workbench.site.numbers docs/choose.md"
    assert text.count("<!-- ") > 20


def test_a_number_is_replaced_by_the_recorded_one():
    mark = "<!-- legendretron.beats_the_softmax.0 x100 -->"
    assert filled(f"gained 9.9 points [9, 10.5] {mark} here") == f"gained -0.1 points [-0.6, 0.5] {mark} here"


def test_the_mean_of_an_arm_is_the_recorded_one():
    mark = "<!-- gce.resists_symmetric_noise.cross_entropy x100 -->"
    [card] = find("gce")
    arms = recorded(card).entry("resists_symmetric_noise")["arms"]
    expected = f"{100 * sum(arms['cross_entropy']) / 10:.1f}"
    assert filled(f"it ended at 9 %{mark}, later") == f"it ended at {expected} %{mark}, later"


def test_nothing_stands_between_a_number_and_the_point_after_its_mark():
    text = CHOOSE.read_text(encoding="utf-8")
    assert not re.findall(r"\s<!-- [^>]*-->[.,;:)]", text)
    mark = "<!-- legendretron.beats_the_softmax.0 x100 -->"
    assert filled(f"9 [9, 9]{mark}.") == f"-0.1 [-0.6, 0.5]{mark}."


def test_nothing_is_minus_zero():
    found = filled("9 [9, 9]<!-- amarx.enlarging_old_variances_helps.0 x1 -->")
    assert found.startswith("0.00 [0.00, 0.00]")


def test_a_slug_of_two_methods_is_refused(monkeypatch):
    first, second = find("gce")[0], find("elr")[0]
    monkeypatch.setattr(numbers, "all_cards", lambda: (first, dataclasses.replace(second, slug="gce")))
    monkeypatch.setattr(numbers, "claim_file_of", lambda card: ClaimFile(card.path))
    with pytest.raises(InputError, match=f"several methods are called gce: those of {first.path}, {second.path}"):
        filled("9 [9, 9]<!-- gce.resists_symmetric_noise.0 x1 -->")


def test_a_negative_factor_turns_the_interval_round():
    found = filled("1 [1, 1] <!-- legendretron.beats_the_softmax.0 x-100 -->")
    assert found.startswith("0.1 [-0.5, 0.6]")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("1 [1, 1] <!-- nothing.of_the_kind.0 x1 -->", "no recorded finding nothing.of_the_kind.0"),
        ("1 [1, 1] <!-- gce.resists_symmetric_noise.99 x1 -->", "no recorded finding"),
        ("1 <!-- gce.resists_symmetric_noise.no_such_arm x1 -->", "no recorded arm gce.*there are gce, cross_entropy"),
        ("1 <!-- nothing.of_the_kind.arm x1 -->", "no recorded finding nothing.of_the_kind.arm"),
        ("much <!-- gce.resists_symmetric_noise.0 x1 -->", "1 marks stand in the text, but only 0"),
    ],
)
def test_mistakes_are_named(text, words, tmp_path, capsys):
    with pytest.raises(InputError, match=words):
        filled(text)
    page = tmp_path / "page.md"
    page.write_text(text, encoding="utf-8")
    assert main([str(page)]) == 2
    assert page.read_text(encoding="utf-8") == text
