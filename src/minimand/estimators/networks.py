"""The network of a classifier: the plain perceptron, or what a user's own factory or module gives."""

from __future__ import annotations

import copy
import operator
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from minimand.estimators.scoring import scores_in_blocks
from minimand.training.networks import mlp

Module = Callable[[int, int], nn.Module] | nn.Module | None


def make_network(module: Module, x: Tensor, n_classes: int, *, hidden: Sequence[int], seed: int) -> nn.Module:
    """A network for these inputs, on the CPU; the same for the same seed.

    Args:
        module: None for a perceptron, a factory `(n_inputs, n_classes) -> nn.Module`, or a module to copy.
        x: `(n, ...)`, the training inputs.
        n_classes: number of scores.
        hidden: widths of the perceptron's hidden layers.
        seed: of the initialisation; the global generator is left as it was.

    Raises:
        TypeError: neither of these, or a factory that does not return a module.
        ValueError: the network does not give `(n, n_classes)` scores.
    """
    if module is None:
        return mlp(x.shape[1], n_classes, hidden=[operator.index(width) for width in hidden], seed=seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if isinstance(module, nn.Module):
            network = copy.deepcopy(module).cpu()
        elif callable(module):
            network = module(x.shape[1], n_classes)
        else:
            raise TypeError(f"module must be None, an nn.Module or a callable that makes one, got {module!r}")
        if not isinstance(network, nn.Module):
            raise TypeError(f"module must return an nn.Module, got {type(network).__name__}")
        # a first pass, which also gives lazy layers their shapes while the seed holds
        shape = tuple(scores_in_blocks(network.cpu(), x[:1].cpu(), block=2).shape)
    if shape != (1, n_classes):
        raise ValueError(f"module must give scores of shape (n, {n_classes}), got {shape} for one row")
    return network
