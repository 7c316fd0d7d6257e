"""Early stopping: remember the best epoch, and say when it has not been beaten for a while."""

from __future__ import annotations

import math

from torch import Tensor, nn

from minimand.contracts.arguments import require_integer


class EarlyStopping:
    """Keeps the weights of the best epoch so far; higher scores are better, and of equal ones the earlier wins.

    Args:
        network: whose weights are kept; as they are now they stand for epoch 0.
        patience: epochs without a better score after which `should_stop` is true; None never stops.
    """

    def __init__(self, network: nn.Module, loss: nn.Module, *, patience: int | None) -> None:
        if patience is not None:
            require_integer("patience", patience, least=1)
        self.patience = patience
        self.best_score = -math.inf
        self.best_epoch = 0
        self.epoch = 0
        self._modules = (network, loss)
        self._snapshot = self._copy()

    def update(self, score: float) -> None:
        """Take the score of the epoch that has just ended; NaN counts as the worst."""
        self.epoch += 1
        if score > self.best_score:
            self.best_score, self.best_epoch = score, self.epoch
            self._snapshot = self._copy()

    @property
    def should_stop(self) -> bool:
        return self.patience is not None and self.epoch - self.best_epoch >= self.patience

    def restore(self) -> None:
        """Give network and loss the parameters and buffers of the best epoch."""
        for module, state in zip(self._modules, self._snapshot, strict=True):
            module.load_state_dict(state)

    def _copy(self) -> list[dict[str, Tensor]]:
        return [{name: tensor.detach().clone() for name, tensor in m.state_dict().items()} for m in self._modules]
