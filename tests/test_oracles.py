"""Second opinions: what other people's code and independent transcriptions say of our components, to 1e-6."""

import json
import math
import sys
from pathlib import Path

import pytest

from minimand.contracts.catalogue import cards

sys.path.insert(0, str(Path(__file__).parents[1]))

from oracles.opinion import TOLERANCE, as_json, card_of_opinion, disagreement, opinions

ROADS = ("peer", "official", "transcription")
OPINIONS = [pytest.param(opinion, id=opinion.file.stem) for opinion in opinions()]


@pytest.mark.parametrize("opinion", OPINIONS)
def test_ours_agrees(opinion):
    card = card_of_opinion(opinion)
    assert opinion.cases
    for case in opinion.cases:
        difference = disagreement(card, case)
        assert math.isfinite(difference)
        assert difference <= TOLERANCE, f"{opinion.source}: {dict(case.hyper)} differs by {difference:.3g}"


@pytest.mark.parametrize("opinion", OPINIONS)
def test_opinions_say_whose_they_are(opinion):
    assert opinion.source.strip()
    assert opinion.versions
    assert len(opinion.cases) >= 2 or any(len(case.calls) > 1 for case in opinion.cases)


def test_the_readme_says_how_many_have_which():
    losses = {card.id for card in cards("loss") if card.room != "losses.regression"}
    roads = {road: {opinion.component for opinion in opinions() if opinion.road == road} for road in ROADS}
    others = (roads["peer"] | roads["official"]) & losses
    said = " ".join((Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8").split())
    assert f"Of the {len(losses)} losses for classes and labels {len(others)} have a second opinion" in said
    assert losses <= roads["transcription"]


def test_kept_rows_stand_on_one_line_and_say_what_they_said():
    content = {"a": [[1.5, -0.0], []], "b": {}, "c": [{"d": [float("inf"), None, "x, [1]"]}], "e": True}
    text = as_json(content)
    assert json.loads(text) == content
    assert text.splitlines()[2] == "  [1.5, -0.0],"


def test_every_loss_has_a_second_opinion():
    asked = {opinion.component for opinion in opinions()}
    assert not [card.id for card in cards("loss") if card.id not in asked]
