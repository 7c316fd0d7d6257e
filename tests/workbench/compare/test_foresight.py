"""What `--detect` does to a comparison, and what is said of power."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from minimand.errors import InputError
from minimand.workbench.compare.foresight import amount, recommendation_sentence
from minimand.workbench.compare.options import Options, difference, options_from_toml
from minimand.workbench.compare.progress import Silent
from minimand.workbench.compare.run import compare
from tests.workbench.compare.datasets import columns

SCHEMA = Path(__file__).parents[3] / "docs" / "results.schema.json"
RECORDED = {
    "difference": 0.02,
    "comparisons": 3,
    "pilot": 5,
    "deviation": 0.02,
    "degrees": 8.0,
    "resamples": None,
    "most": 100,
    "detectable_by_most": 0.031,
    "rows_needed": 4321,
}


class Heard(Silent):
    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, text: str) -> None:
        self.said.append(text)


@pytest.mark.parametrize(("text", "value"), [("2%", 0.02), (" 0.5 %", 0.005), ("0.02", 0.02), ("1e-3", 0.001)])
def test_differences_are_read(text, value):
    assert difference(text) == pytest.approx(value)


@pytest.mark.parametrize("text", ["", "%", "two", "2%%", "2 points"])
def test_other_differences_are_refused(text):
    with pytest.raises(InputError, match=r"--detect must be a difference such as 2% or 0\.02"):
        difference(text)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"detect": 0.005}, "--detect must be more than --rope"),
        ({"detect": float("nan")}, "--detect"),
        ({"detect": 0.02, "resamples": 20}, "--detect or --resamples, not both"),
        ({"detect": 0.02, "time": "day"}, "--detect cannot choose the stretches of --time"),
    ],
)
def test_options_that_do_not_go_together_are_refused(options, words):
    with pytest.raises(InputError, match=words):
        Options(**options)


def test_a_configuration_file_may_say_it_in_percent(tmp_path):
    file = tmp_path / "options.toml"
    file.write_text("detect = '2%'")
    assert options_from_toml(str(file)) == {"detect": pytest.approx(0.02)}
    assert "--detect 0.02" in Options(detect=0.02).command()


def test_the_number_or_what_helps_instead_is_said():
    assert amount("accuracy", 0.02) == "2.00 points of accuracy"
    assert amount("log-loss", 0.02) == "0.0200 of log loss"
    refused = recommendation_sentence(RECORDED, "accuracy")
    assert "no number of resamples of these rows finds a gain of 2.00 points of accuracy with 80 % power" in refused
    assert "100 find 3.10 points of accuracy, and what helps is more rows (at least 4,321) or fewer" in refused
    assert "fewer" not in recommendation_sentence(RECORDED | {"comparisons": 1}, "accuracy")
    found = recommendation_sentence(RECORDED | {"resamples": 17}, "accuracy")
    assert found.startswith("17 resamples were recommended by the first 5 resamples")


def test_the_recommended_number_is_used_and_kept(tmp_path):
    heard = Heard()
    asked = {"objective": ("gce",), "configurations": 2, "detect": 0.2, "out": str(tmp_path / "out")}
    first = compare(columns(300), "label", progress=heard, **asked)
    jsonschema.validate(first.results, json.loads(SCHEMA.read_text()))
    power = first.results["power"]
    number = power["detect"]["resamples"]
    assert number is not None
    assert first.results["plan"]["resamples"] == first.results["plan"]["confirmation_resamples"] == number
    assert power["after"]["resamples"] == number
    assert power["before"] is None
    assert any("training 5 resamples to see how many" in said for said in heard.said)
    assert any(said.startswith(f"{number} resamples were recommended") for said in heard.said)
    assert any("find a true gain of" in line for line in first.results["decision"]["details"])
    assert "find a true gain of" in first.report.read_text()
    again = compare(columns(300), "label", **asked)
    assert again.results["power"] == power


def test_without_it_the_plan_says_what_it_can_find(tmp_path):
    heard = Heard()
    asked = {"objective": ("gce",), "configurations": 2, "resamples": 5, "out": str(tmp_path / "out")}
    found = compare(columns(150), "label", progress=heard, **asked)
    before = found.results["power"]["before"]
    assert before["resamples"] == 5
    assert before["deviation"] == pytest.approx((0.1 / 30) ** 0.5)
    assert found.results["power"]["detect"] is None
    assert any(said.startswith("5 resamples find a true gain of") and "a guess" in said for said in heard.said)
