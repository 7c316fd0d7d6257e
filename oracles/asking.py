"""How others' code is asked: inputs in, a `Case` with their values and gradients out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Literal

import torch
from torch import Tensor

from oracles.opinion import Call, Case

Theirs = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Dissent:
    """A value of somebody else's code that is not ours, which is kept with the reason.

    Args:
        component: the id of ours.
        source: whose, as in an opinion.
        versions: name -> version of what was run.
        case: the inputs and their value.
        right: `ours` (theirs is a mistake or an approximation), `theirs`, or `either` (another convention).
        why: what is different and why it stays so, in a sentence or two.
    """

    component: str
    source: str
    versions: Mapping[str, str]
    case: Case
    right: Literal["ours", "theirs", "either"]
    why: str


def ask(
    theirs: Theirs,
    pred: Sequence[Any],
    target: Sequence[Any],
    *,
    hyper: Mapping[str, Any] | None = None,
    task: Mapping[str, Any] | None = None,
    index: Sequence[int] | None = None,
    gradient: bool = True,
) -> Case:
    """What a loss gives for each row `(N,)`, and the gradient of the sum in the scores.

    Args:
        theirs: `(scores, target) -> (N,)`; scores and soft targets come in float64.
        pred: scores, as lists.
        target: class indices, soft targets or labels, as lists.
        hyper: our names of the hyperparameters that `theirs` was given.
        task: what our loss has to be told of the training set.
        index: row numbers, for our loss.
        gradient: False where theirs has none that could be compared.
    """
    scores = torch.tensor(pred, dtype=torch.float64, requires_grad=True)
    rows = theirs(scores, tensor_of(target))
    slope = torch.autograd.grad(rows.sum(), scores)[0].tolist() if gradient else None
    call = Call(list(pred), list(target), index=None if index is None else list(index))
    return Case([call], hyper=dict(hyper or {}), task=task, rows=rows.detach().double().tolist(), gradient=slope)


def ask_mean(
    theirs: Theirs,
    pred: Sequence[Any],
    target: Sequence[Any],
    *,
    hyper: Mapping[str, Any] | None = None,
    task: Mapping[str, Any] | None = None,
    gradient: bool = True,
) -> Case:
    """What a loss gives for a whole batch, of which only the mean is known."""
    scores = torch.tensor(pred, dtype=torch.float64, requires_grad=True)
    mean = theirs(scores, tensor_of(target))
    slope = torch.autograd.grad(mean, scores)[0].tolist() if gradient else None
    return Case([Call(list(pred), list(target))], hyper=dict(hyper or {}), task=task, mean=mean.item(), gradient=slope)


def ask_map(theirs: Callable[[Tensor], Tensor], pred: Sequence[Any], *, hyper: Mapping[str, Any] | None = None) -> Case:
    """What a probability map gives: values alone, since each row sums to one, and the gradient of that says nothing."""
    values = theirs(torch.tensor(pred, dtype=torch.float64))
    return Case([Call(list(pred))], hyper=dict(hyper or {}), rows=values.detach().tolist())


def row_by_row(theirs: Theirs) -> Theirs:
    """Code that gives one number for a batch, asked of batches of a single row each."""

    def rows(scores: Tensor, target: Tensor) -> Tensor:
        each = [theirs(scores[i : i + 1], target[i : i + 1]) for i in range(len(scores))]
        return torch.stack([value.reshape(()) for value in each])

    return rows


def tensor_of(target: Sequence[Any]) -> Tensor:
    """The target as torch makes it of lists, floats in float64."""
    tensor = torch.tensor(target)
    # made of the lists again: by way of float32 it would no longer be what they say.
    return torch.tensor(target, dtype=torch.float64) if tensor.is_floating_point() else tensor


def versions_of(*distributions: str) -> dict[str, str]:
    """The versions of installed packages, with torch's."""
    return {name: version(name) for name in (*distributions, "torch")}
