"""The same roles on another table: test files and rows to predict."""

from __future__ import annotations

import json

import numpy as np
import pytest

from minimand.errors import InputError
from minimand.workbench.tables import Dataset, from_columns, prepare, read_table

TRAIN = {
    "age": [39.0, 50.0, np.nan, 53.0] * 10,
    "work": ["Private", "State", None, "Private"] * 10,
    "code": ["1", "2", "x", "1"] * 10,
    "k": ["constant"] * 40,
    "w": [1.0, 2.0, 3.0, 4.0] * 10,
    "income": ["<=50K", ">50K", "<=50K", "<=50K"] * 10,
}


def trained(**options) -> Dataset:
    columns = TRAIN if "weight" in options else {name: column for name, column in TRAIN.items() if name != "w"}
    return prepare(from_columns(columns), target="income", **options)


def test_columns_are_found_by_name_in_any_order():
    dataset = trained(weight="w")
    other = from_columns(
        {
            "income": [">50K", "<=50K"],
            "more": [1, 2],
            "w": [5, 6],
            "code": ["1", "2"],
            "work": ["State", "new"],
            "age": [1, 2],
        }
    )
    aligned = dataset.aligned(other)
    assert [feature.name for feature in aligned.features] == ["age", "work", "code"]
    assert aligned.kinds() == dataset.kinds()
    assert aligned.features[2].values.tolist() == ["1", "2"]  # read as numbers here, but as text where it was learned
    assert aligned.features[1].values.tolist() == ["State", "new"]
    assert aligned.target.tolist() == [1, 0]
    assert aligned.weights.tolist() == [5, 6]
    assert aligned.left_out == dataset.left_out


def test_the_target_may_be_absent_or_empty():
    rows = {"age": [1.0, 2.0], "work": ["State", "x"], "code": ["1", "x"]}
    assert trained().aligned(from_columns(rows)).target.tolist() == [-1, -1]
    aligned = trained().aligned(from_columns({**rows, "income": [">50K", None]}))
    assert aligned.target.tolist() == [1, -1]
    assert any("1 rows" in note and "no target" in note for note in aligned.notes)


def test_labels_that_end_in_a_full_stop():
    rows = {"age": [1.0, 2.0], "work": ["State", "x"], "code": ["1", "x"], "income": [">50K.", "<=50K."]}
    aligned = trained().aligned(from_columns(rows))
    assert aligned.target.tolist() == [1, 0]
    assert any("full stop" in note for note in aligned.notes)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"income": [">50K", "rich"]}, ["'rich'", "not among the classes", "<=50K"]),
        ({"income": [">50K.", "rich."]}, ["'rich.'"]),
        ({"age": ["1", "old"]}, ["'age'", "'old'", "row 2", "holds numbers"]),
        ({"age": [1.0, np.inf]}, ["'age'", "infinite", "row 2"]),
        ({"work": None}, ["lacks the column 'work'", "'wrok'"]),
    ],
)
def test_tables_that_do_not_fit(change, words):
    rows = {"age": [1.0, 2.0], "work": ["State", "x"], "code": ["1", "x"], "income": [">50K", "<=50K"], **change}
    if rows["work"] is None:
        del rows["work"]
        rows["wrok"] = ["State", "x"]
    with pytest.raises(InputError) as caught:
        trained().aligned(from_columns(rows))
    assert all(word in str(caught.value) for word in words)


def test_columns_by_number(tmp_path):
    rng = np.random.default_rng(0)
    lines = [f"{rng.normal():.4f},{'pq'[row % 2]},{rng.normal():.4f},k" for row in range(40)]
    (tmp_path / "train.csv").write_text("\n".join(lines))
    dataset = prepare(read_table(tmp_path / "train.csv", header=False), target=1)
    assert [feature.name for feature in dataset.features] == ["0", "2"]
    (tmp_path / "with.csv").write_text("1,q,2,k\n3,p,4,k\n")
    (tmp_path / "without.csv").write_text("1,2,k\n3,4,k\n")
    (tmp_path / "narrow.csv").write_text("1,2\n3,4\n")
    with_target = dataset.aligned(read_table(tmp_path / "with.csv", header=False))
    without = dataset.aligned(read_table(tmp_path / "without.csv", header=False))
    assert with_target.target.tolist() == [1, 0]
    assert without.target.tolist() == [-1, -1]
    for aligned in (with_target, without):
        assert [values.tolist() for values in aligned.columns()] == [[1, 3], [2, 4]]
    with pytest.raises(InputError, match="2 columns, but must have 4"):
        dataset.aligned(read_table(tmp_path / "narrow.csv", header=False))
    with pytest.raises(InputError, match="column names"):
        dataset.aligned(read_table(tmp_path / "with.csv"))


def test_a_schema_through_json_aligns_like_the_dataset():
    dataset = trained(weight="w", drop=["code"])
    copy = Dataset.from_schema(json.loads(json.dumps(dataset.schema())))
    assert copy.n_rows == 0
    assert copy.roles == dataset.roles
    table = from_columns({"age": [1.0, 2.0], "work": ["State", None], "income": [">50K", "<=50K"]})
    assert copy.aligned(table).digest == dataset.aligned(table).digest
