"""The application's one set of drawn icons, coloured by the theme when they are painted.

``resources/icons/*.svg`` are line drawings on a 24-unit grid with a 1.6-unit stroke in
``currentColor``. ``icon("play")`` gives a ``QIcon`` that draws itself in the theme in force at that
moment, so nobody has to set icons again when the theme changes. Imports Qt and theme; no torch.
"""

from __future__ import annotations

from functools import cache, lru_cache

from PySide6.QtCore import QByteArray, QPoint, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QIcon, QIconEngine, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from desktop import paths
from desktop.ui.theme import palette


@cache
def names() -> tuple[str, ...]:
    """All icon names there are."""
    return tuple(sorted(path.stem for path in _folder().glob("*.svg")))


def icon(name: str, role: str = "ink", checked_role: str = "accent") -> QIcon:
    """An icon in the colour of ``role`` (see ``theme.Palette``), another one while checked."""
    return QIcon(_ThemedEngine(name, role, checked_role))


def pixmap(name: str, size: int, color: str | QColor, ratio: float = 1.0) -> QPixmap:
    """The icon ``size`` logical pixels wide in one colour, for painting by hand."""
    return _render(name, size, QColor(color).name(QColor.NameFormat.HexArgb), ratio)


def app_icon() -> QIcon:
    """The application's own icon in the sizes window managers ask for."""
    shown = QIcon()
    for size in (16, 24, 32, 48, 64, 128, 256):
        shown.addPixmap(pixmap("app", size, "black"))
    return shown


class _ThemedEngine(QIconEngine):
    """Draws one SVG in the palette's colour for the widget's mode and state."""

    def __init__(self, name: str, role: str, checked_role: str) -> None:
        super().__init__()
        if name not in names():
            raise KeyError(f"there is no icon called {name!r}")
        self._arguments = (name, role, checked_role)

    def paint(self, painter: QPainter, rect: QRect, mode: QIcon.Mode, state: QIcon.State) -> None:
        size = min(rect.width(), rect.height())
        if size <= 0:
            return
        device = painter.device()
        drawn = self._drawn(size, mode, state, device.devicePixelRatio() if device else 1.0)
        corner = rect.topLeft() + QPoint((rect.width() - size) // 2, (rect.height() - size) // 2)
        painter.drawPixmap(corner, drawn)

    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        return self._drawn(min(size.width(), size.height()), mode, state, 1.0)

    def scaledPixmap(
        self, size: QSize, mode: QIcon.Mode, state: QIcon.State, scale: float
    ) -> QPixmap:
        # The size counts logical pixels (Qt 6.11; earlier releases passed device pixels here).
        return self._drawn(min(size.width(), size.height()), mode, state, scale)

    def clone(self) -> QIconEngine:
        return _ThemedEngine(*self._arguments)

    def _drawn(self, size: int, mode: QIcon.Mode, state: QIcon.State, ratio: float) -> QPixmap:
        name, role, checked_role = self._arguments
        color = palette().color(checked_role if state == QIcon.State.On else role)
        if mode == QIcon.Mode.Disabled:
            color.setAlphaF(0.35)
        return pixmap(name, size, color, ratio)


@cache
def _source(name: str) -> str:
    return (_folder() / f"{name}.svg").read_text(encoding="utf-8")


@lru_cache(maxsize=512)
def _render(name: str, size: int, color: str, ratio: float) -> QPixmap:
    shade = QColor(color)
    svg = _source(name).replace("currentColor", shade.name())
    drawn = QPixmap(round(size * ratio), round(size * ratio))
    drawn.fill(Qt.GlobalColor.transparent)
    painter = QPainter(drawn)
    painter.setOpacity(shade.alphaF())
    QSvgRenderer(QByteArray(svg.encode())).render(painter, QRectF(drawn.rect()))
    painter.end()
    drawn.setDevicePixelRatio(ratio)
    return drawn


@cache
def _folder() -> paths.Path:
    return paths.resources() / "icons"
