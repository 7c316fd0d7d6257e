"""Which of the two quantities called macro-F1 is this one?"""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from minimand.contracts.claim import AtMost, property_claim
from minimand.evaluation import accuracy_metric, macro_f1_metric

N_ROWS = 2000


@property_claim(
    of=macro_f1_metric,
    says="Macro-F1, the mean of the F1 of each class, never exceeds the F1 of the mean precision and the mean recall.",
    where="Opitz and Burst (2019), Macro F1 and Macro F1: the averaged F1 is the lower of the two",
    gap="none",
    tier="quick",
    expects=AtMost(1e-12),
)
def never_exceeds_f1_of_the_means(seed: int, *, broken: bool = False) -> float:
    rng = Generator().manual_seed(seed)
    # the twin averages over rows in place of classes: that is accuracy, and large classes carry it
    metric = accuracy_metric if broken else macro_f1_metric
    largest = -1.0
    for n_classes in (2, 5, 20):
        frequency = torch.logspace(0, -1.5, n_classes)
        target = torch.multinomial(frequency, N_ROWS, replacement=True, generator=rng)
        target[:n_classes] = torch.arange(n_classes)
        scores = torch.randn(N_ROWS, n_classes, generator=rng) + frequency.log()
        scores[torch.arange(N_ROWS), target] += 1.0
        scores[:n_classes] = torch.eye(n_classes)  # each class is predicted at least once
        largest = max(largest, float(metric(scores, target)) - f1_of_the_means(scores.argmax(1), target, n_classes))
    return largest


def f1_of_the_means(predicted: Tensor, target: Tensor, n_classes: int) -> float:
    """The harmonic mean of the mean precision and the mean recall, counted class by class."""
    precision = recall = 0.0
    for k in range(n_classes):
        hits = int(((predicted == k) & (target == k)).sum())
        precision += hits / int((predicted == k).sum()) / n_classes
        recall += hits / int((target == k).sum()) / n_classes
    return 2 * precision * recall / (precision + recall)
