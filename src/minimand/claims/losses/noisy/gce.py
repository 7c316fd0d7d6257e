"""Does generalized cross entropy resist symmetric label noise better than cross entropy?"""

from __future__ import annotations

import torch
from torch import Generator

from minimand.claims.tasks.arms import judged, trained_arms
from minimand.claims.tasks.digits import N_CLASSES, digits, flip_labels
from minimand.contracts.claim import AtMost, Beats, Ties, comparative_claim, property_claim
from minimand.losses import cross_entropy_loss, gce_loss
from minimand.training.fit import Settings


@comparative_claim(
    of=gce_loss,
    says="With 40 % symmetric label noise and a network that can memorise, GCE ends with a higher clean test accuracy "
    "than cross entropy.",
    where="Zhang and Sabuncu (2018), the CIFAR-10 results under uniform noise 0.4, after the last epoch",
    gap="8 x 8 digits and one wide hidden layer stand in for CIFAR-10 and a ResNet; the learning rate is chosen on "
    "noisy validation rows and not scheduled; the truncated form is left out.",
    tier="standard",
    expects=(
        Beats("gce", "cross_entropy", margin=0.02),
        Ties("gce_switched_off", "cross_entropy", within=0.02),  # q -> 0 is cross entropy
    ),
)
def resists_symmetric_noise(seed: int) -> dict[str, float]:
    rng = Generator().manual_seed(seed)
    training, validation, test = digits(rng, training=600, validation=200)
    training, validation = flip_labels(training, rng, rate=0.4), flip_labels(validation, rng, rate=0.4)
    arms = {
        "gce": (gce_loss, {}),
        "cross_entropy": (cross_entropy_loss, {}),
        "gce_switched_off": (gce_loss, {"q": 1e-3}),
    }
    settings = Settings(max_epochs=100, patience=None)
    trained = trained_arms(arms, training, validation, seed=seed, n_classes=N_CLASSES, settings=settings, hidden=(256,))
    return judged(trained, test)


@property_claim(
    of=gce_loss,
    says="GCE never exceeds 1/q, however wrong the label.",
    where="Zhang and Sabuncu (2018), section 3.2: the loss is bounded",
    gap="none",
    tier="quick",
    expects=AtMost(0.0),
)
def never_exceeds_its_bound(seed: int, *, broken: bool = False) -> float:
    rng = Generator().manual_seed(seed)
    logits = 10 ** torch.linspace(0, 30, 200)[:, None] * torch.randn(200, 10, generator=rng, dtype=torch.float64)
    target = logits.argmin(1)
    if broken:  # the twin has no bound
        return float(cross_entropy_loss(logits, target, reduction="none").max()) - 1 / 0.1
    return max(float(gce_loss(logits, target, q=q, reduction="none").max()) - 1 / q for q in (0.1, 0.7, 1.0))
