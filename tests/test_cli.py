"""The command line: options, exit codes, and one sentence for whatever goes wrong."""

from __future__ import annotations

import json
import logging
import os
import shlex
import subprocess
import sys
import warnings
from dataclasses import fields
from types import SimpleNamespace

import pytest

import minimand
from minimand.cli import main, parser
from minimand.commands.compare import options_of
from minimand.errors import InputError, MinimandWarning
from minimand.extras import MissingExtraError
from minimand.workbench.compare.options import Options
from minimand.workbench.ledger import LedgerError, TaskFailed, WorkerError

OFFLINE = {"input": "", "text": True, "capture_output": True, "timeout": 120, "check": False}


def asked(*words: str) -> Options:
    return options_of(vars(parser().parse_args(["compare", *words])))


@pytest.fixture
def failing(monkeypatch):
    """Let `minimand list` do something else."""

    def let(action):
        monkeypatch.setattr("minimand.workbench.catalogue.listing.entries", lambda **_: action())

    return let


def raised(error):
    def action():
        raise error

    return action


# --- compare -----------------------------------------------------------------------------------------------------


def test_every_option_of_compare_is_on_the_command_line_under_its_name():
    help_text = subprocess.run([sys.executable, "-m", "minimand", "compare", "--help"], **OFFLINE).stdout
    for option in fields(Options):
        if option.name not in ("data", "more_data"):
            assert f"--{option.name.replace('_', '-')} " in help_text.replace("\n", " \n"), option.name


def test_what_is_not_said_is_the_default():
    assert asked("digits") == Options(data="digits")


def test_several_data_sets_and_a_gain_in_percent():
    assert asked("digits", "a.csv", "--detect", "2%") == Options(data="digits", more_data=("a.csv",), detect=0.02)


def test_every_option_is_understood():
    words = (
        "a.csv --target -1 --no-header --test b.csv --group 2 --time 3 --weight 4 --drop 5 --drop -2 "
        "--drop-missing-target --objective gce --objective focal --metric brier --rope 0.01 --resamples 7 "
        "--configurations 3 --budget 1h30m --seed 9 --device cpu --out somewhere --workers 2 --no-examples --json "
        "--quiet --verbose"
    )
    assert asked(*words.split()) == Options(
        data="a.csv",
        target="-1",
        no_header=True,
        test="b.csv",
        group="2",
        time="3",
        weight="4",
        drop=("5", "-2"),
        drop_missing_target=True,
        objective=("gce", "focal"),
        metric="brier",
        rope=0.01,
        resamples=7,
        configurations=3,
        budget=5400.0,
        seed=9,
        device="cpu",
        out="somewhere",
        workers=2,
        no_examples=True,
        json=True,
        quiet=True,
        verbose=True,
    )


def test_command_and_configuration_of_a_run_ask_for_the_same_run(tmp_path):
    file = tmp_path / "run.toml"
    options = asked("a.csv", "--target=-x", "--drop", "-1", "--objective", "gce", "--budget", "90s", "--no-examples")
    assert asked(*shlex.split(options.command())[2:]) == options
    file.write_text(options.toml(), encoding="utf-8")
    assert options_of({"config": str(file)}) == Options(**{**vars(options), "config": str(file)})


def test_the_command_line_wins_over_the_configuration(tmp_path):
    file = tmp_path / "run.toml"
    file.write_text('data = "iris"\nseed = 3\nworkers = 2\nobjective = ["gce"]\nno-examples = true\n', encoding="utf-8")
    options = asked("--config", str(file), "--seed", "4", "--objective", "elr")
    assert (options.data, options.seed, options.workers) == ("iris", 4, 2)
    assert options.objective == ("elr",)
    assert options.no_examples


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "say which data to compare on"),
        (["digits", "--resamples", "2"], "--resamples must be at least 5, got 2"),
        (["digits", "--resamples", "many"], "must be a whole number, got 'many'"),
        (["digits", "--rope", "wide"], "must be a number, got 'wide'"),
        (["digits", "--budget", "soon"], "--budget must be a time"),
        (["digits", "--workers", "0"], "--workers must be at least 1"),
        (["digits", "--targt", "x"], "unrecognized arguments: --targt"),
        # a shortened option would change its meaning with the next option that begins alike
        (["digits", "--obj", "gce"], "unrecognized arguments: --obj"),
        (["--config", "missing.toml"], "cannot read the configuration missing.toml"),
        (["no-such-file.csv", "--target", "x"], "no-such-file.csv"),
    ],
)
def test_wrong_input_to_compare_is_one_sentence_and_exit_code_2(words, sentence, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["compare", *words]) == 2
    printed = capsys.readouterr()
    errors = [line for line in printed.err.splitlines() if line.startswith("minimand:")]
    assert len(errors) == 1
    assert errors[0].startswith("minimand: error: ")
    assert sentence in errors[0]
    assert "Traceback" not in printed.err
    assert printed.out == ""
    assert list(tmp_path.iterdir()) == []


