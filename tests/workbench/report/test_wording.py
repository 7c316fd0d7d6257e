"""Names made safe, and numbers as people read them."""

from __future__ import annotations

import math

import pytest

from minimand.workbench.report import wording
from minimand.workbench.report.wording import cells, cleaned, printable, scale_of, shorten


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain name", "plain name"),
        ("\x1b[31mred", "␛[31mred"),
        ("bell\x07", "bell␇"),
        ("nul\x00", "nul␀"),
        ("del\x7f", "del␡"),
        ("csi\x9b31m", "csi␡31m"),
        ("a\r\nb\tc", "a b c"),
        ("\u202egnp.exe", "[U+202E]gnp.exe"),
        ("zero\u200bwidth", "zero[U+200B]width"),
        ("half \ud800 a pair", "half \ufffd a pair"),
        ("\ufeffmark", "[U+FEFF]mark"),
        ("👩‍👩‍👧 שלום 噪声", "👩‍👩‍👧 שלום 噪声"),
    ],
)
def test_nothing_that_acts_is_left_in_a_name(text: str, shown: str) -> None:
    assert printable(text) == shown
    printable(text).encode("utf-8")


def test_lines_are_kept_where_they_are_wanted() -> None:
    assert printable("a\r\n\tb", lines=True) == "a\n\tb"


def test_cleaning_reaches_keys_and_numbers() -> None:
    dirty = {"k\x1b": ["\x07", {"x": math.nan, "y": math.inf, "z": 1.5}], "n": None, "b": True}
    assert cleaned(dirty) == {"k␛": ["␇", {"x": None, "y": None, "z": 1.5}], "n": None, "b": True}


@pytest.mark.parametrize("text", ["short", "n" * 300, "噪声" * 30, "🙂" * 30, "a b\nc" * 20, "e\u0301" * 40])
def test_shortened_text_fits(text: str) -> None:
    short = shorten(text, 20)
    assert cells(short) <= 20
    assert "\n" not in short
    assert short == text or short.endswith("…")


def test_shares_are_percentages_and_losses_are_not() -> None:
    assert scale_of("accuracy").mean_sd(0.85314, 0.00416) == "85.31 ± 0.42"
    assert scale_of("accuracy").gap(-0.00624) == "−0.62"
    assert scale_of("accuracy").gap(-0.000001) == "0.00"
    assert scale_of("accuracy").interval([-0.001, 0.0123]) == "[−0.10, +1.23]"
    assert scale_of("log-loss").value(0.31337) == "0.3134"
    assert scale_of("accuracy").mean_sd(0.85, None) == "85.00"
    assert scale_of("accuracy").mean_sd(None, None) == "–"


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: wording.p_value(0.0004), "< 0.001"),
        (lambda: wording.p_value(0.0344), "0.034"),
        (lambda: wording.share(0.0), "0\u00a0%"),
        (lambda: wording.share(0.001), "< 1\u00a0%"),
        (lambda: wording.share(0.999), "> 99\u00a0%"),
        (lambda: wording.share(0.934), "93\u00a0%"),
        (lambda: wording.count(32561), "32,561"),
        (lambda: wording.count(None), "–"),
        (lambda: wording.heading(wording.metric_title("macro-f1")), "Macro-F1"),
        (lambda: wording.metric_title("balanced-accuracy"), "balanced accuracy"),
        (lambda: wording.setting(0.0031234), "0.00312"),
        (lambda: wording.setting(1e-5), "1e−5"),
        (lambda: wording.setting("cosine"), "cosine"),
        (lambda: wording.duration(3.14), "3.1 s"),
        (lambda: wording.duration(250), "4 min 10 s"),
        (lambda: wording.duration(59.7), "1 min"),
        (lambda: wording.duration(7500), "2 h 5 min"),
        (lambda: wording.plural(1, "resample"), "1 resample"),
        (lambda: wording.plural(1200, "row"), "1,200 rows"),
    ],
)
def test_numbers_in_words(call: object, text: str) -> None:
    assert callable(call)
    assert call() == text
