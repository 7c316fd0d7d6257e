"""What a comparison found, as the plain data of results.json: computed from the ledger, so it can be made again."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import minimand
from minimand.workbench.compare.candidates import Candidate
from minimand.workbench.compare.decide import Comparison, Decision, decide
from minimand.workbench.compare.evidence import curve_of, evidence_of, level_of, map_edges, reliability_of
from minimand.workbench.compare.fitted import can_be_saved
from minimand.workbench.compare.foresight import power_block
from minimand.workbench.compare.halving import measured
from minimand.workbench.compare.references import BOOSTING
from minimand.workbench.compare.search import edges, search_space
from minimand.workbench.compare.sentence import Findings, confirmation_block, decision_sentence, details
from minimand.workbench.compare.splits import describe_split
from minimand.workbench.compare.trial import as_judged, metric_card
from minimand.workbench.compare.workload import chosen_configuration, final_key, reference_key, tuning_key
from minimand.workbench.environment import processor, versions
from minimand.workbench.report.wording import heading, metric_title

if TYPE_CHECKING:
    from minimand.workbench.compare.run import Job

DUPLICATES_FROM = 0.01
"""Share of rows that are copies of others from which a warning is due."""
EDGE_SHARE = 0.5
"""Share of resamples whose chosen setting lies at the same end of its range from which a warning is due."""

Records = Mapping[str, Mapping[str, Any]]


def assemble(
    job: Job,
    findings: Findings,
    finished: Sequence[str],
    confirmed: Sequence[str],
    *,
    test_file: dict[str, Any] | None,
    files: Sequence[str],
    records: Records,
) -> dict[str, Any]:
    """The whole of results.json.

    Args:
        job: the comparison.
        findings: the decision and what the sentences need.
        finished: the resamples that the decision rests on.
        confirmed: the resamples that the confirmation rests on.
        test_file: what the file of `--test` showed, if there is one.
        files: names of the files beside the report.
        records: every record of the ledger.
    """
    options, plan = job.options, job.plan
    power = power_block(job, finished)
    trainings = [record for key, record in records.items() if "/tune/" in key or "/final/" in key]
    confirmation_scores = {
        name: [records[final_key(resample, name)]["test"] for resample in confirmed]
        for name in (findings.decision.reference, findings.decision.nominee)
        if name is not None and confirmed
    }
    results = {
        "schema": 1,
        "job": "compare",
        "version": minimand.__version__,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": job.command,
        "data": _data(job),
        "metric": {
            "name": job.metric,
            "title": metric_title(job.metric),
            "higher_is_better": findings.higher_is_better,
            "relative": findings.relative_to is not None,
            "relative_to": findings.relative_to,
            "why": job.metric_why,
        },
        "decision": {
            "sentence": decision_sentence(findings),
            "details": [
                *details(findings, _notes(job, findings, finished)),
                *([] if power is None else power["sentences"]),
            ],
            "winner": findings.decision.winner,
            "recommended": findings.recommended,
            "best": findings.decision.best,
            "reference": findings.decision.reference,
            "reference_words": findings.reference_words,
            "rule": findings.decision.rule
            + ("" if findings.relative_to is None else " Differences are shares of the reference's mean."),
            "rope": findings.decision.rope,
            "alpha": findings.decision.alpha,
            "boosting_wins": findings.boosting_wins,
            "confirmation": confirmation_block(
                findings,
                confirmation_scores.get(findings.decision.nominee or "", []),
                confirmation_scores.get(findings.decision.reference, []),
            ),
        },
        "objectives": [
            _objective(job, candidate, findings.decision, finished, records)
            for candidate in job.candidates
            if candidate.name in plan.objectives
        ],
        "references": [_reference(name, job, finished, records) for name in plan.references],
        "not_candidates": [
            *({"slug": left.slug, "title": left.title, "why": left.why} for left in job.not_chosen),
            *(
                {"slug": c.name, "title": c.title, "why": "the budget has no room for it"}
                for c in job.candidates
                if c.name not in plan.objectives
            ),
        ],
        "plan": {
            "resamples": len(finished),
            "configurations": plan.configurations,
            "confirmation_resamples": len(confirmed),
            "tuning_rows": plan.training.tuning_rows,
            "training_rows": plan.training.training_rows,
            "max_epochs": plan.training.max_epochs,
            "batch_size": plan.training.batch_size,
            "split": describe_split(job.dataset),
            "budget_seconds": plan.budget_seconds,
            "estimated_seconds": plan.estimated_seconds,
            "notes": _plan_notes(job),
            "dropped_resamples": [
                name
                for names, kept in ((plan.resamples, finished), (plan.confirmations, confirmed))
                for name in names
                if name not in kept
            ],
        },
        "power": power,
        "halving": _halving(job, records),
        "trainings": {
            "count": len(trainings),
            "cut": sum(record.get("cut", False) for record in trainings),
            "stopped_early": _share([record["stopped_early"] for record in trainings if not record.get("cut")]),
            "diverged": sum(record["diverged"] for record in trainings),
        },
        "test_file": test_file,
        "reproduce": {
            "command": job.command,
            "config": options.toml(),
            "seed": options.seed,
            "versions": versions(),
            "processor": processor(),
            "files": list(files),
        },
        "timings": {"total_seconds": job.spent(), "workers": options.workers},
    }
    plain: dict[str, Any] = finite(results)
    return plain


def _halving(job: Job, records: Records) -> dict[str, Any] | None:
    """What cutting settings early cost, measured on the resample that was tuned in full; None without cuts."""
    plan = job.plan
    if not plan.rungs:
        return None
    resample = plan.tuned_in_full[0]
    numbers = range(plan.configurations)
    tuned = {
        candidate.title: [records[tuning_key(resample, candidate.name, number)] for number in numbers]
        for candidate in job.candidates
        if candidate.name in plan.objectives and tuning_key(resample, candidate.name, 0) in records
    }
    sign = 1.0 if metric_card(job.metric).facts["higher_is_better"] else -1.0
    return measured(tuned, plan.rungs, sign=sign, resample=resample) if tuned else None


def findings_of(job: Job, decision: Decision, confirmation: Any, finished: Sequence[str], records: Records) -> Findings:
    """What the sentences speak of, from the ledger."""
    return Findings(
        decision=decision,
        confirmation=confirmation,
        metric=job.metric,
        metric_title=metric_title(job.metric),
        titles={candidate.name: candidate.title for candidate in job.candidates},
        means={
            name: statistics.fmean(records[final_key(resample, name)]["test"] for resample in finished)
            for name in job.plan.objectives
        },
        reference_means={
            name: statistics.fmean(records[reference_key(resample, name)]["test"] for resample in finished)
            for name in job.plan.references
        },
        higher_is_better=metric_card(job.metric).facts["higher_is_better"],
        boosting_wins=boosting_wins(job, decision, finished, records),
        reference_words=job.problem.reference_words,
        relative_to=relative_to(job, finished, records),
    )


def relative_to(job: Job, finished: Sequence[str], records: Records) -> float | None:
    """The value of which differences are shares: the reference's mean; None where they are judged as they are."""
    if not metric_card(job.metric).facts["relative"]:
        return None
    return statistics.fmean(records[final_key(resample, job.problem.reference)]["test"] for resample in finished)


