"""Promises about floating point: finite exactly when the true value fits, never NaN, close to float64.

The reference is the same loss in float64 on the very same numbers; where it overflows the value must be infinite too.
Two rules say what cannot be asked. In float64 there is no wider reference for a loss that is a black box, and among
the very largest scores the difference of two overflows whatever the value: there only "never NaN" is promised. And a
foreign objective sums its batch in its own dtype, so it is granted room for that sum.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Tensor

from minimand.contracts.card import Trait
from minimand.testing.promises.subject import (
    NUMBERS,
    Batch,
    SkippedPromise,
    Subject,
    cases_with,
    holds,
    promise,
    same,
    shown,
)

DTYPES = (torch.float64, torch.float32, torch.bfloat16, torch.float16)
SCALES = (1e-30, 1e-3, 1.0, 1e2, 1e4)
INF = float("inf")

# What a foreign objective may lose of the range of its dtype by summing before it divides.
ROOM_FOR_SUMS = 64.0


def _grid(subject: Subject, dtype: torch.dtype) -> Iterator[tuple[str, Batch]]:
    """Batches of the numerical grid in one dtype, each with its name."""
    info = torch.finfo(dtype)
    for scale in SCALES:
        yield f"scores of scale {scale:g}", subject.batch(scale=scale).to(dtype)
    yield "scores up to a quarter of the largest number", subject.largest(dtype, share=0.25)
    yield "denormal scores", subject.batch(scale=info.tiny / 4).to(dtype)
    ordinary = subject.batch()
    yield "scores +-1e4", replace(ordinary, pred=ordinary.pred.sign() * 1e4).to(dtype)
    yield "all-equal scores", replace(ordinary, pred=torch.full_like(ordinary.pred, 3.0)).to(dtype)
    yield "scores that are all zero", replace(ordinary, pred=torch.zeros_like(ordinary.pred)).to(dtype)


def _never_nan_and_fits(subject: Subject, batch: Batch, said: str) -> None:
    """One point of the grid, value and gradient, against float64 on the same numbers."""
    dtype = batch.pred.dtype
    try:
        rows, gradient = subject.rows_and_gradient(batch)
    except (RuntimeError, NotImplementedError) as error:
        if subject.is_foreign and "not implemented for" in str(error):
            return  # a foreign objective need not know half precision
        raise
    holds(~rows.isnan(), f"{said}: the value is NaN")
    holds(~gradient.isnan(), f"{said}: the gradient is NaN")
    if dtype == torch.float64:
        return
    exact_rows, exact_gradient = subject.rows_and_gradient(replace(batch, pred=batch.pred.double()))
    if not subject.is_foreign:
        holds(rows.dtype == torch.float32, f"{said}: the value is in {rows.dtype}, not computed in float32")
    largest = torch.finfo(rows.dtype).max
    room = ROOM_FOR_SUMS if subject.is_foreign else 1.0
    holds(
        (rows.isfinite() | (exact_rows.abs() * room > largest)) & (rows.isinf() | (exact_rows.abs() <= largest)),
        f"{said}: the value is not finite exactly when the float64 value fits "
        f"(got {shown(rows)}, float64 says {shown(exact_rows)})",
    )
    fits = exact_gradient.abs() <= torch.finfo(dtype).max
    holds(gradient.isfinite() | ~fits, f"{said}: the gradient is not finite where the float64 gradient fits")
    _close(batch, rows, gradient, exact_rows, exact_gradient, said, subject.ulps)


def _close(
    batch: Batch,
    rows: Tensor,
    gradient: Tensor,
    exact_rows: Tensor,
    exact_gradient: Tensor,
    said: str,
    ulps: float,
) -> None:
    """Within a few units in the last place of the scores, carried through the loss by its own gradient."""
    unit = ulps * torch.finfo(rows.dtype).eps
    wide = batch.pred.double().abs()
    largest = _by_row(torch.where(wide.isfinite(), wide, 0.0)).amax(1)
    slope = _by_row(exact_gradient.abs())
    carried = largest * slope.sum(1)
    allowed = unit * (1 + exact_rows.abs() + (carried if exact_rows.ndim else carried.sum()))
    error = (rows.double() - exact_rows).abs()
    holds(
        (error <= allowed) | ~exact_rows.isfinite() | ~rows.isfinite(),
        f"{said}: the value is not close to float64 (got {shown(rows)}, float64 says {shown(exact_rows)})",
    )
    rounding = 2 * torch.finfo(gradient.dtype).eps * slope + torch.finfo(gradient.dtype).tiny
    allowed = rounding + (unit * (1 + largest) * (1 + slope.amax(1)))[:, None]
    error = _by_row(gradient.double() - exact_gradient).abs()
    comparable = slope.isfinite().all(1, keepdim=True) & _by_row(gradient).isfinite()
    if exact_rows.ndim:
        comparable = comparable & (rows.isfinite() & exact_rows.isfinite())[:, None]
    holds(~comparable | (error <= allowed), f"{said}: the gradient is not close to float64")


def _by_row(tensor: Tensor) -> Tensor:
    return tensor.reshape(len(tensor), -1)


def _on_the_grid(subject: Subject, dtype: torch.dtype) -> None:
    for hyper in subject.corners():
        here = subject.at(hyper)
        for said, batch in _grid(here, dtype):
            at = f" at {dict(hyper)}" if hyper else ""
            _never_nan_and_fits(here, batch, f"{str(dtype).removeprefix('torch.')}, {said}{at}")
        values, gradient = here.rows_and_gradient(here.largest(dtype))
        holds(~values.isnan(), f"{dtype}: scores up to the largest number give NaN")
        holds(~gradient.isnan(), f"{dtype}: scores up to the largest number give a NaN gradient")


@promise(asked_of="any")
def fits_in_float64(subject: Subject) -> None:
    """In float64 value and gradient are never NaN, from denormal scores to the largest ones."""
    _on_the_grid(subject, torch.float64)


@promise(asked_of="any")
def fits_in_float32(subject: Subject) -> None:
    """In float32 they are never NaN, finite exactly when the float64 value fits, and close to float64."""
    _on_the_grid(subject, torch.float32)


@promise(asked_of="any")
def fits_in_bfloat16(subject: Subject) -> None:
    """From bfloat16 they are computed in float32: never NaN, finite exactly when they fit, close to float64."""
    _on_the_grid(subject, torch.bfloat16)


@promise(asked_of="any")
def fits_in_float16(subject: Subject) -> None:
    """From float16 they are computed in float32: never NaN, finite exactly when they fit, close to float64."""
    _on_the_grid(subject, torch.float16)


@promise()
def masked_classes_are_not_nan(subject: Subject) -> None:
    """A class that is masked by a score of -inf, and is not the target, gives no NaN in value or gradient."""
    if subject.takes_values:
        raise SkippedPromise(f"{NUMBERS}: there are no classes to mask")
    if subject.n_classes < 3:
        raise SkippedPromise("with fewer than three classes none can be masked")
    batch = subject.batch()
    if subject.takes_labels:
        masked = batch.target.argmin(1)  # a label that the row does not have
    else:
        masked = (batch.target + 1) % subject.n_classes
    pred = batch.pred.scatter(1, masked[:, None], -INF)
    if subject.takes_labels:
        pred = torch.where(batch.target == 1, batch.pred, pred)  # rows that have them all
    for hyper in subject.corners():
        for dtype in DTYPES:
            said = f"{str(dtype).removeprefix('torch.')}, a class masked by -inf"
            _never_nan_and_fits(subject.at(hyper), replace(batch, pred=pred.to(dtype)), said)


@promise()
def any_number_of_classes(subject: Subject) -> None:
    """One class, two, and twenty (which takes another path through the row statistics) give finite, close numbers."""
    if subject.takes_values or subject.batch().pred.ndim != 2:
        raise SkippedPromise("its predictions are no class scores")
    for n_classes in (1, 2, 3, 20):
        here = replace(subject, cases=cases_with(n_classes, labels=subject.takes_labels), n_classes=n_classes)
        for dtype in DTYPES:
            kind = f"{str(dtype).removeprefix('torch.')}, {n_classes} classes"
            for hyper in subject.corners() if dtype == torch.float32 else (subject.hyper,):
                for scale in (1.0, 1e4):
                    _never_nan_and_fits(here.at(hyper), here.batch(scale=scale).to(dtype), f"{kind}, scale {scale:g}")
                _never_nan_and_fits(here.at(hyper), here.largest(dtype, share=0.25), f"{kind}, very large scores")
        values, gradient = here.rows_and_gradient(here.batch())
        holds(values.isfinite() & gradient.isfinite().all(1), f"{n_classes} classes: not finite on ordinary scores")


@promise()
def nan_in_gives_nan_out(subject: Subject) -> None:
    """A NaN among the scores of a row that counts reaches the value of this row, and of the mean; nothing hides it."""
    batch = subject.batch()
    pred = batch.pred.clone()
    pred[(4, 0) if pred.ndim == 2 else 4] = float("nan")
    spoilt = replace(batch, pred=pred)
    holds(subject.value(spoilt).isnan(), "a NaN among the scores does not reach the mean")
    rows = subject.value(spoilt, reduction="none")
    holds(rows[4].isnan(), "a NaN among the scores of a row does not reach its value")
    if Trait.BATCH_COUPLED not in subject.traits:
        others = torch.arange(len(batch)) != 4
        same(rows[others], subject.value(batch, reduction="none")[others], "a NaN in one row changes other rows")


@promise()
def autocast_changes_nothing(subject: Subject) -> None:
    """Under autocast a loss is computed as without: what it needs to know it takes from the dtype of the scores."""
    batch = subject.batch().to(torch.float32)
    plain, expected = subject.value_and_gradient(batch)
    for dtype in (torch.bfloat16, torch.float16):
        pred = batch.pred.detach().clone().requires_grad_()
        with torch.autocast("cpu", dtype=dtype):
            value = subject.value(replace(batch, pred=pred))
        # the backward pass stands outside, as torch advises: inside, it would be autocast itself.
        gradient = torch.autograd.grad(value, pred)[0]
        holds(value.dtype == plain.dtype, f"under autocast the value is {value.dtype}, not {plain.dtype}")
        same(value, plain, f"autocast to {dtype} changes the value", rtol=1e-6)
        same(gradient, expected, f"autocast to {dtype} changes the gradient", rtol=1e-5, atol=1e-7)
