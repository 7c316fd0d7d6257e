"""The digits of the claims: split, label noise, turned pictures."""

from __future__ import annotations

import pytest
import torch
from sklearn.datasets import load_digits
from torch import Generator

from minimand.claims.tasks.digits import digits, flip_labels, upright_and_turned
from minimand.training.rows import Rows


def rng(seed=0):
    return Generator().manual_seed(seed)


def test_parts_are_the_whole_set_once():
    parts = digits(rng(), training=400, validation=200)
    assert [len(part) for part in parts] == [400, 200, 1197]
    ours = torch.cat([torch.cat((part.x * 16, part.y[:, None]), 1) for part in parts])
    theirs = torch.from_numpy(load_digits().data).float()
    theirs = torch.cat((theirs, torch.from_numpy(load_digits().target)[:, None]), 1)
    assert sorted(map(tuple, ours.tolist())) == sorted(map(tuple, theirs.tolist()))


def test_split_depends_on_the_generator_alone():
    torch.manual_seed(5)
    first = digits(rng(1))[0].y
    torch.manual_seed(6)
    assert torch.equal(first, digits(rng(1))[0].y)
    assert not torch.equal(first, digits(rng(2))[0].y)


@pytest.mark.parametrize("sizes", [(0, 10), (10, 0), (1500, 297)])
def test_split_that_leaves_nothing_is_refused(sizes):
    with pytest.raises(ValueError, match=r"training \+ validation must be in \[2, 1797\)"):
        digits(rng(), training=sizes[0], validation=sizes[1])


def test_flipped_labels_are_always_others_all_alike_and_as_many_as_said():
    rows = Rows(torch.zeros(50_000, 1), torch.arange(50_000) % 4)
    flipped = flip_labels(rows, rng(), rate=0.3, n_classes=4)
    change = (flipped.y - rows.y) % 4
    shares = change.bincount(minlength=4) / len(rows)
    # five standard deviations of a share of 50,000 rows are 0.01
    torch.testing.assert_close(shares, torch.tensor([0.7, 0.1, 0.1, 0.1]), atol=0.01, rtol=0)
    assert torch.equal(flipped.x, rows.x)


def test_flip_at_both_ends():
    rows = Rows(torch.zeros(100, 1), torch.arange(100) % 10)
    assert torch.equal(flip_labels(rows, rng(), rate=0.0).y, rows.y)
    assert not (flip_labels(rows, rng(), rate=1.0).y == rows.y).any()
    with pytest.raises(ValueError, match="rate must be in"):
        flip_labels(rows, rng(), rate=1.5)


def test_turned_pictures_are_classes_of_their_own():
    picture = torch.zeros(8, 8)
    picture[0, 7] = 1.0  # the upper right corner turns to the upper left
    rows = upright_and_turned(Rows(picture.flatten().expand(100, -1), torch.full((100,), 3)), rng())
    assert set(rows.y.tolist()) == {3, 13}
    assert set(rows.x[rows.y == 3].argmax(1).tolist()) == {7}
    assert set(rows.x[rows.y == 13].argmax(1).tolist()) == {0}
