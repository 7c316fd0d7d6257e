"""Estimators on disk: equal to the bit after a round trip, and refused in a sentence where that cannot be."""

from __future__ import annotations

import hashlib
import json
import shutil

import numpy as np
import pandas as pd
import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save
from sklearn.exceptions import NotFittedError
from sklearn.preprocessing import StandardScaler
from torch import nn

from minimand import Objective
from minimand.contracts.catalogue import cards
from minimand.errors import InputError
from minimand.estimators.classifier import ObjectiveClassifier
from minimand.estimators.encoding import TableEncoder
from minimand.estimators.regressor import ObjectiveRegressor
from minimand.estimators.saving import load_classifier, load_regressor, save_classifier, save_regressor
from minimand.evaluation import log_loss_metric, mean_absolute_error_metric
from minimand.losses import (
    ELRLoss,
    GCELoss,
    LegendreTronLoss,
    LogitAdjustmentLoss,
    SphericalZLoss,
    gaussian_nll_loss,
    mae_loss,
    mse_loss,
    msle_loss,
)


def table(n=150):
    rng = np.random.default_rng(0)
    X = pd.DataFrame(
        {
            "kind": rng.choice(["a", "b", "ü", None], n),
            "size": np.where(rng.random(n) < 0.2, np.nan, rng.normal(size=n)),
            "count": rng.poisson(2.0, n),
        }
    )
    y = np.where(X["kind"] == "a", "no", np.where(X["count"] > 2, "perhaps", "yes"))
    return X, y


def fitted(objective=None, X=None, y=None, **parameters):
    defaults = {"hidden": (8, 6), "max_epochs": 6, "learning_rate": 1e-2, "random_state": 0}
    if X is None:
        X, y = table()
    return ObjectiveClassifier(objective, **(defaults | parameters)).fit(X, y)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("saved") / "model"
    save_classifier(fitted(), folder, about={"data": "a table"})
    return folder


@pytest.fixture
def model(saved, tmp_path):
    return shutil.copytree(saved, tmp_path / "model")


def change(folder, **fields):
    description = json.loads((folder / "model.json").read_text())
    (folder / "model.json").write_text(json.dumps(description | fields))


def change_numbers(folder, change_tensors):
    """Other numbers, with the checksum that belongs to them."""
    tensors = load_file(folder / "model.safetensors")
    change_tensors(tensors)
    content = save(tensors)
    (folder / "model.safetensors").write_bytes(content)
    change(folder, checksum=hashlib.sha256(content).hexdigest())


# --- Round trips ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("objective", "parameters"),
    [
        (None, {}),
        (GCELoss(q=0.3), {"metric": log_loss_metric, "class_weight": {"no": 2.5}, "patience": None}),
        (LegendreTronLoss, {"objective_parameters": {"width": 4}}),
        (ELRLoss, {"objective_parameters": {"strength": 2.0}, "encoder": TableEncoder(n_quantiles=20)}),
        (LogitAdjustmentLoss, {"class_weight": "balanced", "hidden": ()}),
        (SphericalZLoss, {"classes": ["no", "perhaps", "yes", "never"]}),
    ],
)
def test_a_loaded_classifier_predicts_the_same_to_the_bit(tmp_path, objective, parameters):
    X, y = table()
    classifier = fitted(objective, **parameters)
    save_classifier(classifier, tmp_path / "a" / "b", about={"rows": np.int64(150), "range": (0.0, float("inf"))})
    loaded = load_classifier(tmp_path / "a" / "b")
    assert sorted(path.name for path in (tmp_path / "a" / "b").iterdir()) == ["model.json", "model.safetensors"]
    assert loaded.about_ == {"rows": 150, "range": [0.0, float("inf")]}
    assert np.array_equal(loaded.class_scores(X), classifier.class_scores(X))
    assert np.array_equal(loaded.predict(X), classifier.predict(X))
    assert hasattr(loaded, "predict_proba") is hasattr(classifier, "predict_proba")
    if hasattr(classifier, "predict_proba"):
        assert np.array_equal(loaded.predict_proba(X), classifier.predict_proba(X))
    assert loaded.history_ == classifier.history_
    assert loaded.loss_.hyperparameters() == classifier.loss_.hyperparameters()
    for name, value in classifier.loss_.state_dict().items():
        assert torch.equal(loaded.loss_.state_dict()[name], value)
    assert loaded.feature_names_in_.tolist() == ["kind", "size", "count"]
    assert np.array_equal(loaded.class_counts_, classifier.class_counts_)
    # and is trained again as it was
    again = classifier.class_scores(X)
    assert np.array_equal(loaded.fit(X, y).class_scores(X), again)


