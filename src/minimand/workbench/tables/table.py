"""A table as it was read: named columns, their types decided by one printed rule, and where it came from."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from minimand.errors import InputError

MISSING_MARKERS = ("", "?", "NA", "N/A", "n/a", "#N/A", "<NA>", "nan", "NaN", "NAN", "-nan", "null", "NULL", "None")
TARGET_MISSING_MARKERS = ("", "?")
MAX_COLUMNS = 20_000
LARGEST_EXACT_INTEGER = 2**53

TYPE_RULE = (
    "Cells are trimmed and lose one pair of single quotes around them; "
    + ", ".join(repr(marker) for marker in MISSING_MARKERS[1:])
    + " and empty cells are missing (in the target only empty cells and '?'); a column is numeric when every other "
    "cell of it is a finite decimal number and no whole number in it exceeds 2^53, else it is categorical."
)


@dataclass(frozen=True, eq=False)
class Table:
    """Named columns of equal length, as read from a file or from memory.

    A numeric column is a float64 array in which NaN is missing; any other is an object array of `str`, with `None`
    for missing. What a missing cell said is kept aside in `markers`, because a target may have a class called "NA".

    Args:
        name: what to call the data: the stem of the file, or the name of the bundled set.
        path: where it was read, as given; `None` for data from memory.
        sha256: of the content of the file, or of the arrays.
        columns: name to values, in the order of the file.
        header: whether the columns have names of their own; if not, they are called "0" to "k - 1" and can also be
            counted from the end.
        target: the column that a bundled set or an `.npz` knows to be its target; several are labels.
        markers: column to `(n_rows,)` int8: position in `MISSING_MARKERS` of what a missing cell said (absent: all 0).
        unreadable: columns that cannot be features, with the reason.
        notes: sentences about the reading that the user should see.
    """

    name: str
    path: str | None
    sha256: str
    columns: dict[str, NDArray[np.float64] | NDArray[np.object_]]
    header: bool = True
    target: str | tuple[str, ...] | None = None
    markers: dict[str, NDArray[np.int8]] = field(default_factory=dict)
    unreadable: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def n_rows(self) -> int:
        return len(next(iter(self.columns.values()))) if self.columns else 0

    def is_numeric(self, column: str) -> bool:
        return self.columns[column].dtype != object

    def resolve(self, reference: str | int, *, role: str) -> str:
        """The name of the column that `reference` means: its name, or without a header its number.

        Raises:
            InputError: there is none; the sentence offers the nearest names, or the range of the numbers.
        """
        text = str(reference).strip() if str(reference) not in self.columns else str(reference)
        if text in self.columns:
            return text
        names = list(self.columns)
        is_number = re.fullmatch(r"[-+]?\d{1,9}", text) is not None
        if not self.header:
            if is_number and -len(names) <= int(text) < len(names):
                return names[int(text)]
            raise InputError(
                f"{role} {text!r} is not a column of {self.name}: without a header its {len(names)} columns are "
                f"numbered 0 to {len(names) - 1}, or -1 (the last) back to -{len(names)}."
            )
        if is_number:
            raise InputError(
                f"{role} {text!r} is not a column of {self.name}, whose columns are called {some_names(names)}: give a "
                "name, or add --no-header if the first line of the file is data."
            )
        raise InputError(f"{role} {text!r} is not a column of {self.name}: {nearest_names(text, names)}.")

    def labels(self, column: str) -> NDArray[np.object_]:
        """The column as text for use as a target or a group: only empty cells and "?" are missing (`None`).

        Numbers are written in their shortest form, so that 1, 1.0 and 1e0 are one class.
        """
        values = self.columns[column]
        labels = (
            values.astype(object) if values.dtype == object else number_texts(values.astype(np.float64, copy=False))
        )
        if column in self.markers:
            markers = np.array(MISSING_MARKERS, dtype=object)
            markers[: len(TARGET_MISSING_MARKERS)] = None
            said = self.markers[column]
            labels[said > 0] = markers[said[said > 0]]
        return labels


def number_text(value: float) -> str:
    """A number in the shortest form that reads back as itself: `3`, `0.5`, `1e+300`."""
    if np.isfinite(value) and value == int(value) and abs(value) <= LARGEST_EXACT_INTEGER:
        return str(int(value))
    return repr(float(value))


def number_texts(values: NDArray[np.float64]) -> NDArray[np.object_]:
    """Each number as text, NaN as `None`."""
    levels, codes = np.unique(values, return_inverse=True)
    texts = np.empty(len(levels), dtype=object)
    texts[:] = [None if np.isnan(level) else number_text(level) for level in levels]
    result: NDArray[np.object_] = texts[codes.reshape(-1)]
    return result


def factorize(values: NDArray[np.float64] | NDArray[np.object_]) -> tuple[NDArray[np.int64], list[str | float | None]]:
    """Codes and sorted levels of a column: `levels[codes[i]]` is row i; missing cells are the last level, if any."""
    if values.dtype != object:
        levels, codes = np.unique(values, return_inverse=True)  # NaN is one level, the last
        return codes.reshape(-1).astype(np.int64), [None if np.isnan(level) else float(level) for level in levels]
    present: list[str | float | None] = sorted(set(values.tolist()), key=lambda level: (level is None, level or ""))
    position = {level: code for code, level in enumerate(present)}
    return np.fromiter(map(position.__getitem__, values.tolist()), dtype=np.int64, count=len(values)), present


def nearest_names(wanted: str, names: Iterable[str]) -> str:
    """The end of a sentence about an unknown name: the nearest known names, or the first few."""
    known = list(names)
    folded = {name.casefold(): name for name in reversed(known)}
    near = [folded[match] for match in difflib.get_close_matches(wanted.casefold(), list(folded), n=3, cutoff=0.6)]
    if near:
        return "the nearest " + ("is " if len(near) == 1 else "are ") + ", ".join(repr(shown(name)) for name in near)
    return f"there are {some_names(known)}"


def some_names(names: Iterable[str], most: int = 8) -> str:
    """The first few names, and how many more there are."""
    known = list(names)
    text = ", ".join(shown(name) for name in known[:most])
    return text if len(known) <= most else f"{text} and {len(known) - most} more"


def shown(text: str, most: int = 60) -> str:
    """Text from a file, safe to print: without control characters (a terminal would obey them), cut at `most`."""
    clean = "".join(letter if letter.isprintable() else "\ufffd" for letter in text[: most + 1])
    return clean if len(clean) <= most else clean[:most] + "..."
