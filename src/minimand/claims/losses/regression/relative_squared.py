"""Is one less the relative squared error R2, as the published code's is not?"""

from __future__ import annotations

import torch
from torch import Generator

from minimand.claims.tasks.regression import diabetes
from minimand.contracts.claim import AtMost, property_claim
from minimand.contracts.task import TaskInfo, bind
from minimand.extras import require
from minimand.losses import RelativeSquaredLoss


@property_claim(
    of=RelativeSquaredLoss,
    says="One less the mean of the relative squared errors of the batches is the R2 of all training rows.",
    where="Jadon, Patil and Jadon (2022), section III, relative squared error",
    gap="The predictions are those of a least-squares fit.",
    tier="quick",
    expects=AtMost(1e-6),
)
def batches_add_up_to_r2(seed: int, *, broken: bool = False) -> float:
    rows, _, _ = diabetes(Generator().manual_seed(seed), training=256)
    x, target = torch.cat([rows.x, torch.ones(256, 1)], 1).double(), rows.y.double()
    pred = x @ torch.linalg.lstsq(x, target[:, None]).solution[:, 0]
    loss = bind(RelativeSquaredLoss, TaskInfo.of_values(target))
    parts = []
    for some, true in zip(pred.split(16), target.split(16), strict=True):
        # the twin is the published code, in which the predictions stand below the line too
        parts.append((some - true).square().sum() / (some - true).square().sum() if broken else loss(some, true))
    expected = float(require("sklearn.metrics", extra="workbench").r2_score(target.numpy(), pred.numpy()))
    return abs(1 - float(torch.stack(parts).mean()) - expected)
