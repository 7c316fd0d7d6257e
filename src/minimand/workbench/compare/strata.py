"""The strata of targets that have no classes: every split has its share of each."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Index = NDArray[np.int64]

STRATA = 10
"""Parts of the range of a number, of as many rows each."""
LEAST_ROWS_OF_A_STRATUM = 20


def value_strata(target: NDArray[np.float64]) -> Index:
    """Tenths of the rows by the size of the number, equal numbers together."""
    parts = max(1, min(STRATA, len(target) // LEAST_ROWS_OF_A_STRATUM))
    inner = np.quantile(target, np.arange(1, parts) / parts, method="lower")
    _, found = np.unique(np.searchsorted(np.unique(inner), target, side="left"), return_inverse=True)
    strata: Index = found.reshape(-1).astype(np.int64)
    return strata


def label_strata(target: NDArray[Any]) -> Index:
    """The rarest label that the row has; rows without one are a stratum of their own."""
    order = np.argsort((target == 1).sum(0), kind="stable")
    has = target[:, order] == 1
    strata: Index = np.where(has.any(1), has.argmax(1), target.shape[1]).astype(np.int64)
    return strata