def boosting_wins(job: Job, decision: Decision, finished: Sequence[str], records: Records) -> bool:
    """Whether every objective is worse than gradient boosting, by the rule that decides between objectives."""
    if BOOSTING not in job.plan.references:
        return False
    scores = {
        name: [records[final_key(resample, name)]["test"] for resample in finished] for name in job.plan.objectives
    }
    scores[BOOSTING] = [records[reference_key(resample, BOOSTING)]["test"] for resample in finished]
    against = decide(
        as_judged(scores, scores[decision.reference], job.metric),
        reference=BOOSTING,
        test_train_ratio=decision.test_train_ratio,
        rope=decision.rope,
        alpha=decision.alpha,
        higher_is_better=metric_card(job.metric).facts["higher_is_better"],
    )
    return all(comparison.verdict == "worse" for comparison in against.comparisons.values())


def finite(value: Any) -> Any:
    """The data with null in place of numbers that JSON does not have."""
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _data(job: Job) -> dict[str, Any]:
    dataset = job.dataset
    diagnosis = dict(job.diagnosis)
    noise = diagnosis.get("label_noise")
    if noise is not None and job.options.no_examples:
        diagnosis["label_noise"] = {**noise, "examples": []}
    values = diagnosis.get("values")
    if values is not None and values["outlying"] is not None and job.options.no_examples:
        diagnosis["values"] = {**values, "outlying": {**values["outlying"], "examples": []}}
    if dataset.problem == "regression":
        diagnosis["values"] = {**diagnosis["values"], "map_edges": map_edges(dataset.target)}
    return {
        "name": dataset.name,
        "path": job.options.data,
        "sha256": dataset.sha256,
        "rows": dataset.n_rows,
        "target": dataset.roles.target,
        "problem": dataset.problem,
        "problem_why": dataset.problem_why,
        "classes": dataset.classes,
        "class_counts": dataset.class_counts.tolist(),
        "features": [
            {"name": f.name, "kind": f.kind, "levels": f.levels, "missing": f.missing} for f in dataset.features
        ],
        "left_out": [{"column": left.column, "reason": left.reason} for left in dataset.left_out],
        "notes": list(dataset.notes),
        "diagnosis": diagnosis,
    }


