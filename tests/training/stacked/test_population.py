"""A member of a population is the same training as the configuration alone, for every loss of the catalogue."""

import copy
import math

import pytest
import torch
from torch import nn

from minimand.contracts.card import Task
from minimand.contracts.catalogue import cards
from minimand.contracts.task import TaskInfo, bind
from minimand.training.early_stopping import EarlyStopping
from minimand.training.fit import Course, Settings, accuracy_score, fit
from minimand.training.networks import mlp
from minimand.training.rows import Rows
from minimand.training.seeds import named_generator
from minimand.training.stacked.population import Member, members_of_a_stack, paths, population

SETTINGS = Settings(batch_size=16, max_epochs=3, patience=2)
RATES = ((3e-3, 1e-2), (1e-2, 0.0), (1e-3, 1.0))


def rows(n=59, *, n_features=6, n_outputs=4, kind="classes", weighted=False, seed=0):
    rng = torch.Generator().manual_seed(seed)
    x = torch.randn(n, n_features, generator=rng, dtype=torch.float64)
    if kind == "classes":
        y = torch.randint(0, n_outputs, (n,), generator=rng)
        y[:n_outputs] = torch.arange(n_outputs)
    elif kind == "labels":
        y = torch.randint(0, 2, (n, n_outputs), generator=rng)
    else:
        y = x[:, 0].abs() + torch.rand(n, generator=rng, dtype=torch.float64) + 0.1
    weight = torch.rand(n, generator=rng, dtype=torch.float64) + 0.5 if weighted else None
    return Rows(x, y, weight)


def task_of(training, n_outputs, kind):
    rng = named_generator(7, "loss noise")
    if kind == "numbers":
        return TaskInfo.of_values(training.y, sample_weight=training.weight, rng=rng)
    return TaskInfo.of(training.y, n_outputs, sample_weight=training.weight, rng=rng)


def kind_of(card):
    if Task.MULTILABEL in card.tasks:
        return "labels"
    return "numbers" if Task.REGRESSION in card.tasks else "classes"


def outputs_of(card, hyper):
    if kind_of(card) != "numbers":
        return 2 if card.tasks == {Task.BINARY} else 4
    outputs = card.facts["outputs"]
    return outputs(**{**card.defaults, **hyper}) if callable(outputs) else outputs


def corners(card):
    """Three settings of the hyperparameters: the defaults, and both ends of the search space."""
    low = {name: span.low for name, span in card.search.items()}
    high = {name: span.high for name, span in card.search.items()}
    return ({}, low, high)


def negative_loss(scores, target, weight):
    """A validation score that every objective and target has: how near zero the scores are."""
    return -float(scores.abs().mean())


def bound(card, hyper, training, n_outputs, kind):
    task = task_of(training, n_outputs, kind)
    needs = {name: example(task) for name, example in card.needs.items()}
    return bind(card.component, task, **{**needs, **hyper}).double()


@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
@pytest.mark.parametrize("card", [pytest.param(card, id=card.id) for card in cards("loss")])
def test_member_equals_the_training_alone(card, weighted):
    kind, hypers = kind_of(card), corners(card)
    n_outputs = outputs_of(card, {})
    hypers = [hyper for hyper in hypers if outputs_of(card, hyper) == n_outputs]
    training = rows(kind=kind, n_outputs=n_outputs, weighted=weighted)
    validation = rows(21, kind=kind, n_outputs=n_outputs, seed=1)
    network = mlp(6, n_outputs, hidden=(5, 4), seed=3).double()
    score = accuracy_score if kind == "classes" else negative_loss
    # settings cross hyperparameters, so that neither groups of equal losses nor of equal rates are whole
    chosen = [(hyper, rates) for hyper in hypers for rates in RATES]

    def losses():
        return [bound(card, hyper, training, n_outputs, kind) for hyper, _ in chosen]

    members = [Member(loss, *rates, score) for loss, (_, rates) in zip(losses(), chosen, strict=True)]
    together = population(network, members, training, validation, settings=SETTINGS, seed=5)
    assert together.path == "chain"
    while together.running:
        together.epoch()
    for member, (loss, (_, (learning_rate, weight_decay))) in enumerate(zip(losses(), chosen, strict=True)):
        alone = copy.deepcopy(network)
        settings = Settings(learning_rate, weight_decay, batch_size=16, max_epochs=3, patience=2)
        history = fit(alone, loss, training, validation, settings=settings, seed=5, score=score)
        found, own = together.finish(member)
        reached = together.histories[member]
        assert (reached.epochs, reached.best_epoch, reached.stopped_early, reached.diverged) == (
            history.epochs,
            history.best_epoch,
            history.stopped_early,
            history.diverged,
        )
        assert reached.loss == pytest.approx(history.loss, rel=1e-12, abs=1e-12)
        assert reached.validation == pytest.approx(history.validation, rel=1e-12, abs=1e-12)
        for ours, expected in zip(found.state_dict().values(), alone.state_dict().values(), strict=True):
            torch.testing.assert_close(ours, expected, rtol=1e-12, atol=1e-12)
        for ours, expected in zip(own.state_dict().values(), loss.state_dict().values(), strict=True):
            torch.testing.assert_close(ours, expected, rtol=1e-12, atol=1e-12)
