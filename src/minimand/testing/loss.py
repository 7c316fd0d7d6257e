"""The contract of losses as one call: `check_loss(my_loss)`, for losses of minimand and for other people's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from minimand.testing.promises import gradients, manners, numbers, rows, targets, traits, values
from minimand.testing.promises.subject import Cases, Promise, SkippedPromise, Subject, promises_in
from minimand.testing.report import BrokenPromisesError, PromiseReport

__all__ = ["BrokenPromisesError", "PromiseReport", "check_loss", "check_promises", "keep", "loss_promises"]


def loss_promises() -> dict[str, Promise]:
    """The promises of a loss by name, in the order in which they are checked."""
    files = (rows, targets, values, gradients, numbers, manners, traits)
    return {check.__name__: check for file in files for check in promises_in(file)}


def keep(check: Promise, subject: Subject, exempt: Mapping[str, str]) -> None:
    """Check one promise of one loss.

    Raises:
        SkippedPromise: this loss does not give it; the reason is the text.
        AssertionError: it is broken; the text is a sentence.
    """
    name, marks = check.__name__, vars(check)
    if name in exempt:
        raise SkippedPromise(f"exempt: {exempt[name]}")
    if marks["trait"] is not None and marks["trait"] not in subject.traits:
        raise SkippedPromise(f"the trait {marks['trait'].name} is not declared")
    if marks["asked_of"] == "contract" and subject.is_foreign:
        raise SkippedPromise("not asked of a foreign objective, of which only objective(pred, target) is known")
    check(subject)


def check_loss(
    objective: Any,
    *,
    cases: Cases | None = None,
    n_classes: int | None = None,
    hyper: Mapping[str, Any] | None = None,
    exempt: Mapping[str, str] | None = None,
) -> PromiseReport:
    """Check every promise of the contract of losses, and say what was checked.

    Args:
        objective: anything that `bind` takes: a loss function of minimand, its module class or an instance, a
            stateful `Loss` class, a function with the keywords of the contract, or something foreign that is
            callable as `objective(pred, target)` and returns a scalar or one value a row. Of a foreign one only
            that is asked which any trainer relies on.
        cases: `(rng, *, scale=1.0) -> (pred, target)` in float64; by default those of the card, else 16 rows of
            scores of 5 classes. Targets `(N,)` in floating point make it a loss of numbers:
            `minimand.contracts.values.value_pairs` gives some.
        n_classes: number of classes of the default cases.
        hyper: hyperparameters to bind it with.
        exempt: `{promise: reason}`, on top of what the card exempts; both are reported.

    Returns:
        The promises that were kept, and those that were skipped, with the reasons.

    Raises:
        BrokenPromisesError: promises are broken (an `AssertionError`; each is named, with a sentence, and `report`
            has the rest).
        ValueError: `exempt` names something that is no promise, or gives no reason.
    """
    promises = loss_promises()
    subject = Subject.of(objective, cases=cases, n_classes=n_classes, hyper=hyper)
    allowed = {**(subject.card.exempt if subject.card is not None else {}), **(exempt or {})}
    return check_promises(subject, promises, allowed, "a loss")


def check_promises(
    subject: Subject, promises: Mapping[str, Promise], allowed: Mapping[str, str], kind: str
) -> PromiseReport:
    """Check these promises of one component, but for those that it is exempt from.

    Raises:
        BrokenPromisesError: promises are broken.
        ValueError: an exemption names something that is no promise, or gives no reason.
    """
    for name, reason in allowed.items():
        if name not in promises:
            raise ValueError(f"exempt must name promises of {kind}, got {name!r}; they are {', '.join(promises)}")
        if not reason.strip():
            raise ValueError(f"exempt must give a reason for {name!r}, got an empty text")
    kept: list[str] = []
    skipped: dict[str, str] = {}
    broken: dict[str, str] = {}
    for name, check in promises.items():
        try:
            keep(check, subject, allowed)
        except SkippedPromise as reason:
            skipped[name] = str(reason)
        except AssertionError as error:
            broken[name] = str(error)
        except Exception as error:
            broken[name] = f"it raises {type(error).__name__}: {' '.join(str(error).split())[:300]}"
        else:
            kept.append(name)
    report = PromiseReport(subject.name, tuple(kept), skipped, broken)
    if broken:
        raise BrokenPromisesError(report)
    return report
