"""Many trainings that differ in loss and settings alone, side by side: what `fit` does to each of them, at once.

The members of a population share rows, their order, the initial weights and the batch size, which is what makes them
comparable. Each has its own loss, learning rate, decay, early stopping and best epoch, and none can touch another's
numbers: a member equals the same training alone up to the rounding of other matrix products (a test holds them to
1e-12 in float64).

How it is computed is chosen by arithmetic, never by timing, so that the same population gives the same bits on the
same machine: chains of linear layers as stacked matrix products with a backward pass of their own; other networks by
`torch.func`; what that refuses, and networks so wide that a stack would only leave the cache, one after the other.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import torch
from torch import Tensor, nn

from minimand.contracts.loss import Loss
from minimand.training.fit import Course, History, Score, Settings, accuracy_score, batches, mean_one
from minimand.training.rows import Rows
from minimand.training.seeds import named_generator
from minimand.training.stacked.adamw import StackedAdamW
from minimand.training.stacked.functional import FunctionalTrunk
from minimand.training.stacked.objectives import Batch, StackedObjectives
from minimand.training.stacked.trunk import LinearChain, Trunk

Path = Literal["chain", "functional", "one by one"]


@dataclass(frozen=True)
class Member:
    """One training of a population.

    Args:
        loss: bound to the training rows, with state of its own.
        learning_rate: of AdamW, positive.
        weight_decay: of AdamW, nonnegative.
        score: of the validation rows, higher is better.
    """

    loss: Loss
    learning_rate: float
    weight_decay: float
    score: Score = accuracy_score


class Population(Protocol):
    """Trainings under way, an epoch of all of them at a time."""

    path: Path
    histories: list[History]
    """What each member went through, in the order in which the members were given."""
    running: list[int]
    """The members that still train: neither ended nor dropped."""

    def epoch(self) -> None:
        """One pass over the rows for every running member, and its validation score."""
        ...

    def drop(self, members: Sequence[int]) -> None:
        """These members train no further; what they went through stays."""
        ...

    def finish(self, member: int) -> tuple[nn.Module, Loss]:
        """The member's network and loss as of its best epoch, in evaluation mode."""
        ...


def population(
    network: nn.Module,
    members: Sequence[Member],
    training: Rows,
    validation: Rows | None,
    *,
    settings: Settings,
    seed: int,
    path: Path | None = None,
) -> Population:
    """Set up trainings that share everything but loss, learning rate and decay.

    Args:
        network: whose weights all members start with; it is copied.
        members: at least one.
        training: rows to learn from.
        validation: rows that choose each member's epoch; None keeps the last one.
        settings: batch size, epochs and patience; its learning rate and decay are not read.
        seed: of the order of rows and of the network's own randomness.
        path: how to compute; None chooses by the network and the size of a step.

    Raises:
        ValueError: there are no members or rows, or the network cannot go the path that was asked for.
    """
    if not members:
        raise ValueError("a population must have at least one member, got none")
    if not len(training):
        raise ValueError("training must have at least one row, got none")
    wanted: tuple[Path, ...] = paths(network, settings.batch_size) if path is None else (path,)
    for one in wanted[:-1]:
        try:
            return _Stack(network, members, training, validation, settings=settings, seed=seed, path=one)
        except ValueError:
            continue  # what a path cannot compute, the next one can
    if wanted[-1] != "one by one":
        return _Stack(network, members, training, validation, settings=settings, seed=seed, path=wanted[-1])
    return _OneByOne(network, members, training, validation, settings=settings, seed=seed)


MOST_FLOPS = 60e6
"""Floating-point operations of a member's step from which a stack gains nothing: the plain loop is as fast."""
FLOPS_OF_A_STACK = 300e6
"""What the members of a stack do in a step, all together: more leave the cache, fewer pay for calls."""
FEWEST, MOST = 8, 128


def paths(network: nn.Module, batch_size: int) -> tuple[Path, ...]:
    """The ways to compute a population of this network, the first choice first."""
    if step_flops(network, batch_size) > MOST_FLOPS:
        return ("one by one",)
    return ("chain", "functional", "one by one")


def members_of_a_stack(network: nn.Module, batch_size: int) -> int:
    """How many members are best trained side by side."""
    flops = step_flops(network, batch_size)
    return FEWEST if flops <= 0 else int(min(max(FLOPS_OF_A_STACK / flops, FEWEST), MOST))


def step_flops(network: nn.Module, batch_size: int) -> float:
    """Floating-point operations of a step: three products with each weight for each row, two operations each."""
    return 6.0 * batch_size * sum(parameter.numel() for parameter in network.parameters() if parameter.ndim > 1)


