"""What kind of target a column is, told by the column or asked for, and what is refused in words."""

from __future__ import annotations

import json

import numpy as np
import pytest

from minimand.errors import InputError
from minimand.workbench.tables import Dataset, from_arrays, from_columns, prepare, read_table

N = 80
RNG = np.random.default_rng(0)
X = RNG.normal(size=N)
Z = RNG.normal(size=N)
NUMBERS = (10 * X + RNG.normal(size=N)).round(3)


def prepared(y, *, task="auto", **options):
    return prepare(from_columns({"x": X, "z": Z, "y": y}), target="y", task=task, **options)


@pytest.mark.parametrize(
    ("y", "problem", "why"),
    [
        (["a", "b"] * (N // 2), "classification", "it is text"),
        ([True, False] * (N // 2), "classification", "it is text"),
        (np.arange(N) % 3, "classification", "it is a number with 3 different values"),
        (np.arange(N) % 20 / 4, "classification", "up to 20 that rows repeat"),
        (np.repeat(np.arange(8.0), 10) * 1000, "classification", "8 different values"),
        (NUMBERS, "regression", "it is a number with"),
        (np.arange(N) % 25, "regression", "25 different values"),
        ([f"{v}" for v in NUMBERS], "regression", "it is a number with"),
    ],
)
def test_the_kind_is_told_by_the_column(y, problem, why):
    dataset = prepared(y)
    assert dataset.problem == problem
    assert why in dataset.problem_why
    assert dataset.target.dtype == (np.float64 if problem == "regression" else np.int64)
    assert (dataset.classes == []) == (problem == "regression")


def test_few_rows_of_different_numbers_are_numbers():
    table = from_columns({"x": X[:18], "z": Z[:18], "y": NUMBERS[:18]})
    assert prepare(table, target="y").problem == "regression"


def test_the_kind_can_be_asked_for():
    y = np.arange(N) % 4
    numbers = prepared(y, task="regression")
    assert (numbers.problem, numbers.problem_why) == ("regression", "asked for")
    assert numbers.target.tolist() == y.tolist()
    ordinal = prepared([10, 9, -1, 9] * (N // 4), task="ordinal")
    assert (ordinal.problem, ordinal.classes) == ("ordinal", ["-1", "9", "10"])
    assert ordinal.target.tolist()[:3] == [2, 1, 0]
    assert prepared(np.arange(N) % 40, task="classification").n_classes == 40


@pytest.mark.parametrize(
    ("y", "task", "words"),
    [
        ([7.0] * N, "regression", ["is 7 in every row", "nothing to predict"]),
        (["a", "b"] * (N // 2), "regression", ["'a' in row 1", "no finite number", "take classes"]),
        (["1,234", "2,345"] * (N // 2), "regression", ["numbers with commas", "'1,234'"]),
        ([f"{row},5" for row in range(N)], "auto", ["numbers with commas", "'0,5'"]),
        (["5 kg", "7"] * (N // 2), "regression", ["'5 kg' in row 1", "without signs"]),
        (["$5", "7"] * (N // 2), "regression", ["'$5' in row 1"]),
        ([np.inf, *NUMBERS[1:]], "auto", ["infinite in 1 rows", "row 1"]),
        ([-np.inf, *NUMBERS[1:]], "regression", ["infinite in 1 rows"]),
        ([1e300, *NUMBERS[1:]], "auto", ["as large as 1e+300", "overflow"]),
        (["low", "high"] * (N // 2), "ordinal", ["level 'high'", "order of texts is not known"]),
        ([None] * N, "regression", ["empty in every row"]),
        (NUMBERS, "sums", ["--task must be one of auto, classification, regression, ordinal"]),
    ],
)
def test_targets_that_do_not_fit(y, task, words):
    with pytest.raises(InputError) as caught:
        prepared(y, task=task)
    assert all(word in str(caught.value) for word in words), caught.value
    assert "\n" not in str(caught.value)


def test_missing_numbers_are_refused_or_dropped(tmp_path):
    cells = ["NA" if row % 10 == 3 else f"{value}" for row, value in enumerate(NUMBERS)]
    path = tmp_path / "data.csv"
    path.write_text("x,z,y\n" + "\n".join(f"{a},{b},{c}" for a, b, c in zip(X, Z, cells, strict=True)))
    table = read_table(path)
    with pytest.raises(InputError, match=r"8 of 80 rows have no target in 'y' \(the first is row 4\)"):
        prepare(table, target="y")
    dataset = prepare(table, target="y", drop_missing_target=True)
    assert dataset.n_rows == 72
    np.testing.assert_array_equal(dataset.target, NUMBERS[dataset.row_numbers])


def test_a_feature_that_is_the_target_in_another_unit_is_left_out():
    columns = {"x": X, "z": Z, "celsius": NUMBERS, "noisy": NUMBERS + 1e-3 * Z, "y": 1.8 * NUMBERS + 32}
    dataset = prepare(from_columns(columns), target="y")
    assert [item.column for item in dataset.left_out] == ["celsius"]
    assert "but for its unit" in dataset.left_out[0].reason
    assert "noisy" in [feature.name for feature in dataset.features]


# --- Several labels --------------------------------------------------------------------------------------------------


def labelled(**columns):
    labels = {
        "a": np.arange(N) % 2,
        "b": np.array(["yes", "no", "no"] * N, dtype=object)[:N],
        "c": [True, False, False, False] * (N // 4),
    }
    return from_columns({"x": X, "z": Z, **labels, **columns})


def test_several_targets_are_labels():
    dataset = prepare(labelled(), target=["a", "b", "c"])
    assert dataset.problem == "multi-label"
    assert dataset.classes == ["a", "b", "c"]
    assert dataset.target[:4].tolist() == [[0, 1, 1], [1, 0, 0], [0, 0, 0], [1, 1, 0]]
    assert dataset.class_counts.tolist() == [40, 27, 20]
    assert dataset.roles.targets == ("a", "b", "c")
    assert [feature.name for feature in dataset.features] == ["x", "z"]
    assert dataset.rows([1]).target.tolist() == [[1, 0, 0]]


def test_a_matrix_of_labels_from_memory():
    labels = np.stack([X > 0, Z > 0.5], axis=1).astype(int)
    dataset = prepare(from_arrays(np.stack([X, Z], axis=1), labels))
    assert dataset.classes == ["target 0", "target 1"]
    np.testing.assert_array_equal(dataset.target, labels)
    with pytest.raises(InputError, match=r"80 rows of features but a target of shape \(2, 80\)"):
        from_arrays(np.stack([X, Z], axis=1), labels.T)


def test_one_target_in_a_list_is_one_target():
    assert prepare(labelled(), target=["b"]).problem == "classification"


@pytest.mark.parametrize(
    ("columns", "target", "task", "words"),
    [
        ({"b": ["u", "v"] * (N // 2)}, ["a", "b"], "auto", ["label 'b' has u, v", "0 and 1"]),
        ({"b": np.arange(N) % 3}, ["a", "b"], "auto", ["label 'b' has 0, 1, 2"]),
        ({"b": [1] * N}, ["a", "b"], "auto", ["'b' is present in every row"]),
        ({}, ["a", "a"], "auto", ["'a' is given twice"]),
        ({}, ["a", "nowhere"], "auto", ["--target 'nowhere'"]),
        ({}, ["a", "b"], "regression", ["--task regression predicts one column"]),
        ({"b": [None, *[0, 1] * (N // 2)][:N]}, ["a", "b"], "auto", ["1 of 80 rows have no target"]),
    ],
)
def test_labels_that_do_not_fit(columns, target, task, words):
    with pytest.raises(InputError) as caught:
        prepare(labelled(**columns), target=target, task=task)
    assert all(word in str(caught.value) for word in words), caught.value


def test_a_target_and_another_role_are_told_apart():
    with pytest.raises(InputError, match="--target and --group are the same column, 'b'"):
        prepare(labelled(), target=["a", "b"], group="b")


# --- The same target in another table --------------------------------------------------------------------------------


def test_numbers_align_and_may_be_absent():
    dataset = prepared(NUMBERS)
    other = dataset.aligned(from_columns({"y": [500.0, None], "x": [1.0, 2.0], "z": [0.0, 1.0]}))
    np.testing.assert_array_equal(other.target, [500.0, np.nan])  # outside of the range learned from, and welcome
    assert other.problem == "regression"
    assert any("1 rows" in note and "no target" in note for note in other.notes)
    absent = dataset.aligned(from_columns({"x": [1.0], "z": [0.0]}))
    assert np.isnan(absent.target).all()
    with pytest.raises(InputError, match="'old' in row 1"):
        dataset.aligned(from_columns({"y": ["old"], "x": [1.0], "z": [0.0]}))


def test_labels_align_and_may_be_absent():
    dataset = prepare(labelled(), target=["a", "c"], drop=["b"])
    other = dataset.aligned(from_columns({"x": [1.0, 2.0], "z": [0.0, 1.0], "a": [1, 0]}))
    assert other.target.tolist() == [[1, -1], [0, -1]]


def test_several_targets_by_number(tmp_path):
    lines = [f"{a:.4f},{row % 2},{b:.4f},{row % 3 // 2}" for row, (a, b) in enumerate(zip(X, Z, strict=True))]
    (tmp_path / "train.csv").write_text("\n".join(lines))
    (tmp_path / "new.csv").write_text("1,2\n3,4\n")
    dataset = prepare(read_table(tmp_path / "train.csv", header=False), target=[1, -1])
    assert dataset.roles.targets == ("1", "3")
    new = dataset.aligned(read_table(tmp_path / "new.csv", header=False))
    assert [values.tolist() for values in new.columns()] == [[1, 3], [2, 4]]
    assert new.target.tolist() == [[-1, -1], [-1, -1]]


@pytest.mark.parametrize("kind", ["numbers", "labels", "levels"])
def test_a_schema_through_json_keeps_the_problem(kind):
    dataset = {
        "numbers": lambda: prepared(NUMBERS),
        "labels": lambda: prepare(labelled(), target=["a", "c"], drop=["b"]),
        "levels": lambda: prepared(np.arange(N) % 4, task="ordinal"),
    }[kind]()
    copy = Dataset.from_schema(json.loads(json.dumps(dataset.schema())))
    assert (copy.problem, copy.roles, copy.n_rows) == (dataset.problem, dataset.roles, 0)
    table = from_columns({"x": [1.0, 2.0], "z": [0.0, 1.0]})
    assert copy.aligned(table).digest == dataset.aligned(table).digest


def test_a_schema_of_classes_alone_is_read_as_before():
    dataset = prepared(["a", "b"] * (N // 2))
    schema = dataset.schema()
    del schema["problem"], schema["roles"]["labels"]
    assert Dataset.from_schema(schema).problem == "classification"


def test_the_digest_tells_kinds_of_target_apart():
    y = np.arange(N) % 4
    digests = {prepared(y, task=task).digest for task in ("classification", "regression", "ordinal")}
    assert len(digests) == 3
    changed = NUMBERS.copy()
    changed[3] += 1e-9
    assert prepared(NUMBERS).digest != prepared(changed).digest
