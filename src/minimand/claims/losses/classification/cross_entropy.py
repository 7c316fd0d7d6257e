"""Does the minimum of cross entropy tell the true class probabilities?"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Generator, Tensor

from minimand.claims.tasks.forecasts import forecasts
from minimand.contracts.claim import AtMost, property_claim
from minimand.losses import cross_entropy_loss, gce_loss


@property_claim(
    of=cross_entropy_loss,
    says="The logits that minimise the expected cross entropy give the true class probabilities by softmax.",
    where="Good (1952), section 8: with the logarithm as fee, the honest statement is the best one",
    gap="Free logits in place of a network, and exact expectations in place of samples.",
    tier="quick",
    expects=AtMost(1e-4),
)
def minimum_is_the_truth(seed: int, *, broken: bool = False) -> float:
    loss = gce_loss if broken else cross_entropy_loss  # the twin is no proper score: it sharpens
    pairs = forecasts(Generator().manual_seed(seed), pairs=3)
    return max(float((minimum(loss, truth, start) - truth).abs().max()) for truth, start in pairs)


def minimum(loss: Callable[..., Tensor], truth: Tensor, start: Tensor) -> Tensor:
    """The probabilities `(K,)` that minimise the expected loss, found by descent from others."""
    n_classes = len(truth)
    logits = start.log().requires_grad_()
    optimizer = torch.optim.LBFGS(
        [logits], max_iter=60, tolerance_grad=1e-10, tolerance_change=0, line_search_fn="strong_wolfe"
    )

    def closure() -> float:
        optimizer.zero_grad()
        # one row for each class, weighted by its true probability
        value = loss(logits.expand(n_classes, -1), torch.arange(n_classes), sample_weight=truth)
        value.backward()
        return float(value.detach())

    optimizer.step(closure)
    return logits.detach().softmax(0)
