"""Does the number of rows change an error over the range?"""

from __future__ import annotations

import torch
from torch import Generator

from minimand.contracts.claim import AtMost, property_claim
from minimand.evaluation import deviation_normalised_error_metric, range_normalised_error_metric

N_COLUMNS = 30


@property_claim(
    of=range_normalised_error_metric,
    says="From 100 to 10000 normal targets the same errors look smaller by more than a fifth, since the range grows.",
    where="the definition: extremes of more rows lie further out",
    gap="Normal targets and errors.",
    tier="quick",
    expects=AtMost(0.8),
)
def gets_smaller_with_more_rows(seed: int, *, broken: bool = False) -> float:
    rng = Generator().manual_seed(seed)
    metric = deviation_normalised_error_metric if broken else range_normalised_error_metric
    values = []
    for n_rows in (100, 10_000):
        target = torch.randn(n_rows, N_COLUMNS, generator=rng, dtype=torch.float64)
        pred = target + torch.randn(n_rows, N_COLUMNS, generator=rng, dtype=torch.float64)
        values.append(float(metric(pred, target)))
    return values[1] / values[0]
