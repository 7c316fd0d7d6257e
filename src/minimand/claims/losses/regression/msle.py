"""Does the squared logarithmic error serve targets that span orders of magnitude?"""

from __future__ import annotations

from torch import Generator, Tensor

from minimand.claims.tasks.regression import Arm, Exponential, over_decades, trained_values
from minimand.contracts.claim import Beats, Ties, comparative_claim
from minimand.losses import mse_loss, msle_loss
from minimand.training.fit import Settings

SMALL = 1e-7


def where_every_target_is_small(pred: Tensor, target: Tensor) -> Tensor:
    """The squared logarithmic error in a unit in which all targets are far below one: the squared error."""
    return msle_loss(SMALL * pred.double(), SMALL * target.double(), reduction="none") / SMALL**2


def root_mean_squared_log_error(pred: Tensor, target: Tensor) -> float:
    """RMSLE of positive predictions `(n,)`."""
    return float((pred.double().log1p() - target.double().log1p()).square().mean().sqrt())


@comparative_claim(
    of=msle_loss,
    says="On targets that span four decades, a network trained with the squared logarithmic error has a lower RMSLE "
    "than one trained with squared error.",
    where="Jadon, Patil and Jadon (2022), section III: MSLE treats small and large targets by their ratios",
    gap="Simulated targets of two features; the network's outputs are exponentials for all arms.",
    tier="standard",
    expects=(
        Beats("logarithmic", "squared", margin=0.05, lower_is_better=True),
        Ties("switched_off", "squared", within=0.15),
    ),
)
def serves_targets_of_four_decades(seed: int) -> dict[str, float]:
    rng = Generator().manual_seed(seed)
    training, validation, test = (over_decades(rng, n) for n in (400, 200, 1000))
    arms: dict[str, Arm] = {
        "logarithmic": (msle_loss, {}),
        "squared": (mse_loss, {}),
        "switched_off": (where_every_target_is_small, {}),
    }
    trained = trained_values(
        arms,
        training,
        validation,
        seed=seed,
        judge=root_mean_squared_log_error,
        settings=Settings(max_epochs=40, batch_size=64),
        last_layer=Exponential(),
    )
    return {name: root_mean_squared_log_error(model.predictions(test.x), test.y) for name, model in trained.items()}
