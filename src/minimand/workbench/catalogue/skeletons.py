"""`minimand new`: the skeletons of a component, its test and its claim, at one path in three trees.

They can be imported, and show up in the catalogue at once; until they are written, whatever calls them fails with a
sentence that says so, and so does their test.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from minimand.contracts.catalogue import known_words
from minimand.errors import InputError
from minimand.whole_files import write_atomically
from minimand.workbench.catalogue.meaning import nearest

REFUSED_NAMES = frozenset({"utils", "common", "misc", "core", "base", "helpers"})
PACKAGE_FILE = '"""{title}."""\n'


@dataclass(frozen=True)
class Skeleton:
    """What is written, by the kind of the component."""

    suffix: str
    component: str
    test: str
    claim: str


def new(path: str, *, name: str | None = None, root: Path | None = None) -> tuple[Path, ...]:
    """Write the three skeletons, and the package files of a new room; returns what was written.

    Args:
        path: role, room and name, such as `losses.noisy.elr`.
        name: how the class is spelled, such as `ELR`; None writes `Elr`.
        root: the source checkout; None is the one that this package runs from.

    Raises:
        InputError: not in a source checkout, an unknown role, a bad name, or something of that name exists.
        OSError: the disk.
    """
    root = _checkout() if root is None else root
    role, room, stem = _parts(path)
    skeleton = SKELETONS[role]
    spelled = "".join(part.capitalize() for part in stem.split("_")) if name is None else name
    if not re.fullmatch(r"[A-Z][A-Za-z0-9]*", spelled):
        raise InputError(f"--name must be letters and digits with a capital first, such as ELR, got {spelled!r}")
    words = {
        "stem": stem,
        "class_name": f"{spelled}Loss",
        "function": f"{stem}_{skeleton.suffix}",
        "slug": stem.replace("_", "-"),
        "title": stem.replace("_", " ").capitalize(),
        "key": f"author2000{stem.replace('_', '')}",
        "constant": "PAPER",
        "path": f"{role}/{room}/{stem}",
        "claims": f"claims/{role}/{room}/{stem}.py",
    }
    package = root / "src" / "minimand"
    wanted = {
        package / role / room / f"{stem}.py": skeleton.component,
        root / "tests" / role / room / f"test_{stem}.py": skeleton.test,
        package / "claims" / role / room / f"{stem}.py": skeleton.claim,
    }
    for file in wanted:
        if file.exists():
            raise InputError(f"{file.relative_to(root)} exists: choose another name, or edit that file")
    _refuse_taken(words)
    files = {file: _filled(template, words) for file, template in wanted.items()}
    for folder in (package / role / room, package / "claims" / role, package / "claims" / role / room):
        if not (folder / "__init__.py").exists():
            files[folder / "__init__.py"] = PACKAGE_FILE.format(title=folder.name.replace("_", " ").capitalize())
    for file, text in files.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(file, text)
    return tuple(file.relative_to(root) for file in wanted)


def _checkout() -> Path:
    import minimand

    package = Path(minimand.__file__).parent
    if package.parent.name != "src" or not (package.parents[1] / "pyproject.toml").is_file():
        raise InputError(f"`minimand new` writes into a source checkout only, and {package} does not lie in one")
    return package.parents[1]


def _parts(path: str) -> tuple[str, str, str]:
    parts = path.replace("/", ".").split(".")
    if len(parts) != 3:
        raise InputError(f"the path must be role, room and name, such as losses.noisy.elr, got {path!r}")
    role, room, stem = parts
    if role not in SKELETONS:
        hint = nearest(role, SKELETONS)
        known = ", ".join(sorted(SKELETONS))
        raise InputError(f"there is no role {role!r}: " + (hint if hint.startswith("did") else f"there are {known}"))
    for part in (room, stem):
        if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", part) or keyword.iskeyword(part):
            raise InputError(f"{part!r} must be words in small letters joined by underscores, such as label_smoothing")
        if part in REFUSED_NAMES:
            raise InputError(f"{part!r} says nothing: name the file after its method, or after the idea it holds")
    suffix = SKELETONS[role].suffix
    if stem.endswith(f"_{suffix}") or stem == suffix:
        raise InputError(f"leave the ending out of {stem!r}: `_{suffix}` is added to the function")
    return role, room, stem


def _refuse_taken(words: dict[str, str]) -> None:
    known = set(known_words())
    for word in (words["function"], words["class_name"], words["slug"]):
        if word in known:
            raise InputError(f"the name {word} is taken: `minimand show {word}` says by what")


def _filled(template: str, words: dict[str, str]) -> str:
    """The template with its @words@; braces and percent signs stand for themselves."""
    replace: Callable[[re.Match[str]], str] = lambda found: words[found[1]]  # noqa: E731 - it has a type so
    return re.sub(r"@(\w+)@", replace, template)


LOSS = '''"""@title@: one sentence on what it is for."""

from __future__ import annotations

from torch import Tensor

from minimand.contracts.card import Paper, Task
from minimand.contracts.loss import LossModule, Reduction, dense, loss, row_loss
from minimand.contracts.rows import RowStatistics, softmax

@constant@ = Paper(key="@key@", title="The title of the paper", authors="Its authors", year=2000)


@row_loss(needs={"log_p_target"})
def @stem@_row(stats: RowStatistics) -> Tensor:
    raise NotImplementedError("@function@ is not written yet: its formula belongs into @path@.py")


@loss(
    @constant@,
    slug="@slug@",
    row=@stem@_row,
    tasks={Task.BINARY, Task.MULTICLASS},
    probabilities=softmax,
    when="Not written yet: one sentence.",
    drawback="Not written yet: one sentence.",
)
def @function@(
    logits: Tensor,
    target: Tensor,
    /,
    *,
    sample_weight: Tensor | None = None,
    ignore_index: int | None = None,
    reduction: Reduction = "mean",
) -> Tensor:
    r"""@title@, $formula$.

    What it does, and then why.

    Args:
        logits: `(N, K)`, any real values; half precision is computed in float32.
        target: `(N,)`, integers in `[0, K)`.
        sample_weight: `(N,)`, nonnegative; weight 2 is the row twice, weight 0 the row absent.
        ignore_index: rows with this target count as absent.
        reduction: `"none"` gives `(N,)`; `"sum"` and `"mean"` a scalar; a mean over nothing is 0.

    Raises:
        ValueError: shapes that do not fit.
        TypeError: dtypes that do not fit.

    Reference:
        Where the paper says it: equation, section.
    """
    return dense(
        @stem@_row, logits, target, sample_weight=sample_weight, ignore_index=ignore_index, reduction=reduction
    )


class @class_name@(LossModule, fn=@function@):
    """Module form of `@function@`."""
'''

LOSS_TEST = '''"""@title@ against references that come by a second road."""

from __future__ import annotations

import torch

from minimand.losses import @function@


def test_value_by_hand():
    logits = torch.tensor([[0.0, 0.0]], dtype=torch.float64)
    value = @function@(logits, torch.tensor([1]))
    by_hand = float("nan")  # not written yet: compute it on paper
    torch.testing.assert_close(value, torch.tensor(by_hand, dtype=torch.float64))
'''

LOSS_CLAIM = '''"""What @title@ claims, and the small experiment that tests it."""

from __future__ import annotations

from minimand.contracts.claim import AtMost, property_claim
from minimand.losses import @function@


@property_claim(
    of=@function@,
    says="Not written yet: the one sentence that is tested.",
    where="Not written yet: where the paper says it.",
    gap="Not written yet: what the small experiment leaves out.",
    expects=AtMost(0.0),
)
def is_written(seed: int, *, broken: bool = False) -> float:
    raise NotImplementedError("this claim is not written yet: its experiment belongs into @claims@")
'''

METRIC = '''"""@title@: one sentence on what it judges."""

from __future__ import annotations

from torch import Tensor

from minimand.contracts.card import Paper, Task
from minimand.contracts.metric import checked_prediction, metric

@constant@ = Paper(key="@key@", title="The title of the paper", authors="Its authors", year=2000)


@metric(
    @constant@,
    slug="@slug@",
    takes="scores",
    higher_is_better=True,
    best=1.0,
    tasks={Task.BINARY, Task.MULTICLASS},
    when="Not written yet: one sentence.",
    drawback="Not written yet: one sentence.",
)
def @function@(pred: Tensor, target: Tensor, /, *, sample_weight: Tensor | None = None) -> Tensor:
    r"""@title@, $formula$.

    What it does, and then why.

    Args:
        pred: `(N, K)`, scores that rank the classes.
        target: `(N,)`, integers in `[0, K)`.
        sample_weight: `(N,)`, nonnegative; weight 2 is the row twice, weight 0 the row absent.

    Raises:
        ValueError: shapes or values that do not fit, or no row of positive weight.
        TypeError: dtypes that do not fit.

    Reference:
        Where the paper says it: equation, section.
    """
    pred, target, sample_weight = checked_prediction(pred, target, sample_weight, takes="scores")
    raise NotImplementedError("@function@ is not written yet: its formula belongs into @path@.py")
'''

METRIC_TEST = '''"""@title@ against references that come by a second road."""

from __future__ import annotations

import torch

from minimand.evaluation import @function@


def test_value_by_hand():
    scores = torch.tensor([[2.0, 1.0], [0.0, 1.0], [3.0, 1.0]])
    value = @function@(scores, torch.tensor([0, 1, 1]))
    by_hand = float("nan")  # not written yet: compute it on paper
    assert float(value) == by_hand
'''

METRIC_CLAIM = LOSS_CLAIM.replace("minimand.losses", "minimand.evaluation")

SKELETONS = {
    "losses": Skeleton("loss", LOSS, LOSS_TEST, LOSS_CLAIM),
    "evaluation": Skeleton("metric", METRIC, METRIC_TEST, METRIC_CLAIM),
}
