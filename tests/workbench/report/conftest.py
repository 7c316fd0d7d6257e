"""Fixtures of the report's tests: the example results, rendered once."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest


@pytest.fixture(scope="session")
def examples() -> ModuleType:
    """The module of example results beside this file."""
    name = "minimand_report_example_results"
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name("example_results.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def results(examples: ModuleType) -> dict[str, Any]:
    """An ordinary comparison; tests that change it take a deep copy."""
    return examples.example_results()


@pytest.fixture(scope="session")
def small(examples: ModuleType) -> dict[str, Any]:
    """A comparison with few rows, fast to draw; tests that change it take a deep copy."""
    return examples.example_results(objectives=3, resamples=4, epochs=8)


@pytest.fixture(scope="session")
def page(results: dict[str, Any]) -> str:
    """Its page."""
    pytest.importorskip("matplotlib")
    pytest.importorskip("jinja2")
    from minimand.workbench.report.page import render_compare

    return render_compare(results)


@pytest.fixture(scope="session")
def hostile_page(examples: ModuleType) -> str:
    """The page of a comparison whose names try to leave their place."""
    from minimand.workbench.report.page import render_compare

    return render_compare(examples.hostile_results())
