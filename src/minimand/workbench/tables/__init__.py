"""Reading what the user has: files, bundled sets and arrays become a `Table`, and that a `Dataset` to learn from."""

from __future__ import annotations

from minimand.workbench.tables.bundled import BUNDLED, bundled_names
from minimand.workbench.tables.dataset import Dataset, Feature, LeftOut, Roles
from minimand.workbench.tables.diagnosis import diagnose
from minimand.workbench.tables.memory import as_table, from_arrays, from_columns
from minimand.workbench.tables.read import read_table
from minimand.workbench.tables.roles import prepare
from minimand.workbench.tables.table import MISSING_MARKERS, TYPE_RULE, Table

__all__ = [
    "BUNDLED",
    "MISSING_MARKERS",
    "TYPE_RULE",
    "Dataset",
    "Feature",
    "LeftOut",
    "Roles",
    "Table",
    "as_table",
    "bundled_names",
    "diagnose",
    "from_arrays",
    "from_columns",
    "prepare",
    "read_table",
]
