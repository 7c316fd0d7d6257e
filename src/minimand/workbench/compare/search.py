"""The settings that are tried: drawn up front, as many for each objective, and the same where objectives share them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from minimand.contracts.card import Range
from minimand.training.seeds import named_seed

LEARNING_RATE = Range(3e-4, 3e-2, scale="log", default=3e-3)
WEIGHT_DECAY = Range(1e-4, 1.0, scale="log", default=1e-2)

# Every objective draws from a cube of this many dimensions, and so all see the same learning rates and decays.
DIMENSIONS = 10


def search_space(own: Mapping[str, Range]) -> dict[str, Range]:
    """The space of an objective: learning rate and weight decay, then its own hyperparameters by name."""
    space = {"learning_rate": LEARNING_RATE, "weight_decay": WEIGHT_DECAY}
    space |= {name: own[name] for name in sorted(own)}
    if len(space) > DIMENSIONS:
        raise ValueError(f"a search space may have {DIMENSIONS} dimensions, got {len(space)}: {', '.join(space)}")
    return space


def configurations(
    own: Mapping[str, Range], defaults: Mapping[str, float], *, count: int, seed: int
) -> list[dict[str, float]]:
    """The settings to try: the defaults first, then a scrambled Sobol sequence over the space.

    Args:
        own: the objective's own search space.
        defaults: its own defaults.
        count: how many settings, at least 1.
        seed: the root seed; the objective is not part of it.
    """
    space = search_space(own)
    engine = torch.quasirandom.SobolEngine(DIMENSIONS, scramble=True, seed=named_seed(seed, "settings") % 2**31)
    points = engine.draw(count, dtype=torch.float64)
    standard = {"learning_rate": LEARNING_RATE.default, "weight_decay": WEIGHT_DECAY.default, **defaults}
    first = {name: float(standard[name] or 0.0) for name in space}
    drawn = [
        {name: round_to_digits(span.at(float(point[i]))) for i, (name, span) in enumerate(space.items())}
        for point in points[1:]
    ]
    return [first, *[_inside(space, settings) for settings in drawn]]


def round_to_digits(value: float, digits: int = 4) -> float:
    """The value with a few significant digits: settings that people read and type."""
    return float(f"{value:.{digits}g}")


def edges(space: Mapping[str, Range], settings: Mapping[str, Any]) -> list[str]:
    """Which settings lie at an end of their range, in words: the best may lie beyond."""
    found = [(name, span.edge(settings[name])) for name, span in space.items()]
    return [f"{name} at its {end} end ({settings[name]:g})" for name, end in found if end is not None]


def _inside(space: Mapping[str, Range], settings: dict[str, float]) -> dict[str, float]:
    return {name: min(max(value, space[name].low), space[name].high) for name, value in settings.items()}
