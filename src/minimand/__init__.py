"""minimand: everything that decides what a model learns, as drop-in PyTorch components.

What is named here is loaded on first use: importing the package loads neither torch nor numpy.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from minimand.errors import InputError, MinimandWarning

if TYPE_CHECKING:
    from minimand import adaptation, contracts, estimators, evaluation, heads, losses, optim, testing
    from minimand.contracts.catalogue import cards as catalogue
    from minimand.contracts.objective import Objective
    from minimand.estimators import ObjectiveClassifier, ObjectiveRegressor
    from minimand.workbench.compare.run import compare

__version__ = "0.1.0"

__all__ = [
    "InputError",
    "MinimandWarning",
    "Objective",
    "ObjectiveClassifier",
    "ObjectiveRegressor",
    "__version__",
    "adaptation",
    "catalogue",
    "compare",
    "contracts",
    "estimators",
    "evaluation",
    "heads",
    "losses",
    "optim",
    "testing",
]

# name here -> (module, name there)
_LAZY = {
    "Objective": ("minimand.contracts.objective", "Objective"),
    "ObjectiveClassifier": ("minimand.estimators", "ObjectiveClassifier"),
    "ObjectiveRegressor": ("minimand.estimators", "ObjectiveRegressor"),
    "catalogue": ("minimand.contracts.catalogue", "cards"),
    "compare": ("minimand.workbench.compare.run", "compare"),
}
_SUBPACKAGES = ("adaptation", "contracts", "estimators", "evaluation", "heads", "losses", "optim", "testing")


def __getattr__(name: str) -> Any:
    if name in _SUBPACKAGES:
        return importlib.import_module(f"minimand.{name}")
    if name not in _LAZY:
        raise AttributeError(f"module 'minimand' has no attribute {name!r}")
    module, there = _LAZY[name]
    value = getattr(importlib.import_module(module), there)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
