"""Early-learning regularisation: holds the network to what it believed before it began to memorise wrong labels."""

from __future__ import annotations

import math
from typing import Any, ClassVar, Self

import torch
from torch import Tensor

from minimand.contracts.arguments import Reduction, require_index, require_integer, require_range
from minimand.contracts.card import Paper, Range, Suits, Task, Trait
from minimand.contracts.loss import Loss, loss, per_row
from minimand.contracts.reduction import present_rows
from minimand.contracts.rows import dense_statistics, softmax
from minimand.contracts.task import TaskInfo
from minimand.losses.sample_memory import SampleMemory

LIU_2020 = Paper(
    key="liu2020elr",
    title="Early-Learning Regularization Prevents Memorization of Noisy Labels",
    authors="Liu, Niles-Weed, Razavian and Fernandez-Granda",
    year=2020,
    arxiv="2007.00151",
)

# Of the authors' code: keeps the regulariser and its gradient finite where the network is certain.
CLAMP = 1e-4


@loss(
    LIU_2020,
    slug="elr",
    tasks={Task.BINARY, Task.MULTICLASS},
    search={
        "momentum": Range(0.5, 0.99, default=0.7),
        "strength": Range(0.5, 10.0, scale="log", default=3.0),
    },
    probabilities=softmax,
    traits={Trait.SHIFT_INVARIANT, Trait.NEEDS_INDEX},
    suits={Suits.NOISY_LABELS},
    when="Labels are wrong at random and the network trains long enough to memorise them.",
    drawback="Remembers a row of probabilities for each training sample, and holds on to early mistakes too.",
)
class ELRLoss(Loss):
    r"""Early-learning regularisation, $-\log p_y + \lambda \log(1 - \langle t, p \rangle)$.

    $t$ is the running mean of the network's own predictions for this training sample,
    $t \leftarrow \beta t + (1 - \beta) p / \sum_k p_k$, from zero, updated before the loss and without gradient.
    Minimising pulls $p$ towards $t$: rows whose label agrees with the early belief keep their gradient when they are
    fitted, and wrong labels are resisted. $p$ is clamped to $[10^{-4}, 1 - 10^{-4}]$ in the regulariser.

    The memory is written in training mode only, once for each call; rows of weight 0 and ignored rows do not write.
    A sample that comes twice in a batch moves once, towards the mean of its two predictions. `state_dict` holds the
    memory.

    Args:
        n_samples: number of training samples, positive; `index` runs over `[0, n_samples)`.
        n_classes: number of classes $K$, positive.
        momentum: $\beta$ of the paper, in `[0, 1]`; at 1 nothing is remembered and this is cross entropy.
        strength: $\lambda$ of the paper, nonnegative; at 0 this is cross entropy.
        ignore_index: rows with this target count as absent.
        reduction: `"none"` gives `(N,)`; `"sum"` and `"mean"` a scalar; a mean over nothing is 0.

    Raises:
        ValueError: an argument outside its range; when called, shapes that do not fit or a missing index.
        TypeError: dtypes that do not fit.

    Reference:
        Liu et al. (2020), with targets by temporal ensembling; clamp, and update before the loss, as in the authors'
        code.
    """

    hyper: ClassVar[tuple[str, ...]] = ("momentum", "strength")

    def __init__(
        self,
        n_samples: int,
        n_classes: int,
        *,
        momentum: float = 0.7,
        strength: float = 3.0,
        ignore_index: int | None = None,
        reduction: Reduction = "mean",
    ) -> None:
        super().__init__(ignore_index=ignore_index, reduction=reduction)
        require_integer("n_samples", n_samples, least=1)
        require_integer("n_classes", n_classes, least=1)
        require_range("momentum", momentum, least=0.0, most=1.0)
        require_range("strength", strength, least=0.0, below=math.inf)
        self.momentum = momentum
        self.strength = strength
        self.memory = SampleMemory(n_samples, n_classes)

    @classmethod
    def bind(cls, task: TaskInfo, **hyper: Any) -> Self:
        """The loss with an empty memory for the task's training samples."""
        return cls(task.n_samples, task.n_classes, **hyper)

    def _reduced(
        self, pred: Tensor, target: Tensor, index: Tensor | None, sample_weight: Tensor | None, reduction: Reduction
    ) -> Tensor:
        def values(scores: Tensor, safe_target: Tensor) -> Tensor:
            # the target as it came still says which rows are ignored
            present = present_rows(target, sample_weight, self.ignore_index)
            return self._rows(scores, safe_target, index, present)

        return per_row(
            values, pred, target, sample_weight=sample_weight, ignore_index=self.ignore_index, reduction=reduction
        )

    def rows(self, pred: Tensor, target: Tensor, index: Tensor | None) -> Tensor:
        """One value a row `(N,)`; in training mode the predictions are remembered first."""
        return self._rows(pred, target, index, None)

    def _rows(self, scores: Tensor, target: Tensor, index: Tensor | None, present: Tensor | None) -> Tensor:
        index = require_index(index, len(scores), self.memory.n_samples).to(scores.device)
        n_classes = self.memory.values.shape[1]
        if scores.shape[1] != n_classes:
            raise ValueError(f"logits must have shape (N, {n_classes}) for this loss, got {tuple(scores.shape)}")
        p = scores.softmax(1).clamp(CLAMP, 1 - CLAMP)
        if self.training:
            belief = p.detach()
            self.memory.blend(index, belief / belief.sum(1, keepdim=True), momentum=self.momentum, present=present)
        agreement = (self.memory.read(index).to(p.dtype) * p).sum(1)
        cross_entropy = -dense_statistics(scores, target, {"log_p_target"}).log_p_target
        return cross_entropy + self.strength * torch.log1p(-agreement)
