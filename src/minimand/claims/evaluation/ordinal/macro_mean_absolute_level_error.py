"""Is the macro-averaged level error blind to how frequent the levels are?"""

from __future__ import annotations

import torch
from torch import Generator

from minimand.contracts.claim import AtMost, property_claim
from minimand.evaluation import macro_mean_absolute_level_error_metric, mean_absolute_level_error_metric

N_ROWS = 1000


@property_claim(
    of=macro_mean_absolute_level_error_metric,
    says="Making levels more or less frequent changes no value.",
    where="Baccianella, Esuli and Sebastiani (2009): the plain error rewards naming the frequent levels",
    gap="none",
    tier="quick",
    expects=AtMost(1e-12),
)
def is_blind_to_level_frequencies(seed: int, *, broken: bool = False) -> float:
    rng = Generator().manual_seed(seed)
    metric = mean_absolute_level_error_metric if broken else macro_mean_absolute_level_error_metric
    worst = 0.0
    for n_levels in (2, 5, 10):
        target = torch.arange(N_ROWS) % n_levels
        scores = torch.randn(N_ROWS, n_levels, generator=rng)
        scores[torch.arange(N_ROWS), target] += 3.0 * target / n_levels  # some levels are easier than others
        frequency = torch.rand(n_levels, generator=rng, dtype=torch.float64) + 0.01
        weighted = float(metric(scores, target, sample_weight=frequency[target]))
        worst = max(worst, abs(weighted - float(metric(scores, target))))
    return worst
