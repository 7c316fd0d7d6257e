"""Is AUROC the chance that a positive outranks a negative, however rare positives are?"""

from __future__ import annotations

import math

import torch
from torch import Generator

from minimand.contracts.claim import MeanWithin, property_claim
from minimand.evaluation import auroc_metric

DISTANCE = 1.5
N_ROWS = 2000
REPEATS = 40


@property_claim(
    of=auroc_metric,
    says="AUROC is, on average, the chance that a random positive outranks a random negative, be 2 % or 50 % positive.",
    where="Hanley and McNeil (1982): the area as a probability of ranking",
    gap="Two classes; the chance is known in closed form for two Gaussian scores.",
    tier="quick",
    expects=MeanWithin(-0.005, 0.005),
)
def is_the_chance_of_outranking(seed: int, *, broken: bool = False) -> float:
    rng = Generator().manual_seed(seed)
    truth = float(torch.special.ndtr(torch.tensor(DISTANCE / math.sqrt(2), dtype=torch.float64)))
    errors = []
    for share in (0.02, 0.5):
        for _ in range(REPEATS):
            target = (torch.arange(N_ROWS) < share * N_ROWS).long()
            score = torch.randn(N_ROWS, generator=rng) + DISTANCE * target
            if broken:  # the common mistake: decisions in place of scores
                score = (score > DISTANCE / 2).float()
            errors.append(float(auroc_metric(torch.stack((-score, score), 1), target)) - truth)
    return math.fsum(errors) / len(errors)
