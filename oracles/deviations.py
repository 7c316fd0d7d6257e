"""The numbers of docs/deviations.md: what papers, their official code and well-known libraries make of one input.

`python -m oracles.deviations` computes every entry, writes `oracles/deviations.json`, fills the tables of the page and
prints them. It needs torch, numpy, scikit-learn and minimand. What is not installed with them is transcribed here, as
few lines as show the behaviour; the docstring of the entry names whose it is, with version or commit, and file.
"""

from __future__ import annotations

import json
import math
import re
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import sklearn
import torch
import torch.nn.functional as F
from sklearn import metrics as scikit_learn
from torch import Tensor

from minimand import evaluation, heads, losses
from minimand.optim import perpendicular

Number = float | str
Entry = Callable[[], dict[str, Number]]
RESULT = Path(__file__).with_suffix(".json")
PAGE = Path(__file__).parents[1] / "docs" / "deviations.md"
# A table stands between these two lines of the page; what is between them is replaced.
TABLE = re.compile(r"<!-- numbers: (?P<name>[a-z0-9-]+) -->\n.*?<!-- end of numbers -->", re.DOTALL)
ENTRIES: dict[str, Entry] = {}


def entry(compute: Entry) -> Entry:
    """Enter a function, whose name becomes that of its table."""
    ENTRIES[compute.__name__.replace("_", "-")] = compute
    return compute


def row(*values: float) -> Tensor:
    return torch.tensor([values], dtype=torch.float64)


def slope(value: Callable[[Tensor], Tensor], at: Tensor) -> Tensor:
    """The gradient of the sum of a function."""
    at = at.clone().requires_grad_()
    return torch.autograd.grad(value(at).sum(), at)[0]


# torch


@entry
def mean_over_nothing() -> dict[str, Number]:
    """torch, `cross_entropy` with reduction "mean"."""
    logits, ignored = torch.zeros(2, 3, dtype=torch.float64), torch.tensor([-100, -100])
    empty, none = logits[:0], torch.zeros(0, dtype=torch.long)
    return {
        "torch `cross_entropy`, empty batch": float(F.cross_entropy(empty, none)),
        "torch `cross_entropy`, all rows ignored": float(F.cross_entropy(logits, ignored)),
        "`cross_entropy_loss`, empty batch": float(losses.cross_entropy_loss(empty, none)),
        "`cross_entropy_loss`, all rows ignored": float(losses.cross_entropy_loss(logits, ignored, ignore_index=-100)),
        "its gradient, largest entry": float(
            slope(lambda z: losses.cross_entropy_loss(z, ignored, ignore_index=-100), logits).abs().max()
        ),
    }


@entry
def binary_cross_entropy_tails() -> dict[str, Number]:
    """torch, `binary_cross_entropy_with_logits`."""
    absent = row(0.0)
    return {
        "torch, logit -inf, label 0": float(F.binary_cross_entropy_with_logits(row(-math.inf), absent)),
        "`binary_cross_entropy_loss`, logit -inf, label 0": float(
            losses.binary_cross_entropy_loss(row(-math.inf), absent)
        ),
        "torch, logit -40, label 0": float(F.binary_cross_entropy_with_logits(row(-40.0), absent)),
        "`binary_cross_entropy_loss`, logit -40, label 0": float(losses.binary_cross_entropy_loss(row(-40.0), absent)),
        "log(1 + e^-40)": math.log1p(math.exp(-40.0)),
    }


@entry
def class_weights_and_smoothing() -> dict[str, Number]:
    """torch, `cross_entropy` with `weight` and `label_smoothing`; the target's own weight is 1."""
    logits, target, weight = row(1.0, 0.0, 0.0), torch.tensor([0]), torch.tensor([1.0, 10.0, 1.0]).double()
    return {
        "torch, smoothing 0.1": float(F.cross_entropy(logits, target, label_smoothing=0.1)),
        "torch, smoothing 0.1, weights 1, 10, 1": float(F.cross_entropy(logits, target, weight, label_smoothing=0.1)),
        "`label_smoothing_loss`, `sample_weight` 1": float(
            losses.label_smoothing_loss(logits, target, smoothing=0.1, sample_weight=weight[target])
        ),
    }


@entry
def class_weights_and_mean() -> dict[str, Number]:
    """torch, `cross_entropy` with `weight`; minimand's weight of a row and its class-balanced loss."""
    logits, target = torch.tensor([[0.0, 0.0], [1.0, 0.0], [2.0, 0.0]], dtype=torch.float64), torch.tensor([0, 0, 1])
    loss = losses.ClassBalancedLoss([90.0, 10.0], beta=0.999999).double()
    weight = loss.class_weight.double()
    rare = slice(2, 3)
    return {
        "weight of the frequent class": float(weight[0]),
        "weight of the rare class": float(weight[1]),
        "torch, mean over two frequent rows and a rare one": float(F.cross_entropy(logits, target, weight)),
        "torch, rows first, then their mean": float(F.cross_entropy(logits, target, weight, reduction="none").mean()),
        "`cross_entropy_loss` with `sample_weight`": float(
            losses.cross_entropy_loss(logits, target, sample_weight=weight[target])
        ),
        "`ClassBalancedLoss`": float(loss(logits, target)),
        "torch, the rare row alone": float(F.cross_entropy(logits[rare], target[rare], weight)),
        "torch, the rare row alone, no weights": float(F.cross_entropy(logits[rare], target[rare])),
        "`ClassBalancedLoss`, the rare row alone": float(loss(logits[rare], target[rare])),
    }


@entry
def multi_margin() -> dict[str, Number]:
    """torch, `multi_margin_loss`."""
    logits, target = row(0.5, 0.0, 0.2), torch.tensor([0])
    return {
        "torch `multi_margin_loss`": float(F.multi_margin_loss(logits, target)),
        "`weston_watkins_loss`": float(losses.weston_watkins_loss(logits, target)),
        "the same divided by the 3 classes": float(losses.weston_watkins_loss(logits, target)) / 3,
        "`crammer_singer_loss`, the largest violation": float(losses.crammer_singer_loss(logits, target)),
    }


