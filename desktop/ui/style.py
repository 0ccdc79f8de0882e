"""The application's style: one palette and one style sheet, made from the theme's colours.

Widgets do not style themselves; they say what they are with a dynamic property and this file says
how that looks::

    mark(button, kind="primary")      # the one main action of a screen; also "quiet", "danger", "link"
    mark(frame, kind="card")          # also "panel", "bar", "toast", "callout"
    mark(label, role="muted")         # also "title", "heading", "section", "small", "good", "bad"…

``apply_style(app)`` sets everything again after a change of theme or text size. Imports Qt, theme and
fonts; no torch.
"""

from __future__ import annotations

from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication, QStyleFactory, QWidget

from desktop import paths
from desktop.ui import fonts
from desktop.ui.theme import Palette, palette, theme

FIELD_ICON_MOST = 20
"""Qt keeps so much room for an icon inside a text field, whatever the size of its text."""


def mark(widget: QWidget, **properties: object) -> None:
    """Set dynamic properties that the style sheet looks at, and restyle if already shown."""
    changed = False
    for name, value in properties.items():
        if widget.property(name) != value:
            widget.setProperty(name, value)
            changed = True
    if changed:
        widget.style().unpolish(widget)
        widget.style().polish(widget)


def apply_style(app: QApplication) -> None:
    """Give the application font, palette and style sheet for the theme in force."""
    # Under a style sheet the style no longer says its name, and setting it again polishes every
    # widget once more: half of the time that a change of theme took.
    if not app.styleSheet() and app.style().name().lower() != "fusion":
        app.setStyle(QStyleFactory.create("Fusion"))
    app.setFont(fonts.ui_font(fonts.UI_PIXELS * theme().text_scale))
    app.setPalette(qt_palette(palette()))
    app.setStyleSheet(style_sheet(palette()))


def mixed(first: str, second: str, part: float) -> str:
    """The colour that is ``part`` of the way from ``first`` to ``second``."""
    a, b = QColor(first), QColor(second)
    blend = [
        round(x + (y - x) * part)
        for x, y in zip(a.getRgb()[:3], b.getRgb()[:3], strict=True)  # type: ignore[index]
    ]
    return QColor(*blend).name()


def qt_palette(colors: Palette) -> QPalette:
    """Role colours for everything the style sheet does not name."""
    found = QPalette()
    roles = {
        QPalette.ColorRole.Window: colors.paper,
        QPalette.ColorRole.WindowText: colors.ink,
        QPalette.ColorRole.Base: colors.surface,
        QPalette.ColorRole.AlternateBase: colors.hover,
        QPalette.ColorRole.Text: colors.ink,
        QPalette.ColorRole.PlaceholderText: colors.muted,
        QPalette.ColorRole.Button: colors.surface,
        QPalette.ColorRole.ButtonText: colors.ink,
        QPalette.ColorRole.BrightText: colors.accent_ink,
        QPalette.ColorRole.ToolTipBase: colors.ink,
        QPalette.ColorRole.ToolTipText: colors.paper,
        QPalette.ColorRole.Highlight: colors.selection,
        QPalette.ColorRole.HighlightedText: colors.ink,
        QPalette.ColorRole.Link: colors.accent,
        QPalette.ColorRole.LinkVisited: colors.accent,
        QPalette.ColorRole.Accent: colors.accent,
        QPalette.ColorRole.Light: colors.hover,
        QPalette.ColorRole.Midlight: colors.hairline,
        QPalette.ColorRole.Mid: colors.hairline,
        QPalette.ColorRole.Dark: colors.muted,
        QPalette.ColorRole.Shadow: colors.hairline,
    }
    for role, color in roles.items():
        found.setColor(role, QColor(color))
    disabled = QColor(mixed(colors.muted, colors.surface, 0.4))
    for role in (
        QPalette.ColorRole.WindowText,
        QPalette.ColorRole.Text,
        QPalette.ColorRole.ButtonText,
    ):
        found.setColor(QPalette.ColorGroup.Disabled, role, disabled)
    return found


