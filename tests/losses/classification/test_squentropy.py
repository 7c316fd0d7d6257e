import math

import pytest
import torch
import torch.nn.functional as F

from minimand.losses import squentropy_loss


def batch(n_classes=5, seed=0):
    rng = torch.Generator().manual_seed(seed)
    return torch.randn(8, n_classes, generator=rng, dtype=torch.float64), torch.arange(8) % n_classes


def test_by_hand():
    logits = torch.tensor([[math.log(3.0), 0.0], [1.0, 2.0]], dtype=torch.float64)
    rows = squentropy_loss(logits, torch.tensor([0, 1]), reduction="none")
    # the other logit of the second row is 1, its square 1
    assert rows.tolist() == pytest.approx([math.log(4 / 3), math.log1p(math.exp(-1)) + 1])


@pytest.mark.parametrize("n_classes", [2, 5, 20])
def test_an_explicit_loop_over_rows_and_classes(n_classes):
    logits, target = batch(n_classes)
    total = 0.0
    for row, y in zip(logits.tolist(), target.tolist(), strict=True):
        total += math.log(math.fsum(math.exp(z) for z in row)) - row[y]
        total += math.fsum(z * z for k, z in enumerate(row) if k != y) / (n_classes - 1)
    assert squentropy_loss(logits, target, reduction="sum").item() == pytest.approx(total, rel=1e-13)


def test_gradient_is_cross_entropy_s_plus_the_pull_of_the_others():
    logits, target = batch()
    onto_others = 2 * logits / 4
    onto_others[range(8), target] = 0
    ours = torch.func.grad(lambda z: squentropy_loss(z, target, reduction="sum"))(logits)
    ce = torch.func.grad(lambda z: F.cross_entropy(z, target, reduction="sum"))(logits)
    torch.testing.assert_close(ours, ce + onto_others)


def test_the_logit_of_the_target_is_free():
    logits = torch.tensor([[1e6, 0.0, 0.0]], dtype=torch.float64)
    assert squentropy_loss(logits, torch.tensor([0])).item() == 0


def test_a_constant_added_to_a_row_changes_it():
    logits, target = batch()
    assert not torch.allclose(squentropy_loss(logits + 1, target), squentropy_loss(logits, target))


def test_with_one_class_there_is_nothing_to_pull():
    logits = torch.tensor([[7.0]], requires_grad=True)
    value = squentropy_loss(logits, torch.tensor([0]))
    value.backward()
    assert value.item() == 0
    assert logits.grad.item() == 0
