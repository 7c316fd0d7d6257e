"""Label-distributionally robust losses: one temperature from hinge to linear, fixed or learnt for each training row."""

from __future__ import annotations

import math
from typing import Any, ClassVar, Self

import torch
from torch import Tensor

from minimand.contracts.arguments import Reduction, require_index, require_integer, require_range
from minimand.contracts.card import Paper, Range, Suits, Task, Trait
from minimand.contracts.loss import Loss, LossModule, loss, own_probabilities, per_row
from minimand.contracts.reduction import present_rows
from minimand.contracts.rows import wide
from minimand.contracts.task import TaskInfo
from minimand.losses.sample_memory import SampleMemory

ZHU_2023 = Paper(
    key="zhu2023label",
    title="Label Distributionally Robust Losses for Multi-class Classification: Consistency, Robustness and Adaptivity",
    authors="Zhu, Ying and Yang",
    year=2023,
    arxiv="2112.14869",
)

# Steps to the temperature of a new row: each takes off a good part of the way, and the first ones do nearly all.
STEPS_TO_REST = 50


# --- One temperature for all rows --------------------------------------------------------------------------------


def robust_rows(scores: Tensor, target: Tensor, temperature: float | Tensor, margin: float) -> Tensor:
    """The loss of each row `(N,)` at one temperature, or at one a row `(N, 1)`."""
    own = scores.gather(1, target[:, None])
    raised = scores + torch.full_like(scores, margin).scatter(1, target[:, None], 0.0)
    # The largest is taken out before the division, so that a small temperature cannot overflow, and the target's score
    # after the logarithm, so that scores too far apart give infinity and not NaN.
    largest = raised.detach().amax(1, keepdim=True)
    spread = ((raised - largest) / temperature).logsumexp(1, keepdim=True) - math.log(scores.shape[1])
    return (largest - own + temperature * spread).squeeze(1)


def robust_probabilities(scores: Tensor, temperature: float | Tensor, margin: float) -> Tensor:
    r"""The class probabilities at which these scores minimise the expected loss, `(N, K)` in float32 or wider.

    $\eta_k \propto \pi_k (1 - (1 - e^{-c / \lambda}) \pi_k)$ with $\pi = \mathrm{softmax}(z / \lambda)$: without
    a margin the softmax; with one the leader is a little less sure than it seems.
    """
    scores = wide(scores)
    highest = scores.detach().amax(1, keepdim=True)
    log_p = ((scores - highest) / temperature).log_softmax(1)
    leader = torch.arange(scores.shape[1], device=scores.device) == log_p.argmax(1, keepdim=True)
    # of the leader 1 - p is the sum of the others: the difference would be lost in rounding.
    others = torch.where(leader, -torch.inf, log_p).logsumexp(1, keepdim=True)
    rest = torch.where(leader, others, (-torch.where(leader, 0.0, log_p.exp())).log1p())
    return (log_p + torch.logaddexp(rest, log_p - margin / temperature)).softmax(1)


