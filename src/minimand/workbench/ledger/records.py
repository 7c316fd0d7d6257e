"""The text of a record: JSON from which every float comes back with the same bits.

Python writes a float by its `repr`, the shortest text that reads back as the same number, so finite floats (and `-0.0`)
keep their bits. The numbers that JSON lacks are written as the bare words `NaN`, `Infinity` and `-Infinity`, the
spelling of Python and of JSON5: a diverged training is a result too, and must come back as it was. Every NaN comes back
as `float("nan")`; its sign and payload, which carry no meaning, are not kept. Tuples come back as lists.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any


def text_of_record(record: dict[str, Any]) -> str:
    """The JSON text of a record, in ASCII, on one line.

    Args:
        record: a dict whose keys are strings and whose values are strings, numbers, booleans, None, lists and such
            dicts.

    Raises:
        TypeError: a key or value that would not come back as it is, with the place where it stands.
    """
    if not isinstance(record, dict):
        raise TypeError(f"a record must be a dict, got a {type(record).__name__}")
    _require_plain(record, "record")
    return json.dumps(record, ensure_ascii=True, allow_nan=True, separators=(",", ":"))


def record_of_text(text: str) -> dict[str, Any]:
    """The record that `text_of_record` wrote."""
    record = json.loads(text)
    if not isinstance(record, dict):
        raise ValueError(f"a record must be a JSON object, got {text[:40]!r}")
    return record


def checksum(key: str, text: str) -> str:
    """The SHA-256 of a key with its text: a text that was swapped with another record's does not pass either."""
    return hashlib.sha256(f"{len(key)}:{key}{text}".encode("utf-8", "surrogatepass")).hexdigest()


def same_record(text: str, other: str) -> bool:
    """Whether two texts hold the same record, whatever the order of their keys."""
    return text == other or _in_key_order(text) == _in_key_order(other)


def _in_key_order(text: str) -> str:
    return json.dumps(json.loads(text), sort_keys=True)


def _require_plain(value: Any, place: str) -> None:
    if value is None or isinstance(value, str | int | float):
        return
    if isinstance(value, list | tuple):
        for position, item in enumerate(value):
            _require_plain(item, f"{place}[{position}]")
    elif isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise TypeError(f"{place} has the key {key!r}: keys must be strings, or they would come back changed")
            _require_plain(item, f"{place}[{key!r}]")
    else:
        raise TypeError(
            f"{place} is a {type(value).__module__}.{type(value).__qualname__}: a record holds only str, int, float, "
            "bool, None, list and dict"
        )
