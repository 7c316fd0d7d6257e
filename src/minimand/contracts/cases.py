"""Example arguments for components: what the common tests call them with."""

from __future__ import annotations

import torch
from torch import Generator, Tensor


def class_scores(rng: Generator, *, scale: float = 1.0) -> tuple[Tensor, Tensor]:
    """Scores `(16, 5)` in float64, normal with the given scale, and a target for each row, all classes present."""
    scores = torch.randn(16, 5, generator=rng, dtype=torch.float64) * scale
    target = torch.arange(16) % 5
    return scores, target[torch.randperm(16, generator=rng)]


def class_probabilities(rng: Generator, *, scale: float = 1.0) -> tuple[Tensor, Tensor]:
    """Probabilities `(16, 5)` in float64, a softmax of `class_scores`, and a target for each row."""
    scores, target = class_scores(rng, scale=scale)
    return scores.softmax(-1), target
