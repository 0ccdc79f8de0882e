"""Small builders for the widgets of the lesson view, and the few styles only it needs.

Buttons, frames and labels say what they are with the properties ``kind`` and ``role`` that
``desktop.ui.style`` knows; ``sheet`` adds what exists nowhere else (chips, segments, the round play
button, the step's title). Imports Qt, icons, style and theme.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QFrame, QLabel, QPushButton, QSizePolicy, QToolButton, QWidget

from desktop.ui.icons import icon
from desktop.ui.style import mark, mixed
from desktop.ui.theme import palette, theme

BODY = 15.0
"""Size of prose in pixels at 100 %."""


def sheet() -> str:
    """What the lesson view needs beyond the application's style sheet, for the theme in force."""
    p, px = palette(), theme().pixels
    line = mixed(p.hairline, p.mark, 0.55)
    arrow = theme().icon_pixels(14) + 8
    return f"""
    #LessonView, #ProsePage, #CodePage {{ background: {p.paper}; }}
    #PanelArea, #PanelGrid {{ background: transparent; }}
    #ControlsPage QComboBox, QFrame[kind="strip"] > QComboBox {{ padding: 1px {arrow}px 1px 8px;
        min-height: {px(22)}px; }}
    #ControlsPage QComboBox:focus, QFrame[kind="strip"] > QComboBox:focus {{
        padding: 0 {arrow - 1}px 0 7px; }}
    #ControlsPage QLineEdit {{ padding: 1px 8px; min-height: {px(22)}px; }}
    #ControlsPage QLineEdit:focus, #ControlsPage QLineEdit[invalid="true"] {{ padding: 0 7px; }}
    #ControlsPage QPlainTextEdit {{ padding: 2px 6px; }}
    #ControlsPage QPlainTextEdit:focus {{ padding: 1px 5px; }}
    #ControlsPage, #ControlsScroll {{ background: transparent; }}
    QLabel[role="lesson-title"] {{ font-size: {px(16)}px; font-weight: 600; }}
    QLabel[role="step-title"] {{ font-size: {px(22)}px; font-weight: 600; }}
    QLabel[role="body"] {{ font-size: {px(14)}px; }}
    QLabel[role="strong"] {{ font-size: {px(14)}px; font-weight: 600; }}
    QLabel[role="verdict-good"] {{ font-size: {px(14)}px; font-weight: 600; color: {p.good}; }}
    QLabel[role="verdict-bad"] {{ font-size: {px(14)}px; font-weight: 600; color: {p.warning}; }}
    QLabel[role="error"] {{ font-size: {px(12)}px; color: {p.bad}; }}
    QLabel[role="name"] {{ font-size: {px(12)}px; color: {p.muted}; }}
    QLabel[role="name"][linked="true"]:hover {{ color: {p.accent}; text-decoration: underline; }}
    QPushButton[kind="chip"] {{ background: {p.surface}; color: {p.muted};
        border: 1px solid {line}; border-radius: {px(11)}px; padding: 1px 10px;
        min-height: {px(20)}px; }}
    QPushButton[kind="chip"]:hover {{ background: {p.hover}; }}
    QPushButton[kind="chip"]:checked {{ background: {p.selection}; color: {p.ink};
        border-color: {p.accent}; }}
    QPushButton[kind="chip"]:focus {{ border: 2px solid {p.accent}; padding: 0 9px; }}
    QPushButton[kind="small"] {{ padding: 1px 10px; min-height: {px(22)}px; }}
    QPushButton[kind="small"]:focus {{ padding: 0 9px; }}
    QPushButton[kind="segment"] {{ background: {p.surface}; color: {p.muted};
        border: 1px solid {line}; border-radius: 0; padding: 2px 10px; margin: 0 -1px 0 0; }}
    QPushButton[kind="segment"][edge="left"] {{ border-top-left-radius: 7px;
        border-bottom-left-radius: 7px; }}
    QPushButton[kind="segment"][edge="right"] {{ border-top-right-radius: 7px;
        border-bottom-right-radius: 7px; margin: 0; }}
    QPushButton[kind="segment"]:checked {{ background: {p.selection}; color: {p.ink};
        border-color: {p.accent}; }}
    QPushButton[kind="segment"]:focus {{ border: 2px solid {p.accent}; padding: 1px 9px; }}
    QToolButton[kind="round"] {{ background: {p.accent}; border: 1px solid {p.accent};
        border-radius: {(theme().icon_pixels(18) + 16) // 2}px; padding: 7px; }}
    QToolButton[kind="round"]:hover {{ background: {mixed(p.accent, p.ink, 0.14)}; }}
    QToolButton[kind="round"]:focus {{ border: 2px solid {p.ink}; padding: 6px; }}
    QToolButton[kind="round"]:disabled {{ background: {p.hairline}; border-color: {p.hairline}; }}
    QFrame[kind="strip"] {{ background: {p.surface}; border: 1px solid {p.hairline};
        border-radius: 10px; }}
    QFrame[kind="check"] {{ background: {p.surface}; border: 1px solid {p.hairline};
        border-left: 3px solid {p.accent}; border-radius: 9px; }}
    QFrame[kind="check"][tone="good"] {{ border-left-color: {p.good}; }}
    QFrame[kind="check"][tone="warning"] {{ border-left-color: {p.warning}; }}
    QFrame[kind="check"][tone="bad"] {{ border-left-color: {p.bad}; }}
    QTextBrowser#Prose {{ background: transparent; border: 0; padding: 0; }}
    """


