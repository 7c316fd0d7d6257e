"""Smooth adversarial comp-sum loss: a comp-sum loss plus how far an adversary can move the margins of a row."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator

import torch
from torch import Generator, Tensor, nn

from minimand.contracts.arguments import Reduction, require_integer, require_range, require_reduction
from minimand.contracts.card import Task
from minimand.contracts.component import component
from minimand.contracts.reduction import reduce_rows
from minimand.contracts.rows import wide
from minimand.losses.classification.comp_sum import MAO_2023, comp_sum_loss


@component(
    MAO_2023,
    kind="model loss",
    slug="comp-sum",
    tasks={Task.BINARY, Task.MULTICLASS},
    provenance=(
        "reconstructed: that the margins of the second term are not clipped at rho, the search (start, number and size "
        "of its steps) and the defaults of rho and nu"
    ),
    when="Predictions must withstand small changes of the inputs that an adversary chooses.",
    drawback="Costs as many passes forward and backward as the search has steps, and some accuracy on clean inputs.",
)
def smooth_adversarial_comp_sum_loss(
    model: Callable[[Tensor], Tensor],
    inputs: Tensor,
    target: Tensor,
    /,
    *,
    perturbation: float,
    rng: Generator,
    tau: float = 1.0,
    rho: float = 1.0,
    nu: float = 1.0,
    steps: int = 10,
    step_size: float | None = None,
    bounds: tuple[float, float] | None = None,
    sample_weight: Tensor | None = None,
    reduction: Reduction = "mean",
) -> Tensor:
    r"""Smooth adversarial comp-sum loss, $\Phi^\tau(u) + \nu \sup_{x'} \lVert \Delta(x') - \Delta(x) \rVert_2$.

    The first term is `comp_sum_loss` of the logits of the clean inputs divided by $\rho$, that is
    $u = \sum_{k \ne y} e^{-\Delta_k(x) / \rho}$ with the margins $\Delta_k = z_y - z_k$. The second is how far the
    margins can move while no input moves by more than the perturbation, $\lVert x' - x \rVert_\infty \le \gamma$.
    Together they are an upper bound of the worst-case classification error, times a constant, when
    $\nu \ge \sqrt{K-1} / \rho$; smaller $\nu$ is used in practice.

    The supremum is searched by projected gradient ascent from a random start, with the signs of the gradient as
    steps; the gradient of the loss is taken at the point found, through both margins. During the search the model is
    in evaluation mode, and its parameters get no gradient of it.

    Args:
        model: from inputs to logits `(N, K)`.
        inputs: `(N, ...)`, floating point.
        target: `(N,)`, integers in `[0, K)`.
        perturbation: $\gamma$, nonnegative; the most that any number of an input may change by.
        rng: source of the random start of the search.
        tau: nonnegative; that of `comp_sum_loss`, 1 is cross entropy.
        rho: positive; the margins are divided by it.
        nu: nonnegative; weight of the second term, 0 is the clean comp-sum loss.
        steps: steps of the search, nonnegative; with 0 it stays at the random start.
        step_size: positive; 2.5 times the perturbation divided by the number of steps when None.
        bounds: the least and the largest legal value of an input, such as `(0.0, 1.0)`, or None.
        sample_weight: `(N,)`, nonnegative; weight 2 is the row twice, weight 0 the row absent.
        reduction: `"none"` gives `(N,)`; `"sum"` and `"mean"` a scalar; a mean over nothing is 0.

    Raises:
        ValueError: a hyperparameter outside its range, or shapes that do not fit.
        TypeError: dtypes that do not fit.

    Reference:
        Mao, Mohri and Zhong (2023), section 5, the smooth adversarial comp-sum losses.
    """
    require_reduction(reduction)
    require_range("perturbation", perturbation, least=0.0, below=math.inf)
    require_range("tau", tau, least=0.0, below=math.inf)
    require_range("rho", rho, above=0.0, below=math.inf)
    require_range("nu", nu, least=0.0, below=math.inf)
    require_integer("steps", steps, least=0)
    if step_size is not None:
        require_range("step_size", step_size, above=0.0, below=math.inf)
    if bounds is not None and not bounds[0] < bounds[1]:
        raise ValueError(f"bounds must be (least, largest) with least < largest, got {bounds}")
    if not inputs.is_floating_point():
        raise TypeError(f"inputs must be floating point, got {inputs.dtype}")
    if target.shape != inputs.shape[:1]:
        raise ValueError(f"target must have shape ({inputs.shape[0]},) to fit inputs, got {tuple(target.shape)}")
    logits = wide(model(inputs))
    rows = comp_sum_loss(logits / rho, target, tau=tau, reduction="none")
    if nu > 0 and len(inputs):
        size = 2.5 * perturbation / max(steps, 1) if step_size is None else step_size
        far = _farthest(model, inputs, target, perturbation, steps, size, bounds, rng)
        moved = _margins(wide(model(far)), target) - _margins(logits, target)
        rows = rows + nu * torch.linalg.vector_norm(moved, dim=1)
    return reduce_rows(rows, None if sample_weight is None else sample_weight.to(rows.dtype), reduction)


def _margins(logits: Tensor, target: Tensor) -> Tensor:
    """The margins of the target over every class `(N, K)`; over itself it is 0, which adds nothing to a norm."""
    return logits.gather(1, target[:, None]) - logits


@torch.enable_grad()
def _farthest(
    model: Callable[[Tensor], Tensor],
    inputs: Tensor,
    target: Tensor,
    perturbation: float,
    steps: int,
    step_size: float,
    bounds: tuple[float, float] | None,
    rng: Generator,
) -> Tensor:
    """Inputs within the perturbation at which the margins are far from where they are."""
    inputs = inputs.detach()

    def legal(moved: Tensor) -> Tensor:
        held = inputs + (moved - inputs).clamp(-perturbation, perturbation)
        return held if bounds is None else held.clamp(*bounds)

    with _evaluating(model):
        with torch.no_grad():
            margins = _margins(wide(model(inputs)), target)
        # at the input itself the distance has no direction in which it grows: hence the random start.
        start = torch.rand(inputs.shape, generator=rng, device=rng.device, dtype=torch.float32)
        found = legal(inputs + perturbation * (2 * start.to(inputs) - 1))
        for _ in range(steps):
            found = found.detach().requires_grad_()
            distance = (_margins(wide(model(found)), target) - margins).square().sum()
            (slope,) = torch.autograd.grad(distance, found)
            found = legal(found.detach() + step_size * slope.sign())
    return found.detach()


@contextlib.contextmanager
def _evaluating(model: Callable[[Tensor], Tensor]) -> Iterator[None]:
    """The model in evaluation mode, and afterwards every module of it in the mode that it had."""
    modes = {module: module.training for module in model.modules()} if isinstance(model, nn.Module) else {}
    try:
        for module in modes:
            module.training = False
        yield
    finally:
        for module, mode in modes.items():
            module.training = mode
