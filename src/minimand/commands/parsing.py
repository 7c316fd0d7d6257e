"""What the command lines have in common: the parser, and the options that mean the same everywhere."""

from __future__ import annotations

import argparse
import textwrap
from typing import TYPE_CHECKING, Any, NoReturn

from minimand.errors import InputError

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]
    Options = argparse.ArgumentParser | argparse._ArgumentGroup
else:  # the class is no generic at run time
    Commands = argparse._SubParsersAction
    Options = argparse.ArgumentParser

# A default would hide whether an option was given, and what is given on the command line wins over --config.
GIVEN_ONLY = argparse.SUPPRESS


class Parser(argparse.ArgumentParser):
    """A parser whose complaints are one sentence, like those of the jobs."""

    def __init__(self, **keywords: Any) -> None:
        keywords.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        super().__init__(allow_abbrev=False, **keywords)

    def error(self, message: str) -> NoReturn:
        """Refuse the command line.

        Raises:
            InputError: always.
        """
        raise InputError(f"{message} (see `{self.prog} --help`)")


def add_command(
    commands: Commands, name: str, *, help: str, description: str, examples: str
) -> argparse.ArgumentParser:
    """A new command with its sentence, its description and its examples."""
    epilog = "examples:\n" + textwrap.indent(textwrap.dedent(examples).strip(), "  ")
    return commands.add_parser(name, help=help, description=textwrap.fill(description, 90), epilog=epilog)


def add_verbosity(parser: Options, *, json: str) -> None:
    """The options of every command that prints: --json, --quiet and --verbose."""
    parser.add_argument("--json", action="store_true", default=GIVEN_ONLY, help=json)
    parser.add_argument("--quiet", action="store_true", default=GIVEN_ONLY, help="no progress, and the result only")
    parser.add_argument(
        "--verbose", action="store_true", default=GIVEN_ONLY, help="log what is done, and show tracebacks of failures"
    )


def add_workers(parser: Options) -> None:
    """--workers, which changes how long a job takes and nothing else."""
    parser.add_argument(
        "--workers",
        type=whole_number,
        metavar="N",
        default=GIVEN_ONLY,
        help="processes of one thread each (default 1); the numbers do not depend on it",
    )


def whole_number(text: str) -> int:
    """An integer as typed, with a sentence for anything else."""
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be a whole number, got {text!r}") from None


def number(text: str) -> float:
    """A number as typed, with a sentence for anything else."""
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be a number, got {text!r}") from None


def at_least_one_worker(workers: int) -> int:
    """The number of workers, checked.

    Raises:
        InputError: it is below 1.
    """
    if workers < 1:
        raise InputError(f"--workers must be at least 1, got {workers}")
    return workers
