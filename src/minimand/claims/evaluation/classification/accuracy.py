"""Is accuracy on fresh rows, on average, the accuracy of the rule on all rows there could be?"""

from __future__ import annotations

import math

import torch
from torch import Generator

from minimand.claims.tasks.gaussians import GaussianClusters
from minimand.contracts.claim import MeanWithin, property_claim
from minimand.evaluation import accuracy_metric

N_FEATURES = 50
N_TRAINING = 40
N_TEST = 4000
REPEATS = 50


@property_claim(
    of=accuracy_metric,
    says="On rows that a rule was not fitted to, accuracy is unbiased: on average it is the rule's true accuracy.",
    where="the definition: a mean of independent hits",
    gap="none: the true accuracy of a linear rule on two Gaussian clusters is known in closed form",
    tier="quick",
    expects=MeanWithin(-0.005, 0.005),
)
def is_unbiased_on_fresh_rows(seed: int, *, broken: bool = False) -> float:
    rng = Generator().manual_seed(seed)
    half = torch.full((1, N_FEATURES), 1 / math.sqrt(N_FEATURES))
    clusters = GaussianClusters(torch.cat((-half, half)))
    errors = []
    for _ in range(REPEATS):
        fitted_to, fresh = clusters.sample(N_TRAINING, rng), clusters.sample(N_TEST, rng)
        centres = torch.stack([fitted_to.x[fitted_to.y == k].mean(0) for k in (0, 1)]).double()
        weight, offset = 2 * centres.t(), -centres.square().sum(1)  # the nearer centre has the larger score
        # the twin judges the rule on the very rows that it was fitted to
        rows = fitted_to if broken else fresh
        measured = float(accuracy_metric(rows.x.double() @ weight + offset, rows.y))
        slope, level = weight[:, 1] - weight[:, 0], offset[1] - offset[0]
        scores = (clusters.means.double() @ slope + level) / slope.norm() * torch.tensor([-1.0, 1.0])
        errors.append(measured - float(torch.special.ndtr(scores).mean()))
    return math.fsum(errors) / REPEATS
