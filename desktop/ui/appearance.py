"""What the learner chose about the look (language, theme, text size, motion), put into force.

Each choice is a setting in the store; “system” follows the operating system, also while it changes.
A choice made on the command line holds for this start only. Imports Qt, theme, strings, fonts and the
store's type; no torch.
"""

from __future__ import annotations

from typing import Any, Literal

from PySide6.QtCore import QLocale, QObject, Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication

from desktop.bilingual import Language
from desktop.course.store import Store
from desktop.ui import fonts
from desktop.ui.strings import language
from desktop.ui.style import apply_style
from desktop.ui.theme import ThemeName, theme

LanguageChoice = Literal["system", "zh", "en"]
ThemeChoice = Literal["system", "light", "dark"]
TEXT_SIZES = (0.8, 0.9, 1.0, 1.1, 1.25, 1.5, 1.75, 2.0)


def system_language() -> Language:
    """Chinese when the system's first language is Chinese, else English."""
    first = next(iter(QLocale.system().uiLanguages()), "")
    return "zh" if first.lower().startswith("zh") else "en"


def system_theme() -> ThemeName:
    """What the system prefers now."""
    scheme = QGuiApplication.styleHints().colorScheme()
    return "dark" if scheme == Qt.ColorScheme.Dark else "light"


class Appearance(QObject):
    """Reads the choices, applies them, and stores new ones."""

    changed = Signal()

    def __init__(
        self,
        app: QApplication,
        store: Store,
        parent: QObject | None = None,
        *,
        only_now_language: Language | None = None,
        only_now_theme: ThemeName | None = None,
    ) -> None:
        super().__init__(parent)
        self._app, self._store = app, store
        self.language_choice: LanguageChoice = only_now_language or self._read(
            "language", ("system", "zh", "en")
        )
        self.theme_choice: ThemeChoice = only_now_theme or self._read(
            "theme", ("system", "light", "dark")
        )
        self.chinese_missing = False
        theme().set(
            text_scale=store.setting("text_size", 1.0),
            reduced_motion=store.setting("reduced_motion", False),
        )
        self._apply_language()
        self._apply_theme()
        apply_style(app)
        theme().changed.connect(self._restyle)
        QGuiApplication.styleHints().colorSchemeChanged.connect(self._apply_theme)

    def _read(self, name: str, allowed: tuple[str, ...]) -> Any:
        value = self._store.setting(name, allowed[0])
        return value if value in allowed else allowed[0]

    def choose_language(self, choice: LanguageChoice) -> None:
        """Switch at once and remember."""
        self.language_choice = choice
        self._store.set_setting("language", choice)
        self._apply_language()
        self.changed.emit()

    def choose_theme(self, choice: ThemeChoice) -> None:
        """Switch at once and remember."""
        self.theme_choice = choice
        self._store.set_setting("theme", choice)
        self._apply_theme()
        self.changed.emit()

    def choose_text_size(self, scale: float) -> None:
        """Scale all text; 1.0 is the designed size."""
        theme().set(text_scale=scale)
        self._store.set_setting("text_size", theme().text_scale)
        self.changed.emit()

    def choose_reduced_motion(self, reduced: bool) -> None:
        """Turn interface animation off or on."""
        theme().set(reduced_motion=reduced)
        self._store.set_setting("reduced_motion", reduced)
        self.changed.emit()

    def larger_text(self) -> None:
        """One notch up."""
        bigger = [size for size in TEXT_SIZES if size > theme().text_scale + 0.01]
        self.choose_text_size(bigger[0] if bigger else TEXT_SIZES[-1])

    def smaller_text(self) -> None:
        """One notch down."""
        smaller = [size for size in TEXT_SIZES if size < theme().text_scale - 0.01]
        self.choose_text_size(smaller[-1] if smaller else TEXT_SIZES[0])

    def normal_text(self) -> None:
        """Back to 100 %."""
        self.choose_text_size(1.0)

    def switch_theme(self) -> None:
        """From dark to light or back."""
        self.choose_theme("light" if theme().name == "dark" else "dark")

    def switch_language(self) -> None:
        """From Chinese to English or back."""
        self.choose_language("en" if language().current == "zh" else "zh")

    def _apply_language(self) -> None:
        wanted: Language = (
            system_language() if self.language_choice == "system" else self.language_choice
        )
        # Chinese without a Chinese font would be a window full of boxes.
        self.chinese_missing = wanted == "zh" and not fonts.chinese_family()
        language().set("en" if self.chinese_missing else wanted)

    def _apply_theme(self) -> None:
        schemes = {
            "system": Qt.ColorScheme.Unknown,
            "light": Qt.ColorScheme.Light,
            "dark": Qt.ColorScheme.Dark,
        }
        hints = QGuiApplication.styleHints()
        if self.theme_choice == "system":
            hints.unsetColorScheme()
            theme().set(name=system_theme())
        else:
            theme().set(name=self.theme_choice)
            hints.setColorScheme(schemes[self.theme_choice])

    def _restyle(self) -> None:
        apply_style(self._app)
