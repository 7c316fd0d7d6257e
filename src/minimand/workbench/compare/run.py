"""`minimand compare` from data to report: reads, looks, plans, trains what the ledger lacks, decides and writes."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from minimand.contracts.catalogue import cards
from minimand.errors import InputError
from minimand.workbench.compare.candidates import REFERENCE, Candidate, NotChosen, choose, given, named
from minimand.workbench.compare.decide import Decision, decide
from minimand.workbench.compare.options import LEAST_RESAMPLES, Options
from minimand.workbench.compare.plan import RESAMPLES, Plan, make_plan, names, reference_first
from minimand.workbench.compare.progress import Progress, Silent
from minimand.workbench.compare.splits import check_splittable, outer_resamples_by_name
from minimand.workbench.compare.trial import metric_card, run_trial, set_context
from minimand.workbench.compare.workload import Workload, final_key
from minimand.workbench.ledger import (
    LEDGER_NAME,
    Ledger,
    claim_out,
    default_out,
    leave_if_worker_is_starting,
    run_tasks,
)
from minimand.workbench.tables import Dataset, as_table, diagnose, prepare, read_table
from minimand.workbench.tables.table import nearest_names

SCHEMA = "1"
MAIN_SHARE = 0.75
"""Share of the budget after which no training of the main resamples begins: the rest is for the confirmation."""
LAST_SHARE = 0.95
"""Share of the budget after which no training begins at all: the rest is for the model and the report."""
UNBALANCED_SHARE = 0.8
"""Share of the largest class from which accuracy says little, and balanced accuracy decides."""

logger = logging.getLogger("minimand")


@dataclass(frozen=True)
class Comparison:
    """What `compare` found, and where it wrote it."""

    results: dict[str, Any]
    out: Path

    @property
    def winner(self) -> str | None:
        """The objective that is better than cross entropy by the rule, or None."""
        found: str | None = self.results["decision"]["winner"]
        return found

    @property
    def sentence(self) -> str:
        """The decision in one sentence."""
        return str(self.results["decision"]["sentence"])

    @property
    def report(self) -> Path:
        """The page to open in a browser."""
        return self.out / "report.html"

    def __str__(self) -> str:
        return f"{self.sentence}\nreport: {self.report}"


@dataclass
class Job:
    """A comparison under way."""

    options: Options
    dataset: Dataset
    diagnosis: dict[str, Any]
    candidates: list[Candidate]
    not_chosen: list[NotChosen]
    metric: str
    metric_why: str
    plan: Plan
    ledger: Ledger
    model: Callable[[int, int], nn.Module] | None
    progress: Progress
    started: float
    spent_before: float
    """Seconds of trainings that earlier sessions of this run put into the ledger, shared by the workers."""

    @property
    def objectives(self) -> dict[str, Any]:
        """Name -> what `bind` takes, of those in the plan."""
        return {c.name: c.objective for c in self.candidates if c.name in self.plan.objectives}


def compare(
    data: Any,
    target: str | int | None = None,
    *,
    objectives: Mapping[str, Any] | None = None,
    model: Callable[[int, int], nn.Module] | None = None,
    progress: Progress | None = None,
    **options: Any,
) -> Comparison:
    """Find out which objective to train with on these data, by how much and how surely.

    The same call (or command) in the same folder goes on where it was stopped.

    Args:
        data: a CSV, TSV, Parquet or `.npz` file, the name of a bundled set, a data frame, a dict of columns, or a
            pair `(X, y)`.
        target: the column to predict; not needed for bundled sets and pairs.
        objectives: the user's own, by name: losses of minimand, modules, or functions `(pred, target)` that return a
            scalar or one value a row. They are compared with cross entropy, and with those in `objective=`.
        model: makes a network from the numbers of inputs and classes; a plain MLP by default.
        progress: where progress is shown; nowhere by default.
        **options: the options of the command line, by the names in `Options`.

    Raises:
        InputError: whatever is wrong with data or options, in one sentence.
    """
    for name in ("drop", "objective"):
        if isinstance(options.get(name), str):
            options[name] = (options[name],)
        elif name in options:
            options[name] = tuple(options[name])
    unknown = set(options) - set(Options.__dataclass_fields__)
    if unknown:
        known = ", ".join(Options.__dataclass_fields__)
        raise TypeError(f"compare has no option {sorted(unknown)[0]!r}; there are {known}")
    shown = str(data) if isinstance(data, (str, Path)) else "data"
    chosen = Options(**{**options, "data": shown, "target": None if target is None else str(target)})
    return run(chosen, data, objectives=objectives, model=model, progress=progress or Silent())


def run(
    options: Options,
    data: Any,
    *,
    objectives: Mapping[str, Any] | None = None,
    model: Callable[[int, int], nn.Module] | None = None,
    progress: Progress,
) -> Comparison:
    """The whole job; see `compare`."""
    from minimand.workbench.compare.outputs import write_outputs

    leave_if_worker_is_starting()
    started = time.perf_counter()
    progress.say("reading")
    table = read_table(data, header=not options.no_header) if isinstance(data, (str, Path)) else as_table(data)
    dataset = prepare(
        table,
        target=options.target if options.target is not None else table.target,
        group=options.group,
        time=options.time,
        weight=options.weight,
        drop=options.drop,
        drop_missing_target=options.drop_missing_target,
    )
    check_splittable(dataset)
    test = None
    if options.test is not None:
        # aligned now, so that a file that does not fit is refused before hours of work; judged on at the very end.
        test = dataset.aligned(read_table(options.test, header=not options.no_header))
        if (test.target < 0).any():
            raise InputError(f"{options.test} has {int((test.target < 0).sum())} rows without a target: drop them")
    metric, metric_why = _metric(options, dataset)
    asked = _asked_for(options, objectives, metric)
    device = _device(options.device)
    # drawn once now, so that rows that cannot be split are refused before anything is made.
    outer_resamples_by_name(dataset, _resample_names(dataset, options), seed=options.seed)
    out = _folder(options, dataset, objectives, model)
    identity = {
        "schema": SCHEMA,
        "job": "compare",
        "data": dataset.digest,
        "options": _options_digest(options, objectives, model),
    }
    with Ledger.open(out / LEDGER_NAME, identity=identity) as ledger:
        progress.say("looking at the data")
        diagnosis = ledger.get("diagnosis")
        if diagnosis is None:
            diagnosis = diagnose(dataset, seed=options.seed)
            ledger.put("diagnosis", diagnosis)
        candidates, not_chosen = _candidates(asked, dataset, diagnosis, metric)
        recorded = ledger.plan
        if recorded is None:
            progress.say("planning")
            recorded = make_plan(
                dataset,
                candidates,
                options,
                metric=metric,
                device=device,
                model=model,
                n_inputs=lambda: _encoded_width(dataset),
            ).to_json()
            ledger.plan = recorded
        plan = Plan.from_json(recorded)
        job = Job(
            options,
            dataset,
            diagnosis,
            candidates,
            not_chosen,
            metric,
            metric_why,
            plan,
            ledger,
            model,
            progress,
            started,
            sum(record.get("seconds", 0.0) for _, record in ledger.items()) / options.workers,
        )
        finished = train(job, plan.resamples, list(plan.objectives), share=MAIN_SHARE, references=True)
        decision = decided(job, finished)
        best = decision.best
        confirmed: list[str] = []
        if best is not None:
            progress.say(f"estimating the advantage of {best} again on fresh resamples")
            confirmed = train(job, plan.confirmations, [REFERENCE, best], share=LAST_SHARE, references=False)
        progress.say("writing")
        results = write_outputs(job, out, decision, finished, confirmed, test)
    return Comparison(results, out)


def train(job: Job, resamples: list[str], objectives: list[str], *, share: float, references: bool) -> list[str]:
    """Run every training of these resamples that the ledger lacks; return the resamples that are complete.

    Args:
        job: the comparison.
        resamples: their names, in the order in which they are finished.
        objectives: names of the objectives to train.
        share: of the budget that may be spent when a new training begins.
        references: whether the reference rows are fitted too.
    """
    known = job.ledger.keys()
    done: dict[str, dict[str, Any]] = {key: job.ledger.get(key) or {} for key in known if "/" in key}
    workload = Workload(job.plan, resamples, objectives, job.plan.references if references else [], done)
    already = workload.finished_count()
    limit = None if job.plan.budget_seconds is None else share * job.plan.budget_seconds

    def out_of_time() -> bool:
        spent = job.spent_before + time.perf_counter() - job.started
        return limit is not None and spent > limit and bool(workload.complete_resamples(least=LEAST_RESAMPLES))

    def keep(key: str, record: dict[str, Any]) -> None:
        job.ledger.put(key, record)
        logger.info("trained %s", key)
        done[key] = record
        job.progress.advance(key, record)

    job.progress.start(workload.total(), already)
    arguments = (job.dataset, job.plan.training, job.objectives, job.model)
    while (ready := workload.ready()) is not None and not out_of_time():
        run_tasks(
            run_trial,
            ready,
            workers=job.options.workers,
            initializer=set_context,
            initargs=arguments,
            on_result=keep,
            should_stop=out_of_time,
        )
    job.progress.stop()
    return workload.complete_resamples()


def decided(job: Job, finished: list[str]) -> Decision:
    """The decision on the finished resamples."""
    if len(finished) < 2:
        raise InputError(
            f"the budget of {job.plan.budget_seconds:g} s ended with {len(finished)} finished resamples, and a "
            "decision needs two: give a larger --budget"
        )
    return decide(
        test_scores(job, finished, list(job.plan.objectives)),
        reference=REFERENCE,
        test_train_ratio=test_train_ratio(job, finished),
        rope=job.options.rope,
        higher_is_better=metric_card(job.metric).facts["higher_is_better"],
    )


def test_scores(job: Job, resamples: list[str], objectives: list[str]) -> dict[str, list[float]]:
    """The deciding metric on the rows that judge, by objective and resample."""
    return {
        name: [_record(job.ledger, final_key(resample, name))["test"] for resample in resamples] for name in objectives
    }


def test_train_ratio(job: Job, resamples: list[str]) -> float:
    """Rows judged on for each row trained on, over the resamples: what the corrected test needs."""
    from minimand.workbench.compare.statistics import mean_test_train_ratio

    drawn = outer_resamples_by_name(job.dataset, resamples, seed=job.plan.training.seed)
    return mean_test_train_ratio([len(r.test) for r in drawn], [len(r.training) for r in drawn])


def _record(ledger: Ledger, key: str) -> dict[str, Any]:
    record = ledger.get(key)
    if record is None:
        raise RuntimeError(f"the ledger has no record of {key}")
    return record


def _metric(options: Options, dataset: Dataset) -> tuple[str, str]:
    known = {card.slug: card for card in cards("metric")}
    if options.metric is not None:
        if options.metric not in known:
            raise InputError(f"--metric {options.metric!r} is unknown: {nearest_names(options.metric, known)}")
        return options.metric, "asked for"
    share = float(dataset.class_counts.max() / dataset.class_counts.sum())
    if share > UNBALANCED_SHARE:
        return "balanced-accuracy", f"{share:.1%} of the rows are of one class, where accuracy says little"
    return "accuracy", f"the default where no class has more than {UNBALANCED_SHARE:.0%} of the rows"


def _asked_for(options: Options, objectives: Mapping[str, Any] | None, metric: str) -> list[Candidate] | None:
    """The objectives that were named or handed over, with the reference; None where the data are to choose."""
    if not options.objective and not objectives:
        return None
    takes_probabilities = metric_card(metric).facts["takes"] == "probabilities"
    chosen = named(options.objective, takes_probabilities=takes_probabilities)
    for candidate in given(objectives or {}):
        if candidate.name in [c.name for c in chosen]:
            raise InputError(f"the name {candidate.name!r} is taken by an objective of minimand: choose another")
        chosen.append(candidate)
    if len(chosen) < 2:
        raise InputError("name at least one --objective besides cross-entropy, or none to let the data choose")
    return chosen


def _candidates(
    asked: list[Candidate] | None, dataset: Dataset, diagnosis: Mapping[str, Any], metric: str
) -> tuple[list[Candidate], list[NotChosen]]:
    if asked is None:
        takes_probabilities = metric_card(metric).facts["takes"] == "probabilities"
        chosen, left = choose(diagnosis, n_classes=dataset.n_classes, takes_probabilities=takes_probabilities)
        return reference_first(chosen), left
    taken = {candidate.name for candidate in asked}
    rest = [card for card in cards("loss") if card.slug not in taken]
    return asked, [NotChosen(card.slug, card.title, "not asked for") for card in rest]


def _device(wanted: str) -> str:
    if wanted == "auto":
        # the networks are small: a processor is faster than the launches of an accelerator, and it is deterministic.
        return "cpu"
    try:
        torch.empty(0, device=wanted)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).partition("\n")[0]
        raise InputError(f"--device {wanted!r} cannot be used here ({reason}): choose cpu or auto") from error
    return wanted


def _folder(
    options: Options,
    dataset: Dataset,
    objectives: Mapping[str, Any] | None,
    model: Callable[[int, int], nn.Module] | None,
) -> Path:
    if options.out is not None:
        return claim_out(options.out)
    return claim_out(default_out("compare", dataset.name, _options_digest(options, objectives, model, dataset.digest)))


def _options_digest(
    options: Options,
    objectives: Mapping[str, Any] | None,
    model: Callable[[int, int], nn.Module] | None,
    data: str = "",
) -> str:
    """What decides the result besides the data. Of the user's own objects, the names are all that can be compared."""
    own = {name: _name(objective) for name, objective in (objectives or {}).items()}
    return options.digest(objectives=own, model=None if model is None else _name(model), content=data)


def _name(obj: Any) -> str:
    return f"{getattr(obj, '__module__', '')}.{getattr(obj, '__qualname__', repr(obj))}"


def _resample_names(dataset: Dataset, options: Options) -> list[str]:
    return names("resample", options.resamples or RESAMPLES, timed=dataset.times is not None)


def _encoded_width(dataset: Dataset) -> int:
    from minimand.estimators.encoding import TableEncoder

    sample = dataset.rows(range(min(dataset.n_rows, 2000)))
    return TableEncoder().fit_columns(sample.columns(), sample.kinds()).n_features_out_
