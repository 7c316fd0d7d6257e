"""`minimand new`: skeletons that can be imported, and whose tests fail with a sentence until they are written."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import minimand
from minimand.contracts.card import card_of
from minimand.errors import InputError
from minimand.workbench.catalogue import skeletons
from minimand.workbench.catalogue.skeletons import new


@pytest.fixture
def checkout(tmp_path):
    """A source checkout with nothing in it."""
    (tmp_path / "pyproject.toml").write_text("", encoding="utf-8")
    return tmp_path


def files_of(folder: Path) -> list[str]:
    return sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file())


def test_three_files_at_one_path_and_the_packages_of_a_new_room(checkout):
    written = new("losses.weird.brand_new", root=checkout)
    assert [str(file) for file in written] == [
        "src/minimand/losses/weird/brand_new.py",
        "tests/losses/weird/test_brand_new.py",
        "src/minimand/claims/losses/weird/brand_new.py",
    ]
    assert files_of(checkout) == sorted(
        [
            *map(str, written),
            "pyproject.toml",
            "src/minimand/losses/weird/__init__.py",
            "src/minimand/claims/losses/__init__.py",
            "src/minimand/claims/losses/weird/__init__.py",
        ]
    )
    for file in written:
        text = (checkout / file).read_text(encoding="utf-8")
        assert "@stem@" not in text
        assert "brand_new_loss" in text


def test_what_exists_is_never_overwritten(checkout):
    (kept, *_) = new("losses.weird.brand_new", root=checkout)
    (checkout / kept).write_text("mine", encoding="utf-8")
    before = files_of(checkout)
    with pytest.raises(InputError, match=r"brand_new\.py exists"):
        new("losses.weird.brand_new", root=checkout)
    assert (checkout / kept).read_text(encoding="utf-8") == "mine"
    assert files_of(checkout) == before


@pytest.mark.parametrize(
    ("path", "name", "sentence"),
    [
        ("losses.elr", None, "the path must be role, room and name"),
        ("losses.noisy.deep.elr", None, "the path must be role, room and name"),
        ("loss.noisy.x", None, "there is no role 'loss': did you mean losses"),
        ("zzz.noisy.x", None, "there are evaluation, losses"),
        ("losses.Noisy.x", None, "'Noisy' must be words in small letters"),
        ("losses.noisy.x-y", None, "'x-y' must be words in small letters"),
        ("losses.noisy.class", None, "'class' must be words in small letters"),
        ("losses...", None, "the path must be role, room and name"),
        ("losses.noisy.utils", None, "'utils' says nothing"),
        ("losses.noisy.new_loss", None, "leave the ending out of 'new_loss'"),
        ("evaluation.ranking.metric", None, "leave the ending out of 'metric'"),
        ("losses.noisy.x", "lower", "--name must be letters and digits with a capital first"),
        ("losses.weird.gce", None, "the name gce_loss is taken"),
        ("losses.weird.x", "GCE", "the name GCELoss is taken"),
        ("losses.weird.polyloss2", "../X", "--name must be letters"),
    ],
)
def test_bad_names_are_refused_and_nothing_is_written(path, name, sentence, checkout):
    with pytest.raises(InputError) as refused:
        new(path, name=name, root=checkout)
    assert sentence in str(refused.value)
    assert files_of(checkout) == ["pyproject.toml"]


def test_only_in_a_source_checkout(tmp_path, monkeypatch):
    monkeypatch.setattr(minimand, "__file__", str(tmp_path / "site-packages" / "minimand" / "__init__.py"))
    with pytest.raises(InputError, match="into a source checkout only"):
        new("losses.noisy.brand_new")
    assert files_of(tmp_path) == []


@pytest.mark.parametrize("role", skeletons.SKELETONS)
def test_a_checkout_with_skeletons_works_and_their_tests_fail_until_they_are_written(role, tmp_path):
    source = Path(minimand.__file__).parent
    shutil.copytree(source, tmp_path / "src" / "minimand", ignore=shutil.ignore_patterns("__pycache__"))
    _, test, claim = new(f"{role}.weird.brand_new", name="BN", root=tmp_path)
    noun = skeletons.SKELETONS[role].suffix
    environment = os.environ | {"PYTHONPATH": str(tmp_path / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
    program = (
        f"import sys, pytest, minimand.contracts.stubs as stubs; from minimand.{role} import brand_new_{noun} as made;"
        "from minimand.contracts.card import card_of; from minimand.contracts.catalogue import find;"
        f"import minimand.claims.{role}.weird.brand_new as claims; from minimand.contracts.claim import claims_in;"
        "assert find('brand-new') == (card_of(made),); assert len(claims_in(claims)) == 1;"
        "assert claims_in(claims)[0].card is card_of(made); assert stubs.main([]) == 0;"
        f"sys.exit(pytest.main(['-q', '-p', 'no:cacheprovider', '--import-mode=importlib', {str(test)!r}]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"brand_new_{noun} is not written yet: its formula belongs into {role}/weird/brand_new.py" in done.stdout
    assert "1 failed" in done.stdout
    assert "this claim is not written yet" in (tmp_path / claim).read_text(encoding="utf-8")
    assert card_of(getattr(minimand, role)) is None