# Focusing


def released_asymmetric(
    logits: Tensor, labels: Tensor, *, gamma_positive: float = 1.0, focus_gradient: bool = True, least: float = 1e-8
) -> Tensor:
    """Elements of Alibaba-MIIL/ASL (8c9e0bd, src/loss_functions/losses.py) and timm 1.0.31 (asymmetric_loss.py)."""
    p = logits.sigmoid()
    not_there = (1 - p + 0.05).clamp(max=1)
    logs = labels * p.clamp(min=least).log() + (1 - labels) * not_there.clamp(min=least).log()
    missed = 1 - (p * labels + not_there * (1 - labels))
    focus = missed ** (gamma_positive * labels + 4.0 * (1 - labels))
    return -logs * (focus if focus_gradient else focus.detach())


@entry
def asymmetric() -> dict[str, Number]:
    """Alibaba-MIIL/ASL and timm 1.0.31 `AsymmetricLossMultiLabel`, transcribed above."""
    logits = torch.tensor([[-3.0, 0.0, 1.0], [2.0, -1.0, 0.5]], dtype=torch.float64)
    labels = torch.tensor([[1.0, 0.0, 0.0], [1.0, 0.0, 1.0]], dtype=torch.float64)
    lost, there, negative, absent = row(-20.0), row(1.0), row(0.0), row(0.0)
    released = released_asymmetric(logits, labels)
    return {
        "official, sum over everything, gamma_pos = 1": float(released.sum()),
        "timm, default `batchmean`, gamma_pos = 1": float(released.sum() / 2),
        "`asymmetric_loss`, default, gamma_positive = 0": float(losses.asymmetric_loss(logits, labels)),
        "`asymmetric_loss`, gamma_positive = 1": float(losses.asymmetric_loss(logits, labels, gamma_positive=1.0)),
        "the same times 3 labels": 3 * float(losses.asymmetric_loss(logits, labels, gamma_positive=1.0)),
        "lost positive (logit -20), gradient, official and timm": float(
            slope(lambda z: released_asymmetric(z, there, gamma_positive=0.0), lost)
        ),
        "lost positive (logit -20), gradient, `asymmetric_loss`": float(
            slope(lambda z: losses.asymmetric_loss(z, there), lost)
        ),
        "negative at logit 0, gradient, timm and official `AsymmetricLossOptimized`": float(
            slope(lambda z: released_asymmetric(z, absent), negative)
        ),
        "negative at logit 0, gradient, official `AsymmetricLoss`": float(
            slope(lambda z: released_asymmetric(z, absent, focus_gradient=False), negative)
        ),
        "negative at logit 0, gradient, `asymmetric_loss`": float(
            slope(lambda z: losses.asymmetric_loss(z, absent), negative)
        ),
        "negative at logit 0, gradient, `asymmetric_loss`, `focus_gradient=False`": float(
            slope(lambda z: losses.asymmetric_loss(z, absent, focus_gradient=False), negative)
        ),
    }


def sigmoid_focal(logits: Tensor, labels: Tensor, *, alpha: float = 0.25, gamma: float = 2.0) -> Tensor:
    """Elements of torchvision 0.29.2 `sigmoid_focal_loss` (torchvision/ops/focal_loss.py)."""
    entropy = F.binary_cross_entropy_with_logits(logits, labels, reduction="none")
    p = logits.sigmoid()
    right = torch.where(labels == 1, p, 1 - p)
    weight = alpha * labels + (1 - alpha) * (1 - labels) if alpha >= 0 else 1.0
    return weight * (1 - right) ** gamma * entropy


@entry
def focal() -> dict[str, Number]:
    """torchvision 0.29.2 `sigmoid_focal_loss`, transcribed above, on one-hot labels."""
    logits, target, labels = row(2.0, 0.0, -1.0), torch.tensor([0]), row(1.0, 0.0, 0.0)
    return {
        "torchvision, alpha = 0.25, mean over elements": float(sigmoid_focal(logits, labels).mean()),
        "torchvision, alpha = 0.25, sum": float(sigmoid_focal(logits, labels).sum()),
        "torchvision, alpha = -1 (none), sum": float(sigmoid_focal(logits, labels, alpha=-1.0).sum()),
        "`focal_loss` (softmax)": float(losses.focal_loss(logits, target)),
        "`asymmetric_loss`, both gammas 2, margin 0, times 3 labels": 3
        * float(losses.asymmetric_loss(logits, labels, gamma_positive=2.0, gamma_negative=2.0, margin=0.0)),
    }


@entry
def focal_alpha() -> dict[str, Number]:
    """LibAUC 2.0.1 (libauc/losses/losses.py `FocalLoss`): weights `(N,)` times losses `(N, 1)`."""
    logits = torch.tensor([[1.0], [-1.0], [0.5]], dtype=torch.float64)
    labels = torch.tensor([[1.0], [0.0], [0.0]], dtype=torch.float64)
    elements = sigmoid_focal(logits, labels, alpha=-1.0)
    alpha = torch.tensor([0.25, 0.75], dtype=torch.float64)[labels.long().flatten()]
    weight = torch.where(labels == 1, 0.25, 0.75)
    ours = losses.asymmetric_loss(
        logits,
        labels,
        gamma_positive=2.0,
        gamma_negative=2.0,
        margin=0.0,
        sample_weight=weight.flatten(),
        reduction="sum",
    )
    return {
        "LibAUC, mean over all pairs of a weight and a loss": float((alpha * elements).mean()),
        "mean of LibAUC's weights times mean of the losses": float(alpha.mean() * elements.mean()),
        "LibAUC's weights, row by row": float((alpha * elements.flatten()).mean()),
        "torchvision (alpha = 0.25 for positives)": float(sigmoid_focal(logits, labels).mean()),
        "`asymmetric_loss` with these weights of rows, sum over 3 rows": float(ours) / 3,
    }


