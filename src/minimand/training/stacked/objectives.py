"""The losses of a stack on its scores: values of all members, and gradients without a graph through the network.

Losses that are functions of row statistics share one log-softmax over the whole stack and are differentiated in the
statistics only, one number a row. Other losses without state are evaluated once for all members that have the same
hyperparameters. Whatever remembers, couples rows, draws numbers or has parameters of its own is called member by
member, as the plain loop calls it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from minimand.contracts.card import Trait, card_of
from minimand.contracts.loss import Loss, LossModule
from minimand.contracts.rows import RowStatistics

STACKED_STATISTICS = frozenset({"log_p_target", "mean_log_p", "mean_of_other_squares"})
"""The statistics that are computed here for the whole stack; a loss that needs others is evaluated on the scores."""


@dataclass
class Batch:
    """A batch that every member sees: targets, row numbers in the training set, and weights."""

    target: Tensor
    index: Tensor
    weight: Tensor | None


@dataclass
class _Group:
    """Members whose loss is one call: neighbours in the order in which the objectives are computed."""

    start: int
    end: int
    loss: Loss
    row: Any = None
    hyper: Mapping[str, Any] = field(default_factory=dict)

    @property
    def count(self) -> int:
        return self.end - self.start


class StackedObjectives:
    """The bound losses of the members of a stack.

    Args:
        losses: one for each member, each with state of its own.
        dtype: of the scores.
    """

    def __init__(self, losses: Sequence[Loss], dtype: torch.dtype) -> None:
        self.losses = list(losses)
        self._dtype = dtype
        self._arrange()

    def _arrange(self) -> None:
        """Divide the members into groups, and find the order in which groups are neighbours."""
        rows: dict[Any, list[int]] = {}
        plain: dict[Any, list[int]] = {}
        self._alone: list[int] = []
        for member, loss in enumerate(self.losses):
            if not _is_plain(loss):
                self._alone.append(member)
            elif (row := _stacked_row(loss)) is not None:
                rows.setdefault(row, []).append(member)
            else:
                plain.setdefault((type(loss), _values(loss)), []).append(member)
        order: list[int] = []
        self._rows: list[_Group] = []
        self._plain: list[_Group] = []
        for row, members in rows.items():
            for same, hyper in self._row_groups(row, members):
                self._rows.append(_Group(len(order), len(order) + len(same), self.losses[same[0]], row, hyper))
                order += same
        self._n_rows = len(order)
        for same in plain.values():
            self._plain.append(_Group(len(order), len(order) + len(same), self.losses[same[0]]))
            order += same
        self._order = None if order == list(range(len(self.losses))) else torch.tensor(order, dtype=torch.long)
        needs = {name for group in self._rows for name in vars(group.row)["needs"]}
        self._statistics = sorted(needs)

    def _row_groups(self, row: Any, members: list[int]) -> list[tuple[list[int], Mapping[str, Any]]]:
        """One group with a column of each hyperparameter where the row function takes it; else one for each value."""
        by_value: dict[Any, list[int]] = {}
        for member in members:
            by_value.setdefault(_values(self.losses[member]), []).append(member)
        if len(by_value) > 1:
            hypers = [_hyper(self.losses[member]) for member in members]
            if _takes_columns(row, hypers):
                columns = {
                    name: torch.tensor([[float(hyper[name])] for hyper in hypers], dtype=self._dtype)
                    for name in hypers[0]
                }
                return [(members, columns)]
        return [(same, _hyper(self.losses[same[0]])) for same in by_value.values()]

    def keep(self, index: Tensor) -> None:
        """Only these members go on, in this order."""
        self.losses = [self.losses[member] for member in index.tolist()]
        self._arrange()

    def values_and_gradient(self, scores: Tensor, batch: Batch) -> tuple[Tensor, Tensor]:
        """The mean of each member's loss `(M,)`, and its gradient in the scores `(M, K, B)`.

        Parameters of the losses' own get their gradients too. Each value is divided by the number of rows, as in the
        plain loop; members are summed, so none changes another's gradient.
        """
        values, gradient = self._of_groups(scores, batch)
        for member in self._alone:
            self._of_one(member, scores, batch, values, gradient)
        return values, gradient

    def _of_groups(self, scores: Tensor, batch: Batch) -> tuple[Tensor, Tensor]:
        """Values and gradients of all members that are in groups, by one call of autograd for all of them."""
        if not self._rows and not self._plain:
            return scores.new_empty(len(scores)), torch.empty_like(scores)
        n_rows = len(batch.target)
        share = 1 / n_rows if batch.weight is None else batch.weight.to(scores.dtype) / n_rows
        chosen = scores if self._order is None else scores.index_select(0, self._order)
        statistics = _Statistics(chosen[: self._n_rows], batch.target, self._statistics)
        leaves: list[Tensor] = []
        found: list[Tensor] = []
        for group in self._rows:
            own = statistics.leaves(group.start, group.end, vars(group.row)["needs"])
            leaves += own.values()
            found.append((group.row(RowStatistics(scores.shape[1], own), **group.hyper) * share).sum(1))
        for group in self._plain:
            pred = chosen[group.start : group.end].transpose(1, 2).reshape(group.count * n_rows, -1).requires_grad_()
            leaves.append(pred)
            found.append(_plain_rows(group, pred, batch).view(group.count, n_rows).sum(1) / n_rows)
        values = torch.cat(found) if len(found) > 1 else found[0]
        slopes = torch.autograd.grad(values.sum(), leaves, allow_unused=True)
        gradient = torch.empty_like(chosen)
        taken = 0
        if self._rows:
            for group in self._rows:
                needs = vars(group.row)["needs"]
                statistics.take(group.start, group.end, needs, slopes[taken : taken + len(needs)])
                taken += len(needs)
            statistics.gradient_into(gradient[: self._n_rows])
        for group, slope in zip(self._plain, slopes[taken:], strict=True):
            gradient[group.start : group.end] = slope.view(group.count, n_rows, -1).transpose(1, 2)
        if self._order is None:
            return values.detach(), gradient
        back = scores.new_empty(len(scores)).index_copy_(0, self._order, values.detach())
        return back, torch.empty_like(scores).index_copy_(0, self._order, gradient)

    def _of_one(self, member: int, scores: Tensor, batch: Batch, values: Tensor, gradient: Tensor) -> None:
        loss = self.losses[member]
        pred = scores[member].t().contiguous().requires_grad_()
        whole, _ = loss.sum_and_count(pred, batch.target, index=batch.index, sample_weight=batch.weight)
        value = whole / len(batch.target)
        own = [parameter for parameter in loss.parameters() if parameter.requires_grad]
        slopes = torch.autograd.grad(value, [pred, *own], allow_unused=True)
        for parameter, slope in zip(own, slopes[1:], strict=True):
            parameter.grad = slope
        values[member] = value.detach()
        gradient[member] = 0.0 if slopes[0] is None else slopes[0].t()


class _Statistics:
    """Row statistics of a stack of scores `(M, K, B)`, and the way back from slopes in them to slopes in the scores.

    The same numbers as `contracts.rows.dense_statistics`, which defines them; the derivatives are written out:
    d log p_y / d z_k = [k = y] - p_k, d (mean log p) / d z_k = 1 / K - p_k, and twice the score over K - 1 for the
    squares of the others.
    """

    def __init__(self, scores: Tensor, target: Tensor, names: Sequence[str]) -> None:
        self._n_classes = scores.shape[1]
        self._values: dict[str, Tensor] = {}
        self._slopes: dict[str, Tensor] = {}
        if not names:
            return
        self._at_target = target.expand(len(scores), 1, len(target))
        if "log_p_target" in names or "mean_log_p" in names:
            self._log_p = scores.log_softmax(1)
            self._values["log_p_target"] = self._log_p.gather(1, self._at_target).squeeze(1)
        if "mean_log_p" in names:
            self._values["mean_log_p"] = (self._log_p / self._n_classes).sum(1)
        if "mean_of_other_squares" in names:
            self._others = scores.scatter(1, self._at_target, 0.0)
            self._scaled = self._others / max(self._n_classes - 1, 1)
            self._values["mean_of_other_squares"] = (self._others * self._scaled).sum(1)
        self._slopes = {name: torch.zeros_like(value) for name, value in self._values.items()}

    def leaves(self, start: int, end: int, needs: Iterable[str]) -> dict[str, Tensor]:
        """The statistics of some members, to be differentiated in."""
        return {name: self._values[name][start:end].detach().requires_grad_() for name in sorted(needs)}

    def take(self, start: int, end: int, needs: Iterable[str], slopes: Sequence[Tensor | None]) -> None:
        """Keep the slopes in the statistics of some members, in the order of `leaves`."""
        for name, slope in zip(sorted(needs), slopes, strict=True):
            if slope is not None:
                self._slopes[name][start:end] = slope

    def gradient_into(self, gradient: Tensor) -> None:
        """The slopes in the scores."""
        target, mean = self._slopes.get("log_p_target"), self._slopes.get("mean_log_p")
        if target is not None:
            total = target if mean is None else target + mean
            torch.mul(self._log_p.exp_(), total.neg().unsqueeze(1), out=gradient)
            gradient.scatter_add_(1, self._at_target, target.unsqueeze(1))
            if mean is not None:
                gradient.add_(mean.unsqueeze(1) / self._n_classes)
        else:
            gradient.zero_()
        if "mean_of_other_squares" in self._slopes:
            gradient.addcmul_(self._scaled, self._slopes["mean_of_other_squares"].unsqueeze(1), value=2.0)


def _plain_rows(group: _Group, pred: Tensor, batch: Batch) -> Tensor:
    """The value of each row, weighted, of members that share a plain loss; `pred` holds one member after the other."""
    assert isinstance(group.loss, LossModule)
    target = batch.target.repeat(group.count, *[1] * (batch.target.ndim - 1))
    weight = None if batch.weight is None else batch.weight.repeat(group.count)
    keywords = {**group.loss.hyperparameters(), "reduction": "none"}
    rows: Tensor = type(group.loss).function(pred, target, sample_weight=weight, **keywords)
    return rows


def _is_plain(loss: Loss) -> bool:
    """Whether a row's value depends on that row and the hyperparameters alone."""
    card = card_of(loss)
    return isinstance(loss, LossModule) and card is not None and Trait.BATCH_COUPLED not in card.traits


