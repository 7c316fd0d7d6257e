"""Small datasets for the tests of `compare`."""

from __future__ import annotations

from typing import Any

import numpy as np

from minimand.workbench.tables import Dataset, from_columns, prepare


def columns(rows: int = 200, *, classes: int = 2, seed: int = 0) -> dict[str, Any]:
    """Two informative numbers, a category with missing cells, and a target that they mostly decide."""
    generator = np.random.default_rng(seed)
    x, z = generator.normal(size=(2, rows))
    noise = generator.normal(scale=0.4, size=rows)
    label = np.digitize(x + 0.5 * z + noise, np.quantile(x + 0.5 * z, np.arange(1, classes) / classes))
    colour = np.where(generator.random(rows) < 0.1, None, generator.choice(["red", "green"], size=rows))
    names = np.array([f"class {k}" for k in range(classes)], dtype=object)
    return {"x": x, "z": z, "colour": colour.astype(object), "label": names[label]}


def dataset(rows: int = 200, *, classes: int = 2, seed: int = 0, **roles: Any) -> Dataset:
    """The same columns as a `Dataset`, with more columns and roles if given: `groups=[...]`, `times=[...]`."""
    table = columns(rows, classes=classes, seed=seed)
    names = {"groups": "group", "times": "time", "weights": "weight"}
    used = {}
    for role, values in roles.items():
        table[f"{names[role]} column"] = values
        used[names[role]] = f"{names[role]} column"
    return prepare(from_columns(table), target="label", **used)


def numbers(rows: int = 200, *, y: Any = None, task: str = "auto", seed: int = 0, **roles: Any) -> Dataset:
    """The same features with a number that they mostly decide, or with the targets `y`."""
    table = columns(rows, seed=seed)
    del table["label"]
    noise = np.random.default_rng(seed + 1).normal(size=rows)
    table["y"] = table["x"] + 0.5 * table["z"] ** 2 + 0.3 * noise if y is None else y
    names = {"groups": "group", "times": "time", "weights": "weight"}
    used = {}
    for role, values in roles.items():
        table[f"{names[role]} column"] = np.asarray(values, dtype=object if role == "groups" else np.float64)
        used[names[role]] = f"{names[role]} column"
    return prepare(from_columns(table), target="y", task=task, **used)


def levels(rows: int = 200, *, seed: int = 0) -> Dataset:
    """The same features with one of four ordered levels."""
    table = columns(rows, classes=4, seed=seed)
    table["label"] = np.array([int(label.split()[1]) for label in table["label"]])
    return prepare(from_columns(table), target="label", task="ordinal")


def labels(rows: int = 200, *, rare: int | None = None, seed: int = 0) -> Dataset:
    """The same features with three labels, the last of them present in few rows."""
    table = columns(rows, seed=seed)
    del table["label"]
    table["high"] = (table["x"] > 0).astype(int)
    table["wide"] = (np.abs(table["z"]) > 1).astype(int)
    order = np.argsort(-table["x"] - table["z"])
    table["rare"] = np.zeros(rows, dtype=int)
    table["rare"][order[: rows // 10 if rare is None else rare]] = 1
    return prepare(from_columns(table), target=["high", "wide", "rare"])
