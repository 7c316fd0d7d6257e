"""`ObjectiveLabelClassifier`: what it learns, refuses, promises and saves."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from minimand.errors import InputError
from minimand.estimators import ObjectiveLabelClassifier
from minimand.estimators.saving import load_classifier, load_label_classifier, save_label_classifier
from minimand.evaluation import hamming_loss_metric
from minimand.losses import asymmetric_loss, binary_cross_entropy_loss

RNG = np.random.default_rng(0)
X = RNG.normal(size=(300, 5)).astype(np.float32)
Y = np.stack([X[:, 0] > 0, X[:, 1] + X[:, 2] > 0.5, X[:, 3] > 1], axis=1).astype(int)


def fitted(objective=None, **options) -> ObjectiveLabelClassifier:
    options = {"encoder": None, "max_epochs": 60, "learning_rate": 1e-2, "random_state": 0, **options}
    return ObjectiveLabelClassifier(objective, **options).fit(X, Y)


@pytest.mark.parametrize("objective", [None, asymmetric_loss, torch.nn.MultiLabelSoftMarginLoss()])
def test_it_learns_each_label(objective):
    model = fitted(objective if not isinstance(objective, torch.nn.Module) else float_labels)
    found = model.predict(X)
    assert found.shape == Y.shape
    assert ((found == Y).mean(0) > 0.85).all()


def float_labels(scores: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Somebody's own objective of labels."""
    return torch.nn.functional.multilabel_soft_margin_loss(scores, target.to(scores.dtype))


def test_probabilities_are_the_objectives_own_and_each_for_itself():
    model = fitted()
    shares = model.predict_proba(X)
    np.testing.assert_allclose(shares, torch.tensor(model.label_scores(X)).double().sigmoid())
    assert not np.allclose(shares.sum(1), 1.0)
    assert not hasattr(fitted(float_labels), "predict_proba")


def test_the_seed_decides_and_the_objective_does_not():
    one, again = fitted(), fitted()
    np.testing.assert_array_equal(one.label_scores(X), again.label_scores(X))
    start = [
        fitted(objective, max_epochs=1, learning_rate=1e-12, weight_decay=0.0).network_[0].weight.detach()
        for objective in (binary_cross_entropy_loss, asymmetric_loss)
    ]
    torch.testing.assert_close(*start, atol=1e-9, rtol=0)


def test_weights_zero_and_two_are_rows_absent_and_twice():
    weight = np.r_[np.zeros(50), np.full(50, 2.0), np.ones(200)]
    rows = np.r_[np.arange(50, 100), np.arange(50, 100), np.arange(100, 300)]
    options = {"encoder": None, "max_epochs": 5, "patience": None, "random_state": 0}
    weighted = ObjectiveLabelClassifier(**options).fit(X, Y, sample_weight=weight)
    repeated = ObjectiveLabelClassifier(**options).fit(X[rows], Y[rows])
    np.testing.assert_array_equal(weighted.label_scores(X), repeated.label_scores(X))


def test_the_metric_chooses_the_epoch():
    model = fitted(metric=hamming_loss_metric)
    assert max(model.history_.validation) == model.history_.best_score <= 0


@pytest.mark.parametrize(
    ("y", "words"),
    [
        (Y[:, :1], r"must have shape \(n, labels\) with at least two labels"),
        (Y + 1, "must hold labels of 0 and 1, got 2"),
        (Y[:10], "inconsistent numbers of samples"),
    ],
)
def test_other_targets_are_refused(y, words):
    with pytest.raises(ValueError, match=words):
        ObjectiveLabelClassifier(encoder=None).fit(X, y)


def test_it_is_saved_and_loaded_without_code(tmp_path):
    model = fitted(asymmetric_loss)
    save_label_classifier(model, tmp_path, about={"of": "labels"})
    again = load_label_classifier(tmp_path)
    np.testing.assert_array_equal(again.label_scores(X), model.label_scores(X))
    assert again.about_ == {"of": "labels"}
    with pytest.raises(InputError, match="is no classifier, but a label classifier"):
        load_classifier(tmp_path)
