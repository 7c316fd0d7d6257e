"""The ledger keeps what it acknowledged, once, and refuses what is not its own."""

from __future__ import annotations

import json
import math
import os
import random
import shutil
import signal
import sqlite3
import struct
import subprocess
import sys
import textwrap
import time

import pytest

from minimand.errors import InputError
from minimand.whole_files import part_beside
from minimand.workbench.ledger import LEDGER_NAME, Ledger, LedgerError, is_ledger

IDENTITY = {"schema": "1", "job": "compare", "data": "d" * 64, "options": "o" * 64}


@pytest.fixture
def path(tmp_path):
    return tmp_path / LEDGER_NAME


def opened(path, **changes):
    return Ledger.open(path, identity={**IDENTITY, **changes})


def test_records_come_back_after_closing_in_the_order_of_their_keys(path):
    records = {"fold-1/b": {"loss": 0.1 + 0.2}, "fold-0/a": {"loss": math.inf, "curve": [1e-320, -0.0]}, "é": {}}
    with opened(path) as ledger:
        for key, record in records.items():
            ledger.put(key, record)
        ledger.put("nan", {"loss": math.nan})
    with opened(path) as ledger:
        assert ledger.keys() == sorted([*records, "nan"])
        assert {key: record for key, record in ledger.items() if key != "nan"} == records
        assert ledger.count() == 4
        assert math.isnan(ledger.get("nan")["loss"])
        assert struct.pack(">d", ledger.get("fold-0/a")["curve"][1]) == struct.pack(">d", -0.0)
        assert ledger.get("absent") is None
        assert ledger.identity == IDENTITY


def test_a_finished_record_is_never_overwritten(path):
    with opened(path) as ledger:
        ledger.put("a", {"x": 1, "y": math.nan})
        ledger.put("a", {"y": math.nan, "x": 1})
        with pytest.raises(ValueError, match="already holds another record for 'a'"):
            ledger.put("a", {"x": 2})
        assert ledger.get("a")["x"] == 1
        assert ledger.count() == 1


def test_records_put_together_are_all_there_or_none(path):
    with opened(path) as ledger:
        ledger.put("b", {"x": 1})
        ledger.put_all({"a": {"x": 0}, "b": {"x": 1}, "c": {"x": 2}})
        assert ledger.keys() == ["a", "b", "c"]
        with pytest.raises(ValueError, match="already holds another record for 'c'"):
            ledger.put_all({"d": {"x": 3}, "c": {"x": 9}, "e": {"x": 4}})
        with pytest.raises(TypeError, match="a record holds only"):
            ledger.put_all({"d": {"x": 3}, "e": {"x": object()}})
        assert ledger.keys() == ["a", "b", "c"]
        ledger.put("d", {"x": 3})  # what failed has left no transaction open
        ledger.put_all({})
    with opened(path) as ledger:
        assert ledger.count() == 4
        assert ledger.get("c") == {"x": 2}


def test_a_record_that_would_change_is_refused_and_leaves_nothing(path):
    with opened(path) as ledger:
        with pytest.raises(TypeError, match=r"record\['x'\] is a builtins.bytes"):
            ledger.put("a", {"x": b""})
        with pytest.raises(TypeError, match="key must be a string"):
            ledger.put(1, {})
        assert ledger.count() == 0


def test_the_plan_is_written_once(path):
    with opened(path) as ledger:
        assert ledger.plan is None
        ledger.plan = {"resamples": 10, "budget_seconds": None}
        ledger.plan = {"budget_seconds": None, "resamples": 10}
        with pytest.raises(ValueError, match="already holds another plan"):
            ledger.plan = {"resamples": 9, "budget_seconds": None}
        assert ledger.keys() == []  # the plan is no record
    with opened(path) as ledger:
        assert ledger.plan == {"resamples": 10, "budget_seconds": None}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"data": "e" * 64}, r"differs from this one in its data \(dddddddddddd there, eeeeeeeeeeee now\): choose"),
        ({"options": "p" * 64}, r"in its options \(oooooooooooo there, pppppppppppp now\): choose"),
        ({"schema": "2"}, r"in its schema \(1 there, 2 now\): choose another --out, or delete that folder"),
        ({"schema": "2", "data": "x", "options": "y"}, r"in its schema \(.*\), data \(.*\) and options \(.*\): choose"),
        ({"torch": "2.10"}, r"in its torch \(absent there, 2.10 now\)"),
    ],
)
def test_a_ledger_of_something_else_is_refused_with_what_differs(path, changes, words):
    with opened(path) as ledger:
        ledger.put("a", {})
    with pytest.raises(InputError, match=words) as refusal:
        opened(path, **changes)
    assert "\n" not in str(refusal.value)
    assert str(path.parent) in str(refusal.value)
    with opened(path) as ledger:  # the refusal gave the lock back and changed nothing
        assert ledger.keys() == ["a"]