def _objective(
    job: Job, candidate: Candidate, decision: Decision, finished: Sequence[str], records: Records
) -> dict[str, Any]:
    plan, name = job.plan, candidate.name
    finals = [records[final_key(resample, name)] for resample in finished]
    tuned = [
        records[tuning_key(resample, name, number)] for resample in finished for number in range(plan.configurations)
    ]
    comparison = decision.comparisons.get(name)
    space = search_space(candidate.search)
    chosen = []
    for resample, final in zip(finished, finals, strict=True):
        number = chosen_configuration(plan, records, resample, name)
        assert number is not None
        settings = plan.objectives[name][number]
        chosen.append(
            {
                "resample": resample,
                "settings": settings,
                "edges": edges(space, settings),
                "validation": records[tuning_key(resample, name, number)]["validation"],
                "test": final["test"],
                "best_epoch": final["best_epoch"],
                "epochs": final["epochs"],
                "stopped_early": final["stopped_early"],
            }
        )
    everything = [*tuned, *finals]
    return {
        "slug": name,
        "title": candidate.title,
        "why": candidate.why,
        **_verdict(comparison),
        **_scores([final["test"] for final in finals]),
        "metrics": _metrics(finals),
        "chosen": chosen,
        "search": {k: {"low": span.low, "high": span.high, "scale": span.scale} for k, span in space.items()},
        "edge_warning": _edge_warning(chosen),
        "trainings": len(everything),
        "stopped_early": _share([record["stopped_early"] for record in everything if not record.get("cut")]),
        "diverged": sum(record["diverged"] for record in everything),
        "seconds": sum(record["seconds"] for record in everything),
        "curve": curve_of(finals),
        "reliability": reliability_of(finals),
        **evidence_of(finals),
        "predicts": None if candidate.card is None else candidate.card.facts.get("predicts"),
        "quantile": level_of(candidate, chosen),
    }