@entry
def focal_gradient() -> dict[str, Number]:
    """torchvision 0.29.2 as above; kaidic/LDAM-DRW (2536330, losses.py `focal_loss`), at exponents below one."""
    logits, target = row(60.0, 0.0), torch.tensor([0])

    def from_cross_entropy(z: Tensor) -> Tensor:
        entropy = F.cross_entropy(z, target, reduction="none")
        return (1 - (-entropy).exp()) ** 0.5 * entropy

    return {
        "torchvision, gamma = 0.5, logit 60": float(
            slope(lambda z: sigmoid_focal(z, row(1.0), gamma=0.5), row(60.0)).sum()
        ),
        "LDAM-DRW, gamma = 0.5, logits 60, 0": float(slope(from_cross_entropy, logits)[0, 0]),
        "`focal_loss`, gamma = 0.5, logits 60, 0": float(
            slope(lambda z: losses.focal_loss(z, target, gamma=0.5), logits)[0, 0]
        ),
    }


@entry
def probability_from_loss() -> dict[str, Number]:
    """kaidic/LDAM-DRW (2536330) and frank-xwang/RIDE (56aab88, model/loss.py): exp(-cross entropy) with weights."""
    logits, target, weight = row(1.0, 0.0, 0.0), torch.tensor([0]), torch.tensor([4.0, 1.0, 1.0]).double()
    plain = F.cross_entropy(logits, target, reduction="none")
    weighted = F.cross_entropy(logits, target, weight, reduction="none")
    smoothed = F.cross_entropy(logits, target, label_smoothing=0.1, reduction="none")
    soft = 0.9 * F.one_hot(target, 3).double() + 0.1 / 3
    return {
        "probability of the target": float(logits.softmax(1)[0, 0]),
        "exp(-loss), class weight 4": float((-weighted).exp()),
        "exp(-loss), label smoothing 0.1": float((-smoothed).exp()),
        "focal, gamma = 2, as released": float((1 - (-weighted).exp()) ** 2 * weighted),
        "focal, gamma = 2, 4 times `focal_loss`": 4 * float(losses.focal_loss(logits, target)),
        "poly-1, epsilon = 1, smoothed, from exp(-loss)": float(smoothed + 1 - (-smoothed).exp()),
        "poly-1, epsilon = 1, smoothed, `poly1_loss`": float(losses.poly1_loss(logits, soft)),
        "poly-1, epsilon = 1, plain, `poly1_loss`": float(losses.poly1_loss(logits, target)),
        "plain cross entropy": float(plain),
    }


@entry
def poly_focal() -> dict[str, Number]:
    """abhuse/polyloss-pytorch (80416ae, polyloss.py `Poly1FocalLoss`): sigmoids, alpha in the first term only."""
    logits, target, labels = row(2.0, 0.0, -1.0), torch.tensor([0]), row(1.0, 0.0, 0.0)
    p = logits.sigmoid()
    missed = (1 - torch.where(labels == 1, p, 1 - p)) ** 3
    with_alpha = sigmoid_focal(logits, labels) + missed
    return {
        "abhuse/polyloss-pytorch, defaults, sum over classes": float(with_alpha.sum()),
        "alpha in both terms, as timm 1.0.31 `PolyBinaryCrossEntropy`": float(
            (sigmoid_focal(logits, labels) + torch.where(labels == 1, 0.25, 0.75) * missed).sum()
        ),
        "`poly1_focal_loss`, epsilon = 1 (softmax)": float(losses.poly1_focal_loss(logits, target, epsilon=1.0)),
        "`poly1_focal_loss`, default epsilon = -1": float(losses.poly1_focal_loss(logits, target)),
    }


# Noisy labels, smoothing, other maps


@entry
def symmetric_cross_entropy() -> dict[str, Number]:
    """Keras code of the authors (ec778df, loss.py) and HanxunH/SCELoss-Reproduce (07b2adb, loss.py)."""
    target, one_hot = torch.tensor([0]), row(1.0, 0.0, 0.0)

    def released(z: Tensor, *, clip_labels: bool) -> Tensor:
        p, floored = z.softmax(1), one_hot.clamp(min=1e-4)
        forward = -((floored if clip_labels else one_hot) * p.clamp(min=1e-7).log()).sum(1)
        reverse = -((p.clamp(min=1e-7) if clip_labels else p) * floored.log()).sum(1)
        return 0.1 * forward + reverse

    logits, lost = row(-2.0, 1.0, 0.0), row(-20.0, 0.0, 0.0)
    own = losses.symmetric_cross_entropy_loss
    return {
        "log of 1e-4, the released A": math.log(1e-4),
        "authors' Keras code": float(released(logits, clip_labels=False)),
        "SCELoss-Reproduce": float(released(logits, clip_labels=True)),
        "`symmetric_cross_entropy_loss`, A = -4": float(own(logits, target)),
        "`symmetric_cross_entropy_loss`, A = log 1e-4": float(own(logits, target, log_zero=math.log(1e-4))),
        "lost row (logits -20, 0, 0), gradient of its logit, Keras code": float(
            slope(lambda z: released(z, clip_labels=False), lost)[0, 0]
        ),
        "lost row, gradient of its logit, `symmetric_cross_entropy_loss`": float(
            slope(lambda z: own(z, target), lost)[0, 0]
        ),
    }


def five_steps(scores: Tensor, t: float, steps: int = 5) -> Tensor:
    """google/bi-tempered-loss (1c65c77, tensorflow/loss.py) `tempered_softmax`; so too pytorch_optimizer 4.1.0."""
    largest = scores.amax(1, keepdim=True)
    shifted = scores - largest

    def heavy(x: Tensor) -> Tensor:
        return (1 + (1 - t) * x).relu() ** (1 / (1 - t))

    current = shifted
    for _ in range(steps):
        current = shifted * heavy(current).sum(1, keepdim=True) ** (1 - t)
    partition = heavy(current).sum(1, keepdim=True)
    return heavy(shifted + ((1 / partition) ** (1 - t) - 1) / (1 - t))


