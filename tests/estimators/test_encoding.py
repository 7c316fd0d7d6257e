"""The default encoder: codes against hand arithmetic, scipy's ranks and scikit-learn's own transformers."""

from __future__ import annotations

import io
import json

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from scipy.stats import norm, rankdata
from sklearn.base import clone
from sklearn.preprocessing import OneHotEncoder, QuantileTransformer
from sklearn.utils.estimator_checks import check_estimator

from minimand.estimators.columns import NumericColumn
from minimand.estimators.encoding import TableEncoder


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def column(values, dtype=None) -> np.ndarray:
    return np.asarray(values, dtype=dtype)[:, None]


def objects(values) -> np.ndarray:
    out = np.empty(len(values), dtype=object)
    out[:] = values
    return out


def mixed(n: int = 400) -> np.ndarray:
    generator = rng()
    X = np.empty((n, 5), dtype=object)
    X[:, 0] = generator.normal(size=n)
    X[:, 1] = generator.choice(["red", "green", "blue"], n, p=[0.6, 0.3, 0.1])
    X[:, 2] = np.where(generator.random(n) < 0.9, 0.0, generator.integers(1, 50, n))
    X[:, 3] = generator.choice(["yes", "no"], n)
    X[:, 4] = 7
    X[::11, 0] = np.nan
    X[::13, 1] = None
    X[5, 1] = "mauve"
    return X


def test_scikit_learn_accepts_it():
    results = check_estimator(TableEncoder(), on_skip=None)
    assert {result["status"] for result in results} <= {"passed", "skipped"}
    assert sum(result["status"] == "passed" for result in results) > 30


# numbers


@pytest.mark.parametrize("repeats", [1, 5])
def test_codes_are_normal_quantiles_of_average_ranks(repeats):
    values = np.repeat(rng().lognormal(size=60), np.arange(60) % repeats + 1)
    expected = norm.ppf((rankdata(values, method="average") - 0.5) / len(values))
    codes = TableEncoder().fit_transform(column(values))
    np.testing.assert_allclose(codes[:, 0], expected, atol=1e-6)


def test_uniform_values_get_the_known_quantiles():
    X = column((np.arange(20_000) + 0.5) / 20_000)
    u = np.array([0.001, 0.025, 0.2, 0.5, 0.8, 0.975, 0.999])
    codes = TableEncoder().fit(X).transform(column(u))
    np.testing.assert_allclose(codes[:, 0], norm.ppf(u), atol=2e-3)


def test_agrees_with_quantile_transformer_inside_the_range():
    X = rng().gamma(2.0, size=(5000, 2))
    peer = QuantileTransformer(n_quantiles=1000, output_distribution="normal", subsample=None).fit_transform(X)
    ours = TableEncoder().fit_transform(X)
    inside = np.abs(peer) < 2.5
    assert inside.mean() > 0.98
    np.testing.assert_allclose(ours[inside], peer[inside], atol=0.02)


def test_a_frequent_smallest_value_is_no_spike():
    generator = rng()
    X = column(np.where(generator.random(30_000) < 0.92, 0.0, generator.lognormal(size=30_000)))
    share = float((X == 0).mean())
    encoder = TableEncoder(n_quantiles=50).fit(X)
    codes = encoder.transform(X)[:, 0]
    np.testing.assert_allclose(codes[X[:, 0] == 0], norm.ppf(share / 2), rtol=1e-5)
    # the knots next to the frequent value are kept, so that all others are coded above its share
    assert codes[X[:, 0] > 0].min() > norm.ppf(share)
    assert encoder.columns_[0].knots.size < 60


@pytest.mark.parametrize("X", [[0.0, 1.0, 1.0, 0.0], [3, -8, 3, 3], [True, False, True, False]])
def test_two_values_become_minus_one_and_one(X):
    X = column(X)
    low = X.min()
    expected = np.where(low < X, 1.0, -1.0)
    np.testing.assert_array_equal(TableEncoder().fit_transform(X), expected)


