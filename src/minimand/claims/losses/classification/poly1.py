"""Does poly-1 with a positive coefficient make a network more confident of the right class?"""

from __future__ import annotations

from torch import Generator, Tensor

from minimand.claims.tasks.arms import judged, trained_arms
from minimand.claims.tasks.gaussians import GaussianClusters
from minimand.contracts.claim import Beats, Ties, comparative_claim
from minimand.losses import cross_entropy_loss, poly1_loss
from minimand.training.fit import Settings

N_CLASSES = 10


@comparative_claim(
    of=poly1_loss,
    says="Poly-1 with epsilon 2 gives the right class more probability on test rows than cross entropy does.",
    where="Leng et al. (2022), section 5: epsilon above 0 raises the prediction confidence, the paper's account of its "
    "gain on ImageNet",
    gap="Ten Gaussian clusters and a small network stand in for ImageNet-21K and EfficientNetV2; the gain in accuracy, "
    "some tenths of a point, is below what ten small runs can tell.",
    tier="standard",
    expects=(
        Beats("poly1", "cross_entropy", margin=0.0),
        Ties("poly1_switched_off", "cross_entropy", within=0.01),
    ),
)
def raises_confidence(seed: int) -> dict[str, float]:
    rng = Generator().manual_seed(seed)
    clusters = GaussianClusters.random(rng, n_classes=N_CLASSES, n_features=20, spread=0.6)
    training, validation, test = (clusters.sample(n, rng) for n in (1000, 500, 4000))
    arms = {
        "poly1": (poly1_loss, {"epsilon": 2.0}),
        "cross_entropy": (cross_entropy_loss, {}),
        "poly1_switched_off": (poly1_loss, {"epsilon": 0.0}),
    }
    settings = Settings(max_epochs=60, patience=None)
    trained = trained_arms(
        arms, training, validation, seed=seed, n_classes=N_CLASSES, settings=settings, hidden=(64, 64)
    )
    return judged(trained, test, probability_of_target)


def probability_of_target(probabilities: Tensor, target: Tensor) -> Tensor:
    """The mean probability of the right class."""
    return probabilities.gather(1, target[:, None]).mean()
