"""What the run has to say for itself: “Why did this break?” and errors, above the controls.

One line while it is folded; evidence, advice and the one-click fix when it is open. Imports Qt and
the strings.
"""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFrame, QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from desktop.bilingual import GlassboxError
from desktop.engine.frames import Finding
from desktop.engine.parameters import ParameterSpec
from desktop.ui.lesson.check_card import IconLabel
from desktop.ui.lesson.look import GlyphButton, button, label
from desktop.ui.lesson.numbers import shown
from desktop.ui.markdown import spaced
from desktop.ui.strings import pick, tr

_ORDER = {"bad": 0, "warning": 1, "info": 2}


class Notice(QFrame):
    """A banner: icon, sentence, buttons, and more on request."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.setProperty("kind", kind)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self.icon = IconLabel("warning", "warning" if kind == "warning" else "bad")
        self.sentence = label("strong", wrap=True)
        self.close_button = GlyphButton("close", "muted", size=14)
        self.head = QHBoxLayout()
        self.head.setSpacing(8)
        self.head.addWidget(self.icon, 0, Qt.AlignmentFlag.AlignVCenter)
        self.head.addWidget(self.sentence, 1)
        self.body = QWidget()
        self.body_column = QVBoxLayout(self.body)
        self.body_column.setContentsMargins(26, 0, 0, 0)
        self.body_column.setSpacing(5)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 8, 8, 8)
        column.setSpacing(4)
        column.addLayout(self.head)
        column.addWidget(self.body)
        self.hide()


class FindingNotice(Notice):
    """The most serious finding of the diagnosis, with its evidence and what to try."""

    fix_chosen = Signal(object)
    term_requested = Signal(str)

    def __init__(self) -> None:
        super().__init__("warning")
        self._finding: Finding | None = None
        self._dismissed: set[str] = set()
        self._specs: dict[str, ParameterSpec] = {}
        self._open = False
        self.evidence, self.advice = label("body", wrap=True), label("body", wrap=True)
        self.why = button("link", self._toggle)
        self.fix = button("", self._fix)
        self.term = button("link", self._ask_term)
        buttons = QHBoxLayout()
        buttons.addWidget(self.fix)
        buttons.addWidget(self.term)
        buttons.addStretch(1)
        self.body_column.addWidget(self.evidence)
        self.body_column.addWidget(self.advice)
        self.body_column.addLayout(buttons)
        self.head.addWidget(self.why, 0, Qt.AlignmentFlag.AlignVCenter)
        self.head.addWidget(self.close_button, 0, Qt.AlignmentFlag.AlignVCenter)
        self.close_button.clicked.connect(self._dismiss)
        self.body.hide()

    def forget(self, specs: dict[str, ParameterSpec]) -> None:
        """Another lesson or another run: what was closed may be said again."""
        self._specs, self._dismissed, self._finding = specs, set(), None
        self._open = False
        self.hide()

    def show_findings(self, findings: tuple[Finding, ...]) -> None:
        """The newest diagnosis."""
        if not findings:
            self._dismissed = set()
        new = [finding for finding in findings if finding.code not in self._dismissed]
        finding = min(new, key=lambda found: _ORDER[found.severity], default=None)
        before, self._finding = self._finding, finding
        if finding is None:
            self.hide()
            return
        if before is None or before.code != finding.code:
            self._open = False
        self._say()
        self.show()

    def _dismiss(self) -> None:
        if self._finding is not None:
            self._dismissed.add(self._finding.code)
        self._finding = None
        self.hide()

    def _toggle(self) -> None:
        self._open = not self._open
        self._say()

    def _fix(self) -> None:
        if self._finding is not None:
            self.fix_chosen.emit(dict(self._finding.fix))

    def _ask_term(self) -> None:
        if self._finding is not None:
            self.term_requested.emit(self._finding.term)

    def _say(self) -> None:
        finding = self._finding
        if finding is None:
            return
        tone = {"bad": "bad", "warning": "warning"}.get(finding.severity, "accent")
        self.icon.set_icon("info" if finding.severity == "info" else "warning", tone)
        self.sentence.setText(spaced(pick(finding.message)))
        self.body.setVisible(self._open)
        self.why.setText(tr("lesson_notices.less" if self._open else "lesson_notices.why"))
        self.evidence.setText(spaced(pick(finding.evidence)))
        self.advice.setText(spaced(pick(finding.advice)))
        self.fix.setVisible(bool(finding.fix))
        self.fix.setText(tr("lesson_notices.fix", changes=self._changes(finding)))
        self.term.setVisible(bool(finding.term))
        self.term.setText(tr("lesson_controls.look_up"))

    def _changes(self, finding: Finding) -> str:
        parts = []
        for name, value in finding.fix.items():
            spec = self._specs.get(name)
            parts.append(f"{pick(spec.label) if spec else name} → {value_text(spec, value)}")
        return ", ".join(parts)

    def retranslate(self) -> None:
        """All texts in the language in force."""
        self.close_button.name_it(tr("lesson_notices.close"))
        self._say()


def value_text(spec: ParameterSpec | None, value: object) -> str:
    """A parameter's value as a learner reads it."""
    if isinstance(value, bool):
        return tr("lesson_controls.on" if value else "lesson_controls.off")
    if isinstance(value, (int, float)):
        return shown(float(value)) + (f" {spec.unit}" if spec and spec.unit else "")
    if isinstance(value, (tuple, list)):
        return ", ".join(value_text(spec, item) for item in value) or "–"
    for choice in spec.choices if spec else ():
        if choice.value == value:
            return pick(choice.label)
    return str(value)


class ErrorNotice(Notice):
    """Something could not be done: the sentence, what to do next, details one click away."""

    def __init__(self) -> None:
        super().__init__("bad")
        self._error: GlassboxError | None = None
        self._open = False
        self.hint = label("body", wrap=True)
        self.details = label("code", wrap=True)
        self.details.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.more = button("link", self._toggle)
        self.copy = button("link", self._copy)
        row = QHBoxLayout()
        row.addWidget(self.more)
        row.addWidget(self.copy)
        row.addStretch(1)
        self.body_column.addWidget(self.hint)
        self.body_column.addWidget(self.details)
        self.body_column.addLayout(row)
        self.head.addWidget(self.close_button, 0, Qt.AlignmentFlag.AlignVCenter)
        self.close_button.clicked.connect(self.clear)

    def show_error(self, error: GlassboxError) -> None:
        """Say what went wrong."""
        self._error, self._open = error, False
        self.retranslate()
        self.show()

    def clear(self) -> None:
        """The error is dealt with."""
        self._error = None
        self.hide()

    def _toggle(self) -> None:
        self._open = not self._open
        self.retranslate()

    def _copy(self) -> None:
        if self._error is not None:
            error = self._error
            text = f"{pick(error.message)}\n{pick(error.hint)}\n\n{error.details}"
            QGuiApplication.clipboard().setText(text)

    def retranslate(self) -> None:
        """All texts in the language in force."""
        self.close_button.name_it(tr("lesson_notices.close"))
        self.copy.setText(tr("lesson_notices.copy"))
        self.more.setText(
            tr("lesson_notices.no_details" if self._open else "lesson_notices.details")
        )
        error = self._error
        if error is None:
            return
        self.sentence.setText(spaced(pick(error.message)))
        self.hint.setText(spaced(pick(error.hint)))
        self.hint.setVisible(bool(pick(error.hint)))
        self.details.setText(error.details[-3000:])
        self.details.setVisible(self._open and bool(error.details))
        self.more.setVisible(bool(error.details))
        self.copy.setVisible(bool(error.details))
