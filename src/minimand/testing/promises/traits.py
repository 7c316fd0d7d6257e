"""Promises that the card makes: its traits, its search ranges, its probabilities. One function for each trait."""

from __future__ import annotations

from dataclasses import replace

import torch

from minimand.contracts.card import Trait
from minimand.testing.promises.subject import SkippedPromise, Subject, holds, promise, same


@promise(asked_of="any", trait=Trait.NONNEGATIVE)
def is_never_negative(subject: Subject) -> None:
    """NONNEGATIVE: no row is below zero."""
    for scale in (1e-3, 1.0, 10.0, 1e4):
        for dtype in (torch.float64, torch.float32):
            for seed in range(3):
                rows, _ = subject.rows_and_gradient(subject.batch(scale=scale, seed=seed).to(dtype))
                holds(rows >= 0, f"it declares NONNEGATIVE but gives {float(rows.min()):g} at scale {scale:g}")


@promise(asked_of="any", trait=Trait.BOUNDED)
def is_bounded(subject: Subject) -> None:
    """BOUNDED: the value of a row saturates as the scores grow."""
    large, larger = (subject.rows_and_gradient(subject.batch(scale=scale))[0] for scale in (1e4, 1e6))
    same(larger, large, "it declares BOUNDED but goes on changing as the scores grow", rtol=1e-6, atol=1e-9)


@promise(asked_of="any", trait=Trait.SHIFT_INVARIANT)
def is_shift_invariant(subject: Subject) -> None:
    """SHIFT_INVARIANT: adding a constant to all scores of a row changes nothing."""
    batch = subject.batch()
    shift = torch.linspace(-20.0, 20.0, len(batch), dtype=batch.pred.dtype)
    values, gradient = subject.rows_and_gradient(batch)
    shifted, slope = subject.rows_and_gradient(replace(batch, pred=batch.pred + shift[:, None]), training=batch)
    same(shifted, values, "it declares SHIFT_INVARIANT but a constant changes the value", rtol=1e-8, atol=1e-10)
    same(slope, gradient, "it declares SHIFT_INVARIANT but a constant changes the gradient", rtol=1e-7, atol=1e-9)


@promise(asked_of="any", trait=Trait.TRANSLATION_INVARIANT)
def is_translation_invariant(subject: Subject) -> None:
    """TRANSLATION_INVARIANT: moving a prediction and its target together changes nothing, in value and gradient."""
    batch = subject.batch()
    if batch.pred.shape != batch.target.shape:
        raise AssertionError("it declares TRANSLATION_INVARIANT, which only a loss with one number a target can be")
    for size in (0.5, -20.0, 1e3):
        moved = replace(batch, pred=batch.pred + size, target=batch.target + size)
        (values, gradient), (expected, slope) = (subject.rows_and_gradient(b, training=b) for b in (moved, batch))
        said = f"it declares TRANSLATION_INVARIANT but moving everything by {size:g} changes the"
        same(values, expected, f"{said} value", rtol=1e-8, atol=1e-9)
        same(gradient, slope, f"{said} gradient", rtol=1e-7, atol=1e-9)


@promise(asked_of="any", trait=Trait.SYMMETRIC)
def is_symmetric(subject: Subject) -> None:
    """SYMMETRIC: a prediction as much too high as another is too low costs the same, and pulls as hard."""
    batch = subject.batch()
    if batch.pred.shape != batch.target.shape:
        raise AssertionError("it declares SYMMETRIC, which only a loss with one number a target can be")
    for scale in (1e-2, 1.0, 1e2):
        error = (batch.pred - batch.target) * scale
        high, low = (replace(batch, pred=batch.target + sign * error) for sign in (1, -1))
        (values, gradient), (expected, slope) = (subject.rows_and_gradient(b, training=batch) for b in (high, low))
        same(values, expected, "it declares SYMMETRIC but too high and too low cost differently", rtol=1e-8, atol=1e-10)
        same(gradient, -slope, "it declares SYMMETRIC but too high and too low pull differently", rtol=1e-7, atol=1e-9)