def style_sheet(colors: Palette) -> str:
    """The style sheet for one palette at the text size in force."""
    values = {name: getattr(colors, name) for name in Palette.__dataclass_fields__}
    values |= {
        "line": mixed(colors.hairline, colors.ink, 0.08),
        "field_line": mixed(colors.hairline, colors.mark, 0.45),
        "accent_hover": mixed(colors.accent, colors.ink, 0.14),
        "accent_press": mixed(colors.accent, colors.ink, 0.26),
        "press": mixed(colors.hover, colors.ink, 0.08),
        "faint": mixed(colors.muted, colors.surface, 0.4),
        "good_wash": mixed(colors.surface, colors.good, 0.12),
        "warning_wash": mixed(colors.surface, colors.warning, 0.12),
        "bad_wash": mixed(colors.surface, colors.bad, 0.12),
        "accent_wash": mixed(colors.surface, colors.accent, 0.08),
        "icons": (paths.resources() / "icons" / "controls" / theme().name).as_posix(),
        "mono": fonts.mono_family(),
    }
    values |= _sizes()
    return (
        _SHEET.replace("{", "{{")
        .replace("}", "}}")
        .replace("<<", "{")
        .replace(">>", "}")
        .format(**values)
    )


def _sizes() -> dict[str, str]:
    """Lengths that grow with the text: of the words, and less so of the signs beside them."""
    pixels, icon_pixels = theme().pixels, theme().icon_pixels
    ring, beside = icon_pixels(15), icon_pixels(14) + 10
    found = {f"px{size}": pixels(size) for size in (11, 12, 13, 14, 15, 16, 18, 20, 24, 28)}
    found |= {f"icon{size}": icon_pixels(size) for size in (11, 13, 14, 16)}
    found |= {
        "field_height": pixels(20),
        "box": icon_pixels(16),
        "ring": ring,
        "ring_round": (ring + 1) // 2,
        "icon_inside": min(FIELD_ICON_MOST, icon_pixels(16)),
        "arrow_room": beside,
        "arrow_room_focus": beside - 1,
        "spin_room": icon_pixels(11) + 9,
    }
    return {name: f"{size}px" for name, size in found.items()}


