"""Which typefaces the application uses, and whether this machine can show Chinese at all.

Latin text is set in Inter, Chinese in the best simplified-Chinese face found; Qt mixes the two from
one family list. Fonts in ``resources/fonts`` (Inter here; a packaged build adds a Chinese face) are
registered first, so the window looks the same on every machine. Imports Qt and paths; no torch.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from PySide6.QtGui import QFont, QFontDatabase

from desktop import paths

LATIN = ("Inter", "SF Pro Text", "Segoe UI", "Helvetica Neue", "DejaVu Sans")
CHINESE = (
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "PingFang SC",
    "Microsoft YaHei UI",
    "Microsoft YaHei",
    "Hiragino Sans GB",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "Droid Sans Fallback",
    "SimHei",
    "SimSun",
)
MONO = ("JetBrains Mono", "SF Mono", "Cascadia Mono", "Consolas", "Menlo", "DejaVu Sans Mono")
UI_PIXELS = 13.0
"""Size of interface text at 100 %; lesson prose is set larger by the prose view."""


@cache
def load_bundled() -> tuple[str, ...]:
    """Register the fonts that came with the application; returns their families."""
    families: list[str] = []
    folder = paths.resources() / "fonts"
    for file in sorted(folder.glob("*.[ot]t[fc]")):
        number = QFontDatabase.addApplicationFont(str(file))
        families += QFontDatabase.applicationFontFamilies(number)
    return tuple(dict.fromkeys(families))


def first_installed(candidates: Iterable[str]) -> str:
    """The first family of ``candidates`` that this machine has, or an empty string."""
    return next((name for name in candidates if QFontDatabase.hasFamily(name)), "")


@cache
def chinese_family() -> str:
    """The family Chinese is set in; empty when no font here has simplified Chinese.

    Asking for the well-known names is fast; only a machine with none of them pays for the search
    through every font.
    """
    load_bundled()
    known = first_installed(CHINESE)
    if known:
        return known
    system = QFontDatabase.WritingSystem.SimplifiedChinese
    return next(iter(QFontDatabase.families(system)), "")


@cache
def mono_family() -> str:
    """The family of code and exact numbers."""
    return (
        first_installed(MONO)
        or QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont).family()
    )


@cache
def ui_families() -> tuple[str, ...]:
    """Family list of the interface: Latin first, then Chinese."""
    load_bundled()
    return tuple(name for name in (first_installed(LATIN), chinese_family()) if name)


def ui_font(pixels: float = UI_PIXELS, weight: QFont.Weight = QFont.Weight.Normal) -> QFont:
    """The interface font at a size in logical pixels."""
    font = QFont()
    if ui_families():
        font.setFamilies(list(ui_families()))
    font.setPixelSize(max(1, round(pixels)))
    font.setWeight(weight)
    return font


def mono_font(pixels: float = UI_PIXELS) -> QFont:
    """The fixed-width font, with Chinese beside it for comments."""
    font = QFont()
    font.setFamilies([name for name in (mono_family(), chinese_family()) if name])
    font.setStyleHint(QFont.StyleHint.Monospace)
    font.setPixelSize(max(1, round(pixels)))
    font.setFeature(QFont.Tag("calt"), 0)  # no arrow drawn for "->": one sees what one would type
    return font


def letter_by_letter(font: QFont) -> QFont:
    """A copy without ligatures: of a token, every letter is to be seen as it is."""
    copy = QFont(font)
    for feature in ("calt", "liga"):
        copy.setFeature(QFont.Tag(feature), 0)
    return copy


def tabular(font: QFont) -> QFont:
    """A copy whose digits all have one width, so that changing numbers do not dance."""
    copy = QFont(font)
    copy.setFeature(QFont.Tag("tnum"), 1)
    return copy
