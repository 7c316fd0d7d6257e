"""Which tests are asked: those of the file at its own path, and the common ones of its component.

A selection is a list of test files and a list of words for `-k`, of which a test must hold one (the name of its file
is one of its words), so that the selections of several mutants can be put together into one run.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from mutants.mutant import PACKAGE, ROOT

COMMON = {
    "losses": "tests/contracts/test_losses.py",
    "evaluation": "tests/contracts/test_metrics.py",
    "heads/probability": "tests/contracts/test_probability_maps.py",
    "heads": "tests/contracts/test_heads.py",
}
"""The file with the common tests of each role, or of a room of it."""

# Files that carry no card: the tests at another path, and a few components that lean on them.
CROSS_ENTROPY = "losses.classification.cross_entropy:"
RULES_OF_CLAIMS = ("test_interval_", "test_verdict_", "test_seeds_that", "test_switched_off_arm", "test_all_that_is")
LEANING: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "contracts/loss.py": (
        ("tests/contracts/test_loss_modules.py", "tests/contracts/test_losses.py"),
        # both files ask each loss by its id
        (CROSS_ENTROPY, "losses.classification.label_smoothing:", "losses.noisy.elr:"),
    ),
    "contracts/reduction.py": (
        ("tests/contracts/test_loss_modules.py", "tests/contracts/test_losses.py"),
        (CROSS_ENTROPY, "losses.classification.label_smoothing:", "losses.noisy.elr:"),
    ),
    "contracts/rows.py": (
        ("tests/contracts/test_rows.py", "tests/contracts/test_losses.py"),
        ("test_rows.py", CROSS_ENTROPY, "losses.classification.label_smoothing:"),
    ),
    "contracts/labels.py": (("tests/contracts/test_labels.py",), ("test_labels.py",)),
    "contracts/arguments.py": (("tests/contracts/test_arguments.py",), ("test_arguments.py",)),
    "contracts/metric.py": (("tests/contracts/test_metrics.py",), ("test_promise[accuracy-", "test_promise[brier-")),
    "contracts/verdict.py": (("tests/contracts/test_claims.py",), RULES_OF_CLAIMS),
    "contracts/claim.py": (("tests/contracts/test_claims.py",), RULES_OF_CLAIMS),
    "losses/sample_memory.py": (
        ("tests/losses/test_sample_memory.py", "tests/contracts/test_losses.py"),
        ("test_sample_memory.py", "losses.noisy.elr:"),
    ),
    "training/early_stopping.py": (("tests/training/test_fit.py",), ("test_fit.py",)),
    "training/seeds.py": (("tests/training/test_fit.py",), ("test_fit.py",)),
}


@dataclass(frozen=True)
class Selection:
    """Test files, and the words of which a test must hold one."""

    files: tuple[str, ...]
    words: tuple[str, ...]

    @property
    def arguments(self) -> list[str]:
        """What pytest is called with."""
        return [*self.files, *(["-k", " or ".join(self.words)] if self.words else [])]

    def __or__(self, other: Selection) -> Selection:
        """Whatever one of the two selects, in a fixed order."""
        return Selection(
            tuple(sorted({*self.files, *other.files})),
            tuple(sorted({*self.words, *other.words})),
        )


def selection_for(file: str, tests: tuple[str, ...] = ()) -> Selection:
    """The tests that are asked of a change of this file.

    Raises:
        ValueError: there are none.
    """
    if tests:
        return _whole(tests)
    if file in LEANING:
        return Selection(*LEANING[file])
    folder, _, name = file.rpartition("/")
    own = f"tests/{folder}/test_{name}"
    files = (own,) if (ROOT / own).is_file() else ()
    words = tuple(Path(found).name for found in files)
    role = folder.split("/")[0]
    common_file = COMMON.get(folder) or COMMON.get(role, "")
    slugs = re.findall(r'^\s+slug="([^"]+)"', (PACKAGE / file).read_text(encoding="utf-8"), flags=re.MULTILINE)
    if slugs and common_file and (ROOT / common_file).is_file():
        files = (*files, common_file)
        # components are called by their id in the common tests, metrics by their slug
        ids = f"{file.removesuffix('.py').replace('/', '.')}:"
        words = (*words, *((f"test_promise[{slug}-" for slug in slugs) if role == "evaluation" else (ids,)))
    if not files:
        raise ValueError(f"there are no tests for {file}: name them in the mutant")
    return Selection(files, words)


def _whole(files: tuple[str, ...]) -> Selection:
    return Selection(files, tuple(Path(name).name for name in files))
