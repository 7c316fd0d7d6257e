"""`minimand compare` over several data sets: one ordinary comparison of each, then what they say together.

Each data set has its folder under `--out` with all files of a comparison, so one can be looked at, resumed and
predicted with like any other. The folder above has a ledger of its own, which says whose it is and keeps a second
process out; results.json and report.html there hold the consensus. Every data set is read and checked before the first
training: a bad one among twelve is refused in seconds, not met after hours.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import minimand
from minimand.errors import InputError
from minimand.whole_files import write_atomically
from minimand.workbench.compare.consensus import consensuses, task_of
from minimand.workbench.compare.options import Options
from minimand.workbench.compare.progress import Progress, Silent
from minimand.workbench.compare.results import finite
from minimand.workbench.compare.run import Comparison, admit, run
from minimand.workbench.environment import processor, versions
from minimand.workbench.ledger import LEDGER_NAME, Ledger, claim_out, default_out
from minimand.workbench.tables.bundled import is_bundled
from minimand.workbench.tables.read import SUFFIXES

JOB = "compare-several"
SCHEMA = "1"
LEAST_SETS = 2

logger = logging.getLogger("minimand")


@dataclass(frozen=True)
class Source:
    """One of the data sets: the name of its folder, and what was given for it."""

    name: str
    given: str
    bundled: bool


@dataclass(frozen=True)
class SeveralComparisons:
    """What the comparisons found together, where it was written, and each of them by the name of its data set."""

    results: dict[str, Any]
    out: Path
    comparisons: dict[str, Comparison]

    @property
    def sentence(self) -> str:
        """The consensus in one sentence."""
        return str(self.results["sentence"])

    @property
    def report(self) -> Path:
        """The page to open in a browser; it links to those of the data sets."""
        return self.out / "report.html"

    def __str__(self) -> str:
        return f"{self.sentence}\nreport: {self.report}"


def compare_several(
    data: Sequence[str | Path],
    target: str | int | Sequence[str | int] | None = None,
    *,
    progress: Progress | None = None,
    **options: Any,
) -> SeveralComparisons:
    """Compare objectives on several data sets, and say what they show together.

    The same call in the same folder goes on where it was stopped.

    Args:
        data: files, names of bundled sets, and folders of files; at least two data sets.
        target: the column to predict in the files; bundled sets know their own.
        progress: where progress is shown; nowhere by default.
        **options: the options of the command line, by the names in `Options`. Those that name columns are for the
            files; a budget is shared equally.

    Raises:
        InputError: whatever is wrong with data or options, in one sentence.
    """
    for name in ("drop", "objective"):
        if name in options:
            options[name] = (options[name],) if isinstance(options[name], str) else tuple(options[name])
    columns = None if target is None else [target] if isinstance(target, (str, int)) else list(target)
    given = [os.fspath(one) for one in data]
    if not given:
        raise InputError("say which data to compare on: files, folders, or names of bundled sets such as digits")
    chosen = Options(
        **options,
        data=given[0],
        more_data=tuple(given[1:]),
        target=None if columns is None else tuple(map(str, columns)),
    )
    return run_several(chosen, progress=progress or Silent())


def names_several(options: Options) -> bool:
    """Whether the data of a comparison are several data sets: more than one, or a folder of files."""
    return bool(options.more_data) or bool(_tables_in(options.data))


def run_several(options: Options, *, progress: Progress) -> SeveralComparisons:
    """The whole job; see `compare_several`."""
    from minimand.workbench.report.several_page import render_several

    started = time.perf_counter()
    if options.test is not None:
        raise InputError("--test belongs to one data set: compare that one alone")
    sources = sources_of([options.data, *options.more_data])
    progress.say(f"reading {len(sources)} data sets")
    digests, failed = _admitted(sources, options)
    kept = [source for source in sources if source.name in digests]
    whole = hashlib.sha256(json.dumps(sorted(digests.items())).encode()).hexdigest()
    out = claim_out(options.out or default_out("compare", f"{len(kept)}-data-sets", _hash(whole, options.digest())))
    identity = {
        "schema": SCHEMA,
        "job": JOB,
        "version": minimand.__version__,
        "data": whole,
        "options": options.digest(),
    }
    compared: dict[str, Comparison] = {}
    with Ledger.open(out / LEDGER_NAME, identity=identity):
        for number, source in enumerate(kept, start=1):
            progress.say(f"data set {number} of {len(kept)}: {source.name}")
            own = options_for(source, options, sets=len(kept), out=out)
            try:
                compared[source.name] = run(own, own.data, progress=progress)
            except Exception as error:
                if not options.keep_going:
                    raise
                logger.warning("%s is left out: %s", source.name, error)
                failed.append(_failure(source, error))
                progress.say(f"{source.name} is left out: {error}")
        if not compared:
            raise InputError(f"no data set could be compared: {failed[0]['name']}: {failed[0]['why']}")
        results = assemble(options, sources, compared, failed, seconds=time.perf_counter() - started)
        progress.say("writing")
        write_atomically(out / "results.json", json.dumps(results, indent=1, allow_nan=False) + "\n")
        write_atomically(out / "report.html", render_several(results))
    return SeveralComparisons(results, out, compared)


def sources_of(data: Sequence[str]) -> list[Source]:
    """The data sets behind these words: files and bundled names as they are, folders by the files in them.

    Raises:
        InputError: fewer than two data sets, or one twice.
    """
    given = [found for one in data for found in (_tables_in(one) or [one])]
    sources: list[Source] = []
    places: dict[str, str] = {}
    for one in given:
        bundled = is_bundled(one) and not os.path.exists(one)
        name = one.strip().lower().replace("_", "-").replace(" ", "-") if bundled else Path(one).stem
        place = f"bundled:{name}" if bundled else os.path.realpath(one)
        if place in places:
            raise InputError(f"{one!r} is given twice: each data set counts once")
        places[place] = one
        sources.append(Source(_free_name(name, {source.name for source in sources}), one, bundled))
    if len(sources) < LEAST_SETS:
        raise InputError(f"{data[0]!r} holds one data set: give its file to compare on it alone, or more data sets")
    return sources


def options_for(source: Source, options: Options, *, sets: int, out: Path) -> Options:
    """The options of one data set: what names columns is for files only, and a budget is shared equally."""
    own = replace(
        options,
        data=source.given,
        more_data=(),
        out=str(out / source.name),
        budget=None if options.budget is None else options.budget / sets,
    )
    if source.bundled:
        own = replace(own, target=None, no_header=False, group=None, time=None, weight=None, drop=())
    return own


def assemble(
    options: Options,
    sources: Sequence[Source],
    compared: dict[str, Comparison],
    failed: list[dict[str, str]],
    *,
    seconds: float,
) -> dict[str, Any]:
    """The whole of results.json.

    Args:
        options: of all data sets.
        sources: the data sets that were given.
        compared: the comparisons by the names of their data sets.
        failed: the data sets that were left out, with reasons.
        seconds: how long this call took.
    """
    pages = {name: comparison.results for name, comparison in compared.items()}
    given = {source.name: source.given for source in sources}
    found, without = consensuses(pages, seed=options.seed)
    command = options.command()
    results = {
        "schema": int(SCHEMA),
        "job": JOB,
        "version": minimand.__version__,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": command,
        "sentence": _sentence(found, without),
        "sets": [_set(name, given[name], results) for name, results in pages.items()],
        "failed": failed,
        "consensus": found,
        "without_consensus": without,
        "reproduce": {
            "command": command,
            "config": options.toml(),
            "seed": options.seed,
            "versions": versions(),
            "processor": processor(),
            "files": sorted(["report.html", "results.json", LEDGER_NAME, *(f"{name}/" for name in pages)]),
        },
        "timings": {
            "total_seconds": sum(results["timings"]["total_seconds"] for results in pages.values()),
            "this_call_seconds": seconds,
            "workers": options.workers,
        },
    }
    plain: dict[str, Any] = finite(results)
    return plain


def _set(name: str, given: str, results: dict[str, Any]) -> dict[str, Any]:
    """One data set as the results of all have it."""
    data, decision = results["data"], results["decision"]
    return {
        "name": name,
        "path": given,
        "folder": name,
        "task": task_of(results),
        "rows": data["rows"],
        "columns": len(data["features"]),
        "classes": len(data["classes"]),
        "metric": {key: results["metric"][key] for key in ("name", "title", "higher_is_better")},
        "sentence": decision["sentence"],
        "winner": decision["winner"],
        "recommended": decision["recommended"],
        "reference": decision["reference"],
        "boosting_wins": decision["boosting_wins"],
        "resamples": results["plan"]["resamples"],
        "seconds": results["timings"]["total_seconds"],
        "objectives": [
            {key: arm[key] for key in ("slug", "title", "verdict", "mean", "difference", "interval95")}
            for arm in results["objectives"]
        ],
    }


def _sentence(found: Sequence[dict[str, Any]], without: Sequence[dict[str, Any]]) -> str:
    if not found:
        return f"There is no consensus: {'; '.join(dict.fromkeys(one['why'] for one in without))}."
    if len(found) == 1:
        return str(found[0]["sentence"])
    return " ".join(f"{block['task'].capitalize()}: {block['sentence']}" for block in found)


def _admitted(sources: Sequence[Source], options: Options) -> tuple[dict[str, str], list[dict[str, str]]]:
    """The hash of each data set that can be compared on, and those that cannot, with reasons."""
    digests: dict[str, str] = {}
    failed: list[dict[str, str]] = []
    for source in sources:
        own = options_for(source, options, sets=len(sources), out=Path())
        try:
            digests[source.name] = admit(own, own.data, progress=Silent()).dataset.digest
        except InputError as error:
            if not options.keep_going:
                raise InputError(
                    f"{source.name}: {str(error).rstrip('.')}; nothing was trained, and --keep-going leaves such data "
                    "sets out"
                ) from error
            failed.append(_failure(source, error))
    if len(digests) < LEAST_SETS:
        reasons = "; ".join(f"{one['name']}: {one['why'].rstrip('.')}" for one in failed)
        raise InputError(f"only {len(digests)} of {len(sources)} data sets can be compared on ({reasons})")
    return digests, failed


def _failure(source: Source, error: Exception) -> dict[str, str]:
    why = str(error).partition("\n")[0] or type(error).__name__
    return {"name": source.name, "path": source.given, "why": why}


def _tables_in(given: str) -> list[str]:
    """The tables directly in a folder, by name; none where it is no folder, or one of something else."""
    try:
        names = sorted(os.listdir(given)) if os.path.isdir(given) else []
    except OSError as error:
        raise InputError(f"the folder {given} cannot be read: {error.strerror}") from error
    paths = [os.path.join(given, name) for name in names if not name.startswith(".")]
    return [path for path in paths if Path(path).suffix.lower() in SUFFIXES and os.path.isfile(path)]


def _free_name(name: str, taken: set[str]) -> str:
    """A name for a folder: letters, digits, dots, dashes and underscores, and no other data set's."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.")[:60] or "data"
    lowered = {one.lower() for one in taken}  # disks that do not tell upper from lower case
    candidates = [plain, *(f"{plain}-{number}" for number in range(2, len(taken) + 3))]
    return next(one for one in candidates if one.lower() not in lowered)


def _hash(*parts: str) -> str:
    return hashlib.sha256("".join(parts).encode()).hexdigest()
