"""Does measuring find what is known of the classical losses?"""

from __future__ import annotations

import math

from torch import Generator, Tensor, nn

from minimand.contracts.card import card_of
from minimand.contracts.claim import AtMost, property_claim
from minimand.contracts.objective import Objective
from minimand.evaluation import objective_properties
from minimand.losses import crammer_singer_loss, cross_entropy_loss, focal_loss, mean_absolute_error_loss

N_CLASSES = 3
ROOT = math.sqrt(2)
KNOWN = (
    (cross_entropy_loss, {"convex": True, "calibrated": True, "proper": True, "symmetric": False}),
    (cross_entropy_loss, {"lipschitz": ROOT, "upper_bound": math.inf, "at_perfect": 0.0, "shift_invariant": True}),
    (focal_loss, {"convex": False, "calibrated": True, "proper": False, "upper_bound": math.inf}),
    (mean_absolute_error_loss, {"convex": False, "symmetric": True, "proper": False, "upper_bound": 2.0}),
    (mean_absolute_error_loss, {"lipschitz": ROOT / 2, "at_perfect": 0.0, "shift_invariant": True}),
    (crammer_singer_loss, {"convex": True, "calibrated": False, "lipschitz": ROOT, "at_perfect": 0.0}),
)
"""Cross entropy: convex and proper. Focal: calibrated, not proper (Charoenphakdee et al., 2021). Mean absolute error:
symmetric and bounded (Ghosh et al., 2017). Crammer-Singer: not calibrated without a majority (Tewari and Bartlett,
2007)."""


@property_claim(
    of=objective_properties,
    says="The measured bounds, slopes, convexity, symmetry and calibration of cross entropy, focal loss, mean absolute "
    "error and the hinge of Crammer and Singer are those that are known of them.",
    where="Terven et al. (2023) on ranges and gradients of classification losses; Charoenphakdee et al. (2021) on "
    "focal loss, Ghosh et al. (2017) on mean absolute error, Tewari and Bartlett (2007) on the hinge",
    gap="Four losses with three classes; the survey has some forty, most of which are for other tasks.",
    tier="quick",
    expects=AtMost(0.0),
)
def contradicted_facts(seed: int, *, broken: bool = False) -> float:
    rng = Generator().manual_seed(seed)
    found = {}
    for objective, _ in KNOWN:
        if objective not in found:
            # the twin gives every loss the next class for its target
            own = card_of(objective)
            with_map = own.probabilities if own is not None else None
            given = Objective(_next_class(objective), probabilities=with_map) if broken else objective
            found[objective] = objective_properties(given, n_classes=N_CLASSES, rng=rng)
    facts = [(found[objective], name, value) for objective, known in KNOWN for name, value in known.items()]
    return float(sum(not _agrees(getattr(properties, name), value) for properties, name, value in facts))


def _next_class(objective: object) -> nn.Module:
    class OfNextClass(nn.Module):
        def forward(self, scores: Tensor, target: Tensor) -> Tensor:
            value: Tensor = objective(scores, (target + 1) % N_CLASSES, reduction="none")  # type: ignore[operator]
            return value

    return OfNextClass()


def _agrees(found: object, known: object) -> bool:
    if isinstance(known, bool):
        return found is known
    return math.isclose(float(found), float(known), rel_tol=1e-3, abs_tol=1e-6)  # type: ignore[arg-type]
