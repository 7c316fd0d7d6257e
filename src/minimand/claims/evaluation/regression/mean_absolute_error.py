"""Is the mean absolute error least for the median?"""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from minimand.contracts.claim import AtMost, property_claim
from minimand.evaluation import mean_absolute_error_metric

N_ROWS = 101


@property_claim(
    of=mean_absolute_error_metric,
    says="Of all constants the weighted median of skewed targets has the least mean absolute error.",
    where="Gneiting (2011): absolute error is consistent for the median",
    gap="Constants only.",
    tier="quick",
    expects=AtMost(1e-12),
)
def is_least_for_the_median(seed: int, *, broken: bool = False) -> float:
    rng = Generator().manual_seed(seed)
    target = torch.randn(N_ROWS, generator=rng, dtype=torch.float64).exp()
    weight = torch.rand(N_ROWS, generator=rng, dtype=torch.float64) + 0.1
    order = target.argsort()
    reached = weight[order].cumsum(0)
    median = target[order][reached >= reached[-1] / 2][0]
    mean = (weight * target).sum() / weight.sum()

    def error(constant: Tensor) -> float:
        return float(mean_absolute_error_metric(constant.expand(N_ROWS), target, sample_weight=weight))

    # the least is at one of the targets: between two of them the error is a line; the twin takes the mean
    return error(mean if broken else median) - min(error(constant) for constant in target)
