"""What the page shows of numbers, ordered levels and labels."""

from __future__ import annotations

import copy
import re
from typing import Any

import numpy as np
import pytest

from minimand.workbench.report.evidence import label_rows, residual_limits, value_maps
from minimand.workbench.report.page import render_compare
from minimand.workbench.report.wording import lower_is_better, metric_title, scale_of

pytest.importorskip("matplotlib")


def of_kind(results: dict[str, Any], kind: str) -> dict[str, Any]:
    """The example as a comparison on another kind of target."""
    made = copy.deepcopy(results)
    rng = np.random.default_rng(0)
    data = made["data"] | {"problem": kind, "problem_why": "it is a number with 214 different values"}
    made["data"] = data
    if kind == "regression":
        data |= {"classes": [], "class_counts": []}
        data["diagnosis"] = {
            **{name: data["diagnosis"][name] for name in ("duplicate_rows", "conflicting_rows", "missing_cells")},
            "values": {
                "mean": 12.5, "deviation": 3.0, "skewness": 0.4, "quantiles": {"0": 1.0, "0.5": 12.0, "1": 30.0},
                "zero_share": 0.0, "lowest": 1.0, "highest": 30.0, "different": 214, "whole": False,
                "histogram": {"edges": [0.0, 10.0, 20.0], "counts": [40, 60], "below": 0, "above": 2},
                "map_edges": [0.0, 10.0, 20.0, 30.0],
                "outlying": {"rows": 1, "share": 0.01, "deviation": 1.0, "method": "Errors of a plain model.",
                             "examples": [{"row": 7, "given": 30.0, "predicted": 9.0, "values": {"<b>x</b>": "1"}}]},
            },
        }  # fmt: skip
        made["metric"] = {
            "name": "root-mean-squared-error", "title": "root mean squared error", "higher_is_better": False,
            "relative": True, "relative_to": made["objectives"][0]["mean"], "why": "the default of numbers",
        }  # fmt: skip
        made["decision"]["reference_words"] = "squared error"
        for arm in made["objectives"]:
            tenths = [
                {"count": 10, "predicted": 3.0 * i, "true": 3.0 * i, "quantiles": [-2.0, -1.0, 0.1 * i, 1.0, 2.0]}
                for i in range(10)
            ]
            arm["reliability"] = None
            arm["residuals"] = {"map": [[4, 1, 0], [1, 5, 1], [0, 1, 6]], "tenths": tenths, "below": 0.52}
            arm |= {"predicts": "mean", "quantile": None}
    elif kind == "ordinal":
        size = len(data["classes"])
        for arm in made["objectives"]:
            arm["map"] = rng.integers(0, 50, size=size * size).tolist()
    else:
        data["diagnosis"] |= {"labels_a_row": 1.4, "rows_without_label": 12, "label_noise": None}
        for arm in made["objectives"]:
            arm["labels"] = {"hits": [30, 0], "claimed": [40, 0], "present": [60, 0]}
    return made


@pytest.mark.parametrize("kind", ["regression", "ordinal", "multi-label"])
def test_the_page_of_each_kind_is_whole(small: dict[str, Any], kind: str) -> None:
    page = render_compare(of_kind(small, kind))
    assert page.count("<section") == page.count("</section>")
    assert page.count("<figure>") == page.count("</figure>")
    assert 'id="predictions"' in page
    idents = re.findall(r'\sid="([^"]+)"', page)
    assert len(idents) == len(set(idents))
    for target in re.findall(r'href="#([\w-]+)"', page.split("</header>")[0]):
        assert f'id="{target}"' in page


def test_a_page_of_numbers_speaks_of_numbers(small: dict[str, Any]) -> None:
    page = render_compare(of_kind(small, "regression"))
    for words in ("Histogram of the target", "Errors by tenth", "Outlying rows", "Paired differences to squared error"):
        assert words in page
    for words in ("Reliability of the probabilities", "Rows of each class", "Suspected wrong labels"):
        assert words not in page
    assert "<b>x</b>" not in page  # a column's name is text
    assert "The 8 columns used" in page


def test_a_page_of_labels_has_the_f1_of_each(small: dict[str, Any]) -> None:
    results = of_kind(small, "multi-label")
    found = label_rows(results)
    assert found is not None
    assert found["rows"][0]["f1"][0] == pytest.approx(2 * 30 / 100)
    assert found["rows"][1]["f1"][0] is None
    assert "Suspected wrong labels" not in render_compare(results)
    assert label_rows(small) is None


def test_pages_of_classes_have_no_predictions(small: dict[str, Any]) -> None:
    assert 'id="predictions"' not in render_compare(small)
    assert value_maps(small) == []


def test_a_diverged_objective_does_not_squeeze_the_errors_of_others() -> None:
    def arm(slug: str, reach: float) -> dict[str, Any]:
        tenth = {"quantiles": [-reach, -1.0, 0.0, 1.0, reach]}
        return {"slug": slug, "residuals": {"tenths": [tenth]}}

    low, high = residual_limits([arm("mse", 2.0), arm("poisson", 1e9)], "mse")
    assert -7 < low < -5
    assert 5 < high < 7


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (53.5612, "53.56"),
        (0.012345, "0.01235"),
        (48213.4, "48213"),
        (1.5e-7, "1.500e−7"),
        (2.0e9, "2.000e+09"),
        (0.0, "0.0000"),
    ],
)
def test_errors_have_significant_digits_whatever_their_unit(value: float, text: str) -> None:
    written = scale_of("root-mean-squared-error").value(value)
    assert written.replace("e−07", "e−7") == text


def test_differences_of_errors_are_percentages_of_the_reference() -> None:
    scale = scale_of("root-mean-squared-error")
    assert scale.gap(0.0137) == "+1.37"
    assert scale.size(-0.005) == "0.50"
    assert scale.mean_sd(53.5612, 1.6345) == "53.56 ± 1.63"
    assert scale.of_gaps().factor == 100.0
    assert scale_of("accuracy").gap(0.01) == "+1.00"
    assert scale_of("r2").gap(0.01) == "+0.0100"


def test_metrics_of_all_kinds_have_titles_and_a_direction() -> None:
    assert metric_title("root-mean-squared-error") == "root mean squared error"
    assert metric_title("accuracy") == "accuracy"
    assert metric_title("unheard-of") == "unheard-of"
    assert lower_is_better("root-mean-squared-error")
    assert not lower_is_better("r2")
    assert not lower_is_better("accuracy")
    assert lower_is_better("log-loss")
