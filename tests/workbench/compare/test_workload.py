from __future__ import annotations

from minimand.workbench.compare.plan import Plan
from minimand.workbench.compare.trial import Training
from minimand.workbench.compare.workload import Workload, chosen_configuration, final_key, tuning_key

TRAINING = Training(
    seed=0, metric="accuracy", tuning_rows=100, training_rows=100, max_epochs=5, patience=2, batch_size=32
)
SETTINGS = [{"learning_rate": 0.001 * (i + 1), "weight_decay": 0.01} for i in range(3)]


def plan(metric: str = "accuracy") -> Plan:
    training = Training(**{**TRAINING.__dict__, "metric": metric})
    objectives = {"cross-entropy": SETTINGS, "gce": SETTINGS}
    return Plan(training, objectives, ["r-0", "r-1"], [], ["majority"], [], None, None)


def workload(done: dict) -> Workload:
    return Workload(plan(), ["r-0", "r-1"], ["cross-entropy", "gce"], ["majority"], done)


def test_a_plan_survives_its_json():
    assert Plan.from_json(plan().to_json()) == plan()


def test_everything_is_run_once_and_final_trainings_take_the_best_settings():
    done: dict = {}
    work = workload(done)
    order = []
    while (ready := work.ready()) is not None:
        for key, task in ready:
            assert key not in done
            order.append(key)
            if task["stage"] == "final":
                assert task["settings"] == SETTINGS[1]
            done[key] = {"validation": 0.9 if key.endswith("/1") else 0.5}
    assert len(order) == work.total() == work.finished_count() == 2 * (1 + 2 * 4)
    assert work.complete_resamples() == ["r-0", "r-1"]
    assert work.complete_resamples(least=3) == []


def test_a_final_training_waits_for_tunings_in_flight():
    done: dict = {}
    work = workload(done)
    in_flight = []
    handed = []
    for key, _ in work.ready():
        handed.append(key)
        in_flight.append(key)
        if len(in_flight) > 2:  # two workers: results come late
            done[in_flight.pop(0)] = {"validation": 0.5}
    for key in in_flight:
        done[key] = {"validation": 0.5}
    missing = [key for key, _ in work.ready() or []]
    assert len(set(handed)) == len(handed)
    assert sorted(handed + missing) == sorted({key for r in ("r-0", "r-1") for key, _ in work.tasks(r)})


def test_only_what_is_missing_is_handed_out_again():
    done = {key: {"validation": 0.5} for key, _ in workload({}).tasks("r-0") if "final" not in key}
    keys = [key for key, _ in workload(done).ready()]
    assert final_key("r-0", "gce") in keys
    assert tuning_key("r-0", "gce", 0) not in keys
    assert tuning_key("r-1", "gce", 0) in keys


def test_the_first_of_equal_settings_is_chosen_and_lower_can_be_better():
    done = {tuning_key("r-0", "gce", i): {"validation": v} for i, v in enumerate((0.5, 0.7, 0.7))}
    assert chosen_configuration(plan(), done, "r-0", "gce") == 1
    assert chosen_configuration(plan("log-loss"), done, "r-0", "gce") == 0
    del done[tuning_key("r-0", "gce", 2)]
    assert chosen_configuration(plan(), done, "r-0", "gce") is None
