"""What each loss can be used with, cell by cell, each cell tested: `python -m minimand.testing.capabilities`.

A cell is no claim of its own: it says whether the promise behind it is kept, or why it is not given. The common tests
compare every cell of the committed table with what they find.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from minimand.contracts.card import Card
from minimand.contracts.catalogue import cards
from minimand.testing.loss import keep, loss_promises
from minimand.testing.promises.subject import SkippedPromise, Subject

COLUMNS: Mapping[str, str] = {
    "float64": "fits_in_float64",
    "float32": "fits_in_float32",
    "bfloat16": "fits_in_bfloat16",
    "float16": "fits_in_float16",
    "autocast": "autocast_changes_nothing",
    "torch.compile": "compiles",
    "vmap": "vmaps",
    "forward AD": "forward_derivative_is_right",
    "double backward": "second_gradient_is_right",
    "soft targets": "takes_soft_targets",
    "multi-label": "unknown_labels_are_absent",
    "weights": "weight_two_is_the_row_twice",
    "ignored targets": "ignored_rows_are_absent",
    "unequal shards": "shards_add_up",
}
"""Column -> the promise that is kept where the cell says yes."""

YES = "yes"
LABELS_ARE_SHARES = "its labels are numbers from 0 to 1, each by itself, and no class probabilities"
"""Why a loss of several labels a row takes no soft targets: what they are for, its labels say already."""
INTRODUCTION = """# What each loss works with

Each cell is a promise that the common tests check for this very loss; the numbers below the table say why some are not
given. *Float* columns: value and gradient are finite exactly when the float64 ones fit, over scores from denormal to
the largest number, at the default and at both ends of every search range. *Autocast*: the same value with and without.
*Soft targets*: class probabilities, of which those of a row sum to one, in place of a class. *Unequal shards*: sums and
counts over parts of unequal size, as data-parallel ranks or accumulated batches have them, give the mean of the whole.
Written by `python -m minimand.testing.capabilities`.
"""


def capabilities(card: Card) -> dict[str, str]:
    """Column -> "yes", or the reason why the promise behind it is not given.

    Raises:
        AssertionError: a promise is broken.
    """
    promises = loss_promises()
    subject = Subject.of(card.component)
    found = {}
    for column, name in COLUMNS.items():
        try:
            keep(promises[name], subject, card.exempt)
        except SkippedPromise as reason:
            by_labels = column == "soft targets" and subject.takes_labels
            found[column] = LABELS_ARE_SHARES if by_labels else str(reason)
        else:
            found[column] = YES
    return found


def page(found: Mapping[str, Mapping[str, str]]) -> str:
    """The table in Markdown, with the reasons as notes below.

    Args:
        found: id of a loss -> what `capabilities` gave.
    """
    reasons = list(dict.fromkeys(cell for row in found.values() for cell in row.values() if cell != YES))
    lines = ["| loss | " + " | ".join(COLUMNS) + " |", "| --- |" + " :-: |" * len(COLUMNS)]
    for name, row in found.items():
        cells = [YES if row[c] == YES else f"no ({reasons.index(row[c]) + 1})" for c in COLUMNS]
        lines.append(f"| `{name.partition(':')[2]}` | " + " | ".join(cells) + " |")
    notes = [f"{number}. {reason[0].upper()}{reason[1:]}." for number, reason in enumerate(reasons, 1)]
    return "\n".join([INTRODUCTION, *lines, "", *notes]) + "\n"


def main(arguments: Sequence[str]) -> int:
    """Write the table to docs/capabilities.json and docs/capabilities.md, below the folder that is given."""
    if len(arguments) > 1:
        sys.stderr.write("usage: python -m minimand.testing.capabilities [docs]\n")
        return 2
    folder = Path(arguments[0]) if arguments else Path("docs")
    found = {card.id: capabilities(card) for card in cards("loss")}
    (folder / "capabilities.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    (folder / "capabilities.md").write_text(page(found), encoding="utf-8")
    sys.stdout.write(f"wrote {folder / 'capabilities.md'}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
