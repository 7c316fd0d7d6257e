"""The decision in one sentence, and the sentences under it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from minimand.workbench.compare.decide import Confirmation, Decision
from minimand.workbench.compare.references import BOOSTING
from minimand.workbench.report.wording import scale_of

NAMES = frozenset({"Brier", "Crammer", "Gaussian", "Huber", "Poisson", "Taylor", "Tweedie", "Weston"})
"""Names of people that open titles: they keep their capital inside a sentence."""


@dataclass(frozen=True)
class Findings:
    """What the sentences speak of."""

    decision: Decision
    confirmation: Confirmation | None
    metric: str
    metric_title: str
    titles: Mapping[str, str]
    means: Mapping[str, float]
    reference_means: Mapping[str, float]
    higher_is_better: bool
    boosting_wins: bool
    """Whether every objective is worse than gradient boosting, by the same rule as all verdicts."""
    reference_words: str = "cross entropy"
    relative_to: float | None = None
    """The value of which differences are shares; None where they are in units of the metric."""

    @property
    def recommended(self) -> str:
        """The objective to train with: the winner if fresh resamples confirm it, else the reference."""
        winner = self.decision.winner
        confirmed = self.confirmation is not None and self.confirmation.holds
        return winner if winner is not None and confirmed else self.decision.reference


def decision_sentence(found: Findings) -> str:
    """The one sentence at the top; its only figure for an advantage is the one from fresh resamples."""
    sentence = _objective_sentence(found)
    if found.boosting_wins:
        scale = scale_of(found.metric)
        boosting = scale.value(found.reference_means[BOOSTING])
        best = scale.value(_best_mean(found))
        opening = f"Gradient boosting beats every objective here ({found.metric_title} {boosting} against {best})"
        return f"{opening}; of the neural objectives: {sentence[0].lower()}{sentence[1:]}"
    return sentence


def _objective_sentence(found: Findings) -> str:
    decision, confirmation, reference = found.decision, found.confirmation, found.reference_words
    name = decision.nominee
    if name is None:
        return f"Train with {reference}: nothing else was compared."
    title = _lower(found.titles[name])
    if confirmation is None:
        return f"Stay with {reference}: the budget ended before the gain of {title} could be estimated again."
    scale = scale_of(found.metric)
    unit = f" {scale.gap_unit}" if scale.gap_unit else ""
    figure = (
        f"{scale.gap(confirmation.difference)}{unit} of {found.metric_title}, 95 % interval "
        f"{scale.interval(confirmation.interval)}, on {confirmation.resamples} resamples that did not choose it"
    )
    if decision.winner is not None and confirmation.holds:
        return f"Train with {title}: {figure}, over {reference} tuned alike."
    if decision.winner is not None:
        won = f"{title} won where it was chosen, but not surely so again"
        return f"Stay with {reference}: {won} (its gain: {figure})."
    comparison = decision.comparisons[name]
    if comparison.verdict == "practically equal":
        equal = f"the best other objective, {title}, is judged practically equal where it was chosen"
        return f"Stay with {reference}: {equal} (its gain: {figure})."
    shown = "every other objective is worse" if comparison.verdict == "worse" else "no objective is shown to be better"
    return f"Stay with {reference}: {shown}, the nearest being {title} (its gain: {figure})."


def details(found: Findings, notes: Sequence[str]) -> list[str]:
    """The sentences under the decision: what was decided about the others, what would decide, what to bear in mind."""
    by_verdict: dict[str, list[str]] = {}
    lines: list[str] = []
    for name, comparison in found.decision.comparisons.items():
        by_verdict.setdefault(comparison.verdict, []).append(name)
    for verdict in ("better", "practically equal", "worse"):
        if by_verdict.get(verdict):
            names = ", ".join(found.titles[name] for name in by_verdict[verdict])
            lines.append(
                f"{verdict.capitalize()}{' to' if 'equal' in verdict else ' than'} {found.reference_words}: {names}."
            )
    endless = []
    for name in by_verdict.get("undecided", []):
        needed = found.decision.comparisons[name].resamples_needed
        if needed is None:
            endless.append(found.titles[name])
        else:
            lines.append(f"{found.titles[name]} is undecided; {needed} resamples would decide.")
    if endless:
        lines.append(f"Undecided, and only more rows would decide, not more resamples: {', '.join(endless)}.")
    return [*lines, *notes]


def confirmation_block(found: Findings, scores: Sequence[float], reference: Sequence[float]) -> dict[str, Any] | None:
    """The confirmation as results.json has it."""
    confirmation, nominee = found.confirmation, found.decision.nominee
    if confirmation is None or nominee is None:
        return None
    return {
        "objective": nominee,
        "resamples": confirmation.resamples,
        "difference": confirmation.difference,
        "interval": list(confirmation.interval),
        "scores": list(scores),
        "reference_scores": list(reference),
    }


def _best_mean(found: Findings) -> float:
    return max(found.means.values()) if found.higher_is_better else min(found.means.values())


def _lower(title: str) -> str:
    """A title inside a sentence; names that open with an acronym or a letter and a dash keep their capital."""
    first = title.partition(" ")[0]
    if first.partition("-")[0] in NAMES:
        return title
    return title if sum(letter.isupper() for letter in first) > 1 or "-" in first[:2] else title[0].lower() + title[1:]
