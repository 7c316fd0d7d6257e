"""`minimand predict`: the labels of new rows by the model that a comparison kept."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from minimand.commands.parsing import GIVEN_ONLY, Commands, add_command
from minimand.errors import InputError

EXAMPLES = """
minimand predict runs/compare-adult-1f3a9c20 new.csv
minimand predict runs/demo new.csv --out predictions.csv
"""


def add(commands: Commands) -> None:
    """Add the command to the parser."""
    parser = add_command(
        commands,
        "predict",
        help="predict the rows of a file with the model that a comparison kept",
        description="Prints CSV: the number of the row, its label, and the probability of each class where the "
        "objective defines probabilities.",
        examples=EXAMPLES,
    )
    parser.set_defaults(run=run)
    parser.add_argument("model", metavar="MODEL", help="the folder that `minimand compare` wrote")
    parser.add_argument("data", metavar="DATA", help="a file with the same columns; the target may be missing")
    parser.add_argument("--no-header", action="store_true", help="no line of names: columns are numbered from 0")
    parser.add_argument("--out", metavar="FILE", help="write the predictions here, in one step, instead of printing")
    parser.add_argument("--quiet", action="store_true", default=GIVEN_ONLY, help="do not say where they were written")
    parser.add_argument("--verbose", action="store_true", default=GIVEN_ONLY, help="show tracebacks of failures")


def run(arguments: argparse.Namespace) -> int:
    """Predict, and print or write the table."""
    from minimand.workbench.compare.predict import predict

    given = arguments.out is not None and Path(arguments.out).exists() and Path(arguments.data).exists()
    if given and Path(arguments.out).samefile(arguments.data):
        raise InputError(f"--out {arguments.out} is the file to predict for: it would be lost, choose another --out")
    text = predict(arguments.model, arguments.data, no_header=arguments.no_header)
    if arguments.out is None:
        sys.stdout.write(text)
        return 0
    from minimand.whole_files import write_atomically

    try:
        write_atomically(arguments.out, text)
    except (FileNotFoundError, FileExistsError, PermissionError, IsADirectoryError, NotADirectoryError) as error:
        raise InputError(f"cannot write {arguments.out} ({error.strerror}): choose another --out") from error
    if not getattr(arguments, "quiet", False):
        print(f"Predictions: {arguments.out}", file=sys.stderr)
    return 0
