"""The trainings of a comparison in order: what is missing, what can be begun, and which settings were chosen.

A task trains many configurations side by side: all settings of some objectives on one resample, or the chosen ones of
some objectives. Which objectives share a task follows from the plan alone, so that a run that is resumed computes the
same stacks, and with them the same bits.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from minimand.workbench.compare.plan import Plan
from minimand.workbench.compare.trial import metric_card


@dataclass
class Workload:
    """The trainings of some resamples, in order; final ones are ready once their settings have been chosen."""

    plan: Plan
    resamples: list[str]
    objectives: list[str]
    references: list[str]
    done: dict[str, dict[str, Any]]

    def ready(self) -> Iterator[tuple[str, dict[str, Any]]] | None:
        """The missing tasks that can be begun, looked up as they are asked for; None when nothing is missing."""
        if self.finished_count() == self.total():
            return None
        return self._ready()

    def _ready(self) -> Iterator[tuple[str, dict[str, Any]]]:
        handed_out: set[str] = set()
        for position, resample in enumerate(self.resamples):
            for key, task in self._tasks(resample):
                if key not in handed_out and task is not None:
                    handed_out.add(key)
                    yield key, task
            # final trainings whose tuning was still in flight when their turn came.
            for earlier in self.resamples[: position + 1]:
                for key, task in self._finals(earlier):
                    if key not in handed_out and task is not None:
                        handed_out.add(key)
                        yield key, task

    def _tasks(self, resample: str) -> Iterator[tuple[str, dict[str, Any] | None]]:
        """The missing tasks of a resample; None for those that cannot be begun yet."""
        for name in self.references:
            key = reference_key(resample, name)
            if key not in self.done:
                yield key, {"stage": "reference", "resample": resample, "objective": name}
        rungs = [] if resample in self.plan.tuned_in_full else self.plan.rungs
        for names in self.plan.chunks(self.objectives, self.plan.configurations):
            missing = [key for name in names for key in self._tuning_keys(resample, name) if key not in self.done]
            if missing:
                arms = {name: self.plan.objectives[name] for name in names}
                task = {"stage": "tune", "resample": resample, "arms": arms, "rungs": rungs}
                yield f"{resample}/tune/{'+'.join(names)}", task
        yield from self._finals(resample)

    def _finals(self, resample: str) -> Iterator[tuple[str, dict[str, Any] | None]]:
        for names in self.plan.chunks(self.objectives, 1):
            if all(final_key(resample, name) in self.done for name in names):
                continue
            chosen = {name: self.chosen(resample, name) for name in names}
            arms = {name: [settings] for name, settings in chosen.items() if settings is not None}
            task = {"stage": "final", "resample": resample, "arms": arms, "rungs": []}
            yield f"{resample}/final/{'+'.join(names)}", task if len(arms) == len(names) else None

    def chosen(self, resample: str, name: str) -> dict[str, float] | None:
        """The settings with the best validation score, the first of equal ones; None while some are missing."""
        number = chosen_configuration(self.plan, self.done, resample, name)
        return None if number is None else self.plan.objectives[name][number]

    def total(self) -> int:
        """How many trainings there are."""
        per_resample = len(self.references) + len(self.objectives) * (self.plan.configurations + 1)
        return len(self.resamples) * per_resample

    def finished_count(self) -> int:
        """How many of them are in the ledger."""
        return sum(key in self.done for resample in self.resamples for key in self._keys(resample))

    def complete_resamples(self, *, least: int = 0) -> list[str]:
        """The resamples with nothing missing; none at all where there are fewer than `least`."""
        complete = [r for r in self.resamples if all(key in self.done for key in self._keys(r))]
        return complete if len(complete) >= least else []

    def _keys(self, resample: str) -> Iterator[str]:
        """The ledger's key of every training of a resample."""
        for name in self.references:
            yield reference_key(resample, name)
        for name in self.objectives:
            yield from self._tuning_keys(resample, name)
            yield final_key(resample, name)

    def _tuning_keys(self, resample: str, name: str) -> Sequence[str]:
        return [tuning_key(resample, name, number) for number in range(self.plan.configurations)]


def tuning_key(resample: str, objective: str, number: int) -> str:
    """The ledger's key of a training that tries a configuration."""
    return f"{resample}/tune/{objective}/{number}"


def final_key(resample: str, objective: str) -> str:
    """The ledger's key of the training that is judged on outer test rows."""
    return f"{resample}/final/{objective}"


def reference_key(resample: str, name: str) -> str:
    """The ledger's key of a reference row."""
    return f"{resample}/reference/{name}"


def training_key(stage: str, resample: str, objective: str, number: int) -> str:
    """The ledger's key of a training by what it is for."""
    if stage == "reference":
        return reference_key(resample, objective)
    return tuning_key(resample, objective, number) if stage == "tune" else final_key(resample, objective)


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
