"""Many copies of one network side by side: forward and backward passes of the whole stack, without a graph.

Activations are `(M, width, B)`: member, unit, row. The axis of the classes stands before that of the rows because a
log-softmax over a short last axis costs several times as much (measured: 14 against 304 microseconds for 10 classes),
and parameters keep the layout of `nn.Linear`, `(M, out, in)`, so that a member is a slice of each.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import torch
from torch import Tensor, nn

Backward = Callable[[Tensor, Tensor, Tensor, nn.Module], None]
"""`(gradient, before, after, layer)`: turns the gradient of what follows an activation into that of what precedes it,
in place."""


class Trunk(Protocol):
    """Copies of a network that are evaluated and differentiated together."""

    parameters: list[Tensor]
    """One tensor `(M, ...)` for each parameter of the network."""
    gradients: list[Tensor]
    """Where `backward` writes; the shapes of `parameters`."""
    names: list[str]
    """The name of each parameter in the network's state."""

    def forward(self, x: Tensor) -> Tensor:
        """Scores `(M, K, B)` of inputs `(B, ...)`, which every member sees; kept for `backward`."""
        ...

    def backward(self, gradient: Tensor) -> None:
        """From the gradient in the scores of the last `forward` to those in the parameters."""
        ...

    def scores(self, x: Tensor) -> Tensor:
        """Scores `(M, K, n)` in evaluation mode."""
        ...

    def keep(self, index: Tensor) -> None:
        """Only these members go on, in this order."""
        ...


def _relu(gradient: Tensor, before: Tensor, after: Tensor, layer: nn.Module) -> None:
    torch.ops.aten.threshold_backward(gradient, after, 0, grad_input=gradient)


def _tanh(gradient: Tensor, before: Tensor, after: Tensor, layer: nn.Module) -> None:
    torch.ops.aten.tanh_backward(gradient, after, grad_input=gradient)


def _sigmoid(gradient: Tensor, before: Tensor, after: Tensor, layer: nn.Module) -> None:
    torch.ops.aten.sigmoid_backward(gradient, after, grad_input=gradient)


def _silu(gradient: Tensor, before: Tensor, after: Tensor, layer: nn.Module) -> None:
    torch.ops.aten.silu_backward(gradient, before, grad_input=gradient)


def _gelu(gradient: Tensor, before: Tensor, after: Tensor, layer: nn.Module) -> None:
    torch.ops.aten.gelu_backward(gradient, before, approximate=str(layer.approximate), grad_input=gradient)


def _softplus(gradient: Tensor, before: Tensor, after: Tensor, layer: nn.Module) -> None:
    torch.ops.aten.softplus_backward(gradient, before, layer.beta, layer.threshold, grad_input=gradient)


BACKWARDS: dict[type[nn.Module], Backward] = {
    nn.ReLU: _relu,
    nn.Tanh: _tanh,
    nn.Sigmoid: _sigmoid,
    nn.SiLU: _silu,
    nn.GELU: _gelu,
    nn.Softplus: _softplus,
}
NEEDS_INPUT = (nn.SiLU, nn.GELU, nn.Softplus)
"""Activations whose derivative is computed from what went in; the others work in place."""


@dataclass
class _Layer:
    """A linear layer of the stack, by the places of its parameters, with the activation that follows it."""

    weight: int
    bias: int | None = None
    activation: nn.Module | None = None


