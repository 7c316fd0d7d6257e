"""The plain network that small experiments and `ObjectiveClassifier` train when no other is given."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch
from torch import nn

from minimand.contracts.arguments import require_integer


def mlp(n_features: int, n_outputs: int, *, hidden: Sequence[int] = (64, 64), seed: int) -> nn.Sequential:
    """A multilayer perceptron with ReLU units, in torch's own initialisation.

    Args:
        n_features: width of the input, at least 1.
        n_outputs: number of scores, at least 1.
        hidden: widths of the hidden layers; empty for a linear model.
        seed: of the initialisation; the global generator is left as it was.

    Raises:
        ValueError: a width below 1.
    """
    widths = [n_features, *hidden, n_outputs]
    for width in widths:
        require_integer("every layer width", width, least=1)
    layers: list[nn.Module] = []
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for fan_in, fan_out in itertools.pairwise(widths):
            layers += [nn.Linear(fan_in, fan_out), nn.ReLU()]
    return nn.Sequential(*layers[:-1])
