"""The record of a claim file: what was measured on seeds that were never used in development, kept beside the claim.

Whoever reads a record can judge it again: it holds the number of every arm on every seed.
"""

from __future__ import annotations

import datetime
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from minimand.contracts.card import Card
from minimand.contracts.verdict import Finding, Verdict
from minimand.errors import InputError
from minimand.whole_files import write_atomically
from minimand.workbench.environment import processor, versions
from minimand.workbench.verify.scope import CLAIMS, ClaimFile, claim_file_of

SCHEMA = 1
FRESH_FIELDS = ("seeds", "arms", "findings", "verdict", "seeds_needed", "seconds")
"""What a record keeps of a claim on fresh seeds."""
MADE_OF_BOTH = ("fresh", "on_recorded_seeds", "verdict", "seeds_needed", "seconds")
"""What a record says of a claim that running the recorded seeds again need not say."""


@dataclass(frozen=True)
class Record:
    """A recorded claim file, as its JSON says it."""

    content: Mapping[str, Any]

    @property
    def claims(self) -> tuple[dict[str, Any], ...]:
        """One entry a claim: name, says, where, gap, expects, seeds, arms, findings, verdict, seeds_needed, seconds."""
        return tuple(self.content["claims"])

    @property
    def headline(self) -> dict[str, Any]:
        """The entry of the first claim of the file, whose verdict stands for the method."""
        return self.claims[0]

    @property
    def verdict(self) -> str:
        return str(self.headline["verdict"])

    @property
    def fingerprint(self) -> str:
        return str(self.content["fingerprint"])

    @property
    def date(self) -> str:
        return str(self.content["date"])

    @property
    def history(self) -> tuple[dict[str, Any], ...]:
        """Former records, the newest first."""
        return tuple(self.content.get("history", ()))

    def entry(self, name: str) -> dict[str, Any] | None:
        """The entry of one claim by the name of its function."""
        return next((entry for entry in self.claims if entry["name"] == name), None)


def recorded(card: Card, *, package: str = CLAIMS) -> Record | None:
    """The record of the method that a component belongs to; None where nothing is recorded."""
    file = claim_file_of(card, package=package)
    return None if file is None else read_record(file)


def read_record(file: ClaimFile) -> Record | None:
    """The record beside a claim file; None where there is none.

    Raises:
        InputError: the record cannot be read, or is of a newer schema.
    """
    try:
        content = json.loads(file.record.read_text(encoding="utf-8"))
        schema = content["schema"]
        record = Record(content)
        _ = (record.verdict, record.fingerprint, record.date)
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise InputError(f"the record {file.record} cannot be read ({error}): record the claim again") from error
    if schema != SCHEMA:
        raise InputError(f"the record {file.record} has schema {schema}, this version reads {SCHEMA}: update minimand")
    return record


def require_checkout(file: ClaimFile) -> None:
    """Refuse to record into an installed package.

    Raises:
        InputError: the package does not lie in `src` beside a pyproject.toml.
    """
    if file.outside:
        return  # the user's own file: the record belongs beside it
    folder = file.source.parents[file.module.count(".")]  # what holds the top-level package
    if folder.name != "src" or not (folder.parent / "pyproject.toml").is_file():
        raise InputError(f"--record writes into a source checkout only, and {file.source} does not lie in one")


def write_record(file: ClaimFile, entries: list[dict[str, Any]], *, fingerprint: str, slug: str) -> Record:
    """Write the record of a claim file in one step; a former one moves to the history if it says anything else.

    Raises:
        InputError: not in a source checkout.
        OSError: the disk.
    """
    require_checkout(file)
    former = read_record(file)
    content: dict[str, Any] = {
        "schema": SCHEMA,
        "slug": slug,
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "fingerprint": fingerprint,
        "versions": versions(),
        "processor": processor(),
        "claims": entries,
        "history": [],
    }
    if former is not None:
        content["history"] = list(former.history)
        for entry in entries:
            before = former.entry(entry["name"])
            if before is not None and "fresh" in before and _numbers(before) == _numbers(entry):
                # the same numbers again: what other seeds said of them still stands.
                entry |= {key: before[key] for key in MADE_OF_BOTH if key != "seconds"}
        if _measured(former.content) != _measured(content):
            content["history"].insert(0, {key: value for key, value in former.content.items() if key != "history"})
    write_atomically(file.record, json.dumps(content, indent=1, ensure_ascii=False) + "\n")
    return Record(content)


def write_fresh(file: ClaimFile, entries: list[dict[str, Any]], *, fingerprint: str) -> Record:
    """Add what other seeds said to the record of a claim file; where the verdicts differ, the claim is undecided.

    Raises:
        InputError: not in a source checkout, or there is no record of these claims as they are now.
        OSError: the disk.
    """
    require_checkout(file)
    former = read_record(file)
    if former is None or former.fingerprint != fingerprint or any(former.entry(e["name"]) is None for e in entries):
        raise InputError(f"{file.path} has no record of the claims as they are now: run --record without --fresh-seeds")
    content = json.loads(json.dumps(former.content))
    for entry in content["claims"]:
        fresh = next(new for new in entries if new["name"] == entry["name"])
        entry["fresh"] = {key: fresh[key] for key in FRESH_FIELDS}
        entry["on_recorded_seeds"] = verdict_on_recorded_seeds(entry)
        agree = entry["on_recorded_seeds"] == fresh["verdict"]
        entry["verdict"] = entry["on_recorded_seeds"] if agree else str(Verdict.UNDECIDED)
        if not agree:
            needed = [count for count in (entry["seeds_needed"], fresh["seeds_needed"]) if count is not None]
            entry["seeds_needed"] = max(needed, default=len(entry["seeds"]) + len(fresh["seeds"]))
    write_atomically(file.record, json.dumps(content, indent=1, ensure_ascii=False) + "\n")
    return Record(content)


def verdict_on_recorded_seeds(entry: Mapping[str, Any]) -> str:
    """What the recorded seeds alone said, which other seeds may have put in doubt."""
    return str(entry.get("on_recorded_seeds", entry["verdict"]))


def verdict_on_fresh_seeds(entry: Mapping[str, Any]) -> str:
    """What the fresh seeds said, where that is recorded; else what the recorded ones did."""
    fresh = entry.get("fresh")
    return verdict_on_recorded_seeds(entry) if fresh is None else str(fresh["verdict"])


def finding_as_dict(finding: Finding) -> dict[str, Any]:
    """A finding in JSON's own types."""
    return {
        "text": finding.text,
        "mean": _finite(finding.mean),
        "low": _finite(finding.low),
        "high": _finite(finding.high),
        "kind": finding.kind,
        "margin": list(finding.margin),
        "control": finding.control,
        "verdict": str(finding.verdict),
        "seeds_needed": finding.seeds_needed,
    }


def _finite(number: float) -> float | None:
    return number if math.isfinite(number) else None


def _measured(content: Mapping[str, Any]) -> list[Any]:
    """What makes two records say the same: everything but when, where and how fast."""
    return [_numbers(entry) for entry in content["claims"]]


def _numbers(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in entry.items() if key not in MADE_OF_BOTH}
