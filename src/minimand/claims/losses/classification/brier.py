"""Does the minimum of the Brier loss tell the true class probabilities, and does no wrong label weigh much?"""

from __future__ import annotations

import torch
from torch import Generator

from minimand.claims.losses.classification.cross_entropy import minimum
from minimand.claims.tasks.forecasts import expected, forecasts
from minimand.contracts.claim import AtMost, property_claim
from minimand.losses import brier_loss, cross_entropy_loss, gce_loss

STARTS = 3


@property_claim(
    of=brier_loss,
    says="The logits that minimise the expected Brier loss give the true class probabilities by softmax.",
    where="Brier (1950): the forecaster gains nothing by stating anything but his belief",
    gap="Free logits in place of a network, and exact expectations in place of samples. The loss is not convex in the "
    "logits, and a descent may stop on a plateau: what counts is the lowest of three, from probabilities that are "
    "drawn uniformly among all. That every descent arrives is not claimed.",
    tier="quick",
    expects=AtMost(1e-3),
)
def minimum_is_the_truth(seed: int, *, broken: bool = False) -> float:
    loss = gce_loss if broken else brier_loss  # the twin is bounded too, but no proper score
    rng = Generator().manual_seed(seed)
    furthest = 0.0
    for truth, _ in list(forecasts(rng, pairs=2)):
        # normalised exponential numbers are uniform among the vectors of probabilities
        draws = -(1 - torch.rand(STARTS, len(truth), generator=rng, dtype=torch.float64)).log()
        ends = [minimum(loss, truth, start) for start in draws / draws.sum(1, keepdim=True)]
        heights = [expected(loss, end.log(), truth) for end in ends]
        lowest = ends[heights.index(min(heights))]
        furthest = max(furthest, float((lowest - truth).abs().max()))
    return furthest


@property_claim(
    of=brier_loss,
    says="The Brier loss never exceeds 2, however wrong the label.",
    where="Brier (1950), eq. 2: the score runs from 0 to 2",
    gap="none",
    tier="quick",
    expects=AtMost(0.0),
)
def never_exceeds_two(seed: int, *, broken: bool = False) -> float:
    rng = Generator().manual_seed(seed)
    logits = 10 ** torch.linspace(-2, 30, 200)[:, None] * torch.randn(200, 10, generator=rng, dtype=torch.float64)
    loss = cross_entropy_loss if broken else brier_loss  # the twin has no bound
    return float(loss(logits, logits.argmin(1), reduction="none").max()) - 2
