"""The files of a comparison: report.html, results.json, train.py and the fitted model, each whole or not there."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from minimand.whole_files import write_atomically
from minimand.workbench.compare.decide import Decision, confirm
from minimand.workbench.compare.export import training_script
from minimand.workbench.compare.fitted import (
    best_settings,
    can_be_saved,
    fit_everything,
    judge_file,
    save_model,
    saved_key,
)
from minimand.workbench.compare.results import assemble, findings_of
from minimand.workbench.compare.trial import metric_card
from minimand.workbench.ledger import LEDGER_NAME
from minimand.workbench.report.page import render_compare
from minimand.workbench.tables import Dataset

if TYPE_CHECKING:
    from minimand.workbench.compare.run import Job

MODEL = "model"


def write_outputs(
    job: Job, out: Path, decision: Decision, finished: list[str], confirmed: list[str], test: Dataset | None
) -> dict[str, Any]:
    """Fit the recommended objective to all rows, judge the test file, and write everything; returns the results."""
    from minimand.workbench.compare.run import test_scores, test_train_ratio

    records = dict(job.ledger.items())
    confirmation = None
    if decision.nominee is not None and len(confirmed) > 1:
        scores = test_scores(job, confirmed, [decision.reference, decision.nominee])
        confirmation = confirm(
            scores[decision.nominee],
            scores[decision.reference],
            test_train_ratio=test_train_ratio(job, confirmed),
            higher_is_better=metric_card(job.metric).facts["higher_is_better"],
        )
    findings = findings_of(job, decision, confirmation, finished, records)
    files = ["report.html", "results.json", LEDGER_NAME]
    script = training_script(job, findings, finished, records)
    if script is not None:
        write_atomically(out / "train.py", script)
        files.append("train.py")
    with OneThread():
        test_file = _fit_and_judge(job, out, findings.recommended, finished, test)
    if (out / MODEL).is_dir():
        files.append(f"{MODEL}/")
    results = assemble(
        job, findings, finished, confirmed, test_file=test_file, files=sorted(files), records=dict(job.ledger.items())
    )
    write_atomically(out / "results.json", json.dumps(results, indent=1, allow_nan=False) + "\n")
    write_atomically(out / "report.html", render_compare(results))
    return results


def _fit_and_judge(
    job: Job, out: Path, recommended: str, finished: list[str], test: Dataset | None
) -> dict[str, Any] | None:
    """Fit to all rows: the recommended objective, whose model is kept, and for a test file all others beside it."""
    judged: dict[str, Any] = {}
    saved = can_be_saved(job, recommended)
    arms = [recommended] if saved else []
    if test is not None:
        arms = list(dict.fromkeys([recommended, job.problem.reference, *job.plan.objectives]))
    for name in arms:
        settings = best_settings(job, name, finished)
        about = json.dumps([name, settings, None if test is None else test.digest], sort_keys=True)
        key = f"everything/{name}/{hashlib.sha256(about.encode()).hexdigest()[:16]}"
        record = job.ledger.get(key)
        to_save = saved and name == recommended
        if record is None or (to_save and saved_key(out / MODEL) != key):
            fitted = fit_everything(job, name, settings)
            record = {"metrics": None if test is None else judge_file(fitted, test)}
            if to_save:
                save_model(fitted, job, out / MODEL, key=key)
            job.ledger.put(key, record)
        judged[name] = record["metrics"]
    if test is None:
        return None
    return {"path": job.options.test, "rows": test.n_rows, "metrics": judged}


class OneThread:
    """One thread while the models are fitted: another number of threads may change the last digits."""

    def __enter__(self) -> None:
        self._before = torch.get_num_threads()
        torch.set_num_threads(1)

    def __exit__(self, *_: object) -> None:
        torch.set_num_threads(self._before)