class _Stack:
    """A population as one stack of networks."""

    def __init__(
        self,
        network: nn.Module,
        members: Sequence[Member],
        training: Rows,
        validation: Rows | None,
        *,
        settings: Settings,
        seed: int,
        path: Path,
    ) -> None:
        self.path = path
        self._network = network
        self._members = list(members)
        self._training, self._validation, self._settings = training, validation, settings
        self._trunk = _trunk(network, len(members), training.x, path)
        # side by side those with equal settings, so that the optimiser needs few calls.
        self._places = sorted(range(len(members)), key=lambda m: (members[m].learning_rate, members[m].weight_decay))
        self._objectives = StackedObjectives([members[m].loss for m in self._places], training.x.dtype)
        rates = [(members[m].learning_rate, members[m].weight_decay) for m in self._places]
        self._optimizer = StackedAdamW(rates, self._trunk.parameters)
        self._own = {m: _own_optimizer(member) for m, member in enumerate(members)}
        self._weight = mean_one(training.weight)
        self._order = named_generator(seed, "order")
        self.histories = [History() for _ in members]
        self.running = list(range(len(members)))
        # the weights and the losses' states of each member's best epoch; at first, those it starts with.
        self._best_weights = [value.clone() for value in self._trunk.parameters]
        self._best_losses = [_state(member.loss) for member in members]
        self._best_scores = [-math.inf] * len(members)

    def epoch(self) -> None:
        """One pass over the rows for every running member, and its validation score."""
        if not self.running:
            return
        epoch = self.histories[self.running[0]].epochs
        for member in self._places:
            self._members[member].loss.on_epoch(epoch)
            self._members[member].loss.train()
        means = self._pass().tolist()
        ended: list[int] = []
        for member, mean in zip(self._places, means, strict=True):
            self.histories[member].loss.append(mean)
            if not math.isfinite(mean):
                self.histories[member].diverged = True
                ended.append(member)
        if self._validation is not None:
            ended += self._validate({*ended})
        else:
            ended += [member for member in self._places if member not in ended and self._capped(member)]
        if ended:
            self.drop(ended)

    def drop(self, members: Sequence[int]) -> None:
        """These members train no further; what they went through stays."""
        gone = {*members}
        if not gone & {*self.running}:
            return
        if self._validation is None or self._settings.patience is None:
            self._remember([place for place, m in enumerate(self._places) if m in gone and self._keeps_last(m)])
        kept = [place for place, member in enumerate(self._places) if member not in gone]
        self._places = [self._places[place] for place in kept]
        self.running = sorted(self._places)
        if kept:
            index = torch.tensor(kept, device=self._training.x.device)
            self._trunk.keep(index)
            self._optimizer.keep(index)
            self._objectives.keep(index)

    def finish(self, member: int) -> tuple[nn.Module, Loss]:
        """The member's network and loss as of its best epoch, in evaluation mode."""
        import copy

        if member in self.running and (self._validation is None or self._settings.patience is None):
            self._remember([self._places.index(member)])
        history = self.histories[member]
        if self._keeps_last(member):
            history.best_epoch = history.epochs
        network, loss = copy.deepcopy(self._network), self._members[member].loss
        network.load_state_dict(
            {name: value[member] for name, value in zip(self._trunk.names, self._best_weights, strict=True)}
        )
        if self._best_losses[member]:
            loss.load_state_dict(self._best_losses[member])
        return network.eval(), loss.eval()

    def _keeps_last(self, member: int) -> bool:
        """Whether the member's last epoch is kept, not its best: where none is chosen, unless it diverged."""
        chosen = self._validation is not None and self._settings.patience is not None
        return not chosen and not self.histories[member].diverged

    def _capped(self, member: int) -> bool:
        return self.histories[member].epochs >= self._settings.max_epochs

    def _pass(self) -> Tensor:
        """One pass over the rows; the mean loss of each member, in the order of the stack."""
        training = self._training
        totals = torch.zeros(len(self._places), dtype=torch.float64, device=training.x.device)
        own = [optimizer for m in self._places if (optimizer := self._own[m]) is not None]
        for index in batches(len(training), self._settings.batch_size, self._order, training.x.device):
            scores = self._trunk.forward(training.x.index_select(0, index))
            weight = None if self._weight is None else self._weight.index_select(0, index)
            batch = Batch(training.y.index_select(0, index), index, weight)
            values, gradient = self._objectives.values_and_gradient(scores, batch)
            self._trunk.backward(gradient)
            self._optimizer.step(self._trunk.parameters, self._trunk.gradients)
            for optimizer in own:
                optimizer.step()
            totals += values.double() * len(index)
        return totals / len(training)

    def _validate(self, diverged: set[int]) -> list[int]:
        """The validation score of each member that has not diverged in this pass; which of them end."""
        assert self._validation is not None
        ended: list[int] = []
        improved: list[int] = []
        scores = self._trunk.scores(self._validation.x)
        finite = scores.isfinite().flatten(1).all(1).tolist()
        for place, found in enumerate(self._scored(scores, finite, diverged)):
            member = self._places[place]
            history = self.histories[member]
            if member in diverged:
                continue
            if found is None:
                history.diverged = True
                ended.append(member)
                continue
            history.validation.append(found)
            if found > self._best_scores[member]:
                self._best_scores[member], history.best_epoch = found, history.epochs
                improved.append(place)
            patience = self._settings.patience
            history.stopped_early = patience is not None and history.epochs - history.best_epoch >= patience
            if history.stopped_early or self._capped(member):
                ended.append(member)
        if improved:
            self._remember(improved)
        return ended

    def _scored(self, scores: Tensor, finite: Sequence[bool], diverged: set[int]) -> list[float | None]:
        """The validation score of each place; None where a score of the network is not finite."""
        assert self._validation is not None
        target, weight = self._validation.y, self._validation.weight
        judges = [self._members[member].score for member in self._places]
        found: list[float | None] = [None] * len(judges)
        if any(judge is accuracy_score for judge in judges):
            right = (scores.argmax(1) == target).double()
            shares = right.mean(1) if weight is None else right @ (weight.double() / weight.double().sum())
            found = [share if ok else None for share, ok in zip(shares.tolist(), finite, strict=True)]
        for place, judge in enumerate(judges):
            if judge is accuracy_score:
                continue
            if finite[place] and self._places[place] not in diverged:
                self._members[self._places[place]].loss.eval()
                found[place] = judge(scores[place].t().contiguous(), target, weight)
        return found

    def _remember(self, places: Sequence[int]) -> None:
        """Keep the weights of the members at these places, and the states of their losses."""
        if not places:
            return
        members = [self._places[place] for place in places]
        here = torch.tensor(list(places), device=self._training.x.device)
        there = torch.tensor(members, device=self._training.x.device)
        for best, now in zip(self._best_weights, self._trunk.parameters, strict=True):
            best.index_copy_(0, there, now.index_select(0, here))
        for member in members:
            if self._best_losses[member]:
                self._best_losses[member] = _state(self._members[member].loss)


