"""`minimand compare`: which objective to train with on these data."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from minimand.commands.parsing import (
    GIVEN_ONLY,
    Commands,
    add_command,
    add_verbosity,
    add_workers,
    number,
    whole_number,
)
from minimand.commands.printing import print_json
from minimand.errors import InputError

EXAMPLES = """
minimand compare adult.csv --target income
minimand compare adult.csv --no-header --target -1 --budget 30m --workers 2
minimand compare digits --objective gce --objective focal
minimand compare adult.csv --target income --detect 1%
minimand compare houses.csv --target price
minimand compare films.csv --target drama --target comedy --target war
minimand compare visits.parquet --target outcome --group patient --drop id --metric macro-f1
minimand compare digits wine moons a.csv folder/ --target label --out together
minimand compare --config run.toml
"""


def add(commands: Commands) -> None:
    """Add the command to the parser."""
    parser = add_command(
        commands,
        "compare",
        help="find the objective to train with on your data, and how much better it is than cross entropy",
        description="Trains the candidate objectives with equal tuning on the same resamples of your data, and says "
        "which is better than cross entropy, by how much and how surely. The same command goes on where it was "
        "stopped.",
        examples=EXAMPLES,
    )
    parser.set_defaults(run=run, goes_on=True)
    text: dict[str, Any] = {"default": GIVEN_ONLY}
    flag: dict[str, Any] = {"default": GIVEN_ONLY, "action": "store_true"}
    parser.add_argument(
        "data",
        nargs="*",
        default=GIVEN_ONLY,
        metavar="DATA",
        help="a CSV, TSV, Parquet or .npz file, or the name of a bundled set such as digits; several of them, or a "
        "folder of files, are compared one by one and then together",
    )
    data = parser.add_argument_group("the data")
    data.add_argument(
        "--target",
        metavar="COL",
        action="append",
        **text,
        help="the column to predict, by name or number; repeated: labels, of which a row may have several",
    )
    data.add_argument(
        "--task",
        choices=("auto", "classification", "regression", "ordinal"),
        **text,
        help="what the target is (default auto: text and few different numbers are classes, else numbers)",
    )
    data.add_argument("--no-header", **flag, help="no line of names: columns are numbered from 0, and -1 is the last")
    data.add_argument("--test", metavar="FILE", **text, help="rows that only judge, at the very end")
    data.add_argument("--group", metavar="COL", **text, help="rows with the same value here are never split up")
    data.add_argument("--time", metavar="COL", **text, help="what judges comes after what trains, by this column")
    data.add_argument("--weight", metavar="COL", **text, help="the weight of each row")
    data.add_argument("--drop", metavar="COL", action="append", **text, help="leave a column out; may be repeated")
    data.add_argument("--drop-missing-target", **flag, help="leave out rows without a target instead of refusing")
    job = parser.add_argument_group("the comparison")
    job.add_argument(
        "--objective",
        metavar="SLUG",
        action="append",
        **text,
        help="compare this objective (see `minimand list`); may be repeated; without it the data choose",
    )
    job.add_argument("--metric", metavar="SLUG", **text, help="the metric that decides (default: by the data)")
    job.add_argument(
        "--rope",
        type=number,
        metavar="X",
        **text,
        help="differences below this are practically nothing, in units of the metric, or of an error of numbers as a "
        "share of it (default 0.005)",
    )
    job.add_argument("--resamples", type=whole_number, metavar="N", **text, help="outer resamples (default 10)")
    job.add_argument(
        "--detect",
        metavar="X",
        **text,
        help="use as many resamples as find a gain of this size with 80%% power, such as 1%% or 0.01 of the metric",
    )
    job.add_argument(
        "--configurations",
        type=whole_number,
        metavar="N",
        **text,
        help="settings tried for each objective on each resample (default 8)",
    )
    job.add_argument(
        "--no-halving",
        **flag,
        help="train every setting to its end; by default the worse ones are cut early, of every objective alike",
    )
    job.add_argument(
        "--budget", metavar="TIME", **text, help="how long all of it may take, such as 90s, 30m or 2h (default: no end)"
    )
    job.add_argument("--seed", type=whole_number, metavar="N", **text, help="root of all randomness (default 0)")
    job.add_argument("--device", metavar="NAME", **text, help="auto, cpu or a torch device (default auto)")
    add_workers(job)
    job.add_argument(
        "--ray",
        metavar="ADDRESS",
        **text,
        help="train on a Ray cluster: local (of --workers processors), auto, HOST:PORT or ray://HOST:PORT",
    )
    output = parser.add_argument_group("the output")
    output.add_argument(
        "--out", metavar="FOLDER", **text, help="where the results go (default: runs/compare-<data>-<hash>)"
    )
    output.add_argument(
        "--keep-going", **flag, help="leave out data sets that cannot be compared on, where several are given"
    )
    output.add_argument("--no-examples", **flag, help="show no values of single rows in the report")
    output.add_argument("--config", metavar="FILE.toml", **text, help="read options from a file; given ones win")
    add_verbosity(output, json="print the results as JSON instead of a table")


def run(arguments: argparse.Namespace) -> int:
    """Compare, print the outcome, and say where the report is."""
    from minimand.workbench.ledger import leave_if_worker_is_starting

    leave_if_worker_is_starting()
    options = options_of(vars(arguments))
    from rich.console import Console

    from minimand.workbench.compare.progress import Silent, Terminal
    from minimand.workbench.compare.run import run as compare
    from minimand.workbench.compare.several import names_several, run_several
    from minimand.workbench.report.several_terminal import print_several
    from minimand.workbench.report.terminal import print_compare

    progress = Silent() if options.quiet else Terminal()
    several = names_several(options)
    found = run_several(options, progress=progress) if several else compare(options, options.data, progress=progress)
    if options.json:
        print_json(found.results, indent=1)
        if not options.quiet:
            print(f"Report: {found.report}", file=sys.stderr)
        return 0
    console = Console()
    if not console.is_terminal:
        console = Console(width=120)
    show = print_several if several else print_compare
    show(found.results, console, report=found.report, quiet=options.quiet)
    return 0


def options_of(given: dict[str, Any]) -> Any:
    """The options of a comparison, from the command line and, where it says nothing, from its configuration file.

    Raises:
        InputError: an option or the configuration is wrong, or no data is named.
    """
    from minimand.workbench.compare.options import Options, difference, options_from_toml, seconds

    asked = {name: value for name, value in given.items() if name in Options.__dataclass_fields__}
    if "data" in asked:
        asked |= {"data": asked["data"][0], "more_data": tuple(asked["data"][1:])}
    if "budget" in asked:
        asked["budget"] = seconds(asked["budget"])
    if "detect" in asked:
        asked["detect"] = difference(asked["detect"])
    for name in ("drop", "objective", "target"):
        if name in asked:
            asked[name] = tuple(asked[name])
    if "config" in asked:
        asked = options_from_toml(asked["config"]) | asked
    if "data" not in asked:
        raise InputError("say which data to compare on: a file, or the name of a bundled set such as digits")
    return Options(**asked)
