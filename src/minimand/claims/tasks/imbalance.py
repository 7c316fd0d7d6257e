"""Long-tailed training sets: class sizes that fall geometrically from the largest class to the smallest."""

from __future__ import annotations

import torch
from torch import Generator

from minimand.contracts.arguments import require_range
from minimand.training.rows import Rows


def long_tailed(rows: Rows, rng: Generator, *, ratio: float, largest: int, n_classes: int) -> Rows:
    """A subset in which the k-th class has `largest * ratio^(-k / (K - 1))` rows, at least 1.

    Which class is the k-th is drawn too, so that the difficulty of a class and its size are independent.

    Args:
        rows: with at least as many rows of each class as may be asked for.
        rng: of the order of classes and the choice of rows.
        ratio: size of the largest class over that of the smallest, at least 1.
        largest: rows of the largest class.
        n_classes: number of classes, at least 2.

    Raises:
        ValueError: a class has too few rows, or `ratio` is below 1.
    """
    require_range("ratio", ratio, least=1.0)
    kept = []
    for rank, label in enumerate(torch.randperm(n_classes, generator=rng).tolist()):
        wanted = max(round(largest * ratio ** (-rank / (n_classes - 1))), 1)
        own = (rows.y == label).nonzero().squeeze(1)
        if len(own) < wanted:
            raise ValueError(f"class {label} must have at least {wanted} rows, got {len(own)}")
        kept.append(own[torch.randperm(len(own), generator=rng)[:wanted]])
    return rows.take(torch.cat(kept))
