"""`minimand compare` from data to report: reads, looks, plans, trains what the ledger lacks, decides and writes."""

from __future__ import annotations

import contextlib
import logging
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from minimand.errors import InputError
from minimand.workbench.compare.admission import (
    asked_for,
    candidates_for,
    check_network,
    deciding_metric,
    test_rows,
    usable_device,
)
from minimand.workbench.compare.candidates import Candidate, NotChosen
from minimand.workbench.compare.decide import Decision, decide
from minimand.workbench.compare.foresight import foresee, plan_to_detect
from minimand.workbench.compare.identity import identity_of, run_folder
from minimand.workbench.compare.options import LEAST_RESAMPLES, Options
from minimand.workbench.compare.plan import RESAMPLES, Plan, make_plan, names
from minimand.workbench.compare.power import MOST_RECOMMENDED, PILOT
from minimand.workbench.compare.problem import Problem, problem_of
from minimand.workbench.compare.progress import Progress, Silent
from minimand.workbench.compare.splits import check_splittable, outer_resamples_by_name
from minimand.workbench.compare.trial import as_judged, metric_card, run_trial, set_context
from minimand.workbench.compare.workload import Workload, final_key, training_key
from minimand.workbench.ledger import LEDGER_NAME, Ledger, Pool, leave_if_worker_is_starting, open_pool
from minimand.workbench.tables import Dataset, as_table, diagnose, prepare, read_table

MAIN_SHARE = 0.75
"""Share of the budget after which no training of the main resamples begins: the rest is for the confirmation."""
LAST_SHARE = 0.95
"""Share of the budget after which no training begins at all: the rest is for the model and the report."""

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
    command: str
    pool: Pool

    def spent(self) -> float:
        """Seconds since the command was first given, sessions that were stopped counted by what they finished."""
        return self.spent_before + time.perf_counter() - self.started

    @property
    def problem(self) -> Problem:
        """What is to be predicted."""
        return problem_of(self.dataset)

    @property
    def objectives(self) -> dict[str, Any]:
        """Name -> what `bind` takes, of those in the plan."""
        return {c.name: c.objective for c in self.candidates if c.name in self.plan.objectives}


def compare(
    data: Any,
    target: str | int | Sequence[str | int] | None = None,
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
        target: the column to predict; not needed for bundled sets and pairs. Several are labels, of which each row may
            have any number.
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
    several = None if target is None else [target] if isinstance(target, str | int) else list(target)
    chosen = Options(**{**options, "data": shown, "target": None if several is None else tuple(map(str, several))})
    return run(chosen, data, objectives=objectives, model=model, progress=progress or Silent())


@dataclass(frozen=True)
class Admitted:
    """Data and options that go together: whatever can be refused before anything is made has been looked at."""

    dataset: Dataset
    test: Dataset | None
    metric: str
    metric_why: str
    asked: list[Candidate] | None
    device: str


def admit(
    options: Options,
    data: Any,
    *,
    objectives: Mapping[str, Any] | None = None,
    model: Callable[[int, int], nn.Module] | None = None,
    progress: Progress,
) -> Admitted:
    """Read the data and refuse what cannot be compared on, before anything is made.

    Raises:
        InputError: whatever is wrong with data or options, in one sentence.
    """
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
        task=options.task,
    )
    progress.say(f"{dataset.problem}: {dataset.problem_why}")
    check_splittable(dataset)
    test = test_rows(options, dataset)
    metric, metric_why = deciding_metric(options, dataset)
    asked = asked_for(options, objectives, metric, dataset)
    device = usable_device(options.device)
    # drawn once now, so that rows that cannot be split are refused before anything is made.
    outer_resamples_by_name(dataset, _resample_names(dataset, options), seed=options.seed)
    check_network(model, dataset, _encoded_width(dataset))
    return Admitted(dataset, test, metric, metric_why, asked, device)


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
    admitted = admit(options, data, objectives=objectives, model=model, progress=progress)
    dataset, test, metric, metric_why = admitted.dataset, admitted.test, admitted.metric, admitted.metric_why
    asked, device = admitted.asked, admitted.device
    out = run_folder(options, dataset, objectives, model)
    identity = identity_of(options, dataset, objectives, model)
    pool = open_pool(options.workers, ray=options.ray, modules=(run_trial.__module__,))
    with Ledger.open(out / LEDGER_NAME, identity=identity) as ledger, pool:
        pool.start()  # workers load what they need while the data are looked at and the plan is made
        progress.say("looking at the data")
        diagnosis = ledger.get("diagnosis")
        if diagnosis is None:
            diagnosis = diagnose(dataset, seed=options.seed)
        candidates, not_chosen = candidates_for(asked, dataset, diagnosis, metric)
        recorded = ledger.plan
        if recorded is None:
            progress.say("planning")
            with _nothing_left_behind(out):
                recorded = make_plan(
                    dataset,
                    candidates,
                    options,
                    metric=metric,
                    device=device,
                    model=model,
                    n_inputs=_encoded_width(dataset),
                    all_asked_for=asked is not None,
                ).to_json()
            ledger.put("diagnosis", diagnosis)
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
            _command(options, data, objectives, model),
            pool,
        )
        pool.prepare(set_context, (dataset, plan.training, job.objectives, model))
        foresee(job)
        if options.detect is not None:
            pilot = train(job, plan.resamples[:PILOT], list(plan.objectives), share=MAIN_SHARE, references=True)
            job.plan = plan = plan_to_detect(job, pilot)
        finished = train(job, plan.resamples, list(plan.objectives), share=MAIN_SHARE, references=True)
        decision = decided(job, finished)
        confirmed: list[str] = []
        if decision.nominee is not None:
            progress.say(f"estimating the advantage of {decision.nominee} again on fresh resamples")
            arms = [decision.reference, decision.nominee]
            confirmed = train(job, plan.confirmations, arms, share=LAST_SHARE, references=False, least=0)
        progress.say("writing")
        results = write_outputs(job, out, decision, finished, confirmed, test)
    return Comparison(results, out)


