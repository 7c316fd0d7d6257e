"""What is decided and refused before anything is trained: metric, candidates, device, and the files that judge."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from minimand.contracts.catalogue import cards
from minimand.contracts.task import bind
from minimand.errors import InputError
from minimand.workbench.compare.candidates import Candidate, NotChosen, candidate_name, choose, given, named
from minimand.workbench.compare.options import Options
from minimand.workbench.compare.problem import outputs_of, problem_of
from minimand.workbench.compare.trial import metric_card
from minimand.workbench.tables import Dataset, read_table
from minimand.workbench.tables.table import nearest_names


def deciding_metric(options: Options, dataset: Dataset) -> tuple[str, str]:
    """The slug of the metric that decides, and why it does."""
    problem = problem_of(dataset)
    if options.metric is None:
        return problem.default_metric(dataset)
    known = {card.slug: card for card in problem.metric_cards()}
    if options.metric in {card.slug for card in cards("metric")} - known.keys():
        raise InputError(f"--metric {options.metric!r} does not judge {problem.described}")
    if options.metric not in known:
        raise InputError(f"--metric {options.metric!r} is unknown: {nearest_names(options.metric, known)}")
    card = known[options.metric]
    unfit = problem.unfit(card, dataset)
    if unfit is not None:
        raise InputError(f"--metric {options.metric!r} cannot decide: {unfit}")
    if card.facts.get("lowest_prediction") is not None:
        raise InputError(
            f"--metric {options.metric!r} cannot decide: it needs predictions above "
            f"{card.facts['lowest_prediction']:g}, which {problem.reference_words} does not promise; it is shown "
            "beside the metric that decides"
        )
    return options.metric, "asked for"


def test_rows(options: Options, dataset: Dataset) -> Dataset | None:
    """The rows of `--test`, aligned now, so that a file that does not fit is refused before hours of work.

    They are judged on at the very end, and nothing is decided by them.
    """
    if options.test is None:
        return None
    test = dataset.aligned(read_table(options.test, header=not options.no_header))
    unknown = np.isnan(test.target) if dataset.problem == "regression" else test.target < 0
    without = unknown if unknown.ndim == 1 else unknown.any(1)
    if without.all():
        raise InputError(f"{options.test} has no target column {dataset.roles.target!r}, or nothing in it")
    if without.any():
        raise InputError(f"{options.test} has {int(without.sum())} rows without a target: drop them")
    counted = test.target if test.weights is None else test.target[test.weights > 0]
    if dataset.problem == "multi-label":
        if not (counted == 1).any():
            raise InputError(f"{options.test} has no row with a label: nothing can be judged on it")
    elif len(np.unique(counted)) < 2:
        what = "different targets" if dataset.problem == "regression" else "classes"
        raise InputError(f"{options.test} has rows of fewer than two {what}: nothing can be judged on it")
    return test


def asked_for(
    options: Options, objectives: Mapping[str, Any] | None, metric: str, dataset: Dataset
) -> list[Candidate] | None:
    """The objectives that were named or handed over, with the reference; None where the data are to choose."""
    if not options.objective and not objectives:
        return None
    problem = problem_of(dataset)
    takes_probabilities = metric_card(metric).facts["takes"] == "probabilities"
    chosen = named(options.objective, problem, dataset, takes_probabilities=takes_probabilities)
    for candidate in given(objectives or {}):
        if candidate.name in [c.name for c in chosen]:
            raise InputError(f"the name {candidate.name!r} is taken by an objective of minimand: choose another")
        try_out(candidate, dataset, takes_probabilities=takes_probabilities)
        chosen.append(candidate)
    if len(chosen) < 2:
        raise InputError(f"name at least one --objective besides {problem.reference}, or none to let the data choose")
    return chosen


def try_out(candidate: Candidate, dataset: Dataset, *, takes_probabilities: bool) -> None:
    """One batch through an objective from Python: what would fail in the first training is said now.

    Raises:
        InputError: it cannot be bound or called, returns what no objective may, or does not fit metric or weights.
    """
    problem = problem_of(dataset)
    rows = 2 * max(problem.n_outputs, 2)
    weight = None if dataset.weights is None else torch.linspace(0.5, 1.5, rows)
    target, task = problem.example(rows, weight)
    try:
        scores = torch.zeros(rows, outputs_of(candidate.objective, problem), requires_grad=True)
        bound = bind(candidate.objective, task)
        value, _ = bound.sum_and_count(scores, target, index=torch.arange(len(target)), sample_weight=weight)
        value.backward()
    except (TypeError, ValueError, RuntimeError, IndexError) as error:
        reason = str(error).partition("\n")[0]
        raise InputError(f"the objective {candidate.name!r} fails on {len(target)} rows: {reason}") from error
    if takes_probabilities and not bound.has_probabilities:
        raise InputError(
            f"the objective {candidate.name!r} defines no probabilities, which the metric needs: choose another one"
        )


def candidates_for(
    asked: Sequence[Candidate] | None, dataset: Dataset, diagnosis: Mapping[str, Any], metric: str
) -> tuple[list[Candidate], list[NotChosen]]:
    """The objectives to compare, and those that are not, with reasons."""
    if asked is None:
        takes_probabilities = metric_card(metric).facts["takes"] == "probabilities"
        return choose(diagnosis, problem_of(dataset), dataset, takes_probabilities=takes_probabilities)
    taken = {candidate.name for candidate in asked}
    rest = [(candidate_name(card), card) for card in cards("loss")]
    return list(asked), [NotChosen(name, card.title, "not asked for") for name, card in rest if name not in taken]


def usable_device(wanted: str) -> str:
    """The device to train on; `auto` is the processor, which is faster for small networks, and deterministic.

    Raises:
        InputError: it is not there.
    """
    if wanted == "auto":
        return "cpu"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.zeros(1, device=wanted).cpu()
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).partition("\n")[0]
        raise InputError(f"--device {wanted!r} cannot be used here ({reason}): choose cpu or auto") from error
    return wanted


def check_network(model: Callable[[int, int], nn.Module] | None, dataset: Dataset, n_inputs: int) -> None:
    """Refuse a factory whose network does not give a row of scores for each row.

    Raises:
        InputError: it fails, or its scores have another shape.
    """
    if model is None:
        return
    outputs = problem_of(dataset).n_outputs
    try:
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            found = model(n_inputs, outputs).eval()(torch.zeros(4, n_inputs))
    except (TypeError, ValueError, RuntimeError, AttributeError) as error:
        reason = str(error).partition("\n")[0]
        raise InputError(f"model({n_inputs}, {outputs}) cannot be used: {reason}") from error
    if tuple(found.shape) != (4, outputs):
        raise InputError(
            f"model({n_inputs}, {outputs}) must give scores of shape (4, {outputs}) for 4 rows, got "
            f"{tuple(found.shape)}"
        )