def test_missing_numbers_are_zero_with_an_indicator():
    X = column([1.0, np.nan, 2.0, 3.0, 3.0, np.nan])
    out = TableEncoder().fit_transform(X)
    np.testing.assert_array_equal(out[:, 1], [0, 1, 0, 0, 0, 1])
    assert out[1, 0] == out[5, 0] == 0
    np.testing.assert_allclose(out[[0, 2, 3], 0], norm.ppf([1 / 8, 3 / 8, 3 / 4]), rtol=1e-6)


def test_numbers_missing_only_later_are_zero_without_an_indicator():
    encoder = TableEncoder().fit(column([1.0, 2.0, 4.0]))
    np.testing.assert_array_equal(encoder.transform(column([np.nan])), [[0.0]])


def test_values_outside_the_training_range_stay_at_its_ends():
    encoder = TableEncoder().fit(column(rng().normal(size=500)))
    low, high = encoder.transform(column([-1e308, 1e308]))[:, 0]
    np.testing.assert_allclose([low, high], norm.ppf([0.5 / 500, 1 - 0.5 / 500]), rtol=1e-6)


def test_codes_are_bounded_however_many_rows_there_are():
    values = np.zeros(8_000_000)
    values[[0, 1]] = -1.0, 1.0
    np.testing.assert_allclose(NumericColumn.fit(values, n_quantiles=1000).codes, [-5.2, 0.0, 5.2])


def test_the_sign_of_zero_is_not_kept():
    _, arrays = TableEncoder().fit(column([-0.0, 1.0, 2.0])).to_state()
    assert not np.signbit(arrays["knots"]).any()


@pytest.mark.parametrize(
    "values",
    [
        [-1.7e308, -1.6e308, 1.6e308, 1.7e308],
        [0.0, 5e-324, 1e-320, 1e308],
        [0.0, 5e-324, 1e-320, 2e-320],
        [1.0, np.nextafter(1.0, 2.0), 2.0, 3.0],
    ],
)
def test_extreme_spacing_gives_finite_monotone_codes(values):
    values = np.sort(values)
    encoder = TableEncoder().fit_columns([values], ["numeric"])
    probe = np.unique(np.r_[values, values[:-1] / 2 + values[1:] / 2, values[:-1] / 8 + values[1:] / 8 * 7])
    codes = encoder.transform_columns([probe])[:, 0]
    assert np.isfinite(codes).all()
    assert (np.diff(codes) >= 0).all()
    np.testing.assert_allclose(codes[np.isin(probe, values)], norm.ppf([1 / 8, 3 / 8, 5 / 8, 7 / 8]), rtol=1e-6)


@pytest.mark.parametrize("X", [column([1.0, np.inf, 2.0]), column([1.0, -np.inf, 2.0], object), column(["1", "inf"])])
def test_infinity_is_refused(X):
    with pytest.raises(ValueError, match="Input X contains infinity or a value too large for dtype"):
        TableEncoder().fit(X)


def test_infinity_is_refused_in_a_frame_and_at_transform():
    frame = pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": ["x", "y", "z"]})
    encoder = TableEncoder().fit(frame)
    frame.loc[0, "a"] = np.inf
    with pytest.raises(ValueError, match=r"infinity.*'a'"):
        encoder.transform(frame)


# categories


def test_one_hot_agrees_with_scikit_learn():
    generator = rng()
    X = np.column_stack([generator.choice(list("abcdef"), 500), generator.choice(list("xyz"), 500)]).astype(object)
    ours = TableEncoder().fit(X)
    peer = OneHotEncoder(sparse_output=False).fit(X)
    theirs = [name.replace("_", "=", 1) for name in peer.get_feature_names_out()]
    names = ours.get_feature_names_out().tolist()
    assert sorted(names) == sorted(theirs)
    np.testing.assert_array_equal(ours.transform(X), peer.transform(X)[:, [theirs.index(name) for name in names]])


