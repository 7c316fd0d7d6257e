"""Where a result was computed: the versions and the processor that stand beside every recorded number."""

from __future__ import annotations

import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import minimand

LIBRARIES = ("torch", "numpy", "scikit-learn", "scipy", "duckdb")


def versions() -> dict[str, str]:
    """The versions of Python, minimand and the installed libraries that numbers may depend on."""
    found = {"minimand": minimand.__version__, "python": platform.python_version()}
    for library in LIBRARIES:
        try:
            found[library] = version(library)
        except PackageNotFoundError:
            continue
    return found


def processor() -> str:
    """The processor in words, as far as the system says it."""
    if sys.platform == "linux":
        try:
            lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            lines = []
        for line in lines:
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
