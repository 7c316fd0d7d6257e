"""Running claims again: every seed of every claim is a task of its own, and the verdict is computed from all seeds."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from minimand.contracts.claim import BrokenExperiment, Claim, Judgement
from minimand.contracts.verdict import Finding, Verdict
from minimand.errors import InputError
from minimand.workbench.ledger.pool import run_tasks
from minimand.workbench.verify.fingerprint import fingerprint
from minimand.workbench.verify.record import (
    Record,
    finding_as_dict,
    read_record,
    require_checkout,
    verdict_on_fresh_seeds,
    verdict_on_recorded_seeds,
    write_fresh,
    write_record,
)
from minimand.workbench.verify.scope import CLAIMS, ClaimFile, claim_files

_LOG = logging.getLogger("minimand")

RECORDED_SEEDS = tuple(range(1000, 1010))
FRESH_SEEDS = tuple(range(2000, 2010))

Progress = Callable[[int, int, str], None]
"""Told of the seeds done, of all seeds, and of what has just been measured."""


@dataclass(frozen=True)
class ClaimResult:
    """One claim, run again."""

    claim: Claim
    file: ClaimFile
    seeds: tuple[int, ...]
    arms: dict[str, list[float]]
    judgement: Judgement
    seconds: float
    recorded: dict[str, Any] | None
    """The entry of the record as it stood before; None where there is none."""
    changed: bool
    """Whether the fingerprint is another than the record's: the claim or something that it imports has changed."""

    @property
    def verdict(self) -> Verdict:
        return self.judgement.verdict

    @property
    def recorded_verdict(self) -> str | None:
        """What the record says of these seeds: the fresh ones may have been recorded to say something else."""
        if self.recorded is None:
            return None
        of_fresh = self.seeds == FRESH_SEEDS
        return verdict_on_fresh_seeds(self.recorded) if of_fresh else verdict_on_recorded_seeds(self.recorded)

    @property
    def differs(self) -> bool:
        """Whether the verdict is another than the recorded one, or is none at all."""
        return self.verdict is Verdict.BROKEN or self.recorded_verdict not in (None, str(self.verdict))

    def as_dict(self) -> dict[str, Any]:
        """The result in JSON's own types."""
        return self.entry() | {
            "slug": self.claim.card.slug,
            "path": self.file.path,
            "broken": list(self.judgement.broken),
            "recorded_verdict": self.recorded_verdict,
            "differs": self.differs,
            "changed_since_record": self.changed,
        }

    def entry(self) -> dict[str, Any]:
        """What a record keeps of it."""
        claim = self.claim
        return {
            "name": claim.name,
            "of": claim.card.id,
            "kind": claim.kind,
            "says": claim.says,
            "where": claim.where,
            "gap": claim.gap,
            "tier": claim.tier,
            "expects": [expectation.text for expectation in claim.expects],
            "seeds": list(self.seeds),
            "arms": self.arms,
            "findings": [finding_as_dict(finding) for finding in self.judgement.findings],
            "verdict": str(self.verdict),
            "seeds_needed": self.judgement.seeds_needed,
            "seconds": round(self.seconds, 2),
        }


@dataclass(frozen=True)
class Verification:
    """The results of a run, in the order of the files and of the claims in each."""

    results: tuple[ClaimResult, ...]
    seconds: float
    refused: tuple[str, ...] = ()
    """What `--record` refused to write, and why."""
    written: tuple[str, ...] = ()
    """The records that `--record` wrote."""
    recording: bool = False

    @property
    def exit_code(self) -> int:
        """1 when a verdict differs from the recorded one; when recording, when something was refused."""
        return int(bool(self.refused) if self.recording else any(result.differs for result in self.results))