@loss(
    ZHU_2023,
    slug="aldr-kl",
    tasks={Task.BINARY, Task.MULTICLASS},
    search={
        "temperature": Range(0.1, 10.0, scale="log", default=1.0),
        "margin": Range(0.0, 5.0, default=1.0),
    },
    probabilities=own_probabilities,
    traits={Trait.SHIFT_INVARIANT},
    when="A margin between the classes is wanted, with a dial from the worst rival (low temperature) to all of them.",
    drawback="Temperature and margin both want tuning, and a high temperature learns many classes slowly.",
)
def ldr_kl_loss(
    logits: Tensor,
    target: Tensor,
    /,
    *,
    temperature: float = 1.0,
    margin: float = 1.0,
    sample_weight: Tensor | None = None,
    ignore_index: int | None = None,
    reduction: Reduction = "mean",
) -> Tensor:
    r"""Label-distributionally robust loss, $\lambda \log \frac1K \sum_k e^{(c \, 1[k \ne y] + z_k - z_y) / \lambda}$.

    The worst mean of the margins over all distributions of the label, less $\lambda$ times their divergence from the
    uniform one. At temperature $\lambda = 1$ without margin it is cross entropy less $\log K$; as $\lambda \to 0$ it
    tends to the hinge loss of Crammer and Singer, as $\lambda \to \infty$ to the mean of the margins, which is
    symmetric in the labels. It may be negative, down to $-\lambda \log K$.

    Args:
        logits: `(N, K)`, any real values; half precision is computed in float32.
        target: `(N,)`, integers in `[0, K)`.
        temperature: $\lambda$ of the paper, positive.
        margin: $c$ of the paper, nonnegative.
        sample_weight: `(N,)`, nonnegative; weight 2 is the row twice, weight 0 the row absent.
        ignore_index: rows with this target count as absent.
        reduction: `"none"` gives `(N,)`; `"sum"` and `"mean"` a scalar; a mean over nothing is 0.

    Raises:
        ValueError: `temperature` or `margin` outside its range, or shapes that do not fit.
        TypeError: dtypes that do not fit.

    Reference:
        Zhu, Ying and Yang (2023), the LDR-KL loss.
    """
    require_range("temperature", temperature, above=0.0, below=math.inf)
    require_range("margin", margin, least=0.0, below=math.inf)

    def values(scores: Tensor, target: Tensor) -> Tensor:
        return robust_rows(scores, target, temperature, margin)

    return per_row(values, logits, target, sample_weight=sample_weight, ignore_index=ignore_index, reduction=reduction)


class LDRKLLoss(LossModule, fn=ldr_kl_loss):
    """Module form of `ldr_kl_loss`."""

    temperature: float
    margin: float

    def probabilities(self, scores: Tensor) -> Tensor:
        """The class probabilities that these scores stand for at this temperature and margin, in float32 or wider."""
        return robust_probabilities(scores, self.temperature, self.margin)


# --- A temperature for each training row -------------------------------------------------------------------------


