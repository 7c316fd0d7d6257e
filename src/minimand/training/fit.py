"""The one training loop: used by claims, estimators and the workbench, for every objective that `bind` can build."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from minimand.contracts.arguments import require_integer, require_range
from minimand.contracts.loss import Loss
from minimand.training.early_stopping import EarlyStopping
from minimand.training.rows import Rows
from minimand.training.seeds import named_generator, named_seed

Score = Callable[[Tensor, Tensor, Tensor | None], float]
"""From scores `(n, K)`, targets and weights to a number, higher is better."""


@dataclass(frozen=True)
class Settings:
    """How to train.

    Args:
        learning_rate: of AdamW, positive.
        weight_decay: of AdamW, decoupled, nonnegative; the loss's own parameters are not decayed.
        batch_size: rows in a step, at least 1.
        max_epochs: the cap, at least 1.
        patience: epochs without a better validation score after which training stops, and the best epoch's weights
            are taken; None trains to the cap and keeps the last epoch.
    """

    learning_rate: float = 1e-3
    weight_decay: float = 0.0
    batch_size: int = 128
    max_epochs: int = 200
    patience: int | None = 20

    def __post_init__(self) -> None:
        require_range("learning_rate", self.learning_rate, above=0.0, below=math.inf)
        require_range("weight_decay", self.weight_decay, least=0.0, below=math.inf)
        require_integer("batch_size", self.batch_size, least=1)
        require_integer("max_epochs", self.max_epochs, least=1)
        if self.patience is not None:
            require_integer("patience", self.patience, least=1)


@dataclass
class History:
    """What a training went through, epoch by epoch."""

    validation: list[float] = field(default_factory=list)
    """The validation score after each epoch; empty without validation rows."""
    loss: list[float] = field(default_factory=list)
    """The mean training loss of each epoch."""
    best_epoch: int = 0
    """The epoch whose weights the network has, counted from 1; 0 when none beat the initial weights."""
    stopped_early: bool = False
    diverged: bool = False

    @property
    def epochs(self) -> int:
        return len(self.loss)

    @property
    def best_score(self) -> float:
        """The validation score of the epoch whose weights the network has; the worst possible where there is none."""
        return self.validation[self.best_epoch - 1] if self.validation and self.best_epoch else -math.inf


def accuracy_score(scores: Tensor, target: Tensor, weight: Tensor | None) -> float:
    """Share of rows whose highest score is the target's."""
    from minimand.evaluation.classification.accuracy import accuracy_metric

    return float(accuracy_metric(scores, target, sample_weight=weight))


def fit(
    network: nn.Module,
    loss: Loss,
    training: Rows,
    validation: Rows | None,
    *,
    settings: Settings,
    seed: int,
    score: Score = accuracy_score,
    on_epoch: Callable[[int, History], None] | None = None,
) -> History:
    """Train a network in place with AdamW, and leave it with the weights of its best epoch.

    Args:
        network: from inputs to scores `(n, K)`.
        loss: bound to the training rows; its own parameters are trained with the network's.
        training: rows to learn from; weights are scaled to a mean of one, so that weight 2 is a row twice.
        validation: rows that choose the epoch; None keeps the last one.
        settings: learning rate and the rest.
        seed: of the order of rows and of whatever randomness the network has (dropout); the global generator is
            left as it was.
        score: of the validation rows, higher is better.
        on_epoch: called after each epoch with its number, counted from 1, and the history so far.

    Raises:
        ValueError: there are no training rows.
    """
    if not len(training):
        raise ValueError("training must have at least one row, got none")
    history = History()
    order = named_generator(seed, "order")
    stopping = EarlyStopping(network, loss, patience=settings.patience)
    optimizer = _optimizer(network, loss, settings)
    weight = None if training.weight is None else training.weight / training.weight.mean()
    devices = [training.x.device] if training.x.device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        # the accelerators' generators are left alone where none is used.
        (torch.manual_seed if devices else torch.default_generator.manual_seed)(named_seed(seed, "network"))
        for epoch in range(settings.max_epochs):
            loss.on_epoch(epoch)
            history.loss.append(_one_epoch(network, loss, optimizer, training, weight, settings.batch_size, order))
            if not math.isfinite(history.loss[-1]):
                history.diverged = True
                break
            if validation is not None:
                scores = scores_of(network, validation.x)
                if not bool(scores.isfinite().all()):
                    history.diverged = True
                    break
                found = score(scores, validation.y, validation.weight)
                history.validation.append(found)
                stopping.update(found)
            if on_epoch is not None:
                on_epoch(epoch + 1, history)
            if validation is not None and stopping.should_stop:
                history.stopped_early = True
                break
    keeps_best = validation is not None and settings.patience is not None
    if keeps_best or history.diverged:
        stopping.restore()
        history.best_epoch = stopping.best_epoch
    else:
        history.best_epoch = history.epochs
    network.eval()
    loss.eval()
    return history


@torch.no_grad()
def scores_of(network: nn.Module, x: Tensor, *, batch_size: int = 8192) -> Tensor:
    """The network's scores `(n, K)` in evaluation mode, without a graph."""
    network.eval()
    if len(x) <= batch_size:
        scores: Tensor = network(x)
        return scores
    return torch.cat([network(part) for part in x.split(batch_size)])


def _optimizer(network: nn.Module, loss: Loss, settings: Settings) -> torch.optim.Optimizer:
    groups = [{"params": [p for p in network.parameters() if p.requires_grad], "weight_decay": settings.weight_decay}]
    own = [p for p in loss.parameters() if p.requires_grad]
    if own:
        groups.append({"params": own, "weight_decay": 0.0})
    # measured on a CPU: fused is the fastest form of AdamW, `foreach` the slowest.
    return torch.optim.AdamW(groups, lr=settings.learning_rate, fused=True)


def _one_epoch(
    network: nn.Module,
    loss: Loss,
    optimizer: torch.optim.Optimizer,
    training: Rows,
    weight: Tensor | None,
    batch_size: int,
    order: torch.Generator,
) -> float:
    network.train()
    loss.train()
    total = torch.zeros((), dtype=torch.float64, device=training.x.device)
    for index in _batches(len(training), batch_size, order, training.x.device):
        scores = network(training.x.index_select(0, index))
        target = training.y.index_select(0, index)
        row_weight = None if weight is None else weight.index_select(0, index)
        # divided by the number of rows, not by the batch's own weight: each row counts the same in every batch.
        whole, _ = loss.sum_and_count(scores, target, index=index, sample_weight=row_weight)
        value = whole / len(index)
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        total += value.detach().double() * len(index)
    return float(total) / len(training)


def _batches(n_rows: int, batch_size: int, order: torch.Generator, device: torch.device) -> Iterator[Tensor]:
    permutation = torch.randperm(n_rows, generator=order).to(device)
    last = n_rows - n_rows % batch_size
    # a single left-over row joins the batch before it: layers that normalise over the batch cannot take one row.
    ends = [*range(batch_size, last, batch_size), n_rows] if n_rows - last == 1 and last else None
    if ends is None:
        yield from permutation.split(batch_size)
        return
    start = 0
    for end in ends:
        yield permutation[start:end]
        start = end