def _stacked_row(loss: Loss) -> Any:
    """The row function of a plain loss that needs stacked statistics only, or None."""
    card = card_of(loss)
    row = None if card is None else card.row
    if row is None or not vars(row)["needs"] or vars(row)["needs"] - STACKED_STATISTICS:
        return None
    return row


def _hyper(loss: Loss) -> dict[str, Any]:
    return {name: getattr(loss, name) for name in loss.hyper}


def _values(loss: Loss) -> tuple[Any, ...]:
    """The hyperparameters as a key; what cannot be one is told apart by its identity."""
    found = [getattr(loss, name) for name in loss.hyper]
    return tuple(value if isinstance(value, (int, float, str, bool, type(None))) else id(value) for value in found)


def _takes_columns(row: Any, hypers: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a row function gives the same values and slopes with a column of each hyperparameter as one by one.

    It is tried on statistics from the whole range: what branches on a value in Python, or treats one as special,
    says no.
    """
    if any(isinstance(value, bool) or not isinstance(value, (int, float)) for h in hypers for value in h.values()):
        return False
    grid = -torch.tensor([0.0, 1e-9, 1e-3, 0.1, 0.7, 2.0, 5.0, 20.0, 80.0, 1e3, 1e4], dtype=torch.float64)
    columns = {name: torch.tensor([[float(h[name])] for h in hypers], dtype=torch.float64) for name in hypers[0]}

    def evaluated(count: int, hyper: Mapping[str, Any]) -> list[Tensor]:
        names = sorted(vars(row)["needs"])
        leaves = {name: grid.expand(count, -1).clone().requires_grad_() for name in names}
        value = row(RowStatistics(5, leaves), **hyper)
        slopes = torch.autograd.grad(value.sum(), list(leaves.values()), allow_unused=True)
        return [value.detach(), *(torch.zeros_like(value) if slope is None else slope for slope in slopes)]

    try:
        together = evaluated(len(hypers), columns)
    except (TypeError, RuntimeError, ValueError):
        return False
    for member, hyper in enumerate(hypers):
        for column, alone in zip(together, evaluated(1, hyper), strict=True):
            if not torch.allclose(column[member], alone[0], rtol=1e-12, atol=1e-300):
                return False
    return True
