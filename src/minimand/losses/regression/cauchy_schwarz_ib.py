"""Cauchy-Schwarz information bottleneck: regression by matching p(y|x) with kernels, through a code that forgets x."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from minimand.contracts.arguments import require_range
from minimand.contracts.card import Paper, Range, Task, Trait
from minimand.contracts.component import component
from minimand.contracts.rows import wide
from minimand.contracts.values import require_values

YU_2024 = Paper(
    key="yu2024csib",
    title="Cauchy-Schwarz Divergence Information Bottleneck for Regression",
    authors="Yu, Yu, Lokse, Jenssen and Principe",
    year=2024,
    arxiv="2404.17951",
)


def median_width(values: Tensor) -> float:
    """The median distance between two rows of `(N, D)` or numbers `(N,)`; 1 where it is 0 or there is no pair."""
    rows = wide(values.detach()).reshape(len(values), -1)
    distances = torch.pdist(rows)
    found = float(distances.median()) if len(distances) else 0.0
    return found if found > 0 else 1.0


def _log_kernel(first: Tensor, second: Tensor, width: float) -> Tensor:
    """The logarithm of a Gaussian kernel between all rows, `(N, M)`."""
    first, second = (wide(values).reshape(len(values), -1) / (math.sqrt(2) * width) for values in (first, second))
    return -(first[:, None] - second).square().sum(2)


def conditional_cs_divergence(
    inputs: Tensor, target: Tensor, pred: Tensor, *, input_width: float = 1.0, target_width: float = 1.0
) -> Tensor:
    r"""Cauchy-Schwarz divergence of $p(\hat y \mid x)$ from $p(y \mid x)$, by kernel sums over a sample; a scalar.

    $\log \sum_j \frac{\sum_i K_{ji} L^1_{ji}}{(\sum_i K_{ji})^2} + \log \sum_j \frac{\sum_i K_{ji} L^2_{ji}}{(\sum_i
    K_{ji})^2} - 2 \log \sum_j \frac{\sum_i K_{ji} L^{21}_{ji}}{(\sum_i K_{ji})^2}$ with Gaussian kernels $K$ of the
    inputs, $L^1$ of the targets, $L^2$ of the predictions and $L^{21}$ between both. It is 0 where they agree. The
    divergence itself is nowhere negative; this estimate of it may be, by a little, as its weights are not symmetric.
    All sums are taken of logarithms, so that no kernel underflows.

    Args:
        inputs: `(N, ...)`, floating point.
        target: `(N,)` or `(N, D)`.
        pred: the shape of `target`.
        input_width: positive, the kernel's standard deviation among the inputs.
        target_width: positive, that among targets and predictions.

    Raises:
        ValueError: a width that is not positive.
    """
    for name, width in (("input_width", input_width), ("target_width", target_width)):
        require_range(name, width, above=0.0, below=math.inf)
    near = _log_kernel(inputs, inputs, input_width)
    weight = near - 2 * near.logsumexp(1, keepdim=True)

    def log_sum(first: Tensor, second: Tensor) -> Tensor:
        return (weight + _log_kernel(first, second, target_width)).flatten().logsumexp(0)

    return log_sum(target, target) + log_sum(pred, pred) - 2 * log_sum(pred, target)


def cs_mutual_information(
    inputs: Tensor, code: Tensor, *, input_width: float = 1.0, code_width: float = 1.0
) -> Tensor:
    r"""Cauchy-Schwarz mutual information of inputs and code, by kernel sums over a sample; a scalar, nonnegative.

    $\log \frac{1}{N^2} \sum_{ij} K_{ij} Q_{ij} + \log \frac{1}{N^4} \sum_{ij} K_{ij} \sum_{ij} Q_{ij} - 2 \log
    \frac{1}{N^3} \sum_i (\sum_j K_{ij}) (\sum_j Q_{ij})$ with Gaussian kernels $K$ of the inputs and $Q$ of the code.

    Args:
        inputs: `(N, ...)`, floating point.
        code: `(N, ...)`, floating point.
        input_width: positive, the kernel's standard deviation among the inputs.
        code_width: positive, that among the codes.

    Raises:
        ValueError: a width that is not positive.
    """
    for name, width in (("input_width", input_width), ("code_width", code_width)):
        require_range(name, width, above=0.0, below=math.inf)
    first, second = _log_kernel(inputs, inputs, input_width), _log_kernel(code, code, code_width)
    together = (first + second).flatten().logsumexp(0)
    apart = first.flatten().logsumexp(0) + second.flatten().logsumexp(0)
    crossed = (first.logsumexp(1) + second.logsumexp(1)).logsumexp(0)
    # the powers of N cancel: 2 + 4 - 2 * 3.
    return together + apart - 2 * crossed


@component(
    YU_2024,
    kind="model loss",
    slug="cauchy-schwarz-ib",
    tasks={Task.REGRESSION},
    search={"strength": Range(1e-4, 1e-1, scale="log", default=1e-2)},
    traits={Trait.BATCH_COUPLED},
    provenance="reconstructed: of two denominators, the paper's and that of the authors' code, the paper's is kept",
    when="Targets have heavy-tailed noise, or small changes of the inputs must not move the predictions.",
    drawback="Costs the square of the batch, and the widths decide what it sees: standardise inputs and targets.",
)
def cauchy_schwarz_ib_loss(
    encoder: Callable[[Tensor], Tensor],
    decoder: Callable[[Tensor], Tensor],
    inputs: Tensor,
    target: Tensor,
    /,
    *,
    strength: float = 1e-2,
    input_width: float | None = 1.0,
    code_width: float | None = 1.0,
    target_width: float = 1.0,
) -> Tensor:
    r"""Cauchy-Schwarz information bottleneck, $D_{CS}(p(y|x); p(\hat y|x)) + \beta I_{CS}(x; t)$.

    The code $t$ is what the encoder makes of the inputs, $\hat y$ what the decoder makes of the code. The first term
    asks for predictions that follow the targets wherever inputs are alike (`conditional_cs_divergence`), the second for
    a code that tells little of the inputs (`cs_mutual_information`), divided as in the authors' code by
    $\sqrt{I_{CS}(x; x) I_{CS}(t; t)}$, so that it does not depend on the size of the code. The value is of the batch as
    a whole. Where kernels are wide, the first term is half blind to a constant that is added to all predictions.

    Args:
        encoder: from inputs to codes `(N, ...)`.
        decoder: from codes to predictions `(N,)`, `(N, 1)` or `(N, D)`.
        inputs: `(N, ...)`, floating point.
        target: `(N,)` or `(N, D)`, any real values.
        strength: $\beta$, nonnegative; weight of the second term.
        input_width: positive, the kernel's standard deviation among the inputs; None takes the median distance.
        code_width: positive, that among the codes; None takes the median distance.
        target_width: positive, that among targets and predictions.

    Raises:
        ValueError: an argument outside its range, or shapes that do not fit.
        TypeError: dtypes that do not fit.

    Reference:
        Yu et al. (2024), equation 6 for the bottleneck, propositions 1 and 2 for the estimators.
    """
    require_range("strength", strength, least=0.0, below=math.inf)
    if not inputs.is_floating_point():
        raise TypeError(f"inputs must be floating point, got {inputs.dtype}")
    code = encoder(inputs)
    pred = decoder(code)
    require_values(pred, target)
    target = target.to(wide(pred).dtype)
    if not len(target):
        return pred.sum() * 0
    near = median_width(inputs) if input_width is None else input_width
    divergence = conditional_cs_divergence(
        inputs, target, pred.reshape(target.shape), input_width=near, target_width=target_width
    )
    if strength == 0:
        return divergence
    width = median_width(code) if code_width is None else code_width
    told = cs_mutual_information(inputs, code, input_width=near, code_width=width)
    of_inputs = cs_mutual_information(inputs, inputs, input_width=near, code_width=near)
    of_code = cs_mutual_information(code, code, input_width=width, code_width=width)
    # a code or inputs that are all alike tell nothing: 0 / 0 is 0, with a gradient that is no NaN.
    most = of_inputs * of_code
    share = told / torch.where(most > 0, most, torch.ones_like(most)).sqrt()
    return divergence + strength * share
