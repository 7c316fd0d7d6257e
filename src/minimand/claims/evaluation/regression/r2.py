"""Is R2 the squared correlation?"""

from __future__ import annotations

import torch
from torch import Generator

from minimand.contracts.claim import AtMost, property_claim
from minimand.evaluation import pearson_correlation_metric, r2_metric

N_ROWS = 100
N_FEATURES = 5


@property_claim(
    of=r2_metric,
    says="For least squares with an intercept, on the rows that it was fitted to, R2 is the squared correlation of "
    "predictions and targets.",
    where="the decomposition of the variance in least squares",
    gap="none",
    tier="quick",
    expects=AtMost(1e-10),
)
def is_the_squared_correlation_of_least_squares(seed: int, *, broken: bool = False) -> float:
    rng = Generator().manual_seed(seed)
    x = torch.randn(2 * N_ROWS, N_FEATURES, generator=rng, dtype=torch.float64)
    y = x @ torch.randn(N_FEATURES, generator=rng, dtype=torch.float64) + 3
    y = y + 2 * torch.randn(2 * N_ROWS, generator=rng, dtype=torch.float64)
    design = torch.cat((x, torch.ones(2 * N_ROWS, 1)), 1)
    weight = torch.rand(2 * N_ROWS, generator=rng, dtype=torch.float64) + 0.1
    root = weight[:N_ROWS].sqrt()
    fitted = torch.linalg.lstsq(root[:, None] * design[:N_ROWS], root * y[:N_ROWS]).solution
    # the twin judges on rows that it was not fitted to
    rows = slice(N_ROWS, None) if broken else slice(N_ROWS)
    pred, target, weight = (design @ fitted)[rows], y[rows], weight[rows]
    correlation = float(pearson_correlation_metric(pred, target, sample_weight=weight))
    return abs(float(r2_metric(pred, target, sample_weight=weight)) - correlation**2)
