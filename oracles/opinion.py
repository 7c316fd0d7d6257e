"""What a second opinion is, how it is kept as JSON, and how it is compared with our own value.

An *opinion* is the value (and mostly the gradient) that somebody else's code gives on some inputs. It is kept with the
inputs, the versions and the road: `peer` (a published library), `official` (the authors' own code) or
`transcription` (the paper's equation written again in high precision by somebody who did not write the component).
The inputs are part of the file, so that nothing has to be drawn twice.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, field
from inspect import signature
from pathlib import Path
from typing import Any, Literal
from unittest.mock import patch

import torch
from torch import Tensor

from minimand.contracts.card import Card
from minimand.contracts.catalogue import find
from minimand.contracts.task import TaskInfo, bind

Road = Literal["peer", "official", "transcription"]
VALUES = Path(__file__).parent / "values"
TOLERANCE = 1e-6
"""Of the value and the gradient, relative to the larger of 1 and the opinion's own size."""


@dataclass(frozen=True)
class Call:
    """One call of a loss, a probability map or a metric.

    Args:
        pred: scores (or probabilities, where a metric takes them).
        target: class indices, soft targets or labels; None for a probability map.
        index: row numbers in the training set, for losses that remember each sample.
        sample_weight: of the rows.
    """

    pred: list[Any]
    target: list[Any] | None = None
    index: list[int] | None = None
    sample_weight: list[float] | None = None


@dataclass(frozen=True)
class Case:
    """Some calls in a row with one state, and what the last of them gives.

    Args:
        calls: one call; several where there is a state.
        hyper: hyperparameters, by our names.
        task: arguments of `TaskInfo` (`n_classes`, `n_samples`, `class_counts`), where the loss is bound to a task; or
            the `targets` of the training set, and perhaps their `weights`, where they are numbers.
        rows: the value of each row of the last call, or of each element of a map; None where only `mean` is known.
        mean: the mean over the rows of the last call (of a metric its value).
        gradient: of the mean (or of the sum of the rows where `mean` is None) in the scores of the last call.
        state: entries of the `state_dict` that the loss has before the first call; others as they are when it is bound.
        training: whether the loss is in training mode.
        draws: numbers in (0, 1) that `torch.rand` gives, as far as they are needed, in the place of random ones.
    """

    calls: Sequence[Call]
    hyper: Mapping[str, Any] = field(default_factory=dict)
    task: Mapping[str, Any] | None = None
    rows: list[Any] | None = None
    mean: float | None = None
    gradient: list[Any] | None = None
    state: Mapping[str, Any] | None = None
    training: bool = True
    draws: list[float] | None = None


@dataclass(frozen=True)
class Opinion:
    """What somebody else's code says of one of our components.

    Args:
        component: the id of ours, such as `losses.noisy.gce:gce_loss`.
        road: peer, official or transcription.
        source: whose: library and function, repository, file and commit, or paper and equation.
        versions: name -> version of what was run.
        cases: inputs and values.
        note: how their conventions map to ours (a factor, an argument of another name); empty where they agree.
    """

    component: str
    road: Road
    source: str
    versions: Mapping[str, str]
    cases: Sequence[Case]
    note: str = ""

    @property
    def file(self) -> Path:
        return VALUES / f"{self.component.replace(':', '.')}.{self.road}.json"

    def write(self) -> Path:
        """Write the opinion to its place."""
        self.file.write_text(as_json(asdict(self)) + "\n", encoding="utf-8")
        return self.file


def as_json(value: Any, depth: int = 0) -> str:
    """A value in JSON, one entry a line, but a list that holds no other list or object on one line: rows stay rows."""
    inner, outer = " " * (depth + 1), " " * depth
    if isinstance(value, Mapping) and value:
        lines = [f"{inner}{json.dumps(str(name))}: {as_json(held, depth + 1)}" for name, held in value.items()]
        return "{\n" + ",\n".join(lines) + f"\n{outer}}}"
    if isinstance(value, (list, tuple)) and any(isinstance(held, (Mapping, list, tuple)) for held in value):
        lines = [inner + as_json(held, depth + 1) for held in value]
        return "[\n" + ",\n".join(lines) + f"\n{outer}]"
    return json.dumps(value, allow_nan=True)


def opinions() -> Iterator[Opinion]:
    """Every opinion that is kept, in the order of the files."""
    for file in sorted(VALUES.glob("*.json")):
        content = json.loads(file.read_text(encoding="utf-8"))
        cases = [
            Case(**{**case, "calls": tuple(Call(**call) for call in case["calls"])}) for case in content.pop("cases")
        ]
        yield Opinion(**content, cases=tuple(cases))


