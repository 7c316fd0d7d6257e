"""EnsLoss: a fresh random convex calibrated loss for every batch, given by its derivatives alone."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from minimand.contracts.arguments import Reduction, require_integer, require_range
from minimand.contracts.card import Paper, Range, Task, Trait
from minimand.contracts.cases import two_class_scores
from minimand.contracts.loss import Loss, loss, per_row
from minimand.contracts.reduction import present_rows
from minimand.contracts.task import TaskInfo

DAI_2025 = Paper(
    key="dai2025ensloss",
    title="EnsLoss: Stochastic Calibrated Loss Ensembles for Preventing Overfitting in Classification",
    authors="Dai",
    year=2025,
    arxiv="2409.00908",
)

# Of the author's code: no derivative is flat, so that every row goes on pulling a little.
LEAST_SLOPE = 1e-6


@torch.library.custom_op("minimand::uniform_draws", mutates_args=())
def _uniform_draws(seed: Tensor, step: Tensor, n: int) -> Tensor:
    # An operator of its own: torch.compile cannot trace a generator. Drawn one by one, so that the first draws are
    # the same however many follow.
    rng = Generator().manual_seed(int(seed) + int(step))
    return torch.rand(n, generator=rng, dtype=torch.float64).to(seed.device)


@_uniform_draws.register_fake
def _(seed: Tensor, step: Tensor, n: int) -> Tensor:
    return seed.new_empty((n,), dtype=torch.float64)


@loss(
    DAI_2025,
    slug="ensloss",
    tasks={Task.BINARY},
    search={"power": Range(-1.0, 1.0, default=0.0)},
    traits={Trait.SHIFT_INVARIANT, Trait.BATCH_COUPLED},
    cases=two_class_scores,
    exempt={
        "any_number_of_classes": "it is a loss of two classes: another number is refused",
    },
    when="Two classes, accuracy decides, and the network is large enough to overfit any fixed loss.",
    drawback="Gives no probabilities, and its training value says nothing: watch the accuracy instead.",
)
class EnsLoss(Loss):
    r"""EnsLoss, $\frac1N \sum_i g_i s_i$ with random slopes $g_i < 0$ that rise with the margins $s_i$.

    $s$ is the score of the row's class minus the score of the other. Every batch draws $N + 1$ standard normal numbers,
    turns them by the inverse Box-Cox transformation into $r = (1 + \lambda n)_+^{1/\lambda}$ ($e^n$ at $\lambda = 0$)
    and gives $-\min(r, 1)$, in ascending order, to the $N$ margins and one more at 0, in ascending order too. Beyond
    $s = 1$ the slope is divided by $s$, and $10^{-6}$ is taken off each, so that none is zero. Slopes that are negative
    at 0 and never fall are the derivatives of some convex
    calibrated loss: each step descends such a loss, another one every time, without ever computing it. The slopes
    carry no gradient.

    The value in training mode is therefore no measure of success, and may be negative. In evaluation mode the value is
    the logistic loss $\log(1 + e^{-s})$. Rows of weight 0 and ignored rows take part in no draw. The draws of a step
    depend on the seed and the number of the step only, both in `state_dict`.

    Args:
        power: $\lambda$ of the Box-Cox transformation, in `[-1, 1]`; how heavy the tail of the slopes is.
        redraw_every: number of epochs after which $\lambda$ is drawn anew, uniformly from [-1, 1]; 0 keeps it, as the
            experiments in the author's code do.
        rng: source of the seed of the draws; a fixed seed when None.
        ignore_index: rows with this target count as absent.
        reduction: `"none"` gives `(N,)`; `"sum"` and `"mean"` a scalar; a mean over nothing is 0.

    Raises:
        ValueError: an argument outside its range, a task of other than two classes; when called, shapes that do not
            fit.
        TypeError: dtypes that do not fit.

    Reference:
        Dai (2025), the algorithm with random loss-derivatives by inverse Box-Cox transformation, the superlinear tail
        and the margin at 0, which the author's code leaves out.
    """

    hyper: ClassVar[tuple[str, ...]] = ("power", "redraw_every")
    seed: Tensor
    steps: Tensor
    current_power: Tensor

    def __init__(
        self,
        *,
        power: float = 0.0,
        redraw_every: int = 0,
        rng: Generator | None = None,
        ignore_index: int | None = None,
        reduction: Reduction = "mean",
    ) -> None:
        super().__init__(ignore_index=ignore_index, reduction=reduction)
        require_range("power", power, least=-1.0, most=1.0)
        require_integer("redraw_every", redraw_every, least=0)
        self.power = power
        self.redraw_every = redraw_every
        rng = Generator() if rng is None else rng
        self.register_buffer("seed", torch.randint(2**62, (), generator=rng))
        self.register_buffer("steps", torch.zeros((), dtype=torch.long))
        self.register_buffer("current_power", torch.tensor(power, dtype=torch.float64))

    @classmethod
    def bind(cls, task: TaskInfo, **hyper: Any) -> Self:
        """The loss with a seed from the task's generator.

        Raises:
            ValueError: the task has not two classes.
        """
        if task.n_classes != 2:
            raise ValueError(f"n_classes must be 2 for this loss, got {task.n_classes}")
        return cls(rng=task.rng, **hyper)

    def on_epoch(self, epoch: int) -> None:
        """Draw the power of the transformation anew, where this epoch asks for it."""
        if self.redraw_every and (epoch + 1) % self.redraw_every == 0:
            rng = Generator().manual_seed(int(self.seed) - 1 - epoch)
            drawn = 2 * torch.rand((), generator=rng, dtype=torch.float64) - 1
            self.current_power = drawn.to(self.current_power)

    def _reduced(
        self, pred: Tensor, target: Tensor, index: Tensor | None, sample_weight: Tensor | None, reduction: Reduction
    ) -> Tensor:
        def values(scores: Tensor, safe_target: Tensor) -> Tensor:
            # the target as it came still says which rows are ignored
            return self._rows(scores, safe_target, present_rows(target, sample_weight, self.ignore_index))

        return per_row(
            values, pred, target, sample_weight=sample_weight, ignore_index=self.ignore_index, reduction=reduction
        )

    def rows(self, pred: Tensor, target: Tensor, index: Tensor | None) -> Tensor:
        """One value a row `(N,)`; in training mode each call draws another loss."""
        return self._rows(pred, target, None)

    def _rows(self, scores: Tensor, target: Tensor, present: Tensor | None) -> Tensor:
        if scores.shape[1] != 2:
            raise ValueError(f"logits must have shape (N, 2) for this loss, got {tuple(scores.shape)}")
        margin = (scores[:, 1] - scores[:, 0]) * (2 * target - 1)
        if not self.training:
            return F.softplus(-margin, threshold=40.0)
        slope = self._slopes(margin.detach(), present)
        self.steps = self.steps + 1
        return slope * margin

    def _slopes(self, margin: Tensor, present: Tensor | None) -> Tensor:
        """A derivative for each margin `(N,)`: from -1 to 0, less 1e-6, not falling as present margins grow."""
        drawn = -self._box_cox_draws(len(margin) + 1).clamp(max=1.0)
        nothing = margin.new_zeros(1)
        if present is None:
            ordered = drawn.sort().values
        else:
            # As many draws as there are rows that count, and the one at zero; the others sort to the end, and the
            # absent rows with them.
            used = torch.arange(len(drawn), device=drawn.device) <= present.sum()
            ordered = torch.where(used, drawn, torch.inf).sort().values
            ordered = torch.where(ordered == torch.inf, 0.0, ordered)
            margin = torch.where(present, margin, torch.inf)
        order = torch.cat((margin, nothing)).argsort(stable=True)
        slope = torch.zeros_like(ordered).scatter(0, order, ordered)[:-1].to(margin.dtype)
        return torch.where(margin > 1, slope / margin, slope) - LEAST_SLOPE

    def _box_cox_draws(self, n: int) -> Tensor:
        """Nonnegative random numbers `(n,)` in float64: standard normal ones after the inverse transformation."""
        normal = torch.special.ndtri(_uniform_draws(self.seed, self.steps, n))
        power = self.current_power.double()
        flat = power == 0
        safe = torch.where(flat, torch.ones_like(power), power)
        bent = (1 + safe * normal).clamp(min=0.0).pow(1 / safe)
        return torch.where(flat, normal.exp(), bent)