def test_rare_levels_are_pooled_and_take_the_unseen_ones():
    X = column(["a"] * 5 + ["b"] * 4 + ["c"] * 2 + ["d"], object)
    encoder = TableEncoder(min_level_count=4).fit(X)
    assert encoder.get_feature_names_out().tolist() == ["x0=a", "x0=b", "x0 (rare)"]
    out = encoder.transform(column(["a", "b", "c", "d", "new", None], object))
    np.testing.assert_array_equal(out.argmax(1), [0, 1, 2, 2, 2, 2])
    np.testing.assert_array_equal(out.sum(1), 1)


def test_levels_beyond_the_most_frequent_are_pooled():
    X = column(["c"] * 2 + ["a"] * 2 + ["b"] * 3 + ["d"], object)
    encoder = TableEncoder(min_level_count=1, max_levels=2).fit(X)
    assert encoder.get_feature_names_out().tolist() == ["x0=b", "x0=a", "x0 (rare)"]  # the tie goes by text


def test_unseen_levels_are_zeros_where_nothing_was_rare():
    encoder = TableEncoder(min_level_count=1).fit(column(["a", "b"], object))
    np.testing.assert_array_equal(encoder.transform(column(["new", "b"], object)), [[0, 0], [0, 1]])


@pytest.mark.parametrize("empty", [None, np.nan, pd.NA, pd.NaT])
def test_missing_is_a_level_of_its_own(empty):
    X = objects(["a", empty, "b", "a"])[:, None]
    encoder = TableEncoder(min_level_count=1).fit(X)
    assert encoder.get_feature_names_out().tolist() == ["x0=a", "x0=b", "x0 (missing)"]
    np.testing.assert_array_equal(encoder.transform(X), [[1, 0, 0], [0, 0, 1], [0, 1, 0], [1, 0, 0]])


def test_equal_numbers_are_one_level_whatever_their_type():
    encoder = TableEncoder(categorical_features=[0], min_level_count=1).fit(column([1, 2, 2]))
    for same in (1, 1.0, np.float32(1), True, "1"):
        np.testing.assert_array_equal(encoder.transform(column([same], object)), [[0, 1]])


# which is which


def test_text_that_reads_as_numbers_is_numeric():
    text = column(["3", "1.5", " 2 ", None, "10"], object)
    number = column([3, 1.5, 2, np.nan, 10])
    np.testing.assert_array_equal(TableEncoder().fit_transform(text), TableEncoder().fit_transform(number))


@pytest.mark.parametrize("chosen", [[1], [-2], ["b"], [False, True, False], np.array([1])])
def test_categorical_features_by_index_name_or_mask(chosen):
    frame = pd.DataFrame({"a": [1, 2, 3, 4], "b": [1, 2, 1, 2], "c": [5, 4, 4, 6]})
    names = TableEncoder(categorical_features=chosen, min_level_count=1).fit(frame).get_feature_names_out()
    assert names.tolist() == ["a", "b=1", "b=2", "c"]


@pytest.mark.parametrize("chosen", [[2], [-3], ["c"], [True], "all", [1.5]])
def test_categorical_features_that_are_not_there_are_refused(chosen):
    with pytest.raises(ValueError, match="categorical_features"):
        TableEncoder(categorical_features=chosen).fit(np.zeros((4, 2)))


def test_the_category_dtype_is_categorical():
    frame = pd.DataFrame({"code": pd.Categorical([1, 2, 1, None])})
    names = TableEncoder(min_level_count=1).fit(frame).get_feature_names_out()
    assert names.tolist() == ["code=1", "code=2", "code (missing)"]


@pytest.mark.skipif(not hasattr(np.dtypes, "StringDType"), reason="NumPy before 2.0")
def test_variable_width_strings_of_numpy():
    X = column(["a", "b", "a"]).astype(np.dtypes.StringDType())
    np.testing.assert_array_equal(TableEncoder(min_level_count=1).fit_transform(X), [[1, 0], [0, 1], [1, 0]])


