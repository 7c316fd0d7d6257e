"""Write the opinions by transcription: `python -m oracles.transcriptions [component ...]`, parts of ids will do."""

from __future__ import annotations

import platform
import sys

import mpmath

from oracles.opinion import Opinion
from oracles.transcriptions import (  # noqa: F401 - entering their equations in the table is what importing them is for
    binary,
    imbalance,
    learned,
    levels,
    margins,
    multilabel,
    noisy,
    numbers,
    proper,
    sparse,
    spherical,
    stateful,
)
from oracles.transcriptions.inputs import drawn_cases
from oracles.transcriptions.transcription import TABLE, Transcription

VERSIONS = {"mpmath": mpmath.__version__, "python": platform.python_version()}


def opinion(transcription: Transcription) -> Opinion:
    """All that a transcription says, at 50 digits, rounded to floats."""
    asked = transcription.cases() if transcription.cases is not None else drawn_cases(transcription)
    answered = [transcription.answer(case) for case in asked]
    return Opinion(
        transcription.component, "transcription", transcription.source, VERSIONS, answered, transcription.note
    )


def main(names: list[str]) -> None:
    """Write the opinions on the components whose id contains one of the names; on all where there is none."""
    chosen = [t for t in TABLE.values() if not names or any(name in t.component for name in names)]
    if not chosen:
        raise SystemExit(f"no transcription of {', '.join(names)}; there are {', '.join(sorted(TABLE))}")
    for transcription in chosen:
        print(opinion(transcription).write(), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
