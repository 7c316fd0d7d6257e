"""Promises about manners: nothing outside is touched, tools of torch work, mistakes are refused in words."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

from minimand.contracts.loss import Loss
from minimand.contracts.task import TaskInfo, bind
from minimand.testing.promises.subject import NUMBERS, Batch, SkippedPromise, Subject, holds, promise, same


@promise(asked_of="any")
def inputs_are_unchanged(subject: Subject) -> None:
    """Scores, targets, weights and indices are not written to, not even to be restored."""
    batch = subject.batch()
    weight = None if subject.is_foreign else torch.linspace(0.0, 2.0, len(batch), dtype=batch.pred.dtype)
    given = {"scores": batch.pred, "target": batch.target, "index": batch.index}
    given |= {} if weight is None else {"sample_weight": weight}
    before = {name: (tensor.clone(), tensor._version) for name, tensor in given.items()}
    subject.value(batch, weight=weight)
    for name, tensor in given.items():
        holds(tensor == before[name][0], f"the {name} are changed in place")
        holds(tensor._version == before[name][1], f"the {name} are written to in place")


@promise(asked_of="any")
def global_state_is_untouched(subject: Subject) -> None:
    """Global random generators, the default dtype, the gradient mode and the thread count stay as they are."""

    def state() -> dict[str, Any]:
        return {
            "torch's global random generator": torch.get_rng_state().tolist(),
            "Python's global random generator": random.getstate(),
            "NumPy's global random generator": repr(np.random.get_state(legacy=True)),  # noqa: NPY002 - it is looked at
            "the default dtype": torch.get_default_dtype(),
            "the gradient mode": torch.is_grad_enabled(),
            "the number of threads": torch.get_num_threads(),
            "the deterministic mode": torch.are_deterministic_algorithms_enabled(),
        }

    before = state()
    subject.value_and_gradient(subject.batch())
    after = state()
    for what, value in before.items():
        holds(after[what] == value, f"{what} is changed: randomness and settings must arrive as arguments")


@promise(asked_of="any")
def the_same_twice(subject: Subject) -> None:
    """Two fresh losses give bitwise the same value and gradient."""
    batch = subject.batch()
    first, second = (subject.rows_and_gradient(batch) for _ in range(2))
    for ours, expected, what in zip(first, second, ("value", "gradient"), strict=True):
        holds(torch.equal(ours, expected), f"the {what} differs between two fresh losses on the same batch")


@promise(asked_of="any")
def layout_does_not_matter(subject: Subject) -> None:
    """Transposed, strided and expanded inputs give the value of contiguous ones."""
    batch = subject.batch()
    expected = subject.value(batch)
    if batch.pred.ndim == 2:
        transposed = batch.pred.t().contiguous().t()
        same(subject.value(replace(batch, pred=transposed)), expected, "transposed scores give another value")
    gaps = torch.stack([batch.pred, torch.full_like(batch.pred, 7.0)], dim=1)[:, 0]
    strided = torch.stack([batch.target, torch.zeros_like(batch.target)], dim=1)[:, 0]
    same(subject.value(replace(batch, pred=gaps, target=strided)), expected, "strided inputs give another value")
    one = batch.rows(torch.tensor([0]))
    wide = Batch(one.pred.expand(4, *one.pred.shape[1:]), one.target.expand(4, *one.target.shape[1:]), torch.arange(4))
    dense = Batch(wide.pred.contiguous(), wide.target.contiguous(), wide.index)
    expanded, expected = (subject.value(part, training=batch) for part in (wide, dense))
    same(expanded, expected, "expanded inputs give another value")


@promise()
def integer_dtypes_are_alike(subject: Subject) -> None:
    """Targets in any integer dtype give the value of int64."""
    batch = subject.batch()
    if subject.takes_values:
        # whole numbers that every loss of numbers takes
        batch = replace(batch, target=1 + torch.arange(len(batch)) % 4)
    for dtype in (torch.uint8, torch.int8, torch.int16, torch.int32):
        narrow = replace(batch, target=batch.target.to(dtype))
        same(subject.value(narrow, training=batch), subject.value(batch), f"targets in {dtype} give another value")
    if subject.takes_values:
        real = replace(batch, target=batch.target.double())
        same(subject.value(real, training=batch), subject.value(batch), "targets in float64 give another value")


@promise()
def compiles(subject: Subject) -> None:
    """`torch.compile(fullgraph=True)` gives the eager value and gradient."""
    batch = subject.batch()
    weight = torch.linspace(0.0, 2.0, len(batch), dtype=batch.pred.dtype)

    def run(loss: Loss, call: Callable[..., Tensor]) -> tuple[Tensor, Tensor]:
        pred = batch.pred.clone().requires_grad_()
        value = call(pred, batch.target, index=batch.index, sample_weight=weight)
        return value.detach(), torch.autograd.grad(value, pred)[0]

    eager = subject.fresh(batch)
    expected, slope = run(eager, eager)
    loss = subject.fresh(batch)
    torch._dynamo.reset()
    try:
        value, gradient = run(loss, torch.compile(loss, backend="aot_eager", fullgraph=True))
    except torch._dynamo.exc.TorchDynamoException as error:
        raise AssertionError(f"it does not compile to one graph: {' '.join(str(error).split())[:200]}") from None
    finally:
        torch._dynamo.reset()
    same(value, expected, "compiled, the value is another")
    same(gradient, slope, "compiled, the gradient is another")


@promise()
def vmaps(subject: Subject) -> None:
    """A plain loss runs under `torch.func.vmap` over a batch of batches, and under `torch.func.grad`."""
    function = subject.function
    if function is None:
        raise SkippedPromise("it is bound to a training set, or draws or remembers")
    first, second = subject.batch(seed=0), subject.batch(seed=1)
    pred, target = torch.stack([first.pred, second.pred]), torch.stack([first.target, second.target])
    ignored = dict(subject.ignored)
    weight = torch.rand(pred.shape[:2], generator=torch.Generator().manual_seed(0), dtype=pred.dtype)
    # an instance brings hyperparameters of its own, which the function must be told.
    own = subject.objective.hyperparameters() if isinstance(subject.objective, Loss) else {}
    hyper = {**own, **subject.hyper, **ignored, "reduction": "mean"}

    def mean(pred: Tensor, target: Tensor, weight: Tensor) -> Tensor:
        return function(pred, target, sample_weight=weight, **hyper)

    slope = torch.func.vmap(torch.func.grad(mean))(pred, target, weight)
    values = torch.func.vmap(mean)(pred, target, weight)
    for k, batch in enumerate((first, second)):
        value, gradient = subject.value_and_gradient(batch, weight=weight[k], **ignored)
        same(values[k], value, "under vmap the value is another")
        same(slope[k], gradient, "under vmap the gradient is another")


@promise()
def copies_go_on_alike(subject: Subject) -> None:
    """A deep copy, and a fresh loss that is given the `state_dict`, go on as the loss itself would."""
    batch = subject.batch()
    loss = subject.fresh(batch)
    for _ in range(2):
        loss(batch.pred, batch.target, index=batch.index)
    twin = copy.deepcopy(loss)
    restored = subject.fresh(batch)
    restored.load_state_dict(loss.state_dict())
    expected = loss(batch.pred, batch.target, index=batch.index)
    for other, said in ((twin, "a deep copy"), (restored, "a fresh loss with the state_dict")):
        same(other(batch.pred, batch.target, index=batch.index), expected, f"{said} goes on with another value")


@promise()
def mistakes_are_refused_in_words(subject: Subject) -> None:
    """Wrong shapes, dtypes, devices, targets, reductions and hyperparameters raise, naming the argument."""
    good = subject.batch()
    if subject.takes_values:
        raise SkippedPromise(f"{NUMBERS}: see mistakes_with_numbers_are_refused")
    if good.pred.ndim != 2:
        raise SkippedPromise("its predictions are no class scores")
    rows, classes = good.pred.shape
    weight = torch.ones(rows, dtype=good.pred.dtype)
    outside = good.target.clone()
    outside[0] = 2 if subject.takes_labels else classes
    interval = "[0, 1]" if subject.takes_labels else f"[0, {classes})"
    negative = good.target.clone()
    negative[0] = -1
    # floating point is soft targets to some losses, which then miss a dimension
    other_kind = good.target[:, 0] if subject.takes_labels else good.target.double()
    value_or_type = (ValueError, TypeError)
    shape = "(N, C)" if subject.takes_labels else "(N, K)"
    meta = torch.zeros(good.target.shape, dtype=torch.long, device="meta")
    wrong: list[tuple[str, type[Exception] | tuple[type[Exception], ...], str, Batch, Any]] = [
        ("scores of one dimension", ValueError, shape, replace(good, pred=good.pred[:, 0]), None),
        ("integer scores", TypeError, "floating point", replace(good, pred=good.pred.long()), None),
        ("scores in a list", TypeError, "torch.Tensor", replace(good, pred=cast(Tensor, good.pred.tolist())), None),
        ("a target too short", ValueError, "target", replace(good, target=good.target[1:]), None),
        ("another kind of target", value_or_type, "target", replace(good, target=other_kind), None),
        ("a target too large", ValueError, f"target must be in {interval}", replace(good, target=outside), None),
        ("a negative target", ValueError, "got -1", replace(good, target=negative), None),
        ("a target on another device", ValueError, "device", replace(good, target=meta), None),
        ("weights of another shape", ValueError, "sample_weight", good, weight[1:]),
        ("integer weights", TypeError, "sample_weight", good, weight.long()),
        ("weights on another device", ValueError, "device", good, weight.to("meta")),
    ]
    for said, kind, words, batch, given in wrong:
        loss = subject.fresh(good)
        call = _call(loss, batch, given)
        refused(call, said, kind, words)
    loss = subject.fresh(good)
    loss.reduction = "average"  # type: ignore[assignment]
    refused(_call(loss, good, None), "reduction='average'", ValueError, "reduction must be one of")
    if not isinstance(subject.objective, torch.nn.Module):
        task = TaskInfo(classes, rows, torch.ones(classes))

        def unknown() -> object:
            return bind(subject.objective, task, no_such_setting=1.0)

        refused(unknown, "an unknown hyperparameter", TypeError, "no_such_setting")


def _call(loss: Loss, batch: Batch, weight: Any) -> Callable[[], object]:
    return lambda: loss(batch.pred, batch.target, index=batch.index, sample_weight=weight)


def refused(
    call: Callable[[], object], said: str, kind: type[Exception] | tuple[type[Exception], ...], words: str
) -> None:
    """Assert that a call raises this kind of error, with these words."""
    wanted = " or ".join(one.__name__ for one in (kind if isinstance(kind, tuple) else (kind,)))
    try:
        call()
    except kind as error:
        holds(words in str(error), f"{said}: the error does not say {words!r} but {str(error)!r}")
    except Exception as error:
        raise AssertionError(f"{said}: raises {type(error).__name__} in place of {wanted}") from error
    else:
        raise AssertionError(f"{said}: is accepted in place of raising {wanted}")


@promise()
def the_same_on_a_gpu(subject: Subject) -> None:
    """On a CUDA device value and gradient are those of the CPU."""
    if not torch.cuda.is_available():
        raise SkippedPromise("there is no CUDA device")
    batch = subject.batch()
    expected, slope = subject.value_and_gradient(batch)
    loss = subject.fresh(batch).to("cuda")
    pred = batch.pred.cuda().requires_grad_()
    value = loss(pred, batch.target.cuda(), index=batch.index.cuda())
    same(value.detach().cpu(), expected, "on the GPU the value is another")
    same(torch.autograd.grad(value, pred)[0].cpu(), slope, "on the GPU the gradient is another")