def test_settings_come_back(tmp_path):
    X, _ = table()
    settings = {
        "weight_decay": 0.5,
        "batch_size": 32,
        "patience": 3,
        "validation_fraction": 0.3,
        "class_weight": {"no": 2.0},
        "metric": log_loss_metric,
        "random_state": 2**62,
    }
    save_classifier(fitted(**settings), tmp_path, about={})
    loaded = load_classifier(tmp_path)
    assert {name: getattr(loaded, name) for name in settings} == settings
    assert loaded.hidden == (8, 6)
    assert loaded.encoder == "auto"
    with_generator = fitted(random_state=np.random.default_rng(1))
    save_classifier(with_generator, tmp_path, about={})
    assert load_classifier(tmp_path).random_state is None
    assert np.array_equal(load_classifier(tmp_path).predict(X), with_generator.predict(X))


@pytest.mark.parametrize(
    "labels",
    [
        np.array([3, -1], dtype=np.int8),
        np.array([False, True]),
        np.array([0.0, 2.0]),
        np.array(["ja", "nein"]),
        np.array(["ja", "nein"], dtype=object),
        np.array([2**63, 5], dtype=np.uint64),
    ],
)
def test_labels_keep_their_type(tmp_path, labels):
    X = np.random.default_rng(0).normal(size=(40, 3))
    classifier = fitted(X=X, y=labels[(X[:, 0] > 0).astype(int)], encoder=None)
    save_classifier(classifier, tmp_path, about={})
    found = load_classifier(tmp_path)
    assert found.classes_.dtype == classifier.classes_.dtype
    assert np.array_equal(found.predict(X), classifier.predict(X))
    assert found.encoder is None
    assert found.encoder_ is None


def test_an_older_model_is_replaced(model):
    X, _ = table()
    other = fitted(GCELoss, random_state=5)
    save_classifier(other, model, about={"number": 2})
    assert load_classifier(model).about_ == {"number": 2}
    assert np.array_equal(load_classifier(model).class_scores(X), other.class_scores(X))
    assert len(list(model.iterdir())) == 2


def test_a_write_that_fails_leaves_the_older_model(model, monkeypatch):
    before = {path.name: path.read_bytes() for path in model.iterdir()}

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        save_classifier(fitted(GCELoss), model, about={})
    assert {path.name: path.read_bytes() for path in model.iterdir()} == before


# --- What cannot be saved ------------------------------------------------------------------------------------------


def foreign(scores, target):
    return F.cross_entropy(scores, target, reduction="none")


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"objective": foreign}, "trained with foreign cannot be saved"),
        ({"objective": nn.CrossEntropyLoss()}, "CrossEntropyLoss.* cannot be saved"),
        ({"module": nn.Linear}, "module of your own cannot be saved"),
        ({"encoder": StandardScaler()}, "encoder StandardScaler cannot be saved"),
    ],
)
def test_what_could_not_be_built_again_is_refused(tmp_path, parameters, words):
    X = np.random.default_rng(0).normal(size=(40, 3))
    classifier = fitted(X=X, y=np.arange(40) % 2, **parameters)
    with pytest.raises(InputError, match=words):
        save_classifier(classifier, tmp_path / "model", about={})
    assert not (tmp_path / "model").exists()


def test_a_description_that_json_cannot_hold_is_refused(tmp_path):
    classifier = fitted()
    for about in ({"when": object()}, {1: "one"}):
        with pytest.raises(InputError, match="description"):
            save_classifier(classifier, tmp_path / "model", about=about)
    assert not (tmp_path / "model").exists()


def test_a_place_that_is_no_folder_and_a_classifier_that_is_not_fitted(tmp_path):
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file", tmp_path / "file" / "model"):
        with pytest.raises(InputError, match="name a folder"):
            save_classifier(fitted(), place, about={})
    with pytest.raises(NotFittedError):
        save_classifier(ObjectiveClassifier(), tmp_path, about={})


