"""train.py: the script that trains the chosen objective again and reproduces the reported figure."""

from __future__ import annotations

import pprint
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import minimand
from minimand.contracts.card import Card
from minimand.contracts.catalogue import twin_name
from minimand.workbench.compare.problem import Classification
from minimand.workbench.compare.sentence import Findings
from minimand.workbench.compare.workload import chosen_configuration, final_key
from minimand.workbench.tables import bundled_names

if TYPE_CHECKING:
    from minimand.workbench.compare.run import Job

SCRIPT = '''"""Trains {title_in_words} as `minimand compare` chose it, and reproduces the figure that it reported.

Made by minimand {version}: {command}
Run it with the same versions on the same kind of processor, and the two figures printed are the same.
"""

from __future__ import annotations

import argparse

import torch

from minimand.errors import InputError
from minimand.estimators import {estimator}
from minimand.losses import {objective}
from minimand.training.seeds import named_seed
from minimand.workbench.compare.splits import outer_resamples_by_name
from minimand.workbench.compare.trial import Training, encode, metric_card
from minimand.workbench.tables import prepare, read_table

DATA = {data!r}
ROLES = {roles}
METRIC = {metric!r}
REPORTED = {reported!r}
# How every network of the comparison was trained; the settings that were chosen on each resample follow.
TRAINING = Training(**{training})
CHOSEN = {chosen}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default=DATA, help="the file, if it has moved")
    try:
        dataset = prepare(read_table(parser.parse_args().data, header={header}), **ROLES)
    except InputError as error:
        parser.error(str(error))
    torch.set_num_threads(1)
    values = []
    for name, settings in CHOSEN.items():
        (resample,) = outer_resamples_by_name(dataset, [name], seed=TRAINING.seed)
        rows = encode(dataset, resample, TRAINING, "final")
        x, y, weight = rows.training
        x_val, y_val, weight_val = rows.validation
        x_test, y_test, weight_test = rows.test
        model = {estimator}(
            {objective},
            objective_parameters=settings["objective"],
            hidden=TRAINING.hidden,
            encoder=None,
            learning_rate=settings["learning_rate"],
            weight_decay=settings["weight_decay"],
            batch_size=TRAINING.batch_size,
            max_epochs=TRAINING.max_epochs,
            patience=TRAINING.patience,
            metric=metric_card(METRIC).component,{classes}
            device=TRAINING.device,
            random_state=named_seed(TRAINING.seed, name, "final"),
        )
        model.fit(x, y, sample_weight=weight, X_val=x_val, y_val=y_val, sample_weight_val=weight_val)
        weights = None if weight_test is None else torch.from_numpy(weight_test)
        found = rows.problem.predicted(model, x_test)
        values.append(rows.problem.metrics(found, torch.from_numpy(y_test), weights)[METRIC])
        print(f"{{name}}: {{METRIC}} {{values[-1]:.6f}}")
    print(f"mean {{METRIC}} {{sum(values) / len(values):.6f}}, reported {{REPORTED:.6f}}")


if __name__ == "__main__":
    main()
'''


def training_script(
    job: Job, findings: Findings, finished: Sequence[str], records: Mapping[str, Mapping[str, Any]]
) -> str | None:
    """The text of train.py, or None where data, network or objective came from Python and cannot be named in it."""
    name = findings.recommended
    card = next(candidate.card for candidate in job.candidates if candidate.name == name)
    readable = job.options.data in bundled_names() or Path(job.options.data).is_file()
    if card is None or job.model is not None or not readable:
        return None
    chosen = {}
    for resample in finished:
        number = chosen_configuration(job.plan, records, resample, name)
        assert number is not None
        settings = dict(job.plan.objectives[name][number])
        shared = {key: settings.pop(key) for key in ("learning_rate", "weight_decay")}
        chosen[resample] = shared | {"objective": settings or None}
    options = job.options
    data = options.data if options.data in bundled_names() else str(Path(options.data).resolve())
    roles = {
        "target": job.dataset.roles.labels or job.dataset.roles.target,
        "task": options.task,
        "group": options.group,
        "time": options.time,
        "weight": options.weight,
        "drop": options.drop,
        "drop_missing_target": options.drop_missing_target,
    }
    return SCRIPT.format(
        title_in_words=card.title[0].lower() + card.title[1:],
        version=minimand.__version__,
        command=_in_a_docstring(options.command()),
        objective=_importable_name(card),
        estimator=type(job.problem.estimator(None)).__name__,
        classes="\n            classes=list(range(dataset.n_classes)),"
        if isinstance(job.problem, Classification)
        else "",
        data=data,
        roles=_literal(roles),
        metric=job.metric,
        reported=statistics.fmean(records[final_key(resample, name)]["test"] for resample in finished),
        training=_literal(asdict(job.plan.training)),
        chosen=_literal(chosen),
        header=not options.no_header,
    )


def _importable_name(card: Card) -> str:
    return twin_name(card) or card.name


def _literal(value: Any) -> str:
    return pprint.pformat(value, width=110, sort_dicts=False)


def _in_a_docstring(text: str) -> str:
    """Text from outside that can end no docstring and start no escape."""
    return text.replace("\\", "/").replace('"', "'")
