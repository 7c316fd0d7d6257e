"""Which claim files a word means: a slug, an id, a path, a name or a room."""

from __future__ import annotations

import difflib
import importlib
import importlib.util
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from minimand.contracts.card import Card
from minimand.contracts.catalogue import all_cards, cards, find, known_words
from minimand.contracts.claim import Claim, claims_in
from minimand.errors import InputError

CLAIMS = "minimand.claims"


@dataclass(frozen=True)
class ClaimFile:
    """The file with the claims of one method, at the path of one of its components, and the record beside it."""

    path: str
    """Such as `losses/noisy/gce`."""
    package: str = CLAIMS

    @property
    def module(self) -> str:
        return f"{self.package}.{self.path.replace('/', '.')}"

    @property
    def source(self) -> Path:
        return _folder(self.package) / f"{self.path}.py"

    @property
    def record(self) -> Path:
        return _folder(self.package) / f"{self.path}.json"

    def claims(self) -> tuple[Claim, ...]:
        """The claims in their order; the first is the headline."""
        return claims_in(importlib.import_module(self.module))


def claim_file_of(card: Card, *, package: str = CLAIMS) -> ClaimFile | None:
    """The claim file of the method that a component belongs to; None where there is none yet.

    Several components may belong to one method, which has one claim file, at the path of one of them.
    """
    for path in dict.fromkeys(c.path for c in (card, *all_cards()) if c.slug == card.slug):
        file = ClaimFile(path, package)
        if file.source.is_file():
            return file
    return None


def claim_files(what: Sequence[str] = (), *, all: bool = False, package: str = CLAIMS) -> tuple[ClaimFile, ...]:
    """The claim files that some words mean, or all of them, in the order of their paths.

    Raises:
        InputError: neither words nor `all`, a word that means nothing or several things, or a method without claims.
    """
    if all:
        if what:
            raise InputError(f"give --all or names ({', '.join(what)}), not both")
        return _all_files(package)
    if not what:
        raise InputError("say what to verify: a slug, id, path, name or room, or --all; `minimand list` shows them")
    found = {file.path: file for word in what for file in _files_of(word, package)}
    return tuple(found[path] for path in sorted(found))


def _all_files(package: str) -> tuple[ClaimFile, ...]:
    root = _folder(package)
    paths = sorted(
        file.relative_to(root).with_suffix("").as_posix()
        for file in root.rglob("*.py")
        if not file.name.startswith("_") and file.relative_to(root).parts[0] != "tasks"
    )
    return tuple(ClaimFile(path, package) for path in paths)


def _files_of(word: str, package: str) -> Iterable[ClaimFile]:
    known = cards_meant_by(word)
    files = [(card, claim_file_of(card, package=package)) for card in known]
    with_claims = [file for _, file in files if file is not None]
    if not with_claims:
        raise InputError(f"{word} has no claim yet: its file would be claims/{known[0].path}.py")
    return with_claims


def cards_meant_by(word: str) -> tuple[Card, ...]:
    """The components that a slug, id, path or name means, or those of a room.

    Raises:
        InputError: nothing is called so (with the nearest names), or several methods are (with the candidates).
    """
    room = cards(room=word.strip("/").replace("/", "."))
    found = find(word)
    if not found and room:
        return room
    if not found:
        rooms = {card.room for card in all_cards()}
        near = difflib.get_close_matches(word, sorted({*known_words(), *rooms}), n=3, cutoff=0.5)
        hint = f"did you mean {', '.join(near)}" if near else "`minimand list` shows what there is"
        raise InputError(f"nothing is called {word!r}: {hint}")
    if len({card.slug for card in found}) > 1:
        raise InputError(f"{word!r} is ambiguous: it may be {', '.join(card.id for card in found)}; give the id")
    return found


def _folder(package: str) -> Path:
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise InputError(f"there is no package {package}")
    return Path(next(iter(spec.submodule_search_locations)))
