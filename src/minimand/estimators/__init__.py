"""Estimators for scikit-learn: `from minimand.estimators import ObjectiveClassifier, TableEncoder`."""

from typing import Any

from minimand.contracts.lazy import lazy_names
from minimand.extras import require

_lazy, __dir__ = lazy_names(__name__, __file__)


def __getattr__(name: str) -> Any:
    if not name.startswith("_") and name in __dir__():
        for library in ("sklearn", "scipy"):
            require(library, extra="workbench")
    return _lazy(name)
