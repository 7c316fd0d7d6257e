"""Does focal loss leave a network better calibrated than cross entropy?"""

from __future__ import annotations

from torch import Generator

from minimand.claims.tasks.arms import judged, trained_arms
from minimand.claims.tasks.gaussians import GaussianClusters
from minimand.contracts.claim import Beats, Ties, comparative_claim
from minimand.evaluation import calibration_error_metric
from minimand.losses import cross_entropy_loss, focal_loss
from minimand.training.fit import Settings

N_CLASSES = 10


@comparative_claim(
    of=focal_loss,
    says="Where classes overlap and the network overfits, focal loss gives a lower calibration error than cross "
    "entropy.",
    where="Mukhoti et al. (2020), Calibrating Deep Neural Networks using Focal Loss, without temperature scaling",
    gap="Ten Gaussian clusters and a small network stand in for CIFAR and ResNets; gamma 2, not tuned; dense "
    "detection, for which Lin et al. made the loss, is not tested.",
    tier="standard",
    expects=(
        Beats("focal", "cross_entropy", margin=0.02, lower_is_better=True),
        Ties("focal_switched_off", "cross_entropy", within=0.01),
    ),
)
def calibrates(seed: int) -> dict[str, float]:
    rng = Generator().manual_seed(seed)
    clusters = GaussianClusters.random(rng, n_classes=N_CLASSES, n_features=20, spread=0.6)
    training, validation, test = (clusters.sample(n, rng) for n in (1000, 500, 4000))
    arms = {
        "focal": (focal_loss, {}),
        "cross_entropy": (cross_entropy_loss, {}),
        "focal_switched_off": (focal_loss, {"gamma": 0.0}),
    }
    settings = Settings(max_epochs=60, patience=None)
    trained = trained_arms(
        arms, training, validation, seed=seed, n_classes=N_CLASSES, settings=settings, hidden=(64, 64)
    )
    return judged(trained, test, calibration_error_metric)