def spread(n_classes: int, width: float) -> Tensor:
    """1000 rows of scores without a random generator: the quantiles of a normal variable, in an order that varies."""
    place = (torch.arange(1000)[:, None] * 7919 + torch.arange(n_classes) * 104_729) % 10_007
    quantile: Tensor = torch.special.ndtri((place.double() + 0.5) / 10_007)
    return width * quantile


@entry
def bi_tempered_steps() -> dict[str, Number]:
    """google/bi-tempered-loss and pytorch_optimizer 4.1.0 (loss/bi_tempered.py), five steps of a fixed point."""
    found: dict[str, Number] = {}
    for n_classes, width, t in ((10, 1.0, 1.2), (10, 1.0, 2.0), (100, 10.0, 2.0)):
        scores = spread(n_classes, width)
        setting = f"{n_classes} classes, deviation {width:g}, t = {t:g}"

        def missed(p: Tensor) -> float:
            return float((p.sum(1) - 1).abs().max())

        needed = next(steps for steps in range(5, 200) if missed(five_steps(scores, t, steps)) < 1e-9)
        found[f"{setting}: a sum of one is missed by up to"] = missed(five_steps(scores, t))
        found[f"{setting}: steps until less than 1e-9 is missed"] = needed
        # below that is the rounding of a sum, whose last digits differ from processor to processor
        exact = missed(heads.tempered_softmax(scores, t=t)) < 1e-13
        found[f"{setting}: `tempered_softmax` misses"] = "less than 1e-13" if exact else "more than 1e-13"
    return found


@entry
def binary_bi_tempered() -> dict[str, Number]:
    """google/bi-tempered-loss (1c65c77, `bi_tempered_binary_logistic_loss`); pytorch_optimizer 4.1.0, its twin."""
    score, target = 1.0, torch.tensor([1])
    found: dict[str, Number] = {}
    for t1, t2 in ((1.0, 1.0), (0.8, 1.2)):
        for who, logits in (
            ("google, logits 0, z", row(0.0, score)),
            ("pytorch_optimizer, logits -z, z", row(-score, score)),
        ):
            found[f"{who}: t1 = {t1:g}, t2 = {t2:g}, z = 1"] = float(
                losses.bi_tempered_loss(logits, target, t1=t1, t2=t2)
            )
    found["binary cross entropy, z = 1"] = float(losses.binary_cross_entropy_loss(row(score), row(1.0)))
    found["binary cross entropy, z = 2"] = float(losses.binary_cross_entropy_loss(row(2 * score), row(1.0)))
    return found


@entry
def smoothing_mass() -> dict[str, Number]:
    """fairseq: 0.12.2 (criterions/label_smoothed_cross_entropy.py) against the same file at 00bc279."""
    logits, target = row(2.0, 0.0, -1.0), torch.tensor([0])
    log_p = logits.log_softmax(1)
    miss, total = -log_p[0, 0], -log_p.sum()
    return {
        "torch, smoothing 0.1": float(F.cross_entropy(logits, target, label_smoothing=0.1)),
        "fairseq at 00bc279 (s/K for every class)": float(0.9 * miss + 0.1 / 3 * total),
        "fairseq 0.12.2 (s/(K - 1) for the others)": float((0.9 - 0.1 / 2) * miss + 0.1 / 2 * total),
        "`label_smoothing_loss`, smoothing 0.1": float(losses.label_smoothing_loss(logits, target, smoothing=0.1)),
        "`label_smoothing_loss`, smoothing 0.1 K/(K - 1)": float(
            losses.label_smoothing_loss(logits, target, smoothing=0.15)
        ),
    }


@entry
def taylor_overflow() -> dict[str, Number]:
    """CoinCheung/pytorch-loss (67d0158, `taylor_softmax_v1`): powers of the scores, in the dtype that they have."""

    def powers(scores: Tensor, order: int) -> Tensor:
        series = torch.ones_like(scores)
        for degree in range(1, order + 1):
            series = series + scores**degree / math.factorial(degree)
        return series / series.sum(1, keepdim=True)

    half, single = torch.tensor([[300.0, 0.0]]).half(), torch.tensor([[1e10, 0.0]])
    return {
        "pytorch-loss, float16, scores 300, 0, order 2": float(powers(half, 2)[0, 0]),
        "`taylor_softmax`, float16, scores 300, 0, order 2": float(heads.taylor_softmax(half, order=2)[0, 0]),
        "pytorch-loss, float32, scores 1e10, 0, order 4": float(powers(single, 4)[0, 0]),
        "`taylor_softmax`, float32, scores 1e10, 0, order 4": float(heads.taylor_softmax(single, order=4)[0, 0]),
    }


@entry
def top_k_losses() -> dict[str, Number]:
    """oval-group/smooth-topk (12c1645, topk/functional.py, svm.py, utils.py): two hinges and a switch."""
    logits, target = row(0.0, 3.0, 2.0, 1.0, -1.0, -2.0), torch.tensor([0])
    others = logits[0, 1:]
    best = others.topk(2).values
    hard = (1.0 + best.mean() - (best[0] + logits[0, 0]) / 2).clamp(min=0)
    # the k-th and the next score differ by just more than k times log 1000: the official code takes the hard loss
    switched = row(0.0, 0.0, -13.9, -14.0, -14.0, -14.0)
    best = switched[0, 1:].topk(2).values
    official = (1.0 + best.mean() - (best[0] + switched[0, 0]) / 2).clamp(min=0)
    return {
        "`top_k_hinge_loss`, k = 2 (Lapin et al., alpha)": float(losses.top_k_hinge_loss(logits, target, k=2)),
        "smooth-topk, hard loss, k = 2 (Berrada et al.)": float(hard),
        "`smooth_top_k_loss`, k = 2, temperature 0.001": float(
            losses.smooth_top_k_loss(logits, target, k=2, temperature=1e-3)
        ),
        "`smooth_top_k_loss`, k = 2, temperature 1": float(losses.smooth_top_k_loss(logits, target, k=2)),
        "gap of k-th and next score 13.9, smooth-topk (hard there)": float(official),
        "gap of k-th and next score 13.9, `smooth_top_k_loss`": float(losses.smooth_top_k_loss(switched, target, k=2)),
    }