def _verdict(comparison: Comparison | None) -> dict[str, Any]:
    if comparison is None:
        empty = dict.fromkeys(("difference", "interval95", "interval90", "p", "p_holm", "bayes", "resamples_needed"))
        return {"verdict": "reference", **empty, "needs_more_rows": False}
    return {
        "verdict": comparison.verdict,
        "difference": comparison.difference,
        "interval95": list(comparison.interval95),
        "interval90": list(comparison.interval90),
        "p": comparison.p,
        "p_holm": comparison.p_holm,
        "bayes": {
            "better": comparison.bayes.better,
            "equal": comparison.bayes.equal,
            "worse": comparison.bayes.worse,
        },
        "resamples_needed": comparison.resamples_needed,
        "needs_more_rows": comparison.needs_more_rows,
    }


def _reference(name: str, job: Job, finished: Sequence[str], records: Records) -> dict[str, Any]:
    metric = job.metric
    found = [records[reference_key(resample, name)] for resample in finished]
    return {
        "name": name,
        "title": job.problem.reference_title(name, metric),
        **_scores([record["metrics"][metric] for record in found]),
        "metrics": _metrics(found),
    }


def _scores(scores: Sequence[float]) -> dict[str, Any]:
    return {**_mean_sd(scores), "scores": list(scores)}


def _mean_sd(values: Sequence[float]) -> dict[str, float]:
    return {"mean": statistics.fmean(values), "sd": statistics.stdev(values) if len(values) > 1 else 0.0}


def _metrics(records: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, float] | None]:
    found: dict[str, dict[str, float] | None] = {}
    for name in records[0]["metrics"]:
        values = [record["metrics"].get(name) for record in records]
        known = [value for value in values if value is not None]
        usable = len(known) == len(values) and all(map(math.isfinite, known))
        found[name] = _mean_sd(known) if usable else None
    return found


def _edge_warning(chosen: Sequence[Mapping[str, Any]]) -> str | None:
    counts: dict[str, int] = {}
    for one in chosen:
        for edge in one["edges"]:
            place = edge.partition(" (")[0]
            counts[place] = counts.get(place, 0) + 1
    often = [
        f"{place} in {count} of {len(chosen)} resamples"
        for place, count in counts.items()
        if count >= EDGE_SHARE * len(chosen)
    ]
    return f"The chosen settings lie at an edge of the search space ({'; '.join(often)})." if often else None


def _notes(job: Job, findings: Findings, finished: Sequence[str]) -> list[str]:
    notes = []
    if findings.decision.winner is not None and findings.recommended != findings.decision.winner:
        notes.append("The model that was saved is trained with cross entropy, since fresh resamples did not confirm.")
    copies = job.diagnosis["duplicate_rows"]
    if copies >= DUPLICATES_FROM * job.dataset.n_rows and job.dataset.groups is None:
        notes.append(
            f"{copies} rows are exact copies of others and may be trained and judged on at once: if they are no "
            "measurements of their own, all scores are too good; leave them out, or keep them together by --group."
        )
    if not can_be_saved(job, findings.recommended):
        notes.append("No model is saved: its network or its objective came from Python, and files cannot hold those.")
    if job.metric in ("balanced-accuracy", "macro-f1"):
        notes.append(
            f"{heading(metric_title(job.metric))} weighs classes equally: moving the threshold on cross entropy's "
            "probabilities may gain as much as an objective that is made for unbalanced classes."
        )
    return notes


def _plan_notes(job: Job) -> list[str]:
    plan = job.plan
    notes = [*plan.notes, "the look at the data that chose the objectives was at all rows, those that judge among them"]
    rows = round(0.8 * job.dataset.n_rows)
    if plan.training.tuning_rows < rows:
        notes.append(f"settings are tuned on {plan.training.tuning_rows:,} of about {rows:,} training rows")
    if plan.training.training_rows < rows:
        notes.append(f"final trainings use {plan.training.training_rows:,} of about {rows:,} training rows")
    return notes


def _share(flags: Sequence[bool]) -> float:
    return sum(flags) / len(flags) if flags else 0.0
