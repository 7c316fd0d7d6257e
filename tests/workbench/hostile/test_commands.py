"""The real command line on bad input: exit code 2 and a sentence, nothing run, nothing written; and what it accepts."""

from __future__ import annotations

import json
import os
import pickle
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from minimand.cli import main
from minimand.errors import InputError
from minimand.workbench.compare.predict import predict
from tests.workbench.hostile.corpus import GOOD, OBJECTS, Runs, npy, npz_bomb, pickled_npy, table, zipped

ROOT = Path(__file__).parents[3]
HANGS_AFTER = 300  # seconds of the clock, on a machine that is busy: what hangs does so for ever
QUICK = ["--resamples", "5", "--configurations", "2", "--objective", "gce"]


def command(*words: str, folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, with little room for what it should not do."""
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src"), "SENTINEL": str(folder / "ran")} | more
    limits = (
        "import resource as r, runpy, sys; r.setrlimit(r.RLIMIT_AS, (6 << 30, 6 << 30)); r.setrlimit(r.RLIMIT_CORE, "
        "(0, 0)); sys.argv[0] = 'minimand'; runpy.run_module('minimand', run_name='__main__', alter_sys=False)"
    )
    code = limits if sys.platform == "linux" else "import runpy; runpy.run_module('minimand', run_name='__main__')"
    return subprocess.run(
        [sys.executable, "-c", code, *words],
        capture_output=True,
        text=True,
        cwd=folder,
        env=environment,
        timeout=HANGS_AFTER,
        check=False,
    )


def refused(done: subprocess.CompletedProcess[str], *says: str) -> None:
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    sentence(done.stderr, *says)


def sentence(said: str, *says: str) -> None:
    lines = [line for line in said.splitlines() if line.startswith("minimand: error: ")]
    assert len(lines) == 1, said
    assert "Traceback" not in said
    assert lines[0].isprintable()
    for words in says:
        assert words in lines[0]


# --- A dozen through the command, in processes of their own ----------------------------------------------------------

DATA: dict[str, tuple[str, Callable[[Path], object], tuple[str, ...]]] = {
    "objects in an npz": ("a.npz", lambda path: zipped(path, {"X.npy": pickled_npy()}), (OBJECTS,)),
    "a pickle called npz": ("a.npz", lambda path: path.write_bytes(pickle.dumps(Runs())), ("not a readable .npz",)),
    "a bomb": ("a.npz", lambda path: npz_bomb(path, zipfile.ZIP_DEFLATED), ("unpacks from", "sample of its rows")),
    "a petabyte": ("a.npz", lambda path: zipped(path, {"X.npy": npy(HUGE)}), ("not a readable .npz",)),
    "a pipe": ("a.csv", os.mkfifo, ("not a regular file",)),
    "endless zeros": ("a.csv", lambda path: path.symlink_to("/dev/zero"), ("not a regular file",)),
    "a link to itself": ("a.csv", lambda path: path.symlink_to(path), ("cannot be read",)),
    "one line of 50 MB": ("a.csv", lambda path: path.write_bytes(b"1," * 25_000_000), ("without a line end",)),
    "SQL as its name": (
        "x'); COPY (SELECT 1) TO 'ran'; --.csv",
        lambda path: path.write_bytes(b"a,b\n1,2\n3\n"),
        ("1 cells in line 3",),
    ),
    "a class of one row": (
        "a.csv",
        lambda path: path.write_bytes(table(y=lambda i: "pq"[i % 2] if i else "\x1b[2Jr")),
        ("has only 1 rows",),
    ),
}
HUGE = "{'descr': '<f8', 'fortran_order': False, 'shape': (9000000000000, 1000), }"
FIRST = ("objects in an npz", "a pipe")


@pytest.mark.skipif(sys.platform != "linux", reason="pipes, devices and limits of Linux")
@pytest.mark.parametrize("case", [c if c in FIRST else pytest.param(c, marks=pytest.mark.slow) for c in DATA])
def test_bad_data_are_refused_by_the_command(case, tmp_path):
    name, make, says = DATA[case]
    make(tmp_path / name)
    refused(command("compare", name, "--target", "y", "--out", "out", folder=tmp_path), *says)
    assert os.listdir(tmp_path) == [name]


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can become another user")
def test_a_file_of_somebody_else_is_refused(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(GOOD)
    path.chmod(0)
    code = (
        "import os, sys; import minimand.workbench.tables.delimited, minimand.workbench.tables as tables; "
        "os.setuid(65534)\n"
        "try: tables.read_table('a.csv')\n"
        "except ValueError as error: print(type(error).__name__, error)"
    )
    tmp_path.chmod(0o755)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=HANGS_AFTER, check=False
    )
    assert done.stdout == "InputError a.csv may not be read: permission denied.\n", done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no full device here")
def test_a_full_output_is_an_error_with_a_code(tmp_path):
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = subprocess.run(
            [sys.executable, "-m", "minimand", "list"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
            timeout=HANGS_AFTER,
            check=False,
        )
    assert done.returncode == 3
    sentence(done.stderr, "No space left on device")


# --- Bad places for the output, in this process ----------------------------------------------------------------------


def a_file(folder: Path) -> Path:
    (folder / "out").write_text("mine", encoding="utf-8")
    return folder / "out"


def below_a_file(folder: Path) -> Path:
    return a_file(folder) / "deeper" / "still"


def a_foreign_folder(folder: Path) -> Path:
    (folder / "out").mkdir()
    (folder / "out" / "thesis.tex").write_text("mine", encoding="utf-8")
    return folder / "out"


def a_pipe_as_ledger(folder: Path) -> Path:
    (folder / "out").mkdir()
    os.mkfifo(folder / "out" / "ledger.sqlite")
    return folder / "out"


def a_link_to_itself(folder: Path) -> Path:
    (folder / "out").symlink_to(folder / "out")
    return folder / "out"


def a_link_to_nothing(folder: Path) -> Path:
    (folder / "out").symlink_to(folder / "gone")
    return folder / "out"


def no_place(folder: Path) -> Path:
    return Path("/proc/no such place/out")


def too_long(folder: Path) -> Path:
    return folder / ("x" * 300)


def a_lock_that_is_a_link(folder: Path) -> Path:
    (folder / "precious").write_text("mine", encoding="utf-8")
    (folder / "out").mkdir()
    (folder / "out" / "ledger.sqlite.lock").symlink_to(folder / "precious")
    return folder / "out"


@pytest.mark.skipif(sys.platform != "linux", reason="pipes and places of Linux")
@pytest.mark.parametrize(
    "place",
    [
        a_file,
        below_a_file,
        a_foreign_folder,
        a_pipe_as_ledger,
        a_link_to_itself,
        a_link_to_nothing,
        no_place,
        too_long,
        a_lock_that_is_a_link,
    ],
)
def test_a_bad_place_for_the_output_is_refused_and_left_alone(place, tmp_path, capsys):
    data = tmp_path / "a.csv"
    data.write_bytes(GOOD)
    out = place(tmp_path)
    before = {path: path.is_file() and path.read_bytes() for path in tmp_path.rglob("*")}
    assert main(["compare", str(data), "--target", "y", *QUICK, "--out", str(out)]) == 2
    sentence(capsys.readouterr().err, "--out")
    assert {path: path.is_file() and path.read_bytes() for path in tmp_path.rglob("*")} == before


# --- Bad configurations, in this process -----------------------------------------------------------------------------

TOML: dict[str, tuple[bytes, str]] = {
    "no TOML": (b"a = [", "no TOML"),
    "binary": (b"\x80\x04\xff\0", "no TOML"),
    "UTF-16": ("data = 'iris'".encode("utf-16"), "no TOML"),
    "NUL": (b"data = 'a\0b'", "no TOML"),
    "empty": (b"", "say which data"),
    "the same key twice": (b"seed = 1\nseed = 2", "no TOML"),
    "ten thousand brackets": (b"seed = " + b"[" * 10_000, "no TOML"),
    "ten thousand tables": (b"[" + b".".join([b"a"] * 10_000) + b"]", "unknown option"),
    "5,000 digits": (b"seed = " + b"7" * 5000, "no TOML"),
    "a whole number no float holds": (b"data = 'iris'\nrope = 1" + b"0" * 400, "too large"),
    "infinity": (b"data = 'iris'\nrope = inf", "rope"),
    "not a number": (b"data = 'iris'\nrope = nan", "--rope"),
    "a million million resamples": (b"data = 'iris'\nresamples = 1000000000000", "--resamples must be at most"),
    "a million configurations": (b"data = 'iris'\nconfigurations = 1000000", "--configurations must be at most"),
    "a million workers": (b"data = 'iris'\nworkers = 1000000", "--workers must be at most"),
    "minus one worker": (b"data = 'iris'\nworkers = -1", "--workers must be at least"),
    "a date": (b"data = 'iris'\nseed = 2020-01-01", "must be of type"),
    "a table": (b"[data]\na = 1", "must be of type"),
    "code": (b"data = 'iris'\n__import__ = 'os'", "unknown option"),
    "itself": (b"config = 'a.toml'", "unknown option"),
    "NUL in a path": (b'data = "a\\u0000.csv"', "NUL"),
    "escape codes": (b'data = "\\u001b[2J.csv"', "does not exist"),
    "too long": (b"#" * 2_000_000, "at most 1 MiB"),
}


@pytest.mark.parametrize("case", TOML)
def test_a_bad_configuration_is_refused(case, tmp_path, capsys):
    content, says = TOML[case]
    (tmp_path / "a.toml").write_bytes(content)
    assert main(["compare", "--config", str(tmp_path / "a.toml")]) == 2
    sentence(capsys.readouterr().err, says)


@pytest.mark.skipif(sys.platform != "linux", reason="pipes and devices of Linux")
@pytest.mark.parametrize("make", [os.mkfifo, Path.mkdir, lambda path: path.symlink_to("/dev/zero"), lambda path: None])
def test_a_configuration_that_is_no_file_is_refused(make, tmp_path, capsys):
    make(tmp_path / "a.toml")
    assert main(["compare", "--config", str(tmp_path / "a.toml")]) == 2
    sentence(capsys.readouterr().err, "the configuration")


# --- What is accepted stays text, to the end -------------------------------------------------------------------------


@pytest.mark.slow
def test_names_that_others_obey_stay_text_in_every_output(tmp_path):
    name, script, escape = '"""; open(\'ran\', \'w\'); """', "<script>alert(1)</script>", "\x1b[2J[bold]x[/bold]{0}%s"
    rows = [f"{(i * 37) % 101}.{i},{(i * 7) % 5}.5,{['=1+1', script][(i * 37) % 101 > 50]}" for i in range(120)]
    header = ",".join('"' + text.replace('"', '""') + '"' for text in (escape, script, name))
    data = tmp_path / "<img src=x onerror=alert(1)>'; --.csv"
    data.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    done = command("compare", data.name, f"--target={name}", *QUICK, "--out", "out", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout + done.stderr
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "\x1b" not in page
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    json.loads((tmp_path / "out" / "results.json").read_text(encoding="utf-8"))
    script_file = tmp_path / "out" / "train.py"
    compile(script_file.read_text(encoding="utf-8"), "train.py", "exec")
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    again = subprocess.run(
        [sys.executable, str(script_file)], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert again.returncode == 0, again.stderr
    predicted = command("predict", "out", data.name, folder=tmp_path)
    assert predicted.returncode == 0, predicted.stderr
    assert not re.search(r"(^|,)[=@]", predicted.stdout, re.MULTILINE)
    assert not (tmp_path / "ran").exists()


@pytest.mark.slow
def test_a_broken_model_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("SENTINEL", str(tmp_path / "ran"))
    data = tmp_path / "a.csv"
    data.write_bytes(GOOD)
    assert main(["compare", str(data), "--target", "y", *QUICK, "--quiet", "--out", str(tmp_path / "out")]) == 0
    for path in sorted((tmp_path / "out" / "model").iterdir()):
        content = path.read_bytes()
        for broken in (b"", b"[" * 100_000, b"\xff" * 100, content[: len(content) // 2], pickle.dumps(Runs())):
            path.write_bytes(broken)
            with pytest.raises(InputError) as caught:
                predict(tmp_path / "out", data)
            assert "model" in str(caught.value)
        path.write_bytes(content)
    assert predict(tmp_path / "out", data).count("\n") == 41
    assert not (tmp_path / "ran").exists()
