"""What a word means that several methods are known by."""

from __future__ import annotations

import re

import pytest

from minimand.cli import main
from minimand.contracts import catalogue
from minimand.errors import InputError
from minimand.workbench.catalogue.meaning import the_card

from .conftest import made, one_loss, other_metric


def test_a_name_of_several_things_is_answered_with_the_title_and_id_of_each(monkeypatch):
    def third():
        """Third, $z$."""

    third.__name__ = "third_loss"
    known = [
        made(component, place, kind="loss", slug=slug, also_known_as=names)
        for component, place, slug, names in (
            (one_loss, "losses.noisy.one", "one", ("z-loss", "first")),
            (other_metric, "evaluation.ranking.other", "other", ("z-loss",)),
            (third, "losses.weak.third", "third", ("z-loss",)),
        )
    ]
    monkeypatch.setattr(catalogue, "all_cards", lambda: tuple(known))
    with pytest.raises(InputError) as refused:
        the_card("z-loss")
    assert str(refused.value) == (
        "'z-loss' is a name of several things: it may mean One loss (losses.noisy.one:one_loss), "
        "Other metric (evaluation.ranking.other:other_metric) or Third (losses.weak.third:third_loss); give the id"
    )
    assert the_card("first") is known[0]


def test_z_loss_may_mean_the_penalty_on_the_normaliser_or_the_loss_of_the_standard_score(capsys):
    assert main(["show", "z-loss"]) == 2
    said = capsys.readouterr().err
    assert len(said.strip().splitlines()) == 1
    assert "may mean Log-partition loss (" in said
    for path in ("log_partition:log_partition_loss", "log_partition:log_partition_penalty"):
        assert f"losses.classification.{path}" in said
    assert re.search(r"or Spherical Z-loss \(losses\.classification\.spherical_z:spherical_z_loss\)", said)


@pytest.mark.parametrize("slug", ["spherical-z-loss", "log_partition_loss", "log_partition_penalty"])
def test_either_thing_is_shown_by_its_own_name_and_points_at_the_other(slug, capsys):
    assert main(["show", slug]) == 0
    said = capsys.readouterr().out
    assert ("log_partition_penalty" if slug.startswith("spherical") else "spherical_z_loss") in said


@pytest.mark.parametrize(
    ("slug", "name"),
    [
        ("squared-error", "squared_error_loss"),
        ("churn-profit-regret-loss", "TargetingRegretLoss"),
        ("comic-plt-mlc", "ReflectiveLabelCorrectorLoss"),
        ("weston-watkins", "weston_watkins_loss"),
        ("stablemax-orthograd", "OrthogonalGradient"),
    ],
)
def test_a_slug_means_the_component_of_its_first_claim(slug, name):
    assert the_card(slug).name == name


def test_the_slug_of_a_family_means_the_component_of_its_claim_whose_page_names_the_others(capsys):
    assert the_card("polyloss").name == "poly1_loss"
    assert main(["show", "polyloss"]) == 0
    said = capsys.readouterr().out
    assert "losses.classification.poly_n:poly_loss" in said
    assert "losses.imbalance.poly1_focal:poly1_focal_loss" in said
