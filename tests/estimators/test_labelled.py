"""Rows on their way to a training: shares of the validation rows, and the order by content."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from minimand.estimators.labelled import Labelled, class_codes, order_by_content, stratified_split


@pytest.mark.parametrize(
    ("counts", "fraction", "held"),
    [
        ([100, 100], 0.2, [20, 20]),
        ([90, 10], 0.25, None),  # 22.5 and 2.5: 25 rows in all, a tie that chance breaks
        ([119, 1], 0.2, [24, 0]),
        ([200, 1, 1, 1], 0.5, [100, 0, 0, 0]),
        ([100, 0, 100], 0.2, [20, 0, 20]),
    ],
)
def test_each_class_gives_its_share_and_keeps_a_row(counts, fraction, held):
    codes = np.random.default_rng(0).permutation(np.repeat(np.arange(len(counts)), counts))
    split = stratified_split(codes, fraction, seed=1)
    assert split is not None
    assert sorted(np.concatenate(split)) == list(range(len(codes)))
    found = np.bincount(codes[split[1]], minlength=len(counts))
    if held is None:
        assert found.sum() in (25, 24)
        assert np.abs(found - fraction * np.array(counts)).max() <= 0.5
    else:
        assert np.abs(found - held).max() <= 1
        assert found.tolist()[1:] == held[1:]


def test_the_rows_held_out_are_drawn_by_the_seed():
    codes = np.arange(200) % 2
    first, again, other = (stratified_split(codes, 0.2, seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(first[1], again[1])
    assert not np.array_equal(first[1], other[1])
    # not the first rows, nor the last
    assert first[1].min() < 50
    assert first[1].max() > 150


@pytest.mark.parametrize(("n", "fraction"), [(97, 0.2), (1000, 0.0), (30, 0.5), (2, 0.9)])
def test_too_few_rows_are_not_held_out(n, fraction):
    assert stratified_split(np.arange(n) % 2, fraction, seed=0) is None


def test_the_order_follows_the_content():
    rng = np.random.default_rng(0)
    x = rng.integers(-3, 3, size=(9000, 5)).astype(np.float32)  # more than is hashed at once, with many equal rows
    codes = rng.integers(0, 3, 9000)
    weight = rng.random(9000)
    shuffle = rng.permutation(9000)
    order, shuffled = order_by_content(x, codes, weight), order_by_content(x[shuffle], codes[shuffle], weight[shuffle])
    assert sorted(order) == list(range(9000))
    assert np.array_equal(x[order], x[shuffle][shuffled])
    assert np.array_equal(codes[order], codes[shuffle][shuffled])
    assert np.array_equal(weight[order], weight[shuffle][shuffled])
    # each kind of row stands in one stretch
    rows = np.column_stack([x, codes])[order]
    stretches = 1 + (rows[1:] != rows[:-1]).any(1).sum()
    assert stretches == len(np.unique(rows, axis=0))


def test_rows_of_a_frame_keep_its_columns():
    frame = pd.DataFrame({"a": [1, 2, 3], "b": ["x", "y", "z"]}, index=[7, 7, 9])
    rows = Labelled.checked(frame, np.array([0, 1, 0]), [0, 2, 1], name="sample_weight").repeated()
    assert rows.table["b"].tolist() == ["y", "y", "z"]
    assert rows.y.tolist() == [1, 1, 0]
    assert rows.weight is None


def test_labels_that_are_no_classes_are_named():
    classes = np.array(["a", "c"])
    assert class_codes(np.array(["c", "a"]), classes, name="y").tolist() == [1, 0]
    for label in ("", "b", "d"):
        with pytest.raises(ValueError, match=f"y must hold the classes .* only, got .*'{label}'.* in row 1"):
            class_codes(np.array(["a", label]), classes, name="y")
    with pytest.raises(ValueError, match="y must hold"):
        class_codes(np.array([1, 2]), classes, name="y")
