"""The look of the drawings: contrast, cleanliness of the SVG, and what is refused."""

from __future__ import annotations

import pytest

from minimand.workbench.report.style import (
    MARKS,
    PALETTE,
    axes,
    canvas,
    colour,
    drawing,
    fitted,
    label,
    svg,
    text_width,
)


def luminance(hexadecimal: str) -> float:
    """Relative luminance by the definition of WCAG 2."""
    channels = [int(hexadecimal[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a: str, b: str) -> float:
    light, dark = sorted((luminance(a), luminance(b)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_contrast_of_black_on_white_is_21() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("text", ["ink", "muted", "accent"])
@pytest.mark.parametrize("ground", ["paper", "raised"])
def test_text_has_the_contrast_of_aa(scheme: int, text: str, ground: str) -> None:
    assert contrast(PALETTE[text][scheme], PALETTE[ground][scheme]) >= 4.5


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("name", sorted({mark.colour for mark in MARKS.values()}))
def test_marks_have_the_contrast_of_graphics(scheme: int, name: str) -> None:
    assert contrast(PALETTE[name][scheme], PALETTE["paper"][scheme]) >= 3


def test_every_verdict_has_a_mark_of_its_own_beside_its_colour() -> None:
    assert len({mark.glyph for mark in MARKS.values()}) == len(MARKS)
    verdicts = [mark.marker for kind, mark in MARKS.items() if kind != "row"]
    assert len(set(verdicts)) == len(verdicts)


@drawing()
def draw(text: str = "text", hue: str | None = None) -> str:
    figure = canvas(200, 100)
    ax = axes(figure, 10, 10, 180, 60)
    ax.plot([0, 1], [0, 1], "o", color=hue or colour("better"))
    label(figure, 0, 90, text)
    return svg(figure, ident="figure", title="a <title>", description="b & c")


def test_a_drawing_names_no_font_no_date_and_no_colour() -> None:
    drawn = draw()
    assert drawn == draw()
    assert 'viewBox="0 0 200 100"' in drawn
    assert "font-family" not in drawn
    assert "metadata" not in drawn
    assert "<!--" not in drawn
    assert "var(--better)" in drawn
    assert "a &lt;title&gt;" in drawn
    assert "b &amp; c" in drawn


@pytest.mark.parametrize("text", ["$x_1^2$", "#ff0000 fill:#00ff00", "a & <b>", "шум 噪声"])
def test_text_in_a_drawing_is_kept_as_it_is(text: str) -> None:
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    assert f">{escaped}</text>" in draw(text)


@pytest.mark.parametrize("text", ["n" * 300, "W" * 300, "i" * 300, "噪声" * 40, "🙂" * 90, "two words " * 9, "short"])
def test_a_name_is_cut_to_the_room_that_it_has(text: str) -> None:
    with drawing():
        short = fitted(text, 120, 13)
        assert text_width(short, 13) <= 120
        assert short == text or short.endswith("…")
        assert short == text or text_width(short, 13) > 90


def test_a_colour_outside_the_palette_is_refused() -> None:
    with pytest.raises(ValueError, match="must use the colours of the palette, got #123456"):
        draw(hue="#123456")


def test_settings_of_the_reader_do_not_change_a_drawing() -> None:
    matplotlib = pytest.importorskip("matplotlib")
    before = draw()
    with matplotlib.rc_context(
        {"font.size": 40, "axes.facecolor": "red", "svg.fonttype": "path", "lines.linewidth": 9}
    ):
        assert draw() == before
