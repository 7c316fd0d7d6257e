"""The whole of `compare` on numbers, ordered levels and labels: what it trains, writes, shows and predicts."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

from minimand.errors import InputError
from minimand.workbench.compare.predict import predict
from minimand.workbench.compare.run import Comparison, compare
from minimand.workbench.report.page import render_compare
from tests.workbench.compare.datasets import columns

SMALL = {"resamples": 5, "configurations": 2}
SCHEMA = Path(__file__).parents[3] / "docs" / "results.schema.json"


def table(rows: int, seed: int, kind: str) -> dict[str, Any]:
    found = columns(rows, classes=4, seed=seed)
    label = found.pop("label")
    noise = np.random.default_rng(seed + 1).normal(size=rows)
    if kind == "regression":
        found["y"] = 50 + 20 * found["x"] + 10 * found["z"] ** 2 + 3 * noise
        found["w"] = np.linspace(0.5, 2.0, rows)
    elif kind == "ordinal":
        found["y"] = np.array([int(name.split()[1]) for name in label])
    else:
        found["a"] = (found["x"] > 0).astype(int)
        found["b"] = np.where(found["z"] + 0.3 * noise > 0.5, "yes", "no").astype(object)
    return found


def write(path: Path, found: dict[str, Any]) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(found)
        writer.writerows(["" if cell is None else cell for cell in row] for row in zip(*found.values(), strict=True))
    return path


CASES: dict[str, dict[str, Any]] = {
    "regression": {"target": "y", "weight": "w", "objective": ("mae", "quantile")},
    "ordinal": {"target": "y", "task": "ordinal", "objective": ("focal",)},
    "multi-label": {"target": ["a", "b"], "objective": ("asymmetric",)},
}


@pytest.fixture(scope="module", params=CASES)
def done(request: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Comparison]:
    kind = request.param
    folder = tmp_path_factory.mktemp(kind)
    data = write(folder / "data.csv", table(150, 0, kind))
    far = table(40, 1, kind)
    if kind == "regression":
        far["y"] = far["y"] * 3 + 500  # a test file may have another range
    test = write(folder / "test.csv", far)
    options = {**SMALL, **CASES[kind], "test": str(test), "out": str(folder / "out")}
    return kind, compare(data, options.pop("target"), **options)


def test_the_results_keep_their_schema_and_can_be_drawn_again(done):
    kind, found = done
    jsonschema.validate(found.results, json.loads(SCHEMA.read_text()))
    assert found.results["data"]["problem"] == kind
    assert found.report.read_text() == render_compare(found.results)


def test_the_reference_is_that_of_the_problem(done):
    kind, found = done
    reference = {"regression": "mse", "ordinal": "cross-entropy", "multi-label": "binary-cross-entropy"}[kind]
    words = {"regression": "squared error", "ordinal": "cross entropy", "multi-label": "binary cross entropy"}[kind]
    assert found.results["decision"]["reference"] == reference
    assert words in found.sentence
    page = found.report.read_text()
    assert f"Paired differences to {words}" in page
    assert kind != "regression" or "over cross entropy" not in page


def test_it_learns_and_the_models_beside_it_do_too(done):
    kind, found = done
    means = {row["name"]: row["mean"] for row in found.results["references"]}
    arms = {arm["slug"]: arm for arm in found.results["objectives"]}
    reference = arms[found.results["decision"]["reference"]]
    plain = means["constant" if kind == "regression" else "majority"]
    assert reference["mean"] < 0.9 * plain if kind != "multi-label" else reference["mean"] > 1.2 * plain
    assert len(means) == 3


def test_differences_are_those_of_the_paired_scores(done):
    kind, found = done
    arms = {arm["slug"]: arm for arm in found.results["objectives"]}
    reference = arms[found.results["decision"]["reference"]]
    for name, arm in arms.items():
        if name == reference["slug"]:
            continue
        gaps = np.subtract(arm["scores"], reference["scores"])
        sign = 1.0 if found.results["metric"]["higher_is_better"] else -1.0
        unit = reference["mean"] if kind == "regression" else 1.0
        assert arm["difference"] == pytest.approx(sign * gaps.mean() / unit)
    assert found.results["metric"]["relative_to"] == (reference["mean"] if kind == "regression" else None)


def test_what_is_shown_beside_the_metrics(done):
    kind, found = done
    arms = found.results["objectives"]
    page = found.report.read_text()
    assert 'id="predictions"' in page
    if kind == "regression":
        assert all(sum(map(sum, arm["residuals"]["map"])) == 5 * 30 for arm in arms)
        assert {arm["slug"]: arm["quantile"] for arm in arms} == {"mse": None, "mae": 0.5, "quantile": 0.5}
        assert 'id="reliability"' not in page
        assert "Histogram of the target" in page
    elif kind == "ordinal":
        assert all(sum(arm["map"]) == 5 * 30 for arm in arms)
        assert 'id="reliability"' in page
    else:
        assert all(len(arm["labels"]["hits"]) == 2 for arm in arms)
        assert "F1 of each label" in page


def test_the_test_file_is_judged(done):
    kind, found = done
    judged = found.results["test_file"]
    assert judged["rows"] == 40
    metric = found.results["metric"]["name"]
    assert all(values[metric] is not None for values in judged["metrics"].values())
    if kind == "regression":  # of another range: as bad as it is, and said
        assert judged["metrics"]["mse"][metric] > 3 * found.results["objectives"][0]["mean"]


def test_the_script_reproduces_the_reported_figure(done):
    _, found = done
    ran = subprocess.run([sys.executable, str(found.out / "train.py")], capture_output=True, text=True, check=True)
    mean, reported = (ran.stdout.strip().splitlines()[-1].split()[i].strip(",") for i in (2, 4))
    assert mean == reported


def test_the_model_predicts_a_file_without_a_target(done, tmp_path):
    kind, found = done
    new = table(30, 2, kind)
    targets = CASES[kind]["target"]
    truth = {name: new.pop(name) for name in ([targets] if isinstance(targets, str) else targets)}
    new.pop("w", None)
    lines = list(csv.DictReader(io.StringIO(predict(found.out, write(tmp_path / "new.csv", new)))))
    assert len(lines) == 30
    if kind == "regression":
        assert set(lines[0]) == {"row", "prediction"}
        predicted = np.array([float(line["prediction"]) for line in lines])
        assert np.corrcoef(predicted, truth["y"])[0, 1] > 0.8
    elif kind == "ordinal":
        assert {line["prediction"] for line in lines} <= {"0", "1", "2", "3"}
        assert "probability of 3" in lines[0]
    else:
        assert set(lines[0]) == {"row", "a", "b", "probability of a", "probability of b"}
        assert np.mean([int(line["a"]) == value for line, value in zip(lines, truth["a"], strict=True)]) > 0.8


# --- Messy numbers ---------------------------------------------------------------------------------------------------


def test_mostly_zero_numbers_by_time_and_an_outlying_one_by_group(tmp_path):
    found = columns(160)
    del found["label"]
    found["claim"] = np.where(found["x"] > 1.2, 100 * np.exp(found["z"]), 0.0)
    found["day"] = np.arange(160.0)
    by_time = compare(found, "claim", time="day", objective=("tweedie",), out=str(tmp_path / "t"), **SMALL)
    assert by_time.results["data"]["diagnosis"]["values"]["zero_share"] > 0.8
    assert len(by_time.results["objectives"][1]["scores"]) == 5
    assert by_time.report.exists()
    del found["day"]
    found["customer"] = np.array([f"c{row // 4}" for row in range(160)], dtype=object)
    found["claim"] = 10 * found["x"] + found["z"]
    found["claim"][7] = 1000.0
    options = {"objective": ("mae",), "no_examples": True, **SMALL}
    by_group = compare(found, "claim", group="customer", out=str(tmp_path / "g"), **options)
    assert "by size of the target" in by_group.results["plan"]["split"]
    outlying = by_group.results["data"]["diagnosis"]["values"]["outlying"]
    assert outlying["rows"] >= 1
    assert outlying["examples"] == []


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"target": "y", "objective": ("gamma",), "drop": ("zero",)}, "gamma cannot be compared so"),
        ({"target": "y", "objective": ("gce",)}, "gce serves binary, multiclass targets, and these are numbers"),
        ({"target": "y", "metric": "accuracy"}, "'accuracy' does not judge numbers"),
        ({"target": "y", "task": "sums"}, "--task must be one of"),
        ({"target": "y", "task": "classification"}, "needs 8 to be resampled|more than the 200 classes"),
        ({"target": ["y", "zero"]}, "the label 'y' has"),
        ({"target": ["zero", "zero"]}, "given twice"),
        ({"target": "colour", "task": "regression"}, "which is no finite number"),
        ({"target": "zero", "task": "regression"}, "is 0 in every row"),
    ],
)
def test_bad_input_is_one_sentence_and_leaves_nothing_behind(options, words, tmp_path):
    found = columns(120)
    del found["label"]
    found["colour"] = np.array(["red" if value is None else value for value in found["colour"]], dtype=object)
    found |= {"y": found["x"] + found["z"], "zero": np.zeros(120)}
    with pytest.raises(InputError, match=words) as caught:
        compare(found, options.pop("target"), out=str(tmp_path / "out"), **{**SMALL, **options})
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()