def test_compare_prints_results_as_json_and_says_where_the_report_is(monkeypatch, capsys):
    given = {}

    def run(options, data, *, progress):
        given.update(options=options, data=data, progress=type(progress).__name__)
        return SimpleNamespace(results={"schema": 1, "names": "é"}, report="runs/x/report.html")

    monkeypatch.setattr("minimand.workbench.compare.run.run", run)
    assert main(["compare", "iris", "--json"]) == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out) == {"schema": 1, "names": "é"}
    assert "runs/x/report.html" in printed.err
    assert given["data"] == given["options"].data == "iris"
    assert given["progress"] == "Terminal"
    assert main(["compare", "iris", "--json", "--quiet"]) == 0
    assert capsys.readouterr().err == ""
    assert given["progress"] == "Silent"


# --- predict -----------------------------------------------------------------------------------------------------


def test_predict_prints_or_writes_the_table(monkeypatch, capsys, tmp_path):
    def predict(model, data, *, no_header):
        return f"row,prediction\n0,{model} {data} {no_header}\n"

    monkeypatch.setattr("minimand.workbench.compare.predict.predict", predict)
    assert main(["predict", "runs/x", "new.csv", "--no-header"]) == 0
    assert capsys.readouterr().out == "row,prediction\n0,runs/x new.csv True\n"
    out = tmp_path / "predictions.csv"
    assert main(["predict", "runs/x", "new.csv", "--out", str(out)]) == 0
    assert out.read_text(encoding="utf-8") == "row,prediction\n0,runs/x new.csv False\n"
    assert capsys.readouterr().out == ""
    assert main(["predict", "runs/x", "new.csv", "--out", str(tmp_path / "missing" / "p.csv")]) == 2
    assert "choose another --out" in capsys.readouterr().err


def test_predict_refuses_a_folder_without_a_model(capsys, tmp_path):
    assert main(["predict", str(tmp_path), "iris"]) == 2
    assert capsys.readouterr().err.startswith("minimand: error: ")


# --- verify ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [0, 1])
def test_verify_hands_on_its_options_and_the_exit_code(code, monkeypatch):
    given = {}

    def run(what, **options):
        given.update(options, what=what)
        return code

    monkeypatch.setattr("minimand.workbench.verify.rendering.run", run)
    assert main(["verify", "gce", "elr", "--workers", "2", "--fresh-seeds", "--json", "--quiet"]) == code
    assert given == {
        "what": ["gce", "elr"],
        "all": False,
        "workers": 2,
        "fresh_seeds": True,
        "record": False,
        "as_json": True,
        "quiet": True,
    }


def test_verify_of_nothing_is_refused(capsys):
    assert main(["verify"]) == 2
    assert "say what to verify" in capsys.readouterr().err
    assert main(["verify", "--all", "--workers", "0"]) == 2
    assert "--workers must be at least 1" in capsys.readouterr().err


# --- Exit codes --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "code", "sentence"),
    [
        (InputError("the file is empty:\nfill it"), 2, "minimand: error: the file is empty: fill it\n"),
        (LedgerError("the ledger is torn"), 3, "minimand: error: the ledger is torn (--verbose shows where)\n"),
        (WorkerError("a worker died"), 3, "minimand: error: a worker died (--verbose shows where)\n"),
        (TaskFailed("fold-0/gce", "ValueError: no", "Traceback"), 3, "the task 'fold-0/gce' failed: ValueError: no"),
        (OSError(28, "No space left on device", "x.sqlite"), 3, "No space left on device: x.sqlite"),
        (MissingExtraError("this needs scipy"), 3, "minimand: error: this needs scipy"),
        (MemoryError(), 3, "the memory is not enough"),
        (ZeroDivisionError("division by zero"), 3, "this is a bug of minimand: ZeroDivisionError: division by zero"),
        (ValueError("odd"), 3, "this is a bug of minimand: ValueError: odd"),
        (KeyboardInterrupt(), 130, "minimand: stopped\n"),
    ],
)
def test_failures_have_their_exit_code_and_one_line(error, code, sentence, failing, capsys):
    failing(raised(error))
    assert main(["list"]) == code
    printed = capsys.readouterr()
    assert sentence in printed.err
    assert printed.err.count("\n") == 1
    assert printed.out == ""


