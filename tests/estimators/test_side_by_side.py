"""Estimators fitted side by side are those that their own `fit` gives."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from minimand.estimators import ObjectiveClassifier, ObjectiveRegressor
from minimand.estimators.side_by_side import SideBySide, fit_side_by_side
from minimand.evaluation import log_loss_metric
from minimand.losses import ELRLoss, cross_entropy_loss, gce_loss, huber_loss, mse_loss, poisson_loss

RNG = np.random.default_rng(0)
X = RNG.normal(size=(150, 4)).astype(np.float32)
CLASSES = np.where(X[:, 0] + 0.5 * X[:, 1] > 0, "yes", "no")
NUMBERS = np.exp(X[:, 0]) + RNG.random(150)
SHARED = {"hidden": (8,), "encoder": None, "batch_size": 32, "max_epochs": 4, "random_state": 3}


def classifiers():
    return [
        ObjectiveClassifier(cross_entropy_loss, learning_rate=0.01, **SHARED),
        ObjectiveClassifier(gce_loss, objective_parameters={"q": 0.3}, learning_rate=0.02, **SHARED),
        ObjectiveClassifier(ELRLoss, learning_rate=0.01, weight_decay=0.1, **SHARED),
        ObjectiveClassifier(cross_entropy_loss, metric=log_loss_metric, learning_rate=0.01, **SHARED),
        ObjectiveClassifier(nn.CrossEntropyLoss(), learning_rate=0.01, **SHARED),
    ]


def test_classifiers_equal_those_fitted_alone():
    weight = RNG.random(150) + 0.5
    for ours, alone in zip(
        fit_side_by_side(classifiers()[:4], X, CLASSES, weight), classifiers()[:4], strict=True
    ):
        alone.fit(X, CLASSES, weight)
        np.testing.assert_allclose(ours.class_scores(X), alone.class_scores(X), rtol=1e-3, atol=1e-3)
        assert ours.history_.best_epoch == alone.history_.best_epoch
        assert ours.n_iter_ == alone.n_iter_
        assert ours.classes_.tolist() == ["no", "yes"]
        assert ours.n_features_in_ == 4


def test_equal_estimators_share_one_stack_however_their_parameters_were_made():
    pair = [
        ObjectiveClassifier(loss, learning_rate=0.01, classes=np.array(["no", "yes"]), **(SHARED | {"hidden": [8]}))
        for loss in (cross_entropy_loss, gce_loss)
    ]
    assert len(SideBySide(pair, X, CLASSES).populations) == 1


def test_foreign_objectives_are_trained_too():
    (ours,) = fit_side_by_side(classifiers()[4:], X, CLASSES)
    alone = classifiers()[4].fit(X, CLASSES)
    np.testing.assert_allclose(ours.class_scores(X), alone.class_scores(X), rtol=1e-3, atol=1e-3)


def test_regressors_that_scale_their_targets_differently_stand_side_by_side():
    def regressors():
        return [
            ObjectiveRegressor(mse_loss, learning_rate=0.01, **SHARED),
            ObjectiveRegressor(poisson_loss, learning_rate=0.01, **SHARED),
            ObjectiveRegressor(huber_loss, learning_rate=0.02, **SHARED),
        ]

    for ours, alone in zip(fit_side_by_side(regressors(), X, NUMBERS), regressors(), strict=True):
        np.testing.assert_allclose(ours.predict(X), alone.fit(X, NUMBERS).predict(X), rtol=1e-3, atol=1e-3)


def test_trainings_stop_at_an_epoch_and_dropped_ones_keep_what_they_went_through():
    trainings = SideBySide(classifiers()[:3], X, CLASSES)
    trainings.train(until=2)
    assert [trainings.history(place).epochs for place in range(3)] == [2, 2, 2]
    trainings.drop([1])
    trainings.train()
    assert [trainings.history(place).epochs for place in range(3)] == [4, 2, 4]
    assert trainings.running == []
    # what was cut after two epochs is the estimator that was trained for two.
    short = classifiers()[1].set_params(max_epochs=2).fit(X, CLASSES)
    np.testing.assert_allclose(trainings.finish(1).class_scores(X), short.class_scores(X), rtol=1e-3, atol=1e-3)


def test_the_same_stack_gives_the_same_bits():
    first, second = (fit_side_by_side(classifiers()[:3], X, CLASSES) for _ in range(2))
    for one, other in zip(first, second, strict=True):
        assert np.array_equal(one.class_scores(X), other.class_scores(X))


def test_networks_that_cannot_be_stacked_are_trained_one_by_one():
    def noisy(n_inputs, n_outputs):
        return nn.Sequential(nn.Linear(n_inputs, 8), nn.ReLU(), nn.Dropout(0.3), nn.Linear(8, n_outputs))

    shared = SHARED | {"module": noisy}
    pair = [ObjectiveClassifier(loss, learning_rate=0.01, **shared) for loss in (cross_entropy_loss, gce_loss)]
    trainings = SideBySide(pair, X, CLASSES)
    assert [made.path for made in trainings.populations] == ["one by one"]
    trainings.train()
    alone = ObjectiveClassifier(gce_loss, learning_rate=0.01, **shared).fit(X, CLASSES)
    assert torch.equal(
        torch.from_numpy(trainings.finish(1).class_scores(X)), torch.from_numpy(alone.class_scores(X))
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"batch_size": 16}, "the same batch_size"),
        ({"random_state": 4}, "the same random_state"),
        ({"hidden": (4,)}, "the same hidden"),
    ],
)
def test_estimators_that_differ_in_more_than_their_objective_are_refused(change, words):
    pair = [ObjectiveClassifier(**SHARED), ObjectiveClassifier(**(SHARED | change))]
    with pytest.raises(ValueError, match=words):
        SideBySide(pair, X, CLASSES)


def test_estimators_of_two_kinds_none_at_all_or_without_a_seed_are_refused():
    with pytest.raises(ValueError, match="of one kind"):
        SideBySide([ObjectiveClassifier(**SHARED), ObjectiveRegressor(**SHARED)], X, CLASSES)
    with pytest.raises(ValueError, match="must not be empty"):
        SideBySide([], X, CLASSES)
    with pytest.raises(ValueError, match="integer random_state"):
        SideBySide([ObjectiveClassifier(**(SHARED | {"random_state": None}))], X, CLASSES)
