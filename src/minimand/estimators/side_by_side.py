"""Estimators that differ in objective and settings alone, fitted side by side: each as if it were fitted alone.

The rows are checked and encoded once, and the networks are trained as a population, which costs a fraction of as many
fits. `SideBySide` stops at any epoch, drops the estimators that are not worth going on with, and finishes those that
are asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from torch import nn

from minimand.estimators.network_estimator import NetworkEstimator, Prepared
from minimand.estimators.values import ValueFacts
from minimand.training.fit import History
from minimand.training.stacked.population import Member, Path, Population, population

Trained = tuple[Population, int]
"""A population, and a place in it."""


class SideBySide:
    """The trainings of several estimators on the same rows, under way.

    Args:
        estimators: not fitted yet, with the same encoder, device, seed, network, batch size, epochs and patience; they
            may differ in objective, its parameters, learning rate, decay and metric.
        X, y, sample_weight, X_val, y_val, sample_weight_val: as `fit` has them.
        path: how to compute, see `population`; None chooses by arithmetic.

    Raises:
        ValueError: parameters that must be equal are not, or what `fit` refuses.
        TypeError: what `fit` refuses.
    """

    def __init__(
        self,
        estimators: Sequence[NetworkEstimator],
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
        path: Path | None = None,
    ) -> None:
        _require_alike(estimators)
        self.estimators = list(estimators)
        self._prepared: list[Prepared] = []
        known: list[tuple[NetworkEstimator, tuple[Any, ...], Prepared]] = []
        alike: list[tuple[nn.Module, str, Prepared, list[int], list[Member]]] = []
        for place, estimator in enumerate(self.estimators):
            prepared = self._prepared_for(estimator, known, X, y, sample_weight, X_val, y_val, sample_weight_val)
            self._prepared.append(prepared)
            network, loss, score = estimator._untrained(prepared)
            settings = estimator._settings()
            member = Member(loss, settings.learning_rate, settings.weight_decay, score)
            # what a network is made of: objectives that need other outputs train another one.
            form = f"{network}{sum(p.numel() for p in network.parameters())}"
            for _, other, rows, places, members in alike:
                if other == form and rows is prepared:
                    places.append(place)
                    members.append(member)
                    break
            else:
                alike.append((network, form, prepared, [place], [member]))
        self._trained: dict[int, Trained] = {}
        self.populations: list[Population] = []
        for network, _, prepared, places, members in alike:
            made = population(
                network,
                members,
                prepared.rows,
                prepared.held,
                settings=replace(self.estimators[places[0]]._settings(), learning_rate=1e-3, weight_decay=0.0),
                seed=prepared.seed,
                path=path,
            )
            self.populations.append(made)
            self._trained |= {place: (made, position) for position, place in enumerate(places)}

    @property
    def running(self) -> list[int]:
        """The estimators that still train, by their places."""
        return [place for place, (made, position) in sorted(self._trained.items()) if position in made.running]

    def history(self, place: int) -> History:
        """What the training of an estimator went through so far."""
        made, position = self._trained[place]
        return made.histories[position]

    def train(self, *, until: int | None = None) -> None:
        """Trains to this epoch (counted from 1), or to the end of every training."""
        for made in self.populations:
            while made.running and (until is None or made.histories[made.running[0]].epochs < until):
                made.epoch()

    def drop(self, places: Sequence[int]) -> None:
        """These estimators train no further; what they have gone through stays."""
        for made in self.populations:
            made.drop([position for place in places for one, position in [self._trained[place]] if one is made])

    def finish(self, place: int) -> NetworkEstimator:
        """The estimator fitted, with the weights of its best epoch so far."""
        made, position = self._trained[place]
        network, loss = made.finish(position)
        estimator = self.estimators[place]
        for name in ("n_features_in_", "feature_names_in_"):
            if hasattr(self.estimators[0], name):
                setattr(estimator, name, getattr(self.estimators[0], name))
        estimator._keep(self._prepared[place], network, loss, made.histories[position])
        return estimator

    def _prepared_for(
        self, estimator: NetworkEstimator, known: list[tuple[NetworkEstimator, tuple[Any, ...], Prepared]], *data: Any
    ) -> Prepared:
        """The rows for an estimator: those of another one where they are the same."""
        parameters = estimator._data_parameters()
        for other, its_parameters, prepared in known:
            if type(other) is type(estimator) and _same(its_parameters, parameters):
                return prepared
        known.append((estimator, parameters, estimator._prepared(*data)))
        return known[-1][2]


def fit_side_by_side(
    estimators: Sequence[NetworkEstimator],
    X: Any,
    y: Any,
    sample_weight: Any = None,
    *,
    X_val: Any = None,
    y_val: Any = None,
    sample_weight_val: Any = None,
) -> list[Any]:
    """Fit estimators that differ in objective and settings alone, in a fraction of the time of as many fits.

    Args:
        estimators, X, y, sample_weight, X_val, y_val, sample_weight_val: as in `SideBySide`.

    Returns:
        The same estimators, fitted: each as by its own `fit`, up to the rounding of other matrix products.

    Raises:
        ValueError: parameters that must be equal are not, or what `fit` refuses.
        TypeError: what `fit` refuses.
    """
    trainings = SideBySide(
        estimators, X, y, sample_weight, X_val=X_val, y_val=y_val, sample_weight_val=sample_weight_val
    )
    trainings.train()
    return [trainings.finish(place) for place in range(len(trainings.estimators))]


ALIKE = ("module", "hidden", "encoder", "batch_size", "max_epochs", "patience", "device", "random_state")


def _require_alike(estimators: Sequence[NetworkEstimator]) -> None:
    if not estimators:
        raise ValueError("estimators must not be empty")
    first = estimators[0]
    for estimator in estimators:
        if type(estimator) is not type(first):
            kinds = f"{type(first).__name__} and {type(estimator).__name__}"
            raise ValueError(f"estimators must be of one kind, got {kinds}")
        for name in ALIKE:
            if not _same((getattr(estimator, name),), (getattr(first, name),)):
                raise ValueError(f"estimators must have the same {name} to be fitted side by side")
    if not isinstance(first.random_state, int):
        raise ValueError(f"estimators must have an integer random_state, got {first.random_state!r}")


def _same(some: tuple[Any, ...], others: tuple[Any, ...]) -> bool:
    """Whether parameters are the same: one object, or equal values of a kind that says so in one word."""
    return len(some) == len(others) and all(_alike(a, b) for a, b in zip(some, others, strict=True))


def _alike(a: Any, b: Any) -> bool:
    if a is b:
        return True
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return a.dtype == b.dtype and np.array_equal(a, b)
    plain = (str, int, float, bool, tuple, list, type(None), ValueFacts)
    return isinstance(a, plain) and isinstance(b, plain) and bool(a == b)
