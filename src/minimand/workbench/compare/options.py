"""What a comparison was asked for: every option in one place, checked before anything is read."""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
import stat
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from minimand.errors import InputError
from minimand.workbench.tables.targets import TASKS

LEAST_RESAMPLES = 5
LEAST_CONFIGURATIONS = 2
MOST = 1000
"""Of resamples, configurations and workers: a slip of the finger is not to fill memory or process table."""

_LARGEST_CONFIGURATION = 1 << 20

# What may differ between a run and the same run resumed: it changes where and how fast, not what comes out.
NOT_PART_OF_THE_RESULT = (
    "data",
    "more_data",
    "test",
    "out",
    "workers",
    "ray",
    "keep_going",
    "no_examples",
    "json",
    "quiet",
    "verbose",
    "config",
)


@dataclass(frozen=True)
class Options:
    """The options of `minimand compare`, by their names on the command line.

    Args:
        data: a file or the name of a bundled set; only shown, for what was handed over in Python.
        more_data: further data sets; see `several`.
        target: column to predict; a bundled set knows its own. Several are labels; one in a tuple is that one.
        task: "auto", "classification", "regression" or "ordinal".
        no_header: the file has no line of names: columns are numbered from 0, and -1 is the last.
        test: a file that only judges, at the very end.
        group: column whose rows stay together in every split.
        time: column that orders the rows: what is judged comes after what is trained on.
        weight: column of sample weights.
        drop: columns to leave out.
        drop_missing_target: leave out rows without a target instead of refusing them.
        objective: slugs to compare; none lets the cards choose.
        metric: slug of the metric that decides; None chooses by the data, before anything is trained.
        rope: half the width of the region of practical equivalence, in units of the metric; of a metric whose size
            follows the data, such as the error of numbers, as a share of the reference's value.
        resamples: outer resamples; None is 10, or as many as `detect` needs.
        detect: a gain to be found with 80 % power, in units of the metric: as many resamples as that takes are used.
        configurations: settings tried for each objective on each resample; None is 8, or fewer where a budget is short.
        no_halving: train every setting to its end; else the worse ones are cut early, of every objective alike.
        budget: seconds that the whole comparison may take, a limit and not a goal; None for as long as it takes.
        seed: root of all randomness.
        device: "auto", "cpu" or a torch device.
        out: folder of the results; None names one by data and options.
        workers: processes of one thread each.
        ray: the Ray cluster to train on: "local" (of `workers` processors), "auto", "host:port" or "ray://host:port".
        keep_going: leave out data sets that cannot be compared on, where there are several, instead of refusing all.
        no_examples: show no values of single rows in the report.
        json: print the results as JSON instead of a table.
        quiet: print the decision only, and no progress.
        verbose: log what is done.
        config: a TOML file with options.
    """

    data: str = "data"
    more_data: tuple[str, ...] = ()
    target: str | tuple[str, ...] | None = None
    task: str = "auto"
    no_header: bool = False
    test: str | None = None
    group: str | None = None
    time: str | None = None
    weight: str | None = None
    drop: tuple[str, ...] = ()
    drop_missing_target: bool = False
    objective: tuple[str, ...] = ()
    metric: str | None = None
    rope: float = 0.005
    resamples: int | None = None
    detect: float | None = None
    configurations: int | None = None
    no_halving: bool = False
    budget: float | None = None
    seed: int = 0
    device: str = "auto"
    out: str | None = None
    workers: int = 1
    ray: str | None = None
    keep_going: bool = False
    no_examples: bool = False
    json: bool = False
    quiet: bool = False
    verbose: bool = False
    config: str | None = None

    def __post_init__(self) -> None:
        if isinstance(self.target, tuple) and len(self.target) == 1:
            object.__setattr__(self, "target", self.target[0])
        _require(self.task in TASKS, f"--task must be one of {', '.join(TASKS)}, got {self.task!r}")
        _require(math.isfinite(self.rope) and self.rope >= 0, f"--rope must be a number of at least 0, got {self.rope}")
        for name, least in (("resamples", LEAST_RESAMPLES), ("configurations", LEAST_CONFIGURATIONS)):
            value = getattr(self, name)
            _require(value is None or value >= least, f"--{name} must be at least {least}, got {value}")
            _require(value is None or value <= MOST, f"--{name} must be at most {MOST}, got {value}")
        _require(
            self.budget is None or (math.isfinite(self.budget) and self.budget > 0),
            f"--budget must be a positive time such as 90s, 30m or 2h, got {self.budget}",
        )
        if self.detect is not None:
            _require(
                math.isfinite(self.detect) and self.detect > self.rope,
                f"--detect must be more than --rope ({self.rope:g}), below which a gain is practically nothing; "
                f"got {self.detect:g}",
            )
            _require(self.resamples is None, "give --detect or --resamples, not both: the one finds the other")
            _require(
                self.time is None,
                "--detect cannot choose the stretches of --time: more of them are shorter ones of the same rows; give "
                "--resamples",
            )
        _require(self.workers >= 1, f"--workers must be at least 1, got {self.workers}")
        _require(self.workers <= MOST, f"--workers must be at most {MOST}, got {self.workers}")
        if self.ray is not None:
            from minimand.workbench.ledger.ray_pool import checked_address

            checked_address(self.ray)
            _require(
                self.device in ("auto", "cpu"),
                f"--ray trains on processors, one for each training: leave --device {self.device} away",
            )
        _require(self.seed >= 0, f"--seed must be at least 0, got {self.seed}")

    def digest(self, **more: Any) -> str:
        """A hash of the options that decide the result, and of what else decides it."""
        deciding = {k: v for k, v in asdict(self).items() if k not in NOT_PART_OF_THE_RESULT} | more
        return hashlib.sha256(json.dumps(deciding, sort_keys=True, default=str).encode()).hexdigest()

    def command(self) -> str:
        """The command line that asks for the same."""
        import shlex

        words = ["minimand", "compare", self.data, *self.more_data]
        for option in fields(self):
            value = getattr(self, option.name)
            if option.name in ("data", "more_data", "config") or value == option.default:
                continue
            flag = f"--{option.name.replace('_', '-')}"
            if value is True:
                words.append(flag)
            elif isinstance(value, tuple):
                for one in value:
                    words += _flag_and_value(flag, str(one))
            else:
                words += _flag_and_value(flag, duration(value) if option.name == "budget" else str(value))
        return " ".join(shlex.quote(word) for word in words)

    def toml(self) -> str:
        """The options as the TOML file that `--config` reads."""
        lines = []
        for option in fields(self):
            value = getattr(self, option.name)
            if option.name in ("more_data", "config") or value is None or value == ():
                continue
            if option.name == "data" and self.more_data:
                value = [self.data, *self.more_data]
            if option.name == "budget":
                value = duration(value)
            # JSON's texts, numbers, true and lists of texts are TOML's too.
            lines.append(f"{option.name.replace('_', '-')} = {json.dumps(value, ensure_ascii=False)}")
        return "\n".join(lines) + "\n"


