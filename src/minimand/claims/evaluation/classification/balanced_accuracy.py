"""Is balanced accuracy blind to how frequent the classes are?"""

from __future__ import annotations

import torch
from torch import Generator

from minimand.contracts.claim import AtMost, property_claim
from minimand.evaluation import accuracy_metric, balanced_accuracy_metric

N_ROWS = 2000


@property_claim(
    of=balanced_accuracy_metric,
    says="A prediction that never changes scores 1/K however unbalanced the classes are, and making classes more or "
    "less frequent changes no score.",
    where="Brodersen et al. (2010): accuracy rewards a classifier for following the larger class",
    gap="none",
    tier="quick",
    expects=AtMost(1e-12),
)
def is_blind_to_class_frequencies(seed: int, *, broken: bool = False) -> float:
    rng = Generator().manual_seed(seed)
    metric = accuracy_metric if broken else balanced_accuracy_metric
    worst = 0.0
    for n_classes in (2, 5, 20):
        frequency = torch.logspace(0, -2, n_classes)
        target = torch.multinomial(frequency, N_ROWS, replacement=True, generator=rng)
        target[:n_classes] = torch.arange(n_classes)
        constant = torch.randn(1, n_classes, generator=rng).expand(N_ROWS, -1)
        worst = max(worst, abs(float(metric(constant, target)) - 1 / n_classes))
        scores = torch.randn(N_ROWS, n_classes, generator=rng)
        scores[torch.arange(N_ROWS), target] += 2 * target / n_classes  # some classes are easier than others
        weight = torch.rand(n_classes, generator=rng)[target] + 0.01
        worst = max(worst, abs(float(metric(scores, target, sample_weight=weight)) - float(metric(scores, target))))
    return worst
