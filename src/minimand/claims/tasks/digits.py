"""Handwritten digits of scikit-learn: 1797 pictures of 8 x 8 grey levels in 10 classes."""

from __future__ import annotations

import functools

import torch
from torch import Generator, Tensor

from minimand.contracts.arguments import require_range
from minimand.extras import require
from minimand.training.rows import Rows

N_CLASSES = 10
SIDE = 8


def digits(rng: Generator, *, training: int = 900, validation: int = 300) -> tuple[Rows, Rows, Rows]:
    """Digits with grey levels in [0, 1], shuffled and split into training, validation and test rows.

    Args:
        rng: of the split.
        training: number of training rows.
        validation: number of validation rows; what is left over, of 1797, tests.

    Raises:
        ValueError: nothing would be left to test on.
    """
    x, y = _all_digits()
    if training < 1 or validation < 1 or training + validation >= len(y):
        raise ValueError(f"training + validation must be in [2, {len(y)}), got {training} + {validation}")
    order = torch.randperm(len(y), generator=rng)
    parts = order.split([training, validation, len(y) - training - validation])
    first, second, third = (Rows(x[part], y[part]) for part in parts)
    return first, second, third


def flip_labels(rows: Rows, rng: Generator, *, rate: float, n_classes: int = N_CLASSES) -> Rows:
    """The rows with symmetric label noise: with probability `rate` a label becomes one of the others, all alike.

    Raises:
        ValueError: `rate` outside [0, 1].
    """
    require_range("rate", rate, least=0.0, most=1.0)
    flipped = torch.rand(len(rows), generator=rng) < rate
    other = (rows.y + torch.randint(1, n_classes, (len(rows),), generator=rng)) % n_classes
    return Rows(rows.x, torch.where(flipped, other, rows.y), rows.weight)


def upright_and_turned(rows: Rows, rng: Generator) -> Rows:
    """Twenty classes: each picture stays upright or, as a class of its own, is turned by 90 degrees."""
    turned = torch.rand(len(rows), generator=rng) < 0.5
    pictures = rows.x.reshape(-1, SIDE, SIDE)
    x = torch.where(turned[:, None, None], pictures.rot90(1, (1, 2)), pictures).flatten(1)
    return Rows(x, rows.y + N_CLASSES * turned, rows.weight)


@functools.cache
def _all_digits() -> tuple[Tensor, Tensor]:
    found = require("sklearn.datasets", extra="workbench").load_digits()
    return torch.from_numpy(found.data).float() / 16, torch.from_numpy(found.target).long()
