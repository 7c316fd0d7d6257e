from __future__ import annotations

import platform

import torch

import minimand
from minimand.workbench.environment import processor, versions


def test_versions_are_those_in_use():
    found = versions()
    assert found["python"] == platform.python_version()
    assert found["minimand"] == minimand.__version__
    assert torch.__version__.startswith(found["torch"].partition("+")[0])


def test_a_processor_without_a_name_is_no_error(monkeypatch):
    monkeypatch.setattr("pathlib.Path.read_text", lambda *_, **__: (_ for _ in ()).throw(OSError()))
    assert processor() == (platform.processor() or platform.machine())
