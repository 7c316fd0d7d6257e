"""A claims package of its own in a temporary source checkout, so that nothing of minimand is written to."""

from __future__ import annotations

import importlib
import itertools
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

NUMBERS = itertools.count()

CLAIM = '''"""A claim."""

from minimand.contracts.claim import {names}
from minimand.losses import {component}
from {package}.tasks.numbers import shift


@{decorator}(of={component}, says="It is so.", where="Table 1", gap="all", expects={expects})
def {name}(seed{signature}):
    """What is measured."""
    return {value}  # a number
'''


@dataclass(frozen=True)
class Tree:
    """The checkout: `root/src/<package>/losses/noisy/gce.py` and so on."""

    root: Path
    package: str

    @property
    def folder(self) -> Path:
        return self.root / "src" / self.package

    def write(self, path: str, text: str) -> Path:
        """Write a file of the package, and forget what was imported of the package before."""
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        for name in [name for name in sys.modules if name.partition(".")[0] == self.package]:
            del sys.modules[name]
        importlib.invalidate_caches()
        return file

    def comparative(self, *, path="losses/noisy/gce.py", component="gce_loss", gain="0.1", off="0.0", note="") -> Path:
        """A comparative claim whose difference is `gain`, and that of the switched-off arm `off`; `s` is 0 to 9."""
        text = CLAIM.format(
            names="Beats, Ties, comparative_claim",
            component=component,
            package=self.package,
            decorator="comparative_claim",
            expects='[Beats("ours", "base", 0.05), Ties("off", "base", 0.01)]',
            name="ours_is_better",
            signature="",
            value=f'[{{"ours": 0.5 + shift + {gain}, "base": 0.5, "off": 0.5 + {off}}} for s in [seed % 10]][0]',
        )
        return self.write(path, text + note)

    def of_property(self, *, value="0.0", twin="1.0", path="losses/noisy/gce.py") -> Path:
        """A property claim that a number is at most 0.5."""
        text = CLAIM.format(
            names="AtMost, property_claim",
            component="gce_loss",
            package=self.package,
            decorator="property_claim",
            expects="AtMost(0.5)",
            name="is_small",
            signature=", *, broken=False",
            value=f"{twin} if broken else {value}",
        )
        return self.write(path, text)


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """An empty checkout whose package can be imported."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    made = Tree(tmp_path, f"tiny_claims_{next(NUMBERS)}")
    monkeypatch.syspath_prepend(str(tmp_path / "src"))
    (tmp_path / "pyproject.toml").parent.mkdir(exist_ok=True)
    (tmp_path / "pyproject.toml").write_text("[project]\n", encoding="utf-8")
    for folder in ("", "losses", "losses/noisy", "losses/imbalance", "tasks"):
        made.write(f"{folder}/__init__.py".lstrip("/"), "")
    made.write("tasks/numbers.py", "shift = 0.0\n")
    yield made
    for name in [name for name in sys.modules if name.partition(".")[0] == made.package]:
        del sys.modules[name]
