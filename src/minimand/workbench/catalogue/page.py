"""The page of one component as text."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

MOST_COLUMNS = 100


def page(found: Mapping[str, Any], *, width: int | None = None) -> str:
    """The object of `details` as text.

    Args:
        found: what `details` gave.
        width: columns; None takes the terminal's, at most 100.
    """
    width = min(shutil.get_terminal_size((MOST_COLUMNS, 24)).columns, MOST_COLUMNS) if width is None else width
    width = max(width, 40)
    blocks = [
        _filled(found["summary"], width),
        _table(_identity(found), width),
        *(_filled(paragraph, width) for paragraph in found["description"].split("\n\n") if paragraph),
        _section("Arguments", [_argument(item, width) for item in found["arguments"]]),
        _section("When to use it", [_filled(found["when"], width, "  ")]),
        _section("Drawback", [_filled(found["drawback"], width, "  ")]),
        _section("Papers", [_filled(paper["citation"], width, "  ") for paper in found["papers"]]),
        _section("Reference", [_filled(found["reference"], width, "  ")] if found["reference"] else []),
        _section("Not held to", [_filled(f"{test}: {why}", width, "  ") for test, why in found["exempt"].items()]),
        *_claims(found, width),
    ]
    return "\n\n".join(block for block in blocks if block)


def _identity(found: Mapping[str, Any]) -> list[tuple[str, str]]:
    rows = [
        ("id", found["id"]),
        ("slug", found["slug"]),
        ("kind", found["kind"]),
        ("import", found["import"]),
        ("tasks", ", ".join(found["tasks"])),
        ("traits", ", ".join(found["traits"]) or "none"),
    ]
    rows += [
        (title, ", ".join(found[name]))
        for title, name in (
            ("same method", "same_method"),
            ("also known as", "also_known_as"),
            ("only you can give", "needs"),
        )
        if found[name]
    ]
    if found["kind"] == "loss":
        rows.append(("probabilities", "yes" if found["has_probabilities"] else "none: it ranks the classes only"))
    rows += [(name.replace("_", " "), _value(value)) for name, value in found["facts"].items()]
    return [*rows, ("provenance", found["provenance"])]


def _argument(item: Mapping[str, Any], width: int) -> str:
    head = item["name"] + ("" if item["required"] else f" = {item['default']!r}")
    span = item["search"]
    if span is not None:
        head += f"   (searched from {span['low']:g} to {span['high']:g}, {span['scale']} scale)"
    return "\n".join(part for part in (f"  {head}", _filled(item["text"], width, "      ")) if part)


def _claims(found: Mapping[str, Any], width: int) -> list[str]:
    if not found["claims"]:
        return [_section("Claim", ["  none yet"])]
    record = found["recorded"]
    measured = {} if record is None else {entry["name"]: entry for entry in record["claims"]}
    blocks = [_claim(claim, measured.get(claim["name"]), found["id"], width) for claim in found["claims"]]
    if record is not None:
        versions = ", ".join(f"{name} {version}" for name, version in record["versions"].items())
        lines = [_filled(f"{record['date']}, with {versions}, on {record['processor']}", width, "  ")]
        lines += [_filled(_former(old), width, "  ") for old in record["history"]]
        blocks.append(_section("Recorded", lines))
    return blocks


def _claim(claim: Mapping[str, Any], measured: Mapping[str, Any] | None, shown: str, width: int) -> str:
    lines = [
        _filled(claim["says"], width, "  "),
        _table(
            [
                *([] if claim["of"] == shown else [("of", claim["of"])]),
                ("where", claim["where"]),
                ("left out", claim["gap"]),
                ("verdict", "not recorded" if measured is None else verdict_in_words(measured)),
            ],
            width,
        ),
    ]
    if measured is not None:
        lines += [_filled(_finding(finding), width, "  - ") for finding in measured["findings"]]
        seeds = measured["seeds"]
        lines.append(_filled(f"seeds {seeds_in_words(seeds)}, {measured['seconds']:g} s", width, "  "))
        lines += _afresh(measured, width)
    else:
        lines += [_filled(f"expected: {text}", width, "  - ") for text in claim["expects"]]
    return _section(f"Claim: {claim['name'].replace('_', ' ')}", lines)


def _afresh(measured: Mapping[str, Any], width: int) -> list[str]:
    """What the fresh seeds say, if they are recorded: the verdict, and the numbers where it is another one."""
    fresh = measured.get("fresh")
    if fresh is None:
        return []
    first = measured.get("on_recorded_seeds", measured["verdict"])
    said = f"fresh seeds {seeds_in_words(fresh['seeds'])}: "
    if first == fresh["verdict"]:
        return [_filled(said + "the same verdict", width, "  ")]
    lines = [_filled(f"{said}{verdict_in_words(fresh)}, where the first said {first}", width, "  ")]
    return lines + [_filled(_finding(finding), width, "  - ") for finding in fresh["findings"]]


def _finding(finding: Mapping[str, Any]) -> str:
    low, high = (_number(finding[end]) for end in ("low", "high"))
    control = " (control)" if finding["control"] else ""
    return (
        f"{finding['text']}{control}: {_number(finding['mean'])}, {finding['kind']} [{low}, {high}], "
        f"margin {_margin(finding['margin'])}: {finding['verdict']}"
    )


def _margin(ends: Sequence[float | None]) -> str:
    low, high = ends
    if high is None:
        return f"above {_number(low)}"
    if low is None:
        return f"at most {_number(high)}"
    return f"{_number(low)} to {_number(high)}"


def verdict_in_words(measured: Mapping[str, Any]) -> str:
    """The verdict of a recorded claim or finding; of an undecided one with the number of seeds that would decide."""
    verdict = str(measured["verdict"])
    if verdict != "undecided":
        return verdict
    needed = measured["seeds_needed"]
    return f"{verdict}: " + (f"about {needed} seeds would decide" if needed else "no reasonable number would decide")


def _former(record: Mapping[str, Any]) -> str:
    verdicts = ", ".join(f"{entry['name'].replace('_', ' ')}: {entry['verdict']}" for entry in record["claims"])
    return f"before, on {record['date']}: {verdicts}"


def seeds_in_words(seeds: Sequence[int]) -> str:
    """Seeds as a range where they follow each other, else one by one."""
    if len(seeds) > 1 and list(seeds) == list(range(seeds[0], seeds[-1] + 1)):
        return f"{seeds[0]} to {seeds[-1]}"
    return ", ".join(map(str, seeds))


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.4g}"


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return repr(value) if isinstance(value, str) and not value.isidentifier() else str(value)


def _section(title: str, lines: Sequence[str]) -> str:
    return "\n".join([title, *lines]) if lines else ""


def _table(rows: Sequence[tuple[str, str]], width: int) -> str:
    size = max(len(name) for name, _ in rows)
    hanging = " " * (size + 4)
    return "\n".join(
        textwrap.fill(
            text, width, initial_indent=f"  {name.ljust(size)}  ", subsequent_indent=hanging, break_long_words=False
        )
        for name, text in rows
    )


def _filled(text: str, width: int, indent: str = "") -> str:
    hanging = " " * len(indent)
    return textwrap.fill(
        " ".join(text.split()),
        width,
        initial_indent=indent,
        subsequent_indent=hanging,
        break_long_words=False,
        break_on_hyphens=False,
    )
