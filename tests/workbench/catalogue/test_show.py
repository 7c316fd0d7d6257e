"""`minimand show` and `cite`: what a word means, what is known of a component, and its page."""

from __future__ import annotations

import json

import pytest

from minimand.contracts import catalogue
from minimand.contracts.catalogue import cards
from minimand.errors import InputError
from minimand.workbench.catalogue.details import bibliography, details
from minimand.workbench.catalogue.docstrings import parsed
from minimand.workbench.catalogue.meaning import the_card
from minimand.workbench.catalogue.page import page

from .conftest import made, one_loss


@pytest.mark.parametrize("word", ["one", "losses.noisy.one:one_loss", "losses/noisy/one", "one_loss", "OneLoss"])
def test_slug_id_path_and_names_mean_the_component(word, small_catalogue):
    assert the_card(word).slug == "one"


def test_an_unknown_word_is_refused_with_the_nearest(small_catalogue):
    with pytest.raises(InputError, match="nothing is called 'oneloss': did you mean OneLoss or one_loss"):
        the_card("oneloss")
    with pytest.raises(InputError, match="`minimand list` shows what there is"):
        the_card("zzzzzzzz")


def test_an_ambiguous_name_is_refused_with_the_candidates(small_catalogue, monkeypatch):
    def twin():
        """Another, $x$."""

    twin.__name__ = "one_loss"
    other = made(twin, "losses.weak.one", kind="loss", slug="one-too")
    monkeypatch.setattr(catalogue, "all_cards", lambda: (*small_catalogue, other))
    with pytest.raises(InputError, match="'one_loss' is ambiguous") as refused:
        the_card("one_loss")
    assert "losses.noisy.one:one_loss, losses.weak.one:one_loss" in str(refused.value)
    assert the_card("one-too") is other


def test_docstring_is_taken_apart():
    text = parsed(one_loss)
    assert text.summary == "One loss, $1 - p_y$."
    assert text.description == "It does one thing.\n\nIt does it well."
    assert text.arguments == {
        "logits": "`(N, K)`, any real values, over two lines.",
        "target": "`(N,)`.",
        "q": "in `(0, 1]`.",
        "name": "a text.",
        "reduction": 'how: "mean".',
    }
    assert text.sections["Reference"] == "Doe (1999), eq. 2."


def test_details_hold_everything_in_json_types(record, one_card, other_card):
    found = details(one_card)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert found["formulas"] == ["1 - p_y"]
    assert found["import"] == "from minimand.losses import OneLoss, one_loss"
    assert found["arguments"][0]["required"]
    assert found["arguments"][2] == {
        "name": "q",
        "required": False,
        "default": 0.7,
        "text": "in `(0, 1]`.",
        "search": {"low": 0.1, "high": 1.0, "scale": "linear", "default": 0.7},
    }
    assert found["exempt"] == {"agrees_with_loop": "it is random"}
    assert found["claims"][0]["gap"] == "digits for ImageNet"
    assert found["recorded"]["claims"] == record["claims"]
    assert found["recorded"]["history"] == record["history"]
    other = details(other_card)
    assert json.dumps(other, allow_nan=False)
    assert other["facts"]["best"] == "inf"
    assert other["recorded"] is None
    assert other["claims"] == []


def test_page_says_everything_in_lines_that_fit(record, one_card):
    text = page(details(one_card), width=72)
    assert max(map(len, text.splitlines())) <= 72
    flat = " ".join(text.split())
    for words in (
        "One loss, $1 - p_y$.",
        "from minimand.losses import OneLoss, one_loss",
        "binary, multiclass",
        "reconstructed: the scale",
        "q = 0.7 (searched from 0.1 to 1, linear scale)",
        "name = 'a b'",
        "Now and then.",
        "It is old.",
        "Doe (1999). One Loss. arXiv:9901.00001.",
        "agrees_with_loop: it is random",
        "One beats two.",
        "where table 3",
        "left out digits for ImageNet",
        "verdict holds here",
        "one above two by more than 0.02: 0.05, 95 % interval [0.031, 0.069], margin above 0.02: holds here",
        "off ties with two (control)",
        "margin -0.01 to 0.01",
        "seeds 1000 to 1009, 61.2 s",
        "2026-02-03, with torch 2.13.0, on a processor",
        "before, on 2026-01-01: beats two: undecided",
    ):
        assert words in flat, words


def test_page_of_a_claim_without_a_record_and_of_a_component_without_a_claim(claim_folder, one_card, other_card):
    flat = " ".join(page(details(one_card)).split())
    assert "verdict not recorded" in flat
    assert "expected: one above two by more than 0.02" in flat
    other = " ".join(page(details(other_card)).split())
    assert "Claim none yet" in other
    assert "higher is better yes" in other


def test_bibliography_has_each_paper_once(one_card, other_card):
    text = bibliography(one_card)
    assert text.count("@misc{doe1999one,") == 1
    assert "eprint = {9901.00001}" in text
    with pytest.raises(InputError, match="other cites no paper"):
        bibliography(other_card)


@pytest.mark.parametrize("card", cards(), ids=lambda card: card.id)
def test_every_real_component_has_a_page(card):
    found = details(card)
    json.dumps(found, allow_nan=False)
    assert found["summary"] in " ".join(page(found, width=1000).split())
    assert all(argument["text"] for argument in found["arguments"])
