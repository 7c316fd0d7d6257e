"""Is a cautious prediction better than a wild one?"""

from __future__ import annotations

import torch
from torch import Generator

from minimand.contracts.claim import AtMost, property_claim
from minimand.evaluation import deviation_normalised_error_metric

N_ROWS = 1000


@property_claim(
    of=deviation_normalised_error_metric,
    says="Predictions that follow the targets by a tenth only are better than noise ten times as wide as the targets.",
    where="Jadon, Patil and Jadon (2022), normalised root mean squared error, whose normaliser is left open",
    gap="One family of predictions, which shows what the wrong normaliser rewards.",
    tier="quick",
    expects=AtMost(-1.0),
)
def prefers_caution_to_noise(seed: int, *, broken: bool = False) -> float:
    rng = Generator().manual_seed(seed)
    target = torch.randn(N_ROWS, generator=rng, dtype=torch.float64)
    noise = 10 * torch.randn(N_ROWS, generator=rng, dtype=torch.float64)
    values = []
    for pred in (0.1 * target, noise):
        error = float(deviation_normalised_error_metric(pred, target))
        # the twin divides by the deviation of the predictions, as the code published with the survey does
        values.append(error * float(target.std() / pred.std()) if broken else error)
    return values[0] - values[1]