@entry
def two_z_losses() -> dict[str, Number]:
    """minimand's components of both meanings."""
    logits, target = row(3.0, 1.0, -1.0), torch.tensor([0])
    shifted = logits + 5
    return {
        "`log_partition_penalty`": float(losses.log_partition_penalty(logits)),
        "`log_partition_penalty`, logits + 5": float(losses.log_partition_penalty(shifted)),
        "`spherical_z_loss`": float(losses.spherical_z_loss(logits, target)),
        "`spherical_z_loss`, logits + 5": float(losses.spherical_z_loss(shifted, target)),
    }


@entry
def entmax_axis() -> dict[str, Number]:
    """entmax 1.3 (activations.py `_roll_last`): the axes that it permutes a matrix to, at dim = -2 with k given."""
    dimensions, dim = 2, -2
    last = dimensions - dim
    axes = [axis for axis in range(dimensions) if axis != last] + [last]
    scores = torch.tensor([[0.1, 0.2], [0.0, 0.1], [0.05, 0.0]], dtype=torch.float64)
    return {
        "entmax, axes of a matrix": ", ".join(str(axis) for axis in axes),
        "`sparsemax`, dim = -2, sum of the first column": float(heads.sparsemax(scores, dim=-2)[:, 0].sum()),
    }


# Imbalance


@entry
def ldam_scale() -> dict[str, Number]:
    """kaidic/LDAM-DRW (2536330, losses.py), RIDE (56aab88, model/loss.py): where the factor s = 30 is applied."""
    counts, target = [100.0, 1.0], torch.tensor([1])
    cosines, logits = row(0.1, 0.6), row(1.0, 1.2)
    margin = row(0.0, 0.5)
    own = losses.LDAMLoss(counts).double()
    unscaled = losses.LDAMLoss(counts, scale=1.0).double()
    like_ride = losses.LDAMLoss(counts, scale=1.0, max_margin=15.0).double()
    return {
        "cosines: LDAM-DRW": float(F.cross_entropy(30 * (cosines - margin), target)),
        "cosines: RIDE, whose network multiplies them by 30": float(
            F.cross_entropy(30 * cosines - 30 * margin, target)
        ),
        "cosines: `LDAMLoss`": float(own(cosines, target)),
        "raw logits: LDAM-DRW": float(F.cross_entropy(30 * (logits - margin), target)),
        "raw logits: RIDE's loss": float(F.cross_entropy(logits - 30 * margin, target)),
        "raw logits: `LDAMLoss`": float(own(logits, target)),
        "raw logits: `LDAMLoss`, scale 1": float(unscaled(logits, target)),
        "raw logits: `LDAMLoss`, scale 1, max_margin 15": float(like_ride(logits, target)),
    }


@entry
def class_balanced() -> dict[str, Number]:
    """vandit15/Class-balanced-loss-pytorch (921ccb8, class_balanced_loss.py), loss type "softmax"."""
    counts = torch.tensor([900.0, 90.0, 10.0], dtype=torch.float64)
    target = torch.arange(3).repeat_interleave(counts.long())
    weights = (1 - 0.999) / (1 - 0.999**counts)
    weights = weights * 3 / weights.sum()
    logits, one = row(0.0, 1.0, 2.0), torch.tensor([2])
    labels = F.one_hot(one, 3).double()
    released = F.binary_cross_entropy(logits.softmax(1), labels, weights[one][:, None])
    rows = losses.class_balanced_weights(target, 3, beta=0.999)
    own = losses.effective_number_weights(counts, beta=0.999)
    return {
        "paper, weight of the rarest class (sum K)": float(weights[2]),
        "`effective_number_weights`, rarest class (sum K)": float(own[2]),
        "`class_balanced_weights`, a row of the rarest class (mean one over rows)": float(rows[-1]),
        "mean of the paper's weights over the rows": float(weights[target].mean()),
        'vandit15, loss "softmax", one row of the rarest class': float(released),
        "`ClassBalancedLoss`, the same row": float(losses.ClassBalancedLoss(counts, beta=0.999).double()(logits, one)),
    }


@entry
def comic() -> dict[str, Number]:
    """wannature/COMIC (1de14e5, loss/PriorFocalModifierLoss.py and loss/ReflectiveLabelCorrectorLoss.py)."""
    with torch.no_grad():
        torch.set_grad_enabled(False)
        torch.set_grad_enabled(True)
        leaked = torch.is_grad_enabled()
    with torch.no_grad():
        losses.MultiFocalModifierLoss([10.0, 1.0], focus_gradient=False)(row(0.0, 0.0), row(1.0, 0.0))
        kept = torch.is_grad_enabled()
    rare = 1 - math.log(10 / 1000)
    return {
        "weight at a hundredth of the largest count, modifier (1/3)": rare ** (1 / 3),
        "weight at a hundredth of the largest count, corrector (1/6)": rare ** (1 / 6),
        "`MultiFocalModifierLoss`, its weight": float(losses.MultiFocalModifierLoss([1000.0, 10.0]).class_weight[1]),
        "gradients on inside `no_grad` after the released lines": str(leaked),
        "gradients on inside `no_grad` after `MultiFocalModifierLoss`": str(kept),
    }


@entry
def base_probabilities() -> dict[str, Number]:
    """jhb86253817/PromptMRG (e453cfe, modules/trainer.py `eval_blip`): a label without a positive validation row."""
    p = np.array([[0.9, 0.2, 0.3], [0.7, 0.4, 0.1]])
    there = np.array([[1.0, 0.0, 0.0], [1.0, 1.0, 0.0]])
    with np.errstate(invalid="ignore"):
        base = (p * there).sum(0) / there.sum(0)
        base = base / base.max()
    loss = losses.AdaptiveLogitAdjustmentLoss([8.0, 4.0, 2.0])
    loss.update_base_probabilities(torch.tensor(p), torch.tensor(there))
    found: dict[str, Number] = {}
    for label in range(3):
        found[f"PromptMRG, label {label}"] = float(base[label])
        found[f"`AdaptiveLogitAdjustmentLoss`, label {label}"] = float(loss.base_probabilities[label])
    return found


