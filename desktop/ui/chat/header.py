"""The pane's head: conversations, the model picker, a new conversation, everything else.

Imports Qt, the runtime's data types and strings; no torch.
"""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QMenu,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
)

from desktop import tutor
from desktop.runtime.chat_session import ChatSession
from desktop.runtime.model_shelf import ModelShelf
from desktop.ui.chat.numbers import parameters
from desktop.ui.icons import icon
from desktop.ui.lesson.look import GlyphButton
from desktop.ui.plain import plain_tip
from desktop.ui.strings import language, pick, tr
from desktop.ui.theme import theme


class ChatHeader(QFrame):
    """Buttons only; the pane knows what they do."""

    list_wanted = Signal()
    new_wanted = Signal()
    fold_wanted = Signal()
    models_wanted = Signal()
    sampling_wanted = Signal()
    export_wanted = Signal()
    load_wanted = Signal(object)
    unload_wanted = Signal()
    cancel_wanted = Signal()

    def __init__(self, session: ChatSession, shelf: ModelShelf) -> None:
        super().__init__()
        self._session, self._shelf = session, shelf
        self.list_button = GlyphButton("menu", "muted")
        self.list_button.clicked.connect(self.list_wanted)
        self.picker = QPushButton()
        self.picker.setProperty("kind", "field")
        self.picker.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.picker.setIcon(icon("model", "muted"))
        self.picker.clicked.connect(self.open_picker)
        self.new_button = GlyphButton("plus", "muted")
        self.new_button.clicked.connect(self.new_wanted)
        self.more_button = GlyphButton("more", "muted")
        self.more_button.clicked.connect(self._open_more)
        self.fold_button = GlyphButton("collapse", "muted")
        self.fold_button.clicked.connect(self.fold_wanted)
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.progress.hide()
        row = QHBoxLayout()
        row.setSpacing(2)
        row.addWidget(self.list_button)
        row.addWidget(self.picker, 1)
        for widget in (self.new_button, self.more_button, self.fold_button):
            row.addWidget(widget)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 10, 8, 6)
        layout.setSpacing(4)
        layout.addLayout(row)
        layout.addWidget(self.progress)
        language().changed.connect(self.retranslate)
        theme().changed.connect(self.retranslate)
        session.model_changed.connect(self.retranslate)
        self.retranslate()

    def open_picker(self) -> None:
        """The menu of installed models."""
        menu = self._menu()
        info = self._session.info
        if tutor.model_folder().exists():
            built_in = menu.addAction(tr("chat.tutor_built_in"))
            built_in.setCheckable(True)
            built_in.setChecked(info is not None and info.is_tutor)
            built_in.triggered.connect(lambda: self.load_wanted.emit(tutor.model_folder()))
        for model in self._shelf.models:
            action = menu.addAction(
                f"{model.name}   {parameters(model.parameters)}" if not model.error else model.name
            )
            action.setCheckable(True)
            action.setChecked(info is not None and info.path == model.path)
            action.setEnabled(model.error is None)
            path = model.path
            action.triggered.connect(lambda _=False, path=path: self.load_wanted.emit(path))
        if not self._shelf.models:
            menu.addAction(tr("chat.no_models")).setEnabled(False)
        menu.addSeparator()
        if self._session.loading is not None:
            menu.addAction(tr("chat.cancel_loading"), self.cancel_wanted.emit)
        if info is not None:
            menu.addAction(tr("chat_models.unload"), self.unload_wanted.emit)
        menu.addAction(icon("model"), tr("chat.manage_models"), self.models_wanted.emit)
        menu.popup(self.picker.mapToGlobal(QPoint(0, self.picker.height() + 2)))

    def _open_more(self) -> None:
        menu = self._menu()
        menu.addAction(icon("settings"), tr("chat_sampling.title"), self.sampling_wanted.emit)
        menu.addAction(icon("model"), tr("chat.manage_models"), self.models_wanted.emit)
        menu.addAction(icon("export"), tr("chat_list.export"), self.export_wanted.emit)
        size = menu.sizeHint().width()
        corner = QPoint(self.more_button.width() - size, self.more_button.height() + 2)
        menu.popup(self.more_button.mapToGlobal(corner))

    def _menu(self) -> QMenu:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        return menu

    def retranslate(self) -> None:
        """Texts in the language in force, and what is known of the model."""
        session = self._session
        if session.loading is not None:
            own = session.loading.path == tutor.model_folder()
            name = tr("chat.tutor") if own else session.loading.path.name
            text = tr("chat.loading", name=name)
        elif session.info is not None:
            text = tr("chat.tutor") if session.info.is_tutor else session.info.name
        else:
            text = tr("chat.choose_model")
        self.picker.setText(f" {text}")
        self.picker.setAccessibleName(f"{tr('chat.model')}: {text}")
        info = session.info
        tip = tr("chat.model")
        if info is not None:
            tip = f"{info.name} · {parameters(info.parameters)} · {pick(info.why)}"
        self.picker.setToolTip(plain_tip(tip))
        self._show_progress()
        self.list_button.name_it(tr("chat_list.title"))
        self.new_button.name_it(tr("chat.new"))
        self.more_button.name_it(tr("chat.more"))
        self.fold_button.name_it(tr("chat.fold"), "Ctrl+J")

    def _show_progress(self) -> None:
        loading = self._session.loading
        self.progress.setVisible(loading is not None)
        self.progress.setAccessibleName(tr("chat.model"))
        if loading is not None and loading.part is not None:
            self.progress.setRange(0, 1000)
            self.progress.setValue(round(1000 * loading.part))
        else:
            self.progress.setRange(0, 0)
