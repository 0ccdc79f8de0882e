"""Settings: language, theme, text size, motion, where the data lies, and a fresh start.

Every choice acts at once; there is nothing to confirm, except resetting progress, which asks in place
and can be undone. Imports Qt, strings and the appearance; no torch.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QSignalBlocker, Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from desktop.ui import fonts
from desktop.ui.appearance import TEXT_SIZES, Appearance
from desktop.ui.icons import icon
from desktop.ui.strings import language, tr
from desktop.ui.theme import theme

WIDTH = 680


class SettingsPage(QWidget):
    """``reset_requested`` is sent after the learner confirmed."""

    reset_requested = Signal()

    def __init__(self, appearance: Appearance, data_folder: Path, note: Callable[[], str]) -> None:
        """``note`` says what is unusual about the data folder, if anything."""
        super().__init__()
        self.setProperty("kind", "page")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._appearance, self._folder, self._note = appearance, data_folder, note
        self._labels: list[QLabel] = []
        self._texts: list[tuple[Callable[[str], object], str]] = []
        self._make_choices()
        self._make_data()
        self._lay_out()
        appearance.changed.connect(self.refresh)
        theme().changed.connect(self.refresh)
        language().changed.connect(self.retranslate)
        self.retranslate()
        self.refresh()

    # ---- parts

    def _make_choices(self) -> None:
        self.language_choice = Segments(("system", "zh", "en"), self._choose_language)
        self.theme_choice = Segments(("system", "light", "dark"), self._choose_theme)
        self.text_size = QSlider(Qt.Orientation.Horizontal)
        self.text_size.setRange(0, len(TEXT_SIZES) - 1)
        self.text_size.setPageStep(1)
        self.text_size.setFixedWidth(220)
        self.text_size.valueChanged.connect(self._choose_text_size)
        self._text_percent = QLabel()
        self._text_percent.setFont(fonts.tabular(fonts.ui_font()))
        self.reduced_motion = QCheckBox()
        self.reduced_motion.toggled.connect(self._appearance.choose_reduced_motion)
        self._no_chinese = self._said("settings.no_chinese", role="warning")

    def _make_data(self) -> None:
        self.folder_text = QLabel(str(self._folder))
        self.folder_text.setTextFormat(Qt.TextFormat.PlainText)
        self.folder_text.setProperty("role", "code")
        self.folder_text.setWordWrap(True)
        self.folder_text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._folder_note = QLabel()
        self._folder_note.setProperty("role", "warning")
        self._folder_note.setWordWrap(True)
        self.open_folder = QPushButton(icon("folder"), "")
        self.open_folder.clicked.connect(self._open_folder)
        self.copy_folder = QPushButton(icon("copy"), "")
        self.copy_folder.clicked.connect(self._copy_folder)
        self.reset = QPushButton(icon("trash", "bad"), "")
        self.reset.setProperty("kind", "danger")
        self.reset.clicked.connect(self._ask_reset)
        self.confirm = QPushButton()
        self.confirm.setProperty("kind", "danger")
        self.confirm.clicked.connect(self._reset_now)
        self.keep = QPushButton()
        self.keep.clicked.connect(self._keep_progress)
        self._sure = self._said("settings.reset_sure")
        for widget in (self.confirm, self.keep, self._sure):
            widget.setVisible(False)
        self._texts += [
            (self.open_folder.setText, "settings.open_folder"),
            (self.copy_folder.setText, "settings.copy_folder"),
            (self.reset.setText, "settings.reset"),
            (self.confirm.setText, "settings.reset_yes"),
            (self.keep.setText, "settings.reset_no"),
            (self.reduced_motion.setText, "settings.motion_text"),
        ]

    def _lay_out(self) -> None:
        content = QWidget()
        content.setProperty("kind", "clear")
        column = QVBoxLayout()
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(14)
        title = self._said("settings.title", role="title")
        size_row = _row(self.text_size, self._text_percent)
        looks = self._card(
            "settings.looks",
            [
                ("settings.language", [self.language_choice, self._no_chinese]),
                ("settings.theme", [self.theme_choice]),
                ("settings.text_size", [size_row]),
                ("settings.motion", [self.reduced_motion]),
            ],
        )
        folder = [self.folder_text, self._folder_note, _row(self.open_folder, self.copy_folder)]
        reset = [self._sure, _row(self.reset, self.confirm, self.keep)]
        data = self._card(
            "settings.data", [("settings.folder", folder), ("settings.progress", reset)]
        )
        privacy = self._said("settings.privacy", role="muted")
        for widget in (title, looks, data, privacy):
            column.addWidget(widget)
        column.addStretch(1)
        self._column = QWidget()
        self._column.setLayout(column)
        across = QHBoxLayout(content)
        across.setContentsMargins(28, 24, 28, 20)
        across.addWidget(self._column)
        across.addStretch(1)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(content)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(area)

    def _card(self, title: str, rows: list[tuple[str, list[QWidget]]]) -> QFrame:
        card = QFrame()
        card.setProperty("kind", "card")
        body = QVBoxLayout(card)
        body.setContentsMargins(22, 18, 22, 20)
        body.setSpacing(16)
        body.addWidget(self._said(title, role="heading"))
        for key, widgets in rows:
            row = QHBoxLayout()
            row.setSpacing(18)
            label = self._said(key, role="muted")
            self._labels.append(label)
            # Words beside a button or a field stand on the same line as the words inside it.
            first = next(widget for widget in widgets if widget is not self._sure)
            label.setContentsMargins(0, _drop(first), 0, 0)
            row.addWidget(label, 0, Qt.AlignmentFlag.AlignTop)
            values = QVBoxLayout()
            values.setSpacing(8)
            for widget in widgets:
                values.addWidget(widget)
            row.addLayout(values, 1)
            body.addLayout(row)
            for widget in widgets:
                if isinstance(widget, Segments):
                    self._texts.append((widget.setAccessibleName, key))
        return card

    def _said(self, key: str, role: str = "") -> QLabel:
        label = QLabel()
        label.setProperty("role", role)
        label.setWordWrap(True)
        self._texts.append((label.setText, key))
        return label

    # ---- choices

    def _choose_language(self, choice: str) -> None:
        self._appearance.choose_language(choice)  # type: ignore[arg-type]

    def _choose_theme(self, choice: str) -> None:
        self._appearance.choose_theme(choice)  # type: ignore[arg-type]

    def _choose_text_size(self, notch: int) -> None:
        self._appearance.choose_text_size(TEXT_SIZES[notch])

    def _open_folder(self) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._folder)))

    def _copy_folder(self) -> None:
        QGuiApplication.clipboard().setText(str(self._folder))

    def _ask_reset(self) -> None:
        self._show_question(True)
        self.keep.setFocus()

    def _keep_progress(self) -> None:
        self._show_question(False)
        self.reset.setFocus()

    def _reset_now(self) -> None:
        self._show_question(False)
        self.reset_requested.emit()

    def _show_question(self, asked: bool) -> None:
        for widget in (self.confirm, self.keep, self._sure):
            widget.setVisible(asked)
        self.reset.setVisible(not asked)

    # ---- showing

    def retranslate(self) -> None:
        """Texts in the language in force."""
        for set_text, key in self._texts:
            set_text(tr(key))
        self.language_choice.set_texts([tr("settings.system"), "中文", "English"])
        self.theme_choice.set_texts(
            [tr("settings.system"), tr("settings.light"), tr("settings.dark")]
        )
        self.text_size.setAccessibleName(tr("settings.text_size"))
        self.folder_text.setAccessibleName(tr("settings.folder"))
        self.refresh()

    def refresh(self) -> None:
        """Show the choices in force."""
        self.language_choice.show_choice(self._appearance.language_choice)
        self.theme_choice.show_choice(self._appearance.theme_choice)
        scale = theme().text_scale
        with QSignalBlocker(self.text_size):
            nearest = min(range(len(TEXT_SIZES)), key=lambda at: abs(TEXT_SIZES[at] - scale))
            self.text_size.setValue(nearest)
        self._text_percent.setText(f"{round(scale * 100)} %")
        with QSignalBlocker(self.reduced_motion):
            self.reduced_motion.setChecked(theme().reduced_motion)
        self._no_chinese.setVisible(self._appearance.chinese_missing)
        note = self._note()
        self._folder_note.setText(note)
        self._folder_note.setVisible(bool(note))
        for label in self._labels:
            label.setFixedWidth(theme().pixels(120))
        self._column.setMaximumWidth(theme().pixels(WIDTH))


class Segments(QWidget):
    """A few choices side by side, one of them pressed. Arrow keys move between them."""

    def __init__(self, values: tuple[str, ...], chosen: Callable[[str], None]) -> None:
        super().__init__()
        self._values, self._chosen = values, chosen
        self._group = QButtonGroup(self)
        self.buttons: dict[str, QPushButton] = {}
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        for number, value in enumerate(values):
            button = QPushButton()
            button.setProperty("kind", "segment")
            button.setCheckable(True)
            self._group.addButton(button, number)
            self.buttons[value] = button
            row.addWidget(button)
        row.addStretch(1)
        self._group.idClicked.connect(self._click)

    def _click(self, number: int) -> None:
        self._chosen(self._values[number])

    def set_texts(self, texts: list[str]) -> None:
        """What the buttons say, in the order of the values."""
        for button, text in zip(self.buttons.values(), texts, strict=True):
            button.setText(text)

    def show_choice(self, value: str) -> None:
        """Press the button of this value."""
        self.buttons[value].setChecked(True)


def _drop(beside: QWidget) -> int:
    """How much lower than its top the words in this widget stand."""
    if isinstance(beside, QLabel) or beside.findChild(QSlider) is not None:
        return 1
    buttons = isinstance(beside, Segments) or beside.findChild(QPushButton) is not None
    return 7 if buttons else 3


def _row(*widgets: QWidget) -> QWidget:
    holder = QWidget()
    row = QHBoxLayout(holder)
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(8)
    for widget in widgets:
        row.addWidget(widget)
    row.addStretch(1)
    return holder
