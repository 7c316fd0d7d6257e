"""What does guessing reach?"""

from __future__ import annotations

import math

import torch
from torch import Generator

from minimand.contracts.claim import MeanWithin, property_claim
from minimand.evaluation import accuracy_metric, within_one_level_accuracy_metric

N_ROWS = 10_000


@property_claim(
    of=within_one_level_accuracy_metric,
    says="Guessing evenly among K levels that are equally frequent reaches (3 K - 2) / K^2 on average.",
    where="counting: K levels are themselves, and 2 (K - 1) pairs are neighbours, of K^2",
    gap="none",
    tier="quick",
    expects=MeanWithin(-0.005, 0.005),
)
def of_guessing_is_known(seed: int, *, broken: bool = False) -> float:
    rng = Generator().manual_seed(seed)
    metric = accuracy_metric if broken else within_one_level_accuracy_metric
    errors = []
    for n_levels in (2, 5, 10):
        scores = torch.rand(N_ROWS, n_levels, generator=rng)
        target = torch.randint(n_levels, (N_ROWS,), generator=rng)
        errors.append(float(metric(scores, target)) - (3 * n_levels - 2) / n_levels**2)
    return math.fsum(errors) / len(errors)
