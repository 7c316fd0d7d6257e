"""Does a learned link serve a linear model with many classes better than the softmax?"""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from minimand.claims.tasks.arms import Arm, judged, trained_arms
from minimand.claims.tasks.digits import N_CLASSES, digits, upright_and_turned
from minimand.contracts.claim import Beats, Ties, comparative_claim
from minimand.contracts.rows import softmax
from minimand.evaluation import log_loss_metric
from minimand.losses import LegendreTronLoss, cross_entropy_loss
from minimand.training.fit import Settings

# Far enough down that the bend is nothing: softplus(-40) is 4e-18.
NO_BEND = -40.0


@comparative_claim(
    of=LegendreTronLoss,
    says="With a linear model and 20 classes, LegendreTron is more accurate than the softmax by more than one point.",
    where="Lam et al. (2023), the comparison with multinomial logistic regression on data sets of more than 10 classes",
    gap="One small set, digits upright or turned by 90 degrees, stands in for the paper's sets of up to 1000 classes; "
    "two blocks as in the paper, but without its activation normalisation; log loss on validation rows chooses "
    "the learning rate.",
    tier="standard",
    expects=(
        Beats("legendretron", "cross_entropy", margin=0.01),
        Ties("legendretron_switched_off", "cross_entropy", within=0.005),
    ),
)
def beats_the_softmax(seed: int) -> dict[str, float]:
    rng = Generator().manual_seed(seed)
    parts = digits(rng, training=700, validation=400)
    training, validation, test = (upright_and_turned(rows, rng) for rows in parts)
    n_classes = 2 * N_CLASSES
    arms: dict[str, Arm] = {
        "legendretron": (LegendreTronLoss, {"blocks": 2}),
        "cross_entropy": (cross_entropy_loss, {}),
        "legendretron_switched_off": (_StraightLink(n_classes), {}),
    }
    trained = trained_arms(
        arms,
        training,
        validation,
        seed=seed,
        n_classes=n_classes,
        settings=Settings(max_epochs=60, patience=None),
        hidden=(),
        learning_rates=(1e-2, 3e-2),
        score=lambda probabilities, target: -log_loss_metric(probabilities, target),
        otherwise=softmax,  # the switched-off arm is a plain function, which says nothing of probabilities
    )
    return judged(trained, test)


class _StraightLink:
    """LegendreTron with its bend held at zero: the link is the identity, and nothing in it is trained."""

    def __init__(self, n_classes: int) -> None:
        self.loss = LegendreTronLoss(n_classes, blocks=2)
        with torch.no_grad():
            for name, parameter in self.loss.named_parameters():
                if name.endswith(".bend"):
                    parameter.fill_(NO_BEND)

    def __call__(self, scores: Tensor, target: Tensor) -> Tensor:
        value: Tensor = self.loss(scores, target)
        return value
