"""What a comparison says of its power: before it starts, after its pilot, and in its results.

Before anything is trained there is only a guess from the rows that judge. `--detect` has the first resamples trained,
and plans the number of all by how much their differences vary; the mean differences are not looked at, and so the test
that follows keeps its level (benchmarks/false_winners.py). Afterwards the differences of all resamples say what could
have been found.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from minimand.workbench.compare.plan import Plan, names
from minimand.workbench.compare.power import (
    MOST_RECOMMENDED,
    PILOT,
    POWER,
    Design,
    Spread,
    detectable_difference,
    resamples_to_detect,
    rows_factor,
    spread_of_rows,
    spread_of_scores,
)
from minimand.workbench.compare.splits import outer_resamples_by_name
from minimand.workbench.report.wording import count, metric_title, plural, scale_of

if TYPE_CHECKING:
    from minimand.workbench.compare.run import Job

PERCENT = f"{100 * POWER:.0f} %"
KEY = "power"
"""The ledger's key of what the pilot recommended: a run that is resumed follows it."""


@dataclass(frozen=True)
class Findable:
    """The smallest difference that so many resamples find with the stated power, and what that rests on."""

    resamples: int
    detectable: float
    spread: Spread

    def to_json(self) -> dict[str, Any]:
        """As results.json has it."""
        return {
            "resamples": self.resamples,
            "detectable": self.detectable,
            "deviation": self.spread.deviation,
            "degrees": self.spread.degrees,
            "source": self.spread.source,
        }


def foresee(job: Job) -> None:
    """Say what difference the planned resamples can find, before they are trained."""
    if job.options.detect is not None:
        recorded = job.ledger.get(KEY)
        wanted = amount(job.metric, job.options.detect)
        trained = f"training {PILOT} resamples to see how many find a gain of {wanted}"
        job.progress.say(trained if recorded is None else recommendation_sentence(recorded, job.metric))
        return
    found = _before(job)
    if found is None:
        job.progress.say(
            f"what gain {plural(len(job.plan.resamples), 'resample')} can find is known when they are trained: it is "
            f"guessed from the rows for accuracy and balanced accuracy only, not for {metric_title(job.metric)}"
        )
    else:
        job.progress.say(f"{_finds(job.metric, found)} ({found.spread.source})")


def plan_to_detect(job: Job, pilot: Sequence[str]) -> Plan:
    """The plan with as many resamples as find the wanted difference; as it was, where no number does.

    Args:
        job: the comparison, asked to detect a difference.
        pilot: the resamples that have been trained.
    """
    recorded = job.ledger.get(KEY)
    if recorded is None:
        recorded = _recommendation(job, pilot)
        job.ledger.put(KEY, recorded)
        job.progress.say(recommendation_sentence(recorded, job.metric))
    number = recorded["resamples"]
    if number is None:
        return job.plan
    return replace(
        job.plan,
        resamples=names("resample", number, timed=False),
        confirmations=names("confirmation", number, timed=False),
    )


def power_block(job: Job, finished: Sequence[str]) -> dict[str, Any] | None:
    """What results.json says of power; None where nothing was compared with the reference."""
    if len(job.plan.objectives) < 2:
        return None
    from minimand.workbench.compare.run import test_scores

    source = f"the paired differences on the {plural(len(finished), 'resample')} of this run"
    spread, each = spread_of_scores(
        test_scores(job, list(finished), list(job.plan.objectives)), reference=job.problem.reference, source=source
    )
    after = _findable(job, spread, finished)
    recorded = job.ledger.get(KEY)
    before = _before(job) if recorded is None else None
    which = "three in four objectives, by " if len(job.plan.objectives) > 2 else "by "
    sentences = [f"{_finds(job.metric, after)} ({which}{source})."]
    if recorded is not None:
        sentences.append(f"{recommendation_sentence(recorded, job.metric)}.")
    return {
        "power": POWER,
        "comparisons": len(job.plan.objectives) - 1,
        "before": None if before is None else before.to_json(),
        "after": after.to_json(),
        "deviations": each,
        "detect": recorded,
        "sentences": [sentence[0].upper() + sentence[1:] for sentence in sentences],
    }


def recommendation_sentence(recorded: dict[str, Any], metric: str) -> str:
    """What the pilot recommended, in words."""
    wanted, pilot = amount(metric, recorded["difference"]), plural(recorded["pilot"], "resample")
    if recorded["resamples"] is not None:
        return (
            f"{plural(recorded['resamples'], 'resample')} were recommended by the first {pilot}: so many find a gain "
            f"of {wanted} with {PERCENT} power"
        )
    fewer = " or fewer --objective" if recorded["comparisons"] > 1 else ""
    return (
        f"no number of resamples of these rows finds a gain of {wanted} with {PERCENT} power, judging by the first "
        f"{pilot}: {recorded['most']} find {amount(metric, recorded['detectable_by_most'])}, and what helps is more "
        f"rows (at least {count(recorded['rows_needed'])}){fewer}; the usual number is used"
    )


def amount(metric: str, difference: float) -> str:
    """A difference in units of the metric: `1.90 points of accuracy`."""
    scale = scale_of(metric)
    unit = f" {scale.gap_unit}" if scale.gap_unit else ""
    return f"{scale.size(difference)}{unit} of {metric_title(metric)}"


def _finds(metric: str, found: Findable) -> str:
    resamples = plural(found.resamples, "resample")
    return f"{resamples} find a true gain of {amount(metric, found.detectable)} with {PERCENT} power"


def _before(job: Job) -> Findable | None:
    if len(job.plan.objectives) < 2 or job.metric not in ("accuracy", "balanced-accuracy"):
        return None
    target = np.asarray(job.dataset.target)
    drawn = outer_resamples_by_name(job.dataset, job.plan.resamples, seed=job.plan.training.seed)
    counts = np.mean([np.bincount(target[one.test], minlength=job.dataset.n_classes) for one in drawn], axis=0)
    spread = spread_of_rows(job.metric, counts[counts > 0].tolist())
    return None if spread is None else _findable(job, spread, job.plan.resamples)


def _findable(job: Job, spread: Spread, resamples: Sequence[str]) -> Findable:
    return Findable(len(resamples), detectable_difference(spread, len(resamples), _design(job, resamples)), spread)


def _recommendation(job: Job, pilot: Sequence[str]) -> dict[str, Any]:
    from minimand.workbench.compare.run import test_scores

    assert job.options.detect is not None
    source = f"the first {plural(len(pilot), 'resample')}"
    scores = test_scores(job, list(pilot), list(job.plan.objectives))
    spread, _ = spread_of_scores(scores, reference=job.problem.reference, source=source)
    design, wanted = _design(job, pilot), job.options.detect
    number = resamples_to_detect(wanted, spread, design)
    factor = None if number is not None else rows_factor(wanted, spread, design)
    return {
        "difference": wanted,
        "comparisons": design.comparisons,
        "pilot": len(pilot),
        "deviation": spread.deviation,
        "degrees": spread.degrees,
        "resamples": number,
        "most": MOST_RECOMMENDED,
        "detectable_by_most": detectable_difference(spread, MOST_RECOMMENDED, design),
        "rows_needed": None if factor is None else math.ceil(factor * job.dataset.n_rows),
    }


def _design(job: Job, resamples: Sequence[str]) -> Design:
    from minimand.workbench.compare.run import test_train_ratio

    return Design(test_train_ratio(job, list(resamples)), len(job.plan.objectives) - 1, job.options.rope)
