"""Deviances of the Tweedie family: what a prediction costs beyond the target itself, in twice the log-likelihood."""

from __future__ import annotations

import torch
from torch import Tensor


def unit_deviance(pred: Tensor, target: Tensor, power: float) -> Tensor:
    r"""The deviance of each of positive predictions and targets of one shape, zero only where both are equal.

    With $\rho = \mu / y$ and $B_\lambda(\rho) = (\rho^\lambda - 1) / \lambda$, whose limit at $\lambda = 0$ is the
    logarithm, the deviance of power $p$ is $2 y^{2-p} (B_{2-p}(\rho) - B_{1-p}(\rho))$. Unlike the usual formulas this
    needs no case for Poisson and gamma, and is as exact beside them as far away. Below power 2 a target of 0 is legal.
    """
    step = (pred - target) / target
    # log1p near one: the ratio itself would have lost the digits in which both differ
    log_ratio = torch.where(step.abs() < 0.5, step.log1p(), pred.log() - target.log())
    difference = _box_cox(log_ratio, 2 - power) - _box_cox(log_ratio, 1 - power)
    deviance = 2 * target.pow(2 - power) * difference.clamp_min(0.0)
    if power < 2:
        deviance = torch.where(target > 0, deviance, 2 * pred.pow(2 - power) / (2 - power))
    if power <= 2:
        deviance = torch.where(pred.isinf(), pred, deviance)
    return deviance


def _box_cox(logarithm: Tensor, exponent: float) -> Tensor:
    return (exponent * logarithm).expm1() / exponent if exponent else logarithm
