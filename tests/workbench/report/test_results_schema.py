"""docs/results.schema.json: what a results.json of `compare` must hold."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

jsonschema = pytest.importorskip("jsonschema")
SCHEMA = json.loads((Path(__file__).parents[3] / "docs" / "results.schema.json").read_text(encoding="utf-8"))


def faults(results: dict[str, Any]) -> list[str]:
    validator = jsonschema.Draft202012Validator(SCHEMA)
    return [error.json_path for error in validator.iter_errors(json.loads(json.dumps(results)))]


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("options", [{}, {"resamples": 1}, {"objectives": 12, "resamples": 20, "classes": 200}])
def test_the_example_results_are_valid(examples: Any, options: dict[str, int]) -> None:
    assert faults(examples.example_results(**options)) == []
    assert faults(examples.hostile_results()) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("schema",), 2),
        (("job",), "forecast"),
        (("objectives", 1, "verdict"), "best"),
        (("objectives", 1, "interval95"), [0.1]),
        (("objectives", 1, "mean"), "0.85"),
        (("objectives", 1, "bayes", "better"), 85.0),
        (("decision", "boosting_wins"), "no"),
        (("data", "class_counts", 0), -1),
        (("plan", "notes"), None),
        (("data", "diagnosis", "label_noise", "share"), 2.5),
    ],
)
def test_a_wrong_value_is_found_where_it_stands(results: dict[str, Any], path: tuple[Any, ...], value: Any) -> None:
    wrong = copy.deepcopy(results)
    place: Any = wrong
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    found = faults(wrong)
    assert found
    assert all(fault.startswith(f"$.{path[0]}") for fault in found)


@pytest.mark.parametrize("key", ["decision", "objectives", "references", "plan", "reproduce", "metric", "timings"])
def test_nothing_may_be_missing(results: dict[str, Any], key: str) -> None:
    wrong = copy.deepcopy(results)
    del wrong[key]
    assert faults(wrong) == ["$"]
