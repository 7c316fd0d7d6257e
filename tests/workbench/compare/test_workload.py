from __future__ import annotations

import pytest

from minimand.workbench.compare.plan import Plan
from minimand.workbench.compare.trial import Training
from minimand.workbench.compare.workload import (
    Workload,
    chosen_configuration,
    final_key,
    reference_key,
    training_key,
    tuning_key,
)

TRAINING = Training(
    seed=0, metric="accuracy", tuning_rows=100, training_rows=100, max_epochs=5, patience=2, batch_size=32
)
SETTINGS = [{"learning_rate": 0.001 * (i + 1), "weight_decay": 0.01} for i in range(3)]
OBJECTIVES = ("cross-entropy", "gce", "focal", "mine")


def plan(metric: str = "accuracy", stack: int = 6) -> Plan:
    training = Training(**{**TRAINING.__dict__, "metric": metric})
    return Plan(
        training,
        dict.fromkeys(OBJECTIVES, SETTINGS),
        ["r-0", "r-1"],
        [],
        ["majority"],
        [],
        None,
        None,
        rungs=[[4, 2], [10, 1]],
        tuned_in_full=["r-0"],
        stack=stack,
        alone=["mine"],
    )


def workload(done: dict, **changes: int) -> Workload:
    return Workload(plan(**changes), ["r-0", "r-1"], list(OBJECTIVES), ["majority"], done)


def run(task: dict) -> dict:
    """What a worker would give back, the second settings being the best; keys with records."""
    if task["stage"] == "reference":
        return {reference_key(task["resample"], task["objective"]): {}}
    return {
        training_key(task["stage"], task["resample"], name, number): {"validation": 0.9 if number == 1 else 0.5}
        for name, settings in task["arms"].items()
        for number in range(len(settings))
    }


def test_a_plan_survives_its_json():
    assert Plan.from_json(plan().to_json()) == plan()


@pytest.mark.parametrize("stack", [1, 6, 100])
def test_everything_is_trained_once_and_final_trainings_take_the_best_settings(stack):
    done: dict = {}
    work = workload(done, stack=stack)
    handed: list[str] = []
    while (ready := work.ready()) is not None:
        for key, task in ready:
            assert key not in handed
            handed.append(key)
            if task["stage"] == "final":
                assert all(settings == [SETTINGS[1]] for settings in task["arms"].values())
            records = run(task)
            assert not set(records) & set(done)
            done |= records
    assert len(done) == work.total() == work.finished_count() == 2 * (1 + 4 * 4)
    assert work.complete_resamples() == ["r-0", "r-1"]
    assert work.complete_resamples(least=3) == []


def test_objectives_share_tasks_as_the_plan_says_and_foreign_ones_share_none():
    chunks = plan(stack=6).chunks(list(OBJECTIVES), 3)
    assert chunks == [["cross-entropy", "gce"], ["focal"], ["mine"]]
    assert plan(stack=6).chunks(list(OBJECTIVES), 1) == [["cross-entropy", "gce", "focal"], ["mine"]]
    assert plan(stack=1).chunks(["gce"], 3) == [["gce"]]
    # as even as can be: four objectives in stacks of three are two and two.
    assert plan(stack=3).chunks(["a", "b", "c", "d"], 1) == [["a", "b"], ["c", "d"]]


def test_settings_are_cut_on_every_resample_but_the_one_that_is_tuned_in_full():
    rungs = {task["resample"]: task["rungs"] for _, task in workload({}).ready() if task["stage"] == "tune"}
    assert rungs == {"r-0": [], "r-1": [[4, 2], [10, 1]]}


def test_final_trainings_wait_for_tunings_in_flight():
    done: dict = {}
    work = workload(done)
    in_flight: list[dict] = []
    handed: list[str] = []
    for key, task in work.ready():
        handed.append(key)
        in_flight.append(task)
        if len(in_flight) > 2:  # two workers: results come late
            done |= run(in_flight.pop(0))
    for task in in_flight:
        done |= run(task)
    while (ready := work.ready()) is not None:
        for key, task in ready:
            handed.append(key)
            done |= run(task)
    assert len(set(handed)) == len(handed)
    assert work.complete_resamples() == ["r-0", "r-1"]


def test_only_what_is_missing_is_handed_out_again():
    done: dict = {}
    for _, task in workload({}).ready():
        if task["resample"] == "r-0":
            done |= run(task)
    keys = [key for key, _ in workload(done).ready()]
    assert keys[0] == "r-0/final/cross-entropy+gce+focal"
    assert not any(key.startswith("r-0/tune") for key in keys)
    assert any(key.startswith("r-1/tune") for key in keys)


def test_the_first_of_equal_settings_is_chosen_and_lower_can_be_better():
    done = {tuning_key("r-0", "gce", i): {"validation": v} for i, v in enumerate((0.5, 0.7, 0.7))}
    assert chosen_configuration(plan(), done, "r-0", "gce") == 1
    assert chosen_configuration(plan("log-loss"), done, "r-0", "gce") == 0
    del done[tuning_key("r-0", "gce", 2)]
    assert chosen_configuration(plan(), done, "r-0", "gce") is None
    assert final_key("r-0", "gce") != tuning_key("r-0", "gce", 0)
