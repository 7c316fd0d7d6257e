"""AdamW on a stack: every member with its own learning rate and decay, all of them in few calls."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import torch
from torch import Tensor

BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8
"""torch's defaults, which the plain loop has too."""


class StackedAdamW:
    """AdamW over parameters `(M, ...)`; members with equal settings that stand side by side share a call.

    Args:
        rates: `(learning rate, weight decay)` of each member.
    """

    def __init__(self, rates: Sequence[tuple[float, float]], parameters: Sequence[Tensor]) -> None:
        self._rates = list(rates)
        self._first = [torch.zeros_like(parameter) for parameter in parameters]
        self._second = [torch.zeros_like(parameter) for parameter in parameters]
        self._steps = 0

    @torch.no_grad()
    def step(self, parameters: Sequence[Tensor], gradients: Sequence[Tensor]) -> None:
        """One step of every member, in place."""
        self._steps += 1
        # a tensor for each parameter, as the fused kernel asks; it reads them and does not count them up.
        steps = [torch.tensor(float(self._steps), device=parameters[0].device)] * len(parameters)
        start = 0
        for (learning_rate, weight_decay), members in groupby(self._rates):
            end = start + sum(1 for _ in members)
            run = slice(start, end)
            torch._fused_adamw_(
                [parameter[run] for parameter in parameters],
                # the fused kernel walks both in the order of memory: strides that differ give wrong updates, silently.
                [gradient[run].contiguous() for gradient in gradients],
                [moment[run] for moment in self._first],
                [moment[run] for moment in self._second],
                [],
                steps,
                lr=learning_rate,
                beta1=BETA1,
                beta2=BETA2,
                weight_decay=weight_decay,
                eps=EPSILON,
                amsgrad=False,
                maximize=False,
            )
            start = end

    def keep(self, index: Tensor) -> None:
        """Only these members go on, in this order."""
        self._rates = [self._rates[member] for member in index.tolist()]
        self._first = [moment.index_select(0, index) for moment in self._first]
        self._second = [moment.index_select(0, index) for moment in self._second]