def test_a_part_of_the_identity_that_is_no_longer_given_differs_too(path):
    opened(path, extra="1").close()
    with pytest.raises(InputError, match=r"in its extra \(1 there, absent now\)"):
        opened(path)


def test_the_identity_holds_strings():
    with pytest.raises(TypeError, match="identity must map strings to strings, got 'schema': 1"):
        Ledger.open("x", identity={"schema": 1})


def test_a_second_writer_is_refused_and_named_while_readers_may_come(path):
    with opened(path) as ledger:
        ledger.put("a", {"x": 1})
        with pytest.raises(InputError, match=f"is in use by process {os.getpid()}, which is still running"):
            opened(path)
        with Ledger.read(path) as reader:
            assert reader.keys() == ["a"]
            ledger.put("b", {"x": 2})
            assert reader.keys() == ["a", "b"]
            assert reader.identity == IDENTITY
            with pytest.raises(ValueError, match="was opened for reading"):
                reader.put("c", {})
        ledger.put("d", {})
    opened(path).close()


WRITER = """
    import json, sys
    from minimand.workbench.ledger import Ledger
    ledger = Ledger.open(sys.argv[1], identity=json.loads(sys.argv[2]))
    number = ledger.count()
    print("open", flush=True)
    while True:
        # long enough for several pages of the file
        ledger.put(f"{number:06d}", {"number": number, "third": number / 3, "filler": [number] * 700})
        print(number, flush=True)
        number += 1
"""


def start_writer(path):
    command = [sys.executable, "-c", textwrap.dedent(WRITER), str(path), json.dumps(IDENTITY)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_a_writer_in_another_process_is_refused_until_it_is_killed(path):
    with start_writer(path) as writer:
        assert writer.stdout.readline() == "open\n"
        with pytest.raises(InputError, match=f"in use by process {writer.pid}"):
            opened(path)
        writer.kill()
    opened(path).close()


def test_every_acknowledged_record_survives_kill_9(path):
    rng = random.Random(0)
    acknowledged = []
    for round_ in range(20):
        with start_writer(path) as writer:
            if round_ % 5:  # else at any moment of the start, the creation of the ledger included
                writer.stdout.readline()
                time.sleep(rng.uniform(0, 0.12))
            else:
                time.sleep(rng.uniform(0.02, 0.3))
            writer.send_signal(signal.SIGKILL)
            numbers = [int(line) for line in writer.stdout if line.strip() != "open" and line.endswith("\n")]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers))) if numbers else True
        acknowledged += numbers
        if not path.exists():
            continue
        with opened(path) as ledger:
            keys = ledger.keys()
            assert keys == [f"{number:06d}" for number in range(len(keys))]
            assert set(acknowledged) <= {int(key) for key in keys}
            # committed, but killed before it could say so: at most one a kill
            assert len(keys) - len(acknowledged) <= round_ + 1
            for key, record in ledger.items():
                number = int(key)
                assert record == {"number": number, "third": number / 3, "filler": [number] * 700}
    assert len(acknowledged) == len(set(acknowledged))  # none was done twice
    assert len(acknowledged) > 20


def test_commits_are_forced_to_disk_and_readers_do_not_wait(path):
    with opened(path) as ledger:
        settings = [
            ledger._connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("synchronous", "journal_mode")
        ]
    assert settings == [2, "wal"]  # 2 is FULL: what a power cut would show, no test here can


def test_a_full_disk_is_said_and_what_was_committed_is_kept(path):
    with opened(path) as ledger:
        ledger.put("a", {"x": 1})
        pages = ledger._connection.execute("PRAGMA page_count").fetchone()[0]
        ledger._connection.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(LedgerError, match=r"full.*make room.*give the same command to go on") as failure:
            ledger.put("b", {"x": [0.1] * 10000})
        assert failure.value.exit_code == 3
        assert ledger.keys() == ["a"]
    with opened(path) as ledger:
        assert list(ledger.items()) == [("a", {"x": 1})]
        ledger.put("b", {"x": [0.1] * 10000})


def filled(path):
    with opened(path) as ledger:
        for number in range(40):
            ledger.put(f"{number:03d}", {"filler": [number] * 800})
    return path.read_bytes()


