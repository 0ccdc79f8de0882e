"""What the window does when screens change: it stays in sight, and its pictures stay sharp.

Where a screen is unplugged or made smaller, most desktops push its windows onto another; where that is
left undone, the window moves itself. On a screen with another scale, everything that is kept as a
picture is drawn anew. Imports Qt and theme; no torch.
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, QTimer
from PySide6.QtGui import QGuiApplication, QScreen
from PySide6.QtWidgets import QWidget

from desktop.ui.theme import theme

PATIENCE_MS = 400
"""The desktop's own window manager goes first."""
TITLE = 32
GRIP = 120
"""So much of the title's height and width has to be on a screen for the window to be dragged by it."""


def in_view(frame: QRect, screens: Sequence[QRect]) -> QRect:
    """``frame`` itself when its title can be reached on one of the screens; else moved onto the
    nearest one and made to fit."""
    title = QRect(frame.topLeft(), frame.size())
    title.setHeight(TITLE)
    for screen in screens:
        seen = title.intersected(screen)
        if seen.width() >= min(GRIP, frame.width()) and seen.height() == TITLE:
            return frame
    nearest = min(screens, key=lambda screen: _distance(frame.center(), screen))
    size = frame.size().boundedTo(nearest.size())
    left = min(max(frame.x(), nearest.x()), nearest.x() + nearest.width() - size.width())
    top = min(max(frame.y(), nearest.y()), nearest.y() + nearest.height() - size.height())
    return QRect(QPoint(left, top), size)


def _distance(point: QPoint, screen: QRect) -> int:
    aside = max(screen.left() - point.x(), 0, point.x() - screen.right())
    above = max(screen.top() - point.y(), 0, point.y() - screen.bottom())
    return aside + above


class ScreenWatch(QObject):
    """Watches the screens for one window, as long as it lives."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._window = window
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(PATIENCE_MS)
        self._timer.timeout.connect(self._look)
        application = QGuiApplication.instance()
        assert isinstance(application, QGuiApplication)
        application.screenAdded.connect(self._added)
        application.screenRemoved.connect(self._changed)
        for screen in application.screens():
            self._added(screen)
        window.installEventFilter(self)

    @property
    def waiting(self) -> bool:
        """Whether a change is yet to be looked at."""
        return self._timer.isActive()

    def _added(self, screen: QScreen) -> None:
        screen.availableGeometryChanged.connect(self._changed)

    def _changed(self) -> None:
        self._timer.start()

    def _look(self) -> None:
        window = self._window
        if not window.isVisible() or window.isMinimized() or window.isFullScreen():
            return
        frame = window.frameGeometry()
        screens = [screen.availableGeometry() for screen in QGuiApplication.screens()]
        wanted = in_view(frame, screens) if screens else frame
        if wanted != frame and not window.isMaximized():
            window.resize(wanted.size() - (frame.size() - window.size()))
            window.move(wanted.topLeft())

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Pictures drawn for the old scale are drawn again, like after a change of the theme."""
        if event.type() == QEvent.Type.DevicePixelRatioChange:
            QTimer.singleShot(0, theme().changed.emit)
        return False
