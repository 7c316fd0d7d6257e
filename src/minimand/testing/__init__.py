"""The contracts of minimand as programs: `check_loss` and its like, usable on other people's components too.

`check_<kind>` lives in `minimand.testing.<kind>`; there is no list of them.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any


def __getattr__(name: str) -> Any:
    kind = name.removeprefix("check_")
    if name.startswith("check_") and (Path(__file__).parent / f"{kind}.py").is_file():
        return getattr(importlib.import_module(f"{__name__}.{kind}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return [f"check_{file.stem}" for file in sorted(Path(__file__).parent.glob("*.py")) if file.stem != "__init__"]
