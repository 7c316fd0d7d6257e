"""The network of an estimator: the plain perceptron, or what a user's own factory or module gives; and what it says."""

from __future__ import annotations

import copy
import operator
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from minimand.training.networks import mlp

Module = Callable[[int, int], nn.Module] | nn.Module | None


def make_network(module: Module, x: Tensor, n_outputs: int, *, hidden: Sequence[int], seed: int) -> nn.Module:
    """A network for these inputs, on the CPU; the same for the same seed.

    Args:
        module: None for a perceptron, a factory `(n_inputs, n_outputs) -> nn.Module`, or a module to copy.
        x: `(n, ...)`, the training inputs.
        n_outputs: width of the output: scores of classes, or numbers.
        hidden: widths of the perceptron's hidden layers.
        seed: of the initialisation; the global generator is left as it was.

    Raises:
        TypeError: neither of these, or a factory that does not return a module.
        ValueError: the network does not give `(n, n_outputs)`.
    """
    if module is None:
        return mlp(x.shape[1], n_outputs, hidden=[operator.index(width) for width in hidden], seed=seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if isinstance(module, nn.Module):
            network = copy.deepcopy(module).cpu()
        elif callable(module):
            network = module(x.shape[1], n_outputs)
        else:
            raise TypeError(f"module must be None, an nn.Module or a callable that makes one, got {module!r}")
        if not isinstance(network, nn.Module):
            raise TypeError(f"module must return an nn.Module, got {type(network).__name__}")
        # a first pass, which also gives lazy layers their shapes while the seed holds
        shape = tuple(outputs_in_blocks(network.cpu(), x[:1].cpu(), block=2).shape)
    if shape != (1, n_outputs):
        raise ValueError(f"module must give outputs of shape (n, {n_outputs}), got {shape} for one row")
    return network


@torch.no_grad()
def outputs_in_blocks(network: nn.Module, x: Tensor, *, block: int) -> Tensor:
    """What the network says of each row, `(n, outputs)`, computed for exactly `block` rows at a time.

    Matrix products round by their shape: were the last block shorter, the outputs of a row would depend, in the last
    bits, on how many others it is predicted with.
    """
    network.eval()
    parts = []
    for part in x.split(block):
        missing = block - len(part)
        filled = torch.cat([part, part[-1:].expand(missing, *part.shape[1:])]) if missing else part
        parts.append(network(filled)[: len(part)])
    outputs = torch.cat(parts)
    return outputs if outputs.dtype in (torch.float32, torch.float64) else outputs.float()