class _OneByOne:
    """A population whose members are trained by the plain loop, an epoch of each in turn."""

    path: Path = "one by one"

    def __init__(
        self,
        network: nn.Module,
        members: Sequence[Member],
        training: Rows,
        validation: Rows | None,
        *,
        settings: Settings,
        seed: int,
    ) -> None:
        import copy
        from dataclasses import replace

        self._courses = [
            Course(
                copy.deepcopy(network),
                member.loss,
                training,
                validation,
                settings=replace(settings, learning_rate=member.learning_rate, weight_decay=member.weight_decay),
                seed=seed,
                score=member.score,
            )
            for member in members
        ]
        self.histories = [course.history for course in self._courses]
        self.running = list(range(len(members)))

    def epoch(self) -> None:
        """One pass over the rows for every running member, and its validation score."""
        for member in self.running:
            self._courses[member].epoch()
        self.running = [member for member in self.running if not self._courses[member].ended]

    def drop(self, members: Sequence[int]) -> None:
        """These members train no further; what they went through stays."""
        self.running = [member for member in self.running if member not in {*members}]

    def finish(self, member: int) -> tuple[nn.Module, Loss]:
        """The member's network and loss as of its best epoch, in evaluation mode."""
        course = self._courses[member]
        course.finish()
        return course.network, course.loss


def _trunk(network: nn.Module, members: int, x: Tensor, path: Path) -> Trunk:
    if path == "chain":
        if x.ndim != 2:
            raise ValueError("a chain of linear layers needs inputs of shape (n, features)")
        return LinearChain(network, members)
    return FunctionalTrunk(network, members, x)


def _own_optimizer(member: Member) -> torch.optim.Optimizer | None:
    own = [parameter for parameter in member.loss.parameters() if parameter.requires_grad]
    return torch.optim.AdamW(own, lr=member.learning_rate, weight_decay=0.0, fused=True) if own else None


def _state(loss: Loss) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in loss.state_dict().items()}
