"""Which objectives are worth trying on these data: chosen by their cards and by what the data show, and said why."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from minimand.contracts.card import Card, Range, Suits, Task, card_of
from minimand.contracts.catalogue import cards, find
from minimand.contracts.objective import Objective
from minimand.errors import InputError
from minimand.workbench.compare.problem import Problem
from minimand.workbench.tables import Dataset
from minimand.workbench.tables.table import nearest_names
from minimand.workbench.verify.scope import claim_file_of

REFERENCE = "cross-entropy"
LEAST_CANDIDATES = 8
UNBALANCED_FROM = 3.0
"""Rows of the largest class for each of the smallest from which classes count as unbalanced."""
NOISY_FROM = 0.01
"""Share of suspected labels beyond the false-alarm rate from which labels count as noisy."""
MANY_CLASSES_FROM = 50
SKEWED_FROM = 1.0
"""Skewness from which positive numbers count as skewed."""


@dataclass(frozen=True)
class Candidate:
    """An objective that is compared: a name, what `bind` takes, its own search space, and why it is here."""

    name: str
    title: str
    objective: Any
    why: str
    search: Mapping[str, Range] = field(default_factory=dict)
    defaults: Mapping[str, float] = field(default_factory=dict)
    card: Card | None = None


@dataclass(frozen=True)
class NotChosen:
    """An objective of the catalogue that is not compared, and why."""

    slug: str
    title: str
    why: str


def choose(
    diagnosis: Mapping[str, Any],
    problem: Problem,
    dataset: Dataset,
    *,
    takes_probabilities: bool,
    least: int = LEAST_CANDIDATES,
) -> tuple[list[Candidate], list[NotChosen]]:
    """The objectives to compare: the reference, whatever suits every problem, and whatever the data call for.

    A loss says on its card what it suits; one that says nothing is compared when it is named.

    Args:
        diagnosis: of the data, as `diagnose` gives it.
        problem: what is to be predicted.
        dataset: whose targets a loss must be able to have.
        takes_probabilities: the metric needs probabilities, so that objectives without are left out.
        least: with fewer objectives than this, others fill the list.
    """
    reference: list[Candidate] = []
    called_for: list[Candidate] = []
    general: list[Candidate] = []
    waiting: list[Card] = []
    left: list[NotChosen] = []
    for card in sorted(cards("loss"), key=lambda card: (card.slug != problem.reference, card.room, card.slug)):
        name = candidate_name(card)
        if not problem.serves(card):
            left.append(NotChosen(name, card.title, f"it does not serve {problem.described}"))
        elif card.needs:
            left.append(NotChosen(name, card.title, _needs(card)))
        elif takes_probabilities and card.probabilities is None:
            left.append(NotChosen(name, card.title, "it defines no probabilities, and the metric needs them"))
        elif (unfit := problem.unfit(card, dataset)) is not None:
            left.append(NotChosen(name, card.title, unfit))
        elif card.slug == problem.reference:
            reference.append(candidate_of(card, "the reference that the others are compared with"))
        elif (reason := _reason(card, problem, diagnosis)) is not None:
            group = general if reason == problem.general else called_for
            group.append(candidate_of(card, f"{reason} {card.when}"))
        elif card.suits or problem.kind == "multi-label":
            # few losses serve labels, and none is for some of the data only.
            waiting.append(card)
        else:
            left.append(NotChosen(name, card.title, f"it is compared when it is named. {card.when}"))
    # what the data call for stands before what suits every problem: a short budget cuts from the end.
    chosen = [*reference, *called_for, *general]
    for card in waiting:
        if len(chosen) < least:
            chosen.append(candidate_of(card, f"The data show no special need for it; it fills the list. {card.when}"))
        else:
            left.append(NotChosen(candidate_name(card), card.title, f"the data show no need for it. {card.when}"))
    return chosen, left


def named(words: Iterable[str], problem: Problem, dataset: Dataset, *, takes_probabilities: bool) -> list[Candidate]:
    """The objectives that the user asked for, with the reference before them.

    Raises:
        InputError: a word means no loss, or several, or a loss that does not serve the problem, that these targets
            cannot have, or without the probabilities that the metric needs.
    """
    chosen = [candidate_of(_one_loss(problem.reference), "the reference that the others are compared with")]
    for word in words:
        card = _one_loss(word)
        name = candidate_name(card)
        if not problem.takes(card):
            kinds = ", ".join(sorted(card.tasks))
            raise InputError(f"{name} serves {kinds} targets, and these are {problem.described}: choose another one")
        if card.needs:
            raise InputError(f"{name} cannot be compared so: {_needs(card)}; hand it over in Python")
        if takes_probabilities and card.probabilities is None:
            raise InputError(f"{name} defines no probabilities, which the metric needs: choose another --metric")
        unfit = problem.unfit(card, dataset)
        if unfit is not None:
            raise InputError(f"{name} cannot be compared so: {unfit}")
        if name not in [candidate.name for candidate in chosen]:
            chosen.append(candidate_of(card, "asked for"))
    return chosen


def given(objectives: Mapping[str, Any]) -> list[Candidate]:
    """Objectives handed over in Python: `{"mine": my_loss}`."""
    found = []
    for name, objective in objectives.items():
        if isinstance(objective, Objective):
            found.append(_candidate_given(name, objective))
            continue
        card = card_of(objective) if callable(objective) else None
        if card is not None and not _is_instance(objective):
            found.append(candidate_of(card, "given from Python", name=name))
        elif callable(objective):
            found.append(Candidate(name, name, objective, "given from Python"))
        else:
            raise InputError(f"the objective {name!r} must be callable as objective(pred, target), got {objective!r}")
    return found


def _candidate_given(name: str, objective: Objective) -> Candidate:
    """An objective with a search space of its own; that of a loss of minimand stands where none is given."""
    card = card_of(objective.loss)
    search, defaults = objective.search, objective.defaults
    if card is not None and not search:
        search, defaults = dict(card.search), card.defaults
    title = name if card is None else card.title
    return Candidate(name, title, objective, "given from Python", search, defaults)


def candidate_of(card: Card, why: str, *, name: str | None = None) -> Candidate:
    """A component of the catalogue as a candidate."""
    return Candidate(
        name=name or candidate_name(card),
        title=card.title,
        objective=card.component,
        why=why,
        search=card.search,
        defaults=card.defaults,
        card=card,
    )


def candidate_name(card: Card) -> str:
    """What a loss is called in a comparison: its slug, which of several only the one of that name, or claim, has."""
    family = [other for other in cards("loss") if other.slug == card.slug]
    file = claim_file_of(card)
    headline = [other for other in family if other.short_name == card.slug]
    headline += [other for other in family if file is not None and other.path == file.path]
    return card.slug if [*headline, *family][0].id == card.id else card.short_name


def _needs(card: Card) -> str:
    return f"it needs {' and '.join(name.replace('_', ' ') for name in card.needs)}, which a table does not tell"


def _reason(card: Card, problem: Problem, diagnosis: Mapping[str, Any]) -> str | None:
    """Why the data call for a loss with these suits, or None."""
    if problem.kind == "ordinal" and Task.ORDINAL in card.tasks:
        return "The levels have an order."
    rules: dict[Suits, Callable[[Mapping[str, Any]], str | None]] = {
        Suits.UNBALANCED_CLASSES: _unbalanced,
        Suits.NOISY_LABELS: _noisy,
        Suits.MANY_CLASSES: lambda _: _many_classes(problem),
        Suits.COUNTS: _counts,
        Suits.POSITIVE_TARGETS: _positive,
        Suits.EVERY_PROBLEM: lambda _: problem.general,
    }
    reasons = [rule(diagnosis) for suit, rule in rules.items() if suit in card.suits]
    return next((reason for reason in reasons if reason is not None), None)


def _unbalanced(diagnosis: Mapping[str, Any]) -> str | None:
    ratio = diagnosis.get("imbalance_ratio")
    if ratio is None or ratio < UNBALANCED_FROM:
        return None
    return f"The classes are unbalanced ({ratio:.3g} rows of the largest for each of the smallest)."


def _noisy(diagnosis: Mapping[str, Any]) -> str | None:
    noise = diagnosis.get("label_noise")
    if noise is None or noise["share"] - noise["false_alarm_rate"] < NOISY_FROM:
        return None
    return f"{noise['share']:.1%} of the labels look wrong (false alarms alone: {noise['false_alarm_rate']:.1%})."


def _many_classes(problem: Problem) -> str | None:
    return None if problem.n_outputs < MANY_CLASSES_FROM else f"There are {problem.n_outputs} classes."


def _counts(diagnosis: Mapping[str, Any]) -> str | None:
    values = diagnosis.get("values")
    if values is None or not values["whole"] or values["lowest"] < 0:
        return None
    return f"The target may be a count: whole numbers from {values['lowest']:g} to {values['highest']:g}."


def _positive(diagnosis: Mapping[str, Any]) -> str | None:
    values = diagnosis.get("values")
    if values is None or values["lowest"] < 0 or (values["skewness"] or 0.0) < SKEWED_FROM:
        return None
    zeros = f", {values['zero_share']:.0%} of them zero" if values["zero_share"] > 0 else ""
    return f"The target has no negative numbers and is skewed ({values['skewness']:.1f}){zeros}."


def _one_loss(word: str) -> Card:
    # a slug that several share means the one that the claim is about; a map may have the short name of its loss
    found = [card for card in cards("loss") if candidate_name(card) == word]
    found = found or [card for card in find(word) if card.kind == "loss"]
    if len(found) == 1:
        return found[0]
    if not found:
        nearest = nearest_names(word, [candidate_name(card) for card in cards("loss")])
        raise InputError(f"there is no loss called {word!r}: {nearest}; see `minimand list`")
    raise InputError(f"{word!r} may mean {', '.join(card.id for card in found)}: say which")


def _is_instance(objective: Any) -> bool:
    import torch

    return isinstance(objective, torch.nn.Module)
