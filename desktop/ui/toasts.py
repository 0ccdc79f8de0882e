"""Short messages over the page, and errors with their details one click away.

They appear under the top edge of the page, so they can never cover the transport at its bottom.
A plain message leaves by itself; an error stays until it is closed. Imports Qt, icons and strings; no
torch.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import (
    QEasingCurve,
    QEvent,
    QObject,
    QPropertyAnimation,
    QRect,
    QSize,
    Qt,
    QTimer,
    Signal,
)
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QFrame,
    QGraphicsOpacityEffect,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from desktop.ui.icons import icon, pixmap
from desktop.ui.strings import tr
from desktop.ui.theme import palette, theme

SHOWN_MS = 5000
FADE_MS = 140
MARGIN = 12
AT_MOST = 3
ICONS = {"info": "info", "good": "check", "warning": "warning", "bad": "warning"}
ROLES = {"info": "accent", "good": "good", "warning": "warning", "bad": "bad"}


class Toast(QFrame):
    """One message: icon, sentence, what to do next, perhaps a button, perhaps details."""

    closed = Signal(object)
    resized = Signal()

    def __init__(self, parent: QWidget, text: str, tone: str = "info") -> None:
        super().__init__(parent)
        self.setProperty("kind", "toast")
        self.setProperty("tone", tone)
        self.setAccessibleName(text)
        self.text = text
        self._body = QVBoxLayout(self)
        self._body.setContentsMargins(14, 10, 8, 10)
        self._body.setSpacing(6)
        row = QHBoxLayout()
        row.setSpacing(10)
        size = theme().pixels(18)
        mark = QLabel()
        mark.setPixmap(
            pixmap(ICONS[tone], size, palette().color(ROLES[tone]), self.devicePixelRatioF())
        )
        row.addWidget(mark, 0, Qt.AlignmentFlag.AlignTop)
        self._texts = QVBoxLayout()
        self._texts.setSpacing(3)
        self._texts.addWidget(_wrapped(text))
        row.addLayout(self._texts, 1)
        self._buttons = QHBoxLayout()
        row.addLayout(self._buttons)
        close = QToolButton()
        close.setIcon(icon("close", "muted"))
        close.setIconSize(QSize(14, 14))
        close.setAccessibleName(tr("toast.close"))
        close.setToolTip(tr("toast.close"))
        close.clicked.connect(self.leave)
        row.addWidget(close, 0, Qt.AlignmentFlag.AlignTop)
        self._body.addLayout(row)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.leave)

    def add_hint(self, text: str) -> None:
        """A second, quieter sentence: what to do next."""
        label = _wrapped(text)
        label.setProperty("role", "muted")
        self._texts.addWidget(label)

    def add_action(self, text: str, handler: Callable[[], object]) -> None:
        """One button, such as “undo”; pressing it also closes the message."""
        button = QPushButton(text)
        button.setProperty("kind", "quiet")
        button.clicked.connect(handler)
        button.clicked.connect(self.leave)
        self._buttons.addWidget(button, 0, Qt.AlignmentFlag.AlignTop)

    def add_details(self, text: str) -> None:
        """Technical text behind a button, with another one to copy it."""
        fold, copy = QPushButton(tr("toast.details")), QPushButton(tr("toast.copy"))
        box = QPlainTextEdit(text)
        box.setReadOnly(True)
        box.setProperty("kind", "code")
        box.setFixedHeight(theme().pixels(140))
        box.setVisible(False)
        fold.setCheckable(True)
        row = QHBoxLayout()
        row.setContentsMargins(24, 0, 0, 0)
        for button in (fold, copy):
            button.setProperty("kind", "link")
            row.addWidget(button)
        row.addStretch(1)
        copy.clicked.connect(self._copy_details)
        fold.toggled.connect(box.setVisible)
        fold.toggled.connect(self.resized)
        self._details = text
        self._body.addLayout(row)
        self._body.addWidget(box)

    def _copy_details(self) -> None:
        QGuiApplication.clipboard().setText(f"{self.text}\n\n{self._details}")

    def leave_after(self, milliseconds: int) -> None:
        """Close by itself; waits while the pointer is on it."""
        self._timer.start(milliseconds)

    def enterEvent(self, event: QEvent) -> None:
        self._timer.stop()

    def leaveEvent(self, event: QEvent) -> None:
        if self.property("tone") != "bad":
            self._timer.start(SHOWN_MS)

    def height_for(self, width: int) -> int:
        """Height it needs at this width."""
        self._body.activate()
        return max(self._body.heightForWidth(width), self._body.minimumSize().height())

    def clear_effect(self) -> None:
        """Drop the fade once it is over: effects make every repaint dearer."""
        self.setGraphicsEffect(None)  # type: ignore[arg-type]

    def leave(self) -> None:
        """Close now."""
        self._timer.stop()
        self.closed.emit(self)


class Toasts(QObject):
    """Stacks messages under the top edge of ``host``, newest first, three at most."""

    def __init__(self, host: QWidget) -> None:
        super().__init__(host)
        self._host = host
        self.shown: list[Toast] = []
        host.installEventFilter(self)
        if isinstance(host, QStackedWidget):
            host.currentChanged.connect(self._stay_on_top)

    def tell(
        self,
        text: str,
        *,
        hint: str = "",
        details: str = "",
        tone: str = "info",
        action: tuple[str, Callable[[], object]] | None = None,
    ) -> Toast:
        """Show a message. The same message again replaces the one on screen."""
        for old in [one for one in self.shown if one.text == text] or self.shown[AT_MOST - 1 :]:
            self._remove(old)
        toast = Toast(self._host, text, tone)
        if hint:
            toast.add_hint(hint)
        if action is not None:
            toast.add_action(*action)
        if details:
            toast.add_details(details)
        toast.closed.connect(self._remove)
        toast.resized.connect(self.place)
        self.shown.insert(0, toast)
        toast.show()
        toast.raise_()
        self.place()
        _fade_in(toast)
        if tone != "bad":
            toast.leave_after(SHOWN_MS)
        return toast

    def clear(self) -> None:
        """Close all of them."""
        for toast in list(self.shown):
            self._remove(toast)

    def _remove(self, toast: Toast) -> None:
        if toast in self.shown:
            self.shown.remove(toast)
            toast.hide()
            toast.deleteLater()
            self.place()

    def _stay_on_top(self, _page: int) -> None:
        """A page that comes to the front would cover the messages."""
        for toast in self.shown:
            toast.raise_()

    def place(self) -> None:
        """Put every message in its place."""
        width = min(theme().pixels(520), self._host.width() - 2 * MARGIN)
        top = MARGIN
        for toast in self.shown:
            toast.setFixedWidth(width)
            height = toast.height_for(width)
            toast.setGeometry(QRect((self._host.width() - width) // 2, top, width, height))
            top += height + 8

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self._host and event.type() == QEvent.Type.Resize:
            self.place()
        return False


def _wrapped(text: str) -> QLabel:
    label = QLabel(text)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setWordWrap(True)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return label


def _fade_in(toast: Toast) -> None:
    if theme().reduced_motion:
        return
    effect = QGraphicsOpacityEffect(toast)
    toast.setGraphicsEffect(effect)
    motion = QPropertyAnimation(effect, b"opacity", toast)
    motion.setDuration(FADE_MS)
    motion.setStartValue(0.0)
    motion.setEndValue(1.0)
    motion.setEasingCurve(QEasingCurve.Type.OutCubic)
    motion.finished.connect(toast.clear_effect)
    motion.start(QPropertyAnimation.DeletionPolicy.DeleteWhenStopped)