def test_text_in_a_numeric_column_names_column_and_value():
    encoder = TableEncoder().fit(pd.DataFrame({"age": [1, 2, 3]}))
    with pytest.raises(ValueError, match=r"'age'.*'old'"):
        encoder.transform(pd.DataFrame({"age": [1, "old"]}))


# the whole table


def test_array_frame_and_columns_agree():
    X = mixed()
    frame = pd.DataFrame(
        {
            "x0": X[:, 0].astype(float),
            "x1": pd.Series(X[:, 1], dtype="string"),
            "x2": X[:, 2].astype(int),
            "x3": X[:, 3],
            "x4": 7,
        }
    )
    array, framed, listed = TableEncoder().fit(X), TableEncoder().fit(frame), TableEncoder()
    columns = [X[:, 0].astype(float), X[:, 1], X[:, 2].astype(np.int32), X[:, 3].astype(str), X[:, 4]]
    listed.fit_columns(columns, ["numeric", "categorical", "numeric", "categorical", "numeric"])
    expected = array.transform(X)
    np.testing.assert_array_equal(framed.transform(frame), expected)
    np.testing.assert_array_equal(listed.transform_columns(columns), expected)
    assert array.get_feature_names_out().tolist() == framed.get_feature_names_out().tolist()
    assert expected.dtype == np.float32
    assert expected.flags.c_contiguous
    assert [name for name in framed.get_feature_names_out() if not name.startswith("x3")] == [
        *("x0", "x0 (missing)"),
        *("x1=red", "x1=green", "x1=blue", "x1 (rare)", "x1 (missing)"),
        "x2",
    ]


def test_nullable_pandas_numbers():
    frame = pd.DataFrame({"a": pd.array([1, None, 3, 5], dtype="Int64"), "b": pd.array([True, None, False, True])})
    out = TableEncoder().fit_transform(frame)
    np.testing.assert_array_equal(out[:, [1, 3]], [[0, 0], [1, 1], [0, 0], [0, 0]])
    np.testing.assert_array_equal(out[:, 2], [1, 0, -1, 1])


def test_the_order_of_rows_is_irrelevant():
    X = mixed()
    order = rng().permutation(len(X))
    expected = TableEncoder().fit(X).transform(X)
    shuffled = TableEncoder().fit(X[order])
    np.testing.assert_array_equal(shuffled.transform(X), expected)
    np.testing.assert_array_equal(shuffled.transform(X[order]), expected[order])


def test_a_row_is_coded_without_looking_at_the_others():
    X = mixed()
    encoder = TableEncoder().fit(X[:200])
    together = encoder.transform(X[200:])
    for i in (0, 1, 57, 199):
        np.testing.assert_array_equal(encoder.transform(X[200 + i : 201 + i])[0], together[i])


def test_a_missing_mark_is_kept_beside_a_constant():
    X = np.column_stack([objects([5.0, np.nan, 5.0]), objects(["a", "a", None])])
    encoder = TableEncoder(min_level_count=1).fit(X)
    assert encoder.get_feature_names_out().tolist() == ["x0 (missing)", "x1=a", "x1 (missing)"]
    np.testing.assert_array_equal(encoder.transform(X), [[0, 1, 0], [1, 1, 0], [0, 0, 1]])


@pytest.mark.parametrize("X", [np.full((5, 2), 3.0), np.full((5, 1), "same", dtype=object), np.full((5, 1), np.nan)])
def test_a_table_of_constants_gives_one_column_of_zeros(X):
    encoder = TableEncoder().fit(X)
    np.testing.assert_array_equal(encoder.transform(X), np.zeros((5, 1)))
    assert encoder.get_feature_names_out().tolist() == ["(constant)"]


