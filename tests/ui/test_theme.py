"""Colours can be read and told apart, in both themes (WCAG 2 contrast)."""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import pytest
from PySide6.QtCore import QSize
from PySide6.QtGui import QColor

from desktop import paths
from desktop.ui import icons
from desktop.ui import theme as module
from desktop.ui.style import style_sheet

THEMES = {"light": module.LIGHT, "dark": module.DARK}
GROUNDS = ("paper", "surface", "raised", "hover", "selection")


def luminance(color: str) -> float:
    parts = [channel / 255 for channel in QColor(color).getRgb()[:3]]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(first: str, second: str) -> float:
    light, dark = sorted((luminance(first), luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_contrast_agrees_with_the_known_extremes():
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21)
    assert contrast("#777777", "#FFFFFF") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("name", THEMES)
@pytest.mark.parametrize("role", ["ink", "muted"])
@pytest.mark.parametrize("ground", GROUNDS)
def test_text_can_be_read(name, role, ground):
    colors = THEMES[name]
    assert contrast(getattr(colors, role), getattr(colors, ground)) >= 4.5


@pytest.mark.parametrize("name", THEMES)
@pytest.mark.parametrize("role", ["accent", "good", "warning", "bad"])
def test_words_in_colour_can_be_read(name, role):
    colors = THEMES[name]
    for ground in ("paper", "surface", "raised"):
        assert contrast(getattr(colors, role), getattr(colors, ground)) >= 4.5
    assert contrast(colors.accent_ink, colors.accent) >= 4.5


@pytest.mark.parametrize("name", THEMES)
def test_marks_and_categories_can_be_seen(name):
    colors = THEMES[name]
    assert contrast(colors.mark, colors.surface) >= 3
    for category in module.CATEGORIES[name]:
        assert contrast(category, colors.surface) >= 3, category


@pytest.mark.parametrize("name", THEMES)
def test_nothing_recedes_into_the_surface(name):
    lut = module.diverging_lut(name)
    middle = QColor(*map(int, lut[127]))
    surface = QColor(THEMES[name].surface)
    distance = np.abs(np.subtract(middle.getRgb()[:3], surface.getRgb()[:3]))
    assert distance.max() <= 3


def test_viridis_only_grows_lighter():
    values = [luminance(QColor(*map(int, color)).name()) for color in module.sequential_lut()]
    assert all(np.diff(values[::8]) > 0)  # eight apart: rounding to 8 bits is not the question


@pytest.mark.parametrize("name", THEMES)
def test_style_sheet_names_only_colours_of_the_theme(qapp, name):
    module.theme().set(name=name)
    sheet = style_sheet(THEMES[name])
    assert "<<" not in sheet
    for url in re.findall(r'url\("([^"]+)"\)', sheet):
        assert (paths.Path(url)).is_file(), url


@pytest.mark.parametrize("name", THEMES)
def test_drawn_controls_have_the_theme_colours(name):
    values = {value.lower() for value in dataclasses.astuple(THEMES[name])}
    for file in (paths.resources() / "icons" / "controls" / name).glob("*.svg"):
        for color in re.findall(r"#[0-9A-Fa-f]{6}", file.read_text(encoding="utf-8")):
            assert color.lower() in values, file


def test_icons_are_sharp_on_a_fine_screen(qapp):
    drawn = icons.icon("play").pixmap(QSize(18, 18), 2.0)
    assert (drawn.width(), drawn.devicePixelRatio()) == (36, 2.0)


def test_every_icon_draws_and_follows_the_theme(qapp):
    for name in icons.names():
        module.theme().set(name="light")
        light = icons.icon(name).pixmap(24, 24).toImage()
        module.theme().set(name="dark")
        dark = icons.icon(name).pixmap(24, 24).toImage()
        assert any(light.pixelColor(x, y).alpha() for x in range(24) for y in range(24)), name
        assert name == "app" or light != dark, name


def test_icons_grow_with_large_text_only(qapp):
    from desktop.ui.lesson.look import GlyphButton
    from desktop.ui.theme import theme

    button = GlyphButton("play")
    sizes = {}
    for scale in (0.8, 1.0, 2.0):
        theme().set(text_scale=scale)
        sizes[scale] = button.iconSize().width()
    theme().set(text_scale=1.0)
    assert sizes[0.8] == sizes[1.0] == 18
    assert 24 <= sizes[2.0] <= 36


def test_signs_in_buttons_and_lists_grow_with_large_text(qapp, qtbot):
    from PySide6.QtWidgets import QComboBox, QPushButton, QStyle, QStyleOptionComboBox

    from desktop.ui.style import apply_style
    from desktop.ui.theme import theme

    button, choice = QPushButton(icons.icon("folder"), "open"), QComboBox()
    for widget in (button, choice):
        qtbot.addWidget(widget)
        widget.show()
    sizes = {}
    for scale in (1.0, 1.5):
        theme().set(text_scale=scale)
        apply_style(qapp)
        option = QStyleOptionComboBox()
        choice.initStyleOption(option)
        option.rect.setRect(0, 0, 200, 40)
        part = QStyle.SubControl.SC_ComboBoxArrow
        arrow = choice.style().subControlRect(
            QStyle.ComplexControl.CC_ComboBox, option, part, choice
        )
        sizes[scale] = button.iconSize().width(), arrow.width()
    theme().set(text_scale=1.0)
    apply_style(qapp)
    assert sizes == {1.0: (16, 24), 1.5: (21, 28)}
