"""The words and numbers of a report: names made safe to print, values in the unit in which people read them.

Names come from the data of a stranger (columns, classes, cells). They may hold terminal escape codes, right-to-left
overrides, lone surrogates or three hundred characters; every one passes through `printable` before it is shown.
"""

from __future__ import annotations

import functools
import math
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from minimand.contracts.card import Card
from minimand.contracts.catalogue import cards

NOTHING = "–"
MINUS = "−"

SHARES = frozenset(
    {
        "accuracy",
        "auroc",
        "average-precision",
        "balance-score",
        "balanced-accuracy",
        "calibration-error",
        "geometric-mean",
        "hamming-loss",
        "label-ranking-average-precision",
        "macro-average-precision",
        "macro-f1",
        "macro-jaccard",
        "macro-precision",
        "mean-average-precision",
        "multilabel-macro-f1",
        "multilabel-micro-f1",
        "subset-accuracy",
        "top-k-accuracy",
        "weighted-f1",
        "weighted-precision",
        "within-one-level-accuracy",
    }
)
LOWER_IS_BETTER = frozenset({"log-loss", "brier", "calibration-error", "balance-score"})
METRIC_TITLES = {
    "accuracy": "accuracy",
    "balanced-accuracy": "balanced accuracy",
    "macro-f1": "macro-F1",
    "log-loss": "log loss",
    "brier": "Brier score",
    "calibration-error": "calibration error",
    "auroc": "AUROC",
    "average-precision": "average precision",
    "balance-score": "balance score",
    "cohen-kappa": "Cohen's kappa",
    "geometric-mean": "G-mean",
    "macro-average-precision": "macro-average precision",
    "macro-jaccard": "macro-Jaccard",
    "macro-precision": "macro-precision",
    "matthews-correlation": "Matthews correlation",
    "top-k-accuracy": "top-2 accuracy",
    "weighted-f1": "weighted F1",
    "weighted-precision": "weighted precision",
}

# Joiners hold emoji and Persian words together; every other format character can disguise what a line says.
KEPT_FORMATS = frozenset("\u200c\u200d\u00ad")


def printable(text: object, *, lines: bool = False) -> str:
    """The text with every control and direction character made visible.

    Args:
        text: anything; `str` is taken of it.
        lines: whether line breaks and tabs are kept; otherwise they become spaces.
    """
    out: list[str] = []
    for character in str(text).replace("\r\n", "\n"):
        kind = unicodedata.category(character)
        if character in "\n\t\r":
            out.append(character.replace("\r", "\n") if lines else " ")
        elif kind == "Cc":
            # the control pictures: escape shows as one visible sign, and moves no cursor
            out.append(chr(0x2400 + ord(character)) if ord(character) < 32 else "\u2421")
        elif kind == "Cs" or (ord(character) & 0xFFFE) == 0xFFFE or 0xFDD0 <= ord(character) <= 0xFDEF:
            out.append("\ufffd")  # neither HTML nor XML may hold it
        elif (kind == "Cf" and character not in KEPT_FORMATS) or kind in ("Zl", "Zp"):
            out.append(f"[U+{ord(character):04X}]")
        else:
            out.append(character)
    return "".join(out)