_SHEET = """
QWidget { font-size: <<px13>>; color: <<ink>>; }
QMainWindow, QDialog, QWidget[kind="page"] { background: <<paper>>; }
QToolTip {
  background: <<ink>>; color: <<paper>>; border: 0; border-radius: 6px; padding: 6px 9px;
}
QLabel, QCheckBox, QRadioButton { background: transparent; }
QLabel[role="muted"], QLabel[role="small"], QLabel[role="section"] { color: <<muted>>; }
QLabel[role="small"] { font-size: <<px12>>; }
QLabel[role="section"] { font-size: <<px12>>; font-weight: 600; }
QLabel[role="heading"] { font-size: <<px15>>; font-weight: 600; }
QLabel[role="title"] { font-size: <<px24>>; font-weight: 600; }
QLabel[role="brand"] { font-size: <<px16>>; font-weight: 600; }
QLabel[role="good"] { color: <<good>>; }
QLabel[role="warning"] { color: <<warning>>; }
QLabel[role="bad"] { color: <<bad>>; }
QLabel[role="code"] { font-family: "<<mono>>"; }
QLabel[role="key"] {
  font-size: <<px12>>; color: <<ink>>; background: <<hover>>; border: 1px solid <<line>>;
  border-bottom-width: 2px; border-radius: 5px; padding: 1px 7px;
}
QLabel[role="badge"] {
  font-size: <<px11>>; color: <<muted>>; background: <<hover>>; border-radius: 8px;
  padding: 1px 7px;
}

QPushButton {
  background: <<raised>>; border: 1px solid <<field_line>>; border-radius: 7px;
  padding: 5px 13px; min-height: <<field_height>>; outline: 0;
}
QPushButton:hover { background: <<hover>>; }
QPushButton:pressed, QPushButton:checked { background: <<press>>; }
QPushButton:focus { border: 2px solid <<accent>>; padding: 4px 12px; }
QPushButton:disabled { color: <<faint>>; border-color: <<hairline>>; }
QPushButton[kind="primary"] {
  background: <<accent>>; color: <<accent_ink>>; border: 1px solid <<accent>>; font-weight: 600;
}
QPushButton[kind="primary"]:hover { background: <<accent_hover>>; }
QPushButton[kind="primary"]:pressed { background: <<accent_press>>; }
QPushButton[kind="primary"]:focus { border: 2px solid <<ink>>; padding: 4px 12px; }
QPushButton[kind="primary"]:disabled {
  background: <<hairline>>; border-color: <<hairline>>; color: <<faint>>;
}
QPushButton[kind="danger"] { color: <<bad>>; }
QPushButton[kind="quiet"] { background: transparent; border-color: transparent; }
QPushButton[kind="quiet"]:hover { background: <<hover>>; }
QPushButton[kind="quiet"]:pressed, QPushButton[kind="quiet"]:checked { background: <<press>>; }
QPushButton[kind="quiet"]:focus { border-color: <<accent>>; }
QPushButton[kind="link"] {
  background: transparent; border: 1px solid transparent; border-radius: 4px; color: <<accent>>;
  padding: 1px 3px; min-height: 0; text-align: left;
}
QPushButton[kind="link"]:hover { text-decoration: underline; }
QPushButton[kind="link"]:focus { border: 1px solid <<accent>>; padding: 1px 3px; }
QPushButton[kind="field"] {
  background: <<surface>>; color: <<muted>>; border: 1px solid <<line>>; border-radius: 8px;
  padding: 4px 10px; text-align: left;
}
QPushButton[kind="field"]:hover { border-color: <<field_line>>; }
QPushButton[kind="field"]:focus { border: 2px solid <<accent>>; padding: 3px 9px; }
QPushButton[kind="nav"] {
  background: transparent; border: 1px solid transparent; border-radius: 7px; padding: 4px 9px;
  text-align: left;
}
QPushButton[kind="nav"]:hover { background: <<press>>; }
QPushButton[kind="nav"]:checked { background: <<selection>>; font-weight: 600; }
QPushButton[kind="nav"]:focus { border-color: <<accent>>; }
QPushButton[kind="nav"][folded="true"], QPushButton[kind="field"][folded="true"] {
  padding: 4px; text-align: center;
}
QPushButton[kind="segment"]:checked {
  background: <<selection>>; border-color: <<accent>>; color: <<ink>>; font-weight: 600;
}
QPushButton::menu-indicator { width: 0; }
QPushButton, QMenu { icon-size: <<icon16>>; }
QLineEdit > QToolButton { icon-size: <<icon_inside>>; }

QToolButton {
  background: transparent; border: 1px solid transparent; border-radius: 7px; padding: 4px;
}
QToolButton:hover { background: <<hover>>; }
QToolButton:pressed, QToolButton:checked { background: <<press>>; }
QToolButton:focus { border-color: <<accent>>; }
QToolButton:disabled { color: <<faint>>; }
QToolButton[kind="primary"] { background: <<accent>>; color: <<accent_ink>>; border-color: <<accent>>; }
QToolButton[kind="primary"]:hover { background: <<accent_hover>>; }
QToolButton[kind="primary"]:pressed { background: <<accent_press>>; }
QToolButton[kind="primary"]:focus { border: 2px solid <<ink>>; padding: 3px; }
QToolButton[kind="primary"]:disabled { background: <<hairline>>; border-color: <<hairline>>; }
QToolButton[kind="outlined"] { background: <<raised>>; border-color: <<field_line>>; }
QToolButton[kind="outlined"]:hover { background: <<hover>>; }
QToolButton[kind="outlined"]:focus { border-color: <<accent>>; }
QToolButton::menu-indicator { image: none; }

QLineEdit, QPlainTextEdit, QTextEdit, QAbstractSpinBox, QComboBox {
  background: <<surface>>; border: 1px solid <<field_line>>; border-radius: 7px;
  padding: 4px 8px; selection-background-color: <<selection>>; selection-color: <<ink>>;
}
QLineEdit, QAbstractSpinBox, QComboBox { min-height: <<field_height>>; }
QLineEdit:focus, QPlainTextEdit:focus, QTextEdit:focus, QAbstractSpinBox:focus, QComboBox:focus {
  border: 2px solid <<accent>>; padding: 3px 7px;
}
QLineEdit:disabled, QComboBox:disabled, QAbstractSpinBox:disabled {
  color: <<faint>>; background: <<paper>>; border-color: <<hairline>>;
}
QLineEdit[invalid="true"], QAbstractSpinBox[invalid="true"] { border: 2px solid <<bad>>; padding: 3px 7px; }
QLineEdit[kind="compact"], QAbstractSpinBox[kind="compact"] { padding: 1px 6px; min-height: 0; }
QLineEdit[kind="compact"]:focus, QAbstractSpinBox[kind="compact"]:focus { padding: 0 5px; }
QLineEdit[kind="bare"] { background: transparent; border: 0; padding: 4px; }
QTextBrowser, QTextEdit[kind="prose"] { border: 0; background: transparent; padding: 0; }
QTextBrowser:focus, QTextEdit[kind="prose"]:focus { border: 0; padding: 0; }
QPlainTextEdit[kind="code"] { font-family: "<<mono>>"; }
QAbstractSpinBox::up-button, QAbstractSpinBox::down-button {
  subcontrol-origin: border; width: <<spin_room>>; border: 0; background: transparent;
}
QAbstractSpinBox::up-button { subcontrol-position: top right; }
QAbstractSpinBox::down-button { subcontrol-position: bottom right; }
QAbstractSpinBox::up-arrow { image: url("<<icons>>/chevron-up.svg"); width: <<icon11>>; height: <<icon11>>; }
QAbstractSpinBox::down-arrow { image: url("<<icons>>/chevron-down.svg"); width: <<icon11>>; height: <<icon11>>; }
QComboBox { padding-right: <<arrow_room>>; }
QComboBox:focus { padding-right: <<arrow_room_focus>>; }
QComboBox:hover { background: <<hover>>; }
QComboBox::drop-down { border: 0; width: <<arrow_room>>; }
QComboBox::down-arrow { image: url("<<icons>>/chevron-down.svg"); width: <<icon14>>; height: <<icon14>>; }
QComboBox QAbstractItemView {
  background: <<raised>>; border: 1px solid <<line>>; border-radius: 8px; padding: 4px; outline: 0;
  selection-background-color: <<selection>>; selection-color: <<ink>>;
}
QComboBox QAbstractItemView::item { min-height: <<px28>>; padding: 0 6px; border-radius: 5px; }

QCheckBox, QRadioButton { spacing: 8px; padding: 2px; border: 1px solid transparent; border-radius: 5px; }
QCheckBox:focus, QRadioButton:focus { border-color: <<accent>>; }
QCheckBox:disabled, QRadioButton:disabled { color: <<faint>>; }
QCheckBox::indicator, QRadioButton::indicator {
  width: <<box>>; height: <<box>>; background: <<surface>>; border: 1px solid <<mark>>;
}
QCheckBox::indicator { border-radius: 4px; }
QRadioButton::indicator { border-radius: <<ring_round>>; width: <<ring>>; height: <<ring>>; }
QCheckBox::indicator:hover, QRadioButton::indicator:hover { border-color: <<accent>>; }
QCheckBox::indicator:checked, QRadioButton::indicator:checked,
QCheckBox::indicator:indeterminate { background: <<accent>>; border-color: <<accent>>; }
QCheckBox::indicator:checked { image: url("<<icons>>/check.svg"); }
QCheckBox::indicator:indeterminate { image: url("<<icons>>/minus.svg"); }
QRadioButton::indicator:checked { image: url("<<icons>>/dot.svg"); }
QCheckBox::indicator:disabled, QRadioButton::indicator:disabled { border-color: <<field_line>>; }

QSlider { min-height: 20px; }
QSlider:vertical { min-height: 0; min-width: 20px; }
QSlider::groove:horizontal { height: 4px; border-radius: 2px; background: <<field_line>>; }
QSlider::groove:vertical { width: 4px; border-radius: 2px; background: <<field_line>>; }
QSlider::sub-page:horizontal, QSlider::add-page:vertical { background: <<accent>>; border-radius: 2px; }
QSlider::handle {
  background: <<raised>>; border: 2px solid <<accent>>; border-radius: 7px; width: 10px; height: 10px;
}
QSlider::handle:horizontal { margin: -5px 0; }
QSlider::handle:vertical { margin: 0 -5px; }
QSlider::handle:hover, QSlider::handle:pressed { background: <<accent>>; }
QSlider::handle:focus { background: <<accent>>; border-color: <<ink>>; }
QSlider::sub-page:disabled { background: <<field_line>>; }
QSlider::handle:disabled { border-color: <<field_line>>; background: <<surface>>; }

QProgressBar {
  background: <<hairline>>; border: 0; border-radius: 2px; max-height: 4px; min-height: 4px;
  text-align: center; color: transparent;
}
QProgressBar::chunk { background: <<accent>>; border-radius: 2px; }

QTabWidget::pane { border: 0; }
QTabBar { background: transparent; qproperty-drawBase: 0; }
QTabBar::tab {
  background: transparent; color: <<muted>>; border: 0; border-bottom: 2px solid transparent;
  padding: 6px 12px;
}
QTabBar::tab:hover { color: <<ink>>; }
QTabBar::tab:selected { color: <<ink>>; border-bottom-color: <<accent>>; }
QTabBar::tab:focus { background: <<hover>>; border-radius: 5px; }

QScrollArea { border: 0; background: transparent; }
QScrollArea > QWidget > QWidget[kind="clear"] { background: transparent; }
QAbstractScrollArea::corner { background: transparent; }
QScrollBar:vertical { background: transparent; width: 10px; margin: 0; }
QScrollBar:horizontal { background: transparent; height: 10px; margin: 0; }
QScrollBar::handle { background: <<field_line>>; border-radius: 3px; margin: 2px; }
QScrollBar::handle:vertical { min-height: 32px; }
QScrollBar::handle:horizontal { min-width: 32px; }
QScrollBar::handle:hover { background: <<mark>>; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0; height: 0; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }

QMenu { background: <<raised>>; border: 1px solid <<line>>; border-radius: 9px; padding: 5px; }
QMenu::item { padding: 6px 26px 6px 10px; border-radius: 5px; }
QMenu::item:selected { background: <<selection>>; }
QMenu::item:disabled { color: <<faint>>; }
QMenu::separator { height: 1px; background: <<hairline>>; margin: 5px 8px; }
QMenu::icon { padding-left: 8px; }
QMenu::right-arrow { image: url("<<icons>>/chevron-right.svg"); width: <<icon13>>; height: <<icon13>>; }
QMenuBar { background: <<paper>>; }
QMenuBar::item:selected { background: <<hover>>; border-radius: 5px; }

QListView, QTreeView, QTableView {
  background: transparent; border: 0; outline: 0; selection-background-color: <<selection>>;
  selection-color: <<ink>>; gridline-color: <<hairline>>;
}
QListView[kind="boxed"], QTableView { background: <<surface>>; border: 1px solid <<hairline>>; border-radius: 9px; }
QListView[kind="items"]::item { border-radius: 6px; padding: 0 8px; }
QListView[kind="items"]::item:hover { background: <<hover>>; }
QListView[kind="items"]::item:selected { background: <<selection>>; color: <<ink>>; }
QHeaderView::section {
  background: <<paper>>; color: <<muted>>; border: 0; border-bottom: 1px solid <<hairline>>;
  padding: 5px 8px; font-weight: 600;
}

QSplitter::handle { background: transparent; }
QSplitter::handle:horizontal { width: 7px; }
QSplitter::handle:vertical { height: 7px; }
QSplitter::handle:hover { background: <<hairline>>; }

QFrame[kind="card"], QFrame[kind="panel"] {
  background: <<surface>>; border: 1px solid <<hairline>>; border-radius: 10px;
}
QFrame[kind="bar"] { background: <<surface>>; border: 0; border-top: 1px solid <<hairline>>; }
QFrame[kind="sidebar"] { background: <<paper>>; border: 0; border-right: 1px solid <<hairline>>; }
QFrame[kind="callout"] { background: <<accent_wash>>; border: 0; border-radius: 9px; }
QFrame[kind="good"] { background: <<good_wash>>; border: 1px solid <<good>>; border-radius: 9px; }
QFrame[kind="warning"] { background: <<warning_wash>>; border: 1px solid <<warning>>; border-radius: 9px; }
QFrame[kind="bad"] { background: <<bad_wash>>; border: 1px solid <<bad>>; border-radius: 9px; }
QFrame[kind="toast"] { background: <<raised>>; border: 1px solid <<field_line>>; border-radius: 10px; }
QFrame[kind="toast"][tone="bad"] { border: 1px solid <<bad>>; }
QFrame[kind="toast"][tone="good"] { border: 1px solid <<good>>; }
QFrame[kind="rule"] { background: <<hairline>>; border: 0; max-height: 1px; min-height: 1px; }
QFrame[kind="popup"] { background: <<raised>>; border: 1px solid <<field_line>>; border-radius: 12px; }
"""