def test_verbose_shows_the_traceback(failing, capsys):
    failing(raised(ZeroDivisionError("division by zero")))
    assert main(["list", "--verbose"]) == 3
    assert "Traceback (most recent call last)" in capsys.readouterr().err


def test_ctrl_c_in_compare_says_that_it_can_go_on(monkeypatch, capsys):
    monkeypatch.setattr("minimand.workbench.compare.run.run", lambda *_, **__: raised(KeyboardInterrupt())())
    assert main(["compare", "iris"]) == 130
    assert "stopped; the same command goes on where it was" in capsys.readouterr().err


@pytest.mark.parametrize("words", [[], ["bogus"], ["list", "--no-such-option"], ["show"], ["predict", "x"]])
def test_wrong_command_lines_are_one_sentence_and_exit_code_2(words, capsys):
    assert main(words) == 2
    printed = capsys.readouterr().err
    assert printed.startswith("minimand: error: ")
    assert printed.count("\n") == 1
    assert "--help`" in printed


def test_warnings_and_log_of_minimand_are_shown_and_those_of_others_only_when_asked(failing, capsys):
    def action():
        warnings.warn(MinimandWarning("look here"), stacklevel=1)
        warnings.warn(DeprecationWarning("of somebody else"), stacklevel=1)
        logging.getLogger("minimand").info("in detail")
        return []

    failing(action)
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        assert main(["list"]) == 0
        assert capsys.readouterr().err == "minimand: warning: look here\n"
        assert main(["list", "--verbose"]) == 0
    printed = capsys.readouterr().err
    assert "of somebody else" in printed
    assert "minimand: in detail" in printed
    assert logging.getLogger("minimand").handlers == []


def test_version_and_help_exit_with_0(capsys):
    for word in ("--version", "--help"):
        with pytest.raises(SystemExit) as stop:
            main([word])
        assert stop.value.code == 0
    printed = capsys.readouterr().out
    assert f"minimand {minimand.__version__}\n" in printed
    for command in ("compare", "predict", "list", "show", "cite", "verify", "new"):
        assert f"\n    {command} " in printed


@pytest.mark.parametrize("command", ["compare", "predict", "list", "show", "cite", "verify", "new"])
def test_every_command_explains_itself_with_examples(command, capsys):
    with pytest.raises(SystemExit):
        main([command, "--help"])
    printed = capsys.readouterr().out
    assert f"  minimand {command}" in printed.partition("examples:")[2]


# --- As a process ------------------------------------------------------------------------------------------------


def patched(entries: str, words: list[str]) -> str:
    """A program that runs `minimand` where `list` finds these entries."""
    listing = "from minimand.workbench.catalogue import listing"
    patch = f"{listing}; listing.entries = lambda **_: {entries}"
    return f"import sys; from minimand import cli; {patch}; sys.exit(cli.main({words}))"


@pytest.mark.parametrize(
    ("words", "code"),
    # argparse itself drops what cannot be printed of a help text
    [(["list", "--json"], 141), (["compare", "--help"], 0)],
)
def test_a_reader_that_goes_away_is_no_error_message(words, code):
    with subprocess.Popen(
        [sys.executable, "-c", patched("['x' * 100] * 10_000", words)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as running:
        running.stdout.close()
        assert running.stderr.read() == b""
    assert running.returncode in (code, 141)


def test_json_is_json_on_a_terminal_that_lacks_characters():
    done = subprocess.run(
        [sys.executable, "-c", patched("[{'\u00e9': '\u2264'}]", ["list", "--json"])],
        **OFFLINE,
        env=os.environ | {"PYTHONIOENCODING": "ascii:strict"},
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [{"\u00e9": "\u2264"}]


def test_one_thread_unless_the_environment_says_otherwise():
    program = "import os; from minimand.cli import main; main(['bogus']); print(os.environ['OMP_NUM_THREADS'])"
    environment = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    for given, expected in (({}, "1"), ({"OMP_NUM_THREADS": "3"}, "3")):
        done = subprocess.run([sys.executable, "-c", program], **OFFLINE, env=environment | given)
        assert done.stdout == f"{expected}\n"
