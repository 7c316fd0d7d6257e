"""`check_loss` has teeth: each deliberately broken loss breaks the promise that it should, and good ones pass."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from minimand.contracts.card import Range, Task, Trait
from minimand.contracts.loss import Loss, LossModule, loss, per_row
from minimand.losses import CrossEntropyLoss, GCELoss, cross_entropy_loss
from minimand.testing import check_loss
from minimand.testing.loss import BrokenPromisesError, loss_promises

# The slow ones, for losses that are broken elsewhere.
QUICK = dict.fromkeys(("compiles", "any_number_of_classes"), "slow, and not what is broken here")


NUMBERS = [name for name in loss_promises() if name.startswith("fits_in")] + ["masked_classes_are_not_nan"]


def plain(values):
    """A loss function of the contract from `values(scores, target) -> (N,)`, right in everything else."""

    def made_loss(logits, target, /, *, sample_weight=None, ignore_index=None, reduction="mean"):
        return per_row(
            values, logits, target, sample_weight=sample_weight, ignore_index=ignore_index, reduction=reduction
        )

    return made_loss


def described(function, *, traits=(), search=None):
    """The same with a card."""
    return loss(
        slug="made", tasks={Task.MULTICLASS}, when="Never.", drawback="All.", traits=set(traits), search=search
    )(function)


def broken_by(objective, **keywords):
    with pytest.raises(BrokenPromisesError) as error:
        check_loss(objective, exempt=QUICK, **keywords)
    return error.value.report.broken


def row_ce(scores, target):
    return F.cross_entropy(scores, target, reduction="none")


def reduced(rows, weight, reduction):
    if reduction == "none":
        return rows if weight is None else rows * weight
    total = rows.sum() if weight is None else (rows * weight).sum()
    return total if reduction == "sum" else total / max(len(rows), 1)


# --- Broken in the rows --------------------------------------------------------------------------------------------


def test_a_weighted_mean_over_n():
    def mean_over_n_loss(logits, target, /, *, sample_weight=None, ignore_index=None, reduction="mean"):
        if ignore_index is not None:
            sample_weight = (target != ignore_index).to(logits.dtype)
            target = target.clamp_min(0)
        return reduced(row_ce(logits, target), sample_weight, reduction)

    broken = broken_by(mean_over_n_loss)
    assert "divided by their weight" in broken["reductions_agree"]
    assert "weight_two_is_the_row_twice" in broken
    assert "weights times" in broken["scaled_weights_leave_the_mean"]


def test_weights_on_the_wrong_rows():
    def crossed_loss(logits, target, /, *, sample_weight=None, ignore_index=None, reduction="mean"):
        weight = None if sample_weight is None else sample_weight.flip(0)
        return cross_entropy_loss(logits, target, sample_weight=weight, ignore_index=ignore_index, reduction=reduction)

    broken = broken_by(crossed_loss)
    assert "does not count as the row twice" in broken["weight_two_is_the_row_twice"]
    assert "zero_weight_drops_the_row" in broken
    assert "weights are on the wrong rows" in broken["order_of_rows_does_not_matter"]


def test_an_ignored_row_that_leaks_by_zero_times_nan():
    def leaking_loss(logits, target, /, *, sample_weight=None, ignore_index=None, reduction="mean"):
        keep = torch.ones_like(target, dtype=torch.bool) if ignore_index is None else target != ignore_index
        weight = keep.to(logits.dtype) * (1 if sample_weight is None else sample_weight)
        rows = row_ce(logits.float() if logits.dtype.itemsize < 4 else logits, torch.where(keep, target, 0))
        if reduction == "mean":
            return (rows * weight).sum() / weight.sum().clamp_min(1e-30)
        return reduced(rows, weight, reduction)

    broken = broken_by(leaking_loss)
    assert "that holds nan is not absent" in broken["ignored_rows_are_absent"]
    assert "that holds nan" in broken["zero_weight_drops_the_row"]
    assert "nothing_is_zero" not in broken


def test_ignored_rows_that_count_in_the_mean():
    def counting_loss(logits, target, /, *, sample_weight=None, ignore_index=None, reduction="mean"):
        total = cross_entropy_loss(
            logits, target, sample_weight=sample_weight, ignore_index=ignore_index, reduction="sum"
        )
        if reduction == "mean" and sample_weight is None:
            return total / max(len(target), 1)
        return cross_entropy_loss(
            logits, target, sample_weight=sample_weight, ignore_index=ignore_index, reduction=reduction
        )

    assert list(broken_by(counting_loss)) == ["ignored_rows_are_absent"]


def test_nan_over_an_empty_batch_as_in_torch():
    def empty_loss(logits, target, /, *, sample_weight=None, ignore_index=None, reduction="mean"):
        if not len(target) and reduction == "mean":
            return logits.sum() / len(target) if len(target) else logits.sum() * math.nan
        return cross_entropy_loss(
            logits, target, sample_weight=sample_weight, ignore_index=ignore_index, reduction=reduction
        )

    broken = broken_by(empty_loss)
    assert list(broken) == ["nothing_is_zero"]
    assert "an empty batch gives nan" in broken["nothing_is_zero"]


def test_a_squeeze_that_eats_a_batch_of_one():
    def squeezed(scores, target):
        return row_ce(scores, target).squeeze()

    assert "one_row_alone" in broken_by(plain(squeezed))


def test_rows_that_interact_in_secret():
    def coupled(scores, target):
        return row_ce(scores - scores.mean(0), target)

    broken = broken_by(plain(coupled))
    assert "a row alone has another value" in broken["one_row_alone"]
    assert "shards_add_up" in broken


def test_an_order_that_matters():
    def ordered(scores, target):
        return row_ce(scores, target) * torch.arange(1, len(target) + 1, dtype=scores.dtype)

    assert "order_of_rows_does_not_matter" in broken_by(plain(ordered))


# --- Broken in the numbers -----------------------------------------------------------------------------------------


def test_the_logarithm_of_an_underflown_softmax():
    def underflown(scores, target):
        return -scores.softmax(1).gather(1, target[:, None]).squeeze(1).log()

    broken = broken_by(plain(underflown))
    assert "NaN" in broken["fits_in_float64"]
    assert "scale 100" in broken["fits_in_float32"]
    assert {"fits_in_bfloat16", "fits_in_float16"} <= set(broken)


def test_focal_with_a_plain_power_at_p_one():
    def focal(scores, target):
        log_p = -row_ce(scores, target)
        return -((1 - log_p.exp()) ** 0.5) * log_p

    broken = broken_by(plain(focal))
    assert "the gradient is NaN" in broken["fits_in_float64"]
    assert "gradient_is_right" not in broken  # where it is ordinary, it is right


def test_half_precision_computed_in_half():
    def half_loss(logits, target, /, *, sample_weight=None, ignore_index=None, reduction="mean"):
        keep = torch.ones_like(target, dtype=torch.bool) if ignore_index is None else target != ignore_index
        weight = keep.to(logits.dtype) * (1 if sample_weight is None else sample_weight.to(logits.dtype))
        scores = torch.where((weight != 0)[:, None], logits, 0)
        rows = row_ce(scores, torch.where(keep, target, 0)) * weight
        if reduction == "none":
            return rows
        return rows.sum() / (weight.sum() if reduction == "mean" and weight.sum() > 0 else 1)

    broken = broken_by(half_loss)
    assert "not computed in float32" in broken["fits_in_bfloat16"]
    assert "fits_in_float16" in broken
    assert "fits_in_float32" not in broken


def test_a_hidden_nan():
    def hiding(scores, target):
        return row_ce(scores, target).nan_to_num(0.0)

    assert "nan_in_gives_nan_out" in broken_by(plain(hiding))


def test_a_wrong_gradient():
    class Doubled(torch.autograd.Function):
        @staticmethod
        def forward(ctx, rows):
            return rows.clone()

        @staticmethod
        def backward(ctx, gradient):
            return 2 * gradient

    def doubled(scores, target):
        return Doubled.apply(row_ce(scores, target))

    assert "not the numerical one" in broken_by(plain(doubled))["gradient_is_right"]


# --- Broken manners ------------------------------------------------------------------------------------------------


def test_logits_edited_in_place():
    def editing_loss(logits, target, /, *, sample_weight=None, ignore_index=None, reduction="mean"):
        with torch.no_grad():
            logits -= logits.amax(1, keepdim=True) if len(logits) else 0
        return cross_entropy_loss(
            logits, target, sample_weight=sample_weight, ignore_index=ignore_index, reduction=reduction
        )

    assert "scores are changed in place" in broken_by(editing_loss)["inputs_are_unchanged"]


def test_a_global_random_generator():
    def noisy(scores, target):
        return row_ce(scores + 1e-9 * torch.randn_like(scores), target)

    broken = broken_by(plain(noisy))
    assert "torch's global random generator is changed" in broken["global_state_is_untouched"]
    assert "the_same_twice" in broken


def test_a_view_of_contiguous_scores_only():
    def viewing(scores, target):
        if not scores.is_contiguous():
            scores = scores.t().reshape(scores.shape)  # the numbers, in the wrong order
        return row_ce(scores, target)

    assert "transposed scores" in broken_by(plain(viewing))["layout_does_not_matter"]


def test_no_check_at_the_door():
    def open_loss(logits, target, /, *, sample_weight=None, ignore_index=None, reduction="mean"):
        return cross_entropy_loss(
            logits.double(), target, sample_weight=sample_weight, ignore_index=ignore_index, reduction=reduction
        )

    assert "integer scores: is accepted" in broken_by(open_loss)["mistakes_are_refused_in_words"]


def test_a_branch_on_values_does_not_compile_or_vmap():
    def branching(scores, target):
        return row_ce(scores, target) * (2.0 if float(scores.detach().sum()) > 1e9 else 1.0)

    class BranchingLoss(LossModule, fn=plain(branching)):
        """A twin."""

    with pytest.raises(BrokenPromisesError) as error:
        check_loss(BranchingLoss)
    assert {"compiles", "vmaps"} <= set(error.value.report.broken)


def test_state_that_is_not_in_the_state_dict():
    class ForgetfulLoss(Loss):
        seen = 0

        @classmethod
        def bind(cls, task):
            return cls()

        def rows(self, pred, target, index):
            self.seen += 1
            return row_ce(pred, target) * self.seen

    broken = broken_by(ForgetfulLoss)
    assert "a fresh loss with the state_dict goes on with another value" in broken["copies_go_on_alike"]


# --- Broken words on the card --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("trait", "values", "name"),
    [
        (Trait.BOUNDED, row_ce, "is_bounded"),
        (Trait.NONNEGATIVE, lambda s, t: row_ce(s, t) - 0.5, "is_never_negative"),
        (Trait.SHIFT_INVARIANT, lambda s, t: row_ce(s, t) + s.square().sum(1), "is_shift_invariant"),
        (Trait.BATCH_COUPLED, row_ce, "is_batch_coupled"),
        (Trait.NEEDS_INDEX, row_ce, "needs_its_index"),
    ],
)
def test_a_declared_trait_that_is_false(trait, values, name):
    broken = broken_by(described(plain(values), traits={trait}))
    assert list(broken) == [name]
    assert trait.name in broken[name]


def test_an_end_of_the_search_space_that_is_illegal():
    def tempered_loss(logits, target, /, *, temperature=1.0, sample_weight=None, ignore_index=None, reduction="mean"):
        if not temperature > 0:
            raise ValueError(f"temperature must be positive, got {temperature}")
        return cross_entropy_loss(
            logits / temperature, target, sample_weight=sample_weight, ignore_index=ignore_index, reduction=reduction
        )

    broken = broken_by(described(tempered_loss, search={"temperature": Range(0.0, 2.0)}))
    assert "temperature must be positive, got 0.0" in broken["is_legal_at_both_ends"]


def test_probabilities_that_do_not_sum_to_one():
    card = loss(slug="made", tasks={Task.BINARY}, when="Never.", drawback="All.", probabilities=torch.sigmoid)

    class SigmoidLoss(LossModule, fn=card(plain(row_ce))):
        """A twin."""

    assert "do not sum to one" in broken_by(SigmoidLoss)["probabilities_are_probabilities"]


# --- Good losses, and other people's -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "objective", [cross_entropy_loss, CrossEntropyLoss, CrossEntropyLoss()], ids=["fn", "class", "instance"]
)
def test_a_good_loss_passes_as_function_class_and_instance(objective):
    report = check_loss(objective, exempt=QUICK)
    assert not report.broken
    assert {"reductions_agree", "gradient_is_right", "fits_in_float16", "vmaps", "is_never_negative"} <= set(
        report.kept
    )
    assert report.skipped["compiles"] == f"exempt: {QUICK['compiles']}"
    assert "is_bounded" in report.skipped


@pytest.mark.parametrize("reduction", ["mean", "none"])
def test_torch_s_cross_entropy_is_asked_only_what_a_trainer_relies_on(reduction):
    report = check_loss(nn.CrossEntropyLoss(reduction=reduction))
    assert {"gradient_is_right", "fits_in_float32", "order_of_rows_does_not_matter", "one_row_alone"} <= set(
        report.kept
    )
    assert "only objective(pred, target) is known" in report.skipped["nothing_is_zero"]
    assert set(report.kept) | set(report.skipped) == set(loss_promises())
    text = str(report)
    assert text.startswith("CrossEntropyLoss: ")
    assert "kept    gradient_is_right" in text


def test_a_foreign_loss_is_held_to_what_it_is_asked():
    def careless(logits, target):
        return -logits.softmax(1).gather(1, target[:, None]).log().mean()

    assert "NaN" in broken_by(careless)["fits_in_float64"]


def test_a_foreign_loss_of_another_shape_with_its_own_cases():
    def cases(rng, *, scale=1.0):
        scores = torch.randn(12, generator=rng, dtype=torch.float64) * scale
        return scores, (torch.arange(12) % 2).double()

    report = check_loss(nn.BCEWithLogitsLoss(reduction="none"), cases=cases)
    assert "gradient_is_right" in report.kept


def test_another_number_of_classes():
    three = nn.CrossEntropyLoss(weight=torch.ones(3, dtype=torch.float64), reduction="none")
    kept = check_loss(
        lambda scores, target: three(scores.double(), target),
        n_classes=3,
        exempt=dict.fromkeys(NUMBERS, "float64 only"),
    ).kept
    assert "gradient_is_right" in kept


def test_a_constant_is_no_loss():
    assert "nothing can be trained" in broken_by(lambda scores, target: torch.tensor(1.0))["gives_a_value"]


def test_an_exemption_must_name_a_promise_and_give_a_reason():
    with pytest.raises(ValueError, match="exempt must name promises of a loss, got 'no_such_promise'"):
        check_loss(cross_entropy_loss, exempt={"no_such_promise": "because"})
    with pytest.raises(ValueError, match="exempt must give a reason for 'compiles'"):
        check_loss(cross_entropy_loss, exempt={"compiles": " "})
    with pytest.raises(ValueError, match="cases and n_classes"):
        check_loss(cross_entropy_loss, cases=lambda rng, *, scale=1.0: None, n_classes=3)


def test_the_error_names_each_broken_promise_in_a_sentence():
    with pytest.raises(AssertionError, match=r"made_loss breaks \d+ promises: .*one_row_alone: "):
        check_loss(plain(lambda s, t: row_ce(s, t).squeeze()), exempt=QUICK)


def test_instances_keep_the_promises_with_their_own_hyperparameters():
    assert "vmaps" in check_loss(GCELoss(q=0.5)).kept
