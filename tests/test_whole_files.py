"""A file is the old one or the new one, whatever fails on the way."""

from __future__ import annotations

import builtins
import os
import stat
from pathlib import Path

import pytest

from minimand.whole_files import is_disk_failure, is_leftover, part_beside, remove_leftovers, write_atomically

OLD, NEW = "old " * 3000, "new " * 5000


def test_text_is_utf8_with_its_line_ends_and_bytes_are_as_given(tmp_path):
    write_atomically(tmp_path / "a.txt", "é\r\n\n")
    assert (tmp_path / "a.txt").read_bytes() == b"\xc3\xa9\r\n\n"
    write_atomically(str(tmp_path / "a.txt"), b"\x00\xff")
    assert (tmp_path / "a.txt").read_bytes() == b"\x00\xff"
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


@pytest.mark.skipif(os.name == "nt", reason="permissions of POSIX")
def test_the_file_has_the_usual_permissions(tmp_path):
    (tmp_path / "usual").touch()
    write_atomically(tmp_path / "ours", "x")
    mode = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert mode["ours"] == mode["usual"]


class FailingFile:
    """A file whose writes count as places where the disk may fail."""

    def __init__(self, file, check):
        self._file, self._check = file, check

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._file.close()

    def __getattr__(self, name):
        return getattr(self._file, name)

    def write(self, data):
        self._file.write(data[: len(data) // 2])  # a full disk takes a part
        self._check()
        return self._file.write(data[len(data) // 2 :])


def fail_at(monkeypatch, number, error):
    """Makes the n-th call that touches the disk fail, and tells how many there were."""
    calls = []

    def check():
        calls.append(None)
        if len(calls) == number:
            raise error

    def wrapped(function):
        def call(*args, **kwargs):
            check()
            return function(*args, **kwargs)

        return call

    plain_open = builtins.open
    monkeypatch.setattr(
        builtins, "open", lambda *args, **kwargs: (check(), FailingFile(plain_open(*args, **kwargs), check))[1]
    )
    for name in ("fsync", "replace", "open"):
        monkeypatch.setattr(os, name, wrapped(getattr(os, name)))
    return calls


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()], ids=["disk", "ctrl-c"])
@pytest.mark.parametrize("existing", [True, False])
def test_no_failure_leaves_a_half_or_a_temporary_file(tmp_path, monkeypatch, error, existing):
    target = tmp_path / "results.json"
    failed_old, failed_new = 0, 0
    for number in range(1, 30):
        target.unlink(missing_ok=True)
        if existing:
            target.write_text(OLD)
        with monkeypatch.context() as patch:
            calls = fail_at(patch, number, error)
            try:
                write_atomically(target, NEW)
                clean = True
            except type(error):
                clean = False
        content = target.read_text() if target.exists() else None
        if clean:
            assert content == NEW
            break
        assert content in ((OLD if existing else None), NEW)
        failed_old, failed_new = failed_old + (content != NEW), failed_new + (content == NEW)
        assert [path.name for path in tmp_path.iterdir()] in ([], ["results.json"])
    else:
        pytest.fail("never ran clean")
    # open, write, fsync, replace fail before the change; the folder's open and fsync after it
    assert (failed_old, failed_new) == ((4, 2) if os.name != "nt" else (4, 0))
    assert len(calls) == number - 1


def test_a_reader_never_sees_a_part(tmp_path, monkeypatch):
    target = tmp_path / "report.html"
    target.write_text(OLD)
    seen = []
    plain = os.fsync
    monkeypatch.setattr(os, "fsync", lambda descriptor: (seen.append(target.read_text()), plain(descriptor))[1])
    write_atomically(target, NEW)
    assert seen[0] == OLD
    assert set(seen) <= {OLD, NEW}


def test_a_missing_folder_is_an_error_and_is_not_made(tmp_path):
    with pytest.raises(FileNotFoundError):
        write_atomically(tmp_path / "no" / "a.txt", "x")
    assert list(tmp_path.iterdir()) == []


def test_leftovers_of_killed_writers_are_removed_and_nothing_else(tmp_path):
    part = part_beside(tmp_path / ("long" * 60 + ".json"))
    others = [tmp_path / ".hidden", tmp_path / "ledger.sqlite", tmp_path / "notes.minimand-part"]
    for path in [part, *others]:
        path.touch()
    assert [is_leftover(path) for path in [part, *others]] == [True, False, False, False]
    remove_leftovers(tmp_path)
    assert sorted(tmp_path.iterdir()) == sorted(others)


def test_temporary_files_are_beside_their_target_and_differ():
    target = Path("somewhere") / "a.txt"
    assert part_beside(target).parent == target.parent
    assert part_beside(target) != part_beside(target)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes on this system")
def test_a_pipe_or_device_is_not_replaced(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(FileExistsError, match="pipe or a device"):
        write_atomically(tmp_path / "pipe", "x")
    assert [path.name for path in tmp_path.iterdir()] == ["pipe"]
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)


def test_a_failed_write_names_the_file_and_not_its_temporary_part(tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left") as failure:
        write_atomically(tmp_path / "a.txt", "x")
    assert failure.value.filename == str(tmp_path / "a.txt")
    assert is_disk_failure(failure.value)
    assert not is_disk_failure(PermissionError(13, "Permission denied"))
