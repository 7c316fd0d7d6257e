"""The generated pages: one for each component, the index of all, the bibliography and the table of claims."""

from __future__ import annotations

import math
import posixpath
import re
from collections.abc import Mapping, Sequence
from typing import Any

from minimand.contracts.card import Card
from minimand.contracts.catalogue import all_cards
from minimand.workbench.catalogue.details import bibliography, details
from minimand.workbench.catalogue.listing import entries, name_in, verdict
from minimand.workbench.catalogue.page import seeds_in_words, verdict_in_words
from minimand.workbench.site.markdown import link, table, with_formulas

COMPONENTS = "components"
HOLDS = "holds here"
WORDS = {
    "does not hold here": ("does not hold here", "do not hold here"),
    "undecided": ("is undecided", "are undecided"),
    HOLDS: (HOLDS, "hold here"),
}
"""Verdict -> how it is said of one and of several claims, in the order of the page."""
DIRECTION = (
    "A difference is that of the means beside it, positive in the direction that is expected: where less is better, it "
    "is the second less the first."
)


def page_of(found: Mapping[str, Any]) -> str:
    """Where the page of a component lies, relative to the root of the site."""
    return f"{COMPONENTS}/{found['path']}.{found['name']}.md"


def generated_pages() -> dict[str, str]:
    """Path -> Markdown of every generated page."""
    known = [(card, details(card)) for card in all_cards()]
    pages = {page_of(found): component_page(card, found, known) for card, found in known}
    pages[f"{COMPONENTS}/index.md"] = index_page()
    pages["verdicts.md"] = verdicts_page([found for _, found in known])
    pages["bibliography.md"] = bibliography_page()
    return pages