@entry
def unseen_class() -> dict[str, Number]:
    """jiawei-ren/BalancedMetaSoftmax-Classification (34a61e4, loss/BalancedSoftmaxLoss.py)."""
    counts, logits, target = torch.tensor([9.0, 1.0, 0.0]).double(), row(0.0, 0.0, 0.0), torch.tensor([2])
    own = losses.BalancedSoftmaxLoss(counts).double()
    return {
        "official, row of a class without training rows": float(F.cross_entropy(logits + counts.log(), target)),
        "`BalancedSoftmaxLoss`, the same row": float(own(logits, target)),
        "official, row of class 0": float(F.cross_entropy(logits + counts.log(), target - 2)),
        "`BalancedSoftmaxLoss`, row of class 0": float(own(logits, target - 2)),
    }


@entry
def auc_margin() -> dict[str, Number]:
    """LibAUC 2.0.1 (libauc/losses/auc.py `AUCMLoss.forward`, version "v2"), with `mean` as there."""
    scores, positive = torch.tensor([0.1, 0.4, 0.2, 0.8]).double(), torch.tensor([0.0, 0.0, 0.0, 1.0]).double()
    a, b, alpha, margin = 0.3, 0.2, 1.0, 1.0

    def mean(values: Tensor) -> Tensor:
        return values.sum() / values.count_nonzero()

    def released(s: Tensor, y: Tensor) -> Tensor:
        pull = mean((s - a) ** 2 * y) + mean((s - b) ** 2 * (1 - y))
        return pull + 2 * alpha * (margin + mean(s * (1 - y) - mean(s * y))) - alpha**2

    def documented(s: Tensor, y: Tensor) -> Tensor:
        high, low = s[y == 1], s[y == 0]
        pull = (high - a).square().mean() + (low - b).square().mean()
        return pull + 2 * alpha * (margin + low.mean() - high.mean()) - alpha**2

    same = torch.tensor([0.1, 0.4, 0.3, 0.3], dtype=torch.float64)
    half = torch.tensor([0.0, 0.0, 1.0, 1.0], dtype=torch.float64)
    return {
        "as released": float(released(scores, positive)),
        "as documented": float(documented(scores, positive)),
        "gradient of the first negative, as released": float(slope(lambda s: released(s, positive), scores)[0]),
        "gradient of the first negative, as documented": float(slope(lambda s: documented(s, positive), scores)[0]),
        "positives' scores all equal to a, as released": float(released(same, half)),
        "positives' scores all equal to a, as documented": float(documented(same, half)),
    }


# Metrics


@entry
def tied_top_k() -> dict[str, Number]:
    """scikit-learn, `top_k_accuracy_score`, with all scores equal."""
    found: dict[str, Number] = {}
    scores = torch.ones(1, 3, dtype=torch.float64)
    for target in (0, 2):
        for k in (1, 2):
            theirs = scikit_learn.top_k_accuracy_score([target], scores.numpy(), k=k, labels=[0, 1, 2])
            ours = evaluation.top_k_accuracy_metric(scores, torch.tensor([target]), k=k)
            found[f"scikit-learn, target {target}, k = {k}"] = float(theirs)
            found[f"`top_k_accuracy_metric`, target {target}, k = {k}"] = float(ours)
    return found


@entry
def absent_classes() -> dict[str, Number]:
    """scikit-learn; torchmetrics 1.9.0 `multiclass_auroc` (functional/classification/auroc.py): no positive gives 0."""
    target, classes = torch.tensor([0, 1, 2]), F.one_hot(torch.tensor([0, 1, 2]), 5).double()
    constant = torch.tensor([0, 0])
    sure = torch.tensor([[1.0, 0.0], [1.0, 0.0]], dtype=torch.float64)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        average_precision = scikit_learn.average_precision_score(classes.numpy(), classes.numpy(), average="macro")
        kappa = scikit_learn.cohen_kappa_score(constant, constant)
    # of a class without a row the true positive rate is put to 0 everywhere, and so is the area under it
    present = [scikit_learn.roc_auc_score(classes[:, c], classes[:, c]) for c in range(3)]
    return {
        "scikit-learn, macro average precision, 3 of 5 classes occur, all right": float(average_precision),
        "`macro_average_precision_metric`": float(evaluation.macro_average_precision_metric(classes, target)),
        "`mean_average_precision_metric`": float(evaluation.mean_average_precision_metric(classes, classes)),
        "torchmetrics, `multiclass_auroc`, the same rows": float(np.mean([*present, 0.0, 0.0])),
        "`auroc_metric`": float(evaluation.auroc_metric(classes, target)),
        "scikit-learn, `cohen_kappa_score`, one class only": float(kappa),
        "`cohen_kappa_metric`": float(evaluation.cohen_kappa_metric(sure, constant)),
    }


@entry
def f1_of_nothing() -> dict[str, Number]:
    """scikit-learn, `f1_score`, where no row has a label and none is claimed."""
    nothing = np.zeros((2, 2), dtype=int)
    scores, labels = -torch.ones(2, 2, dtype=torch.float64), torch.zeros(2, 2)
    found: dict[str, Number] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for average in ("micro", "macro"):
            found[f"scikit-learn, {average}"] = float(scikit_learn.f1_score(nothing, nothing, average=average))
    found["`multilabel_micro_f1_metric`"] = float(evaluation.multilabel_micro_f1_metric(scores, labels))
    found["`multilabel_macro_f1_metric`"] = float(evaluation.multilabel_macro_f1_metric(scores, labels))
    return found


