"""Does the predicted variance follow noise that differs between rows?"""

from __future__ import annotations

import functools

import torch
from torch import Generator, Tensor

from minimand.claims.tasks.regression import root_mean_squared_error, trained_values, with_noise_that_grows
from minimand.contracts.claim import MeanWithin, property_claim
from minimand.losses import first_number, gaussian_nll_loss, gaussian_variance
from minimand.training.fit import Settings

NINETY = 1.6449
"""Deviations of a normal distribution on both sides of its mean within which 90 % of it lies."""


@functools.lru_cache(maxsize=32)
def _trained(seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """What a network says of fresh rows `(n, 2)`, their targets and the deviation of their noise `(n,)`."""
    rng = Generator().manual_seed(seed)
    (training, _), (fresh, deviation) = with_noise_that_grows(rng, 2000), with_noise_that_grows(rng, 2000)
    model = trained_values(
        {"gaussian": (gaussian_nll_loss, {})},
        training,
        fresh.take(torch.arange(1)),
        seed=seed,
        judge=root_mean_squared_error,
        settings=Settings(max_epochs=25, batch_size=128, patience=None),
        learning_rates=(1e-2,),
    )["gaussian"]
    return model.outputs(fresh.x), fresh.y, deviation


@property_claim(
    of=gaussian_nll_loss,
    says="Where the noise grows tenfold along a feature, 86 to 94 % of the noisiest third of fresh targets lie in the "
    "central 90 % interval of a network trained with the Gaussian likelihood; one variance for all rows misses this.",
    where="Nix and Weigend (1994): the network learns a local error bar",
    gap="One feature, simulated rows and one hidden layer; mean and variance share it.",
    tier="quick",
    expects=MeanWithin(0.86, 0.94),
)
def coverage_where_it_is_noisy(seed: int, *, broken: bool = False) -> float:
    outputs, target, deviation = _trained(seed)
    spread = gaussian_variance(outputs).sqrt()
    if broken:  # one variance for all rows
        spread = spread.square().mean().sqrt().expand(len(target))
    inside = (target - first_number(outputs)).abs() <= NINETY * spread
    return float(inside[deviation > torch.quantile(deviation, 2 / 3)].double().mean())