def component_page(card: Card, found: Mapping[str, Any], known: Sequence[tuple[Card, Mapping[str, Any]]]) -> str:
    """The page of one component: what it is, how it is called, its claim and what was measured."""
    here = page_of(found)
    family = [other for _, other in known if other["slug"] == found["slug"] and other["id"] != found["id"]]
    blocks = [
        f"# {found['title']}",
        with_formulas(found["summary"]),
        with_formulas(found["description"]),
        f"**When to use it.** {with_formulas(found['when'])}",
        f"**Drawback.** {with_formulas(found['drawback'])}",
        "```python\n" + found["import"] + "\n```",
        _arguments(found),
        _facts(card, found),
        _family(here, family),
        *_claims(found),
        _sources(card, found),
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def index_page() -> str:
    """Every component by room, with the verdict on its first claim, or on that of its method."""
    blocks = ["# Components"]
    rooms: dict[str, list[dict[str, Any]]] = {}
    for found in entries():
        rooms.setdefault(found["room"], []).append(found)
    for room, own in rooms.items():
        rows = [
            (
                link(f"`{found['module'] or found['name']}`", posixpath.relpath(page_of(found), COMPONENTS)),
                found["kind"],
                with_formulas(found["title"]),
                ", ".join(found["tasks"]),
                verdict(found),
            )
            for found in own
        ]
        blocks += [f"## {room}", table(("name", "kind", "what it is", "tasks", "claim"), rows)]
    return "\n\n".join(blocks) + "\n"


def verdicts_page(known: Sequence[Mapping[str, Any]]) -> str:
    """Every claim with all that was measured, the negative ones first."""
    rows: list[tuple[str, tuple[str, ...]]] = []
    pages = {found["id"]: page_of(found) for found in known}
    seen: set[str] = set()
    for found in known:
        record = found["recorded"]
        if record is None or found["slug"] in seen:
            continue
        seen.add(found["slug"])
        for claim in record["claims"]:
            cells = (
                link(found["slug"], pages.get(claim["of"], page_of(found))),
                with_formulas(claim["says"]),
                _everything(claim),
                verdict_in_words(claim),
            )
            rows.append((claim["verdict"], cells))
    order = list(WORDS)
    rows.sort(key=lambda row: order.index(row[0]) if row[0] in order else len(order))
    intro = (
        "A verdict speaks of a small experiment, not of the paper's data and scale; [how it is reached](claims.md). "
        "`minimand verify SLUG` runs an experiment again. A difference is positive in the direction that is expected; "
        "the page behind the link has the means that it is taken of."
    )
    head = ("method", "claim", "measured", "verdict")
    body = table(head, (cells for _, cells in rows))
    return f"# Verdicts\n\n{counted([row[0] for row in rows])}\n\n{intro}\n\n{body}\n"


def _everything(claim: Mapping[str, Any]) -> str:
    """All findings of a claim in a cell, with what the fresh seeds say where that is another verdict."""
    lines = [f"{_expected(one)}: {_measured(claim, one)}" for one in claim["findings"]]
    fresh = claim.get("fresh")
    if fresh is not None and claim.get("on_recorded_seeds", claim["verdict"]) != fresh["verdict"]:
        lines += [f"on fresh seeds, {_expected(one)}: {_measured(claim, one)}" for one in fresh["findings"]]
    return "<br>".join(lines)


def counted(verdicts: Sequence[str]) -> str:
    """A sentence on how many claims have which verdict.

    Args:
        verdicts: of the claims, one each.
    """
    parts = []
    for kind in [*WORDS, *sorted(set(verdicts) - WORDS.keys())]:
        if number := verdicts.count(kind):
            one, several = WORDS.get(kind, (f"has the verdict {kind}", f"have the verdict {kind}"))
            parts.append(f"{number} {one if number == 1 else several}")
    claims = f"{len(verdicts)} claim{'s' * (len(verdicts) != 1)}"
    return f"{claims}: {', '.join(parts)}." if parts else f"{claims}."


def bibliography_page() -> str:
    """Every paper once, in BibTeX."""
    entries_ = {paper.key: paper for card in all_cards() for paper in card.papers}
    body = "\n\n".join(entries_[key].bibtex() for key in sorted(entries_))
    return f"# Bibliography\n\nWhat `minimand cite SLUG` prints, for all.\n\n```bibtex\n{body}\n```\n"


def _arguments(found: Mapping[str, Any]) -> str:
    rows = []
    for item in found["arguments"]:
        span = item["search"]
        searched = "" if span is None else f"{span['low']:g} to {span['high']:g}, {span['scale']}"
        default = "" if item["required"] else f"`{item['default']!r}`"
        rows.append((f"`{item['name']}`", default, searched, with_formulas(item["text"])))
    return "## Arguments\n\n" + table(("name", "default", "searched", "meaning"), rows) if rows else ""


def _facts(card: Card, found: Mapping[str, Any]) -> str:
    rows = [
        ("id", f"`{found['id']}`"),
        ("slug", f"`{found['slug']}`"),
        ("kind", found["kind"]),
        ("tasks", ", ".join(found["tasks"])),
        ("traits", ", ".join(found["traits"])),
        ("suits", ", ".join(sorted(card.suits))),
        ("also known as", ", ".join(card.also_known_as)),
        ("only the user can give", ", ".join(card.needs)),
        ("provenance", with_formulas(found["provenance"])),
        *((f"not held to `{name}`", with_formulas(reason)) for name, reason in found["exempt"].items()),
    ]
    return "## What is promised\n\n" + table(("fact", "value"), [row for row in rows if row[1]])


def _family(here: str, family: Sequence[Mapping[str, Any]]) -> str:
    if not family:
        return ""
    folder = posixpath.dirname(here)
    links = [link(f"`{other['name']}`", posixpath.relpath(page_of(other), folder)) for other in family]
    return f"**Of the same method:** {', '.join(links)}."


def _claims(found: Mapping[str, Any]) -> list[str]:
    record = found["recorded"]
    measured = {} if record is None else {entry["name"]: entry for entry in record["claims"]}
    blocks = ["## Claims"] if found["claims"] else []
    for claim in found["claims"]:
        entry = measured.get(claim["name"])
        said = "not recorded" if entry is None else entry["verdict"]
        blocks.append(f"### {_spoken(claim['name']).capitalize()}: {said}")
        if claim["of"] != found["id"]:
            blocks.append(f"*A claim of* `{name_in(claim['of'])}`.")
        blocks.append(f"{with_formulas(claim['says'])}\n\n*Where:* {with_formulas(claim['where'])}")
        blocks.append(f"*Left out here:* {with_formulas(claim['gap'])}")
        if entry is not None:
            blocks += results(entry)
    if record is not None:
        versions = ", ".join(f"{name} {version}" for name, version in record["versions"].items())
        blocks.append(f"Recorded {record['date']} with {versions}, on {record['processor']}.")
        blocks += formerly(record)
    return blocks


def results(entry: Mapping[str, Any]) -> list[str]:
    """The table of what was measured, and how it is to be read."""
    shown: set[str] = set()
    rows: list[tuple[str, ...]] = []
    for place, finding in enumerate(entry["findings"]):
        arms = _arms_of(entry, finding)
        shown |= set(arms)
        cells = (_expected(finding), _measured(entry, finding), _means(entry, arms), verdict_in_words(finding))
        rows.append((*cells, *_afresh(entry, place)))
    head: tuple[str, ...] = ("expected", f"on seeds {seeds_in_words(entry['seeds'])}", "means", "verdict")
    fresh = entry.get("fresh")
    if fresh is not None:
        head = (*head, f"on fresh seeds {seeds_in_words(fresh['seeds'])}", "verdict")
    lines = [DIRECTION] if entry["kind"] == "comparative" else []
    if others := [arm for arm in entry["arms"] if arm not in shown]:
        lines.append(f"Means of the other arms: {_means(entry, others)}.")
    if fresh is not None and entry.get("on_recorded_seeds", entry["verdict"]) != fresh["verdict"]:
        lines.append("The fresh seeds say something else than the first, and so the claim counts as undecided.")
    if entry["verdict"] == "undecided":
        lines.append(f"All in all {verdict_in_words(entry)}.")
    return [table(head, rows), *([" ".join(lines)] if lines else [])]


def _afresh(entry: Mapping[str, Any], place: int) -> tuple[str, ...]:
    """The cells of a finding on the fresh seeds, if they are recorded."""
    fresh = entry.get("fresh")
    if fresh is None:
        return ()
    finding = fresh["findings"][place]
    return _measured(entry, finding), verdict_in_words(finding)


def _means(entry: Mapping[str, Any], arms: Sequence[str]) -> str:
    return ", ".join(f"`{arm}` {_number(_mean(entry['arms'][arm]))}" for arm in arms)


def _expected(finding: Mapping[str, Any]) -> str:
    return f"{with_formulas(finding['text'])}{' (control)' if finding['control'] else ''}"


def _measured(entry: Mapping[str, Any], finding: Mapping[str, Any]) -> str:
    """What was found, with its interval or range; differences with their sign."""
    signed = entry["kind"] == "comparative"
    mean, low, high = (_number(finding[name], signed=signed) for name in ("mean", "low", "high"))
    return f"{mean}, {low} to {high} ({finding['kind']})"


def _arms_of(entry: Mapping[str, Any], finding: Mapping[str, Any]) -> list[str]:
    """The arms that a finding speaks of, in its order; of a property its value and the broken twin, which must fail."""
    if entry["kind"] == "property":
        return list(entry["arms"])
    places = {arm: re.search(rf"(?<![\w-]){re.escape(arm)}(?![\w-])", finding["text"]) for arm in entry["arms"]}
    named = [(found.start(), arm) for arm, found in places.items() if found]
    return [arm for _, arm in sorted(named)]


def formerly(record: Mapping[str, Any]) -> list[str]:
    """A line for each former record in which some claim had another verdict or other numbers."""
    lines = []
    later = record["claims"]
    for old in record["history"]:
        known = {entry["name"]: entry for entry in later}
        changed = [entry for entry in old["claims"] if _said(entry) != _said(known.get(entry["name"]))]
        if changed:
            items = "\n".join(f"- {_spoken(entry['name'])}: {_former(entry)}" for entry in changed)
            lines.append(f"Formerly recorded, {old['date']}:\n\n{items}")
        later = old["claims"]
    return lines


def _former(entry: Mapping[str, Any]) -> str:
    numbers = "; ".join(f"{_expected(one)}: {_measured(entry, one)}" for one in entry["findings"])
    return f"{verdict_in_words(entry)} ({numbers})" if numbers else verdict_in_words(entry)


def _said(entry: Mapping[str, Any] | None) -> Any:
    """The verdict and the numbers of a claim, as far as they are shown."""
    if entry is None:
        return None
    return entry["verdict"], [(_expected(one), _measured(entry, one)) for one in entry["findings"]]


def _spoken(name: str) -> str:
    return name.replace("_", " ")


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return math.fsum(known) / len(known) if known and len(known) == len(values) else None


def _number(value: float | None, *, signed: bool = False) -> str:
    if value is None or not math.isfinite(value):
        return "unbounded"
    return f"{value + 0.0:{'+' if signed and value else ''}.4g}"


def _sources(card: Card, found: Mapping[str, Any]) -> str:
    if not found["papers"]:
        return ""
    items = "\n".join(f"- {with_formulas(paper['citation'])}" for paper in found["papers"])
    said = f"{with_formulas(found['reference'])}\n\n" if found["reference"] else ""
    return f"## Sources\n\n{said}{items}\n\n```bibtex\n{bibliography(card)}\n```"