@promise(asked_of="any", trait=Trait.BATCH_COUPLED)
def is_batch_coupled(subject: Subject) -> None:
    """BATCH_COUPLED: a row is worth something else in another company."""
    batch = subject.batch()
    whole = subject.value(batch, reduction="sum")
    rows = [batch.rows(torch.tensor([row])) for row in range(len(batch))]
    parts = [subject.value(row, reduction="sum", training=batch) for row in rows]
    apart = torch.stack(parts).sum()
    holds(
        not torch.allclose(whole, apart, rtol=1e-6, atol=1e-9),
        "it declares BATCH_COUPLED but is the sum of its rows: take the trait away, so that it is tested as such",
    )


@promise(trait=Trait.NEEDS_INDEX)
def needs_its_index(subject: Subject) -> None:
    """NEEDS_INDEX: without an index it refuses in words, with another index it knows something else."""
    batch = subject.batch()
    try:
        subject.fresh(batch)(batch.pred, batch.target)
    except ValueError as error:
        holds("index" in str(error), f"the error for a missing index does not name it: {error}")
    else:
        raise AssertionError("it declares NEEDS_INDEX but runs without one")
    told, crossed = subject.fresh(batch), subject.fresh(batch)
    other = subject.batch(seed=5)
    for loss, index in ((told, batch.index), (crossed, batch.index.flip(0))):
        loss(other.pred, other.target, index=index)
    first = told(batch.pred, batch.target, index=batch.index)
    second = crossed(batch.pred, batch.target, index=batch.index)
    # a loss that only looks up what it was told of each sample remembers nothing of the batch before.
    here, there = (
        subject.fresh(batch)(batch.pred, batch.target, index=index) for index in (batch.index, batch.index.flip(0))
    )
    alike = torch.allclose(first, second) and torch.allclose(here, there)
    holds(not alike, "it declares NEEDS_INDEX but the index makes no difference")


@promise()
def index_is_not_needed(subject: Subject) -> None:
    """Without NEEDS_INDEX the index is optional and makes no difference."""
    if Trait.NEEDS_INDEX in subject.traits:
        raise SkippedPromise("it declares NEEDS_INDEX")
    batch = subject.batch()
    without = subject.fresh(batch)(batch.pred, batch.target)
    same(without, subject.value(batch), "it does not declare NEEDS_INDEX but the index makes a difference")


@promise()
def is_legal_at_both_ends(subject: Subject) -> None:
    """Both ends of each searched range, and its default, bind and give finite numbers."""
    if subject.card is None or not subject.card.search:
        raise SkippedPromise("its card declares no search space")
    for name, span in subject.card.search.items():
        default = subject.card.defaults[name]
        holds(span.low <= default <= span.high, f"the default of {name}, {default}, is outside its own search range")
    for hyper in subject.corners():
        value, gradient = subject.at(hyper).value_and_gradient(subject.batch())
        holds(value.isfinite() & gradient.isfinite().all(), f"{dict(hyper)}: not finite on ordinary scores")


@promise()
def probabilities_are_probabilities(subject: Subject) -> None:
    """Where probabilities are defined they are finite, nonnegative and sum to one, for extreme scores too."""
    batch = subject.batch()
    loss = subject.fresh(batch)
    if not loss.has_probabilities:
        try:
            loss.probabilities(batch.pred)
        except TypeError:
            raise SkippedPromise("it defines no probabilities, and says so") from None
        raise AssertionError("has_probabilities is False, but probabilities() gives some")
    for dtype in (torch.float64, torch.float32, torch.bfloat16, torch.float16):
        for scale in (1e-30, 1.0, 1e2, 1e4, None):
            scores = (subject.largest(dtype) if scale is None else subject.batch(scale=scale).to(dtype)).pred
            size = "up to the largest number" if scale is None else f"of scale {scale:g}"
            said = f"probabilities from {str(dtype).removeprefix('torch.')} scores {size}"
            with torch.no_grad():
                p = subject.fresh(batch, dtype=dtype).probabilities(scores)
            holds(p.shape == scores.shape, f"{said} have shape {tuple(p.shape)}")
            holds(p.dtype == torch.promote_types(dtype, torch.float32), f"{said} are in {p.dtype}")
            holds(p.isfinite(), f"{said} are not finite")
            holds(p >= 0, f"{said} are negative")
            if subject.takes_labels:
                holds(p <= 1, f"{said} are above one")
            else:
                holds((p.sum(1) - 1).abs() < 1e-5, f"{said} do not sum to one")
