"""LegendreTron against the authors' code, autograd of its potential, and the geometry that it promises."""

from __future__ import annotations

import copy
import pickle

import pytest
import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from minimand.contracts.task import TaskInfo, bind
from minimand.losses import LegendreTronLoss


def fixed_parameters(loss: LegendreTronLoss) -> None:
    """Parameters that anyone can write down again: sines."""
    with torch.no_grad():
        for block, convex_gradient in enumerate(loss.maps):
            for place, parameter in enumerate(convex_gradient.parameters()):
                steps = torch.arange(parameter.numel(), dtype=torch.float64)
                parameter.copy_((0.9 * torch.sin(1.3 * steps + block + 2 * place)).reshape(parameter.shape))


def strong(n_classes: int, *, blocks: int = 1, width: int = 6, seed: int = 0) -> LegendreTronLoss:
    """A link that is far from the identity."""
    rng = Generator().manual_seed(seed)
    loss = LegendreTronLoss(n_classes, blocks=blocks, width=width, depth=3, rng=rng).double()
    with torch.no_grad():
        for parameter in loss.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=rng, dtype=torch.float64))
        for convex_gradient in loss.maps:
            convex_gradient.bend.fill_(3.0)
    return loss


def softplus_unit(z: Tensor, loss: LegendreTronLoss) -> Tensor:
    """The convex potential of the first block, written as the forward pass of the network, for one row."""
    block = loss.maps[0]
    width, half = loss.width, loss.width // 2
    direct = (block.direct_weight @ z + block.direct_bias).split(width)
    units = F.softplus(direct[0])
    for now, raw in zip(direct[1:], block.between, strict=True):
        upper = F.softplus(raw) @ units / width
        units = F.softplus(torch.cat((now[:half] + upper, now[half:])))
    network = (F.softplus(block.last) * units).sum() / width + block.linear @ z
    return F.softplus(block.bend) * network + F.softplus(block.identity) * z.square().sum() / 2


def link_of_differences(loss: LegendreTronLoss, z: Tensor) -> Tensor:
    """The link as a map of the K - 1 differences, for one row."""
    out = loss.link(F.pad(z, (0, 1))[None])[0]
    return out[:-1] - out[-1:]


def test_probabilities_of_the_authors_code():
    # khflam/legendretron at b313840, its LegendreLink(2 blocks, 3, dim_hidden=4, depth=3) in float64 with the same
    # parameters, activation normalisation set to the identity, on the differences to the last score.
    loss = LegendreTronLoss(4, blocks=2, width=4, depth=3).double()
    fixed_parameters(loss)
    scores = torch.tensor([[0.5, -1.0, 2.0, 0.0], [3.0, 1.0, -2.0, 0.5], [-0.25, 0.75, 0.0, -1.5]]).double()
    expected = [
        [0.39515022352635903, 0.10804334014867438, 0.2880698095182567, 0.20873662680670987],
        [0.7210725712980969, 0.13321334869596185, 0.02011140103360983, 0.12560267897233138],
        [0.39859366797992707, 0.3290278798921529, 0.13986848464096627, 0.13250996748695387],
    ]
    torch.testing.assert_close(loss.probabilities(scores), torch.tensor(expected).double(), rtol=0, atol=1e-7)
    exact = torch.tensor(expected, dtype=torch.float64)
    torch.testing.assert_close(loss.probabilities(scores), exact, rtol=1e-12, atol=0)
    rows = -exact[torch.arange(3), torch.tensor([2, 0, 1])].log()
    torch.testing.assert_close(loss(scores, torch.tensor([2, 0, 1])), rows.mean())


def test_one_block_is_the_gradient_of_its_potential():
    loss = strong(5)
    for z in torch.randn(4, 4, dtype=torch.float64, generator=Generator().manual_seed(1)):
        gradient = torch.func.grad(softplus_unit)(z, loss)
        torch.testing.assert_close(link_of_differences(loss, z), gradient, rtol=1e-8, atol=1e-8)


