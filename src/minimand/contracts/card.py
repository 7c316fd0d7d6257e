"""The card: what a component says of itself, attached to the very object by its decorator.

There is no registry and no side file. `catalogue.cards()` walks the package and reads the cards off the objects;
pages, search spaces, candidates of `compare` and test parameters are computed from them.
"""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

CARD_ATTRIBUTE = "__minimand_card__"


class Task(StrEnum):
    """A kind of problem that a component serves."""

    BINARY = "binary"
    MULTICLASS = "multiclass"
    MULTILABEL = "multilabel"
    """Each row may have any number of the labels: targets `(N, C)` of 0 and 1."""
    REGRESSION = "regression"
    """Targets are numbers, `(N,)` or `(N, D)`."""
    ORDINAL = "ordinal"
    """Classes have an order: targets `(N,)` count the levels from 0."""


class Suits(StrEnum):
    """A state of the data in which a component is worth trying unasked: what `compare` chooses candidates by."""

    EVERY_PROBLEM = "every problem"
    UNBALANCED_CLASSES = "unbalanced classes"
    NOISY_LABELS = "noisy labels"
    MANY_CLASSES = "many classes"
    POSITIVE_TARGETS = "positive targets"
    """Of numbers: all of them positive, and skewed."""
    COUNTS = "counts"
    """Of numbers: whole ones, none of them negative."""


class Trait(StrEnum):
    """A promise of a component, tested by exactly one common test."""

    NONNEGATIVE = "nonnegative"
    """Never below zero."""
    BOUNDED = "bounded"
    """Saturates as the scores grow: no row can dominate a batch."""
    SHIFT_INVARIANT = "shift invariant"
    """Unchanged when a constant is added to all scores of a row."""
    BATCH_COUPLED = "batch coupled"
    """Rows of a batch interact: the loss is no sum over rows."""
    NEEDS_INDEX = "needs index"
    """Remembers each training sample: must be told the row numbers of the batch."""
    SOFT_TARGETS = "soft targets"
    """Takes class probabilities `(N, K)` for targets too, as well as class indices `(N,)`."""
    TRANSLATION_INVARIANT = "translation invariant"
    """Of numbers: unchanged when predictions and targets are moved together."""
    SYMMETRIC = "symmetric"
    """Of numbers: a prediction too high costs as much as one as much too low."""


@dataclass(frozen=True)
class Paper:
    """A bibliography entry, kept where the method is."""

    key: str
    title: str
    authors: str
    year: int
    arxiv: str = ""
    venue: str = ""
    url: str = ""

    def __str__(self) -> str:
        where = f"arXiv:{self.arxiv}" if self.arxiv else self.venue or self.url
        return f"{self.authors} ({self.year}). {self.title}." + (f" {where}." if where else "")

    def bibtex(self) -> str:
        """The entry in BibTeX; the authors stand as on the card."""
        fields = {"title": f"{{{self.title}}}", "author": self.authors, "year": str(self.year)}
        if self.arxiv:
            fields |= {"eprint": self.arxiv, "archiveprefix": "arXiv"}
        if self.venue:
            fields["howpublished"] = self.venue
        if self.url:
            fields["url"] = self.url
        body = ",\n".join(f"  {name} = {{{text}}}" for name, text in fields.items())
        return f"@misc{{{self.key},\n{body}\n}}"


@dataclass(frozen=True)
class Range:
    """The interval in which a hyperparameter is searched; both ends are legal values."""

    low: float
    high: float
    scale: Literal["linear", "log"] = "linear"
    default: float | None = None

    def __post_init__(self) -> None:
        if not self.low < self.high:
            raise ValueError(f"low must be below high, got [{self.low}, {self.high}]")
        if self.scale == "log" and self.low <= 0:
            raise ValueError(f"low must be positive on a log scale, got {self.low}")

    def at(self, share: float) -> float:
        """The value at a share in [0, 1] of the way from low to high, on the range's own scale."""
        if self.scale == "log":
            value = math.exp(math.log(self.low) + share * (math.log(self.high) - math.log(self.low)))
        else:
            value = self.low + share * (self.high - self.low)
        return min(max(value, self.low), self.high)  # rounding must not leave the legal interval

    def share(self, value: float) -> float:
        """The inverse of `at`."""
        if self.scale == "log":
            return (math.log(value) - math.log(self.low)) / (math.log(self.high) - math.log(self.low))
        return (value - self.low) / (self.high - self.low)

    def edge(self, value: float, *, within: float = 0.05) -> Literal["lower", "upper"] | None:
        """Which end of the range a value is near (closer than `within` of its length), if any."""
        share = self.share(value)
        return "lower" if share <= within else "upper" if share >= 1 - within else None


