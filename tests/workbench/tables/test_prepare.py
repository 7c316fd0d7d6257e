"""From table to dataset: the target, the roles, and what is left out with which reason."""

from __future__ import annotations

import numpy as np
import pytest

from minimand.errors import InputError
from minimand.workbench.tables import from_arrays, from_columns, prepare, read_table

N = 60
RNG = np.random.default_rng(0)
X1 = RNG.normal(size=N)
X2 = RNG.normal(size=N)
Y = ["yes" if value > 0 else "no" for value in RNG.normal(size=N)]


def table(**columns):
    return from_columns({"x1": X1, "x2": X2, **columns, "y": columns.get("y", Y)})


def reasons(dataset) -> dict[str, str]:
    return {item.column: item.reason for item in dataset.left_out}


def test_codes_classes_and_features():
    dataset = prepare(table(c=["u", None, "v"] * (N // 3)), target="y")
    assert dataset.classes == ["no", "yes"]
    assert [dataset.classes[code] for code in dataset.target] == Y
    assert [feature.name for feature in dataset.features] == ["x1", "x2", "c"]
    assert dataset.kinds() == ["numeric", "numeric", "categorical"]
    assert dataset.features[2].missing == N // 3
    assert dataset.features[2].levels == 2
    assert dataset.features[0].levels is None
    assert dataset.class_counts.tolist() == [Y.count("no"), Y.count("yes")]
    assert any(f"{N // 3} cells in 1 columns are missing" in note for note in dataset.notes)


def test_classes_that_are_numbers_are_sorted_as_numbers():
    assert prepare(table(y=[10, 9, -1] * (N // 3)), target="y").classes == ["-1", "9", "10"]
    assert prepare(table(y=["10", "9", "1.0"] * (N // 3)), target="y").classes == ["1", "9", "10"]
    assert prepare(table(y=["10", "9", "a"] * (N // 3)), target="y").classes == ["10", "9", "a"]


def test_a_class_called_na_stays_a_class():
    dataset = prepare(table(y=["NA", "nan", "SA"] * (N // 3)), target="y")
    assert dataset.classes == ["NA", "SA", "nan"]
    assert any("class 'NA'" in note for note in dataset.notes)
    numbers = prepare(table(y=["1", "2", "None"] * (N // 3)), target="y")
    assert numbers.classes == ["1", "2", "None"]


def test_rows_without_target_are_counted_or_dropped():
    labels = [None if row % 10 == 3 else label for row, label in enumerate(Y)]
    with pytest.raises(
        InputError, match=r"6 of 60 rows have no target in 'y' \(the first is row 4\).*--drop-missing-target"
    ):
        prepare(table(y=labels), target="y")
    dataset = prepare(table(y=labels), target="y", drop_missing_target=True)
    assert dataset.n_rows == 54
    assert dataset.row_numbers.tolist() == [row for row in range(N) if row % 10 != 3]
    np.testing.assert_array_equal(dataset.features[0].values, X1[dataset.row_numbers])
    assert any("6 of 60" in note for note in dataset.notes)


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (["a"] * N, ["one class only", "'a'"]),
        ([None] * N, ["empty in every row"]),
        ([7.0] * N, ["one class only", "'7'"]),
    ],
)
def test_targets_that_are_no_classes(labels, words):
    with pytest.raises(InputError) as caught:
        prepare(table(y=labels), target="y")
    assert all(word in str(caught.value) for word in words)


def test_how_many_numbers_are_classes():
    def classes_of(y):
        X = np.random.default_rng(0).normal(size=(len(y), 1))
        return len(prepare(from_arrays(X, y)).classes)

    assert classes_of(np.arange(2000) % 200) == 200  # ten rows each
    assert classes_of(np.arange(1000) % 50) == 50
    assert classes_of(np.arange(100) % 11) == 11
    assert classes_of(np.arange(100) % 20 / 4) == 20
    for y in (np.arange(1999) % 200, np.arange(4000) % 201, np.arange(4000) % 21 / 4):
        assert classes_of(y) == 0  # these are numbers
    with pytest.raises(InputError, match="201 different values, more than the 200 classes"):
        classes_of(np.array([f"t{row % 201}" for row in range(4000)]))


def test_unknown_columns_get_the_nearest_names():
    with pytest.raises(InputError, match=r"--target 'Y1' .* the nearest .*'y'|--target 'Y1' .*'x1'"):
        prepare(table(), target="Y1")
    with pytest.raises(InputError, match="nearest is 'income'"):
        prepare(table(income=Y), target="incme")
    with pytest.raises(InputError, match="--no-header"):
        prepare(table(), target="-1")
    with pytest.raises(InputError, match=r"numbered 0 to 2, or -1 \(the last\) back to -3"):
        prepare(from_arrays(np.c_[X1, X2, X1 > 0]), target=3)
    with pytest.raises(InputError, match=r"--drop 'zz'"):
        prepare(table(), target="y", drop=["zz"])
    with pytest.raises(InputError, match="give --target"):
        prepare(table())


def test_a_column_has_one_part_only():
    group = ["g", "h"] * (N // 2)
    with pytest.raises(InputError, match="--target and --group are the same column"):
        prepare(table(), target="y", group="y")
    with pytest.raises(InputError, match="--group and --time are the same column"):
        prepare(table(g=group), target="y", group="g", time="g")
    with pytest.raises(InputError, match="--weight and --drop are the same column"):
        prepare(table(w=np.ones(N)), target="y", weight="w", drop=["w"])


def test_dropped_and_role_columns_are_not_features():
    dataset = prepare(
        table(g=["g", "h", None] * (N // 3), t=np.arange(N), w=np.linspace(0, 2, N)),
        target="y", group="g", time="t", weight="w", drop=["x2"],
    )  # fmt: skip
    assert [feature.name for feature in dataset.features] == ["x1"]
    assert reasons(dataset) == {"x2": "dropped as asked"}
    assert dataset.groups.tolist() == [0, 1, 2] * (N // 3)
    assert dataset.times.tolist() == list(range(N))
    assert dataset.weights[-1] == 2.0


LEFT_OUT = {
    "constant text": (["k"] * N, "constant: always 'k'"),
    "constant number": (np.full(N, 2.5), "constant: always 2.5"),
    "nothing": ([None] * N, "every cell is missing"),
    "target relabelled": ([{"yes": "Y", "no": "N"}[label] for label in Y], "equals the target"),
    "target as number": ([{"yes": 7.0, "no": 3.0}[label] for label in Y], "equals the target"),
    "copy": (X1.copy(), "repeats column 'x1'"),
    "text id": ([f"user-{(row * 37) % N}" for row in range(N)], "an id"),
    "row number": (np.arange(N) + 1000, "an id"),
    "row number backwards": (np.arange(N)[::-1].copy(), "an id"),
    "Customer_ID": (RNG.permutation(10_000)[:N], "an id"),
    "rowId": (RNG.permutation(10_000)[:N], "an id"),
    "big numbers": ([2**60 + row for row in range(N)], "an id"),
    "iso dates": ([f"2024-01-{row % 28 + 1:02d}" for row in range(N)], "dates"),
    "iso times": ([f"2024-01-{row % 28 + 1:02d}T10:{row % 60:02d}:00Z" for row in range(N)], "dates"),
    "american dates": ([f"{row % 12 + 1}/{row % 28 + 1}/2023" for row in range(N)], "dates"),
    "german dates": ([f"{row % 28 + 1}.{row % 12 + 1}.2023" for row in range(N)], "dates"),
    "spelled dates": ([f"{row % 28 + 1} Mar 2023" for row in range(N)], "dates"),
    "free text": ([f"the {row} cats sat on the mat {'and slept ' * (row % 5)}" for row in range(N)], "free text"),
    "almost id": ([f"t{max(row, 2)}" for row in range(N)], "almost an id"),
}


@pytest.mark.parametrize("name", LEFT_OUT)
def test_what_is_left_out_and_why(name):
    column, reason = LEFT_OUT[name]
    dataset = prepare(table(**{name: column}), target="y")
    assert reason in reasons(dataset)[name]
    assert [feature.name for feature in dataset.features] == ["x1", "x2"]


KEPT = {
    "unique fractions in order": np.sort(RNG.normal(size=N)),
    "unique whole numbers, not in order": RNG.permutation(N),
    "sorted but wide": np.sort(RNG.choice(10**6, size=N, replace=False)),
    "whole numbers with repeats": np.arange(N) // 2,
    "few levels": np.arange(N) % 3,
    "almost the target": [label if row else "other" for row, label in enumerate(Y)],
    "one value and gaps": ["x" if row % 3 else None for row in range(N)],
    "many levels": [f"level {row % 25}" for row in range(N)],
    "versions": [f"1.{row % 5}.{row % 3}" for row in range(N)],
    "contradicting dates": [("13/01/2020", "01/13/2020")[row % 2] for row in range(N)],
    "width": RNG.permutation(10_000)[:N],
}


@pytest.mark.parametrize("name", KEPT)
def test_what_is_kept(name):
    dataset = prepare(table(**{name: KEPT[name]}), target="y")
    assert reasons(dataset) == {}
    assert dataset.n_features == 3


def test_nothing_left_to_learn_from():
    with pytest.raises(InputError, match=r"no column left to learn from .*constant"):
        prepare(from_columns({"k": ["k"] * N, "y": Y}), target="y")


def test_infinite_cells_are_refused_unless_dropped():
    column = ["inf" if row == 7 else str(row / 7) for row in range(N)]
    with pytest.raises(InputError, match=r"'bad' is infinite in 1 rows \(the first is row 8\)"):
        prepare(table(bad=column), target="y")
    assert prepare(table(bad=column), target="y", drop=["bad"]).n_features == 2


def test_a_column_that_tells_the_class_is_pointed_at():
    n = 300
    y = np.arange(n) % 3
    fine = np.array([f"{label}{row % 2}" for row, label in enumerate(np.repeat(y, 1) * 10 + np.arange(n) // 3 % 2)])
    dataset = prepare(from_columns({"x": np.random.default_rng(1).normal(size=n), "fine": fine, "y": y}), target="y")
    assert any("'fine' alone tells the class" in note for note in dataset.notes)


@pytest.mark.parametrize(
    ("dates", "seconds"),
    [
        (["1970-01-02", "1970-01-01"], [86400, 0]),
        (["1970-01-01T01:00:00+01:00", "1970-01-01 00:00:01.5Z"], [0, 1.5]),
        (["13/01/1970", "02/01/1970"], [12 * 86400, 86400]),
        (["01/13/1970", "01/02/1970"], [12 * 86400, 86400]),
        (["02.01.1970", "01.01.1970 00:01"], [86400, 60]),
        (["2 Jan 1970", "Jan 1, 1970"], [86400, 0]),
    ],
)
def test_times_from_dates(dates, seconds):
    dataset = prepare(table(t=dates * (N // 2)), target="y", time="t")
    assert dataset.times.tolist() == seconds * (N // 2)


@pytest.mark.parametrize(
    ("role", "column", "words"),
    [
        ("time", ["2020-01-01"] * 4 + ["soon"] + ["2020-01-01"] * 55, ["'soon'", "row 5", "neither a date"]),
        ("time", ["2020-01-01"] * 4 + [None] + ["2020-01-02"] * 55, ["nothing", "row 5"]),
        ("time", ["2020-02-30"] * N, ["2020-02-30", "row 1"]),
        ("time", ["13/01/2020", "01/13/2020"] * (N // 2), ["mixes", "2026-12-31"]),
        ("time", [np.nan] + [1.0] * 59, ["row 1", "no finite number"]),
        ("weight", [1.0] * 9 + [-1.0] + [1.0] * 50, ["-1.0", "row 10"]),
        ("weight", [1.0] * 9 + [np.nan] + [1.0] * 50, ["nothing", "row 10"]),
        ("weight", [1.0] * 9 + [np.inf] + [1.0] * 50, ["inf", "row 10"]),
        ("weight", np.zeros(N), ["0 in every row"]),
        ("weight", ["1"] * 9 + ["much"] + ["1"] * 50, ["'much'", "row 10"]),
        ("group", ["g"] * N, ["same value in every row"]),
    ],
)
def test_roles_that_columns_cannot_play(role, column, words):
    with pytest.raises(InputError) as caught:
        prepare(table(r=column), target="y", **{role: "r"})
    assert all(word in str(caught.value) for word in words)


def test_rows_are_a_subset_that_keeps_the_classes():
    dataset = prepare(table(c=["u", "v", None] * 20, w=np.arange(N)), target="y", weight="w")
    only_yes = np.flatnonzero(dataset.target == 1)
    part = dataset.rows(only_yes)
    assert part.classes == ["no", "yes"]
    assert part.class_counts.tolist() == [0, len(only_yes)]
    assert part.features[2].values.tolist() == [("u", "v", None)[row % 3] for row in only_yes]
    assert part.weights.tolist() == only_yes.tolist()
    assert part.rows(np.arange(3)).row_numbers.tolist() == only_yes[:3].tolist()
    assert dataset.rows(dataset.target == 1).row_numbers.tolist() == only_yes.tolist()
    assert dataset.rows([]).n_rows == 0


def test_digest_changes_with_what_matters_and_with_nothing_else(tmp_path):
    base = {"c": ["u", "v", None] * 20, "w": np.ones(N)}
    digests = [
        prepare(table(**base), target="y").digest,
        prepare(table(**base), target="y", weight="w").digest,
        prepare(table(**base), target="y", drop=["c"]).digest,
        prepare(table(**{**base, "c": ["u", "v", "w"] * 20}), target="y").digest,
        prepare(table(**{**base, "c": ["u", "w", None] * 20}), target="y").digest,
        prepare(from_columns({"x1": X1, "x2": X2 + 1e-9, "c": base["c"], "y": Y}), target="y").digest,
        prepare(table(**base), target="y").rows(np.arange(N)[::-1]).digest,
    ]
    assert len(set(digests)) == len(digests)
    assert prepare(table(**base), target="y").digest == digests[0]
    path = tmp_path / "other-name.csv"
    lines = [f"{float(a)!r},{float(b)!r},{c or ''},1,{y}" for a, b, c, y in zip(X1, X2, base["c"], Y, strict=True)]
    path.write_text("x1,x2,c,w,y\n" + "\n".join(lines) + "\n")
    assert prepare(read_table(path), target="y").digest == digests[0]


def test_numbers_with_decimal_commas_are_refused_not_dropped():
    cells = np.array([f"{i},{i % 7}" for i in range(60)], dtype=object)
    table = from_columns({"a": cells, "label": np.array(["x", "y"] * 30, dtype=object)})
    with pytest.raises(InputError, match=r"column 'a' has numbers with commas, such as '0,0'"):
        prepare(table, target="label")
