"""How every drawing of a report looks: one palette of CSS variables, one clean SVG, fonts and marks.

matplotlib draws with a stand-in colour for each name of `PALETTE`; afterwards `svg` puts `var(--name)` in its place,
so that one drawing serves the light page, the dark page and the printer. Colours are those of Okabe and Ito (2008),
told apart by people of every colour vision, and a verdict always has a mark of its own beside its colour.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

from minimand.extras import require
from minimand.workbench.report.wording import shorten

# name: (on the light page, on the dark page)
PALETTE: dict[str, tuple[str, str]] = {
    "paper": ("#ffffff", "#14171c"),
    "raised": ("#f6f7f9", "#1c2027"),
    "ink": ("#1b1f24", "#e7e9ec"),
    "muted": ("#59626d", "#a4adb8"),
    "line": ("#d5dae0", "#343b45"),
    "grid": ("#e9ecf0", "#262c35"),
    "region": ("#e3ebf3", "#253240"),
    "accent": ("#0067a3", "#6fbdf0"),
    "reference": ("#1b1f24", "#e7e9ec"),
    "better": ("#009e73", "#2bc39a"),
    "equal": ("#0072b2", "#56b4e9"),
    "undecided": ("#cc79a7", "#de93bd"),
    "worse": ("#d55e00", "#ec8136"),
}


@dataclass(frozen=True)
class Mark:
    """The sign of a verdict: a colour of the palette, a marker of matplotlib, the same as a character."""

    colour: str
    marker: str
    glyph: str


MARKS: dict[str, Mark] = {
    "reference": Mark("reference", "o", "●"),
    "better": Mark("better", "^", "▲"),
    "practically equal": Mark("equal", "s", "■"),
    "undecided": Mark("undecided", "D", "◆"),
    "worse": Mark("worse", "v", "▼"),
    "row": Mark("muted", "o", "○"),
}

STAND_INS = {name: f"#fe{number:02x}01" for number, name in enumerate(PALETTE)}
NAMES = {colour: name for name, colour in STAND_INS.items()}

SETTINGS: dict[str, Any] = {
    "svg.fonttype": "none",  # text stays text: selectable, searchable, in the reader's own font
    "svg.hashsalt": "minimand",  # the same drawing has the same bytes
    "text.parse_math": False,  # a column named $x_1$ is not a formula
    "font.family": "DejaVu Sans",  # comes with matplotlib, so that the layout is the same everywhere
    "font.size": 11.5,
    "text.color": STAND_INS["ink"],
    "axes.edgecolor": STAND_INS["line"],
    "axes.labelcolor": STAND_INS["muted"],
    "axes.labelsize": 12,
    "axes.linewidth": 1.0,
    "axes.axisbelow": True,
    "axes.unicode_minus": True,
    "xtick.color": STAND_INS["line"],
    "ytick.color": STAND_INS["line"],
    "xtick.labelcolor": STAND_INS["muted"],
    "ytick.labelcolor": STAND_INS["muted"],
    "xtick.labelsize": 12,
    "ytick.labelsize": 11.5,
    "path.simplify": False,
}

NO_METADATA = {"Date": None, "Creator": None, "Format": None, "Type": None}
NUMBER = re.compile(r"-?\d+\.\d{3,}")


def colour(name: str) -> str:
    """The stand-in colour to draw with for a name of `PALETTE`."""
    return STAND_INS[name]


def variables(scheme: int) -> str:
    """The palette as CSS declarations, for the light page (0) or the dark one (1)."""
    return " ".join(f"--{name}: {colours[scheme]};" for name, colours in PALETTE.items())


@contextmanager
def drawing() -> Iterator[None]:
    """The style of the house, whatever matplotlibrc says; use it as a decorator of a function that draws."""
    style = require("matplotlib.style", extra="workbench")
    with style.context(["default", SETTINGS]), warnings.catch_warnings():
        # the reader's browser has the glyphs of emoji and Arabic; matplotlib only measures them
        warnings.filterwarnings("ignore", message="Glyph .* missing|Matplotlib currently does not support")
        yield


def canvas(width: float, height: float) -> Any:
    """An empty matplotlib figure of so many CSS pixels, without pyplot and its global state."""
    figures = require("matplotlib.figure", extra="workbench")
    figure = figures.Figure(figsize=(width / 72, height / 72), dpi=72)
    figure.patch.set_visible(False)
    return figure


def axes(figure: Any, left: float, top: float, width: float, height: float) -> Any:
    """Axes at a place given in CSS pixels from the top left, with only a hair line at the bottom."""
    wide, high = figure.get_size_inches() * 72
    ax = figure.add_axes((left / wide, 1 - (top + height) / high, width / wide, height / high))
    ax.patch.set_visible(False)
    for side in ("left", "right", "top"):
        ax.spines[side].set_visible(False)
    ax.tick_params(length=0, pad=5)
    return ax


def label(figure: Any, x: float, y: float, text: str, **options: Any) -> None:
    """Text at a place given in CSS pixels from the top left; `y` is its middle."""
    wide, high = figure.get_size_inches() * 72
    figure.text(x / wide, 1 - y / high, text, va=options.pop("va", "center_baseline"), **options)


def text_width(text: str, size: float) -> float:
    """How many CSS pixels a line of text takes in DejaVu Sans, which is wider than what most readers have."""
    paths = require("matplotlib.textpath", extra="workbench")
    fonts = require("matplotlib.font_manager", extra="workbench")
    properties = fonts.FontProperties(family="DejaVu Sans", size=size)
    return float(paths.TextToPath().get_text_width_height_descent(text, properties, ismath=False)[0])


def fitted(text: str, width: float, size: float) -> str:
    """The text on one line, cut with an ellipsis where it would be wider than so many CSS pixels."""
    cut = shorten(text, max(4, int(width / (0.3 * size))))  # no letter is narrower: bounds the loop
    while len(cut) > 2 and text_width(cut, size) > width:
        cut = cut.removesuffix("…")[:-1].rstrip() + "…"
    return cut


def svg(figure: Any, *, ident: str, title: str, description: str) -> str:
    """The figure as an `<svg>` element to stand inside a page.

    It has a title, a description and the role of an image; all its identifiers begin with `ident`; its colours are
    CSS variables; it names no font, carries no date, and has no size of its own beyond its view box.

    Raises:
        ValueError: the figure was drawn with a colour outside the palette, which would not follow the page.
    """
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata=NO_METADATA)
    source = ElementTree.fromstring(buffer.getvalue())
    _, _, width, height = source.attrib["viewBox"].split()
    root = ElementTree.Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "viewBox": source.attrib["viewBox"],
            "width": width,
            "height": height,
            "role": "img",
            "aria-labelledby": f"{ident}-title {ident}-desc",
        },
    )
    ElementTree.SubElement(root, "title", {"id": f"{ident}-title"}).text = title
    ElementTree.SubElement(root, "desc", {"id": f"{ident}-desc"}).text = description
    root.extend(child for child in source if not child.tag.endswith("}metadata"))
    values = [value for element in source.iter() for value in element.attrib.values()]
    referenced = {name for value in values for name in re.findall(r"#([\w-]+)", value)}
    for element in root.iter():
        _tidy(element, ident, referenced)
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag == "style":  # a style element would reach out of the drawing, over the whole page
                parent.remove(child)
    return ElementTree.tostring(root, encoding="unicode")


def _tidy(element: ElementTree.Element, ident: str, referenced: set[str]) -> None:
    """Rename, recolour and shorten one element in place."""
    element.tag = element.tag.rpartition("}")[2]
    if element.tag in ("title", "desc", "svg"):
        return
    if element.tag != "text":
        element.text = None
    element.tail = None
    for key in list(element.attrib):
        value = element.attrib.pop(key)
        key = key.rpartition("}")[2]
        if key == "id":
            if value not in referenced:
                continue
            value = f"{ident}-{value}"
        elif key == "href":
            value = f"#{ident}-{value[1:]}"
        elif key == "clip-path":
            value = value.replace("url(#", f"url(#{ident}-")
        elif key == "style":
            value = _restyle(value)
        else:
            value = NUMBER.sub(lambda found: f"{float(found[0]):.2f}", " ".join(value.split()))
        element.attrib[key] = value


def _restyle(style: str) -> str:
    """A style attribute with CSS variables for colours and without fonts."""
    kept = []
    for part in style.split(";"):
        key, _, value = (piece.strip() for piece in part.partition(":"))
        if key in ("font-family", "stroke-linejoin", "stroke-linecap"):
            continue
        if value.startswith("#"):
            if value not in NAMES:
                raise ValueError(f"a drawing must use the colours of the palette, got {value} for {key}")
            value = f"var(--{NAMES[value]})"
        kept.append(f"{key}:{value}")
    return ";".join(kept)
