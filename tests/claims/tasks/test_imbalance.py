"""Long-tailed subsets."""

from __future__ import annotations

import pytest
import torch
from torch import Generator

from minimand.claims.tasks.imbalance import long_tailed
from minimand.training.rows import Rows


def balanced(each=100):
    y = torch.arange(5).repeat(each)
    return Rows(torch.arange(5 * each, dtype=torch.float32)[:, None], y)


def test_sizes_fall_geometrically_in_a_drawn_order_of_classes():
    orders = set()
    for seed in range(5):
        kept = long_tailed(balanced(), Generator().manual_seed(seed), ratio=16, largest=80, n_classes=5)
        counts = kept.y.bincount(minlength=5)
        assert sorted(counts.tolist(), reverse=True) == [80, 40, 20, 10, 5]
        orders.add(tuple(counts.tolist()))
        assert len(set(kept.x.flatten().tolist())) == len(kept)
        assert torch.equal(kept.x.flatten().long() % 5, kept.y)
    assert len(orders) > 1


def test_the_smallest_class_keeps_a_row():
    kept = long_tailed(balanced(), Generator().manual_seed(0), ratio=1000, largest=50, n_classes=5)
    assert kept.y.bincount(minlength=5).min() == 1


def test_too_few_rows_and_a_ratio_below_one_are_refused():
    with pytest.raises(ValueError, match=r"class \d must have at least 101 rows, got 100"):
        long_tailed(balanced(), Generator().manual_seed(0), ratio=1.0, largest=101, n_classes=5)
    with pytest.raises(ValueError, match="ratio must be in"):
        long_tailed(balanced(), Generator().manual_seed(0), ratio=0.5, largest=10, n_classes=5)
