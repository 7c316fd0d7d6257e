from __future__ import annotations

import functools

import torch

from minimand.losses import GCELoss, gce_loss
from minimand.workbench.compare.identity import fingerprint


def make(q: float):
    def mine(pred, target):
        return gce_loss(pred, target, q=q)

    return mine


class Scaled:
    def __init__(self, scale: float) -> None:
        self.scale = scale

    def __call__(self, pred, target):
        return self.scale * pred.sum()


def test_equal_objects_have_equal_fingerprints():
    assert fingerprint(make(0.5)) == fingerprint(make(0.5))
    assert fingerprint(Scaled(2.0)) == fingerprint(Scaled(2.0))
    assert fingerprint(gce_loss) == fingerprint(gce_loss)
    assert fingerprint(torch.nn.CrossEntropyLoss()) == fingerprint(torch.nn.CrossEntropyLoss())


def test_what_would_compute_something_else_has_another():
    assert fingerprint(make(0.5)) != fingerprint(make(1.0))  # closed over
    assert fingerprint(Scaled(2.0)) != fingerprint(Scaled(3.0))
    assert fingerprint(GCELoss(q=0.5)) != fingerprint(GCELoss(q=0.6))
    assert fingerprint(functools.partial(gce_loss, q=0.5)) != fingerprint(functools.partial(gce_loss, q=0.6))
    weights = [torch.nn.CrossEntropyLoss(weight=torch.tensor(w)) for w in ([1.0, 2.0], [1.0, 3.0])]
    assert fingerprint(weights[0]) != fingerprint(weights[1])
    first, second = (lambda pred, target: pred.sum()), (lambda pred, target: pred.mean())
    assert fingerprint(first) != fingerprint(second)
    assert fingerprint(lambda p, t: 1.0 * p.sum()) != fingerprint(lambda p, t: 2.0 * p.sum())


def test_what_cannot_be_looked_into_is_never_the_same():
    opaque = iter([1])
    assert fingerprint(opaque) != fingerprint(opaque)
