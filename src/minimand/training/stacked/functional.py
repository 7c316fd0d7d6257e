"""A stack of networks of any kind that `torch.func` can vectorise: layers that a `LinearChain` does not know."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

RANDOM = (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout, nn.FeatureAlphaDropout, nn.RReLU)
"""Layers that draw numbers: a member of a stack would draw others than the network alone."""


class FunctionalTrunk:
    """A stack of networks, evaluated by `vmap` over their parameters; see `Trunk`.

    Args:
        network: whose weights every member starts with.
        members: how many.
        sample: `(n, ...)`, inputs to try it on.

    Raises:
        ValueError: the network cannot be vectorised: it draws random numbers, keeps buffers, or holds what `vmap`
            refuses.
    """

    def __init__(self, network: nn.Module, members: int, sample: Tensor) -> None:
        if any(isinstance(module, RANDOM) for module in network.modules()):
            raise ValueError("a network that draws random numbers cannot be stacked")
        if any(True for _ in network.buffers()):
            raise ValueError("a network that keeps buffers cannot be stacked")
        named = dict(network.named_parameters())
        if len(named) < len(list(network.named_parameters(remove_duplicate=False))):
            raise ValueError("a network that shares weights between layers cannot be stacked")
        if not named or not all(parameter.requires_grad for parameter in named.values()):
            raise ValueError("a network without parameters, or with frozen ones, cannot be stacked")
        self._network = network
        self.names = list(named)
        self.parameters = [value.detach().expand(members, *value.shape).contiguous() for value in named.values()]
        self.gradients = [torch.empty_like(parameter) for parameter in self.parameters]
        self._leaves: list[Tensor] = []
        self._scores: Tensor | None = None
        self._try(sample[:2])

    def _try(self, sample: Tensor) -> None:
        self._network.train()
        try:
            found = self._evaluate(self.parameters, sample)[0]
        except RuntimeError as error:
            raise ValueError(f"vmap refuses the network: {str(error).partition(chr(10))[0]}") from error
        with torch.no_grad():
            alone = self._network(sample)
        if found.t().shape != alone.shape or not torch.allclose(found.t(), alone, rtol=1e-3, atol=1e-4):
            raise ValueError("the network vectorised gives other scores than alone")

    def _evaluate(self, parameters: list[Tensor], x: Tensor) -> Tensor:
        def one(values: tuple[Tensor, ...]) -> Tensor:
            found: Tensor = functional_call(self._network, dict(zip(self.names, values, strict=True)), (x,))
            return found

        scores: Tensor = vmap(one)(tuple(parameters))
        return scores.transpose(1, 2)

    def forward(self, x: Tensor) -> Tensor:
        """Scores `(M, K, B)`; the graph is kept for `backward`."""
        self._network.train()
        self._leaves = [parameter.detach().requires_grad_() for parameter in self.parameters]
        self._scores = self._evaluate(self._leaves, x)
        return self._scores.detach()

    def backward(self, gradient: Tensor) -> None:
        """Gradients of all parameters from that of the last `forward`'s scores."""
        if self._scores is None:
            raise RuntimeError("backward must follow forward")
        found = torch.autograd.grad(self._scores, self._leaves, gradient, allow_unused=True)
        for into, value in zip(self.gradients, found, strict=True):
            into.zero_() if value is None else into.copy_(value)
        self._scores, self._leaves = None, []

    @torch.no_grad()
    def scores(self, x: Tensor) -> Tensor:
        """Scores `(M, K, n)` in evaluation mode."""
        self._network.eval()
        return torch.cat([self._evaluate(self.parameters, part) for part in x.split(1024)], 2)

    def keep(self, index: Tensor) -> None:
        """Only these members go on, in this order."""
        self.parameters = [parameter.index_select(0, index) for parameter in self.parameters]
        self.gradients = [torch.empty_like(parameter) for parameter in self.parameters]
