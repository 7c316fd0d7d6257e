"""Does the median absolute error bear almost half of the targets being wrong?"""

from __future__ import annotations

import math

import torch
from torch import Generator

from minimand.contracts.claim import AtMost, property_claim
from minimand.evaluation import mean_absolute_error_metric, median_absolute_error_metric

N_ROWS = 500


@property_claim(
    of=median_absolute_error_metric,
    says="With 49 of 100 targets replaced by any numbers, it is at most the largest error of the others.",
    where="the breakdown point of the median, one half",
    gap="none",
    tier="quick",
    expects=AtMost(0.0),
)
def bears_wrong_targets_in_almost_half_of_the_rows(seed: int, *, broken: bool = False) -> float:
    rng = Generator().manual_seed(seed)
    metric = mean_absolute_error_metric if broken else median_absolute_error_metric
    target = torch.randn(N_ROWS, generator=rng, dtype=torch.float64)
    pred = target + torch.randn(N_ROWS, generator=rng, dtype=torch.float64)
    largest = float((pred - target).abs().max())
    worst = -math.inf
    for size in (1e1, 1e3, 1e9):
        wrong = target.clone()
        replaced = torch.randperm(N_ROWS, generator=rng)[: int(0.49 * N_ROWS)]
        wrong[replaced] = size * torch.randn(len(replaced), generator=rng, dtype=torch.float64)
        worst = max(worst, float(metric(pred, wrong)) - largest)
    return worst
