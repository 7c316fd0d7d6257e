from __future__ import annotations

import numpy as np
import pytest

from minimand.errors import InputError
from minimand.workbench.compare.splits import (
    Resample,
    check_splittable,
    describe_split,
    inner_split,
    outer_resamples,
    outer_resamples_by_name,
    tuning_rows,
)
from tests.workbench.compare.datasets import dataset


def shares(target: np.ndarray, index: np.ndarray) -> np.ndarray:
    return np.bincount(target[index], minlength=int(target.max()) + 1) / len(index)


def test_a_resample_divides_all_rows_into_four_fifths_and_one():
    data = dataset(200)
    (resample,) = outer_resamples(data, ["resample-0"], seed=0)
    assert len(resample.test) == 40
    assert sorted([*resample.training, *resample.test]) == list(range(200))


def test_classes_keep_their_shares():
    data = dataset(400, classes=4)
    (resample,) = outer_resamples(data, ["resample-0"], seed=0)
    np.testing.assert_allclose(shares(data.target, resample.test), shares(data.target, resample.training), atol=0.01)


def test_a_resample_depends_on_its_name_and_the_seed_alone():
    data = dataset(100)
    alone = outer_resamples(data, ["resample-3"], seed=0)[0]
    among = outer_resamples(data, ["resample-0", "resample-3"], seed=0)[1]
    other = outer_resamples(data, ["resample-3"], seed=1)[0]
    np.testing.assert_array_equal(alone.test, among.test)
    assert not np.array_equal(alone.test, other.test)


def test_validation_rows_are_a_fifth_of_the_training_rows_and_none_that_judge():
    data = dataset(200)
    (resample,) = outer_resamples(data, ["resample-0"], seed=0)
    kept, held = inner_split(data, resample.training, seed=5)
    assert len(held) == 32
    assert sorted([*kept, *held]) == list(resample.training)


def test_groups_are_never_divided():
    generator = np.random.default_rng(0)
    data = dataset(300, groups=[f"person {i}" for i in generator.integers(0, 40, size=300)])
    for resample in outer_resamples(data, [f"resample-{i}" for i in range(5)], seed=0):
        assert not set(data.groups[resample.training]) & set(data.groups[resample.test])
        kept, held = inner_split(data, resample.training, seed=1)
        assert not set(data.groups[kept]) & set(data.groups[held])
        few = tuning_rows(data, resample.training, most=100, seed=0)
        assert set(data.groups[few]).isdisjoint(set(data.groups[np.setdiff1d(resample.training, few)]))


def test_groups_of_unequal_size_are_all_judged_and_all_trained_on():
    sizes = [round(2 * 1.3**i) for i in range(16)]
    groups = np.repeat(np.arange(len(sizes)), sizes)
    data = dataset(len(groups), groups=[f"g{i}" for i in groups])
    drawn = outer_resamples(data, [f"resample-{i}" for i in range(60)], seed=0)
    assert len({tuple(np.unique(groups[r.test])) for r in drawn}) > 40
    assert set.union(*(set(groups[r.test]) for r in drawn)) == set(groups)
    assert set.union(*(set(groups[r.training]) for r in drawn)) == set(groups)
    assert np.mean([len(r.test) for r in drawn]) / len(groups) == pytest.approx(0.2, abs=0.1)


def test_what_is_judged_comes_after_what_is_trained_on():
    times = np.random.default_rng(0).permutation(300) // 3  # three rows of each time
    data = dataset(300, times=[float(t) for t in times])
    resamples = outer_resamples_by_name(data, [f"resample-{i}/10" for i in range(10)], seed=0)
    for resample in resamples:
        assert data.times[resample.training].max() < data.times[resample.test].min()
        kept, held = inner_split(data, resample.training, seed=1)
        assert data.times[kept].max() < data.times[held].min()
    starts = [data.times[resample.test].min() for resample in resamples]
    assert starts == sorted(starts)
    last = outer_resamples_by_name(data, ["confirmation-9/10"], seed=0)[0]
    assert data.times[last.test].max() == 99  # the latest rows judge too


@pytest.mark.parametrize("rows_of_a_time", [1, 7])
def test_no_row_is_judged_twice_by_time(rows_of_a_time):
    data = dataset(420, times=[float(i // rows_of_a_time) for i in range(420)])
    names = [f"{family}-{i}/10" for family in ("resample", "confirmation") for i in range(10)]
    judged = np.concatenate([resample.test for resample in outer_resamples_by_name(data, names, seed=0)])
    assert len(judged) == len(set(judged))
    assert len(judged) == pytest.approx(210, abs=7)


def test_tuning_rows_are_drawn_by_class():
    data = dataset(1000, classes=4)
    rows = tuning_rows(data, np.arange(1000), most=200, seed=0)
    assert len(rows) == pytest.approx(200, abs=4)
    np.testing.assert_allclose(shares(data.target, rows), shares(data.target, np.arange(1000)), atol=0.02)
    np.testing.assert_array_equal(tuning_rows(data, np.arange(100), most=200, seed=0), np.arange(100))


def test_a_class_with_too_few_rows_is_refused():
    data = dataset(200)
    few = data.rows(np.r_[np.flatnonzero(data.target == 0), np.flatnonzero(data.target == 1)[:3]])
    with pytest.raises(InputError, match="class 'class 1' of 'label' has only 3 rows, and each class needs 8"):
        check_splittable(few)


def test_too_few_groups_or_times_and_both_at_once_are_refused():
    with pytest.raises(InputError, match="4 groups, and resampling whole groups needs at least 10"):
        check_splittable(dataset(200, groups=[f"g{i % 4}" for i in range(200)]))
    with pytest.raises(InputError, match="needs at least 40"):
        check_splittable(dataset(200, times=[float(i % 7) for i in range(200)]))
    with pytest.raises(InputError, match="--group or --time, not both"):
        check_splittable(dataset(200, groups=[f"g{i % 20}" for i in range(200)], times=[float(i) for i in range(200)]))


def test_a_class_that_only_comes_last_is_refused_by_name():
    data = dataset(200, times=[float(i) for i in range(200)])
    late = data.rows(np.r_[np.flatnonzero(data.target == 0), np.flatnonzero(data.target == 1)])
    object.__setattr__(late, "times", np.arange(200.0))
    with pytest.raises(InputError, match="class 'class 1' has no rows to train on"):
        outer_resamples_by_name(late, ["resample-0/10"], seed=0)


def test_the_split_is_described():
    assert "by class and at random" in describe_split(dataset(100))
    grouped = dataset(100, groups=[f"g{i % 20}" for i in range(100)])
    assert "groups of group column kept whole" in describe_split(grouped)
    assert "time column" in describe_split(dataset(100, times=[float(i) for i in range(100)]))


def test_resamples_are_plain_values():
    resample = Resample("a", np.array([0, 1]), np.array([2]))
    assert resample.name == "a"
