"""A small catalogue, so that these tests do not follow the growth of the real one."""

from __future__ import annotations

import functools
import itertools
import json

import pytest

from minimand.contracts import catalogue
from minimand.contracts.card import Card, Paper, Range, Task, Trait
from minimand.workbench.catalogue import details, listing
from minimand.workbench.verify import scope
from minimand.workbench.verify.record import Record

NUMBERS = itertools.count()
PAPER = Paper(key="doe1999one", title="One Loss", authors="Doe", year=1999, arxiv="9901.00001")


def one_loss(logits, target, /, *, q=0.7, name="a b", reduction="mean"):
    """One loss, $1 - p_y$.

    It does one thing.

    It does it well.

    Args:
        logits: `(N, K)`, any real values,
            over two lines.
        target: `(N,)`.
        q: in `(0, 1]`.
        name: a text.
        reduction: how: "mean".

    Raises:
        ValueError: `q` outside `(0, 1]`.

    Reference:
        Doe (1999), eq. 2.
    """


class OneLoss:
    """Module form of `one_loss`."""


def other_metric(pred, target, /):
    """Other metric, $x$.

    Args:
        pred: `(N, K)`.
        target: `(N,)`.
    """


def made(component, place, **fields):
    component.__module__ = f"minimand.{place}"
    known = {"papers": (), "tasks": frozenset({Task.BINARY}), "when": "Now and then.", "drawback": "It is old."}
    return Card(component=component, **{**known, **fields})


@pytest.fixture
def one_card():
    vars(one_loss)["module"] = OneLoss
    return made(
        one_loss,
        "losses.noisy.one",
        kind="loss",
        slug="one",
        papers=(PAPER, PAPER),
        tasks=frozenset({Task.MULTICLASS, Task.BINARY}),
        traits=frozenset({Trait.NONNEGATIVE, Trait.BOUNDED}),
        search={"q": Range(0.1, 1.0, default=0.7)},
        provenance="reconstructed: the scale",
        exempt={"agrees_with_loop": "it is random"},
    )


@pytest.fixture
def other_card():
    facts = {"takes": "scores", "higher_is_better": True, "best": float("inf")}
    return made(other_metric, "evaluation.ranking.other", kind="metric", slug="other", facts=facts)


@pytest.fixture
def small_catalogue(monkeypatch, one_card, other_card):
    """Two components; the first has a claim with a record, the second has none."""
    cards = (other_card, one_card)
    for module in (catalogue, scope):
        monkeypatch.setattr(module, "all_cards", lambda: cards)
    monkeypatch.setattr("minimand.workbench.catalogue.listing.all_cards", lambda: cards)
    return cards


@pytest.fixture
def claim_folder(tmp_path, monkeypatch, small_catalogue):
    """A package of claims with one file and no record."""
    package = f"house_claims_{next(NUMBERS)}"  # an imported package is not found again elsewhere
    room = tmp_path / package / "losses" / "noisy"
    room.mkdir(parents=True)
    for folder in (room, room.parent, room.parent.parent):
        (folder / "__init__.py").write_text("", encoding="utf-8")
    (room / "one.py").write_text(
        "from minimand.contracts.card import card_of\n"
        "from minimand.contracts.claim import Beats, Ties, comparative_claim\n"
        "from minimand.losses import gce_loss\n"
        "@comparative_claim(of=gce_loss, says='One beats two.', where='table 3', gap='digits for ImageNet',\n"
        "                   expects=(Beats('one', 'two', 0.02), Ties('off', 'two', 0.01)))\n"
        "def beats_two(seed): ...\n",
        encoding="utf-8",
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    file_of = functools.partial(scope.claim_file_of, package=package)
    for module in (details, listing):
        monkeypatch.setattr(module, "claim_file_of", file_of)
        monkeypatch.setattr(module, "recorded", lambda card: read(card, file_of))
    return room


def read(card, file_of):
    file = file_of(card)
    if file is None or not file.record.is_file():
        return None
    return Record(json.loads(file.record.read_text(encoding="utf-8")))


@pytest.fixture
def record(claim_folder):
    """The record of the one claim, which was decided otherwise before."""
    finding = {
        "text": "one above two by more than 0.02",
        "mean": 0.05,
        "low": 0.031,
        "high": 0.069,
        "kind": "95 % interval",
        "margin": [0.02, None],
        "control": False,
        "verdict": "holds here",
        "seeds_needed": None,
    }
    entry = {
        "name": "beats_two",
        "says": "One beats two.",
        "verdict": "holds here",
        "seeds_needed": None,
        "seeds": list(range(1000, 1010)),
        "findings": [finding, finding | {"control": True, "margin": [-0.01, 0.01], "text": "off ties with two"}],
        "seconds": 61.2,
    }
    former = {"date": "2026-01-01", "claims": [entry | {"verdict": "undecided"}]}
    content = {
        "schema": 1,
        "date": "2026-02-03",
        "fingerprint": "ab12",
        "versions": {"torch": "2.13.0"},
        "processor": "a processor",
        "claims": [entry],
        "history": [former],
    }
    (claim_folder / "one.json").write_text(json.dumps(content), encoding="utf-8")
    return content
