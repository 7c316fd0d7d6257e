"""A run folder is found again by its name, and never taken from anybody else."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest

from minimand.errors import InputError
from minimand.whole_files import part_beside
from minimand.workbench.ledger import LEDGER_NAME, Ledger, claim_out, default_out

IDENTITY = {"schema": "1", "job": "compare", "data": "d" * 64, "options": "o" * 64}


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("adult", "compare-adult-0123abcd"),
        ("my data/ü (1)", "compare-my-data-1-0123abcd"),
        ("../../etc/passwd", "compare-etc-passwd-0123abcd"),
        ("..", "compare-data-0123abcd"),
        ("x" * 300, f"compare-{'x' * 60}-0123abcd"),
    ],
)
def test_the_usual_folder_is_named_by_job_data_and_hash(name, folder):
    assert default_out("compare", name, "0123abcdef") == Path("runs") / folder


def test_a_new_folder_is_made_with_its_parents_and_holds_nothing(tmp_path):
    out = claim_out(tmp_path / "runs" / "a")
    assert out == tmp_path / "runs" / "a"
    assert list(out.iterdir()) == []
    assert claim_out(str(out)) == out  # empty: still free


def test_a_folder_with_a_ledger_is_ours_with_all_that_is_in_it(tmp_path):
    Ledger.open(tmp_path / LEDGER_NAME, identity=IDENTITY).close()
    (tmp_path / "report.html").write_text("x")
    claim_out(tmp_path)
    assert (tmp_path / "report.html").read_text() == "x"


def test_what_a_run_leaves_that_was_killed_at_its_start_is_ours(tmp_path):
    for name in (LEDGER_NAME, LEDGER_NAME + ".lock", LEDGER_NAME + "-journal"):
        (tmp_path / name).touch()
    part_beside(tmp_path / "results.json").touch()
    claim_out(tmp_path)


def foreign_file(folder):
    (folder / "thesis.tex").write_text("x")


def foreign_database(folder):
    connection = sqlite3.connect(folder / LEDGER_NAME)
    connection.execute("CREATE TABLE records (key)")
    connection.close()


def foreign_bytes(folder):
    (folder / LEDGER_NAME).write_bytes(b"x" * 500)


@pytest.mark.parametrize(
    ("put", "words"),
    [
        (foreign_file, "is not empty and holds no run of minimand .it has 'thesis.tex'.: choose another --out"),
        (foreign_database, "is not a ledger of minimand: choose another --out"),
        (foreign_bytes, "is not a ledger of minimand: choose another --out"),
    ],
)
def test_a_folder_with_other_things_is_refused_and_left_alone(tmp_path, put, words):
    put(tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(InputError, match=words):
        claim_out(tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_file_is_refused(tmp_path):
    (tmp_path / "a").write_text("x")
    with pytest.raises(InputError, match="is a file, not a folder: choose another --out"):
        claim_out(tmp_path / "a")
    with pytest.raises(InputError, match="cannot write to the output"):
        claim_out(tmp_path / "a" / "b")


def test_a_name_that_no_path_can_have_is_refused():
    with pytest.raises(InputError, match="is no valid path"):
        claim_out("a\0b")


def test_a_place_that_cannot_be_written_is_refused_and_left_as_it_was(tmp_path, monkeypatch):
    def refuse(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    (tmp_path / "there").mkdir()
    monkeypatch.setattr(os, "open", refuse)
    for name in ("there", "new"):
        with pytest.raises(
            InputError, match=r"cannot write to the output .* \(Permission denied\): choose another --out"
        ):
            claim_out(tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == ["there"]
