"""Does label smoothing make a network more accurate?"""

from __future__ import annotations

from torch import Generator

from minimand.claims.tasks.arms import judged, trained_arms
from minimand.claims.tasks.digits import N_CLASSES, digits
from minimand.contracts.claim import Beats, Ties, comparative_claim
from minimand.losses import cross_entropy_loss, label_smoothing_loss
from minimand.training.fit import Settings


@comparative_claim(
    of=label_smoothing_loss,
    says="Label smoothing of 0.1 raises test accuracy by more than 0.2 points over cross entropy.",
    where="Szegedy et al. (2016), section 7: about 0.2 points of top-1 accuracy on ImageNet",
    gap="8 x 8 digits, 400 of them to learn from, and a small network stand in for ImageNet and Inception-v3.",
    tier="standard",
    expects=(
        Beats("label_smoothing", "cross_entropy", margin=0.002),
        Ties("label_smoothing_switched_off", "cross_entropy", within=0.005),
    ),
)
def raises_accuracy(seed: int) -> dict[str, float]:
    rng = Generator().manual_seed(seed)
    training, validation, test = digits(rng, training=400, validation=400)
    arms = {
        "label_smoothing": (label_smoothing_loss, {}),
        "cross_entropy": (cross_entropy_loss, {}),
        "label_smoothing_switched_off": (label_smoothing_loss, {"smoothing": 1e-6}),
    }
    settings = Settings(max_epochs=60, patience=None)
    trained = trained_arms(
        arms, training, validation, seed=seed, n_classes=N_CLASSES, settings=settings, hidden=(64, 64)
    )
    return judged(trained, test)
