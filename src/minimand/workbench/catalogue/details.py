"""Everything that is known of one component, as an object: what `minimand show` prints."""

from __future__ import annotations

import dataclasses
import inspect
import math
from typing import Any

from minimand.contracts.card import Card, Paper, Range
from minimand.contracts.catalogue import all_cards, twin_name
from minimand.contracts.claim import Claim
from minimand.errors import InputError
from minimand.workbench.catalogue.docstrings import parsed
from minimand.workbench.catalogue.listing import entry
from minimand.workbench.verify.record import Record, recorded
from minimand.workbench.verify.scope import claim_file_of


def details(card: Card) -> dict[str, Any]:
    """What the card, the signature, the docstring, the claims and their record say, in JSON's own types."""
    text = parsed(card.component)
    file = claim_file_of(card)
    record = recorded(card)
    return entry(card) | {
        "summary": text.summary,
        "formulas": list(card.formulas),
        "description": text.description,
        "import": import_line(card),
        "arguments": arguments(card),
        "reference": text.sections.get("Reference", ""),
        "papers": [dataclasses.asdict(paper) | {"citation": str(paper)} for paper in card.papers],
        "provenance": card.provenance,
        "when": card.when,
        "drawback": card.drawback,
        "has_probabilities": card.probabilities is not None,
        "facts": {name: _plain(value) for name, value in card.facts.items()},
        "exempt": dict(card.exempt),
        "same_method": [other.id for other in all_cards() if other.slug == card.slug and other.id != card.id],
        "also_known_as": list(card.also_known_as),
        "needs": sorted(card.needs),
        "claims": [_claim(claim) for claim in (() if file is None else file.claims())],
        "recorded": None if record is None else _record(record),
    }


def arguments(card: Card) -> list[dict[str, Any]]:
    """Name, default, meaning and search range of each argument, in the order of the signature."""
    meanings = parsed(card.component).arguments
    found = []
    for parameter in inspect.signature(card.component).parameters.values():
        required = parameter.default is parameter.empty
        span = card.search.get(parameter.name)
        found.append(
            {
                "name": parameter.name,
                "required": required,
                "default": None if required else _plain(parameter.default),
                "text": meanings.get(parameter.name, ""),
                "search": None if span is None else _range(span),
            }
        )
    return found


def import_line(card: Card) -> str:
    """How to import it: one level deep for the package's own, from its module for a plug-in's."""
    module = str(card.component.__module__)
    if module.startswith("minimand."):
        module = ".".join(module.split(".")[:2])
    names = ", ".join(sorted({card.name, twin_name(card)} - {""}))
    return f"from {module} import {names}"


def bibliography(card: Card) -> str:
    """The papers of a component in BibTeX.

    Raises:
        InputError: it has none.
    """
    if not card.papers:
        raise InputError(f"{card.slug} cites no paper: it is older than its papers, or needs none")
    return "\n\n".join(paper.bibtex() for paper in _unique(card.papers))


def _unique(papers: tuple[Paper, ...]) -> list[Paper]:
    return list({paper.key: paper for paper in papers}.values())


def _claim(claim: Claim) -> dict[str, Any]:
    return {
        "name": claim.name,
        "of": claim.card.id,
        "kind": claim.kind,
        "says": claim.says,
        "where": claim.where,
        "gap": claim.gap,
        "tier": claim.tier,
        "expects": [expectation.text for expectation in claim.expects],
    }


def _record(record: Record) -> dict[str, Any]:
    content = record.content
    return {
        "date": record.date,
        "verdict": record.verdict,
        "versions": content.get("versions", {}),
        "processor": content.get("processor", ""),
        "fingerprint": record.fingerprint,
        "claims": list(record.claims),
        "history": list(record.history),
    }


def _range(span: Range) -> dict[str, Any]:
    return {"low": span.low, "high": span.high, "scale": span.scale, "default": span.default}


def _plain(value: Any) -> Any:
    """A value as JSON has it; a text for what it has not."""
    if isinstance(value, float) and not math.isfinite(value):
        return repr(value)
    return value if value is None or isinstance(value, (bool, int, float, str)) else repr(value)
