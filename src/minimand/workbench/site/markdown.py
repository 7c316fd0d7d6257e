"""Markdown from docstrings and cards: formulas as MathML, which browsers draw without any script from elsewhere."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence
from xml.etree import ElementTree

from minimand.extras import require

# A formula ends in its paragraph.
_MATH = re.compile(r"\$\$((?:(?!\n\s*\n).)+?)\$\$|\$((?:(?!\n\s*\n).)+?)\$", re.DOTALL)
_CODE = re.compile(r"(`[^`]*`)")
# What stays as it is in a page that is Markdown already: code, in blocks and in lines, and comments.
_KEPT = re.compile(
    r"(^[ ]*```.*?^[ ]*```[ ]*$|(?<=\n\n)[ ]{4}[^\n]*(?:\n[ ]{4}[^\n]*)*|<!--.*?-->|`+[^`]*`+)",
    re.MULTILINE | re.DOTALL,
)
# A word or a few between single asterisks are emphasis; any other asterisk is one.
_EMPHASIS = re.compile(r"(?<![\w*])\*(\w(?:[\w '-]*\w)?)\*(?![\w*])")

MATHML = "http://www.w3.org/1998/Math/MathML"
_THIN_SPACE = "0.167em"
_APPLIED = "\u2061"
_OPENING = frozenset("([{|\u2016\u2308\u230a\u27e8")
_CLOSING = frozenset(")]}\u2309\u230b\u27e9!")


def with_formulas(text: str) -> str:
    """A text of a docstring in Markdown, its formulas as MathML and everything else safe to show.

    Args:
        text: with formulas between dollar signs, code between backticks and emphasis between asterisks.
    """
    # one line a paragraph or item: a formula that begins a line would be taken for a block of HTML.
    text = re.sub(r"(?<!\n)\n(?![\n]|[ ]*[-*] )", " ", text)
    parts: list[str] = []
    for piece in _CODE.split(text):
        if piece.startswith("`"):
            parts.append(piece)
            continue
        place = 0
        for found in _MATH.finditer(piece):
            parts.append(_plain(piece[place : found.start()]))
            parts.append(_formula(found))
            place = found.end()
        parts.append(_plain(piece[place:]))
    return "".join(parts)


def formulas_drawn(page: str) -> str:
    """A page of Markdown with its formulas as MathML, and everything else as it was.

    Args:
        page: as it was written by hand; formulas stand between dollar signs, outside code.

    Raises:
        ValueError: a formula cannot be converted.
    """
    pieces = _KEPT.split(page)
    return "".join(_MATH.sub(_formula, piece) if place % 2 == 0 else piece for place, piece in enumerate(pieces))


def mathml(latex: str, *, block: bool = False) -> str:
    """A formula as MathML.

    Raises:
        ValueError: it is no LaTeX that can be converted.
    """
    converter = require("latex2mathml.converter", extra="docs")
    try:
        known = re.sub(r"\\arg(?![a-zA-Z])", r"\\mathrm{arg}", " ".join(latex.split()))  # the one it lacks
        found: str = converter.convert(known, display="block" if block else "inline")
    except Exception as error:  # the library raises a class of its own for each mistake
        raise ValueError(f"the formula {latex!r} cannot be converted: {type(error).__name__} {error}") from error
    if "\\" in found:  # a command that the library does not know is shown as it is written
        raise ValueError(f"the formula {latex!r} cannot be converted: it uses an unknown command")
    found = _spaced(found)
    return found if block else f'<span class="formula">{found}</span>'


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; the cells are Markdown already."""
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    lines += ["| " + " | ".join(_cell(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def link(text: str, target: str) -> str:
    """A link to another page."""
    return f"[{text}]({target})"


def _formula(found: re.Match[str]) -> str:
    return mathml(found[1] or found[2], block=found[1] is not None)


# --- Spaces round the names of functions -------------------------------------------------------------------------


def _spaced(formula: str) -> str:
    """The formula with the names of its functions set apart from what they are applied to, as TeX does."""
    ElementTree.register_namespace("", MATHML)
    root = ElementTree.fromstring(formula)
    for element in root.iter():
        _join_letters(element)
    for parent in list(root.iter()):
        if parent.tag in (f"{{{MATHML}}}math", f"{{{MATHML}}}mrow"):
            _space(parent)
    written = ElementTree.tostring(root, encoding="unicode")
    # of these Markdown would make emphasis, links or the cells of a table
    return re.sub(r"[*_`\[\]|\\~]", lambda mark: f"&#{ord(mark[0])};", written)


def _join_letters(element: ElementTree.Element) -> None:
    """Make one name of upright letters, which the library gives one by one."""
    letters = list(element)
    upright = all(_kind(letter) == "mi" and letter.get("mathvariant") == "normal" for letter in letters)
    if _kind(element) == "mrow" and len(letters) > 1 and upright:
        element[:] = [ElementTree.Element(f"{{{MATHML}}}mi")]
        element[0].text = "".join(letter.text or "" for letter in letters)


def _space(parent: ElementTree.Element) -> None:
    children = list(parent)
    spaced: list[ElementTree.Element] = []
    for place, child in enumerate(children):
        before = children[place - 1] if place else None
        after = children[place + 1] if place + 1 < len(children) else None
        if _is_function(child) and before is not None and not _is_function(before) and _ends_a_term(before):
            spaced.append(ElementTree.Element(f"{{{MATHML}}}mspace", width=_THIN_SPACE))
        spaced.append(child)
        if _is_function(child) and after is not None:
            applied = ElementTree.Element(f"{{{MATHML}}}mo")
            applied.text = _APPLIED
            spaced.append(applied)
            if not _opens(after):
                spaced.append(ElementTree.Element(f"{{{MATHML}}}mspace", width=_THIN_SPACE))
    parent[:] = spaced


def _is_function(element: ElementTree.Element) -> bool:
    """Whether it is a name of several letters, such as log, max or softmax, perhaps with an index or a power."""
    kind = _kind(element)
    alone = kind == "mrow" and len(element) == 1
    if alone or kind in ("msub", "msup", "msubsup", "munder", "mover", "munderover"):
        return _is_function(element[0])
    return kind in ("mi", "mo") and len(element.text or "") > 1 and (element.text or "").isalpha()


def _ends_a_term(element: ElementTree.Element) -> bool:
    kind = _kind(element)
    if kind == "mrow" and len(element):
        return _ends_a_term(element[-1])
    if kind == "mo":
        return (element.text or "").strip() in _CLOSING
    return kind in ("mi", "mn", "msub", "msup", "msubsup", "mfrac", "msqrt", "mover") and not _is_operator(element)


def _is_operator(element: ElementTree.Element) -> bool:
    """Whether it is a sum, product or the like with its limits, which has its own space behind it."""
    return bool(len(element)) and _kind(element[0]) == "mo" and not _is_function(element)


def _opens(element: ElementTree.Element) -> bool:
    if _kind(element) == "mrow" and len(element):
        return _opens(element[0])
    return _kind(element) == "mo" and (element.text or "").strip() in (_OPENING | {",", ".", ";", "=", "+"})


def _kind(element: ElementTree.Element) -> str:
    return str(element.tag).rpartition("}")[2]


# --- Safe text ---------------------------------------------------------------------------------------------------


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _plain(text: str) -> str:
    parts = []
    for place, piece in enumerate(_EMPHASIS.split(html.escape(text, quote=False))):
        safe = re.sub(r"([*_\[\]#])", r"\\\1", piece)
        parts.append(f"*{safe}*" if place % 2 else safe)
    return "".join(parts)
