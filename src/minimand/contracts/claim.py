"""The contract of claims: one testable sentence about a component, the experiment that tests it, and the verdict.

A *comparative* claim runs several arms on the same data of each seed and compares them pairwise; one arm has the
component switched off and must tie with the baseline. A *property* claim measures one number on each seed and
carries a broken twin, the same experiment with one deliberate fault, which must fail. Whatever must tie and does not,
or must fail and passes, means that the experiment cannot be trusted: it is broken, and has no other verdict.

Margins and tolerances stand in the declaration, above the experiment, so that moving one shows in the diff.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, Literal, TypeVar

from minimand.contracts.card import Card, card_of
from minimand.contracts.verdict import Finding, Verdict, against, interval_of, mean_finding, range_finding

CLAIM_ATTRIBUTE = "__minimand_claim__"
VALUE = "value"
BROKEN_TWIN = "broken_twin"

Tier = Literal["quick", "standard", "long", "gpu"]
Experiment = TypeVar("Experiment", bound=Callable[..., Any])
Arms = Mapping[str, Sequence[float]]
"""The number of each arm on each seed, in the order of the seeds."""


class BrokenExperiment(Exception):  # noqa: N818 - it names a state of the experiment, and reads so
    """A control that must tie does not, a twin that must fail passes, or an arm has no number: no verdict counts."""


# --- Expectations ------------------------------------------------------------------------------------------------


def _require_finite(**numbers: float) -> None:
    for name, number in numbers.items():
        if not math.isfinite(number):
            raise ValueError(f"{name} must be finite, got {number}")


@dataclass(frozen=True)
class Beats:
    """The seed-paired difference of an arm to a baseline lies beyond a margin.

    Args:
        arm: name of the arm.
        baseline: name of the arm that it is compared with.
        margin: the difference must lie above it; negative for "not worse by more than".
        lower_is_better: whether the difference counts the other way round, baseline minus arm.
    """

    arm: str
    baseline: str
    margin: float
    lower_is_better: bool = False

    def __post_init__(self) -> None:
        _require_finite(margin=self.margin)

    @property
    def text(self) -> str:
        way = "below" if self.lower_is_better else "above"
        return f"{self.arm} {way} {self.baseline} by more than {self.margin:g}"

    def finding(self, arms: Arms) -> Finding:
        """Wholly above the margin holds, wholly below does not, else undecided."""
        sign = -1.0 if self.lower_is_better else 1.0
        return mean_finding(self.text, _differences(arms, self.arm, self.baseline, sign), self.margin, math.inf)


@dataclass(frozen=True)
class Ties:
    """A control: the 95 % interval of the seed-paired difference of two arms lies inside `within` of zero."""

    arm: str
    baseline: str
    within: float

    def __post_init__(self) -> None:
        _require_finite(within=self.within)
        if self.within <= 0:
            raise ValueError(f"within must be positive, got {self.within}")

    @property
    def text(self) -> str:
        return f"{self.arm} ties with {self.baseline} within {self.within:g}"

    def finding(self, arms: Arms) -> Finding:
        """Whether the control does what it must."""
        differences = _differences(arms, self.arm, self.baseline, 1.0)
        return mean_finding(self.text, differences, -self.within, self.within, control=True)


@dataclass(frozen=True)
class Within:
    """The value of every seed lies in `[low, high]`."""

    low: float
    high: float

    def __post_init__(self) -> None:
        if not self.low < self.high:
            raise ValueError(f"low must be below high, got [{self.low}, {self.high}]")

    @property
    def text(self) -> str:
        if self.low == -math.inf:
            return f"at most {self.high:g} on every seed"
        return f"at least {self.low:g}" + (f" and at most {self.high:g}" * (self.high < math.inf)) + " on every seed"

    def finding(self, arms: Arms) -> Finding:
        """One seed outside is enough for "does not hold"."""
        return range_finding(self.text, arms[VALUE], self.low, self.high)

    def twin_passes(self, values: Sequence[float]) -> bool:
        """Whether the broken twin passes on any seed."""
        return any(self.low <= value <= self.high for value in values)


class AtMost(Within):
    """The value of every seed is at most a bound."""

    def __init__(self, high: float) -> None:
        super().__init__(-math.inf, high)


class AtLeast(Within):
    """The value of every seed is at least a bound."""

    def __init__(self, low: float) -> None:
        super().__init__(low, math.inf)


@dataclass(frozen=True)
class MeanWithin:
    """The 95 % interval of the mean over seeds lies in `(low, high)`: for rates and biases."""

    low: float
    high: float

    def __post_init__(self) -> None:
        if not self.low < self.high:
            raise ValueError(f"low must be below high, got ({self.low}, {self.high})")

    @property
    def text(self) -> str:
        return f"on average in ({self.low:g}, {self.high:g})"

    def finding(self, arms: Arms) -> Finding:
        """Wholly inside holds, wholly outside does not, else undecided."""
        return mean_finding(self.text, arms[VALUE], self.low, self.high)

    def twin_passes(self, values: Sequence[float]) -> bool:
        """Whether the interval of the broken twin is anywhere but wholly outside."""
        return against(interval_of(values), self.low, self.high) is not Verdict.FAILS


def _differences(arms: Arms, arm: str, baseline: str, sign: float) -> list[float]:
    return [sign * (ours - theirs) for ours, theirs in zip(arms[arm], arms[baseline], strict=True)]


Comparison = Beats | Ties
Property = Within | MeanWithin


# --- Claims ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Claim:
    """What a claim says, attached to the function that is its experiment."""

    kind: Literal["comparative", "property"]
    of: Any = field(repr=False)
    """The component."""
    says: str
    """The sentence that is tested."""
    where: str
    """Where the paper says it."""
    gap: str
    """What the small experiment leaves out."""
    tier: Tier
    expects: tuple[Comparison, ...] | tuple[Property, ...]
    experiment: Callable[..., Any] = field(repr=False)

    @property
    def name(self) -> str:
        return str(self.experiment.__name__)

    @property
    def module(self) -> str:
        return str(self.experiment.__module__)

    @property
    def card(self) -> Card:
        found = card_of(self.of)
        if found is None:
            raise TypeError(f"{self.module}:{self.name} is a claim of {self.of!r}, which has no card")
        return found

    def measure(self, seed: int) -> dict[str, float]:
        """Run the experiment on one seed: the number of each arm, or the value and that of the broken twin."""
        if self.kind == "property":
            return {
                VALUE: float(self.experiment(seed)),
                BROKEN_TWIN: float(self.experiment(seed, broken=True)),
            }
        return {name: float(number) for name, number in self.experiment(seed).items()}

    def judge(self, arms: Arms) -> Judgement:
        """The verdict on the numbers of all seeds; the numbers alone decide, so that a record can be judged again.

        Raises:
            ValueError: an arm is missing, or the arms do not have the same number of seeds.
        """
        needed = _arm_names(self.expects)
        if missing := needed - set(arms):
            raise ValueError(f"arms must include {', '.join(sorted(missing))}, got {', '.join(arms)}")
        if len({len(values) for values in arms.values()}) != 1:
            raise ValueError(f"arms must have one number a seed, got { {k: len(v) for k, v in arms.items()} }")
        unusable = [name for name in arms if name in needed and not _usable(arms[name], self.expects)]
        if unusable:
            reasons = tuple(f"{name} gave no number on some seed: {list(arms[name])}" for name in sorted(unusable))
            return Judgement(Verdict.BROKEN, (), reasons)
        findings = tuple(expectation.finding(arms) for expectation in self.expects)
        broken = [
            f"{f.text}, but the 95 % interval of the difference is [{f.low:.4g}, {f.high:.4g}]"
            for f in findings
            if f.control and f.verdict is not Verdict.HOLDS
        ]
        broken += [
            f"the broken twin must not be {e.text}, but is: {list(arms[BROKEN_TWIN])}"
            for e in self.expects
            if isinstance(e, (Within, MeanWithin)) and e.twin_passes(arms[BROKEN_TWIN])
        ]
        if broken:
            return Judgement(Verdict.BROKEN, findings, tuple(broken))
        verdicts = [f.verdict for f in findings if not f.control]
        # the claim is the conjunction of what it expects.
        for verdict in (Verdict.FAILS, Verdict.UNDECIDED):
            if verdict in verdicts:
                return Judgement(verdict, findings, ())
        return Judgement(Verdict.HOLDS, findings, ())


@dataclass(frozen=True)
class Judgement:
    """The verdict of a claim with the findings that it rests on."""

    verdict: Verdict
    findings: tuple[Finding, ...]
    broken: tuple[str, ...]
    """Why the experiment cannot be trusted; empty when it can."""

    @property
    def seeds_needed(self) -> int | None:
        """Of an undecided claim: how many seeds would decide all of it; None where no reasonable number would."""
        open_ones = [f.seeds_needed for f in self.findings if f.verdict is Verdict.UNDECIDED and not f.control]
        return None if not open_ones or None in open_ones else max(n for n in open_ones if n is not None)

    def require_sound(self) -> None:
        """Refuse a broken experiment.

        Raises:
            BrokenExperiment: with the reasons.
        """
        if self.broken:
            raise BrokenExperiment("; ".join(self.broken))


def comparative_claim(
    *, of: Any, says: str, where: str, gap: str, expects: Sequence[Comparison], tier: Tier = "standard"
) -> Callable[[Experiment], Experiment]:
    """Attach a claim to `experiment(seed) -> {arm: number}`, and return that very function.

    Args:
        of: the component; it must carry a card.
        says: the one testable sentence.
        where: where the paper says it.
        gap: what the small experiment leaves out.
        expects: at least one `Beats`, and at least one `Ties` for the arm with the component switched off.
        tier: how long it may take: quick 10 s, standard 120 s, long 20 min, or gpu.

    Raises:
        ValueError: `expects` has no `Beats` or no `Ties`, or a text is empty.
    """
    wanted = tuple(expects)
    for kind in (Beats, Ties):
        if not any(isinstance(e, kind) for e in wanted):
            raise ValueError(f"expects must hold at least one {kind.__name__}, got {wanted}")
    return _attacher("comparative", of, says, where, gap, tier, wanted)


def property_claim(
    *, of: Any, says: str, where: str, gap: str, expects: Property | Sequence[Property], tier: Tier = "quick"
) -> Callable[[Experiment], Experiment]:
    """Attach a claim to `experiment(seed, *, broken=False) -> number`, and return that very function.

    Args:
        of: the component; it must carry a card.
        says: the one testable sentence.
        where: where the paper says it.
        gap: what the small experiment leaves out.
        expects: `AtMost`, `AtLeast` or `Within` for what must hold on every seed, `MeanWithin` for rates and biases.
        tier: how long it may take: quick 10 s, standard 120 s, long 20 min, or gpu.

    Raises:
        ValueError: a text is empty.
        TypeError: the experiment takes no `broken`.
    """
    wanted = (expects,) if isinstance(expects, (Within, MeanWithin)) else tuple(expects)
    if not wanted:
        raise ValueError("expects must hold at least one expectation, got none")
    return _attacher("property", of, says, where, gap, tier, wanted)


def claim_of(experiment: Any) -> Claim | None:
    """The claim attached to a function; None where there is none."""
    found = vars(experiment).get(CLAIM_ATTRIBUTE) if inspect.isfunction(experiment) else None
    return found if isinstance(found, Claim) else None


def claims_in(module: ModuleType) -> tuple[Claim, ...]:
    """The claims defined in a module, in their order; the first is the headline."""
    own = [claim_of(member) for member in vars(module).values()]
    return tuple(claim for claim in own if claim is not None and claim.module == module.__name__)


def _attacher(
    kind: Literal["comparative", "property"],
    of: Any,
    says: str,
    where: str,
    gap: str,
    tier: Tier,
    expects: tuple[Any, ...],
) -> Callable[[Experiment], Experiment]:
    for name, text in (("says", says), ("where", where), ("gap", gap)):
        if not text.strip():
            raise ValueError(f"{name} must not be empty, got {text!r}")

    def attach(experiment: Experiment) -> Experiment:
        if kind == "property" and "broken" not in inspect.signature(experiment).parameters:
            raise TypeError(f"{experiment.__name__} must take broken=False: a property claim carries a broken twin")
        setattr(experiment, CLAIM_ATTRIBUTE, Claim(kind, of, says, where, gap, tier, expects, experiment))
        return experiment

    return attach


def _arm_names(expects: Sequence[Any]) -> set[str]:
    names: set[str] = set()
    for expectation in expects:
        names |= (
            {expectation.arm, expectation.baseline} if isinstance(expectation, (Beats, Ties)) else {VALUE, BROKEN_TWIN}
        )
    return names


def _usable(values: Sequence[float], expects: Sequence[Any]) -> bool:
    """Whether an arm can be judged: no NaN ever, and no infinity where a mean is taken."""
    if any(map(math.isnan, values)):
        return False
    return all(isinstance(e, Within) for e in expects) or all(map(math.isfinite, values))
