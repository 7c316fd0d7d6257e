"""Module twins of plain losses: signature, repr, copies, and the value of the function."""

import copy
import inspect
import pickle

import pytest
import torch

import minimand.losses
from minimand.contracts.card import Task
from minimand.contracts.catalogue import cards, twin_name
from minimand.contracts.loss import LossModule
from minimand.contracts.task import TaskInfo, bind

TWINS = [pytest.param(card, id=card.id) for card in cards("loss") if inspect.isfunction(card.component)]
every_twin = pytest.mark.parametrize("card", TWINS)


def batch(card=None):
    """Scores with classes, or with labels for losses of several labels, one of the targets ignored; or numbers."""
    rng = torch.Generator().manual_seed(0)
    if card is not None and Task.REGRESSION in card.tasks:
        pred, target = card.cases(rng)
        return pred[:6], target[:6]
    pred = torch.randn(6, 4, generator=rng, dtype=torch.float64)
    if card is not None and Task.MULTILABEL in card.tasks:
        target = torch.randint(0, 2, (6, 4), generator=rng)
        target[4] = -100
        return pred, target
    return pred, torch.tensor([0, 1, 2, 3, -100, 1])


def settings(card):
    """Keywords other than the defaults."""
    return {name: span.at(0.25) for name, span in card.search.items()} | ignored(card, -100) | {"reduction": "sum"}


def ignored(card, value):
    """The keyword by which a target is ignored; numbers have none to ignore."""
    return {} if Task.REGRESSION in card.tasks else {"ignore_index": value}


@every_twin
def test_the_twin_is_public_beside_its_function(card):
    twin = getattr(minimand.losses, twin_name(card))
    assert issubclass(twin, LossModule)
    assert twin is vars(card.component)["module"]
    assert getattr(minimand.losses, card.name) is card.component
    assert twin.__name__.endswith("Loss")
    assert card.name.endswith("_loss")
    assert twin.__module__ == card.component.__module__


@every_twin
def test_the_signature_is_the_function_s_without_the_batch(card):
    ours = inspect.signature(vars(card.component)["module"]).parameters
    function = inspect.signature(card.component).parameters
    positional = [p for p in function.values() if p.kind is p.POSITIONAL_ONLY]
    assert len(positional) == 2
    assert list(ours) == [n for n, p in function.items() if p.kind is p.KEYWORD_ONLY and n != "sample_weight"]
    for name, parameter in ours.items():
        assert parameter == function[name]
        assert parameter.default is not inspect.Parameter.empty


@every_twin
def test_the_twin_has_the_value_of_its_function(card):
    pred, target = batch(card)
    keywords = settings(card)
    weight = torch.tensor([1.0, 0.5, 0.0, 2.0, 1.0, 1.0], dtype=torch.float64)
    loss = vars(card.component)["module"](**keywords)
    expected = card.component(pred, target, sample_weight=weight, **keywords)
    assert torch.equal(loss(pred, target, sample_weight=weight), expected)
    plain = vars(card.component)["module"]()
    counted = target if Task.REGRESSION in card.tasks else target.clamp_min(0)
    assert torch.equal(plain(pred, counted), card.component(pred, counted))
    assert keywords.items() <= loss.hyperparameters().items()  # not everything is searched


@every_twin
def test_repr_can_be_evaluated(card):
    twin = vars(card.component)["module"]
    for loss in (twin(), twin(**settings(card))):
        again = eval(repr(loss), {twin.__name__: twin})  # noqa: S307 - our own text
        assert again.hyperparameters() == loss.hyperparameters()
    said = "".join(f"{name}={value}, " for name, value in ignored(card, -1).items())
    assert repr(twin(reduction="sum", **ignored(card, -1))).endswith(f"{said}reduction='sum')")


@every_twin
def test_copies_keep_the_settings(card):
    pred, target = batch(card)
    loss = vars(card.component)["module"](**settings(card))
    for again in (copy.deepcopy(loss), pickle.loads(pickle.dumps(loss))):  # noqa: S301 - our own bytes
        assert again.hyperparameters() == loss.hyperparameters()
        assert torch.equal(again(pred, target), loss(pred, target))
    bound = bind(loss, TaskInfo(4))
    assert bound is not loss
    assert bound.hyperparameters() == loss.hyperparameters()


@every_twin
def test_there_is_no_state(card):
    loss = vars(card.component)["module"]()
    assert not loss.state_dict()
    assert not list(loss.parameters())
    loss.load_state_dict({})


@every_twin
def test_an_unknown_keyword_is_refused_with_the_known_ones(card):
    twin = vars(card.component)["module"]
    with pytest.raises(TypeError) as error:
        twin(no_such_setting=1)
    assert twin.__name__ in str(error.value)
    assert "no_such_setting" in str(error.value)
    assert "reduction" in str(error.value)
    with pytest.raises(TypeError):
        twin(0.5)


@every_twin
def test_hyperparameters_are_checked_when_the_module_is_made(card):
    twin = vars(card.component)["module"]
    for name in card.search:
        for value, kind in ((float("nan"), ValueError), ("much", TypeError)):
            with pytest.raises(kind, match=f"{name} must be"):
                twin(**{name: value})
    with pytest.raises(ValueError, match="reduction must be one of"):
        twin(reduction="average")
    # a loss of numbers takes none, and says so
    rule = "unexpected keyword argument 'ignore_index'" if Task.REGRESSION in card.tasks else "must be an integer"
    with pytest.raises(TypeError, match=rule):
        twin(ignore_index=1.5)


@every_twin
def test_the_docstring_has_its_sections(card):
    text = inspect.getdoc(card.component)
    for section in ("Args:", "Raises:", "Reference:"):
        assert f"\n{section}\n" in text
    for name in inspect.signature(card.component).parameters:
        assert f"    {name}: " in text
    assert card.formulas
    assert inspect.getdoc(vars(card.component)["module"]) == f"Module form of `{card.name}`."


@every_twin
def test_what_the_row_needs_is_what_it_reads(card):
    if card.row is None:
        pytest.skip("it is no row loss")
    read = set()

    class Spy:
        n_classes = 5

        def __getattr__(self, name):
            read.add(name)
            return torch.full((3,), -0.5, dtype=torch.float64)

    card.row(Spy())
    declared = vars(card.row)["needs"]
    assert read <= declared
    for name in card.search:  # a statistic may be read at some hyperparameters only
        card.row(Spy(), **{name: card.search[name].at(0.3)})
    assert read == declared
