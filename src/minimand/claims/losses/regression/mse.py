"""Is it the mean that squared error learns, where mean and median differ?"""

from __future__ import annotations

import torch
from torch import Generator

from minimand.claims.tasks.regression import Arm, root_mean_squared_error, trained_values
from minimand.contracts.claim import MeanWithin, property_claim
from minimand.losses import mae_loss, mse_loss
from minimand.training.fit import Settings
from minimand.training.rows import Rows


@property_claim(
    of=mse_loss,
    says="With noise of mean 1 and median 0.69, a model trained with squared error predicts the mean: on fresh rows "
    "its predictions are on average within 0.05 of the targets.",
    where="Jadon, Patil and Jadon (2022), section III: mean squared error; its minimiser is the conditional mean",
    gap="A linear model on simulated rows with exponential noise.",
    tier="quick",
    expects=MeanWithin(-0.05, 0.05),
)
def bias_under_skewed_noise(seed: int, *, broken: bool = False) -> float:
    rng = Generator().manual_seed(seed)
    x = torch.randn(4000, 3, generator=rng)
    noise = -(1 - torch.rand(4000, generator=rng)).log()
    rows = Rows(x, x @ torch.tensor([1.0, -0.5, 0.2]) + noise)
    training, fresh = rows.take(torch.arange(2000)), rows.take(torch.arange(2000, 4000))
    # the twin learns the median
    arms: dict[str, Arm] = {"one": (mae_loss if broken else mse_loss, {})}
    model = trained_values(
        arms,
        training,
        training,
        seed=seed,
        judge=root_mean_squared_error,
        settings=Settings(max_epochs=15, batch_size=256, patience=None),
        hidden=(),
        learning_rates=(3e-2,),
    )["one"]
    return float((model.predictions(fresh.x) - fresh.y).double().mean())
