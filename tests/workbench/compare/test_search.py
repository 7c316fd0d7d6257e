from __future__ import annotations

import pytest

from minimand.contracts.card import Range
from minimand.workbench.compare.search import (
    LEARNING_RATE,
    WEIGHT_DECAY,
    configurations,
    edges,
    round_to_digits,
    search_space,
)

GAMMA = {"gamma": Range(0.5, 5.0, default=2.0)}


def test_the_first_settings_are_the_defaults():
    first = configurations(GAMMA, {"gamma": 2.0}, count=4, seed=0)[0]
    assert first == {"learning_rate": 3e-3, "weight_decay": 1e-2, "gamma": 2.0}


def test_all_settings_lie_in_the_space():
    space = search_space(GAMMA)
    for settings in configurations(GAMMA, {"gamma": 2.0}, count=64, seed=3):
        assert all(span.low <= settings[name] <= span.high for name, span in space.items())


def test_objectives_share_learning_rates_and_decays():
    plain = configurations({}, {}, count=8, seed=1)
    own = configurations(GAMMA, {"gamma": 2.0}, count=8, seed=1)
    assert [(s["learning_rate"], s["weight_decay"]) for s in plain] == [
        (s["learning_rate"], s["weight_decay"]) for s in own
    ]


def test_the_draws_cover_each_range_evenly_on_its_own_scale():
    drawn = configurations(GAMMA, {"gamma": 2.0}, count=65, seed=0)[1:]
    for name, span in {"learning_rate": LEARNING_RATE, "weight_decay": WEIGHT_DECAY, **GAMMA}.items():
        halves = sum(span.share(settings[name]) < 0.5 for settings in drawn)
        assert abs(halves - 32) <= 2  # a random draw would miss this band in 3 cases of 5


def test_another_seed_draws_others_and_the_same_seed_the_same():
    assert configurations({}, {}, count=4, seed=1) == configurations({}, {}, count=4, seed=1)
    assert configurations({}, {}, count=4, seed=1) != configurations({}, {}, count=4, seed=2)


def test_more_settings_continue_the_same_draw():
    assert configurations(GAMMA, {"gamma": 2.0}, count=12, seed=0)[:8] == configurations(
        GAMMA, {"gamma": 2.0}, count=8, seed=0
    )


def test_edges_are_named():
    space = search_space(GAMMA)
    settings = {"learning_rate": 3e-4, "weight_decay": 1e-2, "gamma": 5.0}
    assert edges(space, settings) == ["learning_rate at its lower end (0.0003)", "gamma at its upper end (5)"]
    assert edges(space, {"learning_rate": 3e-3, "weight_decay": 1e-2, "gamma": 2.0}) == []


def test_rounding_keeps_significant_digits():
    assert round_to_digits(0.000312345) == 0.0003123


def test_too_many_dimensions_are_refused():
    with pytest.raises(ValueError, match="may have 10 dimensions, got 11"):
        search_space({f"h{i}": Range(0.0, 1.0) for i in range(9)})
