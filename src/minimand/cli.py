"""The command line: parses, calls the workbench, and turns whatever goes wrong into one sentence and an exit code.

Exit codes: 0; 1 = a verdict differs from the recorded one; 2 = the input or the command line is wrong; 3 = anything
else that failed (disk, worker, a library that is not installed, a bug); 130 = stopped by Ctrl-C; 141 = the reader of
the output went away, as for other commands in a pipe.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import sys
import traceback
import warnings
from collections.abc import Iterator, Sequence
from typing import TextIO

import minimand
from minimand.commands import catalogue, compare, new, predict, verify
from minimand.commands.parsing import Parser
from minimand.errors import InputError, MinimandWarning
from minimand.extras import MissingExtraError
from minimand.whole_files import is_disk_failure

INPUT, FAILED, STOPPED, READER_GONE = 2, 3, 130, 141


def parser() -> argparse.ArgumentParser:
    """The parser of all commands; nothing slow is imported for it."""
    top = Parser(
        prog="minimand",
        description="Published training objectives, compared fairly on your data and verified.",
        epilog="exit codes: 0; 1 a verdict differs; 2 wrong input; 3 anything else that failed; 130 stopped",
    )
    top.add_argument("--version", action="version", version=f"minimand {minimand.__version__}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True, parser_class=Parser)
    for module in (compare, predict, catalogue, verify, new):
        module.add(commands)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line (that of the process by default) and return its exit code.

    Args:
        arguments: the words after `minimand`.
    """
    # the networks are small and the workers are processes; set before torch is loaded, which reads it once.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    _print_what_the_terminal_can()
    asked: argparse.Namespace | None = None
    try:
        try:
            asked = parser().parse_args(arguments)
            with _logging(asked):
                return int(asked.run(asked))
        finally:
            sys.stdout.flush()  # here, where a reader that has gone is no reason to complain
    except KeyboardInterrupt:
        goes_on = getattr(asked, "goes_on", False)
        _say("stopped" + ("; the same command goes on where it was" if goes_on else ""))
        return STOPPED
    except BrokenPipeError:
        _drop_output()
        return READER_GONE
    except Exception as error:
        try:
            sys.stdout.flush()
        except OSError:  # the output itself is full
            _drop_output()
        return _failed(error, verbose=getattr(asked, "verbose", False))


def _drop_output() -> None:
    # python flushes stdout at its end, and would complain once more, with an exit code of its own.
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _failed(error: Exception, *, verbose: bool) -> int:
    """Say what went wrong in one sentence, and return the exit code."""
    if verbose:
        traceback.print_exception(error)
    if isinstance(error, InputError):
        code, sentence = INPUT, str(error)
    elif hasattr(error, "exit_code"):
        code, sentence = int(error.exit_code), str(error)
    elif isinstance(error, MemoryError):
        code, sentence = FAILED, "the memory is not enough"
    elif isinstance(error, OSError):
        about = f": {error.filename}" if error.filename else ""
        cure = "; make room or mend the disk, then give the same command again" if is_disk_failure(error) else ""
        code, sentence = FAILED, f"{error.strerror or error}{about}{cure}"
    elif isinstance(error, MissingExtraError):
        code, sentence = FAILED, str(error)
    else:
        code, sentence = FAILED, f"this is a bug of minimand: {type(error).__name__}: {error}"
    if code == FAILED and not verbose:
        sentence += " (--verbose shows where)"
    _say(f"error: {sentence}")
    return code


def _say(sentence: str) -> None:
    # one line without codes that a terminal would obey, whatever the message of the exception holds
    with contextlib.suppress(OSError, ValueError):
        line = "".join(letter if letter.isprintable() else "\ufffd" for letter in " ".join(sentence.split()))
        print(f"minimand: {line}", file=sys.stderr, flush=True)


def _print_what_the_terminal_can() -> None:
    """A character that the terminal lacks is printed as an escape; it is no reason to fail."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


@contextlib.contextmanager
def _logging(asked: argparse.Namespace) -> Iterator[None]:
    """Log messages and warnings go to stderr: ours always, those of other libraries with --verbose."""
    quiet, verbose = getattr(asked, "quiet", False), getattr(asked, "verbose", False)
    logger = logging.getLogger("minimand")
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("minimand: %(message)s"))
    logger.addHandler(handler)
    before = logger.level
    logger.setLevel(logging.INFO if verbose else logging.ERROR if quiet else logging.WARNING)
    try:
        with warnings.catch_warnings():

            def show(
                message: Warning | str,
                category: type[Warning],
                filename: str,
                lineno: int,
                file: TextIO | None = None,
                line: str | None = None,
            ) -> None:
                if issubclass(category, MinimandWarning):
                    _say(f"warning: {message}")
                elif verbose:
                    sys.stderr.write(warnings.formatwarning(message, category, filename, lineno, line))

            warnings.simplefilter("default")
            warnings.showwarning = show
            yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)


