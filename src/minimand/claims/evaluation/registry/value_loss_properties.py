"""Does measuring find what is known of the losses of regression?"""

from __future__ import annotations

import math

import torch
from torch import Generator, Tensor, nn

from minimand.contracts.claim import AtMost, property_claim
from minimand.evaluation import value_loss_properties
from minimand.losses import (
    RelativeAbsoluteLoss,
    huber_loss,
    log_cosh_loss,
    mae_loss,
    mape_loss,
    mse_loss,
    msle_loss,
    quantile_loss,
)

KNOWN = (
    (mse_loss, {"elicits": "mean", "differentiable": True, "symmetric": True, "lipschitz": math.inf}),
    (mae_loss, {"elicits": "median", "differentiable": False, "symmetric": True, "lipschitz": 1.0}),
    (huber_loss, {"elicits": "centre", "differentiable": True, "lipschitz": 1.0, "convex": True}),
    (log_cosh_loss, {"elicits": "centre", "differentiable": True, "lipschitz": 1.0, "convex": True}),
    (quantile_loss, {"elicits": "median", "differentiable": False, "lipschitz": 0.5, "translation_invariant": True}),
    (mape_loss, {"elicits": "relative median", "scale_free": True, "translation_invariant": False}),
    (msle_loss, {"elicits": "geometric mean", "symmetric": False, "convex": False, "at_perfect": 0.0}),
    (RelativeAbsoluteLoss, {"elicits": "median", "scale_free": True, "couples_rows": False}),
)
"""What the survey, or calculus, says of each loss at its default."""


class OfShiftedTarget(nn.Module):
    """A loss whose targets are moved by one."""

    def __init__(self, objective: object) -> None:
        super().__init__()
        self.objective = objective

    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        """One value a row."""
        value: Tensor = self.objective(pred, target + 1, reduction="none")  # type: ignore[operator]
        return value


@property_claim(
    of=value_loss_properties,
    says="What is measured of eight losses of regression - range, slope, kinks, symmetry, invariances, and which "
    "number of a distribution is best predicted - is what is known of them.",
    where="Jadon, Patil and Jadon (2022), table 1 and section III",
    gap="The property of a horizon of several steps is left out; the losses of the survey that are roots of means are "
    "no losses of rows.",
    tier="quick",
    expects=AtMost(0.0),
)
def contradicted_facts(seed: int, *, broken: bool = False) -> float:
    rng = Generator().manual_seed(seed)
    wrong = 0
    # two of the losses a seed, so that ten seeds ask all of them
    for objective, known in (KNOWN[seed % len(KNOWN)], KNOWN[(seed + 3) % len(KNOWN)]):
        # the twin moves the targets; a class has no such twin
        given = OfShiftedTarget(objective) if broken and not isinstance(objective, type) else objective
        found = value_loss_properties(given, rng=rng)
        wrong += sum(not _agrees(getattr(found, name), value) for name, value in known.items())
    return float(wrong)


def _agrees(found: object, known: object) -> bool:
    if isinstance(known, (bool, str)):
        return found == known
    return math.isclose(float(torch.tensor(found)), float(known), rel_tol=1e-3, abs_tol=1e-6)  # type: ignore[arg-type]
