"""Is least squares with an intercept free of bias?"""

from __future__ import annotations

import torch
from torch import Generator

from minimand.contracts.claim import AtMost, property_claim
from minimand.evaluation import absolute_mean_bias_metric

N_ROWS = 200
N_FEATURES = 5


@property_claim(
    of=absolute_mean_bias_metric,
    says="On the rows that it was fitted to, least squares with an intercept has no mean bias, weighted rows included.",
    where="the normal equation of the intercept",
    gap="none",
    tier="quick",
    expects=AtMost(1e-10),
)
def is_none_for_least_squares_with_an_intercept(seed: int, *, broken: bool = False) -> float:
    rng = Generator().manual_seed(seed)
    x = torch.randn(N_ROWS, N_FEATURES, generator=rng, dtype=torch.float64)
    y = x.sum(1) + 5 + torch.randn(N_ROWS, generator=rng, dtype=torch.float64)
    weight = torch.rand(N_ROWS, generator=rng, dtype=torch.float64) + 0.1
    design = x if broken else torch.cat((x, torch.ones(N_ROWS, 1)), 1)
    root = weight.sqrt()
    fitted = torch.linalg.lstsq(root[:, None] * design, root * y).solution
    return float(absolute_mean_bias_metric(design @ fitted, y, sample_weight=weight))
