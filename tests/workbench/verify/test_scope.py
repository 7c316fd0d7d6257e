"""Which claims a word means."""

from __future__ import annotations

import dataclasses

import pytest

from minimand.errors import InputError
from minimand.workbench.verify import scope
from minimand.workbench.verify.scope import cards_meant_by, claim_files


@pytest.mark.parametrize(
    "word",
    ["gce", "losses.noisy.gce:gce_loss", "losses/noisy/gce", "gce_loss", "GCELoss", "losses.noisy", "losses/noisy/"],
)
def test_slug_id_path_names_and_room_mean_the_file_of_the_method(tree, word):
    file = tree.comparative()
    (found,) = claim_files([word], package=tree.package)
    assert (found.path, found.source) == ("losses/noisy/gce", file)


def test_a_file_that_two_words_mean_is_verified_once(tree):
    tree.comparative()
    assert len(claim_files(["gce", "GCELoss"], package=tree.package)) == 1


def test_all_means_every_file_but_the_tasks(tree):
    tree.comparative()
    tree.comparative(path="losses/imbalance/focal.py")
    assert [file.path for file in claim_files(all=True, package=tree.package)] == [
        "losses/imbalance/focal",
        "losses/noisy/gce",
    ]


@pytest.mark.parametrize(
    ("what", "all_", "sentence"),
    [
        ([], False, "say what to verify"),
        (["gce"], True, "not both"),
        (["gec"], False, r"nothing is called 'gec': did you mean .*gce"),
        (["zzzzzzzz"], False, "`minimand list` shows what there is"),
        (["focal"], False, r"focal has no claim yet: its file would be claims/losses/imbalance/focal\.py"),
    ],
)
def test_words_that_mean_nothing_are_refused_in_a_sentence(tree, what, all_, sentence):
    tree.comparative()
    with pytest.raises(InputError, match=sentence):
        claim_files(what, all=all_, package=tree.package)


def test_a_name_of_two_methods_is_refused_with_the_candidates(monkeypatch):
    (card,) = cards_meant_by("gce")
    monkeypatch.setattr(scope, "find", lambda word: (card, dataclasses.replace(card, slug="other")))
    with pytest.raises(InputError, match=r"'gce_loss' is ambiguous: it may be losses\.noisy\.gce:gce_loss"):
        cards_meant_by("gce_loss")


def test_components_of_one_method_share_its_claim_file(tree, monkeypatch):
    # a second component of the method, in another room and without a claim file of its own
    tree.comparative()
    (card,) = cards_meant_by("gce")
    (other,) = cards_meant_by("focal")
    sibling = dataclasses.replace(other, slug="gce")
    monkeypatch.setattr(scope, "all_cards", lambda: (sibling, card))
    assert scope.claim_file_of(sibling, package=tree.package).path == "losses/noisy/gce"
