"""Tables from arrays, dictionaries and data frames."""

from __future__ import annotations

import numpy as np
import pytest

from minimand.errors import InputError
from minimand.workbench.tables import as_table, from_arrays, from_columns, prepare


def test_a_pair_of_arrays():
    X, y = np.arange(12.0).reshape(6, 2), np.array([0, 1, 0, 1, 0, 1])
    table = as_table((X, y))
    assert list(table.columns) == ["0", "1", "target"]
    assert table.target == "target"
    assert table.resolve(-1, role="--target") == "target"
    assert prepare(table).classes == ["0", "1"]


def test_a_data_frame_reads_like_the_file_it_would_write(tmp_path):
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(
        {
            "n": [1.5, None, 3.0] * 4,
            "whole": [1, 2, 3] * 4,
            "text": [" a ", None, "NA"] * 4,
            "category": pd.Categorical(["u", "v", None] * 4),
            "flag": [True, False, True] * 4,
            "day": pd.to_datetime(["2024-01-01", None, "2024-01-03"] * 4),
            "nullable": pd.array([1, None, 3] * 4, dtype="Int64"),
            "y": ["p", "q", "NA"] * 4,
        }
    )
    table = as_table(frame)
    np.testing.assert_array_equal(table.columns["n"][:3], [1.5, np.nan, 3])
    assert table.columns["whole"][:3].tolist() == [1, 2, 3]
    assert table.columns["text"][:3].tolist() == ["a", None, None]
    assert table.columns["category"][:3].tolist() == ["u", "v", None]
    assert table.columns["flag"][:3].tolist() == ["true", "false", "true"]
    np.testing.assert_array_equal(table.columns["nullable"][:3], [1, np.nan, 3])
    dataset = prepare(table, target="y")
    assert dataset.classes == ["NA", "p", "q"]
    assert {item.column for item in dataset.left_out} >= {"day"}
    with pytest.raises(InputError, match="'a' twice"):
        as_table(pd.DataFrame([[1, 2]], columns=["a", "a"]))


def test_text_markers_and_mixed_lists():
    table = from_columns({"a": [1, "x", None, 2.0], "b": ["1", "?", "", "2"], "c": [True, None, False, True]})
    assert table.columns["a"].tolist() == ["1", "x", None, "2.0"]
    np.testing.assert_array_equal(table.columns["b"], [1, np.nan, np.nan, 2])
    assert table.columns["c"].tolist() == ["true", None, "false", "true"]


def test_integers_beyond_float_stay_exact():
    assert from_columns({"a": np.array([2**53 + 1, 1])}).columns["a"].tolist() == [str(2**53 + 1), "1"]
    assert from_columns({"a": [2**70, 1]}).columns["a"].tolist() == [str(2**70), "1"]
    assert from_columns({"a": np.array([2**53, 1])}).columns["a"].tolist() == [2**53, 1]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({}, "no columns"),
        ({"a": []}, "no rows"),
        ({"a": [1, 2], "b": [1]}, "'b' has 1 rows"),
        ({"a": np.zeros((2, 2))}, "one value a row"),
        ({"a": [1], 1: [2], "1": [3]}, "'1' twice"),
        ({"a": np.zeros(2, dtype=complex)}, "no column of numbers"),
        (([[1, 2]], [1, 2]), "1 rows of features"),
        (([1, 2], [1, 2]), "(rows, columns)"),
        (3, "got a int"),
    ],
)
def test_data_that_is_no_table(data, words):
    with pytest.raises(InputError) as caught:
        as_table(data)
    assert words in str(caught.value)


def test_digest_follows_the_values():
    one = from_arrays(np.arange(6.0).reshape(3, 2), ["a", "b", "a"])
    same = from_arrays(np.arange(6.0).reshape(3, 2), ["a", "b", "a"])
    other = from_arrays(np.arange(6.0).reshape(3, 2), ["a", "b", "b"])
    assert one.sha256 == same.sha256 != other.sha256


def test_names_and_their_number():
    assert list(from_arrays([[1.0, 2.0]], [1], names=["u", "v"]).columns) == ["u", "v", "target"]
    with pytest.raises(InputError, match="2 columns but 1 names"):
        from_arrays([[1.0, 2.0]], [1], names=["u"])