@pytest.mark.parametrize("way", [opened, Ledger.read])
def test_a_ledger_with_destroyed_pages_is_refused(path, way):
    content = filled(path)
    path.write_bytes(content[:4096] + os.urandom(len(content) - 4096))
    with pytest.raises(
        InputError, match=r"the ledger .* is damaged \(.*\): restore it from a copy, or delete the folder"
    ):
        list(way(path).items())


def test_a_truncated_ledger_is_refused(path):
    content = filled(path)
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(InputError, match="is damaged"):
        opened(path)


@pytest.mark.parametrize("change", ["text = replace(text, '7', '8')", "key = 'other'"])
def test_a_record_changed_by_another_hand_is_noticed(path, change):
    with opened(path) as ledger:
        ledger.put("a", {"x": 7})
        ledger._connection.execute(f"UPDATE records SET {change}")
    with opened(path) as ledger, pytest.raises(InputError, match=r"is damaged .the checksum of '(a|other)' is wrong."):
        list(ledger.items())


def test_any_single_flipped_byte_is_refused_or_harmless(path, tmp_path):
    content = filled(path)
    with Ledger.read(path) as ledger:
        whole = list(ledger.items())
    rng = random.Random(1)
    refused = 0
    for round_ in range(40):
        place = rng.randrange(len(content))
        copy = tmp_path / f"{round_}.sqlite"
        copy.write_bytes(content[:place] + bytes([content[place] ^ (1 << rng.randrange(8))]) + content[place + 1 :])
        try:
            with Ledger.read(copy) as ledger:
                assert list(ledger.items()) == whole
        except InputError:
            refused += 1
    assert refused >= 10  # the rest fell on unused space


def another_database(path):
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA application_id = 7")
    connection.execute("CREATE TABLE records (key)")
    connection.close()


@pytest.mark.parametrize(
    ("put", "words"),
    [
        (another_database, "is another program's database: choose another --out"),
        (lambda path: path.write_bytes(b"a,b\n1,2\n" * 100), "is not a ledger of minimand"),
        (lambda path: path.write_bytes(b"SQLite format 3\0"), "is another program's database"),
        (lambda path: path.mkdir(), "is not a file"),
    ],
)
@pytest.mark.parametrize("way", [opened, Ledger.read])
def test_a_foreign_file_is_refused_and_left_alone(path, put, words, way):
    put(path)
    before = None if path.is_dir() else path.read_bytes()
    with pytest.raises(InputError, match=words):
        way(path)
    assert [entry.name for entry in path.parent.iterdir()] == [LEDGER_NAME]
    assert before is None or path.read_bytes() == before
    assert not is_ledger(path)


def test_a_ledger_of_a_later_layout_is_refused(path):
    opened(path).close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 2")
    connection.close()
    for way in (opened, Ledger.read):
        with pytest.raises(
            InputError, match=r"another version of minimand \(layout 2, this one has 1\): use that version"
        ):
            way(path)


def test_a_missing_ledger_or_folder_is_said(path):
    with pytest.raises(InputError, match="there is no ledger"):
        Ledger.read(path)
    with pytest.raises(InputError, match=r"the folder .* does not exist"):
        opened(path.parent / "no" / LEDGER_NAME)
    assert list(path.parent.iterdir()) == []


def test_an_empty_file_is_a_ledger_whose_creation_was_cut_short(path):
    path.touch()
    with pytest.raises(InputError, match="is empty"):
        Ledger.read(path)
    with opened(path) as ledger:
        assert ledger.count() == 0
    assert is_ledger(path)


def test_a_path_with_marks_of_an_address_is_taken_as_it_is(tmp_path):
    folder = tmp_path / "a b?mode=ro#%20"
    folder.mkdir()
    with opened(folder / LEDGER_NAME) as ledger:
        ledger.put("a", {})
    assert is_ledger(folder / LEDGER_NAME)


def test_the_next_writer_clears_what_a_killed_one_left(path):
    part_beside(path.parent / "report.html").write_text("half")
    with opened(path):
        pass
    assert sorted(entry.name for entry in path.parent.iterdir()) == [LEDGER_NAME, LEDGER_NAME + ".lock"]


def test_a_closed_ledger_is_one_file_that_can_be_copied(path, tmp_path):
    filled(path)
    shutil.copy(path, tmp_path / "copy.sqlite")
    with Ledger.read(tmp_path / "copy.sqlite") as ledger:
        assert ledger.count() == 40


def test_a_closed_ledger_says_so_and_closes_twice(path):
    ledger = opened(path)
    ledger.close()
    ledger.close()
    with pytest.raises(sqlite3.ProgrammingError):
        ledger.put("a", {})