# --- What cannot be loaded -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["model.json", "model.safetensors"])
def test_a_missing_file_is_named(model, name):
    (model / name).unlink()
    with pytest.raises(InputError, match=f"no model is saved in .*{name} is missing"):
        load_classifier(model)
    with pytest.raises(InputError, match=r"model.json is missing"):
        load_classifier(model / "nowhere")


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe\x00", b"[" * 100_000])
def test_a_description_that_is_no_json_is_refused(model, content):
    (model / "model.json").write_bytes(content)
    with pytest.raises(InputError, match="is damaged, it is no JSON"):
        load_classifier(model)


@pytest.mark.parametrize("schema", [0, 2, None, "1"])
def test_another_schema_is_refused(model, schema):
    change(model, schema=schema)
    with pytest.raises(InputError, match=r"has schema .* reads schema 1"):
        load_classifier(model)
    (model / "model.json").write_text("[]")
    with pytest.raises(InputError, match="has schema None"):
        load_classifier(model)


def test_damaged_numbers_are_refused(model):
    path = model / "model.safetensors"
    whole = path.read_bytes()
    flipped = bytearray(whole)
    flipped[-1] ^= 1
    for damaged in (b"", whole[:-1], whole[: len(whole) // 2], whole + b"\0", bytes(flipped)):
        path.write_bytes(damaged)
        with pytest.raises(InputError, match=r"is damaged or belongs to another model\.json"):
            load_classifier(model)


def test_numbers_of_another_model_are_refused(model, tmp_path):
    save_classifier(fitted(random_state=9), tmp_path / "other", about={})
    shutil.copy(tmp_path / "other" / "model.safetensors", model)
    with pytest.raises(InputError, match="belongs to another"):
        load_classifier(model)


def test_numbers_that_are_no_safetensors_are_refused_even_with_their_checksum(model):
    (model / "model.safetensors").write_bytes(b"not tensors")
    change(model, checksum=hashlib.sha256(b"not tensors").hexdigest())
    with pytest.raises(InputError, match="cannot be loaded"):
        load_classifier(model)


@pytest.mark.parametrize(
    "change_tensors",
    [
        lambda tensors: tensors.pop("network.0.weight"),
        lambda tensors: tensors.update({"network.0.weight": torch.zeros(2, 2)}),
        lambda tensors: tensors.update({"network.0.weight": tensors["network.0.weight"].double()}),
        lambda tensors: tensors.update({"network.9.weight": torch.zeros(2)}),
        lambda tensors: tensors.update({"loss.link": torch.zeros(2)}),
        lambda tensors: tensors.pop("class_counts"),
        lambda tensors: tensors.update({"class_counts": torch.ones(9)}),
        lambda tensors: tensors.pop("encoder.knots"),
        lambda tensors: tensors.update({"encoder.codes": tensors["encoder.codes"][1:].clone()}),
    ],
)
def test_numbers_that_do_not_fit_the_description_are_refused(model, change_tensors):
    change_numbers(model, change_tensors)
    with pytest.raises(InputError, match="cannot be loaded"):
        load_classifier(model)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"classes": {"dtype": "<U3", "values": ["no", "yes"]}}, "3 scores for 2 classes"),
        ({"classes": 3}, "cannot be loaded"),
        ({"network": {"widths": []}}, "cannot be loaded"),
        ({"network": {"widths": [1, 8, 6, 3]}}, "do not fit"),
        ({"network": {"widths": ["a", 3]}}, "cannot be loaded"),
        ({"n_features_in": 7}, "its 7 columns are encoded as"),
        ({"objective": {"id": "losses.noisy.zzz:zzz_loss", "slug": "z", "parameters": {}}}, "zzz_loss is not inst"),
        ({"objective": {"id": "", "slug": "gce", "parameters": {"q": 7.0}}}, "q must be in"),
        ({"encoder": None}, "3 columns are encoded as 3 inputs"),
        ({"settings": {}}, "cannot be loaded"),
        ({"history": {"epochs": 3}}, "cannot be loaded"),
    ],
)
def test_descriptions_that_do_not_hold_together_are_refused(model, fields, words):
    change(model, **fields)
    with pytest.raises(InputError, match=words):
        load_classifier(model)


def test_an_objective_that_has_moved_is_found_by_its_slug(model):
    X, _ = table()
    before = load_classifier(model).predict(X)
    change(model, objective={"id": "losses.elsewhere:renamed_loss", "slug": "cross-entropy", "parameters": {}})
    assert np.array_equal(load_classifier(model).predict(X), before)


# --- Regressors ----------------------------------------------------------------------------------------------------


def fitted_to_numbers(objective=None, columns=0, **parameters):
    defaults = {"hidden": (8, 6), "max_epochs": 3, "learning_rate": 1e-2, "random_state": 0}
    X, _ = table()
    y = 1e5 * (1 + X["count"] + np.nan_to_num(X["size"], nan=2.0) ** 2).to_numpy()
    y = np.column_stack([y / (k + 1) for k in range(columns)]) if columns else y
    return ObjectiveRegressor(objective, **(defaults | parameters)).fit(X, y), X, y


@pytest.mark.parametrize(
    "card", [card for card in cards("loss") if "predictions" in card.facts], ids=lambda card: card.name
)
def test_a_loaded_regressor_predicts_the_same_to_the_bit_with_every_loss(tmp_path, card):
    regressor, X, y = fitted_to_numbers(card.component)
    save_regressor(regressor, tmp_path, about={"name": card.name})
    loaded = load_regressor(tmp_path)
    predicted = regressor.predict(X)
    assert loaded.about_ == {"name": card.name}
    assert np.array_equal(loaded.predict(X), predicted)
    assert np.array_equal(loaded.network_outputs(X), regressor.network_outputs(X))
    assert loaded.history_ == regressor.history_
    assert loaded.value_facts_ == regressor.value_facts_
    assert loaded.target_summary_ == regressor.target_summary_
    assert loaded.loss_.hyperparameters() == regressor.loss_.hyperparameters()
    # and is trained again as it was
    assert np.array_equal(loaded.fit(X, y).predict(X), predicted)


