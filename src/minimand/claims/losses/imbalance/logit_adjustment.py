"""Does logit adjustment serve the rare classes of a long-tailed training set better than cross entropy?"""

from __future__ import annotations

from torch import Generator

from minimand.claims.tasks.arms import judged, trained_arms
from minimand.claims.tasks.gaussians import GaussianClusters
from minimand.claims.tasks.imbalance import long_tailed
from minimand.contracts.claim import Beats, Ties, comparative_claim
from minimand.evaluation import balanced_accuracy_metric
from minimand.losses import LogitAdjustmentLoss, cross_entropy_loss
from minimand.training.fit import Settings

N_CLASSES = 10


@comparative_claim(
    of=LogitAdjustmentLoss,
    says="Trained on classes from 300 rows down to 3, logit adjustment gives a higher balanced accuracy than cross "
    "entropy.",
    where="Menon et al. (2021), table 3: balanced error on CIFAR-10-LT, imbalance ratio 100",
    gap="Ten Gaussian clusters and a small network stand in for CIFAR-10-LT and a ResNet; strength 1, not tuned; a "
    "balanced validation set chooses the learning rate.",
    tier="standard",
    expects=(
        Beats("logit_adjustment", "cross_entropy", margin=0.02),
        Ties("logit_adjustment_switched_off", "cross_entropy", within=0.01),
    ),
)
def lifts_balanced_accuracy(seed: int) -> dict[str, float]:
    rng = Generator().manual_seed(seed)
    clusters = GaussianClusters.random(rng, n_classes=N_CLASSES, n_features=20, spread=0.6)
    training = long_tailed(clusters.sample(4000, rng), rng, ratio=100, largest=300, n_classes=N_CLASSES)
    validation, test = clusters.sample(500, rng), clusters.sample(4000, rng)
    arms = {
        "logit_adjustment": (LogitAdjustmentLoss, {}),
        "cross_entropy": (cross_entropy_loss, {}),
        "logit_adjustment_switched_off": (LogitAdjustmentLoss, {"strength": 0.0}),
    }
    trained = trained_arms(
        arms,
        training,
        validation,
        seed=seed,
        n_classes=N_CLASSES,
        settings=Settings(max_epochs=60, patience=None),
        hidden=(64, 64),
        score=balanced_accuracy_metric,
    )
    return judged(trained, test, balanced_accuracy_metric)
