"""The drawings: which range they show, and what lies outside it."""

from __future__ import annotations

import pytest

from minimand.workbench.report.plots import Row, class_counts, curve_limits, strip, window
from minimand.workbench.report.wording import scale_of


def row(*points: float, kind: str = "better") -> Row:
    return Row("name", kind, points, sum(points) / len(points), None, "text")


def test_the_window_holds_all_rows_that_lie_together() -> None:
    low, high = window([row(0.80, 0.82), row(0.81, 0.84), row(0.79, 0.80)])
    assert 0.78 < low < 0.79
    assert 0.84 < high < 0.85


def test_a_row_far_off_does_not_squeeze_the_others() -> None:
    low, _ = window([row(0.80, 0.82), row(0.81, 0.84), row(0.79, 0.80), row(0.31, 0.33)])
    assert low > 0.78


def test_the_window_holds_the_region_of_practical_equivalence() -> None:
    low, high = window([row(0.001, 0.002)], also=[-0.005, 0.005])
    assert low < -0.005
    assert high > 0.005


@pytest.mark.parametrize(
    "rows", [[], [row(0.5)], [row(0.5, 0.5), row(0.5, 0.5)], [Row("n", "row", (), None, None, "")]]
)
def test_a_window_is_never_empty(rows: list[Row]) -> None:
    low, high = window(rows)
    assert low < high


def test_a_row_outside_is_an_arrow_and_its_text_stays() -> None:
    rows = [row(0.80, 0.82), row(0.81, 0.84), row(0.79, 0.80), Row("majority", "row", (0.3,), 0.3, None, "30.00")]
    options = {"title": "t", "description": "d", "scale": scale_of("accuracy"), "axis": "accuracy", "line": None}
    picture = strip(rows, ident="s", **options)
    for drawn in (picture.wide, picture.narrow):
        assert ">30.00</text>" in drawn
        assert ">30</text>" not in drawn  # no tick as far out
    assert picture.wide != picture.narrow


def test_ticks_fall_on_round_numbers_of_the_written_unit() -> None:
    rows = [Row("a", "better", (0.002, 0.013), 0.0075, (0.001, 0.014), "+0.75")]
    options = {"title": "t", "description": "d", "scale": scale_of("accuracy"), "axis": "points", "line": 0.0}
    drawn = strip(rows, ident="s", region=0.005, **options).wide
    for tick in ("−0.5", "0.0", "+0.5", "+1.0"):
        assert f">{tick}</text>" in drawn


def test_learning_curves_share_a_range_that_leaves_out_the_start() -> None:
    mean = [0.1, *[0.80 + 0.001 * k for k in range(19)]]
    curve = {"epochs": list(range(1, 21)), "mean": mean, "low": mean, "high": mean}
    low, high, last = curve_limits([curve], higher_is_better=True)
    assert 0.79 < low < 0.802
    assert high > 0.818
    assert last == 20
    falling = {**curve, **{key: [1 - v for v in mean] for key in ("mean", "low", "high")}}
    low, high, _ = curve_limits([falling], higher_is_better=False)
    assert low < 0.182
    assert 0.198 < high < 0.21


def test_beyond_twenty_classes_the_rest_is_one_bar() -> None:
    picture = class_counts(
        [f"c{k}" for k in range(25)], [100 - k for k in range(25)], ident="c", title="t", description="d"
    )
    assert ">5 more classes</text>" in picture.wide
    assert f">{sum(100 - k for k in range(20, 25))}  (" in picture.wide
    assert ">c19</text>" in picture.wide
    assert ">c20</text>" not in picture.wide
