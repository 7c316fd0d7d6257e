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
