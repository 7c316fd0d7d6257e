from __future__ import annotations

import shlex
import tomllib

import pytest

from minimand.errors import InputError
from minimand.workbench.compare.options import Options, duration, options_from_toml, seconds

FULL = Options(
    data="my data.csv",
    target="-1",
    no_header=True,
    drop=("a b", "-c"),
    objective=("gce", "focal"),
    rope=0.01,
    budget=1800.0,
    seed=3,
    workers=2,
)


@pytest.mark.parametrize(
    ("text", "value"), [("90", 90.0), ("90s", 90.0), ("30m", 1800.0), ("1.5h", 5400.0), ("1h30m", 5400.0)]
)
def test_times_are_read(text, value):
    assert seconds(text) == value
    assert seconds(duration(value)) == value


@pytest.mark.parametrize("text", ["", "m", "-5m", "5 minutes", "1d", "nan", "5m3"])
def test_other_times_are_refused(text):
    if text == "5m3":
        assert seconds(text) == 303.0
        return
    with pytest.raises(InputError, match="--budget must be a time such as"):
        seconds(text)


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("rope", -0.1, "--rope must be a number of at least 0"),
        ("rope", float("nan"), "--rope"),
        ("resamples", 4, "--resamples must be at least 5, got 4"),
        ("configurations", 1, "--configurations must be at least 2"),
        ("budget", 0.0, "--budget must be a positive time"),
        ("workers", 0, "--workers must be at least 1"),
        ("seed", -1, "--seed must be at least 0"),
    ],
)
def test_options_out_of_range_are_refused(option, value, words):
    with pytest.raises(InputError, match=words):
        Options(**{option: value})


def test_the_command_says_the_same_again():
    words = shlex.split(FULL.command())
    assert words[:3] == ["minimand", "compare", "my data.csv"]
    assert "--target" in words
    assert words[words.index("--target") + 1] == "-1"
    assert "--drop=-c" in words
    assert words[words.index("--budget") + 1] == "30m"
    assert "--quiet" not in words


def test_the_configuration_reads_back_as_the_same_options(tmp_path):
    file = tmp_path / "options.toml"
    file.write_text(FULL.toml())
    assert tomllib.loads(FULL.toml())["objective"] == ["gce", "focal"]
    assert Options(**options_from_toml(str(file))) == FULL


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("nonsense = 3", "unknown option 'nonsense'"),
        ("seed = 'three'", "seed in the configuration .* must be of type int"),
        ("seed = 1.5", "seed in the configuration .* must be a whole number"),
        ("drop = 'a'", "drop in the configuration .* must be of type tuple"),
        ("seed = ", "is no TOML"),
    ],
)
def test_a_bad_configuration_is_refused(tmp_path, text, words):
    file = tmp_path / "options.toml"
    file.write_text(text)
    with pytest.raises(InputError, match=words):
        options_from_toml(str(file))


def test_a_missing_configuration_is_refused(tmp_path):
    with pytest.raises(InputError, match="cannot read the configuration"):
        options_from_toml(str(tmp_path / "none.toml"))


def test_the_digest_is_of_what_decides_the_result():
    assert FULL.digest() == Options(**{**FULL.__dict__, "workers": 1, "out": "x", "quiet": True}).digest()
    assert FULL.digest() != Options(**{**FULL.__dict__, "rope": 0.02}).digest()
    assert FULL.digest() != FULL.digest(model="mine")


def test_several_targets_are_a_tuple_and_one_is_itself():
    assert Options(target=("a",)).target == "a"
    several = Options(data="films.csv", target=("drama", "war"), task="classification")
    assert several.target == ("drama", "war")
    words = shlex.split(several.command())
    assert words[3:] == ["--target", "drama", "--target", "war", "--task", "classification"]
    assert tomllib.loads(several.toml())["target"] == ["drama", "war"]


def test_targets_and_tasks_are_read_from_a_file(tmp_path):
    path = tmp_path / "run.toml"
    path.write_text('target = ["drama", "war"]\ntask = "auto"\n')
    assert options_from_toml(str(path)) == {"target": ("drama", "war"), "task": "auto"}
    path.write_text('target = "income"\n')
    assert options_from_toml(str(path)) == {"target": "income"}


def test_an_unknown_task_is_refused():
    with pytest.raises(
        InputError, match="--task must be one of auto, classification, regression, ordinal, got 'ranks'"
    ):
        Options(task="ranks")


def test_the_command_line_takes_several_targets():
    from minimand.cli import parser
    from minimand.commands.compare import options_of

    asked = parser().parse_args(["compare", "films.csv", "--target", "drama", "--target", "war"])
    assert options_of(vars(asked)).target == ("drama", "war")
    asked = parser().parse_args(["compare", "houses.csv", "--target", "price", "--task", "regression"])
    assert (options_of(vars(asked)).target, options_of(vars(asked)).task) == ("price", "regression")