class LinearChain:
    """A stack of networks that are chains of linear layers and activations.

    Args:
        network: whose weights every member starts with.
        members: how many.
    """

    def __init__(self, network: nn.Module, members: int) -> None:
        self.names: list[str] = []
        self.parameters: list[Tensor] = []
        self._layers: list[_Layer] = []
        for name, module in chain_of(network):
            if isinstance(module, nn.Linear):
                self._layers.append(_Layer(self._add(f"{name}weight", module.weight, members)))
                if module.bias is not None:
                    self._layers[-1].bias = self._add(f"{name}bias", module.bias, members)
            else:
                self._layers[-1].activation = module
        self.gradients = [torch.empty_like(parameter) for parameter in self.parameters]
        self._buffers: dict[int, list[list[Tensor]]] = {}
        self._seen: tuple[Tensor, list[list[Tensor]]] | None = None

    def _add(self, name: str, value: Tensor, members: int) -> int:
        self.names.append(name)
        self.parameters.append(value.detach().expand(members, *value.shape).contiguous())
        return len(self.parameters) - 1

    @torch.no_grad()
    def forward(self, x: Tensor) -> Tensor:
        """Scores `(M, K, B)` of inputs `(B, F)`, in a buffer that the next call overwrites."""
        buffers = self._buffers_for(x)
        before: Tensor | None = None
        for layer, kept in zip(self._layers, buffers, strict=True):
            weight = self.parameters[layer.weight]
            members, width, fan_in = weight.shape
            if before is None:
                # all members see the same rows: one matrix product for the whole stack.
                wide, out = weight.view(members * width, fan_in), kept[0].view(members * width, len(x))
                if layer.bias is None:
                    torch.mm(wide, x.t(), out=out)
                else:
                    torch.addmm(self.parameters[layer.bias].view(-1, 1), wide, x.t(), out=out)
            elif layer.bias is None:
                torch.bmm(weight, before, out=kept[0])
            else:
                torch.baddbmm(self.parameters[layer.bias].unsqueeze(2), weight, before, out=kept[0])
            before = kept[0] if layer.activation is None else _apply(layer.activation, kept[0], kept[-1])
        assert before is not None
        self._seen = (x, buffers)
        return before

    @torch.no_grad()
    def backward(self, gradient: Tensor) -> None:
        """Gradients of all parameters from that of the last `forward`'s scores `(M, K, B)`."""
        if self._seen is None:
            raise RuntimeError("backward must follow forward")
        x, buffers = self._seen
        for position in range(len(self._layers) - 1, -1, -1):
            layer, kept = self._layers[position], buffers[position]
            if layer.activation is not None:
                gradient = gradient.contiguous()
                BACKWARDS[type(layer.activation)](gradient, kept[0], kept[-1], layer.activation)
            weight = self.parameters[layer.weight]
            if layer.bias is not None:
                torch.sum(gradient, 2, out=self.gradients[layer.bias])
            if position == 0:
                members, width, fan_in = weight.shape
                into = self.gradients[layer.weight].view(members * width, fan_in)
                torch.mm(gradient.reshape(members * width, -1), x, out=into)
                return
            below = buffers[position - 1][-1]
            torch.bmm(gradient, below.transpose(1, 2), out=self.gradients[layer.weight])
            gradient = torch.bmm(weight.transpose(1, 2), gradient)

    def scores(self, x: Tensor) -> Tensor:
        """Scores `(M, K, n)`; rows in blocks that stay in the cache."""
        widest = max(parameter.shape[0] * parameter.shape[1] for parameter in self.parameters)
        block = max(64, min(len(x), 262_144 // widest))
        parts = [self.forward(part).clone() for part in x.split(block)]
        self._seen = None
        return torch.cat(parts, 2) if len(parts) > 1 else parts[0]

    def keep(self, index: Tensor) -> None:
        """Only these members go on, in this order."""
        self.parameters = [parameter.index_select(0, index) for parameter in self.parameters]
        self.gradients = [torch.empty_like(parameter) for parameter in self.parameters]
        self._buffers.clear()
        self._seen = None

    def _buffers_for(self, x: Tensor) -> list[list[Tensor]]:
        """For each layer what its linear part gives, and what its activation makes of it; one buffer where in place."""
        if len(x) not in self._buffers:
            found = []
            for layer in self._layers:
                members, width = self.parameters[layer.weight].shape[:2]
                count = 2 if isinstance(layer.activation, NEEDS_INPUT) else 1
                found.append([x.new_empty(members, width, len(x)) for _ in range(count)])
            self._buffers[len(x)] = found
        return self._buffers[len(x)]


def chain_of(network: nn.Module, prefix: str = "") -> list[tuple[str, nn.Module]]:
    """The linear layers and activations of a chain in order, with the prefix of their names.

    Raises:
        ValueError: it is no such chain.
    """
    found: list[tuple[str, nn.Module]]
    if isinstance(network, nn.Linear) or type(network) in BACKWARDS:
        found = [(prefix, network)]
    elif type(network) is nn.Identity:
        found = []
    elif type(network) is nn.Sequential:
        found = [leaf for name, child in network.named_children() for leaf in chain_of(child, f"{prefix}{name}.")]
    else:
        raise ValueError(f"a {type(network).__name__} is no linear layer or known activation")
    if not prefix:
        _require_chain(network, [leaf for _, leaf in found])
    return found


def _require_chain(network: nn.Module, leaves: Sequence[nn.Module]) -> None:
    linear = [leaf for leaf in leaves if isinstance(leaf, nn.Linear)]
    hooked = any(m._forward_hooks or m._forward_pre_hooks or m._backward_hooks for m in network.modules())
    if not leaves or type(leaves[0]) is not nn.Linear or any(type(leaf) is not nn.Linear for leaf in linear):
        raise ValueError("a chain must open with a plain linear layer, and have no others than plain ones")
    if any(not isinstance(one, nn.Linear) and not isinstance(two, nn.Linear) for one, two in pairwise(leaves)):
        raise ValueError("a chain must have a linear layer before each activation")
    if len({id(leaf) for leaf in linear}) < len(linear) or len({id(leaf.weight) for leaf in linear}) < len(linear):
        raise ValueError("the layers of a chain must not share weights")
    if hooked or not all(parameter.requires_grad for parameter in network.parameters()):
        raise ValueError("a chain must have no hooks and no frozen parameters")


def _apply(activation: nn.Module, before: Tensor, out: Tensor) -> Tensor:
    """The activation, written where `out` is: over what goes in, where its derivative needs the result only."""
    if isinstance(activation, nn.ReLU):
        return before.relu_()
    if isinstance(activation, nn.Tanh):
        return before.tanh_()
    if isinstance(activation, nn.Sigmoid):
        return before.sigmoid_()
    if isinstance(activation, nn.SiLU):
        torch.ops.aten.silu(before, out=out)
    elif isinstance(activation, nn.Softplus):
        torch.ops.aten.softplus(before, activation.beta, activation.threshold, out=out)
    else:
        torch.ops.aten.gelu(before, approximate=str(activation.approximate), out=out)
    return out
