"""Adaptive margin softmax: a classifier of all classes so far, trained on their means and covariances alone.

In class-incremental learning without stored samples, what is left of an old class is what was noted of its features:
a mean and a covariance. The expected cross entropy of a linear classifier over such a Gaussian has a closed upper
bound, in which the covariance acts as a margin between each pair of classes. Old classes get a larger covariance than
was noted, since their features have drifted since.
"""

from __future__ import annotations

import math

import torch
from torch import Generator, Tensor, nn

from minimand.contracts.arguments import Reduction, require_integer, require_range, require_weights
from minimand.contracts.card import Paper, Range, Task
from minimand.contracts.component import component
from minimand.contracts.loss import per_row
from minimand.contracts.reduction import present_rows
from minimand.contracts.rows import softmax, wide
from minimand.heads.exact_cross_entropy import exact_cross_entropy

YAO_2024 = Paper(
    key="yao2024amarx",
    title="Adaptive Margin Global Classifier for Exemplar-Free Class-Incremental Learning",
    authors="Yao and Chang",
    year=2024,
    arxiv="2409.13275",
)


@component(
    YAO_2024,
    kind="model loss",
    slug="amarx",
    tasks={Task.BINARY, Task.MULTICLASS},
    search={"enlargement": Range(0.1, 4.0, scale="log", default=1.0)},
    provenance=(
        "reconstructed: the paper's idea (a classifier of class distributions, old variances enlarged, equal to a "
        "softmax with adaptive margins) is its own; the bound by Jensen, the factor 1 + enlargement and its default "
        "of 1 are ours, since its equations were not at hand"
    ),
    when="Old classes are known by the mean and covariance of their features only, and the features have drifted.",
    drawback="Holds for Gaussian features and a linear classifier, and costs classes squared times features.",
)
def adaptive_margin_softmax_loss(
    weight: Tensor,
    bias: Tensor | None,
    means: Tensor,
    covariances: Tensor,
    target: Tensor,
    /,
    *,
    enlargement: float | Tensor = 1.0,
    sample_weight: Tensor | None = None,
    ignore_index: int | None = None,
    reduction: Reduction = "mean",
) -> Tensor:
    r"""Adaptive margin softmax, $\log \sum_j e^{(w_j - w_y) \cdot \mu_y + b_j - b_y + \frac{1 + \lambda}{2} d_{jy}}$.

    With $d_{jy} = (w_j - w_y)^\top \Sigma_y (w_j - w_y)$ this is, by Jensen's inequality, never less than the expected
    cross entropy of the classifier over features from $\mathcal{N}(\mu_y, (1 + \lambda) \Sigma_y)$. It is the cross
    entropy of the mean $\mu_y$ with a margin added to the logit of every *other* class, the larger the more the class
    is spread between the two. The enlargement $\lambda$ adds $\frac{\lambda}{2} d_{jy}$ to that. Each class counts
    once, however many rows it was noted from.

    Args:
        weight: `(K, d)`, of the linear classifier.
        bias: `(K,)`, or None.
        means: `(M, d)`, of the features of the classes `target`. A real row of features is a mean as well, with a
            covariance of zeros.
        covariances: `(M, d)` variances of each feature, nonnegative, or `(M, d, d)` covariance matrices.
        target: `(M,)`, integers in `[0, K)`.
        enlargement: $\lambda$, nonnegative and finite; one number, or `(M,)`, 0 where features have not drifted.
        sample_weight: `(M,)`, nonnegative; weight 2 is the class twice, weight 0 the class absent.
        ignore_index: classes with this target count as absent.
        reduction: `"none"` gives `(M,)`; `"sum"` and `"mean"` a scalar; a mean over nothing is 0.

    Raises:
        ValueError: `enlargement` outside its range, or shapes that do not fit.
        TypeError: dtypes that do not fit.

    Reference:
        Yao and Chang (2024), the distribution-based global classifier with variance enlarging.
    """
    for name, tensor, ndim in (("weight", weight, 2), ("means", means, 2)):
        if not tensor.is_floating_point():
            raise TypeError(f"{name} must be floating point, got {tensor.dtype}")
        if tensor.ndim != ndim:
            raise ValueError(f"{name} must be a matrix with a row for each class, got shape {tuple(tensor.shape)}")
    width = weight.shape[1]
    if means.shape[1] != width:
        raise ValueError(f"means must have shape (M, {width}) to fit weight, got {tuple(means.shape)}")
    if bias is not None and bias.shape != weight.shape[:1]:
        raise ValueError(f"bias must have shape ({len(weight)},) to fit weight, got {tuple(bias.shape)}")
    if covariances.shape not in (means.shape, (len(means), width, width)):
        shape = tuple(covariances.shape)
        raise ValueError(f"covariances must have shape (M, {width}) or (M, {width}, {width}), got {shape}")
    if target.shape != means.shape[:1]:
        raise ValueError(f"target must have shape ({len(means)},) to fit means, got {tuple(target.shape)}")
    require_weights(sample_weight, len(means))
    factor = _factor(enlargement, means)
    weight, means, covariances = (wide(tensor) for tensor in (weight, means, covariances))
    present = present_rows(target, sample_weight, ignore_index)
    if present is not None:
        # here already: what stands in an absent class must not reach the products, whose gradients multiply it by 0
        means = torch.where(present[:, None], means, torch.zeros_like(means))
        each = present.reshape(-1, *[1] * (covariances.ndim - 1))
        covariances = torch.where(each, covariances, torch.zeros_like(covariances))
    logits = means @ weight.t()
    logits = logits if bias is None else logits + wide(bias)

    def rows(scores: Tensor, target: Tensor) -> Tensor:
        # the differences are taken first: of two large squares nothing but rounding would be left
        apart = weight - weight.index_select(0, target)[:, None]
        spread = covariances[:, None] * apart if covariances.ndim == 2 else apart @ covariances
        margin = factor[:, None] * (spread * apart).sum(2) / 2
        return exact_cross_entropy(scores + margin, target)

    return per_row(
        rows, logits, target, sample_weight=sample_weight, ignore_index=ignore_index, reduction=reduction
    )


