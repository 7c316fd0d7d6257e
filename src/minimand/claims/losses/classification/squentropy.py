"""Does squentropy make a network more accurate than cross entropy, and better calibrated?"""

from __future__ import annotations

from torch import Generator, Tensor

from minimand.claims.tasks.arms import Arm, judged, trained_arms
from minimand.claims.tasks.digits import N_CLASSES, digits
from minimand.claims.tasks.gaussians import GaussianClusters
from minimand.contracts.claim import Beats, Ties, comparative_claim
from minimand.contracts.rows import softmax
from minimand.evaluation import calibration_error_metric, log_loss_metric
from minimand.losses import cross_entropy_loss, squentropy_loss
from minimand.training.fit import Settings


def without_squares(logits: Tensor, target: Tensor) -> Tensor:
    """Squentropy with its square term taken off again."""
    squares = logits.scatter(1, target[:, None], 0.0).square().sum(1)
    return squentropy_loss(logits, target, reduction="none") - squares / (logits.shape[1] - 1)


ARMS: dict[str, Arm] = {
    "squentropy": (squentropy_loss, {}),
    "cross_entropy": (cross_entropy_loss, {}),
    "squentropy_switched_off": (without_squares, {}),
}


@comparative_claim(
    of=squentropy_loss,
    says="Squentropy gives a higher test accuracy than cross entropy with the same settings.",
    where="Hui, Belkin and Wright (2023), abstract and table 1",
    gap="8 x 8 digits, 540 of them to learn from, and a small network stand in for the paper's sets of language, "
    "speech, vision and tabular data.",
    tier="standard",
    expects=(
        Beats("squentropy", "cross_entropy", margin=0.0),
        Ties("squentropy_switched_off", "cross_entropy", within=0.005),
    ),
)
def raises_accuracy(seed: int) -> dict[str, float]:
    rng = Generator().manual_seed(seed)
    training, validation, test = digits(rng, training=540, validation=200)
    settings = Settings(max_epochs=60, batch_size=64, patience=None)
    trained = trained_arms(
        ARMS, training, validation, seed=seed, n_classes=N_CLASSES, settings=settings, hidden=(64, 64)
    )
    return judged(trained, test)


@comparative_claim(
    of=squentropy_loss,
    says="Where classes overlap, squentropy lowers the calibration error by more than 0.01 below that of cross "
    "entropy.",
    where="Hui, Belkin and Wright (2023), abstract: significantly better calibration",
    gap="Ten Gaussian clusters and a small network; log loss on validation rows chooses the learning rate.",
    tier="standard",
    expects=(
        Beats("squentropy", "cross_entropy", margin=0.01, lower_is_better=True),
        Ties("squentropy_switched_off", "cross_entropy", within=0.01),
    ),
)
def calibrates(seed: int) -> dict[str, float]:
    rng = Generator().manual_seed(seed)
    clusters = GaussianClusters.random(rng, n_classes=N_CLASSES, n_features=20, spread=0.6)
    training, validation, test = (clusters.sample(n, rng) for n in (1000, 500, 4000))
    trained = trained_arms(
        ARMS,
        training,
        validation,
        seed=seed,
        n_classes=N_CLASSES,
        settings=Settings(max_epochs=60, patience=None),
        hidden=(64, 64),
        score=lambda probabilities, target: -log_loss_metric(probabilities, target),
        otherwise=softmax,  # the switched-off arm is a plain function, which says nothing of probabilities
    )
    return judged(trained, test, calibration_error_metric)
