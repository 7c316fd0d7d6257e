"""The look at the data: repeats, contradictions, imbalance, and doubtful labels with their false-alarm rate."""

from __future__ import annotations

import json

import numpy as np
import pytest

from minimand.workbench.tables import diagnose, from_arrays, from_columns, prepare, read_table
from minimand.workbench.tables.diagnosis import disagreement_floor, suspect


def test_repeats_and_contradictions_against_a_slow_count():
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 4, 200).astype(float), np.array(["u", "v", None], dtype=object)[rng.integers(0, 3, 200)]
    a[rng.random(200) < 0.1] = np.nan
    a[:3] = 0.0, -0.0, 0.0
    y = rng.integers(0, 2, 200)
    found = diagnose(prepare(from_columns({"a": a, "b": b, "y": y}), target="y"), examples=0)
    rows = [(("nan" if np.isnan(v) else v + 0.0), w) for v, w in zip(a.tolist(), b.tolist(), strict=True)]
    seen: set = set()
    duplicates = 0
    for row, label in zip(rows, y.tolist(), strict=True):
        duplicates += (row, label) in seen
        seen.add((row, label))
    conflicting = sum((row, 1 - label) in seen for row, label in zip(rows, y.tolist(), strict=True))
    assert found["duplicate_rows"] == duplicates
    assert found["conflicting_rows"] == conflicting
    assert found["missing_cells"] == int(np.isnan(a).sum()) + sum(value is None for value in b)


def test_no_repeats_among_different_rows():
    X = np.random.default_rng(0).normal(size=(500, 2))
    found = diagnose(prepare(from_arrays(X, X[:, 0] > X[:, 1])))
    assert (found["duplicate_rows"], found["conflicting_rows"]) == (0, 0)


def test_imbalance():
    X = np.random.default_rng(0).normal(size=(400, 2))
    found = diagnose(prepare(from_arrays(X, np.arange(400) >= 300)))
    assert found["largest_class_share"] == 0.75
    assert found["imbalance_ratio"] == 3.0


def blobs(*, separation: float, wrong: float, n: int = 1200, k: int = 3, seed: int = 0):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, k, n)
    X = np.eye(k, 5)[y] * separation + rng.normal(size=(n, 5))
    flipped = rng.random(n) < wrong
    return prepare(from_arrays(X, np.where(flipped, (y + rng.integers(1, k, n)) % k, y))), flipped


def test_wrong_labels_on_separated_classes_are_found_and_exceed_the_false_alarms():
    dataset, flipped = blobs(separation=7.0, wrong=0.15)
    noise = diagnose(dataset, examples=40)["label_noise"]
    assert abs(noise["share"] - flipped.mean()) < 0.02
    assert noise["false_alarm_rate"] < 0.7 * noise["share"]
    assert all(flipped[example["row"]] for example in noise["examples"])
    assert all(example["given"] != example["suggested"] for example in noise["examples"])
    assert len(noise["examples"]) == 40
    json.dumps(noise)


@pytest.mark.parametrize("separation", [1.0, 2.0, 4.0])
def test_overlap_without_a_wrong_label_is_explained_by_the_false_alarms(separation):
    excess = []
    for seed in range(4):
        noise = diagnose(blobs(separation=separation, wrong=0.0, seed=seed)[0])["label_noise"]
        excess.append(noise["share"] - noise["false_alarm_rate"])
    assert np.mean(excess) < 0.03


def test_few_rows_allow_no_statement():
    assert diagnose(blobs(separation=3.0, wrong=0.0, n=30)[0])["label_noise"] is None


def test_rare_classes_categories_and_missing_cells_do_not_stop_it():
    rng = np.random.default_rng(0)
    n = 200
    y = rng.integers(0, 2, n).astype(str)
    y[:2] = "rare"
    color = np.array(["red", "blue", None], dtype=object)[rng.integers(0, 3, n)]
    x = np.where(rng.random(n) < 0.2, np.nan, rng.normal(size=n) + (y == "1"))
    noise = diagnose(prepare(from_columns({"x": x, "color": color, "y": y}), target="y"), examples=3)["label_noise"]
    assert noise is not None
    assert set(noise["examples"][0]["values"]) == {"x", "color"}


def test_groups_are_not_split():
    dataset, _ = blobs(separation=3.0, wrong=0.1, n=300)
    from dataclasses import replace

    assert diagnose(replace(dataset, groups=np.arange(300) % 3))["label_noise"] is None  # fewer groups than folds
    assert diagnose(replace(dataset, groups=np.arange(300) % 30))["label_noise"] is not None


def test_the_seed_decides_and_examples_can_be_left_out():
    dataset, _ = blobs(separation=2.0, wrong=0.1, n=300)
    assert diagnose(dataset, seed=3) == diagnose(dataset, seed=3)
    assert diagnose(dataset, examples=0)["label_noise"]["examples"] == []


def test_examples_name_rows_of_the_table_not_of_the_dataset():
    X = np.r_[np.random.default_rng(0).normal(size=(100, 2)) + 8, np.random.default_rng(1).normal(size=(100, 2)) - 8]
    labels = ["a"] * 100 + ["b"] * 100
    labels[150] = "a"
    table = from_columns({"u": X[:, 0], "v": X[:, 1], "y": [None] * 10 + labels[10:]})
    noise = diagnose(prepare(table, target="y", drop_missing_target=True))["label_noise"]
    assert [example["row"] for example in noise["examples"]] == [150]
    assert noise["examples"][0]["suggested"] == "b"


def test_the_rule_by_hand():
    probabilities = np.array([[0.9, 0.1], [0.7, 0.3], [0.2, 0.8], [0.45, 0.55], [0.95, 0.05]])
    labels = np.array([0, 0, 1, 1, 1])
    # thresholds: class 0 is (0.9 + 0.7) / 2 = 0.8, class 1 is (0.8 + 0.55 + 0.05) / 3 = 0.467.
    suspected, suggested = suspect(probabilities, labels)
    assert suspected.tolist() == [False, False, False, False, True]
    assert suggested[4] == 0


def test_the_floor_needs_a_plateau():
    rng = np.random.default_rng(0)
    confidence = np.linspace(0.5, 1.0, 4000)
    overlap = (rng.random(4000) > confidence).astype(np.int64)
    flat = (rng.random(4000) < 0.1).astype(np.int64)
    probabilities = np.c_[confidence, 1 - confidence]
    assert disagreement_floor(probabilities, overlap) == 0.0
    assert 0.05 < disagreement_floor(probabilities, flat) < 0.1


def test_a_bundled_set_with_a_fifth_of_its_labels_wrong():
    noise = diagnose(prepare(read_table("noisy-blobs")))["label_noise"]
    assert noise["false_alarm_rate"] < noise["share"] - 0.03
    clean = diagnose(prepare(read_table("iris")))["label_noise"]
    assert clean["share"] <= clean["false_alarm_rate"] + 0.02
