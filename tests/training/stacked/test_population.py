"""A member of a population is the same training as the configuration alone, for every loss of the catalogue."""

import copy
import math

import pytest
import torch
from torch import nn

from minimand.contracts.card import Task, Trait
from minimand.contracts.catalogue import cards
from minimand.contracts.loss import LossModule
from minimand.contracts.loss import loss as loss_card
from minimand.contracts.reduction import reduce_rows
from minimand.contracts.task import TaskInfo, bind
from minimand.losses import cross_entropy_loss, focal_loss
from minimand.training.fit import Settings, accuracy_score, fit
from minimand.training.networks import mlp
from minimand.training.rows import Rows
from minimand.training.seeds import named_generator
from minimand.training.stacked.population import Member, members_of_a_stack, paths, population

SETTINGS = Settings(batch_size=16, max_epochs=2, patience=1)
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


def numbers_of(history, network, loss):
    """Everything that a training leaves behind, in one row."""
    states = [*network.state_dict().values(), *loss.state_dict().values()]
    parts = [torch.tensor(history.loss + history.validation).double(), *(state.double().flatten() for state in states)]
    return torch.cat(parts)


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
        settings = Settings(learning_rate, weight_decay, batch_size=16, max_epochs=2, patience=1)
        history = fit(alone, loss, training, validation, settings=settings, seed=5, score=score)
        found, own = together.finish(member)
        reached = together.histories[member]
        assert (reached.epochs, reached.best_epoch, reached.stopped_early, reached.diverged) == (
            history.epochs,
            history.best_epoch,
            history.stopped_early,
            history.diverged,
        )
        ours = numbers_of(reached, found, own)
        expected = numbers_of(history, alone, loss)
        if not torch.allclose(ours, expected, rtol=1e-12, atol=1e-12):
            # a loss that blows up rounding errors: as near as the training alone is to itself, when its first weights
            # are off by one rounding.
            moved, again = copy.deepcopy(network), losses()[member]
            for parameter in moved.parameters():
                parameter.data *= 1 + 2**-52
            itself = numbers_of(
                fit(moved, again, training, validation, settings=settings, seed=5, score=score), moved, again
            )
            assert (ours - expected).abs().max() <= 10 * (itself - expected).abs().max()


SMOOTH = (nn.Tanh(), nn.Sigmoid(), nn.SiLU(), nn.GELU(), nn.GELU(approximate="tanh"), nn.Softplus(beta=2))
ACTIVATIONS = (nn.ReLU(), *SMOOTH)


def chain(activation):
    torch.manual_seed(0)
    inner = nn.Sequential(nn.Linear(6, 5), copy.deepcopy(activation), nn.Identity())
    return nn.Sequential(inner, nn.Linear(5, 4, bias=False), copy.deepcopy(activation), nn.Linear(4, 4)).double()


class Residual(nn.Module):
    """A network that is no chain."""

    def __init__(self):
        super().__init__()
        self.inside, self.norm, self.out = nn.Linear(6, 6), nn.LayerNorm(6), nn.Linear(6, 4)

    def forward(self, x):
        return self.out(self.norm(x + self.inside(x).relu()))


def residual():
    torch.manual_seed(0)
    return Residual().double()


def with_dropout():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 8), nn.Dropout(0.3), nn.ReLU(), nn.Linear(8, 4)).double()


def with_batch_norm():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 4)).double()


def members_for(training, score=accuracy_score):
    objectives = (cross_entropy_loss, focal_loss)
    return [
        Member(bind(objective, task_of(training, 4, "classes")), *rates, score)
        for objective in objectives
        for rates in RATES
    ]


def trained_alone(network, training, validation, place, settings=SETTINGS, score=accuracy_score):
    member, own = members_for(training, score)[place], copy.deepcopy(network)
    rates = Settings(
        member.learning_rate,
        member.weight_decay,
        batch_size=settings.batch_size,
        max_epochs=settings.max_epochs,
        patience=settings.patience,
    )
    return own, fit(own, member.loss, training, validation, settings=rates, seed=5, score=score)


