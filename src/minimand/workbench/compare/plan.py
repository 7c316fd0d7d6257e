"""The plan of a comparison: what is trained, drawn and written down before anything is; a budget becomes one once."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from typing import Any

import torch
from torch import nn

from minimand.contracts.task import bind
from minimand.errors import InputError
from minimand.training.fit import Settings
from minimand.training.networks import mlp
from minimand.training.rows import Rows
from minimand.training.stacked.population import Member, members_of_a_stack, population
from minimand.workbench.compare.candidates import Candidate
from minimand.workbench.compare.halving import epochs_trained, rungs
from minimand.workbench.compare.options import Options
from minimand.workbench.compare.problem import Problem, outputs_of, problem_of
from minimand.workbench.compare.search import configurations
from minimand.workbench.compare.trial import Training
from minimand.workbench.tables import Dataset

RESAMPLES = 10
CONFIGURATIONS = 8
TUNING_ROWS = 10_000
MAX_EPOCHS = 200
PATIENCE = 12
BATCH_SIZE = 128
LARGE_BATCH_SIZE = 512
LARGE_FROM = 60_000
"""Rows from which larger batches are used: an epoch has steps enough."""

EPOCHS_EXPECTED = 30
"""Epochs of a training until it stops early: between 17 and 37 on average on four real data sets."""
BUDGET_SHARE = 0.85
"""Of a budget, what the estimate may fill: estimates from warm-up steps are rough."""
WARM_UP_STEPS = 12
TIMED_EPOCHS = 4
SECONDS_TO_START = 8.0


@dataclass(frozen=True)
class Plan:
    """Everything that is going to be trained; recorded in the ledger, and followed when a run is resumed."""

    training: Training
    objectives: dict[str, list[dict[str, float]]]
    resamples: list[str]
    confirmations: list[str]
    references: list[str]
    notes: list[str]
    budget_seconds: float | None
    estimated_seconds: float | None
    rungs: list[list[int]]
    """Epochs after which settings are cut, each with how many of an objective's go on; empty without halving."""
    tuned_in_full: list[str]
    """Resamples on which nothing is cut: they show what the cuts cost on the others."""
    stack: int
    """Trainings side by side in a task."""
    alone: list[str]
    """Objectives that share no task with others: the user's own, whose failure must cost no one else's work."""

    def to_json(self) -> dict[str, Any]:
        """The plan as plain data."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Plan:
        """The plan that `to_json` wrote."""
        training = Training(**{**data["training"], "hidden": tuple(data["training"]["hidden"])})
        return cls(**{**data, "training": training})

    def chunks(self, objectives: Sequence[str], settings: int) -> list[list[str]]:
        """The objectives that share a task when each brings so many settings, in order."""
        together = [name for name in objectives if name not in self.alone]
        size = max(1, self.stack // settings)
        # as even as can be, so that no task is much shorter than the others
        count = math.ceil(len(together) / size)
        ends = [round(len(together) * part / count) for part in range(count + 1)] if count else []
        parts = [together[start:end] for start, end in pairwise(ends)]
        return [*parts, *([name] for name in objectives if name in self.alone)]

    @property
    def configurations(self) -> int:
        """Settings tried for each objective on each resample."""
        return len(next(iter(self.objectives.values())))


@dataclass(frozen=True)
class _Size:
    """How large a plan is: what a budget decides about."""

    resamples: int
    configurations: int
    tuning_rows: int
    training_rows: int
    objectives: int


def make_plan(
    dataset: Dataset,
    candidates: Sequence[Candidate],
    options: Options,
    *,
    metric: str,
    device: str,
    model: Callable[[int, int], nn.Module] | None,
    n_inputs: int,
    all_asked_for: bool,
) -> Plan:
    """The plan for these data, candidates and options.

    Args:
        dataset: all rows.
        candidates: the objectives, the reference first.
        options: resamples and configurations where the user wants a number; the budget.
        metric: slug of the metric that decides.
        device: to train on.
        model: the user's network, or None.
        n_inputs: width of the encoded input.
        all_asked_for: the user named the candidates: then a budget drops none.

    Raises:
        InputError: the budget is shorter than the smallest fair plan.
    """
    size = _Size(
        resamples=options.resamples or RESAMPLES,
        configurations=options.configurations or CONFIGURATIONS,
        tuning_rows=TUNING_ROWS,
        training_rows=dataset.n_rows,
        objectives=len(candidates),
    )
    batch_size = BATCH_SIZE if dataset.n_rows < LARGE_FROM else LARGE_BATCH_SIZE
    halving, problem, inputs = not options.no_halving, problem_of(dataset), n_inputs
    network = _network(inputs, problem.n_outputs, model)
    notes: list[str] = []
    estimate = None
    if options.budget is not None:
        pace = {c.name: seconds_per_step(c, problem, inputs, batch_size, model, device) for c in candidates}
        size, estimate = _fitting(
            size, options, list(pace.values()), batch_size, dataset.n_rows, all_asked_for=all_asked_for
        )
        if size.objectives < len(candidates):
            dropped = [c.name for c in candidates[size.objectives :]]
            notes.append(f"the budget has no room for {', '.join(dropped)}: these were not tried")
    training = Training(
        seed=options.seed,
        metric=metric,
        tuning_rows=size.tuning_rows,
        training_rows=size.training_rows,
        max_epochs=MAX_EPOCHS,
        patience=PATIENCE,
        batch_size=batch_size,
        device=device,
    )
    timed = dataset.times is not None
    return Plan(
        training=training,
        objectives={
            c.name: configurations(c.search, c.defaults, count=size.configurations, seed=options.seed)
            for c in candidates[: size.objectives]
        },
        resamples=names("resample", size.resamples, timed=timed),
        confirmations=names("confirmation", size.resamples, timed=timed),
        references=list(problem.references),
        notes=notes,
        budget_seconds=options.budget,
        estimated_seconds=estimate,
        rungs=[list(rung) for rung in rungs(size.configurations)] if halving else [],
        tuned_in_full=names("resample", size.resamples, timed=timed)[:1] if halving else [],
        stack=members_of_a_stack(network, batch_size),
        alone=[c.name for c in candidates[: size.objectives] if c.card is None],
    )


def names(family: str, count: int, *, timed: bool) -> list[str]:
    """Names of resamples; where rows are ordered by time, the place of one depends on how many there are."""
    return [f"{family}-{i}/{count}" if timed else f"{family}-{i}" for i in range(count)]


def seconds_per_step(
    candidate: Candidate,
    problem: Problem,
    n_inputs: int,
    batch_size: int,
    model: Callable[[int, int], nn.Module] | None,
    device: str,
) -> float:
    """Seconds of one training step of an objective beside its like, timed on noise after a step to warm up."""
    rows = WARM_UP_STEPS * batch_size
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(rows, n_inputs, generator=generator)
    y, task = problem.example(rows)
    network = _network(n_inputs, outputs_of(candidate.objective, problem), model).to(device)
    count = min(members_of_a_stack(network, batch_size), CONFIGURATIONS)
    # rates that differ, as those of the settings do, and change nothing: what is timed must not diverge
    members = [Member(bind(candidate.objective, task).to(device), 1e-6 * (1 + place), 0.0) for place in range(count)]
    settings = Settings(batch_size=batch_size, max_epochs=TIMED_EPOCHS, patience=None)
    timed = population(network, members, Rows(x, y).to(device), None, settings=settings, seed=0)
    times = []
    while timed.running:
        start = time.perf_counter()
        timed.epoch()
        times.append((time.perf_counter() - start) / (WARM_UP_STEPS * count))
    return min(times)


def _network(n_inputs: int, n_outputs: int, model: Callable[[int, int], nn.Module] | None) -> nn.Module:
    return mlp(n_inputs, n_outputs, seed=0) if model is None else model(n_inputs, n_outputs)


def estimated_seconds(
    size: _Size, pace: Sequence[float], batch_size: int, n_rows: int, workers: int, *, halving: bool
) -> float:
    """What a plan of this size takes: steps times seconds, and a share for references, encoding and judging."""
    pace = pace[: size.objectives]
    trained = min(size.training_rows, 0.8 * n_rows)
    steps_to_tune = math.ceil(0.8 * min(size.tuning_rows, trained) / batch_size)
    steps_at_last = EPOCHS_EXPECTED * math.ceil(0.8 * trained / batch_size)
    cut = epochs_trained(size.configurations, EPOCHS_EXPECTED, halving=halving)
    whole = epochs_trained(size.configurations, EPOCHS_EXPECTED, halving=False)
    tuning = ((size.resamples - 1) * cut + whole) * steps_to_tune  # the first resample is tuned in full
    main = sum(pace) * (tuning + size.resamples * steps_at_last)
    confirming = 2 * max(pace) * size.resamples * (cut * steps_to_tune + steps_at_last)
    return SECONDS_TO_START + 1.2 * (main + confirming) / workers


def _fitting(
    size: _Size, options: Options, pace: Sequence[float], batch_size: int, n_rows: int, *, all_asked_for: bool
) -> tuple[_Size, float]:
    """The largest plan whose estimate the budget can hold."""
    assert options.budget is not None
    room = BUDGET_SHARE * options.budget
    for one in _sizes(size, options, n_rows, all_asked_for=all_asked_for):
        estimate = estimated_seconds(
            one, pace, batch_size, n_rows, options.workers, halving=not options.no_halving
        )
        if estimate <= room:
            return one, estimate
    if estimate > options.budget:
        raise InputError(
            f"the budget of {options.budget:g} s is too short: the smallest fair plan takes about {estimate:.0f} s; "
            "give a longer --budget, more --workers, or fewer --objective"
        )
    return one, estimate


def _sizes(size: _Size, options: Options, n_rows: int, *, all_asked_for: bool) -> list[_Size]:
    """Plans from large to small: a budget is a limit, not a goal. What the user fixed stays fixed."""
    sizes = [size]
    for rows in (5000, 2500, 1250):
        sizes.append(replace(size, tuning_rows=rows))
    for rows in (200_000, 100_000, 50_000, 25_000, 10_000):
        if rows < n_rows:
            sizes.append(replace(sizes[-1], training_rows=rows))
    for configurations_tried in (6, 4):
        if not options.configurations:
            sizes.append(replace(sizes[-1], configurations=configurations_tried))
    if not all_asked_for:
        sizes += [replace(sizes[-1], objectives=k) for k in range(size.objectives - 1, 1, -2)]
    return sizes


