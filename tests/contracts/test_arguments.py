"""The checks at the door: kind of error, and the words."""

import math

import pytest
import torch

from minimand.contracts.arguments import (
    require_class_scores,
    require_index,
    require_integer,
    require_one_of,
    require_range,
    require_reduction,
    require_weights,
    values_are_readable,
)


@pytest.mark.parametrize(
    ("keywords", "inside", "outside", "words"),
    [
        ({"above": 0.0, "most": 1.0}, [1e-300, 1.0], [0.0, 1.0 + 1e-15], "(0.0, 1.0]"),
        ({"least": 0.0, "below": 1.0}, [0.0, 0.999], [-1e-300, 1.0], "[0.0, 1.0)"),
        ({"least": -1.0}, [-1, 1e308], [-1.0000001], "[-1.0, inf)"),
        ({"below": math.inf}, [-1e308, 5], [math.inf], "(-inf, inf)"),
        ({}, [0, math.inf], [math.nan], "(-inf, inf)"),
    ],
)
def test_a_range_is_open_and_closed_as_said(keywords, inside, outside, words):
    for value in inside:
        require_range("q", value, **keywords)
    for value in [*outside, math.nan]:
        with pytest.raises(ValueError) as error:
            require_range("q", value, **keywords)
        assert str(error.value) == f"q must be in {words}, got {value}"


@pytest.mark.parametrize("value", ["1", None, True, [1.0], torch.tensor(0.5)])
def test_a_range_takes_numbers_only(value):
    with pytest.raises(TypeError, match=r"q must be a number, got .* of type"):
        require_range("q", value, least=0.0)


def test_integers():
    require_integer("k", 3, least=3, most=3)
    with pytest.raises(ValueError, match=r"k must be in \[3, inf\], got 2"):
        require_integer("k", 2, least=3)
    for value in (True, 3.0, "3"):
        with pytest.raises(TypeError, match="k must be an integer"):
            require_integer("k", value, least=3)


def test_words():
    require_one_of("scale", "log", ("linear", "log"))
    with pytest.raises(ValueError, match="scale must be one of 'linear', 'log', got 'logg'"):
        require_one_of("scale", "logg", ("linear", "log"))
    with pytest.raises(ValueError, match="reduction must be one of 'none', 'sum', 'mean', got 'average'"):
        require_reduction("average")


def test_class_scores_that_fit_pass():
    scores, target = torch.zeros(3, 2), torch.tensor([0, 1, -100])
    require_class_scores(scores, target, sample_weight=torch.ones(3), ignore_index=-100)
    require_class_scores(scores[:0], target[:0])
    require_class_scores(scores[:, :1], torch.zeros(3, dtype=torch.int32))


@pytest.mark.parametrize(
    ("scores", "target", "weight", "kind", "words"),
    [
        (torch.zeros(3), torch.zeros(3).long(), None, ValueError, "logits must have shape (N, K), got (3,)"),
        (torch.zeros(3, 0), torch.zeros(3).long(), None, ValueError, "at least one class"),
        (
            torch.zeros(3, 2).long(),
            torch.zeros(3).long(),
            None,
            TypeError,
            "logits must be floating point, got torch.int64",
        ),
        (torch.zeros(3, 2), torch.zeros(3), None, TypeError, "target must be integer class indices, got torch.float32"),
        (
            torch.zeros(3, 2),
            torch.zeros(3).bool(),
            None,
            TypeError,
            "target must be integer class indices, got torch.bool",
        ),
        (torch.zeros(3, 2), torch.zeros(3, 1).long(), None, ValueError, "target must have shape (3,)"),
        (
            torch.zeros(3, 2),
            torch.tensor([0, 2, 0]),
            None,
            ValueError,
            "target must be in [0, 2), got 2 (pass ignore_index",
        ),
        (torch.zeros(3, 2), torch.tensor([0, -7, 0]), None, ValueError, "target must be in [0, 2), got -7"),
        (
            torch.zeros(3, 2),
            torch.zeros(3).long(),
            torch.ones(2),
            ValueError,
            "sample_weight must have shape (3,), got (2,)",
        ),
        (
            torch.zeros(3, 2),
            torch.zeros(3).long(),
            torch.ones(3).int(),
            TypeError,
            "sample_weight must be floating point",
        ),
        (torch.zeros(3, 2), [0, 0, 0], None, TypeError, "target must be a torch.Tensor, got list"),
        (
            torch.zeros(3, 2),
            torch.zeros(3, device="meta").long(),
            None,
            ValueError,
            "target must be on the device of logits",
        ),
    ],
)
def test_class_scores_that_do_not_fit_are_refused(scores, target, weight, kind, words):
    with pytest.raises(kind) as error:
        require_class_scores(scores, target, sample_weight=weight)
    assert words in str(error.value)


def test_values_are_read_only_where_that_is_free():
    target = torch.tensor([0, 1])
    assert values_are_readable(target)
    assert not values_are_readable(target.to("meta"))
    seen = []

    def look(row):
        seen.append(values_are_readable(row))
        return row

    torch.func.vmap(look)(target)
    assert seen == [False]


def test_weights_may_be_absent():
    require_weights(None, 3)
    require_weights(torch.ones(3, dtype=torch.float16), 3)


@pytest.mark.parametrize(
    ("index", "kind", "words"),
    [
        (None, ValueError, "index must be given"),
        ([0, 1], TypeError, "index must be an integer tensor, got list"),
        (torch.zeros(2), TypeError, "got torch.float32"),
        (torch.zeros(3).long(), ValueError, "index must have shape (2,), got (3,)"),
        (torch.tensor([0, 9]), ValueError, "index must be in [0, 9), got 9"),
        (torch.tensor([-1, 0]), ValueError, "index must be in [0, 9), got -1"),
    ],
)
def test_an_index_that_does_not_fit_is_refused(index, kind, words):
    with pytest.raises(kind) as error:
        require_index(index, 2, 9)
    assert words in str(error.value)


def test_an_index_that_fits_is_returned():
    index = torch.tensor([8, 0])
    assert require_index(index, 2, 9) is index