def verify(
    what: Sequence[str] = (),
    *,
    all: bool = False,
    workers: int = 1,
    fresh_seeds: bool = False,
    record: bool = False,
    seeds: Sequence[int] | None = None,
    progress: Progress | None = None,
    package: str = CLAIMS,
) -> Verification:
    """Run claims and compare their verdicts with the recorded ones.

    Args:
        what: slugs, ids, paths, names, rooms, or Python files with claims.
        all: every claim there is, instead of `what`.
        workers: processes; 1 runs in this one. The numbers do not depend on it.
        fresh_seeds: the seeds 2000 to 2009 instead of the recorded ones, 1000 to 1009.
        record: write what is found beside the claims, if this is a source checkout; broken experiments are refused.
            With `fresh_seeds` it is added to the record; a claim of which they say something else becomes undecided.
        seeds: other seeds, for the development of a claim (0 to 9 by custom); never recorded.
        progress: told after each seed.
        package: where the claims live.

    Raises:
        InputError: nothing is meant by `what`, options that exclude each other, or `record` outside a checkout.
    """
    if record and seeds is not None:
        raise InputError("--record runs the seeds kept for it: leave out other seeds")
    if fresh_seeds and seeds is not None:
        raise InputError("give --fresh-seeds or other seeds, not both")
    files = claim_files(what, all=all, package=package)
    if not files:
        raise InputError("there is no claim to verify")
    for file in files if record else ():
        require_checkout(file)
    used = tuple(seeds) if seeds is not None else FRESH_SEEDS if fresh_seeds else RECORDED_SEEDS
    started = time.perf_counter()
    former = {file: read_record(file) for file in files}
    marks = {file: fingerprint(file.module, file.source if file.outside else None) for file in files}
    results: list[ClaimResult] = []
    written: list[str] = []
    refused: list[str] = []

    def finish(file: ClaimFile, measured: list[tuple[Claim, list[dict[str, Any]]]]) -> None:
        own = [_result(file, claim, numbers, former[file], marks[file], used) for claim, numbers in measured]
        results.extend(own)
        if record:
            # at once: what stops the run later must not cost what has been measured
            said, where = _recorded(file, own, marks[file])
            (written if where else refused).append(said)

    _measure(files, used, workers, progress, finish)
    order = {file: place for place, file in enumerate(files)}
    results.sort(key=lambda result: order[result.file])
    return Verification(tuple(results), time.perf_counter() - started, tuple(refused), tuple(written), record)


def run_seed(payload: tuple[ClaimFile, str, int]) -> dict[str, Any]:
    """One claim on one seed, by names so that it can be sent to a worker: its arms and the seconds it took."""
    file, name, seed = payload
    claim = next(claim for claim in file.claims() if claim.name == name)
    started = time.perf_counter()
    arms = claim.measure(seed)
    return {"arms": arms, "seconds": time.perf_counter() - started}


def _measure(
    files: Sequence[ClaimFile],
    seeds: tuple[int, ...],
    workers: int,
    progress: Progress | None,
    finish: Callable[[ClaimFile, list[tuple[Claim, list[dict[str, Any]]]]], None],
) -> None:
    """Run every claim of the files on every seed; each file is handed over as soon as all its numbers are there."""
    claims = [(file, claim) for file in files for claim in file.claims()]
    for file in files:
        if not any(owner == file for owner, _ in claims):
            raise InputError(f"{file.source} holds no claim")
    found: dict[str, dict[str, Any]] = {}
    total = len(claims) * len(seeds)
    missing = {file: sum(owner == file for owner, _ in claims) * len(seeds) for file in files}
    owners = {_key(file, claim, seed): file for file, claim in claims for seed in seeds}

    def keep(key: str, result: dict[str, Any]) -> None:
        found[key] = result
        if progress is not None:
            progress(len(found), total, key)
        file = owners[key]
        missing[file] -= 1
        if not missing[file]:
            own = [claim for owner, claim in claims if owner == file]
            finish(file, [(claim, [found[_key(file, claim, seed)] for seed in seeds]) for claim in own])

    tasks = [(_key(file, claim, seed), (file, claim.name, seed)) for file, claim in claims for seed in seeds]
    run_tasks(run_seed, tasks, workers=workers, on_result=keep)


def _key(file: ClaimFile, claim: Claim, seed: int) -> str:
    return f"{file.path}:{claim.name} seed {seed}"


def _result(
    file: ClaimFile,
    claim: Claim,
    numbers: list[dict[str, Any]],
    former: Record | None,
    mark: str,
    seeds: tuple[int, ...],
) -> ClaimResult:
    arms = {name: [number["arms"][name] for number in numbers] for name in numbers[0]["arms"]}
    return ClaimResult(
        claim=claim,
        file=file,
        seeds=seeds,
        arms=arms,
        judgement=claim.judge(arms),
        seconds=sum(number["seconds"] for number in numbers),
        recorded=None if former is None else former.entry(claim.name),
        changed=former is not None and former.fingerprint != mark,
    )


def _recorded(file: ClaimFile, own: Sequence[ClaimResult], mark: str) -> tuple[str, bool]:
    """The file that was written, or why it was not, and which of the two it is."""
    try:
        for result in own:
            result.judgement.require_sound()
    except BrokenExperiment as error:
        return f"{file.path} is not recorded, its experiment is broken: {error}", False
    entries = [result.entry() for result in own]
    if own[0].seeds == FRESH_SEEDS:
        write_fresh(file, entries, fingerprint=mark)
    else:
        write_record(file, entries, fingerprint=mark, slug=own[0].claim.card.slug)
    _LOG.info("recorded %s", file.record)
    return str(file.record), True


def headline_finding(result: ClaimResult) -> Finding | None:
    """The finding on which the verdict of a claim rests: the first that is no control and has that verdict."""
    own = [finding for finding in result.judgement.findings if not finding.control]
    return next((finding for finding in own if finding.verdict is result.verdict), own[0] if own else None)
