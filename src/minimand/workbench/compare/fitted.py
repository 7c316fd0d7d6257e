"""The model that a comparison leaves behind: fitted to all rows, saved without pickle, and what `predict` loads."""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from minimand.errors import InputError
from minimand.estimators.encoding import TableEncoder
from minimand.estimators.saving import (
    load_classifier,
    load_label_classifier,
    load_regressor,
    save_classifier,
    save_label_classifier,
    save_regressor,
)
from minimand.training.seeds import named_seed
from minimand.whole_files import write_atomically
from minimand.workbench.compare.problem import Prediction, problem_of
from minimand.workbench.compare.splits import inner_split
from minimand.workbench.compare.trial import estimator as estimator_of
from minimand.workbench.compare.trial import metric_card
from minimand.workbench.compare.workload import tuning_key
from minimand.workbench.tables import Dataset, Feature, Roles
from minimand.workbench.tables.dataset import ProblemKind, no_target

if TYPE_CHECKING:
    from minimand.workbench.compare.run import Job

SCHEMA = 1
EVERYTHING = "everything"


@dataclass(frozen=True)
class FittedModel:
    """An estimator on encoded rows, its encoder, and the data's own description."""

    estimator: Any
    encoder: TableEncoder
    features: list[tuple[str, str]]
    classes: list[str]
    roles: Roles
    objective: str
    settings: dict[str, float]
    problem: ProblemKind = "classification"

    def prediction(self, dataset: Dataset) -> Prediction:
        """What the model says of rows that are aligned with the data that this was fitted to."""
        inputs = self.encoder.transform_columns(dataset.columns())
        return problem_of(self.empty_dataset()).predicted(self.estimator, inputs)

    def empty_dataset(self) -> Dataset:
        """A dataset of no rows with these features, to align tables with."""
        features = [
            Feature(name, kind, np.zeros(0) if kind == "numeric" else np.zeros(0, dtype=object))  # type: ignore[arg-type]
            for name, kind in self.features
        ]
        target = no_target(self.problem, 0, len(self.classes))
        return Dataset("model", None, "", features, target, self.classes, self.roles, problem=self.problem)


def best_settings(job: Job, name: str, finished: list[str]) -> dict[str, float]:
    """The settings with the best mean validation score over the finished resamples."""
    sign = 1.0 if metric_card(job.metric).facts["higher_is_better"] else -1.0

    def mean(number: int) -> float:
        records = [job.ledger.get(tuning_key(resample, name, number)) for resample in finished]
        return sign * statistics.fmean(record["validation"] for record in records if record is not None)

    best = max(range(job.plan.configurations), key=lambda number: (mean(number), -number))
    return job.plan.objectives[name][best]


def fit_everything(job: Job, name: str, settings: dict[str, float]) -> FittedModel:
    """An objective with these settings, fitted to all rows but the fifth that chooses the epoch."""
    dataset, training = job.dataset, job.plan.training
    rows = np.arange(dataset.n_rows)
    kept, held = inner_split(dataset, rows, seed=named_seed(training.seed, EVERYTHING, "inner"))
    encoder = TableEncoder().fit_columns(dataset.columns(), dataset.kinds())
    estimator = estimator_of(
        job.problem, job.objectives[name], settings, training, resample=EVERYTHING, stage="final", model=job.model
    )
    inputs = encoder.transform_columns(dataset.columns())
    weights = dataset.weights
    estimator.fit(
        inputs[kept],
        dataset.target[kept],
        sample_weight=None if weights is None else weights[kept],
        X_val=inputs[held],
        y_val=dataset.target[held],
        sample_weight_val=None if weights is None else weights[held],
    )
    described = [(feature.name, str(feature.kind)) for feature in dataset.features]
    return FittedModel(estimator, encoder, described, dataset.classes, dataset.roles, name, settings, dataset.problem)


def judge_file(fitted: FittedModel, test: Dataset) -> dict[str, float | None]:
    """Every metric on the rows of the test file."""
    weights = None if test.weights is None else torch.from_numpy(test.weights)
    return problem_of(test).metrics(fitted.prediction(test), torch.from_numpy(test.target), weights)


def can_be_saved(job: Job, name: str) -> bool:
    """Whether the model could be built again from its files: not when its network or objective came from Python."""
    return job.model is None and any(c.name == name and c.card is not None for c in job.candidates)


def saved_key(folder: Path) -> str | None:
    """The key under which `save_model` wrote the model in a folder; None where there is none, or a broken one."""
    try:
        found = json.loads((folder / "data.json").read_text(encoding="utf-8"))["key"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return str(found)


def save_model(fitted: FittedModel, job: Job, folder: Path, *, key: str) -> None:
    """Write the model into a folder, without pickle; see `can_be_saved`. The key comes last: it says all is there."""
    from safetensors.numpy import save

    folder.mkdir(exist_ok=True)
    meta, arrays = fitted.encoder.to_state()
    about = {
        "schema": SCHEMA,
        "key": key,
        "encoder": meta,
        "features": fitted.features,
        "classes": fitted.classes,
        "roles": asdict(fitted.roles),
        "objective": fitted.objective,
        "settings": fitted.settings,
        "problem": fitted.problem,
    }
    write_atomically(folder / "encoder.safetensors", save({k: np.ascontiguousarray(v) for k, v in arrays.items()}))
    about_data = {"data": job.options.data}
    if fitted.problem == "regression":
        save_regressor(fitted.estimator, folder, about=about_data)
    elif fitted.problem == "multi-label":
        save_label_classifier(fitted.estimator, folder, about=about_data)
    else:
        save_classifier(fitted.estimator, folder, about=about_data)
    write_atomically(folder / "data.json", json.dumps(about, indent=1) + "\n")


def load_model(folder: str | Path) -> FittedModel:
    """The model in a folder, or in the `model` folder of a comparison.

    Raises:
        InputError: there is none, or it is broken or of another version.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load as load_arrays

    place = Path(folder)
    place = place / "model" if (place / "model").is_dir() else place
    if not (place / "data.json").is_file():
        raise InputError(f"{folder} holds no model: give the folder that `minimand compare` wrote")
    try:
        about: Mapping[str, Any] = json.loads((place / "data.json").read_text(encoding="utf-8"))
        if about.get("schema") != SCHEMA:
            raise InputError(f"the model in {place} has schema {about.get('schema')!r}, this version reads {SCHEMA}")
        encoder = TableEncoder.from_state(about["encoder"], load_arrays((place / "encoder.safetensors").read_bytes()))
        roles: dict[str, Any] = {n: tuple(v) if isinstance(v, list) else v for n, v in about["roles"].items()}
        problem: ProblemKind = about.get("problem", "classification")
        loaders: dict[str, Callable[[Path], Any]] = {
            "regression": load_regressor,
            "multi-label": load_label_classifier,
        }
        return FittedModel(
            loaders.get(problem, load_classifier)(place),
            encoder,
            [(name, kind) for name, kind in about["features"]],
            list(about["classes"]),
            Roles(**roles),
            about["objective"],
            about["settings"],
            problem,
        )
    except InputError:
        raise
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise InputError(f"the model in {place} is damaged ({type(error).__name__}: {error}): make it again") from error
