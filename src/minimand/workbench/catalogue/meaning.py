"""Which component a word on the command line means."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from minimand.contracts.card import Card
from minimand.contracts.catalogue import find, known_words
from minimand.errors import InputError
from minimand.workbench.verify.scope import claim_file_of


def the_card(what: str) -> Card:
    """The one component that a slug, id, path or name means; of a method with several that of its first claim.

    Raises:
        InputError: nothing is called so (with the nearest names), or several components are (with the candidates).
    """
    found = find(what)
    if not found:
        raise InputError(f"nothing is called {what!r}: {nearest(what, known_words())}")
    if len(found) > 1 and all(what == card.slug for card in found):
        # the method as a whole is meant: the component of its first claim stands for it, and names the others
        file = claim_file_of(found[0])
        claims = () if file is None else file.claims()
        return next((card for claim in claims for card in found if card.id == claim.card.id), found[0])
    if len(found) > 1 and all(what in card.also_known_as for card in found):
        # a name that several methods have taken: their titles tell them apart, which ids alone do not.
        *others, last = (f"{card.title} ({card.id})" for card in found)
        meanings = f"{', '.join(others)} or {last}"
        raise InputError(f"{what!r} is a name of several things: it may mean {meanings}; give the id")
    if len(found) > 1:
        candidates = ", ".join(card.id for card in found)
        raise InputError(f"{what!r} is ambiguous: it may be {candidates}; give the id")
    return found[0]


def nearest(wanted: str, known: Iterable[str]) -> str:
    """The end of a sentence about an unknown word: the known ones that are near it, or where to look."""
    folded: dict[str, str] = {}
    for word in sorted(known):
        folded.setdefault(word.casefold(), word)
    near = difflib.get_close_matches(wanted.casefold(), list(folded), n=3, cutoff=0.5)
    if near:
        return f"did you mean {' or '.join(folded[word] for word in near)}?"
    return "`minimand list` shows what there is"