def test_jacobian_of_one_block_is_symmetric_positive_definite():
    loss = strong(5)
    for z in torch.randn(6, 4, dtype=torch.float64, generator=Generator().manual_seed(2)):
        jacobian = torch.func.jacrev(lambda z: link_of_differences(loss, z))(z)
        torch.testing.assert_close(jacobian, jacobian.T, rtol=1e-9, atol=1e-9)
        floor = F.softplus(loss.maps[0].identity).item()
        assert torch.linalg.eigvalsh(jacobian).min() >= floor - 1e-9
        assert not torch.allclose(jacobian, floor * torch.eye(4, dtype=torch.float64), atol=1e-2)  # it does bend


def test_the_link_is_invertible():
    # Newton's method from zero finds the differences again, also through two blocks
    loss = strong(3, blocks=2)
    z = torch.tensor([0.7, -1.1], dtype=torch.float64)
    wanted, found = link_of_differences(loss, z), torch.zeros(2, dtype=torch.float64)
    for _ in range(50):
        jacobian = torch.func.jacrev(lambda z: link_of_differences(loss, z))(found)
        found = found - 0.7 * torch.linalg.solve(jacobian, link_of_differences(loss, found) - wanted)
    torch.testing.assert_close(found, z, rtol=1e-8, atol=1e-8)


def test_starts_near_cross_entropy():
    scores = torch.randn(64, 6, generator=Generator().manual_seed(3))
    target = torch.arange(64) % 6
    for blocks in (1, 2):
        loss = LegendreTronLoss(6, blocks=blocks)
        torch.testing.assert_close(loss.probabilities(scores), scores.softmax(1), rtol=0, atol=0.02)
        torch.testing.assert_close(loss(scores, target), F.cross_entropy(scores, target), rtol=0.01, atol=0)


def test_identity_without_bend_is_cross_entropy():
    loss = LegendreTronLoss(4).double()
    with torch.no_grad():
        loss.maps[0].bend.fill_(-1e3)
    scores, target = torch.randn(5, 4, dtype=torch.float64), torch.tensor([0, 1, 2, 3, 0])
    torch.testing.assert_close(loss(scores, target), F.cross_entropy(scores, target), rtol=1e-6, atol=0)


@pytest.mark.parametrize("blocks", [1, 2])
def test_gradients_of_scores_and_parameters(blocks):
    loss = strong(3, blocks=blocks, width=2)
    scores = torch.randn(2, 3, dtype=torch.float64, generator=Generator().manual_seed(4), requires_grad=True)
    target = torch.tensor([0, 2])
    names = [name for name, _ in loss.named_parameters()]

    def value(scores: Tensor, *parameters: Tensor) -> Tensor:
        return torch.func.functional_call(loss, dict(zip(names, parameters, strict=True)), (scores, target))

    assert torch.autograd.gradcheck(value, (scores, *loss.parameters()))
    assert torch.autograd.gradgradcheck(value, (scores, *loss.parameters()))


def test_learns_a_link_that_softmax_lacks():
    # scores say which of three groups, and the true probabilities of a group are no softmax of its one-hot score
    rng = Generator().manual_seed(5)
    table = torch.tensor([[0.6, 0.3, 0.1], [0.25, 0.5, 0.25], [0.05, 0.15, 0.8]])
    scores = torch.eye(3).repeat(400, 1) * 4
    target = torch.cat([torch.multinomial(row, 1, generator=rng) for row in table.repeat(400, 1)])
    loss = LegendreTronLoss(3)
    optimizer = torch.optim.Adam(loss.parameters(), lr=0.05)
    for _ in range(300):
        optimizer.zero_grad()
        loss(scores, target).backward()
        optimizer.step()
    frequencies = torch.stack([target[group::3].bincount(minlength=3) / 400 for group in range(3)])
    torch.testing.assert_close(loss.probabilities(torch.eye(3) * 4), frequencies, rtol=0, atol=0.05)


