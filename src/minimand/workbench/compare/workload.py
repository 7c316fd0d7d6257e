"""The trainings of a comparison in order: what is missing, what can be begun, and which settings were chosen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from minimand.workbench.compare.plan import Plan
from minimand.workbench.compare.trial import metric_card


@dataclass
class Workload:
    """The trainings of some resamples, in order; a final one is ready once its settings have been chosen."""

    plan: Plan
    resamples: list[str]
    objectives: list[str]
    references: list[str]
    done: dict[str, dict[str, Any]]

    def tasks(self, resample: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Every task of a resample; settings are None where they are not chosen yet."""
        for name in self.references:
            yield reference_key(resample, name), _task("reference", resample, name, {})
        for number in range(self.plan.configurations):
            for name in self.objectives:
                settings = self.plan.objectives[name][number]
                yield tuning_key(resample, name, number), _task("tune", resample, name, settings)
        for name in self.objectives:
            yield final_key(resample, name), _task("final", resample, name, self.chosen(resample, name))

    def chosen(self, resample: str, name: str) -> dict[str, float] | None:
        """The settings with the best validation score, the first of equal ones; None while some are missing."""
        number = chosen_configuration(self.plan, self.done, resample, name)
        return None if number is None else self.plan.objectives[name][number]

    def ready(self) -> Iterator[tuple[str, dict[str, Any]]] | None:
        """The missing tasks that can be begun, looked up as they are asked for; None when nothing is missing."""
        if self.finished_count() == self.total():
            return None
        return self._ready()

    def _ready(self) -> Iterator[tuple[str, dict[str, Any]]]:
        handed_out: set[str] = set()
        for position, resample in enumerate(self.resamples):
            for key, task in self.tasks(resample):
                if key not in self.done and task["settings"] is not None:
                    handed_out.add(key)
                    yield key, task
            # final trainings whose tuning was still in flight when their turn came.
            for earlier in self.resamples[: position + 1]:
                for name in self.objectives:
                    key = final_key(earlier, name)
                    settings = self.chosen(earlier, name)
                    if key not in self.done and key not in handed_out and settings is not None:
                        handed_out.add(key)
                        yield key, _task("final", earlier, name, settings)

    def total(self) -> int:
        """How many tasks there are."""
        per_resample = len(self.references) + len(self.objectives) * (self.plan.configurations + 1)
        return len(self.resamples) * per_resample

    def finished_count(self) -> int:
        """How many of them are in the ledger."""
        return sum(key in self.done for resample in self.resamples for key, _ in self.tasks(resample))

    def complete_resamples(self, *, least: int = 0) -> list[str]:
        """The resamples with nothing missing; none at all where there are fewer than `least`."""
        complete = [r for r in self.resamples if all(key in self.done for key, _ in self.tasks(r))]
        return complete if len(complete) >= least else []


def tuning_key(resample: str, objective: str, number: int) -> str:
    """The ledger's key of a training that tries a configuration."""
    return f"{resample}/tune/{objective}/{number}"


def final_key(resample: str, objective: str) -> str:
    """The ledger's key of the training that is judged on outer test rows."""
    return f"{resample}/final/{objective}"


def reference_key(resample: str, name: str) -> str:
    """The ledger's key of a reference row."""
    return f"{resample}/reference/{name}"


def chosen_configuration(
    plan: Plan, done: Mapping[str, Mapping[str, Any]], resample: str, objective: str
) -> int | None:
    """The number of the configuration with the best validation score; None while some are missing."""
    records = [done.get(tuning_key(resample, objective, number)) for number in range(plan.configurations)]
    found = [record["validation"] for record in records if record is not None]
    if len(found) < len(records):
        return None
    sign = 1.0 if metric_card(plan.training.metric).facts["higher_is_better"] else -1.0
    return max(range(len(found)), key=lambda number: (sign * found[number], -number))


def _task(stage: str, resample: str, objective: str, settings: dict[str, float] | None) -> dict[str, Any]:
    return {"stage": stage, "resample": resample, "objective": objective, "settings": settings}
