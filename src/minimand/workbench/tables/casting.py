"""From a duckdb table of text to typed columns: the rule of `TYPE_RULE`, decided and applied by duckdb itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minimand.workbench.tables.table import LARGEST_EXACT_INTEGER, MISSING_MARKERS, shown

_MARKERS = ", ".join(f"'{marker}'" for marker in MISSING_MARKERS[1:])
BLANKS = " \t\r\n\f\u00a0"  # written out by Python: duckdb's own escapes do not know \\u
_COLUMNS_A_QUERY = 64
_MOST_LEVELS_AS_CODES = 100_000

Cast = dict[str, NDArray[Any]]


def cleaned(expression: str) -> str:
    """SQL of a cell trimmed, without one pair of single quotes around it; empty is NULL."""
    trimmed = f"trim({expression}, '{BLANKS}')"
    bare = f"trim(substr({trimmed}, 2, length({trimmed}) - 2), '{BLANKS}')"
    quoted = f"starts_with({trimmed}, '''') AND ends_with({trimmed}, '''') AND length({trimmed}) > 1"
    # blanks and the quote sort before "(" or after "~": most cells are seen to need nothing by two cheap comparisons.
    clean = f"{expression} >= '(' AND {expression} < '~' AND right({expression}, 1) BETWEEN '(' AND '~'"
    return f"CASE WHEN {clean} THEN {expression} ELSE nullif(CASE WHEN {quoted} THEN {bare} ELSE {trimmed} END, '') END"


def cast_columns(connection: Any, table: str, names: dict[str, str]) -> tuple[Cast, Cast, list[str]]:
    """Typed values, markers of missing cells, and notes.

    Args:
        connection: of duckdb, holding `table`, all of whose columns are cleaned text.
        table: its name there.
        names: name in duckdb to name for the user.
    """
    columns: Cast = {}
    markers: Cast = {}
    notes: list[str] = []
    inside = list(names)
    for start in range(0, len(inside), _COLUMNS_A_QUERY):
        part = inside[start : start + _COLUMNS_A_QUERY]
        for column, counts in zip(part, _count(connection, table, part), strict=True):
            name = names[column]
            if counts.numeric:
                expression = f"CASE WHEN {column} IN ({_MARKERS}) THEN NULL ELSE CAST({column} AS DOUBLE) END"
                columns[name] = filled(fetch(connection, expression, table).astype(np.float64), np.nan)
            else:
                columns[name] = _text(connection, table, column, counts.levels)
                notes += _notes_on_text(connection, table, column, name, counts)
            if counts.marked:
                cases = " ".join(f"WHEN '{said}' THEN {code}" for code, said in enumerate(MISSING_MARKERS) if code)
                expression = f"CASE {column} {cases} ELSE 0 END"
                fetched = fetch(connection, f"CAST({expression} AS TINYINT)", table)
                markers[name] = filled(fetched, 0).astype(np.int8)
    return columns, markers, notes


def fetch(connection: Any, expression: str, table: str) -> Any:
    """One column of the table, in the order of its rows."""
    # duckdb turns a long IN list into a join, and joins on two threads lose the order of the rows.
    return connection.execute(f"SELECT {expression} AS v FROM {table} ORDER BY rowid").fetchnumpy()["v"]


def filled(fetched: Any, missing: Any) -> NDArray[Any]:
    """A fetched column with `missing` in place of NULL."""
    values = np.array(np.ma.getdata(fetched))
    values[np.ma.getmaskarray(fetched)] = missing  # not ma.filled: it takes None to mean "?", its own default
    return values


@dataclass(frozen=True)
class _Counts:
    """What one pass counted in a column: how many cells, of them missing, not numbers, too large; levels, roughly."""

    filled: int
    marked: int
    not_numbers: int
    too_large: int
    levels: int

    @property
    def numeric(self) -> bool:
        return self.filled == self.marked or (self.not_numbers == 0 and self.too_large == 0)


def _count(connection: Any, table: str, columns: list[str]) -> list[_Counts]:
    aggregates = ", ".join(
        # duckdb reads 1_000 as a number; "inf" stays a number here, and is refused later with its row.
        f"count({column}), count(*) FILTER ({column} IN ({_MARKERS})), "
        f"count(n{column}) FILTER (NOT isnan(n{column}) AND NOT contains({column}, '_')), "
        f"max(abs(n{column})) FILTER (NOT isnan(n{column})), approx_count_distinct({column})"
        for column in columns
    )
    numbers = ", ".join(f"{column}, try_cast({column} AS DOUBLE) AS n{column}" for column in columns)
    row = connection.execute(f"SELECT {aggregates} FROM (SELECT {numbers} FROM {table})").fetchone()
    counts = []
    for at, column in enumerate(columns):
        filled, marked, numeric, largest, levels = row[5 * at : 5 * at + 5]
        too_large = 0
        if filled - marked == numeric and largest is not None and largest >= LARGEST_EXACT_INTEGER:
            # 9007199254740993 has already been rounded to 2^53 here: only the digits tell.
            too_large = connection.execute(
                f"SELECT count(*) FROM {table} WHERE regexp_full_match({column}, '[-+]?[0-9]+') AND "
                f"(try_cast({column} AS HUGEINT) IS NULL OR abs(try_cast({column} AS HUGEINT)) > "
                f"{LARGEST_EXACT_INTEGER})"
            ).fetchone()[0]
        counts.append(_Counts(filled, marked, filled - marked - numeric, too_large, levels))
    return counts


def _text(connection: Any, table: str, column: str, distinct: int) -> NDArray[np.object_]:
    """The column as `str` objects, `None` where it is missing; one object a level where there are few levels."""
    plain = f"CASE WHEN {column} IN ({_MARKERS}) THEN NULL ELSE {column} END"
    if distinct > _MOST_LEVELS_AS_CODES:
        fetched: NDArray[np.object_] = filled(fetch(connection, plain, table).astype(object), None)
        return fetched
    connection.execute(f"CREATE TYPE levels AS ENUM (SELECT DISTINCT {column} FROM {table} WHERE {column} IS NOT NULL)")
    levels = list(connection.execute("SELECT unnest(enum_range(NULL::levels)) AS v").fetchnumpy()["v"])
    codes = filled(fetch(connection, f"CAST(coalesce(enum_code(CAST({column} AS levels)), -1) AS INTEGER)", table), -1)
    connection.execute("DROP TYPE levels")
    texts = np.empty(len(levels) + 1, dtype=object)  # the last stays None: code -1
    texts[: len(levels)] = [None if level in MISSING_MARKERS else str(level) for level in levels]
    result: NDArray[np.object_] = texts[codes]
    return result


def _notes_on_text(connection: Any, table: str, column: str, name: str, counts: _Counts) -> list[str]:
    """Why a column that looks numeric is text, when it does."""
    if counts.not_numbers == 0:
        return [large_integers(name, counts.too_large)]
    present = counts.filled - counts.marked
    if present < 20 or counts.not_numbers > present * 0.05:
        return []
    number = f"try_cast({column} AS DOUBLE)"
    first = connection.execute(
        f"SELECT rowid, {column} FROM {table} WHERE {column} IS NOT NULL AND {column} NOT IN ({_MARKERS}) "
        f"AND ({number} IS NULL OR isnan({number}) OR contains({column}, '_')) ORDER BY rowid LIMIT 1"
    ).fetchone()
    return [almost_numeric(name, counts.not_numbers, present, first[0], first[1])]


def large_integers(name: str, cells: int) -> str:
    """The note on a column of whole numbers that float64 would round."""
    return f"column {shown(name)!r} has whole numbers above 2^53 in {cells} cells: read as text, not rounded"


def almost_numeric(name: str, not_numbers: int, present: int, row: int, cell: str) -> str:
    """The note on a column of numbers that a few other cells make categorical."""
    return (
        f"column {shown(name)!r} is read as text because {not_numbers} of its {present} cells are not numbers "
        f"(first: row {row + 1}, {shown(cell, 30)!r})"
    )


def cast_texts(name: str, cells: list[str | None]) -> tuple[NDArray[Any], NDArray[np.int8] | None, list[str]]:
    """The same rule for text that is in memory: values, markers (if any), and notes."""
    levels: dict[str | None, str | None] = {None: None}
    for cell in set(cells) - {None}:
        assert cell is not None
        trimmed = cell.strip(BLANKS)
        if len(trimmed) > 1 and trimmed[0] == trimmed[-1] == "'":
            trimmed = trimmed[1:-1].strip(BLANKS)
        levels[cell] = trimmed or None
    codes = {marker: code for code, marker in enumerate(MISSING_MARKERS)}
    said = np.array([codes.get(levels[cell] or "", 0) for cell in cells], dtype=np.int8)
    present = {level for level in levels.values() if level is not None and level not in codes}
    numbers = {level: _number(level) for level in present}
    wrong = {level for level, number in numbers.items() if number is None}
    large = {level for level in present - wrong if _exceeds(level)}
    notes: list[str] = []
    if not wrong and not large:
        values = np.array([np.nan if levels[cell] is None else numbers.get(levels[cell], np.nan) for cell in cells])  # type: ignore[arg-type]
        return values.astype(np.float64), said if said.any() else None, notes
    texts = np.empty(len(cells), dtype=object)
    texts[:] = [levels[cell] if levels[cell] in present else None for cell in cells]
    filled = [(row, cell) for row, cell in enumerate(texts.tolist()) if cell is not None]
    bad = [(row, cell) for row, cell in filled if cell in wrong]
    if not bad:
        count = sum(cell in large for _, cell in filled)
        notes = [large_integers(name, count)]
    elif len(filled) >= 20 and len(bad) <= len(filled) * 0.05:
        notes = [almost_numeric(name, len(bad), len(filled), *bad[0])]
    return texts, said if said.any() else None, notes


def _number(text: str) -> float | None:
    if "_" in text or not text.isascii():
        return None
    try:
        number = float(text)
    except ValueError:
        return None
    return None if np.isnan(number) else number


def _exceeds(text: str) -> bool:
    digits = text.lstrip("+-")
    return digits.isdecimal() and (len(digits) > 4000 or int(digits) > LARGEST_EXACT_INTEGER)


def cast_integers(values: NDArray[np.integer]) -> tuple[NDArray[Any], bool]:
    """Integers as float64 where every one is exact there; else as text (and True)."""
    if values.size and max(abs(int(values.min())), abs(int(values.max()))) > LARGEST_EXACT_INTEGER:
        texts = np.empty(len(values), dtype=object)
        texts[:] = [str(value) for value in values.tolist()]
        return texts, True
    return values.astype(np.float64), False


def cast_flags(values: NDArray[np.bool_]) -> NDArray[np.object_]:
    """Truth values as the categories "true" and "false"."""
    return np.array(["false", "true"], dtype=object)[values.astype(np.int64)]
