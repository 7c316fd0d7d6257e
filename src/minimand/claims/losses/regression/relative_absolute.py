"""Is relative absolute error the same, however the rows are cut into batches?"""

from __future__ import annotations

import torch
from torch import Generator

from minimand.claims.tasks.regression import diabetes
from minimand.contracts.claim import AtMost, property_claim
from minimand.contracts.task import TaskInfo, bind
from minimand.losses import RelativeAbsoluteLoss


@property_claim(
    of=RelativeAbsoluteLoss,
    says="Bound to the training set, the relative absolute error of all rows is the mean of that of their batches, and "
    "predicting the mean of the targets costs 1; with the denominators of the batches it is not.",
    where="Jadon, Patil and Jadon (2022), section III, relative absolute error, of all rows",
    gap="none",
    tier="quick",
    expects=AtMost(1e-9),
)
def batches_add_up(seed: int, *, broken: bool = False) -> float:
    rows, _, _ = diabetes(Generator().manual_seed(seed), training=256)
    target = rows.y.double()
    whole = TaskInfo.of_values(target)
    mean = target.mean().expand(16)
    parts = []
    for batch in target.split(16):
        # the twin takes the denominator of each batch
        loss = bind(RelativeAbsoluteLoss, TaskInfo.of_values(batch) if broken else whole)
        parts.append(loss(mean, batch))
    return abs(float(torch.stack(parts).mean()) - 1)
