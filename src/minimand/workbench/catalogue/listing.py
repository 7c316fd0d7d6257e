"""`minimand list`: every component with its claim, or that of its method, and the recorded verdict."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from minimand.contracts.card import Card
from minimand.contracts.catalogue import all_cards, cards, twin_name
from minimand.errors import InputError
from minimand.workbench.catalogue.meaning import nearest
from minimand.workbench.verify.record import recorded
from minimand.workbench.verify.scope import claim_file_of

COLUMNS = ("slug", "name", "room", "kind", "verdict", "title")


def entries(*, room: str | None = None, kind: str | None = None) -> list[dict[str, Any]]:
    """One object a component, in the order of their ids.

    Args:
        room: only this room or role, such as `losses.noisy` or `losses`.
        kind: only this kind.

    Raises:
        InputError: there is no such room or kind, with the nearest names.
    """
    rooms = {card.room for card in all_cards()}
    rooms |= {name.partition(".")[0] for name in rooms}
    kinds = {card.kind for card in all_cards()}
    if room is not None:
        room = room.strip("/").replace("/", ".")
        if room not in rooms:
            raise InputError(f"there is no room {room!r}: {_or_all(room, rooms)}")
    if kind is not None and kind not in kinds:
        raise InputError(f"there is no kind {kind!r}: {_or_all(kind, kinds)}")
    return [entry(card) for card in cards(kind, room=room)]


def entry(card: Card) -> dict[str, Any]:
    """What `minimand list --json` says of a component.

    The claim is the first of its own; where the method has none of this component, the first of the method, of which
    `claim_of` says whose it is.
    """
    file = claim_file_of(card)
    claims = () if file is None else file.claims()
    claim = next((claim for claim in claims if claim.card.id == card.id), claims[0] if claims else None)
    record = recorded(card)
    measured = None if record is None or claim is None else record.entry(claim.name)
    return {
        "id": card.id,
        "path": card.path,
        "slug": card.slug,
        "name": card.name,
        "module": twin_name(card) or None,
        "title": card.title,
        "room": card.room,
        "kind": card.kind,
        "tasks": sorted(map(str, card.tasks)),
        "traits": sorted(map(str, card.traits)),
        "claim": None if claim is None else claim.says,
        "claim_of": None if claim is None else claim.card.id,
        "verdict": None if measured is None else str(measured["verdict"]),
        "seeds_needed": None if measured is None else measured.get("seeds_needed"),
    }


def table(found: Sequence[dict[str, Any]], *, width: int | None = None) -> str:
    """The entries as aligned columns; on a terminal the titles give way to its width.

    Args:
        found: what `entries` gave.
        width: columns of the terminal; None asks it, and a pipe has no end.
    """
    if width is None:
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 10_000
    rows = [COLUMNS, *([_cell(item, column) for column in COLUMNS] for item in found)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(COLUMNS))]
    lines = ["  ".join(cell.ljust(size) for cell, size in zip(row, widths, strict=True)).rstrip() for row in rows]
    if widths and any(len(line) > width for line in lines):
        lines = [line if len(line) <= width else line[: max(width - 3, 1)] + "..." for line in lines]
    return "\n".join(lines)


def verdict(item: Mapping[str, Any]) -> str:
    """The verdict of an entry in words, with the name of the component that it is of if that is another one."""
    if item["claim"] is None:
        return "no claim"
    said = item["verdict"] or "not recorded"
    return said if item["claim_of"] == item["id"] else f"{said} (of {name_in(item['claim_of'])})"


def name_in(identity: str) -> str:
    """The name of a component in its id."""
    return identity.rpartition(":")[2]


def _cell(item: dict[str, Any], column: str) -> str:
    if column == "verdict":
        return verdict(item)
    if column == "name":
        return str(item["module"] or item["name"])
    return str(item[column])


def _or_all(wanted: str, known: set[str]) -> str:
    hint = nearest(wanted, known)
    return hint if hint.startswith("did") else f"there are {', '.join(sorted(known))}"