def cleaned(value: Any) -> Any:
    """A copy of a JSON value in which every string, keys too, is `printable` and no number is infinite or NaN."""
    if isinstance(value, str):
        return printable(value, lines=True)
    if isinstance(value, Mapping):
        return {printable(key): cleaned(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [cleaned(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def cells(text: str) -> int:
    """How many columns of a fixed-width font the text takes, about."""
    total = 0
    for character in text:
        if unicodedata.combining(character) or unicodedata.category(character) in ("Cf", "Mn"):
            continue
        total += 2 if unicodedata.east_asian_width(character) in "WF" else 1
    return total


def shorten(text: str, width: int) -> str:
    """The text on one line, cut with an ellipsis to at most `width` columns."""
    text = " ".join(text.split())
    if cells(text) <= width:
        return text
    kept = text
    while kept and cells(kept) > width - 1:
        kept = kept[: min(len(kept) - 1, width)]
    return kept.rstrip() + "…"


@dataclass(frozen=True)
class Scale:
    """How the values of one metric are written: shares as percentages, others as they are.

    The raw value stays in results.json; percentages are what people say, and what "half a point" refers to. The errors
    of numbers may be of any size: they have so many significant digits, and their differences are percentages of the
    reference's value.

    Args:
        factor: from a value to what is written.
        digits: after the point; with `significant`, the number of digits that count.
        unit: of values.
        gap_unit: of differences.
        gap_factor: from a difference to what is written.
        gap_digits: after the point.
        significant: whether values have significant digits instead of a fixed number after the point.
    """

    factor: float
    digits: int
    unit: str
    gap_unit: str
    gap_factor: float
    gap_digits: int
    significant: bool = False

    def value(self, x: float | None) -> str:
        """One value, `85.31`."""
        return NOTHING if x is None else self._written(x * self.factor, like=x * self.factor)

    def spread(self, x: float | None) -> str:
        """A standard deviation, `0.42`."""
        return NOTHING if x is None else self._written(abs(x * self.factor), like=x * self.factor)

    def mean_sd(self, mean: float | None, sd: float | None) -> str:
        """`85.31 ± 0.42`, or the mean alone where nothing varied that could be measured."""
        if sd is None or mean is None:
            return self.value(mean)
        return f"{self.value(mean)} ± {self._written(sd * self.factor, like=mean * self.factor)}"

    def gap(self, x: float | None) -> str:
        """A difference with its sign, `+0.62`."""
        return NOTHING if x is None else signed(x * self.gap_factor, self.gap_digits, plus=True)

    def size(self, x: float | None) -> str:
        """The size of a difference, `0.62`."""
        return NOTHING if x is None else f"{abs(x) * self.gap_factor:.{self.gap_digits}f}"

    def interval(self, bounds: list[float] | tuple[float, float] | None) -> str:
        """`[+0.21, +1.03]`."""
        return NOTHING if bounds is None else f"[{self.gap(bounds[0])}, {self.gap(bounds[1])}]"

    def of_gaps(self) -> Scale:
        """The scale of differences, as one on which an axis is drawn."""
        return replace(self, factor=self.gap_factor, digits=self.gap_digits, unit=self.gap_unit, significant=False)

    def _written(self, x: float, *, like: float) -> str:
        if not self.significant:
            return signed(x, self.digits)
        size = abs(like)
        if size and not 1e-4 <= size < 1e7:
            return f"{x:.{self.digits - 1}e}".replace("-", MINUS)
        places = self.digits - 1 - math.floor(math.log10(size)) if size else self.digits
        return signed(x, max(0, places))


def scale_of(metric: str) -> Scale:
    """The scale on which a metric is written, by the metric's name; an unknown metric is written raw."""
    if metric in SHARES:
        return Scale(100.0, 2, "%", "points", 100.0, 2)
    card = _card(metric)
    if card is not None and card.facts["relative"]:
        return Scale(1.0, 4, "", "%", 100.0, 2, significant=True)
    return Scale(1.0, 4, "", "", 1.0, 4)


def metric_title(metric: str) -> str:
    """What a metric is called inside a sentence: `balanced accuracy`, `macro-F1`."""
    card = _card(metric)
    if metric in METRIC_TITLES or card is None:
        return METRIC_TITLES.get(metric, metric)
    first = card.title.partition(" ")[0]
    keeps = sum(letter.isupper() or letter.isdigit() for letter in first) > 1
    return card.title if keeps else card.title[:1].lower() + card.title[1:]


def lower_is_better(metric: str) -> bool:
    """Whether a smaller value of a metric is the better one."""
    card = _card(metric)
    return metric in LOWER_IS_BETTER if card is None else not card.facts["higher_is_better"]


@functools.cache
def _card(metric: str) -> Card | None:
    """What a metric of the catalogue says of itself; None for one that is not there, as in other versions."""
    return next((card for card in cards("metric") if card.slug == metric), None)


def heading(text: str) -> str:
    """A name as it opens a heading or a sentence; only its first letter changes, `AUROC` stays."""
    return text[:1].upper() + text[1:]


def signed(x: float, digits: int, *, plus: bool = False) -> str:
    """A number with a true minus sign; what rounds to zero carries no sign."""
    text = f"{abs(x):.{digits}f}"
    if float(text) == 0.0:
        return text
    return (MINUS if x < 0 else "+" if plus else "") + text


def p_value(p: float | None) -> str:
    """`0.034`, or `< 0.001`."""
    if p is None:
        return NOTHING
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def share(x: float | None) -> str:
    """A share as a whole percentage; only exact 0 and 1 are written 0 % and 100 %."""
    if x is None:
        return NOTHING
    if 0 < x < 0.005:
        return "< 1\u00a0%"
    if 0.995 <= x < 1:
        return "> 99\u00a0%"
    return f"{100 * x:.0f}\u00a0%"


def count(n: float | None) -> str:
    """A whole number in groups of three, `32,561`."""
    return NOTHING if n is None else f"{n:,.0f}"


def setting(x: object) -> str:
    """A hyperparameter's value in three digits: `0.00312`, `1e-5`."""
    if isinstance(x, bool) or not isinstance(x, int | float):
        return NOTHING if x is None else str(x)
    text = f"{x:.3g}"
    if "e" in text:
        mantissa, exponent = text.split("e")
        text = f"{mantissa}e{int(exponent)}"
    return text.replace("-", MINUS)


def duration(seconds: float | None) -> str:
    """`48 s`, `4 min 10 s`, `2 h 5 min`."""
    if seconds is None:
        return NOTHING
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s" if whole % 60 else f"{whole // 60} min"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def plural(n: int, noun: str) -> str:
    """`1 resample`, `10 resamples`."""
    return f"{count(n)} {noun}{'' if n == 1 else 's'}"
