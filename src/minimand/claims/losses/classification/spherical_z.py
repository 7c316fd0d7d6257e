"""Is the Z-loss blind to the shift and the scale of the logits?"""

from __future__ import annotations

import torch
from torch import Generator

from minimand.contracts.claim import AtMost, property_claim
from minimand.losses import cross_entropy_loss, spherical_z_loss


@property_claim(
    of=spherical_z_loss,
    says="The Z-loss does not change when the logits of a row are shifted or scaled by a positive number.",
    where="de Brébisson and Vincent (2016): shift and scale invariance, as in the title",
    gap="The better top-k scores and the speed on very many classes, the paper's experiments, are not tested.",
    tier="quick",
    expects=AtMost(1e-6),
)
def is_blind_to_shift_and_scale(seed: int, *, broken: bool = False) -> float:
    rng = Generator().manual_seed(seed)
    loss = cross_entropy_loss if broken else spherical_z_loss  # the twin is blind to the shift only
    worst = 0.0
    for n_classes in (3, 10, 1000):
        logits = torch.randn(64, n_classes, generator=rng, dtype=torch.float64)
        target = torch.randint(n_classes, (64,), generator=rng)
        scale = 10 ** (6 * torch.rand(64, 1, generator=rng, dtype=torch.float64) - 3)
        shift = 100 * torch.randn(64, 1, generator=rng, dtype=torch.float64)
        before = loss(logits, target, reduction="none")
        after = loss(scale * logits + shift, target, reduction="none")
        worst = max(worst, float(((after - before).abs() / before).max()))
    return worst
