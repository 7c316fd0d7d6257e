"""Gaussian negative log-likelihood: a mean and a variance for each row, so that the noise may differ between rows."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from minimand.contracts.arguments import Reduction, require_range
from minimand.contracts.card import Paper
from minimand.contracts.loss import LossModule
from minimand.contracts.rows import wide
from minimand.contracts.values import per_value, value_loss

NIX_1994 = Paper(
    key="nix1994variance",
    title="Estimating the Mean and Variance of the Target Probability Distribution",
    authors="Nix and Weigend",
    year=1994,
    venue="IEEE International Conference on Neural Networks",
)

# Log-variances this far below that of the floor are the floor in every dtype.
FAR_BELOW = 80.0


def first_number(pred: Tensor) -> Tensor:
    """The mean `(N,)` of rows `(N, 2)` that say a mean and a log-variance, in float32 or wider."""
    return wide(pred[:, 0])


def gaussian_variance(pred: Tensor, *, floor: float = 1e-6) -> Tensor:
    """The variance `(N,)` of rows `(N, 2)` that say a mean and a log-variance, in float32 or wider.

    Args:
        pred: `(N, 2)`, any real values.
        floor: positive; added to every variance.

    Raises:
        ValueError: `floor` that is not positive.
    """
    require_range("floor", floor, above=0.0, below=math.inf)
    return wide(pred[:, 1]).exp() + floor


def _cases(rng: torch.Generator, *, scale: float = 1.0) -> tuple[Tensor, Tensor]:
    pred = torch.randn(16, 2, generator=rng, dtype=torch.float64) * scale
    return pred, torch.randn(16, generator=rng, dtype=torch.float64) * scale


@value_loss(
    NIX_1994,
    slug="gaussian-nll",
    predictions=first_number,
    predicts="mean",
    outputs=2,
    cases=_cases,
    when="The noise differs between rows, and its size is wanted beside the prediction.",
    drawback="Rows that are hard early are given a large variance, and then learn slowly.",
    also_known_as=("gaussian-likelihood", "heteroscedastic"),
)
def gaussian_nll_loss(
    pred: Tensor,
    target: Tensor,
    /,
    *,
    floor: float = 1e-6,
    sample_weight: Tensor | None = None,
    reduction: Reduction = "mean",
) -> Tensor:
    r"""Gaussian negative log-likelihood, $\frac12 (\log v + (y - m)^2 / v)$ with $v = e^s + \varepsilon$.

    A row of the network says the mean $m$ and the log-variance $s$. The constant $\frac12 \log 2\pi$ is left out, as in
    torch, which differs in one thing: there the variance is cut off at $\varepsilon$ and the gradient is passed
    through the cut; here it is added, so that the gradient is the derivative.

    Args:
        pred: `(N, 2)`, any real values: mean and log-variance; half precision is computed in float32.
        target: `(N,)`, any real values.
        floor: $\varepsilon$, positive; the least variance.
        sample_weight: `(N,)`, nonnegative; weight 2 is the row twice, weight 0 the row absent.
        reduction: `"none"` gives `(N,)`; `"sum"` and `"mean"` a scalar; a mean over nothing is 0.

    Raises:
        ValueError: `floor` that is not positive, or shapes that do not fit.
        TypeError: dtypes that do not fit.

    Reference:
        Nix and Weigend (1994), the cost of a network with one output for the mean and one for the variance.
    """
    require_range("floor", floor, above=0.0, below=math.inf)
    lowest = math.log(floor)

    def values(pred: Tensor, target: Tensor) -> Tensor:
        mean, log_variance = pred.unbind(1)
        # clamped before: where the derivative of logaddexp underflows to 0, an infinite error would make it NaN.
        held = log_variance.clamp_min(lowest - FAR_BELOW)
        held = torch.logaddexp(held, torch.full_like(held, lowest))
        scaled = (target - mean) * (-held / 2).exp()
        return (held + scaled.square()) / 2

    return per_value(values, pred, target, sample_weight=sample_weight, reduction=reduction, outputs=2)


class GaussianNLLLoss(LossModule, fn=gaussian_nll_loss):
    """Module form of `gaussian_nll_loss`."""