def train(
    job: Job,
    resamples: list[str],
    objectives: list[str],
    *,
    share: float,
    references: bool,
    least: int = LEAST_RESAMPLES,
) -> list[str]:
    """Run every training of these resamples that the ledger lacks; return the resamples that are complete.

    What the clock cut off stays cut off: the ledger remembers it, so that the same command gives the same results.

    Args:
        job: the comparison.
        resamples: their names, in the order in which they are finished.
        objectives: names of the objectives to train.
        share: of the budget that may be spent when a new training begins.
        references: whether the reference rows are fitted too.
        least: complete resamples below which the clock does not stop the work.
    """
    closing = f"closed {resamples[0].rpartition('-')[0]}"
    closed = job.ledger.get(closing)
    if closed is not None:
        return list(closed["resamples"])
    done = {key: record for key, record in job.ledger.items() if "/" in key}
    workload = Workload(job.plan, resamples, objectives, job.plan.references if references else [], done)
    limit = None if job.plan.budget_seconds is None else share * job.plan.budget_seconds

    def out_of_time() -> bool:
        return limit is not None and job.spent() > limit and len(workload.complete_resamples()) >= least

    def keep(task: str, result: dict[str, Any]) -> None:
        resample = result["resample"]
        records = {training_key(stage, resample, name, n): record for stage, name, n, record in result["records"]}
        job.ledger.put_all(records)
        logger.info("trained %s", task)
        done.update(records)
        for key, record in records.items():
            job.progress.advance(key, record)

    job.progress.start(workload.total(), workload.finished_count())
    try:
        while (ready := workload.ready()) is not None and not out_of_time():
            job.pool.run(run_trial, ready, on_result=keep, should_stop=out_of_time)
    finally:
        job.progress.stop()
    complete = workload.complete_resamples()
    if len(complete) < len(resamples):
        job.ledger.put(closing, {"resamples": complete})
    return complete


@contextlib.contextmanager
def _nothing_left_behind(out: Path) -> Iterator[None]:
    """Remove the folder again when a plan is refused: nothing has been worked on in it."""
    try:
        yield
    except InputError:
        shutil.rmtree(out)
        raise


def decided(job: Job, finished: list[str]) -> Decision:
    """The decision on the finished resamples."""
    return decide(
        test_scores(job, finished, list(job.plan.objectives)),
        reference=job.problem.reference,
        test_train_ratio=test_train_ratio(job, finished),
        rope=job.options.rope,
        higher_is_better=metric_card(job.metric).facts["higher_is_better"],
    )


def test_scores(job: Job, resamples: list[str], objectives: list[str]) -> dict[str, list[float]]:
    """The deciding metric on the rows that judge, by objective and resample, as the rule judges it.

    Of a metric whose size follows the data, as shares of the reference's mean: so the region of practical equivalence
    is a share too.
    """
    reference = job.problem.reference
    scores = {
        name: [_record(job.ledger, final_key(resample, name))["test"] for resample in resamples]
        for name in dict.fromkeys([*objectives, reference])
    }
    shares = as_judged(scores, scores[reference], job.metric)
    return {name: shares[name] for name in objectives}


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


def _command(options: Options, data: Any, objectives: Any, model: Any) -> str:
    """The command line that asks for the same, where one could."""
    if isinstance(data, (str, Path)) and not objectives and model is None:
        return options.command()
    return "minimand.compare(...), called from Python"


def _resample_names(dataset: Dataset, options: Options) -> list[str]:
    usual = RESAMPLES if options.detect is None else MOST_RECOMMENDED
    count, timed = options.resamples or usual, dataset.times is not None
    return [*names("resample", count, timed=timed), *names("confirmation", count, timed=timed)]


def _encoded_width(dataset: Dataset) -> int:
    from minimand.estimators.encoding import TableEncoder

    sample = dataset.rows(range(min(dataset.n_rows, 2000)))
    return TableEncoder().fit_columns(sample.columns(), sample.kinds()).n_features_out_