def options_from_toml(path: str) -> dict[str, Any]:
    """The options in a TOML file, by their Python names.

    Raises:
        InputError: the file cannot be read, is no TOML, or has an unknown option or a value of a wrong type.
    """
    import tomllib

    try:
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode) or status.st_size > _LARGEST_CONFIGURATION:
            # a pipe would wait for its other end, and a device may have none
            raise InputError(f"the configuration {path} is not a regular file of at most 1 MiB: give a file of options")
        found = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"cannot read the configuration {path}: {error.strerror}") from error
    except InputError:
        raise
    except (ValueError, RecursionError) as error:  # among them what Python says of too many digits or brackets
        raise InputError(f"the configuration {path} is no TOML: {error}") from error
    return {name.replace("-", "_"): value for name, value in _typed(found, path).items()}


def _typed(found: Mapping[str, Any], path: str) -> dict[str, Any]:
    known = {option.name: str(option.type) for option in fields(Options)}
    typed: dict[str, Any] = {}
    for name, value in found.items():
        kind = known.get(name.replace("-", "_"))
        if kind is None or name in ("config", "more_data", "more-data"):
            raise InputError(f"the configuration {path} has an unknown option {name!r}; there are {', '.join(known)}")
        if name == "budget" and isinstance(value, str):
            typed[name] = seconds(value)
        elif name == "data" and isinstance(value, list) and value and all(isinstance(v, str) for v in value):
            typed |= {"data": value[0], "more_data": tuple(value[1:])}
        elif name == "detect" and isinstance(value, str):
            typed[name] = difference(value)
        elif "tuple" in kind and isinstance(value, list) and all(isinstance(v, str) for v in value):
            typed[name] = tuple(value)
        elif kind.startswith("str") and isinstance(value, (str, int)) and not isinstance(value, bool):
            typed[name] = str(value)
        elif kind == "bool" and isinstance(value, bool):
            typed[name] = value
        elif kind.startswith(("int", "float")) and isinstance(value, (int, float)) and not isinstance(value, bool):
            if kind.startswith("int") and not isinstance(value, int):
                raise InputError(f"{name} in the configuration {path} must be a whole number, got {value!r}")
            if kind.startswith("float") and abs(value) > sys.float_info.max:
                raise InputError(f"{name} in the configuration {path} is too large a number")
            typed[name] = value
        else:
            raise InputError(f"{name} in the configuration {path} must be of type {kind}, got {value!r}")
    return typed


def seconds(text: str) -> float:
    """Seconds from a time such as `90`, `90s`, `30m`, `1.5h` or `1h30m`.

    Raises:
        InputError: another text.
    """
    units = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}
    parts = re.findall(r"(\d+(?:\.\d+)?)([smh]?)", text.strip().lower())
    if not parts or "".join(number + unit for number, unit in parts) != text.strip().lower():
        raise InputError(f"--budget must be a time such as 90s, 30m or 1h30m, got {text!r}")
    return sum(float(number) * units[unit] for number, unit in parts)


def difference(text: str) -> float:
    """A difference of a metric from a text such as `2%` or `0.02`, which are the same.

    Raises:
        InputError: another text.
    """
    number = text.strip().removesuffix("%")
    try:
        return float(number) / (100.0 if text.strip().endswith("%") else 1.0)
    except ValueError:
        raise InputError(f"--detect must be a difference such as 2% or 0.02, got {text!r}") from None


def duration(value: float) -> str:
    """Seconds as the shortest exact time that `seconds` reads."""
    for unit, size in (("h", 3600), ("m", 60)):
        if value >= size and value % size == 0:
            return f"{int(value // size)}{unit}"
    return f"{value:g}s"


def _flag_and_value(flag: str, value: str) -> list[str]:
    # a value that opens with a dash would be read as a flag.
    return [f"{flag}={value}"] if value.startswith("-") and not _is_negative_number(value) else [flag, value]


def _is_negative_number(text: str) -> bool:
    return re.fullmatch(r"-\d+(\.\d+)?", text) is not None


def _require(holds: bool, sentence: str) -> None:
    if not holds:
        raise InputError(sentence)
