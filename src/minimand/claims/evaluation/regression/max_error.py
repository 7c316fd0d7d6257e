"""How does the largest error grow with the number of rows?"""

from __future__ import annotations

import math

import torch
from torch import Generator

from minimand.contracts.claim import MeanWithin, property_claim
from minimand.evaluation import max_error_metric

N_COLUMNS = 1000


@property_claim(
    of=max_error_metric,
    says="Of n independent errors, even between -1 and 1, the largest is n / (n + 1) on average.",
    where="the order statistics of the even distribution",
    gap="none",
    tier="quick",
    expects=MeanWithin(-0.005, 0.005),
)
def grows_with_the_number_of_rows(seed: int, *, broken: bool = False) -> float:
    rng = Generator().manual_seed(seed)
    errors = []
    for n_rows in (5, 20, 100):
        miss = 2 * torch.rand(n_rows, N_COLUMNS, generator=rng, dtype=torch.float64) - 1
        # the twin leaves out the worst row, as an outlier
        miss = miss.gather(0, miss.abs().argsort(0)[:-1]) if broken else miss
        errors.append(float(max_error_metric(miss, torch.zeros_like(miss))) - n_rows / (n_rows + 1))
    return math.fsum(errors) / len(errors)
