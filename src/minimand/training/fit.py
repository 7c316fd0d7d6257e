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


class Course:
    """One network on its way through a training, an epoch at a time; `fit` runs it to its end.

    Args:
        network, loss, training, validation, settings, seed, score: as in `fit`.

    Attributes:
        history: what it went through so far.
        ended: whether it diverged, stopped early or reached the cap.
    """

    def __init__(
        self,
        network: nn.Module,
        loss: Loss,
        training: Rows,
        validation: Rows | None,
        *,
        settings: Settings,
        seed: int,
        score: Score = accuracy_score,
    ) -> None:
        if not len(training):
            raise ValueError("training must have at least one row, got none")
        self.network, self.loss = network, loss
        self.history = History()
        self.ended = False
        self._training, self._validation = training, validation
        self._settings, self._score = settings, score
        self._weight = mean_one(training.weight)
        self._order = named_generator(seed, "order")
        self._stopping = EarlyStopping(network, loss, patience=settings.patience)
        self._optimizer = _optimizer(network, loss, settings)
        self._noise = NetworkNoise(named_seed(seed, "network"), training.x.device)

    def epoch(self) -> None:
        """One pass over the rows, and the score of the validation rows."""
        history, settings = self.history, self._settings
        with self._noise:
            self.loss.on_epoch(history.epochs)
            history.loss.append(self._pass())
            if not math.isfinite(history.loss[-1]):
                history.diverged = self.ended = True
                return
            if self._validation is not None:
                scores = scores_of(self.network, self._validation.x)
                if not bool(scores.isfinite().all()):
                    history.diverged = self.ended = True
                    return
                found = self._score(scores, self._validation.y, self._validation.weight)
                history.validation.append(found)
                self._stopping.update(found)
                history.best_epoch = self._stopping.best_epoch
        history.stopped_early = self._validation is not None and self._stopping.should_stop
        self.ended = history.stopped_early or history.epochs >= settings.max_epochs

    def finish(self) -> History:
        """Give the network the weights of its best epoch, and put network and loss into evaluation mode."""
        keeps_best = self._validation is not None and self._settings.patience is not None
        if keeps_best or self.history.diverged:
            self._stopping.restore()
            self.history.best_epoch = self._stopping.best_epoch
        else:
            self.history.best_epoch = self.history.epochs
        self.network.eval()
        self.loss.eval()
        return self.history

    def _pass(self) -> float:
        self.network.train()
        self.loss.train()
        training = self._training
        total = torch.zeros((), dtype=torch.float64, device=training.x.device)
        for index in batches(len(training), self._settings.batch_size, self._order, training.x.device):
            scores = self.network(training.x.index_select(0, index))
            target = training.y.index_select(0, index)
            row_weight = None if self._weight is None else self._weight.index_select(0, index)
            # divided by the number of rows, not by the batch's own weight: each row counts the same in every batch.
            whole, _ = self.loss.sum_and_count(scores, target, index=index, sample_weight=row_weight)
            value = whole / len(index)
            self._optimizer.zero_grad()
            value.backward()
            self._optimizer.step()
            total += value.detach().double() * len(index)
        return float(total) / len(training)


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
    course = Course(network, loss, training, validation, settings=settings, seed=seed, score=score)
    while not course.ended:
        course.epoch()
        if on_epoch is not None and not course.history.diverged:
            on_epoch(course.history.epochs, course.history)
    return course.finish()


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


def mean_one(weight: Tensor | None) -> Tensor | None:
    """Weights of rows scaled to a mean of one."""
    return None if weight is None else weight / weight.mean()


class NetworkNoise:
    """The randomness of a network (dropout): a stream of its own, which goes on where the last epoch left it.

    Inside `with` it is torch's global stream; outside, that is what it was.
    """

    def __init__(self, seed: int, device: torch.device) -> None:
        self._seed: int | None = seed
        self._devices = [device] if device.type == "cuda" else []
        self._states: list[Tensor] = []

    def __enter__(self) -> None:
        # the accelerators' generators are left alone where none is used.
        self._fork = torch.random.fork_rng(devices=self._devices)
        self._fork.__enter__()
        if self._seed is not None:
            (torch.manual_seed if self._devices else torch.default_generator.manual_seed)(self._seed)
            self._seed = None
            return
        torch.set_rng_state(self._states[0])
        for device, state in zip(self._devices, self._states[1:], strict=True):
            torch.cuda.set_rng_state(state, device)

    def __exit__(self, *failure: object) -> None:
        self._states = [torch.get_rng_state(), *(torch.cuda.get_rng_state(device) for device in self._devices)]
        self._fork.__exit__(None, None, None)


def batches(n_rows: int, batch_size: int, order: torch.Generator, device: torch.device) -> Iterator[Tensor]:
    """The row numbers of each batch of an epoch, in an order drawn anew."""
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