@entry
def calibration_bins() -> dict[str, Number]:
    """torchmetrics 1.9.0 (functional/classification/calibration_error.py `_binning_bucketize`), issues 1646, 3510."""
    edges = torch.linspace(0, 1, 16, dtype=torch.float64)

    def expected_error(p: Tensor, hit: Tensor, place: Tensor) -> float:
        found = 0.0
        for which in place.unique():
            inside = place == which
            found += float((p[inside].mean() - hit[inside].mean()).abs() * inside.sum() / len(p))
        return found

    p, hit = torch.tensor([0.95, 1.0], dtype=torch.float64), torch.tensor([1.0, 0.0], dtype=torch.float64)
    place = torch.bucketize(p, edges, right=True) - 1
    earlier = torch.bucketize(torch.tensor([0.0], dtype=torch.float64), edges) - 1
    hits = torch.arange(100) < 80
    rows = torch.tensor([[0.9, 0.1]], dtype=torch.float64).repeat(100, 1)
    ours = evaluation.calibration_error_metric(rows, (~hits).long())
    return {
        "torchmetrics before the repair: bin of p = 0": float(earlier),
        "torchmetrics 1.9.0: bin of p = 1, of 15 numbered from 0": float(place[1]),
        "torchmetrics 1.9.0, p = 0.95 right and p = 1 wrong": expected_error(p, hit, place),
        "with p = 1 in the last bin": expected_error(p, hit, place.clamp(max=14)),
        "100 rows of confidence 0.9, 80 right: expected calibration error": expected_error(
            rows[:, 0], hits.double(), torch.zeros(100)
        ),
        "`calibration_error_metric`, the same rows": float(ours),
    }


@entry
def brier() -> dict[str, Number]:
    """scikit-learn, `brier_score_loss`; torch `mse_loss`, which averages over classes too."""
    two, two_target = torch.tensor([[0.8, 0.2], [0.3, 0.7]], dtype=torch.float64), torch.tensor([0, 1])
    three = torch.tensor([[0.8, 0.1, 0.1], [0.3, 0.6, 0.1]], dtype=torch.float64)
    return {
        "scikit-learn, two classes": float(scikit_learn.brier_score_loss(two_target, two[:, 1])),
        "`brier_metric`, two classes": float(evaluation.brier_metric(two, two_target)),
        "scikit-learn, three classes": float(
            scikit_learn.brier_score_loss(two_target.numpy(), three.numpy(), labels=[0, 1, 2])
        ),
        "`brier_metric`, three classes": float(evaluation.brier_metric(three, two_target)),
        "torch `mse_loss` to one-hot labels, three classes": float(
            F.mse_loss(three, F.one_hot(two_target, 3).double())
        ),
    }


@entry
def default_average() -> dict[str, Number]:
    """torchmetrics 1.9.0 `multiclass_accuracy` (functional/classification/accuracy.py), default average "macro"."""
    target, said = torch.tensor([0, 0, 0, 1]), torch.tensor([0, 0, 0, 0])
    scores = F.one_hot(said, 2).double()
    recalls = [(said[target == c] == c).double().mean() for c in range(2)]
    return {
        "torchmetrics `multiclass_accuracy`, default": float(torch.stack(recalls).mean()),
        "scikit-learn `accuracy_score`": float(scikit_learn.accuracy_score(target, said)),
        "`accuracy_metric`": float(evaluation.accuracy_metric(scores, target)),
        "`balanced_accuracy_metric`": float(evaluation.balanced_accuracy_metric(scores, target)),
    }


@entry
def ranking_ties() -> dict[str, Number]:
    """PierreColombo/RankingNLPSystems (58c8d00, utils.py): ranks by argsort twice, and `kendallTau`."""

    def points(scores: list[float]) -> list[int]:
        # stable here; numpy's default, which the code uses, promises no order of equal scores
        return [int(rank) for rank in np.argsort(np.argsort(scores, kind="stable"), kind="stable")]

    equal, other = [0.7, 0.7, 0.2], [3.0, 2.0, 1.0]
    opposite = sum((equal[i] - equal[j]) * (other[i] - other[j]) < 0 for i in range(3) for j in range(i + 1, 3))
    ours = evaluation.borda_ranking(torch.tensor([equal], dtype=torch.float64).T).points.tolist()
    return {
        "official, points of scores 0.7, 0.7, 0.2": ", ".join(f"{point:g}" for point in points(equal)),
        "`borda_ranking`, points of the same": ", ".join(f"{point:g}" for point in ours),
        "official, Kendall distance to an order without ties": float(opposite),
        "`kendall_distance`": float(evaluation.kendall_distance(torch.tensor(equal), torch.tensor(other))),
    }


# Metrics of numbers


@entry
def survey_errors() -> dict[str, Number]:
    """aryan-jadon/Regression-Loss-Functions-in-Time-Series-Forecasting-Tensorflow (c1b3324, libs/utils.py)."""
    target = torch.tensor([1.0, 2.0, 3.0, 4.0], dtype=torch.float64)
    near, noise = 0.9 * target + 0.25, torch.tensor([9.0, -7.0, 9.0, -7.0], dtype=torch.float64)

    def squared(pred: Tensor) -> Tensor:
        return (target - pred).square().sum()

    found: dict[str, Number] = {}
    for what, pred in (("near", near), ("noise", noise)):
        found[f"official `RelativeSquaredError`, {what}"] = float(squared(pred) / squared(pred))
        ours = evaluation.relative_squared_error_metric(pred, target)
        found[f"`relative_squared_error_metric`, {what}"] = float(ours)
    for what, pred in (("a tenth of the targets", 0.1 * target), ("noise", noise)):
        official = (squared(pred) / 4).sqrt() / pred.std(correction=0)
        found[f"official `NormalizedRootMeanSquaredError`, {what}"] = float(official)
        ours = evaluation.deviation_normalised_error_metric(pred, target)
        found[f"`deviation_normalised_error_metric`, {what}"] = float(ours)
    for factor in (0.5, 2.0):
        pred = factor * target
        official = (squared(pred) / pred.square().sum()).sqrt()
        found[f"official `RelativeRootMeanSquaredError`, {factor:g} times the targets"] = float(official)
        ours = evaluation.relative_root_mean_squared_error_metric(pred, target)
        found[f"`relative_root_mean_squared_error_metric`, {factor:g} times the targets"] = float(ours)
    return found


