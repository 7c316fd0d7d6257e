"""A dataset: the features, target and roles that a job works on, after everything else was left out and said."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from minimand.workbench.tables.table import factorize

if TYPE_CHECKING:
    from minimand.workbench.tables.table import Table

Kind = Literal["numeric", "categorical"]
ProblemKind = Literal["classification", "regression", "ordinal", "multi-label"]
Values = NDArray[np.float64] | NDArray[np.object_]


@dataclass(frozen=True, eq=False)
class Feature:
    """A column to learn from: float64 with NaN for missing, or `str` objects with `None` for missing."""

    name: str
    kind: Kind
    values: Values

    @cached_property
    def missing(self) -> int:
        """How many cells are missing."""
        if self.kind == "numeric":
            return int(np.isnan(self.values.astype(np.float64, copy=False)).sum())
        return sum(value is None for value in self.values.tolist())

    @cached_property
    def levels(self) -> int | None:
        """How many different values a categorical column has, missing not counted; `None` for numbers."""
        return None if self.kind == "numeric" else len(set(self.values.tolist()) - {None})


@dataclass(frozen=True)
class LeftOut:
    """A column that is not learned from, and why."""

    column: str
    reason: str


@dataclass(frozen=True)
class Roles:
    """Which column plays which part, by name, and whether the table had names; what `aligned` applies again.

    Where several columns are targets, they are `labels`, and `target` is what to call them together.
    """

    target: str
    group: str | None = None
    time: str | None = None
    weight: str | None = None
    drop: tuple[str, ...] = ()
    header: bool = True
    columns: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()

    @property
    def targets(self) -> tuple[str, ...]:
        """The columns that are to be predicted."""
        return self.labels or (self.target,)


@dataclass(frozen=True, eq=False)
class Dataset:
    """Features and a target with their roles; what every job after the reading works on.

    Args:
        name, path, sha256: of the table that it was prepared from.
        features: in the order of the table.
        target: `(N,)` int64 codes into `classes`, -1 where `aligned` found no label; of regression `(N,)` float64, NaN
            where it found none; of several labels `(N, C)` int64 of 0 and 1, -1 where it found none.
        classes: sorted by value when all are numbers, else as text; of several labels their columns, of regression
            empty.
        roles: which columns played which part.
        groups: `(N,)` int64 codes, or `None`.
        times: `(N,)` float64, numbers as given or seconds since 1970 of dates, or `None`.
        weights: `(N,)` float64, nonnegative and not all zero, or `None`.
        left_out: columns not learned from, with reasons.
        notes: sentences that the user should see.
        row_numbers: `(N,)` int64, place of each row in the table, from 0.
        problem: what kind of target it is.
        problem_why: why it was taken for one, in words.
    """

    name: str
    path: str | None
    sha256: str
    features: list[Feature]
    target: NDArray[Any]
    classes: list[str]
    roles: Roles
    groups: NDArray[np.int64] | None = None
    times: NDArray[np.float64] | None = None
    weights: NDArray[np.float64] | None = None
    left_out: list[LeftOut] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    row_numbers: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    problem: ProblemKind = "classification"
    problem_why: str = ""

    @property
    def n_rows(self) -> int:
        return len(self.target)

    @property
    def n_features(self) -> int:
        return len(self.features)

    @property
    def n_classes(self) -> int:
        return len(self.classes)

    @property
    def class_counts(self) -> NDArray[np.int64]:
        """`(K,)` rows of each class, or rows that have each label; rows without one are not counted."""
        if self.problem == "regression":
            return np.zeros(0, dtype=np.int64)
        if self.problem == "multi-label":
            present: NDArray[np.int64] = (self.target == 1).sum(0).astype(np.int64)
            return present
        return np.bincount(self.target[self.target >= 0], minlength=self.n_classes).astype(np.int64)

    def columns(self) -> list[Values]:
        """The values of each feature, in order."""
        return [feature.values for feature in self.features]

    def kinds(self) -> list[Kind]:
        """`"numeric"` or `"categorical"` for each feature, in order."""
        return [feature.kind for feature in self.features]

    def rows(self, index: NDArray[np.integer] | NDArray[np.bool_] | Sequence[int]) -> Dataset:
        """The rows at `index` (positions or a mask), in that order; classes, left-outs and notes stay."""
        chosen = np.asarray(index)
        if chosen.size == 0:
            chosen = chosen.astype(np.int64)
        return replace(
            self,
            features=[replace(feature, values=feature.values[chosen]) for feature in self.features],
            target=self.target[chosen],
            groups=None if self.groups is None else self.groups[chosen],
            times=None if self.times is None else self.times[chosen],
            weights=None if self.weights is None else self.weights[chosen],
            row_numbers=self.row_numbers[chosen],
        )

    @cached_property
    def digest(self) -> str:
        """sha256 of what a result depends on: features, target, classes, groups, times, weights; not names of files."""
        digest = hashlib.sha256()

        def add(label: str, array: NDArray[np.generic] | None) -> None:
            digest.update(f"\x1e{label}\x1e{None if array is None else (array.dtype.str, array.shape)}".encode())
            if array is not None:
                digest.update(np.ascontiguousarray(array).tobytes())

        def add_text(label: str, texts: Sequence[str | float | None]) -> None:
            # lengths first, so that no two lists of texts write the same bytes.
            add(label, np.array([-1 if text is None else len(str(text)) for text in texts], dtype=np.int64))
            digest.update("".join("" if text is None else str(text) for text in texts).encode("utf-8", "surrogatepass"))

        for feature in self.features:
            add_text("feature", [feature.kind, feature.name])
            if feature.kind == "numeric":
                add("values", feature.values)
            else:
                codes, levels = factorize(feature.values)
                add("codes", codes)
                add_text("levels", levels)
        add_text("classes", self.classes)
        for label, array in (
            ("target", self.target),
            ("groups", self.groups),
            ("times", self.times),
            ("weights", self.weights),
        ):
            add(label, array)
        if self.problem != "classification":  # which had its digest before there were others
            add_text("problem", [self.problem])
        return digest.hexdigest()

    def schema(self) -> dict[str, Any]:
        """What `aligned` needs, without the rows, for JSON: `Dataset.from_schema` makes an empty dataset of it."""
        return {
            "name": self.name,
            "sha256": self.sha256,
            "features": [{"name": feature.name, "kind": feature.kind} for feature in self.features],
            "classes": list(self.classes),
            "roles": asdict(self.roles),
            "problem": self.problem,
        }

    @classmethod
    def from_schema(cls, schema: Mapping[str, Any]) -> Dataset:
        """A dataset without rows, whose `aligned` reads other tables as the original's would."""
        roles: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in schema["roles"].items()
        }
        empty: dict[str, Values] = {"numeric": np.zeros(0), "categorical": np.zeros(0, dtype=object)}
        return cls(
            name=schema["name"],
            path=None,
            sha256=schema["sha256"],
            features=[Feature(item["name"], item["kind"], empty[item["kind"]]) for item in schema["features"]],
            target=no_target(schema.get("problem", "classification"), 0, len(schema["classes"])),
            classes=list(schema["classes"]),
            roles=Roles(**roles),
            problem=schema.get("problem", "classification"),
        )

    def aligned(self, table: Table) -> Dataset:
        """Another table with the same roles applied: same features and kinds, the same classes.

        For `--test FILE` and for predictions: the target may be absent or empty (code -1, of numbers NaN), labels that
        this dataset does not know are refused.
        """
        from minimand.workbench.tables.alignment import align

        return align(self, table)


def no_target(problem: ProblemKind, rows: int, labels: int) -> NDArray[Any]:
    """The target of rows of which none is known."""
    if problem == "regression":
        return np.full(rows, np.nan)
    return np.full((rows, labels) if problem == "multi-label" else rows, -1, dtype=np.int64)
