"""Which multiple of a prediction is best?"""

from __future__ import annotations

import torch
from torch import Generator

from minimand.contracts.claim import AtMost, property_claim
from minimand.evaluation import relative_root_mean_squared_error_metric

N_ROWS = 300


@property_claim(
    of=relative_root_mean_squared_error_metric,
    says="Of all multiples of a prediction the least-squares multiple has the least error, and its square is 1 less "
    "the squared cosine of predictions and targets.",
    where="Jadon, Patil and Jadon (2022), with the targets' squares in place of the predictions'",
    gap="none",
    tier="quick",
    expects=AtMost(1e-12),
)
def is_least_for_the_least_squares_multiple(seed: int, *, broken: bool = False) -> float:
    rng = Generator().manual_seed(seed)
    target = 2 + torch.randn(N_ROWS, generator=rng, dtype=torch.float64)
    pred = target + torch.randn(N_ROWS, generator=rng, dtype=torch.float64)
    best = float(pred @ target / (pred @ pred))
    cosine = float(pred @ target / (pred.norm() * target.norm()))

    def squared(multiple: float) -> float:
        said = multiple * pred
        # the twin divides by the predictions' squares, as the code published with the survey does
        unit = float(target.norm() / said.norm()) if broken else 1.0
        return (float(relative_root_mean_squared_error_metric(said, target)) * unit) ** 2

    worst = abs(squared(best) - (1 - cosine**2))
    return max(worst, *(squared(best) - squared(factor * best) for factor in (0.5, 0.9, 1.1, 2.0)))
