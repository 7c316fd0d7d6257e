"""The sections of a docstring: what it says first, its arguments, what it raises, its reference."""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass
from typing import Any

SECTIONS = ("Args", "Returns", "Raises", "Reference", "Attributes", "Yields")


@dataclass(frozen=True)
class Docstring:
    """A docstring, taken apart."""

    summary: str
    description: str
    arguments: dict[str, str]
    sections: dict[str, str]


def parsed(component: Any) -> Docstring:
    """The docstring of a component by its sections; empty texts where it says nothing."""
    text = inspect.getdoc(component) or ""
    heads = "|".join(SECTIONS)
    opening, *rest = re.split(rf"^({heads}):[ ]*$", text, flags=re.MULTILINE)
    sections = {name: inspect.cleandoc(body) for name, body in zip(rest[::2], rest[1::2], strict=True)}
    summary, _, description = opening.strip().partition("\n")
    return Docstring(summary, description.strip(), _entries(sections.get("Args", "")), sections)


def _entries(section: str) -> dict[str, str]:
    """Name -> text of the entries of a section; a deeper line goes on with the entry above."""
    found: dict[str, str] = {}
    name = ""
    for line in section.splitlines():
        opening = re.match(r"(\*{0,2}\w+):\s*(.*)", line)
        if opening:
            name = opening[1].lstrip("*")
            found[name] = opening[2]
        elif name and line.strip():
            found[name] += " " + line.strip()
    return found