@loss(
    ZHU_2023,
    slug="aldr-kl",
    tasks={Task.BINARY, Task.MULTICLASS},
    search={
        "temperature": Range(0.1, 10.0, scale="log", default=1.0),
        "stiffness": Range(1.1, 10.0, scale="log", default=2.0),
        "margin": Range(0.0, 5.0, default=1.0),
    },
    probabilities=own_probabilities,
    traits={Trait.SHIFT_INVARIANT, Trait.NEEDS_INDEX},
    suits={Suits.NOISY_LABELS},
    when="An unknown part of the labels is wrong, and which rows to trust should be found out while training.",
    drawback="Remembers a number for each training sample, and its three settings want tuning.",
)
class ALDRKLLoss(Loss):
    r"""Adaptive label-distributionally robust loss, $\max_\lambda L_\lambda - \frac{a}{2} (\lambda - \lambda_0)^2$.

    $L_\lambda$ is `ldr_kl_loss`, and $a = \alpha \log K / \lambda_0$. Each training sample has a temperature
    $\lambda_i$ of its own, moved before the loss and without gradient:
    $\lambda_i \leftarrow \lambda_0 (1 - \mathrm{KL}(p, 1/K) / (\alpha \log K))$ with
    $p = \mathrm{softmax}(z / \lambda_i)$. Rows of which the network is certain are treated sharply, as by a hinge;
    uncertain ones, wrong labels among them, keep the high temperature at which the loss resists noise.

    The memory holds $\mathrm{KL}(p, 1/K) / \log K$, the certainty in `[0, 1]`, zero at first. It is written in
    training mode only, once for each call; rows of weight 0 and ignored rows do not write. A sample that comes twice
    in a batch moves once, to the mean of its two certainties. `state_dict` holds the memory.

    Probabilities of new rows are those at the temperature at which such a row would come to rest.

    Args:
        n_samples: number of training samples, positive; `index` runs over `[0, n_samples)`.
        n_classes: number of classes $K$, positive.
        temperature: $\lambda_0$ of the paper, positive: where every sample starts, and the highest it can have.
        stiffness: $\alpha$ of the paper, above 1; how firmly temperatures are held. They stay above
            $\lambda_0 (1 - 1 / \alpha)$, and at infinity this is `ldr_kl_loss`.
        margin: $c$ of the paper, nonnegative.
        ignore_index: rows with this target count as absent.
        reduction: `"none"` gives `(N,)`; `"sum"` and `"mean"` a scalar; a mean over nothing is 0.

    Raises:
        ValueError: an argument outside its range; when called, shapes that do not fit or a missing index.
        TypeError: dtypes that do not fit.

    Reference:
        Zhu, Ying and Yang (2023), the ALDR-KL loss and its alternating update, which as in the authors' code leaves
        the margin out of $p$. Their code also divides the scores by the mean of their absolute values and adds
        $10^{-5}$ to $p$; neither is done here.
    """

    hyper: ClassVar[tuple[str, ...]] = ("temperature", "stiffness", "margin")

    def __init__(
        self,
        n_samples: int,
        n_classes: int,
        *,
        temperature: float = 1.0,
        stiffness: float = 2.0,
        margin: float = 1.0,
        ignore_index: int | None = None,
        reduction: Reduction = "mean",
    ) -> None:
        super().__init__(ignore_index=ignore_index, reduction=reduction)
        require_integer("n_samples", n_samples, least=1)
        require_integer("n_classes", n_classes, least=1)
        require_range("temperature", temperature, above=0.0, below=math.inf)
        require_range("stiffness", stiffness, above=1.0)
        require_range("margin", margin, least=0.0, below=math.inf)
        self.temperature = temperature
        self.stiffness = stiffness
        self.margin = margin
        self.n_classes = n_classes
        self.memory = SampleMemory(n_samples, 1)

    @classmethod
    def bind(cls, task: TaskInfo, **hyper: Any) -> Self:
        """The loss with an empty memory for the task's training samples."""
        return cls(task.n_samples, task.n_classes, **hyper)

    @property
    def temperatures(self) -> Tensor:
        """The temperature of each training sample `(n_samples,)`."""
        return self._temperature(self.memory.values).squeeze(1)

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
        """One value a row `(N,)`; in training mode the temperatures are moved first."""
        return self._rows(pred, target, index, None)

    def probabilities(self, scores: Tensor) -> Tensor:
        """The class probabilities that these scores stand for, in float32 or wider."""
        scores = wide(scores)
        self._require_classes(scores)
        certainty = torch.zeros_like(scores[:, :1])
        for _ in range(STEPS_TO_REST):
            certainty = self._certainty(scores, self._temperature(certainty))
        return robust_probabilities(scores, self._temperature(certainty), self.margin)

    def _rows(self, scores: Tensor, target: Tensor, index: Tensor | None, present: Tensor | None) -> Tensor:
        index = require_index(index, len(scores), self.memory.n_samples).to(scores.device)
        self._require_classes(scores)
        if self.training:
            before = self._temperature(self.memory.read(index).to(scores.dtype))
            self.memory.blend(index, self._certainty(scores.detach(), before), momentum=0.0, present=present)
        certainty = self.memory.read(index).to(scores.dtype)
        # of a sample's own temperature, (a / 2) (lambda - lambda_0)^2 in terms of the certainty
        held = self.temperature * math.log(self.n_classes) / (2 * self.stiffness) * certainty.squeeze(1).square()
        return robust_rows(scores, target, self._temperature(certainty), self.margin) - held

    def _temperature(self, certainty: Tensor) -> Tensor:
        return self.temperature * (1 - certainty / self.stiffness)

    def _certainty(self, scores: Tensor, temperature: Tensor) -> Tensor:
        """One minus the entropy of the softmax over its largest value, `(N, 1)`: in `[0, 1]`, but NaN for NaN."""
        if self.n_classes == 1:
            return scores.detach() * 0.0
        p = ((scores - scores.amax(1, keepdim=True)) / temperature).softmax(1)
        entropy: Tensor = torch.special.entr(p).sum(1, keepdim=True)
        return (1 - entropy / math.log(self.n_classes)).clamp(0.0, 1.0)

    def _require_classes(self, scores: Tensor) -> None:
        if scores.shape[1] != self.n_classes:
            raise ValueError(f"logits must have shape (N, {self.n_classes}) for this loss, got {tuple(scores.shape)}")
