"""The losses of a stack on its scores: values of all members, and gradients without a graph through the network.

Losses that are functions of row statistics share one log-softmax over the whole stack and are differentiated in the
statistics only, one number a row. Other losses without state are evaluated once for all members that have the same
hyperparameters. Whatever remembers, couples rows, draws numbers or has parameters of its own is called member by
member, as the plain loop calls it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from minimand.contracts.card import Trait, card_of
from minimand.contracts.loss import Loss, LossModule
from minimand.contracts.rows import RowStatistics

SOFTMAX_STATISTICS = frozenset({"log_p_target", "mean_log_p"})


@dataclass
class Batch:
    """A batch that every member sees: targets, row numbers in the training set, and weights."""

    target: Tensor
    index: Tensor
    weight: Tensor | None


@dataclass
class _Group:
    """Members, by their places in the stack, whose loss is one call."""

    loss: Loss
    members: list[int]
    row: Any = None
    hyper: Mapping[str, Any] = field(default_factory=dict)

    def places(self, like: Tensor) -> Tensor:
        return torch.tensor(self.members, device=like.device)


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
        rows: dict[Any, list[int]] = {}
        plain: dict[Any, list[int]] = {}
        self._alone: list[int] = []
        for member, loss in enumerate(self.losses):
            if not _is_plain(loss):
                self._alone.append(member)
            elif (row := _softmax_row(loss)) is not None:
                rows.setdefault(row, []).append(member)
            else:
                plain.setdefault((type(loss), _values(loss)), []).append(member)
        self._rows = [group for row, members in rows.items() for group in self._row_groups(row, members)]
        self._plain = [_Group(self.losses[members[0]], members) for members in plain.values()]
        of_rows = [member for group in self._rows for member in group.members]
        self._softmax = None if len(of_rows) == len(self.losses) else torch.tensor(sorted(of_rows), dtype=torch.long)
        # places among the members whose softmax is computed
        place = {member: position for position, member in enumerate(sorted(of_rows))}
        for group in self._rows:
            group.members = [place[member] for member in group.members]
        self._needs_mean = any("mean_log_p" in vars(group.row)["needs"] for group in self._rows)

    def _row_groups(self, row: Any, members: list[int]) -> list[_Group]:
        """One group with a column of each hyperparameter where the row function takes it; else one for each value."""
        by_value: dict[Any, list[int]] = {}
        for member in members:
            by_value.setdefault(_values(self.losses[member]), []).append(member)
        if len(by_value) > 1:
            hypers = [_hyper(self.losses[member]) for member in members]
            columns = {
                name: torch.tensor([[float(hyper[name])] for hyper in hypers], dtype=self._dtype) for name in hypers[0]
            }
            if _takes_columns(row, hypers, self._dtype):
                return [_Group(self.losses[members[0]], members, row, columns)]
        return [_Group(self.losses[same[0]], same, row, _hyper(self.losses[same[0]])) for same in by_value.values()]

    def keep(self, index: Tensor) -> None:
        """Only these members go on, in this order."""
        self.losses = [self.losses[member] for member in index.tolist()]
        self._arrange()

    def values_and_gradient(self, scores: Tensor, batch: Batch) -> tuple[Tensor, Tensor]:
        """The mean of each member's loss `(M,)`, and its gradient in the scores `(M, K, B)`.

        Parameters of the losses' own get their gradients too. Each value is divided by the number of rows, as in the
        plain loop; members are summed, so none changes another's gradient.
        """
        values = scores.new_empty(len(self.losses))
        gradient = self._of_rows(scores, batch, values)
        for group in self._plain:
            self._of_plain(group, scores, batch, values, gradient)
        for member in self._alone:
            self._of_one(member, scores, batch, values, gradient)
        return values, gradient

    def _of_rows(self, scores: Tensor, batch: Batch, values: Tensor) -> Tensor:
        if not self._rows:
            return torch.empty_like(scores)
        chosen = self._softmax
        n_rows, n_classes = len(batch.target), scores.shape[1]
        log_p = (scores if chosen is None else scores.index_select(0, chosen)).log_softmax(1)
        at_target = batch.target.expand(len(log_p), 1, n_rows)
        log_p_target = log_p.gather(1, at_target).squeeze(1)
        mean_log_p = log_p.mean(1) if self._needs_mean else None
        slope = torch.zeros_like(log_p_target)
        mean_slope = torch.zeros_like(log_p_target) if self._needs_mean else None
        found = torch.empty(len(log_p), dtype=scores.dtype, device=scores.device)
        share = 1 / n_rows if batch.weight is None else batch.weight.to(scores.dtype) / n_rows
        for group in self._rows:
            whole = len(group.members) == len(log_p)
            places = group.places(scores)
            needs = vars(group.row)["needs"]
            leaves: dict[str, Tensor] = {}
            for name, statistic in (("log_p_target", log_p_target), ("mean_log_p", mean_log_p)):
                if name in needs and statistic is not None:
                    leaves[name] = (statistic.detach() if whole else statistic.index_select(0, places)).requires_grad_()
            rows = group.row(RowStatistics(n_classes, leaves), **group.hyper) * share
            of_members = rows.sum(1)
            slopes = torch.autograd.grad(of_members.sum(), list(leaves.values()), allow_unused=True)
            found.index_copy_(0, places, of_members.detach())
            for name, one in zip(leaves, slopes, strict=True):
                into = slope if name == "log_p_target" else mean_slope
                if one is not None and into is not None:
                    into.index_copy_(0, places, one)
        # d log p_y / d z_k = [k = y] - p_k, and d (mean log p) / d z_k = 1 / K - p_k.
        total = slope if mean_slope is None else slope + mean_slope
        inner = log_p.exp_().mul_(total.neg().unsqueeze(1))
        inner.scatter_add_(1, at_target, slope.unsqueeze(1))
        if mean_slope is not None:
            inner.add_(mean_slope.unsqueeze(1) / n_classes)
        if chosen is None:
            values.copy_(found)
            return inner
        values.index_copy_(0, chosen, found)
        return torch.empty_like(scores).index_copy_(0, chosen, inner)

    def _of_plain(self, group: _Group, scores: Tensor, batch: Batch, values: Tensor, gradient: Tensor) -> None:
        places, count, n_rows = group.places(scores), len(group.members), len(batch.target)
        pred = scores.index_select(0, places).transpose(1, 2).reshape(count * n_rows, -1).requires_grad_()
        target = batch.target.repeat(count, *[1] * (batch.target.ndim - 1))
        assert isinstance(group.loss, LossModule)
        weight = None if batch.weight is None else batch.weight.repeat(count)
        keywords = {**group.loss.hyperparameters(), "reduction": "none"}
        rows = type(group.loss).function(pred, target, sample_weight=weight, **keywords)
        of_members = rows.view(count, n_rows).sum(1) / n_rows
        (slope,) = torch.autograd.grad(of_members.sum(), pred)
        values.index_copy_(0, places, of_members.detach())
        gradient.index_copy_(0, places, slope.view(count, n_rows, -1).transpose(1, 2))

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


def _is_plain(loss: Loss) -> bool:
    """Whether a row's value depends on that row and the hyperparameters alone."""
    card = card_of(loss)
    return isinstance(loss, LossModule) and card is not None and Trait.BATCH_COUPLED not in card.traits


def _softmax_row(loss: Loss) -> Any:
    """The row function of a plain loss that needs statistics of the softmax only, or None."""
    card = card_of(loss)
    row = None if card is None else card.row
    if row is None or not vars(row)["needs"] or vars(row)["needs"] - SOFTMAX_STATISTICS:
        return None
    return row


def _hyper(loss: Loss) -> dict[str, Any]:
    return {name: getattr(loss, name) for name in loss.hyper}


def _values(loss: Loss) -> tuple[Any, ...]:
    """The hyperparameters as a key; what cannot be one is told apart by its identity."""
    found = [getattr(loss, name) for name in loss.hyper]
    return tuple(value if isinstance(value, (int, float, str, bool, type(None))) else id(value) for value in found)


def _takes_columns(row: Any, hypers: Sequence[Mapping[str, Any]], dtype: torch.dtype) -> bool:
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