def test_no_grad_and_evaluation_mode_give_the_same():
    loss = strong(4)
    scores, target = torch.randn(3, 4, dtype=torch.float64), torch.tensor([0, 3, 1])
    value = loss(scores, target)
    with torch.no_grad():
        assert torch.equal(loss.eval()(scores, target), value)
        torch.testing.assert_close(loss.probabilities(scores).sum(1), torch.ones(3, dtype=torch.float64))


def test_autocast_around_the_loss_changes_nothing():
    # the common test takes the gradient inside autocast as well, from which the card is exempt
    loss = LegendreTronLoss(4)
    scores, target = torch.randn(3, 4, requires_grad=True), torch.tensor([0, 3, 1])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        value = loss(scores, target)
    expected = loss(scores, target)
    assert torch.equal(value, expected)
    assert torch.equal(*(torch.autograd.grad(v, scores)[0] for v in (value, expected)))


@pytest.mark.parametrize("n_classes", [1, 2])
def test_few_classes(n_classes):
    loss = LegendreTronLoss(n_classes, blocks=2)
    scores = torch.randn(4, n_classes, requires_grad=True)
    value = loss(scores, torch.zeros(4, dtype=torch.long))
    value.backward()
    assert scores.grad.isfinite().all()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in loss.parameters())
    if n_classes == 1:
        assert value.item() == 0
        assert torch.equal(loss.probabilities(scores), torch.ones(4, 1))


def test_masked_and_huge_scores():
    loss = LegendreTronLoss(3)
    scores = torch.tensor([[1.0, -torch.inf, 2.0], [3e38, -3e38, 0.0]], requires_grad=True)
    value = loss(scores, torch.tensor([2, 0]))
    value.backward()
    assert value.isfinite()
    assert all(p.grad.isfinite().all() for p in (scores, *loss.parameters()) if p.grad is not None)
    torch.testing.assert_close(loss.probabilities(scores)[:, 1], torch.zeros(2))


def test_all_very_negative_scores_do_not_overflow():
    # the zero logit of the last class takes part in the shift of the softmax
    value = LegendreTronLoss(3)(torch.tensor([[-1e4, -2e4, 0.0]]), torch.tensor([2]))
    torch.testing.assert_close(value, torch.tensor(0.0))


def test_initial_parameters_come_from_the_tasks_generator_alone():
    before = torch.get_rng_state()
    losses = [bind(LegendreTronLoss, TaskInfo(4, rng=Generator().manual_seed(seed)), blocks=2) for seed in (1, 1, 2)]
    assert torch.equal(torch.get_rng_state(), before)
    first, again, other = (torch.cat([p.detach().flatten() for p in loss.parameters()]) for loss in losses)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert losses[0].hyperparameters() == {
        "blocks": 2,
        "width": 8,
        "depth": 2,
        "ignore_index": None,
        "reduction": "mean",
    }


def test_copies_and_checkpoints():
    loss = strong(4)
    scores, target = torch.randn(3, 4, dtype=torch.float64), torch.tensor([0, 3, 1])
    other = LegendreTronLoss(4, width=6, depth=3, rng=Generator().manual_seed(9)).double()
    assert other(scores, target) != loss(scores, target)
    other.load_state_dict(loss.state_dict())
    for twin in (other, copy.deepcopy(loss), pickle.loads(pickle.dumps(loss))):  # noqa: S301 - our own bytes
        assert torch.equal(twin(scores, target), loss(scores, target))


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"width": 3}, "width must be even, got 3"),
        ({"blocks": 0}, r"blocks must be in \[1, inf\], got 0"),
        ({"depth": 0}, r"depth must be in \[1, inf\], got 0"),
    ],
)
def test_sizes_are_checked(wrong, sentence):
    with pytest.raises(ValueError, match=sentence):
        LegendreTronLoss(3, **wrong)


def test_other_numbers_of_classes_are_refused():
    with pytest.raises(ValueError, match=r"logits must have shape \(N, 3\) for this loss, got \(2, 4\)"):
        LegendreTronLoss(3)(torch.zeros(2, 4), torch.tensor([0, 1]))
