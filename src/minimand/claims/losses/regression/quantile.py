"""Does the share of targets below the prediction come out as asked?"""

from __future__ import annotations

import torch
from torch import Generator

from minimand.claims.tasks.regression import mean_absolute_error, seasonal_series, trained_values
from minimand.contracts.claim import MeanWithin, property_claim
from minimand.losses import quantile_loss
from minimand.training.fit import Settings


@property_claim(
    of=quantile_loss,
    says="A network trained with the quantile loss at level 0.9 on a seasonal series has 87 to 93 % of later values "
    "below its predictions.",
    where="Koenker and Bassett (1978), theorem 3.4: the share of residuals on each side; Jadon, Patil and Jadon "
    "(2022), section III",
    gap="A simulated series of 1,200 steps, a linear model and one level.",
    tier="quick",
    expects=MeanWithin(0.87, 0.93),
)
def share_below_the_prediction(seed: int, *, broken: bool = False) -> float:
    series = seasonal_series(Generator().manual_seed(seed), 2000)
    training, later = series.take(torch.arange(1200)), series.take(torch.arange(1200, 2000))
    # the twin has the two sides the wrong way round
    arms = {"quantile": (quantile_loss, {"level": 0.1 if broken else 0.9})}
    settings = Settings(max_epochs=20, batch_size=64, patience=None)
    model = trained_values(
        arms,
        training,
        training,
        seed=seed,
        judge=mean_absolute_error,
        settings=settings,
        hidden=(),
        learning_rates=(1e-2,),
    )["quantile"]
    return float((later.y < model.predictions(later.x)).double().mean())
