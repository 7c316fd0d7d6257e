"""`Objective`: a stranger's loss with a search space and probabilities of its own."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from minimand import Objective
from minimand.contracts.card import Range
from minimand.contracts.rows import softmax
from minimand.contracts.task import TaskInfo, bind
from minimand.estimators import ObjectiveClassifier
from minimand.losses import gce_loss
from minimand.workbench.compare.candidates import given

TASK = TaskInfo(3)
SCORES = torch.tensor([[1.0, 0.2, -0.5], [0.3, 0.1, 2.0]])
TARGET = torch.tensor([0, 1])


def margin_loss(scores, target, *, margin=0.5):
    return F.multi_margin_loss(scores, target, margin=margin, reduction="none")


class MarginModule(nn.Module):
    def __init__(self, margin):
        super().__init__()
        self.margin = margin

    def forward(self, scores, target):
        return F.multi_margin_loss(scores, target, margin=self.margin, reduction="none")


@pytest.mark.parametrize("loss", [margin_loss, MarginModule])
def test_hyperparameters_reach_the_loss(loss):
    bound = bind(Objective(loss, search={"margin": (0.1, 2.0)}), TASK, margin=1.5)
    expected = F.multi_margin_loss(SCORES, TARGET, margin=1.5)
    torch.testing.assert_close(bound(SCORES, TARGET), expected)
    weighted = bound(SCORES, TARGET, sample_weight=torch.tensor([1.0, 0.0]))
    torch.testing.assert_close(weighted, F.multi_margin_loss(SCORES[:1], TARGET[:1], margin=1.5))


def test_the_default_is_that_of_the_signature_then_of_the_range_then_the_middle():
    assert Objective(margin_loss, search={"margin": (0.1, 2.0)}).defaults == {"margin": 0.5}
    assert Objective(margin_loss, search={"margin": Range(0.1, 2.0, default=0.7)}).defaults == {"margin": 0.7}
    assert Objective(MarginModule, search={"margin": (0.0, 2.0)}).defaults == {"margin": 1.0}


def test_probabilities_are_those_that_were_given():
    assert not bind(Objective(margin_loss), TASK).has_probabilities
    bound = bind(Objective(margin_loss, probabilities=softmax), TASK)
    assert bound.has_probabilities
    torch.testing.assert_close(bound.probabilities(SCORES), SCORES.softmax(1))


def test_a_loss_of_minimand_keeps_its_own_probabilities_and_gets_another_search_space():
    objective = Objective(gce_loss, search={"q": (0.2, 0.4)})
    bound = bind(objective, TASK, q=0.3)
    assert bound.has_probabilities
    torch.testing.assert_close(bound(SCORES, TARGET), gce_loss(SCORES, TARGET, q=0.3))
    assert objective.defaults["q"] == pytest.approx(0.3)  # 0.7, the loss's own, lies outside
    with pytest.raises(ValueError, match=r"the default of q must be in \[0.8, 0.9\], got 0.7"):
        Objective(gce_loss, search={"q": Range(0.8, 0.9, default=0.7)})


@pytest.mark.parametrize(
    ("make", "kind", "words"),
    [
        (lambda: Objective(3), TypeError, "callable"),
        (lambda: Objective(margin_loss, search={"margins": (0.0, 1.0)}), TypeError, "it takes scores, target, margin"),
        (lambda: Objective(margin_loss, search={"margin": 1.0}), TypeError, "a Range or"),
        (lambda: Objective(margin_loss, search={"margin": (1.0, 0.0)}), ValueError, "low must be below high"),
        (lambda: Objective(MarginModule(1.0), search={"margin": (0.0, 1.0)}), TypeError, "an instance"),
        (lambda: Objective(margin_loss, outputs=0), ValueError, "outputs must be in"),
        (lambda: Objective(margin_loss, outputs=2), ValueError, "predictions must say what 2 outputs predict"),
        (lambda: Objective(margin_loss, scaling="log"), ValueError, "scaling must be one of 'standard', "),
    ],
)
def test_mistakes_are_named(make, kind, words):
    with pytest.raises(kind, match=words):
        make()


def test_no_training_sees_the_state_of_another():
    class Counting(nn.Module):
        def __init__(self):
            super().__init__()
            self.calls = 0

        def forward(self, scores, target):
            self.calls += 1
            return F.cross_entropy(scores, target, reduction="none")

    own = Counting()
    bind(Objective(own), TASK)(SCORES, TARGET)
    assert own.calls == 0


def test_numbers_are_not_broadcast_and_each_row_is_the_mean_over_its_numbers():
    target = torch.tensor([1.0, 2.0, 4.0])
    task = TaskInfo.of_values(target)
    column = torch.tensor([[1.0], [3.0], [1.0]])
    for objective in (nn.MSELoss(), nn.MSELoss(reduction="none"), Objective(nn.MSELoss(reduction="none"))):
        assert float(bind(objective, task)(column, target)) == pytest.approx((0 + 1 + 9) / 3)
    weight = torch.tensor([1.0, 2.0, 0.0])
    each = bind(nn.MSELoss(reduction="none"), task)
    assert float(each(column, target, sample_weight=weight)) == pytest.approx(2 / 3)
    several = torch.stack([target, target + 2], dim=1)
    pred = torch.zeros(3, 2)
    assert float(each(pred, several, sample_weight=weight)) == pytest.approx((5 + 2 * 10) / 3)
    # class indices beside a single column stay what they are
    seen = []
    bind(lambda scores, classes: seen.append(scores.shape) or scores.sum(1), task)(column, torch.tensor([0, 0, 0]))
    assert seen == [(3, 1)]


def test_compare_searches_its_space():
    candidate = given({"margin": Objective(margin_loss, search={"margin": (0.1, 2.0)})})[0]
    assert candidate.search["margin"].high == 2.0
    assert candidate.defaults == {"margin": 0.5}
    inherited = given({"gce": Objective(gce_loss)})[0]
    assert set(inherited.search) == {"q"}


def test_the_estimator_takes_it():
    x = torch.randn(60, 4, generator=torch.Generator().manual_seed(0)).numpy()
    y = (x[:, 0] > 0).astype(int)
    objective = Objective(margin_loss, search={"margin": (0.1, 2.0)}, probabilities=softmax)
    model = ObjectiveClassifier(objective, objective_parameters={"margin": 1.0}, max_epochs=30).fit(x, y)
    assert model.score(x, y) > 0.8
    assert model.predict_proba(x).shape == (60, 2)