@entry
def deviance_beside_poisson() -> dict[str, Number]:
    """scikit-learn, `mean_tweedie_deviance`, with powers beside 1."""
    target, pred = (torch.tensor(numbers, dtype=torch.float64) for numbers in ([1.0, 2.0, 5.0], [2.0, 2.0, 4.0]))
    poisson = float(evaluation.mean_poisson_deviance_metric(pred, target))

    def digits(value: float) -> float:
        # the true value moves by less than the twelfth digit
        return float(min(10, int(-math.log10(max(abs(value / poisson - 1), 1e-300)))))

    found: dict[str, Number] = {"Poisson deviance": poisson}
    for step in (1e-10, 1e-12):
        theirs = scikit_learn.mean_tweedie_deviance(target.numpy(), pred.numpy(), power=1 + step)
        ours = evaluation.mean_tweedie_deviance_metric(pred, target, power=1 + step)
        found[f"scikit-learn, right digits at power 1 + {step:.0e}"] = digits(float(theirs))
        found[f"`mean_tweedie_deviance_metric`, right digits at power 1 + {step:.0e}, of ten"] = digits(float(ours))
    return found


@entry
def numbers_without_variance() -> dict[str, Number]:
    """scikit-learn, `r2_score`, `cohen_kappa_score` and `mean_absolute_percentage_error`, where nothing varies."""
    threes, levels = np.array([3.0, 3.0]), np.array([1, 1])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        kappa = scikit_learn.cohen_kappa_score(levels, levels, weights="quadratic")
        constant = np.corrcoef([0.0, 0.0, 0.0], [1.0, 2.0, 3.0])[0, 1]
    pred, target = torch.zeros(3, dtype=torch.float64), torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64)
    sure = F.one_hot(torch.tensor([1, 1]), 3).double()
    return {
        "scikit-learn `r2_score`, equal targets, all right": float(scikit_learn.r2_score(threes, threes)),
        "scikit-learn `r2_score`, equal targets, wrong by a billionth": float(
            scikit_learn.r2_score(threes, np.array([3.0, 3.0 + 1e-9]))
        ),
        "numpy, correlation of equal predictions": float(constant),
        "`pearson_correlation_metric`, equal predictions": float(evaluation.pearson_correlation_metric(pred, target)),
        "scikit-learn, quadratic kappa of one level": float(kappa),
        "`quadratic_weighted_kappa_metric`, one level": float(
            evaluation.quadratic_weighted_kappa_metric(sure, torch.from_numpy(levels))
        ),
        "scikit-learn, absolute percentage error, 1 predicted of 0": float(
            scikit_learn.mean_absolute_percentage_error([0.0], [1.0])
        ),
    }


# Optimizers


@entry
def orthogonal_gradient() -> dict[str, Number]:
    """Official OrthoGrad (0cc9e8d, orthograd.py); pytorch_optimizer 4.1.0 (optimizer/orthograd.py) rescales as well."""

    def released(gradient: Tensor, weight: Tensor) -> Tensor:
        rest = gradient - (weight @ gradient) / (weight @ weight + 1e-30) * weight
        rescaled: Tensor = rest * (gradient.norm() / (rest.norm() + 1e-30))
        return rescaled

    weight, gradient = torch.tensor([3.0, 4.0]).double(), torch.tensor([1.0, 0.0]).double()
    near = weight + torch.tensor([-4e-6, 3e-6]).double()
    return {
        "length of the gradient": float(gradient.norm()),
        "released code": float(released(gradient, weight).norm()),
        "`perpendicular` (the paper's formula)": float(perpendicular(gradient, weight).norm()),
        "`perpendicular`, `rescale=True`": float(perpendicular(gradient, weight, rescale=True).norm()),
        "nearly parallel gradient of length 5: released code": float(released(near, weight).norm()),
        "nearly parallel gradient of length 5: `perpendicular`": float(perpendicular(near, weight).norm()),
    }


def computed() -> dict[str, dict[str, Number]]:
    """Every entry, in the order of this file."""
    return {name: compute() for name, compute in ENTRIES.items()}


def as_text(number: Number) -> str:
    """How the page writes a number: five significant digits."""
    if isinstance(number, str):
        return number
    return "NaN" if math.isnan(number) else f"{number:.5g}"


def table(numbers: dict[str, Number]) -> str:
    """The rows of an entry as a table of the page."""
    rows = [f"| {label} | {as_text(number)} |" for label, number in numbers.items()]
    return "\n".join(["| what | number |", "| --- | ---: |", *rows])


def filled(page: str, entries: dict[str, dict[str, Number]]) -> str:
    """The page with its tables as the entries have them.

    Raises:
        ValueError: an entry has no place on the page, or a place no entry.
    """
    places = [match["name"] for match in TABLE.finditer(page)]
    if sorted(places) != sorted(entries):
        raise ValueError(f"places and entries differ: {sorted(set(places) ^ set(entries)) or 'one stands twice'}")

    def replaced(match: re.Match[str]) -> str:
        name = match["name"]
        return f"<!-- numbers: {name} -->\n\n{table(entries[name])}\n\n<!-- end of numbers -->"

    return TABLE.sub(replaced, page)


def main() -> None:
    """Compute the entries, write them, fill the page, print the tables."""
    entries = computed()
    # NaN and infinity are no JSON: they are kept as text
    kept = {
        name: {label: n if isinstance(n, str) or math.isfinite(n) else str(n) for label, n in numbers.items()}
        for name, numbers in entries.items()
    }
    content = {"versions": {"torch": torch.__version__, "scikit-learn": sklearn.__version__}, "entries": kept}
    RESULT.write_text(json.dumps(content, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8"), entries), encoding="utf-8")
    for name, numbers in entries.items():
        sys.stdout.write(f"{name}\n{table(numbers)}\n\n")


if __name__ == "__main__":
    main()
