"""Dates in text: recognised so that they are not learned from as categories, and turned into numbers for `--time`."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta

_CLOCK = r"(?:[T ]+(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)? ?(Z|UTC|[+-]\d{2}(?::?\d{2})?)?)?"
_YEAR_FIRST = re.compile(r"(\d{4})([-/.])(\d{1,2})\2(\d{1,2})" + _CLOCK)
_YEAR_LAST = re.compile(r"(\d{1,2})([-/.])(\d{1,2})\2(\d{4}|\d{2})" + _CLOCK)
_DAY_NAMED = re.compile(r"(\d{1,2})[ -]([A-Za-z]{3,9})[ ,-]+(\d{4})" + _CLOCK)
_MONTH_NAMED = re.compile(r"([A-Za-z]{3,9})\.? +(\d{1,2}),? +(\d{4})" + _CLOCK)
_MONTHS = {
    name: number
    for number, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), 1
    )
}


class MixedDatesError(ValueError):
    """Dates of which some can only be day/month/year and others only month/day/year."""


def date_reader(texts: Collection[str]) -> tuple[Callable[[str], float | None], str | None]:
    """A function from text to seconds since 1970 (`None`: not a date), and a note on how the dates were read.

    `03/04/2021` is ambiguous alone; all `texts` together decide which comes first, day or month.

    Raises:
        MixedDatesError: they contradict each other.
    """
    day_first = month_first = dotted = ambiguous = False
    for text in texts:
        match = _YEAR_LAST.fullmatch(text)
        if match is not None:
            ambiguous = True
            first, second = int(match[1]), int(match[3])
            dotted |= match[2] == "."
            day_first |= first > 12
            month_first |= second > 12
    if day_first and month_first:
        raise MixedDatesError
    day_leads = day_first or (dotted and not month_first)
    note = None
    if ambiguous:
        note = "dates are read as day, month, year" if day_leads else "dates are read as month, day, year"
    return lambda text: _seconds(text, day_leads=day_leads), note


def are_dates(texts: Collection[str]) -> bool:
    """Whether every text is a date, in one of the common ways to write one."""
    if not texts or any(not any(sign.isdigit() for sign in text) or len(text) > 40 for text in texts):
        return False
    try:
        read, _ = date_reader(texts)
    except MixedDatesError:
        return False
    return all(read(text) is not None for text in texts)


def _seconds(text: str, *, day_leads: bool) -> float | None:
    if match := _YEAR_FIRST.fullmatch(text):
        year, month, day, clock = match[1], match[3], match[4], match.groups()[4:]
    elif match := _YEAR_LAST.fullmatch(text):
        day, month = (match[1], match[3]) if day_leads else (match[3], match[1])
        year, clock = match[4], match.groups()[4:]
        if len(year) == 2:
            year = ("20" if int(year) < 70 else "19") + year
    elif match := _DAY_NAMED.fullmatch(text):
        day, month, year, clock = match[1], _month(match[2]), match[3], match.groups()[3:]
    elif match := _MONTH_NAMED.fullmatch(text):
        month, day, year, clock = _month(match[1]), match[2], match[3], match.groups()[3:]
    else:
        return None
    hour, minute, second, fraction, zone = clock
    try:
        moment = datetime(
            int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0), tzinfo=UTC
        )
    except ValueError:
        return None
    return moment.timestamp() + (float(f"0.{fraction}") if fraction else 0.0) - _offset(zone).total_seconds()


def _month(name: str) -> str:
    return str(_MONTHS.get(name[:3].lower(), 0))  # month 0 is refused by datetime


def _offset(zone: str | None) -> timedelta:
    if zone is None or zone in ("Z", "UTC"):
        return timedelta()
    sign = -1 if zone[0] == "-" else 1
    digits = zone[1:].replace(":", "").ljust(4, "0")
    return sign * timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