def label(role: str, text: str = "", *, wrap: bool = False) -> QLabel:
    """A label in one of the style sheet's text roles; it never interprets markup."""
    made = QLabel(text)
    made.setProperty("role", role)
    made.setTextFormat(Qt.TextFormat.PlainText)
    made.setWordWrap(wrap)
    if wrap:
        policy = made.sizePolicy()
        policy.setHeightForWidth(True)
        policy.setVerticalPolicy(QSizePolicy.Policy.Minimum)
        made.setSizePolicy(policy)
    return made


def button(kind: str, clicked: Callable[[], object], text: str = "") -> QPushButton:
    """A push button of the kind ``primary``, ``""``, ``quiet``, ``link`` or ``chip``."""
    made = QPushButton(text)
    made.setProperty("kind", kind)
    made.setCursor(Qt.CursorShape.PointingHandCursor)
    made.setAutoDefault(False)
    made.clicked.connect(lambda _checked=False: clicked())
    return made


class GlyphButton(QToolButton):
    """A square button with one of the application's icons."""

    def __init__(self, name: str, role: str = "ink", *, kind: str = "", size: int = 18) -> None:
        super().__init__()
        self._name, self._role = name, role
        if kind:
            self.setProperty("kind", kind)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._size = size
        self.setIcon(icon(name, role))
        theme().changed.connect(self._resize_icon)
        self._resize_icon()

    def _resize_icon(self) -> None:
        side = theme().icon_pixels(self._size)
        if side != self.iconSize().width() or side != self.iconSize().height():
            self.setIconSize(QSize(side, side))

    def show_glyph(self, name: str) -> None:
        """Draw another icon."""
        if name != self._name:
            self._name = name
            self.setIcon(icon(name, self._role))

    def name_it(self, text: str, hint: str = "") -> None:
        """Tooltip and accessible name, with the shortcut after it in the tooltip."""
        self.setToolTip(f"{text}  {hint}" if hint else text)
        self.setAccessibleName(text)


def card(tone: str = "", kind: str = "check") -> QFrame:
    """A box in the prose column; ``tone`` colours its left edge."""
    made = QFrame()
    made.setProperty("kind", kind)
    made.setProperty("tone", tone)
    return made


def set_part(widget: QWidget, name: str, value: object) -> None:
    """Change a dynamic property and have the style sheet look again."""
    mark(widget, **{name: value})
