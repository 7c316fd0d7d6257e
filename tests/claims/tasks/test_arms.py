"""The arms of comparative claims get equal chances, and each takes the learning rate that is best for it."""

from __future__ import annotations

import torch
from torch import Generator

from minimand.claims.tasks.arms import judged, trained_arms
from minimand.claims.tasks.gaussians import GaussianClusters
from minimand.evaluation import log_loss_metric
from minimand.losses import LegendreTronLoss, cross_entropy_loss, focal_loss, spherical_z_loss
from minimand.training.fit import Settings
from minimand.training.rows import Rows


def trained(arms, *, rates=(1e-3, 1e-2), **options):
    rng = Generator().manual_seed(0)
    clusters = GaussianClusters.random(rng, n_classes=3, n_features=4, spread=1.5)
    training, validation, test = (clusters.sample(n, rng) for n in (60, 60, 200))
    found = trained_arms(
        {name: (objective, {}) for name, objective in arms.items()},
        training,
        validation,
        seed=3,
        n_classes=3,
        settings=Settings(max_epochs=3, batch_size=20, patience=None),
        hidden=(8,),
        learning_rates=rates,
        **options,
    )
    return found, validation, test


def weights(arm):
    return torch.cat([parameter.flatten() for parameter in arm.network.parameters()])


def test_equal_arms_end_equal_whatever_the_global_generator():
    found, _, test = trained({"a": cross_entropy_loss, "b": cross_entropy_loss, "c": focal_loss})
    assert torch.equal(weights(found["a"]), weights(found["b"]))
    assert not torch.equal(weights(found["a"]), weights(found["c"]))
    torch.manual_seed(77)
    again, _, _ = trained({"a": cross_entropy_loss})
    assert torch.equal(weights(found["a"]), weights(again["a"]))
    values = judged(found, test)
    assert values["a"] == values["b"]


def test_the_learning_rate_is_the_best_on_validation_rows():
    def score(probabilities, target):
        return -log_loss_metric(probabilities, target)

    singles = [trained({"a": cross_entropy_loss}, rates=(rate,))[0]["a"] for rate in (1e-4, 1e-2)]
    both, validation, _ = trained({"a": cross_entropy_loss}, rates=(1e-4, 1e-2), score=score)
    values = [float(score(arm.predictions(validation.x), validation.y)) for arm in singles]
    assert torch.equal(weights(both["a"]), weights(singles[values.index(max(values))]))
    assert values[0] != values[1]


def test_predictions_go_through_the_learned_link_or_are_the_scores():
    found, _, test = trained({"link": LegendreTronLoss, "scores": spherical_z_loss})
    raw = found["link"].network(test.x)
    torch.testing.assert_close(found["link"].predictions(test.x), found["link"].loss.probabilities(raw))
    assert not torch.allclose(found["link"].predictions(test.x), raw.softmax(1), atol=1e-4)
    torch.testing.assert_close(found["scores"].predictions(test.x), found["scores"].network(test.x))


def test_judged_is_the_judge_s_number_on_these_rows():
    found, _, test = trained({"a": cross_entropy_loss})
    hits = [int(p.argmax() == y) for p, y in zip(found["a"].predictions(test.x), test.y, strict=True)]
    assert abs(judged(found, test)["a"] - sum(hits) / len(hits)) < 1e-12
    one = Rows(test.x[:1], test.y[:1])
    assert judged(found, one)["a"] == hits[0]
