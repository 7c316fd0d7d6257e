"""Which metrics judge a comparison, and what the report says of them."""

from __future__ import annotations

import pytest
import torch

from minimand.contracts.card import Task
from minimand.contracts.catalogue import cards
from minimand.errors import InputError
from minimand.workbench.compare.admission import deciding_metric
from minimand.workbench.compare.options import Options
from minimand.workbench.compare.problem import Classification, Prediction
from minimand.workbench.report.wording import LOWER_IS_BETTER, METRIC_TITLES
from tests.workbench.compare.datasets import dataset


@pytest.mark.parametrize("n_classes", [2, 4])
def test_the_metrics_of_so_many_classes_are_computed_and_no_others(n_classes):
    rng = torch.Generator().manual_seed(0)
    scores, target = torch.randn(60, n_classes, generator=rng), torch.arange(60) % n_classes
    found = Classification(n_classes).metrics(
        Prediction(scores, scores.softmax(1)), target, torch.rand(60, generator=rng)
    )
    task = Task.BINARY if n_classes == 2 else Task.MULTICLASS
    assert set(found) == {card.slug for card in cards("metric") if task in card.tasks}
    assert all(isinstance(value, float) for value in found.values())
    assert ("average-precision" in found) == (n_classes == 2)
    assert ("top-k-accuracy" in found) == (n_classes == 4)
    assert "subset-accuracy" not in found


def test_metrics_of_probabilities_are_none_without_them():
    scores, target = torch.eye(3)[torch.arange(9) % 3], torch.arange(9) % 3
    found = Classification(3).metrics(Prediction(scores), target, None)
    assert found["log-loss"] is None
    assert found["cohen-kappa"] == 1.0


def test_a_metric_of_other_targets_cannot_decide():
    with pytest.raises(InputError, match="--metric 'average-precision' does not judge 3 classes"):
        deciding_metric(Options(metric="average-precision"), dataset(classes=3))
    with pytest.raises(InputError, match="'subset-accuracy' does not judge 3 classes"):
        deciding_metric(Options(metric="subset-accuracy"), dataset(classes=3))


def test_the_report_knows_every_metric_of_classes():
    judging = {card.slug: card for card in (*Classification(2).metric_cards(), *Classification(3).metric_cards())}
    assert set(METRIC_TITLES) == set(judging)
    assert {name for name, card in judging.items() if not card.facts["higher_is_better"]} == LOWER_IS_BETTER
