"""What one training may see, and what it shares with those of other objectives."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from minimand.losses import cross_entropy_loss, gce_loss
from minimand.workbench.compare.evidence import RELIABILITY_BINS, reliability_counts
from minimand.workbench.compare.problem import Classification
from minimand.workbench.compare.splits import outer_resamples
from minimand.workbench.compare.trial import Training, encode, estimator
from tests.workbench.compare.datasets import dataset

TRAINING = Training(
    seed=3, metric="accuracy", tuning_rows=60, training_rows=500, max_epochs=2, patience=1, batch_size=32
)


@pytest.mark.parametrize("stage", ["tune", "final"])
def test_the_encoder_has_not_seen_the_rows_that_judge(stage):
    data = dataset(200)
    resample = outer_resamples(data, ["resample-0"], seed=3)[0]
    plain = encode(data, resample, TRAINING, stage)
    # the same rows, but those that judge lie far away and hold a category that no other row has
    features = []
    for feature in data.features:
        values = feature.values.copy()
        values[resample.test] = 1e6 if feature.kind == "numeric" else "seen only when judging"
        features.append(replace(feature, values=values))
    strange = encode(replace(data, features=features), resample, TRAINING, stage)
    for ours, theirs in ((plain.training, strange.training), (plain.validation, strange.validation)):
        np.testing.assert_array_equal(ours[0], theirs[0])
        np.testing.assert_array_equal(ours[1], theirs[1])
    assert not np.array_equal(plain.test[0], strange.test[0])


def test_the_parts_of_a_resample_share_no_row():
    data = dataset(200, weights=1.0 + np.arange(200))  # a weight of its own marks each row
    encoded = encode(data, outer_resamples(data, ["resample-0"], seed=3)[0], TRAINING, "final")
    parts = (encoded.training, encoded.validation, encoded.test)
    marks = [set(np.asarray(part[2]).round(6).tolist()) for part in parts]
    assert [len(part) for part in marks] == [128, 32, 40]
    assert len(set.union(*marks)) == 200


def test_objectives_are_paired_and_resamples_are_not():
    def seed(objective, resample="resample-0", stage="final") -> int:
        settings = {"learning_rate": 1e-3, "weight_decay": 0.0}
        made = estimator(Classification(2), objective, settings, TRAINING, resample=resample, stage=stage)
        return made.random_state

    assert seed(cross_entropy_loss) == seed(gce_loss)
    assert len({seed(gce_loss), seed(gce_loss, "resample-1"), seed(gce_loss, stage="tune")}) == 3


def test_every_confidence_has_its_bin():
    confidence = torch.tensor([0.5, 0.59, 0.6, 0.95, 1.0, 1.0], dtype=torch.float64)
    found = reliability_counts(torch.stack((confidence, 1 - confidence), 1), torch.tensor([0, 1, 0, 0, 0, 1]))
    assert len(found) == RELIABILITY_BINS
    assert [one["count"] for one in found] == [0, 0, 0, 0, 0, 2, 1, 0, 0, 3]
    assert [one["right"] for one in found] == [0, 0, 0, 0, 0, 1, 1, 0, 0, 2]
    assert [one["confidence"] for one in found] == pytest.approx([0, 0, 0, 0, 0, 1.09, 0.6, 0, 0, 2.95])
