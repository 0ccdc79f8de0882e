"""The sampling settings: each with one sentence about what it does and a link to the glossary.

Imports Qt, the chat's settings and strings; no torch.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QDoubleSpinBox, QHBoxLayout, QSpinBox, QVBoxLayout, QWidget

from desktop.llm.prompts import FORMATS
from desktop.runtime.chat_messages import LIMITS, ChatSettings
from desktop.ui.chat.page import ChatPage
from desktop.ui.lesson.look import button, label
from desktop.ui.strings import pick, tr


@dataclass(frozen=True)
class _Kind:
    """A number among the settings: how fine it is set, and its glossary term."""

    name: str
    step: float
    term: str = ""

    @property
    def whole(self) -> bool:
        return isinstance(getattr(ChatSettings(), self.name), int)


KINDS = (
    _Kind("temperature", 0.05, "temperature"),
    _Kind("top_p", 0.05, "top-p"),
    _Kind("top_k", 1, "top-k"),
    _Kind("min_p", 0.01, "sampling"),
    _Kind("repetition_penalty", 0.05, "repetition-penalty"),
    _Kind("no_repeat_ngram", 1, "no-repeat-ngram"),
    _Kind("max_tokens", 16, "token"),
    _Kind("seed", 1, "seed"),
)


class SamplingPage(ChatPage):
    """``changed(settings)`` at every change; they hold from the next answer on."""

    changed = Signal(object)
    term_wanted = Signal(str)
    title_key = "chat_sampling.title"

    def __init__(self) -> None:
        super().__init__()
        self.settings = self._defaults = ChatSettings()
        self._filling = False
        self._rows: dict[str, _Row] = {}
        self._intro = label("muted", wrap=True)
        self.body.addWidget(self._intro)
        self.format = QComboBox()
        self.format.addItem("", "")
        for one in FORMATS.values():
            self.format.addItem("", one.id)
        self.format.currentIndexChanged.connect(self._format_chosen)
        self._format_name, self._format_note = label("strong"), label("small", wrap=True)
        for widget in (self._format_name, self.format, self._format_note):
            self.body.addWidget(widget)
        for kind in KINDS:
            row = _Row(kind)
            row.changed.connect(self._number_changed)
            row.term_wanted.connect(self.term_wanted)
            self._rows[kind.name] = row
            self.body.addWidget(row)
        self.reset_button = button("quiet", self._reset)
        self.body.addWidget(self.reset_button)
        self.body.addStretch(1)
        self.retranslate()

    def show_settings(self, settings: ChatSettings, defaults: ChatSettings | None = None) -> None:
        """Show these; ``defaults`` are those that suit the model."""
        self.settings = settings
        self._defaults = defaults or self._defaults
        self._filling = True
        for name, row in self._rows.items():
            row.show_value(getattr(settings, name))
        self.format.setCurrentIndex(max(0, self.format.findData(settings.format)))
        self._filling = False
        self._show_note()

    def field(self, name: str) -> QWidget:
        """The spin box of a setting."""
        return self._rows[name].field

    def _number_changed(self, name: str, value: Any) -> None:
        if not self._filling:
            self._set(replace(self.settings, **{name: value}))

    def _format_chosen(self, _index: int) -> None:
        if not self._filling:
            self._set(replace(self.settings, format=self.format.currentData()))
            self._show_note()

    def _reset(self) -> None:
        self.show_settings(self._defaults)
        self.changed.emit(self.settings)

    def _set(self, settings: ChatSettings) -> None:
        self.settings = settings
        self.changed.emit(settings)

    def _show_note(self) -> None:
        chosen = self.format.currentData()
        note = pick(FORMATS[chosen].note) if chosen else tr("chat_sampling.format_auto_note")
        self._format_note.setText(note)

    def retranslate(self) -> None:
        super().retranslate()
        self._intro.setText(tr("chat_sampling.intro"))
        self._format_name.setText(tr("chat_sampling.format"))
        self.format.setAccessibleName(tr("chat_sampling.format"))
        self.format.setItemText(0, tr("chat_sampling.format_auto"))
        for place, one in enumerate(FORMATS.values(), start=1):
            self.format.setItemText(place, pick(one.name))
        self.reset_button.setText(tr("chat_sampling.reset"))
        for row in self._rows.values():
            row.retranslate()
        self._show_note()


class _Row(QWidget):
    """Name, field, one sentence."""

    changed = Signal(str, object)
    term_wanted = Signal(str)

    def __init__(self, kind: _Kind) -> None:
        super().__init__()
        self._kind = kind
        low, high = LIMITS[kind.name]
        self.field: QSpinBox | QDoubleSpinBox
        if kind.whole:
            whole = QSpinBox()
            whole.setRange(int(low), int(high))
            whole.setSingleStep(int(kind.step))
            whole.valueChanged.connect(self._tell)
            self.field = whole
        else:
            part = QDoubleSpinBox()
            part.setDecimals(2)
            part.setRange(low, high)
            part.setSingleStep(kind.step)
            part.valueChanged.connect(self._tell)
            self.field = part
        self.field.setMinimumWidth(104)
        self.field.setAlignment(Qt.AlignmentFlag.AlignRight)
        self._name = button("link", self._ask)
        self._text = label("small", wrap=True)
        top = QHBoxLayout()
        top.setContentsMargins(0, 0, 0, 0)
        top.addWidget(self._name)
        top.addStretch(1)
        top.addWidget(self.field)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addLayout(top)
        layout.addWidget(self._text)

    def show_value(self, value: float) -> None:
        """Show a value."""
        self.field.setValue(value)  # type: ignore[arg-type]

    def _tell(self, value: float) -> None:
        self.changed.emit(self._kind.name, value)

    def _ask(self) -> None:
        self.term_wanted.emit(self._kind.term)

    def retranslate(self) -> None:
        """Texts in the language in force."""
        name = tr(f"chat_sampling.{self._kind.name}")
        self._name.setText(name)
        self._name.setToolTip(tr("chat_sampling.to_glossary"))
        self._name.setAccessibleDescription(tr("chat_sampling.to_glossary"))
        self.field.setAccessibleName(name)
        if self._kind.name == "seed":
            self.field.setSpecialValueText(tr("chat_sampling.seed_any"))
        self._text.setText(tr(f"chat_sampling.{self._kind.name}_note"))
