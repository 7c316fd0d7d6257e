"""Is quadratic weighted kappa a correlation that punishes bias?"""

from __future__ import annotations

import torch
from torch import Generator

from minimand.contracts.claim import AtMost, property_claim
from minimand.evaluation import quadratic_weighted_kappa_metric

N_ROWS = 500


@property_claim(
    of=quadratic_weighted_kappa_metric,
    says="It is twice the covariance of predicted and true levels over the sum of their variances and the squared "
    "distance of their means: the concordance of two ratings.",
    where="Fleiss and Cohen (1973) and Lin (1989), on weighted kappa and the concordance correlation",
    gap="none",
    tier="quick",
    expects=AtMost(1e-12),
)
def is_the_concordance_of_levels(seed: int, *, broken: bool = False) -> float:
    rng = Generator().manual_seed(seed)
    worst = 0.0
    for n_levels in (3, 5, 10):
        target = torch.randint(n_levels, (N_ROWS,), generator=rng)
        shift = torch.randint(-1, 3, (N_ROWS,), generator=rng)
        predicted = (target + shift).clamp(0, n_levels - 1)
        weight = torch.rand(N_ROWS, generator=rng, dtype=torch.float64) + 0.1
        scores = torch.nn.functional.one_hot(predicted, n_levels).double()
        share = weight / weight.sum()
        said, true = predicted.double(), target.double()
        distance = share @ (said - true)
        said, true = said - share @ said, true - share @ true
        covariance, variances = share @ (said * true), (share @ said.square(), share @ true.square())
        # the twin is the plain correlation, to which a bias is nothing
        spread = 2 * (variances[0] * variances[1]).sqrt() if broken else variances[0] + variances[1] + distance**2
        value = float(quadratic_weighted_kappa_metric(scores, target, sample_weight=weight))
        worst = max(worst, abs(value - float(2 * covariance / spread)))
    return worst