def card_of_opinion(opinion: Opinion) -> Card:
    """The card of the component that an opinion is about.

    Raises:
        LookupError: there is no such component any more.
    """
    found = [card for card in find(opinion.component) if card.id == opinion.component]
    if not found:
        raise LookupError(f"{opinion.file.name} is about {opinion.component}, which does not exist")
    return found[0]


def disagreement(card: Card, case: Case) -> float:
    """The largest difference between ours and theirs, relative to the larger of 1 and theirs."""
    last = case.calls[-1]
    pred = torch.tensor(last.pred, dtype=torch.float64, requires_grad=card.kind != "metric")
    values = our_values(card, case, pred)
    known = case.rows if case.rows is not None else case.mean
    if known is None:
        raise ValueError("a case must give rows or a mean")
    ours = values if case.rows is not None else values.mean()
    differences = [_relative(ours.detach(), torch.tensor(known, dtype=torch.float64))]
    if case.gradient is not None:
        total = values.sum() if case.mean is None else values.mean()
        slope = torch.autograd.grad(total, pred)[0]
        differences.append(_relative(slope, torch.tensor(case.gradient, dtype=torch.float64)))
    return max(differences)


def our_values(card: Card, case: Case, pred: Tensor) -> Tensor:
    """What ours gives in a case: one value a row of the last call, the elements of a map, or a metric."""
    if card.kind == "probability map":
        result: Tensor = card.component(pred, **case.hyper)
        return result
    if card.kind == "metric":
        last = case.calls[-1]
        weight = None if last.sample_weight is None else torch.tensor(last.sample_weight, dtype=torch.float64)
        metric: Tensor = card.component(pred, _target(last), sample_weight=weight, **case.hyper)
        return metric
    task = _task(case, pred.shape[-1])
    loss = bind(card.component, task, **_hyper(card, case)).double().train(case.training)
    loss.reduction = "none"
    if case.state is not None:
        own = loss.state_dict()
        given = {name: torch.tensor(value, dtype=own[name].dtype) for name, value in case.state.items()}
        loss.load_state_dict(own | given)
    for place, call in enumerate(case.calls):
        scores = pred if place == len(case.calls) - 1 else torch.tensor(call.pred, dtype=torch.float64)
        index = None if call.index is None else torch.tensor(call.index)
        weight = None if call.sample_weight is None else torch.tensor(call.sample_weight, dtype=torch.float64)
        with _draws(case):
            values: Tensor = loss(scores, _target(call), index=index, sample_weight=weight)
    return values


def _task(case: Case, n_classes: int) -> TaskInfo:
    """The task of a case; where it says nothing, one with as many classes as there are scores in a row."""
    task = {"n_classes": n_classes, **(case.task or {})}
    for name in ("class_counts", "targets", "weights"):
        if task.get(name) is not None:
            task[name] = torch.tensor(task[name], dtype=torch.float64)
    if "targets" in task:
        return TaskInfo.of_values(task["targets"], sample_weight=task.get("weights"))
    return TaskInfo(**task)


def _draws(case: Case) -> AbstractContextManager[Any]:
    """While it is open, `torch.rand` gives what the case says."""
    if case.draws is None:
        return nullcontext()
    drawn = torch.tensor(case.draws, dtype=torch.float64)
    return patch.object(torch, "rand", lambda n, **_: drawn[:n])


def _hyper(card: Card, case: Case) -> dict[str, Any]:
    """Lists of JSON as what the loss takes: tensors where the user must give them or it says so, else tuples."""
    parameters = signature(card.component).parameters
    hyper: dict[str, Any] = {}
    for name, value in case.hyper.items():
        if name in card.needs:
            hyper[name] = torch.tensor(value, dtype=torch.float64)
        elif isinstance(value, list):
            hyper[name] = _tensor(value) if "Tensor" in str(parameters[name].annotation) else tuple(value)
        else:
            hyper[name] = value
    return hyper


def _target(call: Call) -> Tensor:
    return _tensor(call.target)


def _tensor(values: Any) -> Tensor:
    """As torch makes it of lists, floats in float64."""
    tensor = torch.tensor(values)
    # made of the lists again: by way of float32 it would no longer be what they say.
    return torch.tensor(values, dtype=torch.float64) if tensor.is_floating_point() else tensor


def _relative(ours: Tensor, theirs: Tensor) -> float:
    if ours.shape != theirs.shape:
        raise ValueError(f"ours has shape {tuple(ours.shape)}, theirs {tuple(theirs.shape)}")
    agree = (ours == theirs) | (ours.isnan() & theirs.isnan())
    difference = torch.where(agree, 0.0, (ours - theirs).abs() / theirs.abs().clamp_min(1.0))
    return float(torch.where(difference.isnan(), torch.inf, difference).max()) if difference.numel() else 0.0
