"""`ObjectiveClassifier`: scikit-learn's own contract, weights, seeds, validation rows, objectives, and its company."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pandas as pd
import pytest
import sklearn
import torch
import torch.nn.functional as F
from scipy import sparse
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.ensemble import VotingClassifier
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.utils.estimator_checks import check_estimator
from torch import nn

from minimand.errors import MinimandWarning
from minimand.estimators.classifier import EXPECTED_FAILED_CHECKS, ObjectiveClassifier
from minimand.estimators.encoding import TableEncoder
from minimand.evaluation import accuracy_metric, balanced_accuracy_metric, log_loss_metric
from minimand.losses import (
    ELRLoss,
    GCELoss,
    LegendreTronLoss,
    LogitAdjustmentLoss,
    SphericalZLoss,
    cross_entropy_loss,
    gce_loss,
)


def hinge(scores, target):
    return F.multi_margin_loss(scores, target, reduction="none")


def blobs(n=160, k=3, d=4, seed=0, spread=1.0):
    rng = np.random.default_rng(seed)
    y = np.arange(n) % k
    centres = np.random.default_rng(99).normal(size=(k, d)) * 2
    return centres[y] + spread * rng.normal(size=(n, d)), y


def quick(objective=None, **parameters):
    defaults = {"hidden": (16,), "max_epochs": 8, "learning_rate": 1e-2, "random_state": 0}
    return ObjectiveClassifier(objective, **(defaults | parameters))


def same(a: ObjectiveClassifier, b: ObjectiveClassifier, X) -> bool:
    return bool(np.array_equal(a.class_scores(X), b.class_scores(X)))


# --- scikit-learn's contract ---------------------------------------------------------------------------------------


def failures(estimator) -> list[str]:
    found = check_estimator(estimator, on_fail=None, on_skip=None, expected_failed_checks=EXPECTED_FAILED_CHECKS)
    assert len(found) > 50
    return [f"{check['check_name']}: {check['exception']}" for check in found if check["status"] == "failed"]


def test_check_estimator_has_no_failure():
    assert failures(ObjectiveClassifier()) == []


def test_expected_failures_are_declared_for_scikit_learns_own_network():
    instances = pytest.importorskip("sklearn.utils._test_common.instance_generator")
    declared = instances.PER_ESTIMATOR_XFAIL_CHECKS.get(MLPClassifier, {})
    assert declared.items() >= EXPECTED_FAILED_CHECKS.items()


@pytest.mark.parametrize("objective", [hinge, ELRLoss], ids=["foreign, without probabilities", "needs the index"])
def test_check_estimator_has_no_failure_with_objectives_of_other_shapes(objective):
    small = ObjectiveClassifier(objective, hidden=(32,), max_epochs=40, learning_rate=2e-2)
    assert failures(small) == []


def test_tags_follow_the_encoder_and_the_objective():
    tags = ObjectiveClassifier().__sklearn_tags__()
    assert tags.input_tags.allow_nan
    assert tags.input_tags.categorical
    assert tags.input_tags.string
    assert not tags.input_tags.sparse
    assert not tags.classifier_tags.poor_score
    bare = ObjectiveClassifier(SphericalZLoss, encoder=None).__sklearn_tags__()
    assert not bare.input_tags.allow_nan
    assert bare.classifier_tags.poor_score  # cannot learn two classes
    assert not ObjectiveClassifier(encoder=StandardScaler(copy=False)).__sklearn_tags__().input_tags.string


# --- Weights -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("objective", [None, ELRLoss, LogitAdjustmentLoss])
def test_whole_weights_are_repetitions_bitwise(objective):
    X, y = blobs()
    X_val, y_val = blobs(seed=1)
    rng = np.random.default_rng(2)
    weight = rng.integers(0, 4, len(y))
    copies = rng.permutation(np.repeat(np.arange(len(y)), weight))
    given = {"X_val": X_val, "y_val": y_val}
    weighted = quick(objective, batch_size=32).fit(X, y, weight, **given)
    repeated = quick(objective, batch_size=32).fit(X[copies], y[copies], **given)
    plain = quick(objective, batch_size=32).fit(X, y, **given)
    assert weighted.n_training_rows_ == weight.sum()
    assert same(weighted, repeated, X)
    assert not same(weighted, plain, X)


def test_rows_of_weight_zero_are_absent_from_everything():
    X, y = blobs()
    weight = np.where(np.arange(len(y)) < 100, 1.7, 0.0)
    weight[:50] = 0.4
    X, y = X.copy(), y.astype(object)
    X[100:] = 1e6  # would move the encoder's knots
    y[100:] = 17  # would be a class
    with_absent = quick().fit(X, y, weight)
    without = quick().fit(X[:100], y[:100], weight[:100])
    assert with_absent.classes_.tolist() == [0, 1, 2]
    assert same(with_absent, without, X)


def test_fractional_weights_give_the_gradient_of_the_weighted_mean():
    X, y = blobs(n=60)
    weight = np.random.default_rng(3).integers(1, 4, len(y))
    one_batch = {"batch_size": 1000, "encoder": None, "validation_fraction": 0, "max_epochs": 5}
    # 1/4 of whole weights are not whole: multiplied, where the others are repeated
    multiplied = quick(**one_batch).fit(X, y, weight / 4)
    repeated = quick(**one_batch).fit(X, y, weight)
    plain = quick(**one_batch).fit(X, y)
    assert multiplied.n_training_rows_ == 60
    np.testing.assert_allclose(multiplied.class_scores(X), repeated.class_scores(X), atol=1e-4)
    assert np.abs(plain.class_scores(X) - repeated.class_scores(X)).max() > 1e-3


def test_equal_weights_are_no_weights():
    X, y = blobs()
    assert same(quick().fit(X, y, np.full(len(y), 0.3)), quick().fit(X, y), X)


def test_large_whole_weights_are_not_repeated():
    X, y = blobs()
    weight = np.where(y == 0, 1_000_000, 1)
    assert quick(validation_fraction=0).fit(X, y, weight).n_training_rows_ == len(y)


@pytest.mark.parametrize("weight", [-1.0, 0.0, np.nan])
def test_impossible_weights_are_refused(weight):
    X, y = blobs()
    with pytest.raises(ValueError, match=r"weight"):
        quick().fit(X, y, np.full(len(y), weight))


def test_class_weight_multiplies_the_weights_of_its_rows():
    X, y = blobs()
    by_class = quick(class_weight={2: 2.5}).fit(X, y)
    by_row = quick().fit(X, y, np.where(y == 2, 2.5, 1.0))
    assert same(by_class, by_row, X)
    np.testing.assert_allclose(by_class.class_counts_[2], 2.5 * by_class.class_counts_[0], rtol=0.05)


def test_balanced_class_weight_is_scikit_learns():
    X, y = blobs()
    kept = np.flatnonzero((y != 1) | (np.arange(len(y)) % 4 == 0))
    X, y = X[kept], y[kept]
    counts = np.bincount(y)
    explicit = {label: len(y) / (3 * count) for label, count in enumerate(counts)}
    assert same(quick(class_weight="balanced").fit(X, y), quick(class_weight=explicit).fit(X, y), X)


def test_class_weight_zero_leaves_the_class_out_of_training_but_not_of_the_classes():
    X, y = blobs()
    fitted = quick(class_weight={1: 0}).fit(X, y)
    assert fitted.classes_.tolist() == [0, 1, 2]
    assert fitted.class_counts_[1] == 0
    assert 1 not in fitted.predict(X)


@pytest.mark.parametrize(
    ("class_weight", "error", "words"),
    [
        ("even", ValueError, "balanced"),
        ({7: 1.0}, ValueError, "class_weight must have classes as keys"),
        ({0: -1.0}, ValueError, "nonnegative"),
        ([1, 2], TypeError, "dict"),
        ({0: 0, 1: 0, 2: 0}, ValueError, "class_weight must leave some rows"),
    ],
)
def test_impossible_class_weights_are_refused(class_weight, error, words):
    X, y = blobs()
    with pytest.raises(error, match=words):
        quick(class_weight=class_weight).fit(X, y)


# --- Seeds ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("objective", [None, LegendreTronLoss])
def test_an_integer_seed_gives_the_same_network_and_leaves_the_global_generators_alone(objective):
    X, y = blobs()
    first = quick(objective, random_state=2**62).fit(X, y)
    before = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    torch.rand(3)
    torch.set_rng_state(before[0])
    second = quick(objective, random_state=2**62).fit(X, y)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert np.array_equal(np.random.get_state()[1], before[1])  # noqa: NPY002
    assert same(first, second, X)
    assert first.history_ == second.history_
    assert not same(first, quick(objective, random_state=1).fit(X, y), X)


def test_generators_of_numpy_are_drawn_from():
    X, y = blobs()
    for make in (np.random.RandomState, np.random.default_rng):
        a, b = (quick(random_state=make(5)).fit(X, y) for _ in range(2))
        assert same(a, b, X)
        shared = make(5)
        assert not same(quick(random_state=shared).fit(X, y), quick(random_state=shared).fit(X, y), X)


@pytest.mark.parametrize("seed", [-1, 2**63, "zero", 1.5])
def test_impossible_seeds_are_refused(seed):
    X, y = blobs()
    with pytest.raises(ValueError, match=r"random_state|seed"):
        quick(random_state=seed).fit(X, y)


def test_the_order_of_training_rows_does_not_matter():
    X, y = blobs()
    X_val, y_val = blobs(seed=1)
    order = np.random.default_rng(4).permutation(len(y))
    weight = np.random.default_rng(5).uniform(0.5, 2.0, len(y))
    X[1] = X[0]
    y[1] = y[0]  # equal rows of unequal weight
    a = quick(batch_size=32).fit(X, y, weight, X_val=X_val, y_val=y_val)
    b = quick(batch_size=32).fit(X[order], y[order], weight[order], X_val=X_val, y_val=y_val)
    assert same(a, b, X)


def test_a_rows_scores_do_not_depend_on_its_company():
    X, y = blobs(n=300)
    fitted = quick(hidden=(64, 64), max_epochs=3).fit(X, y)
    whole = fitted.class_scores(X)
    alone = np.concatenate([fitted.class_scores(X[i : i + 1]) for i in range(0, 300, 7)])
    order = np.random.default_rng(6).permutation(300)
    assert np.array_equal(whole[::7], alone)
    assert np.array_equal(whole[order], fitted.class_scores(X[order]))


# --- Validation rows -----------------------------------------------------------------------------------------------


class Recorder(StandardScaler):
    """Remembers the rows that it was fitted to."""

    def fit(self, X, y=None, sample_weight=None):
        self.seen_ = np.array(X)
        return super().fit(X, y)


def test_validation_rows_are_a_stratified_share_that_nothing_else_learns_from():
    X, y = blobs(n=200, k=2)
    y = (np.arange(200) < 150).astype(int)
    fitted = quick(encoder=Recorder()).fit(X, y)
    seen = fitted.encoder_.seen_
    kept = np.isin(X[:, 0], seen[:, 0])
    assert len(seen) == kept.sum() == fitted.n_training_rows_ == 160
    assert fitted.class_counts_.tolist() == [40, 120]
    assert kept[y == 1].sum() == 120
    assert len(fitted.history_.validation) == fitted.n_iter_
    # the score is that of the rows held out, by hand
    if fitted.history_.best_epoch:
        assert fitted.score(X[~kept], y[~kept]) == pytest.approx(fitted.history_.best_score, abs=1e-12)


def test_given_validation_rows_choose_the_epoch_and_are_not_trained_on():
    X, y = blobs(n=90)
    X_val, y_val = blobs(seed=1, spread=5.0)
    given = {"X_val": X_val, "y_val": y_val}
    fitted = quick(max_epochs=30).fit(X, y, **given)
    assert fitted.n_training_rows_ == 90
    assert fitted.history_.best_epoch == 1 + int(np.argmax(fitted.history_.validation))
    assert fitted.score(X_val, y_val) == pytest.approx(fitted.history_.best_score, abs=1e-12)
    # without patience they are only watched
    watched = quick(patience=None).fit(X, y, **given)
    unseen = quick(patience=None).fit(X, y)
    assert same(watched, unseen, X)
    assert len(watched.history_.validation) == 8
    assert unseen.history_.validation == []


def test_weights_of_validation_rows_count():
    X, y = blobs(n=90)
    X_val, y_val = blobs(seed=1, spread=5.0)
    weight = np.where(np.arange(len(y_val)) < 40, 3.0, 0.0)
    fitted = quick().fit(X, y, X_val=X_val, y_val=y_val, sample_weight_val=weight)
    assert fitted.score(X_val[:40], y_val[:40]) == pytest.approx(fitted.history_.best_score, abs=1e-12)


@pytest.mark.parametrize("missing", ["X_val", "y_val"])
def test_half_a_validation_set_is_refused(missing):
    X, y = blobs()
    given = {"X_val": X, "y_val": y}
    del given[missing]
    with pytest.raises(ValueError, match=f"{missing} must be given"):
        quick().fit(X, y, **given)


@pytest.mark.parametrize(
    ("parameters", "rows"), [({"validation_fraction": 0}, 160), ({"patience": None}, 160), ({}, 90)]
)
def test_without_early_stopping_every_row_is_trained_on_to_the_last_epoch(parameters, rows):
    X, y = blobs(n=rows)
    fitted = quick(**parameters).fit(X, y)
    assert fitted.n_training_rows_ == rows
    assert fitted.n_iter_ == fitted.history_.best_epoch == 8
    assert fitted.history_.validation == []


def test_a_class_with_one_row_is_trained_on():
    X, y = blobs(n=200)
    y = y.copy()
    y[0] = 3
    assert quick().fit(X, y).class_counts_[3] == 1


def test_patience_ends_training():
    X, y = blobs()
    fitted = quick(max_epochs=200, patience=2).fit(X, y)
    assert fitted.history_.stopped_early
    assert fitted.n_iter_ == fitted.history_.best_epoch + 2 < 200


def test_the_metric_chooses_the_epoch():
    X, y = blobs(spread=3.0)
    X_val, y_val = blobs(seed=1, spread=3.0)
    fitted = quick(metric=log_loss_metric, max_epochs=40).fit(X, y, X_val=X_val, y_val=y_val)
    probabilities = fitted.predict_proba(X_val)
    by_hand = -np.log(probabilities[np.arange(len(y_val)), y_val]).mean()
    assert fitted.history_.best_score == pytest.approx(-by_hand, rel=1e-9)  # lower is better, so negated
    named = quick(metric=accuracy_metric).fit(X, y)
    assert same(named, quick().fit(X, y), X)


def test_a_metric_that_cannot_be_taken_is_refused():
    X, y = blobs()
    with pytest.raises(ValueError, match="metric must take scores"):
        quick(hinge, metric=log_loss_metric).fit(X, y)
    with pytest.raises(TypeError, match="metric must be None or a metric of minimand"):
        quick(metric=F.cross_entropy).fit(X, y)
    with pytest.raises(TypeError, match="metric must be None or a metric of minimand"):
        quick(metric=cross_entropy_loss).fit(X, y)


# --- Objectives ----------------------------------------------------------------------------------------------------


def test_a_loss_is_the_same_as_function_class_and_instance():
    X, y = blobs()
    first = quick(gce_loss, objective_parameters={"q": 0.4}).fit(X, y)
    assert same(first, quick(GCELoss, objective_parameters={"q": 0.4}).fit(X, y), X)
    assert same(first, quick(GCELoss(q=0.4)).fit(X, y), X)
    assert not same(first, quick(GCELoss).fit(X, y), X)
    assert first.loss_.q == 0.4


def test_no_objective_is_cross_entropy():
    X, y = blobs()
    default = quick().fit(X, y)
    assert same(default, quick(cross_entropy_loss).fit(X, y), X)
    foreign = quick(nn.CrossEntropyLoss()).fit(X, y)  # a mean, whose rows cannot be weighted
    np.testing.assert_allclose(foreign.class_scores(X), default.class_scores(X), atol=1e-3)


@pytest.mark.parametrize("objective", [ELRLoss, LegendreTronLoss, LogitAdjustmentLoss, SphericalZLoss, hinge])
def test_objectives_of_every_shape_learn(objective):
    X, y = blobs()
    assert quick(objective, max_epochs=40).fit(X, y).score(X, y) > 0.9


def test_a_mean_takes_whole_weights_and_no_others():
    X, y = blobs()
    objective = nn.CrossEntropyLoss()
    quick(objective).fit(X, y, 1 + y)
    with pytest.raises(ValueError, match="one value a row"):
        quick(objective).fit(X, y, 0.5 + y)


def test_impossible_objectives_are_refused():
    X, y = blobs()
    for objective in ("gce", nn.CrossEntropyLoss):
        with pytest.raises(TypeError, match=r"objective|class"):
            quick(objective).fit(X, y)
    with pytest.raises(ValueError, match="q must be in"):
        quick(gce_loss, objective_parameters={"q": 2.0}).fit(X, y)
    with pytest.raises(TypeError, match="no hyperparameters"):
        quick(GCELoss(), objective_parameters={"q": 0.5}).fit(X, y)


@pytest.mark.parametrize(
    ("objective", "defined"),
    [(None, True), (GCELoss(), True), (LegendreTronLoss, True), (SphericalZLoss, False), (hinge, False)],
)
def test_probabilities_exist_where_the_objective_defines_them(objective, defined):
    X, y = blobs()
    classifier = quick(objective)
    assert hasattr(classifier, "predict_proba") is defined
    classifier.fit(X, y)
    assert hasattr(classifier, "predict_proba") is defined
    if defined:
        probabilities = classifier.predict_proba(X)
        assert probabilities.dtype == np.float64
        np.testing.assert_allclose(probabilities.sum(1), 1.0, rtol=1e-12)
        assert np.array_equal(classifier.classes_[probabilities.argmax(1)], classifier.predict(X))
    else:
        with pytest.raises(AttributeError, match="predict_proba"):
            classifier.predict_proba(X)


def test_a_learned_map_to_probabilities_decides():
    X, y = blobs(n=120)
    fitted = quick(LegendreTronLoss).fit(X, y)
    last = [module for module in fitted.network_.modules() if isinstance(module, nn.Linear)][-1]
    with torch.no_grad():  # far from where it was trained, so that its order differs from that of the raw scores
        for parameter in fitted.loss_.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=torch.Generator().manual_seed(1)) * 3)
        last.weight.mul_(0.3)
    inputs = torch.from_numpy(fitted.encoder_.transform(X))
    raw = fitted.network_(inputs).detach()
    linked = fitted.loss_.probabilities(raw).argmax(1).numpy()
    assert (linked != raw.argmax(1).numpy()).any()
    assert np.array_equal(fitted.predict(X), linked)
    assert np.array_equal(fitted.class_scores(X).argmax(1), linked)


def test_two_classes_have_one_decision():
    X, y = blobs(k=2)
    fitted = quick().fit(X, y)
    decision, probabilities = fitted.decision_function(X), fitted.predict_proba(X)
    assert decision.shape == (160,)
    assert fitted.class_scores(X).shape == (160, 2)
    np.testing.assert_allclose(decision, np.log(probabilities[:, 1] / probabilities[:, 0]), rtol=1e-6, atol=1e-9)


def test_diverged_training_warns_and_keeps_the_best_weights():
    X, y = blobs()
    with pytest.warns(MinimandWarning, match="training diverged in epoch"):
        fitted = quick(learning_rate=1e30, weight_decay=0.0, encoder=None).fit(X, y)
    assert fitted.history_.diverged
    assert np.isfinite(fitted.class_scores(X)).all()


# --- Networks ------------------------------------------------------------------------------------------------------


class Plain(nn.Module):
    def __init__(self, n_inputs, n_classes):
        super().__init__()
        self.layer = nn.Linear(n_inputs, n_classes)
        self.drop = nn.Dropout(0.3)

    def forward(self, x):
        return self.layer(self.drop(x))


def lazy(n_inputs, n_classes):
    return nn.Sequential(nn.LazyLinear(8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, n_classes))


@pytest.mark.parametrize("module", [Plain, lazy])
def test_a_factory_makes_the_network_under_the_seed(module):
    X, y = blobs()
    first, second = (quick(module=module, max_epochs=30, learning_rate=0.1).fit(X, y) for _ in range(2))
    assert same(first, second, X)
    assert first.score(X, y) > 0.9
    assert not first.network_.training


def test_a_module_is_copied():
    X, y = blobs()
    module = Plain(4, 3)
    before = copy.deepcopy(module.state_dict())
    classifier = quick(module=module).fit(X, y)
    assert all(torch.equal(before[name], value) for name, value in module.state_dict().items())
    scores = classifier.class_scores(X)
    assert np.array_equal(scores, classifier.fit(X, y).class_scores(X))


def test_images_go_to_a_module_as_they_are():
    rng = np.random.default_rng(0)
    y = np.arange(60) % 2
    X = rng.normal(size=(60, 1, 4, 4)) + y[:, None, None, None]
    network = quick(module=lambda d, k: nn.Sequential(nn.Flatten(), nn.Linear(16, k)), encoder=None, max_epochs=40)
    assert network.fit(X, y).score(X, y) > 0.9


@pytest.mark.parametrize(
    ("module", "error", "words"),
    [
        (lambda d, k: nn.Linear(d, k + 1), ValueError, r"shape \(n, 3\)"),
        (lambda d, k: None, TypeError, "must return an nn.Module"),
        (7, TypeError, "module must be"),
    ],
)
def test_impossible_modules_are_refused(module, error, words):
    X, y = blobs()
    with pytest.raises(error, match=words):
        quick(module=module).fit(X, y)


# --- Input ---------------------------------------------------------------------------------------------------------


def table(n=150):
    rng = np.random.default_rng(7)
    kind = rng.choice(["a", "b", None], n, p=[0.5, 0.4, 0.1])
    size = np.where(rng.random(n) < 0.2, np.nan, rng.normal(size=n))
    y = np.where((kind == "a") ^ (np.nan_to_num(size, nan=1.0) > 0), "yes", "no")
    return pd.DataFrame({"kind": kind, "size": size}), y


def test_text_and_missing_values_are_learned_from():
    X, y = table()
    fitted = quick(max_epochs=60, patience=None).fit(X, y)
    assert fitted.score(X, y) > 0.95
    assert fitted.feature_names_in_.tolist() == ["kind", "size"]
    as_array = quick(max_epochs=60, patience=None).fit(X.to_numpy(), y)
    assert np.array_equal(fitted.class_scores(X), as_array.class_scores(X.to_numpy()))
    assert set(fitted.predict(X)) == {"no", "yes"}


def test_columns_in_another_order_are_refused():
    X, y = table()
    with pytest.raises(ValueError, match="feature names"):
        quick().fit(X, y).predict(X[["size", "kind"]])


def test_without_an_encoder_numbers_are_used_as_they_are():
    X, y = blobs()
    fitted = quick(encoder=None).fit(X, y)
    raw = fitted.network_(torch.from_numpy(X.astype(np.float32))).detach().numpy()
    np.testing.assert_allclose(fitted.class_scores(X), raw, rtol=1e-4, atol=1e-5)
    with pytest.raises(ValueError, match="NaN"):
        fitted.fit(np.where(X > 2, np.nan, X), y)
    with pytest.raises(ValueError, match="NaN"):
        fitted.predict(np.where(X > 2, np.nan, X))


def test_other_encoders_are_cloned_and_their_sparse_output_filled_in():
    X, y = table()
    encoder = make_column_transformer((OneHotEncoder(), ["kind"]), (TableEncoder(), ["size"]), sparse_threshold=1.0)
    fitted = quick(encoder=encoder, max_epochs=60, patience=None).fit(X, y)
    assert fitted.encoder_ is not encoder
    assert not hasattr(encoder, "transformers_")
    assert fitted.score(X, y) > 0.95
    with pytest.raises(ValueError, match="encoder must be"):
        quick(encoder="best").fit(X, y)


@pytest.mark.parametrize("encoder", ["auto", None])
def test_sparse_input_is_refused(encoder):
    X, y = blobs()
    with pytest.raises(TypeError, match=r"[Ss]parse"):
        quick(encoder=encoder).fit(sparse.csr_matrix(X), y)


def test_one_class_is_refused_and_a_missing_one_can_be_declared():
    X, y = blobs()
    with pytest.raises(ValueError, match="at least two classes, got one class"):
        quick().fit(X, np.zeros(len(y)))
    fitted = quick(classes=[4, 2, 0, 1, 3]).fit(X, y)
    assert fitted.classes_.tolist() == [0, 1, 2, 3, 4]
    assert fitted.predict_proba(X).shape == (160, 5)
    with pytest.raises(ValueError, match=r"y must hold the classes \[0, 1\] only, got .*2"):
        quick(classes=[0, 1]).fit(X, y)
    with pytest.raises(ValueError, match="y_val must hold the classes"):
        quick().fit(X, y, X_val=X, y_val=y + 1)
    for mixed in ([None, "a"], [1, "a"], [1, None]):
        with pytest.raises(ValueError, match="one type"):
            quick().fit(X, np.array(mixed * 80, dtype=object))


@pytest.mark.parametrize(
    "parameters",
    [
        {"learning_rate": 0.0},
        {"weight_decay": -1.0},
        {"batch_size": 0},
        {"max_epochs": 0},
        {"patience": 0},
        {"validation_fraction": 1.0},
        {"hidden": (0,)},
    ],
)
def test_parameters_outside_their_ranges_are_refused(parameters):
    X, y = blobs()
    with pytest.raises(ValueError, match="must be in"):
        quick(**parameters).fit(X, y)


def test_numbers_of_numpy_are_numbers():
    X, y = blobs()
    numpys = {"batch_size": np.int64(32), "learning_rate": np.float32(0.5), "hidden": np.array([8, 8])}
    plain = {"batch_size": 32, "learning_rate": 0.5, "hidden": [8, 8]}
    assert same(quick(**numpys).fit(X, y), quick(**plain).fit(X, y), X)


def test_nothing_is_predicted_before_fit():
    X, _ = blobs()
    for method in ("class_scores", "decision_function", "predict", "predict_proba"):
        with pytest.raises(NotFittedError):
            getattr(quick(), method)(X)


# --- Company -------------------------------------------------------------------------------------------------------


def test_clones_pickles_and_copies_agree():
    X, y = blobs()
    fitted = quick(LegendreTronLoss, objective_parameters={"width": 4}).fit(X, y)
    assert same(pickle.loads(pickle.dumps(fitted)), fitted, X)  # noqa: S301
    assert same(copy.deepcopy(fitted), fitted, X)
    assert same(clone(fitted).fit(X, y), fitted, X)
    assert not hasattr(clone(fitted), "network_")
    clone(quick(GCELoss(q=0.2), module=Plain(4, 3), classes=np.arange(3), encoder=TableEncoder()))


def test_grid_search_over_objectives_and_their_parameters():
    X, y = blobs(n=120)
    grid = [
        {"objective": [None, hinge], "learning_rate": np.array([1e-3, 1e-2])},
        {"objective": [gce_loss], "objective_parameters": [{"q": 0.3}, {"q": 0.7}]},
        {"encoder": [TableEncoder()], "encoder__n_quantiles": [10]},
    ]
    search = GridSearchCV(quick(max_epochs=20), grid, cv=2, error_score="raise").fit(X, y)
    assert len(search.cv_results_["params"]) == 7
    assert search.best_score_ > 0.9


def test_pipelines_cross_validation_calibration_and_voting():
    X, y = blobs(n=120, k=2)
    scores = cross_val_score(make_pipeline(StandardScaler(), quick(max_epochs=20)), X, y, cv=2, error_score="raise")
    assert scores.mean() > 0.9
    calibrated = CalibratedClassifierCV(quick(hinge, max_epochs=20), cv=2).fit(X, y)
    assert calibrated.predict_proba(X).shape == (120, 2)
    vote = VotingClassifier([("a", quick()), ("b", quick(random_state=1))], voting="soft").fit(X, y)
    assert vote.predict(X).shape == (120,)


def test_weights_and_validation_rows_are_routed_as_metadata():
    X, y = blobs()
    X_val, y_val = blobs(seed=1)
    weight = 1.0 + (y == 1)
    with sklearn.config_context(enable_metadata_routing=True):
        last = quick(encoder=None).set_fit_request(sample_weight=True, X_val=True, y_val=True)
        pipeline = make_pipeline(StandardScaler().set_fit_request(sample_weight=False), last, transform_input=["X_val"])
        pipeline.fit(X, y, sample_weight=weight, X_val=X_val, y_val=y_val)
    scaler = StandardScaler().fit(X)
    direct = quick(encoder=None).fit(
        scaler.transform(X), y, weight, X_val=scaler.transform(X_val), y_val=y_val
    )
    assert np.array_equal(pipeline.decision_function(X), direct.decision_function(scaler.transform(X)))


def test_metrics_of_balanced_classes_can_choose():
    X, y = blobs(k=2)
    kept = np.flatnonzero((y == 0) | (np.arange(len(y)) % 8 == 1))
    fitted = quick(LogitAdjustmentLoss, metric=balanced_accuracy_metric, max_epochs=30).fit(X[kept], y[kept])
    assert fitted.history_.best_score > 0.9


def test_devices():
    X, y = blobs()
    with pytest.raises(RuntimeError):
        quick(device="abacus").fit(X, y)
    if not torch.cuda.is_available():
        pytest.skip("there is no GPU")
    for objective in (None, ELRLoss, LegendreTronLoss, LogitAdjustmentLoss):
        fitted = quick(objective, device="cuda", max_epochs=30).fit(X, y, 0.5 + y)
        assert next(fitted.network_.parameters()).is_cuda
        assert fitted.score(X, y) > 0.9
        assert fitted.predict_proba(X).shape == (160, 3)
