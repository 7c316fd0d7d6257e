"""Numbers in hand-written pages that are recorded results.

Two kinds of comment mark them, both with the method, the claim and a factor:

    1.5 points [1.1, 1.9] <!-- slug.claim.0 x100 -->    the number of a finding: its mean and interval
    91.2 % <!-- slug.claim.arm x100 -->                 the name of an arm: its mean over the seeds

`filled` writes the recorded numbers before each comment, so that a page cannot drift from the records:
`python -m minimand.workbench.site.numbers docs/choose.md`.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from minimand.contracts.catalogue import all_cards
from minimand.errors import InputError
from minimand.workbench.verify.record import read_record
from minimand.workbench.verify.scope import claim_file_of

_NUMBER = r"[-+]?\d+(?:\.\d+)?"
_UNIT = r"(?P<unit> points| %|)"
_MARK = r"(?P<gap>\s*)(?P<mark><!--\s(?P<slug>[a-z0-9-]+)\.(?P<claim>\w+)\.(?P<{}>{})\s+x(?P<factor>-?\d+)\s-->)"
_FINDING = re.compile(rf"{_NUMBER}{_UNIT}(?P<before>\s)\[{_NUMBER}, {_NUMBER}\]" + _MARK.format("finding", r"\d+"))
_ARM = re.compile(_NUMBER + _UNIT + _MARK.format("arm", r"[A-Za-z_]\w*"))


def filled(text: str) -> str:
    """The text with the recorded numbers before each mark.

    Raises:
        InputError: a mark names no recorded claim, finding or arm, or has no number before it.
    """
    marks, numbers = text.count("<!-- "), len(_FINDING.findall(text)) + len(_ARM.findall(text))
    if marks != numbers:
        raise InputError(
            f"{marks} marks stand in the text, but only {numbers} of them after `number [low, high]`, or, if they name "
            "an arm, after a number"
        )
    return _ARM.sub(_written_mean, _FINDING.sub(_written_finding, text))


def _written_finding(found: re.Match[str]) -> str:
    name, place = f"{found['slug']}.{found['claim']}.{found['finding']}", int(found["finding"])
    findings = _entry(found["slug"], found["claim"], name)["findings"]
    if place >= len(findings):
        raise InputError(f"there is no recorded finding {name}")
    finding, factor = findings[place], float(found["factor"])
    low, high = sorted((factor * finding["low"], factor * finding["high"]))
    digits = _digits(finding["mean"], factor)
    mean, low_text, high_text = (_decimal(number, digits) for number in (factor * finding["mean"], low, high))
    return f"{mean}{found['unit']}{found['before']}[{low_text}, {high_text}]{found['gap']}{found['mark']}"


def _written_mean(found: re.Match[str]) -> str:
    name = f"{found['slug']}.{found['claim']}.{found['arm']}"
    arms = _entry(found["slug"], found["claim"], name)["arms"]
    if found["arm"] not in arms:
        raise InputError(f"there is no recorded arm {name}: there are {', '.join(arms)}")
    values, factor = arms[found["arm"]], float(found["factor"])
    mean = math.fsum(values) / len(values)
    return f"{_decimal(factor * mean, _digits(mean, factor))}{found['unit']}{found['gap']}{found['mark']}"


def _digits(mean: float, factor: float) -> int:
    return 1 if abs(factor) > 1 or abs(mean) >= 5 else 2


def _decimal(number: float, digits: int) -> str:
    """A number with so many decimals; nothing is minus zero."""
    text = f"{number:.{digits}f}"
    return text if float(text) else text.removeprefix("-")


def _entry(slug: str, claim: str, name: str) -> dict[str, Any]:
    """The recorded entry of a claim of the method.

    Raises:
        InputError: there is none, or two methods with files of their own are called so.
    """
    files = {file.path: file for card in all_cards() if card.slug == slug and (file := claim_file_of(card))}
    if len(files) > 1:
        raise InputError(f"several methods are called {slug}: those of {', '.join(files)}")
    record = next((read_record(file) for file in files.values()), None)
    entry = None if record is None else record.entry(claim)
    if entry is None:
        raise InputError(f"there is no recorded finding {name}")
    return entry


def main(arguments: Sequence[str]) -> int:
    """Fill the pages that are named; exit code 2 with the reason when that fails."""
    try:
        for name in arguments:
            page = Path(name)
            page.write_text(filled(page.read_text(encoding="utf-8")), encoding="utf-8")
    except InputError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