@pytest.mark.parametrize("objective", [None, msle_loss])
@pytest.mark.parametrize("columns", [1, 3])
def test_regressors_with_columns_and_settings_come_back(tmp_path, objective, columns):
    settings = {"metric": mean_absolute_error_metric, "patience": 3, "validation_fraction": 0.3, "weight_decay": 0.5}
    regressor, X, _ = fitted_to_numbers(objective, columns, encoder=TableEncoder(n_quantiles=20), **settings)
    save_regressor(regressor, tmp_path, about={})
    loaded = load_regressor(tmp_path)
    assert loaded.predict(X).shape == (150, columns)
    assert np.array_equal(loaded.predict(X), regressor.predict(X))
    assert loaded.objective is (mse_loss if objective is None else objective)
    assert {name: getattr(loaded, name) for name in settings} == settings
    assert loaded.feature_names_in_.tolist() == ["kind", "size", "count"]


def absolute(pred, target):
    return F.l1_loss(pred, target, reduction="none")


@pytest.mark.parametrize(
    ("objective", "words"),
    [
        (absolute, "trained with absolute cannot be saved"),
        (Objective(absolute), "cannot be saved"),
        (Objective(mae_loss, scaling="none"), "cannot be saved"),
        (Objective(gaussian_nll_loss, predictions=lambda rows: rows[:, 0] * 2), "cannot be saved"),
    ],
)
def test_objectives_of_numbers_that_could_not_be_built_again_are_refused(tmp_path, objective, words):
    with pytest.raises(InputError, match=words):
        save_regressor(fitted_to_numbers(objective)[0], tmp_path / "model", about={})
    assert not (tmp_path / "model").exists()


def test_an_objective_that_adds_nothing_is_its_loss(tmp_path):
    regressor, X, _ = fitted_to_numbers(Objective(mae_loss))
    save_regressor(regressor, tmp_path, about={})
    assert np.array_equal(load_regressor(tmp_path).predict(X), regressor.predict(X))
    with pytest.raises(NotFittedError):
        save_regressor(ObjectiveRegressor(), tmp_path, about={})


def test_a_model_of_another_kind_is_named(model, tmp_path):
    with pytest.raises(InputError, match="is no regressor, but a classifier"):
        load_regressor(model)
    save_regressor(fitted_to_numbers()[0], tmp_path / "numbers", about={})
    with pytest.raises(InputError, match="is no classifier, but a regressor"):
        load_classifier(tmp_path / "numbers")
    # models of the first version did not say what they are
    description = json.loads((model / "model.json").read_text())
    del description["kind"]
    (model / "model.json").write_text(json.dumps(description))
    assert load_classifier(model).classes_.tolist() == ["no", "perhaps", "yes"]


@pytest.mark.parametrize(
    "change_tensors",
    [
        lambda tensors: tensors.pop("target.shift"),
        lambda tensors: tensors.update({"target.scale": tensors["target.scale"].float()}),
        lambda tensors: tensors.update({"target.scale": torch.ones(2, dtype=torch.float64)}),
        lambda tensors: tensors.update({"target.scale": torch.full((1,), torch.nan, dtype=torch.float64)}),
        lambda tensors: tensors.pop("output.shift"),
        lambda tensors: tensors.update({"output.scale": torch.ones(3, dtype=torch.float64)}),
        lambda tensors: tensors.pop("network.0.0.weight"),
    ],
)
def test_numbers_that_do_not_fit_a_regressor_are_refused(tmp_path, change_tensors):
    save_regressor(fitted_to_numbers(msle_loss)[0], tmp_path, about={})
    change_numbers(tmp_path, change_tensors)
    with pytest.raises(InputError, match="cannot be loaded"):
        load_regressor(tmp_path)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"target_shape": [2]}, "do not fit 2 targets"),
        ({"target_shape": "many"}, "cannot be loaded"),
        ({"targets": {"mean": 3}}, "cannot be loaded"),
        ({"objective": {"id": "", "slug": "gaussian-nll", "parameters": {}}}, "does not have 2 outputs for each of 1"),
        ({"objective": {"id": "", "slug": "cross-entropy", "parameters": {}}}, "must be a loss of numbers"),
        ({"kind": "orchestra"}, "is no regressor, but a orchestra"),
    ],
)
def test_descriptions_of_regressors_that_do_not_hold_together_are_refused(tmp_path, fields, words):
    save_regressor(fitted_to_numbers()[0], tmp_path, about={})
    change(tmp_path, **fields)
    with pytest.raises(InputError, match=words):
        load_regressor(tmp_path)