def _factor(enlargement: float | Tensor, means: Tensor) -> Tensor:
    """What the covariance of each class is multiplied by, `(M,)`."""
    if not isinstance(enlargement, Tensor):
        require_range("enlargement", enlargement, least=0.0, below=math.inf)
        return wide(means).new_full((len(means),), 1.0 + enlargement)
    if enlargement.shape != means.shape[:1]:
        raise ValueError(f"enlargement must have shape ({len(means)},), got {tuple(enlargement.shape)}")
    return 1.0 + enlargement.to(wide(means).dtype)


class DistributionClassifier(nn.Module):
    """A linear classifier together with what was noted of each class: its mean, its variances, and in which task.

    Args:
        n_features: width of the features, positive.
        n_classes: number of classes that there will be, positive.
        rng: source of the initial weight; a fixed seed when None.

    Raises:
        ValueError: a number below 1.
    """

    means: Tensor
    variances: Tensor
    task: Tensor

    def __init__(self, n_features: int, n_classes: int, *, rng: Generator | None = None) -> None:
        super().__init__()
        require_integer("n_features", n_features, least=1)
        require_integer("n_classes", n_classes, least=1)
        rng = Generator() if rng is None else rng
        bound = 1 / math.sqrt(n_features)
        self.weight = nn.Parameter((2 * torch.rand(n_classes, n_features, generator=rng) - 1) * bound)
        self.bias = nn.Parameter(torch.zeros(n_classes))
        self.register_buffer("means", torch.zeros(n_classes, n_features))
        self.register_buffer("variances", torch.zeros(n_classes, n_features))
        self.register_buffer("task", torch.full((n_classes,), -1))

    @torch.no_grad()
    def note(self, features: Tensor, target: Tensor, *, task: int) -> None:
        """Note mean and variances of each class in a task's training features; a class that was known is replaced.

        Args:
            features: `(N, n_features)`.
            target: `(N,)`, integers in `[0, n_classes)`.
            task: number of the task, nonnegative.

        Raises:
            ValueError: `task` is negative, or shapes that do not fit.
        """
        require_integer("task", task, least=0)
        if features.ndim != 2 or features.shape[1] != self.weight.shape[1] or target.shape != features.shape[:1]:
            shapes = f"{tuple(features.shape)} and {tuple(target.shape)}"
            raise ValueError(f"features must have shape (N, {self.weight.shape[1]}) and target (N,), got {shapes}")
        for label in target.unique().tolist():
            rows = wide(features)[target == label]
            self.means[label] = rows.mean(0)
            self.variances[label] = rows.var(0, correction=0)
            self.task[label] = task

    def known(self) -> Tensor:
        """The classes that were noted so far, in their order."""
        return (self.task >= 0).nonzero().squeeze(1)

    def scores(self, features: Tensor) -> Tensor:
        """Scores `(N, n_classes)`, -inf for classes that were never noted."""
        scores = wide(features) @ self.weight.t().to(wide(features).dtype) + self.bias
        return torch.where(self.task >= 0, scores, -torch.inf)

    def probabilities(self, features: Tensor) -> Tensor:
        """Class probabilities `(N, n_classes)`, 0 for classes that were never noted."""
        return softmax(self.scores(features))

    def forward(self, *, enlargement: float = 1.0) -> Tensor:
        """The mean adaptive margin loss of the classes noted so far; those of the last task are not enlarged.

        Args:
            enlargement: of the variances of older classes, nonnegative.

        Raises:
            ValueError: `enlargement` is negative.
        """
        require_range("enlargement", enlargement, least=0.0, below=math.inf)
        known = self.known()
        older = self.task[known] < self.task.max()
        return adaptive_margin_softmax_loss(
            self.weight[known],
            self.bias[known],
            self.means[known],
            self.variances[known],
            torch.arange(len(known), device=known.device),
            enlargement=enlargement * older.to(self.weight.dtype),
        )
