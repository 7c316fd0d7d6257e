"""Cutting the worse settings of an objective early: the same epochs and the same cuts for every objective.

A setting's score is that of its best epoch so far, which is also what it would be judged by in the end: where the last
epoch counted, early ranks would say nothing (and label noise would turn them round). Settings are cut within an
objective, never one objective against another. The first resample is tuned in full, so that what halving costs is
measured on the very data: how early and final ranks agree, and how much worse the setting would be that is left.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

CUTS = ((10, 0.75), (20, 0.5))
"""Epochs after which settings are cut, and the share of all settings that goes on. Measured: cuts after 4, 10 and 20
epochs that leave one setting of eight train a quarter of the epochs and lose 0.7 points of validation accuracy on
phoneme, where low learning rates win late (rank correlation of epoch 4 and the end: 0.3). These train 60 to 80 % of the
epochs and lose less than 0.1 points."""
EPOCHS = tuple(epoch for epoch, _ in CUTS)
DOUBTFUL_BELOW = 0.6
"""Rank correlation of early and final scores below which slow starters may have been punished."""

Rung = tuple[int, int]
"""An epoch, and how many settings go on after it."""


def rungs(settings: int) -> tuple[Rung, ...]:
    """When settings are cut, and how many go on; cuts that would end none are left out."""
    found: list[Rung] = []
    left = settings
    for epoch, share in CUTS:
        keep = math.ceil(share * settings)
        if keep < left:
            left = keep
            found.append((epoch, left))
    return tuple(found)


def survivors(scores: Mapping[int, float], keep: int) -> list[int]:
    """The settings that go on: those with the highest scores, of equal ones the first."""
    return sorted(scores, key=lambda number: (-scores[number], number))[:keep]


def epochs_trained(settings: int, expected: float, *, halving: bool) -> float:
    """Epochs that all settings of an objective train together, when each would train so many on average."""
    if not halving:
        return settings * expected
    total, left, reached = 0.0, settings, 0.0
    for epoch, keep in rungs(settings):
        total += left * max(min(epoch, expected) - reached, 0.0)
        left, reached = keep, min(float(epoch), expected)
    return total + left * (expected - reached)


def cost_of_cutting(records: Sequence[Mapping[str, Any]], *, sign: float) -> dict[str, float | None]:
    """What halving would have done to settings that were all trained to their end.

    Args:
        records: of the settings of an objective on one resample; `rungs` holds the best scores at the epochs of the
            cuts, `validation` the best of all.
        sign: 1 where higher is better, else -1.

    Returns:
        `rank_correlation` of the scores at the first cut with the final ones (None where all are equal), and `regret`,
        how much better the best setting is than the one that the cuts leave, at least 0.
    """
    final = [sign * record["validation"] for record in records]
    alive = list(range(len(records)))
    for epoch, keep in rungs(len(records)):
        rung = EPOCHS.index(epoch)
        alive = survivors({number: sign * _at(records[number], rung) for number in alive}, keep)
    first = [sign * _at(record, 0) for record in records]
    left = max(final[number] for number in alive)
    # settings none of which could be scored leave nothing to regret
    regret = max(final) - left if math.isfinite(left) else 0.0
    return {"rank_correlation": rank_correlation(first, final), "regret": regret}


def measured(
    by_objective: Mapping[str, Sequence[Mapping[str, Any]]],
    cuts: Sequence[Sequence[int]],
    *,
    sign: float,
    resample: str,
) -> dict[str, Any]:
    """What the cuts would have done on the resample that was tuned in full, for results.json.

    Args:
        by_objective: title of each objective -> the records of its settings on that resample.
        cuts: epochs, with how many settings go on.
        sign: 1 where higher is better, else -1.
        resample: its name.
    """
    found = {title: cost_of_cutting(records, sign=sign) for title, records in by_objective.items()}
    return {
        "resample": resample,
        "cuts": [{"epoch": epoch, "kept": keep} for epoch, keep in cuts],
        "objectives": [{"title": title, **cost} for title, cost in found.items()],
        "sentence": _sentence(found, cuts),
    }


def _sentence(found: Mapping[str, Mapping[str, float | None]], cuts: Sequence[Sequence[int]]) -> str:
    epochs = [str(epoch) for epoch, _ in cuts]
    known = {title: cost["rank_correlation"] for title, cost in found.items() if cost["rank_correlation"] is not None}
    regrets = [cost["regret"] or 0.0 for cost in found.values()]
    text = (
        f"The worse settings of each objective were cut after epochs {' and '.join(epochs)}. On the first resample, "
        f"where none were, the settings that would have been left are {fmean(regrets):.2g} worse in the validation "
        f"metric on average (at most {max(regrets):.2g})"
    )
    if known:
        agreement = f"{fmean(known.values()):.2f}"
        text += f", and scores at epoch {epochs[0]} agree with the last by a rank correlation of {agreement}"
    doubtful = [title for title, value in known.items() if value < DOUBTFUL_BELOW]
    if doubtful:
        text += f"; below {DOUBTFUL_BELOW} for {', '.join(doubtful)}: --no-halving trains these to the end"
    return text + "."


def rank_correlation(some: Sequence[float], others: Sequence[float]) -> float | None:
    """Spearman's correlation, ties in the middle; None where one side is all equal."""
    x, y = _ranks(some), _ranks(others)
    mean_x, mean_y = fmean(x), fmean(y)
    spread = math.sqrt(sum((a - mean_x) ** 2 for a in x) * sum((b - mean_y) ** 2 for b in y))
    if spread == 0:
        return None
    return sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True)) / spread


def _at(record: Mapping[str, Any], rung: int) -> float:
    """The best score up to a cut; of a training that had ended before, its best of all."""
    reached: Sequence[float] = record["rungs"]
    return float(reached[rung]) if rung < len(reached) else float(record["validation"])


def _ranks(values: Sequence[float]) -> list[float]:
    return [sum(v < value for v in values) + (sum(v == value for v in values) - 1) / 2 for value in values]