def assert_close(found, expected):
    for ours, theirs in zip(found.state_dict().values(), expected.state_dict().values(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-11, atol=1e-11)


def assert_equal_to_alone(together, network, training, validation, settings=SETTINGS):
    while together.running:
        together.epoch()
    for place in range(len(together.histories)):
        own, history = trained_alone(network, training, validation, place, settings)
        found, _ = together.finish(place)
        assert together.histories[place].epochs == history.epochs
        assert together.histories[place].best_epoch == history.best_epoch
        assert_close(found, own)


@pytest.mark.parametrize(
    ("make", "path"),
    [
        *((lambda activation=activation: chain(activation), "chain") for activation in ACTIVATIONS),
        (lambda: nn.Sequential(nn.Linear(6, 4)).double(), "chain"),
        (residual, "functional"),
        (with_dropout, "one by one"),
        (with_batch_norm, "one by one"),
    ],
)
def test_networks_of_every_kind_take_the_first_path_that_computes_them(make, path):
    network, training, validation = make(), rows(weighted=True), rows(21, seed=1)
    together = population(network, members_for(training), training, validation, settings=SETTINGS, seed=5)
    assert together.path == path
    assert_equal_to_alone(together, network, training, validation)


def test_the_three_paths_agree():
    network, training, validation = mlp(6, 4, hidden=(5,), seed=3).double(), rows(), rows(21, seed=1)
    for path in ("chain", "functional", "one by one"):
        together = population(
            network, members_for(training), training, validation, settings=SETTINGS, seed=5, path=path
        )
        assert together.path == path
        assert_equal_to_alone(together, network, training, validation)


@pytest.mark.parametrize("path", ["chain", "one by one"])
@pytest.mark.parametrize("validated", [True, False], ids=["with validation", "without"])
def test_without_patience_the_last_epoch_is_kept(path, validated):
    network, training = mlp(6, 4, hidden=(5,), seed=3).double(), rows()
    validation = rows(21, seed=1) if validated else None
    settings = Settings(batch_size=16, max_epochs=3, patience=None)
    together = population(network, members_for(training), training, validation, settings=settings, seed=5, path=path)
    assert_equal_to_alone(together, network, training, validation, settings)
    assert [history.best_epoch for history in together.histories] == [3] * 6


@pytest.mark.parametrize("path", ["chain", "functional", "one by one"])
def test_a_member_that_diverges_touches_no_other(path):
    network, training, validation = mlp(6, 4, hidden=(5,), seed=3).double(), rows(), rows(21, seed=1)
    members = members_for(training)
    members.insert(2, Member(members_for(training)[0].loss, 1e300, 0.0))
    together = population(network, members, training, validation, settings=SETTINGS, seed=5, path=path)
    while together.running:
        together.epoch()
    assert [history.diverged for history in together.histories] == [False, False, True, False, False, False, False]
    # its weights are those it started with, or of the epoch before: finite, whatever the learning rate.
    assert all(bool(value.isfinite().all()) for value in together.finish(2)[0].state_dict().values())
    for place, alone in ((0, 0), (1, 1), (3, 2), (6, 5)):
        own, _ = trained_alone(network, training, validation, alone)
        assert_close(together.finish(place)[0], own)


@pytest.mark.parametrize("path", ["chain", "one by one"])
def test_dropped_members_stop_and_the_others_do_not_notice(path):
    network, training, validation = mlp(6, 4, hidden=(5,), seed=3).double(), rows(), rows(21, seed=1)
    # the last epoch is kept, so that what the others went through after the drop is what is compared
    settings = Settings(batch_size=16, max_epochs=3, patience=None)
    together = population(network, members_for(training), training, validation, settings=settings, seed=5, path=path)
    together.epoch()
    together.drop([0, 4])
    together.drop([0])
    assert together.running == [1, 2, 3, 5]
    while together.running:
        together.epoch()
    assert together.histories[0].epochs == 1
    for place in (1, 2, 3, 5):
        own, _ = trained_alone(network, training, validation, place, settings)
        assert_close(together.finish(place)[0], own)


@loss_card(slug="spread", tasks={Task.MULTICLASS}, when="In a test.", drawback="None.", traits={Trait.BATCH_COUPLED})
def spread_loss(logits, target, *, sample_weight=None, ignore_index=None, reduction="mean"):
    """A loss whose rows interact: each is compared with the mean of its batch."""
    rows = torch.nn.functional.cross_entropy(logits, target, reduction="none")
    return reduce_rows((rows - rows.mean()).square() + rows, sample_weight, reduction)


class SpreadLoss(LossModule, fn=spread_loss):
    """Module form."""


def test_losses_whose_rows_interact_see_the_rows_of_their_own_member_only():
    network, training, validation = mlp(6, 4, hidden=(5,), seed=3).double(), rows(), rows(21, seed=1)
    settings = Settings(batch_size=16, max_epochs=2, patience=None)
    # two members with one rate would be one call, if rows did not interact
    members = [Member(SpreadLoss(), rate, 0.0) for rate in (1e-3, 1e-2)]
    together = population(network, members, training, validation, settings=settings, seed=5)
    while together.running:
        together.epoch()
    for place, rate in enumerate((1e-3, 1e-2)):
        own = copy.deepcopy(network)
        alone = Settings(rate, 0.0, batch_size=16, max_epochs=2, patience=None)
        fit(own, SpreadLoss(), training, validation, settings=alone, seed=5)
        assert_close(together.finish(place)[0], own)


def test_the_same_population_gives_the_same_bits():
    network, training, validation = mlp(6, 4, hidden=(5,), seed=3), rows(), rows(21, seed=1)
    training, validation = (Rows(part.x.float(), part.y) for part in (training, validation))
    states = []
    for _ in range(2):
        together = population(network, members_for(training), training, validation, settings=SETTINGS, seed=5)
        while together.running:
            together.epoch()
        states.append([together.finish(place)[0].state_dict() for place in range(6)])
    for one, other in zip(*states, strict=True):
        assert all(torch.equal(one[name], other[name]) for name in one)


def test_the_global_generator_is_left_as_it_was():
    torch.manual_seed(11)
    before = torch.get_rng_state()
    training = rows()
    together = population(with_dropout(), members_for(training), training, None, settings=SETTINGS, seed=5)
    torch.set_rng_state(before)
    together.epoch()
    assert torch.equal(torch.get_rng_state(), before)


def test_the_path_follows_from_the_size_of_a_step_and_the_stack_from_it_too():
    assert paths(mlp(64, 10, hidden=(256, 256), seed=0), 256) == ("one by one",)
    assert paths(mlp(64, 10, hidden=(64, 64), seed=0), 128)[0] == "chain"
    assert members_of_a_stack(mlp(64, 10, hidden=(1024,), seed=0), 256) == 8
    assert members_of_a_stack(mlp(4, 2, hidden=(4,), seed=0), 16) == 128
    assert 8 < members_of_a_stack(mlp(64, 10, hidden=(64, 64), seed=0), 128) < 128


def test_no_members_no_rows_and_paths_that_do_not_fit_are_refused():
    training = rows()
    with pytest.raises(ValueError, match="at least one member"):
        population(mlp(6, 4, seed=0), [], training, None, settings=SETTINGS, seed=0)
    empty = Rows(torch.empty(0, 6), torch.empty(0, dtype=torch.long))
    with pytest.raises(ValueError, match="at least one row"):
        population(mlp(6, 4, seed=0), members_for(training), empty, None, settings=SETTINGS, seed=0)
    with pytest.raises(ValueError, match="no linear layer or known activation"):
        population(residual(), members_for(training), training, None, settings=SETTINGS, seed=0, path="chain")
    with pytest.raises(ValueError, match="draws random numbers"):
        population(with_dropout(), members_for(training), training, None, settings=SETTINGS, seed=0, path="functional")


def test_the_validation_score_is_that_of_each_members_own_judge():
    network, training, validation = mlp(6, 4, hidden=(5,), seed=3).double(), rows(), rows(21, seed=1, weighted=True)
    members = [
        Member(members_for(training)[0].loss, 1e-3, 0.0, accuracy_score),
        Member(members_for(training)[1].loss, 1e-3, 0.0, negative_loss),
    ]
    together = population(network, members, training, validation, settings=SETTINGS, seed=5)
    together.epoch()
    found = [history.validation[0] for history in together.histories]
    assert 0 <= found[0] <= 1
    assert found[1] < 0
    assert not any(math.isnan(value) for value in found)