@dataclass(frozen=True)
class Card:
    """What a component says of itself; see the fields of `Card` in the architecture notes and `minimand show`."""

    kind: str
    slug: str
    component: Any = field(repr=False)
    papers: tuple[Paper, ...]
    tasks: frozenset[Task]
    when: str
    drawback: str
    search: Mapping[str, Range] = field(default_factory=dict)
    probabilities: Callable[..., Any] | None = field(default=None, repr=False)
    row: Callable[..., Any] | None = field(default=None, repr=False)
    provenance: str = "established"
    traits: frozenset[Trait] = frozenset()
    cases: Callable[..., tuple[Any, ...]] | None = field(default=None, repr=False)
    exempt: Mapping[str, str] = field(default_factory=dict)
    suits: frozenset[Suits] = frozenset()
    """States of the data in which it is tried unasked; none: only when it is named."""
    needs: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    """Arguments that only the user can give, each with `(task) -> value`, an example for the common tests."""
    also_known_as: tuple[str, ...] = ()
    """Names that people use for it, which may mean others too: `find` answers with all of them."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What only this kind of component has to say (a metric: what it takes, which way is better)."""

    @property
    def name(self) -> str:
        return str(self.component.__name__)

    @property
    def short_name(self) -> str:
        """The name without the noun of its kind, as words with hyphens: `poly1` of `poly1_loss`, `elr` of `ELRLoss`."""
        words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", self.name).lower().split("_")
        return "-".join(words[:-1] if len(words) > 1 and words[-1] == self.kind else words)

    @property
    def path(self) -> str:
        """The place of the file in each of the trees, such as `losses/noisy/gce`."""
        return str(self.component.__module__).removeprefix("minimand.").replace(".", "/")

    @property
    def id(self) -> str:
        return f"{self.path.replace('/', '.')}:{self.name}"

    @property
    def room(self) -> str:
        return self.path.rpartition("/")[0].replace("/", ".")

    @property
    def summary(self) -> str:
        """The first line of the docstring: what it is, with its formula."""
        return (inspect.getdoc(self.component) or "").partition("\n")[0]

    @property
    def title(self) -> str:
        """The noun phrase that opens the docstring, without its formula."""
        return re.split(r"[,:]?\s*\$|[.,:](?:\s|$)", self.summary, maxsplit=1)[0].strip()

    @property
    def formulas(self) -> tuple[str, ...]:
        """The formulas between dollar signs in the summary, else in the docstring."""
        found = re.findall(r"\$([^$]+)\$", self.summary)
        return tuple(found or re.findall(r"\$\$([^$]+)\$\$|\$([^$]+)\$", inspect.getdoc(self.component) or "")[:1])

    @property
    def defaults(self) -> dict[str, float]:
        """The default of each searched hyperparameter."""
        signature = inspect.signature(self.component)
        return {
            name: signature.parameters[name].default if span.default is None else span.default
            for name, span in self.search.items()
        }


def attach(component: Any, card: Card) -> None:
    """Put the card on the object that it describes."""
    setattr(component, CARD_ATTRIBUTE, card)


def card_of(component: Any) -> Card | None:
    """The card of a component, of a module twin, or of an instance of either; None where there is none.

    A subclass does not inherit a card: it reads `vars(component)`.
    """
    owner = component if inspect.isclass(component) or inspect.isfunction(component) else type(component)
    plain = vars(owner).get("function")  # a module twin shares the card of its function
    for place in (owner, plain.__func__ if isinstance(plain, staticmethod) else None):
        found = vars(place).get(CARD_ATTRIBUTE) if place is not None else None
        if isinstance(found, Card):
            return found
    return None