def test_state_survives_json_and_npz_exactly():
    X = mixed()
    X[:30, 3] = '"quoted", \n ü'
    frame = pd.DataFrame(X, columns=["größe", "b", "c", "d", "e"])
    encoder = TableEncoder(min_level_count=3, n_quantiles=40, categorical_features=[1, 3]).fit(frame)
    meta, arrays = encoder.to_state()
    file = io.BytesIO()
    np.savez(file, **arrays)
    file.seek(0)
    with np.load(file, allow_pickle=False) as loaded:
        again = TableEncoder.from_state(json.loads(json.dumps(meta)), loaded)
    expected = encoder.transform(frame)
    assert again.transform(frame).tobytes() == expected.tobytes()
    assert again.get_feature_names_out().tolist() == encoder.get_feature_names_out().tolist()
    assert clone(again).get_params() == encoder.get_params()
    np.testing.assert_array_equal(clone(again).fit_transform(frame), expected)


def test_state_of_another_format_or_size_is_refused():
    meta, arrays = TableEncoder().fit(column([1.0, 2.0, 3.0])).to_state()
    with pytest.raises(ValueError, match="format"):
        TableEncoder.from_state({**meta, "format": 99}, arrays)
    with pytest.raises(ValueError, match="3 entries"):
        TableEncoder.from_state(meta, {**arrays, "knots": arrays["knots"][:2]})


# at the door


def test_wrong_number_of_columns():
    encoder = TableEncoder().fit(np.arange(8.0).reshape(2, 4))
    words = "X has 3 features, but TableEncoder is expecting 4 features as input"
    with pytest.raises(ValueError, match=words):
        encoder.transform(np.zeros((2, 3)))
    with pytest.raises(ValueError, match=words):
        encoder.transform_columns([np.zeros(2)] * 3)


@pytest.mark.parametrize(
    ("X", "error", "words"),
    [
        (np.zeros(3), ValueError, "(?s)Expected 2D array, got 1D array instead.*Reshape your data"),
        (np.zeros((0, 3)), ValueError, "0 sample"),
        (pd.DataFrame({"a": []}), ValueError, "0 sample"),
        (pd.DataFrame(index=[0, 1]), ValueError, "0 feature"),
        (np.ones((3, 1)) * 1j, ValueError, "Complex data not supported"),
        (pd.DataFrame({"a": [1j, 2.0]}), ValueError, "Complex data not supported"),
        (sparse.csr_matrix(np.eye(3)), TypeError, "[Ss]parse"),
        (column([{"a": 1}, 2.0], object), TypeError, "argument must be .* string.* number"),
        (pd.DataFrame({"a": pd.to_datetime(["2020-01-01", "2021-01-01"])}), TypeError, "'a' holds dates"),
    ],
)
def test_input_that_is_refused(X, error, words):
    with pytest.raises(error, match=words):
        TableEncoder().fit(X)


@pytest.mark.parametrize(("name", "value"), [("min_level_count", 0), ("max_levels", 0), ("n_quantiles", 1)])
def test_hyperparameters_that_are_refused(name, value):
    with pytest.raises(ValueError, match=f"{name} must be at least .*{value}"):
        TableEncoder(**{name: value}).fit(np.zeros((2, 1)))
    with pytest.raises(TypeError, match=f"{name} must be an integer"):
        TableEncoder(**{name: 2.5}).fit(np.zeros((2, 1)))


@pytest.mark.parametrize(
    ("columns", "kinds", "words"),
    [
        ([], [], "0 feature"),
        ([np.zeros(2), np.zeros(3)], ["numeric", "numeric"], "equally long"),
        ([np.zeros(2)], ["numeric", "numeric"], "one entry for each"),
        ([np.zeros(2)], ["ordinal"], "'ordinal'"),
    ],
)
def test_columns_that_are_refused(columns, kinds, words):
    with pytest.raises(ValueError, match=words):
        TableEncoder().fit_columns(columns, kinds)
