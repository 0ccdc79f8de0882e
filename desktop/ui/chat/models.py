"""The models page: what is installed, what it needs, what this machine has; import, verify, remove,
download.

A folder or file can also be dropped on it. Imports Qt, the model shelf and strings; no torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import (
    QButtonGroup,
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QProgressBar,
    QRadioButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from desktop.course.store import Store
from desktop.runtime.chat_messages import LoadOffer, ModelInfo
from desktop.runtime.model_shelf import Done, ModelShelf, ShelfModel, Step
from desktop.ui.chat.download_card import DownloadCard
from desktop.ui.chat.memory_table import MemoryTable
from desktop.ui.chat.numbers import parameters, size
from desktop.ui.chat.offers import offer_button
from desktop.ui.chat.page import ChatPage
from desktop.ui.flow import FlowLayout
from desktop.ui.lesson.look import button, card, label
from desktop.ui.strings import pick, tr

BITS = (4, 8)


class ModelsPage(ChatPage):
    """``load_wanted(path)``, ``unload_wanted()``; errors and news go out as signals."""

    load_wanted = Signal(object)
    unload_wanted = Signal()
    removing = Signal(object)
    """path of a model whose files are about to go"""
    offer_taken = Signal(object)
    failed = Signal(object)
    told = Signal(str)
    title_key = "chat_models.title"

    def __init__(self, shelf: ModelShelf, store: Store) -> None:
        super().__init__()
        self.shelf = shelf
        self._loaded: ModelInfo | None = None
        self._refused: Path | None = None
        self._offers: tuple[LoadOffer, ...] = ()
        self._asked = ""
        self.setAcceptDrops(True)
        self._machine = label("muted", wrap=True)
        self._list = QVBoxLayout()
        self._list.setSpacing(8)
        self._empty = label("muted", wrap=True)
        self._busy = card(kind="card")
        busy = QVBoxLayout(self._busy)
        self._busy_text, self._bar = label("", wrap=True), QProgressBar()
        self._bar.setRange(0, 1000)
        self._bar.setTextVisible(False)
        self._cancel = button("", shelf.cancel)
        busy.addWidget(self._busy_text)
        busy.addWidget(self._bar)
        busy.addWidget(self._cancel)
        self._busy.hide()
        self.download = DownloadCard(shelf.download, store)
        self.download.convert_wanted.connect(self._convert_download)
        self._import_title, self._import_note = label("heading"), label("muted", wrap=True)
        self.folder_button = button("", self._ask_folder)
        self.file_button = button("", self._ask_file)
        self._bits_note = label("small", wrap=True)
        self._bits = QButtonGroup(self)
        bits = QHBoxLayout()
        self._bits_buttons = {}
        for count in BITS:
            choice = QRadioButton()
            choice.setChecked(count == BITS[0])
            self._bits.addButton(choice, count)
            self._bits_buttons[count] = choice
            bits.addWidget(choice)
        bits.addStretch(1)
        row = QHBoxLayout()
        row.addWidget(self.folder_button)
        row.addWidget(self.file_button)
        row.addStretch(1)
        for widget in (self._machine, self._busy, self._empty):
            self.body.addWidget(widget)
        self.body.addLayout(self._list)
        self.body.addWidget(self.download)
        self.body.addSpacing(6)
        for widget in (self._import_title, self._import_note):
            self.body.addWidget(widget)
        self.body.addLayout(bits)
        self.body.addWidget(self._bits_note)
        self.body.addLayout(row)
        self.body.addStretch(1)
        self._bits.idClicked.connect(self.download.show_bits)
        shelf.listed.connect(self.fill)
        shelf.progress.connect(self._show_progress)
        shelf.done.connect(self._task_done)
        self.retranslate()

    def show_loaded(
        self,
        info: ModelInfo | None,
        asked_for: Path | None = None,
        offers: Sequence[LoadOffer] = (),
    ) -> None:
        """Which model the chat talks to; or which did not fit, and what would."""
        self._loaded = info
        self._refused, self._offers = asked_for, tuple(offers)
        self.fill()

    def fill(self) -> None:
        """Show what the folder holds."""
        while self._list.count():
            item = self._list.takeAt(0)
            widget = item.widget() if item is not None else None
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        for model in self.shelf.models:
            self._list.addWidget(self._card(model))
        self._empty.setVisible(not self.shelf.models)
        self.download.show_installed(
            any(m.name == self.shelf.download.name and m.error is None for m in self.shelf.models)
        )
        machine = self.shelf.machine
        self._machine.setVisible(machine.total > 0)
        self._machine.setText(
            tr("chat_models.machine", total=size(machine.total), free=size(machine.free))
        )

    # ---- one model

    def _card(self, model: ShelfModel) -> QFrame:
        made = card("bad" if model.error else "", kind="card")
        body = QVBoxLayout(made)
        body.setContentsMargins(12, 10, 12, 10)
        body.setSpacing(4)
        body.addWidget(label("heading", model.name, wrap=True))
        body.addWidget(label("small", self._facts(model), wrap=True))
        if self._is_loaded(model) and self._loaded is not None:
            body.addWidget(label("small", pick(self._loaded.why), wrap=True))
            if self._loaded.memory:
                body.addWidget(MemoryTable(self._loaded.memory))
        if self._offers and self._refused == model.path:
            body.addWidget(label("bad", tr("chat_models.no_room"), wrap=True))
            for offer in self._offers:
                body.addWidget(offer_button(offer, self.offer_taken.emit))
        deeds = _DeedRow()
        body.addWidget(deeds)
        row = deeds.flow
        if self._asked == model.name:
            sure = label("bad", tr("chat_models.sure", name=model.name), wrap=True)
            body.insertWidget(body.indexOf(deeds), sure)
            row.addWidget(
                button("danger", lambda: self._remove(model), tr("chat_models.remove_yes"))
            )
            row.addWidget(button("", self._keep, tr("chat.cancel")))
        else:
            self._offer(row, model)
        return made

    def _offer(self, row: FlowLayout, model: ShelfModel) -> None:
        if model.error is None:
            if self._is_loaded(model):
                row.addWidget(button("", self.unload_wanted.emit, tr("chat_models.unload")))
            else:
                load = button("primary", lambda: self._load(model), tr("chat_models.load"))
                row.addWidget(load)
            row.addWidget(
                button("quiet", lambda: self.shelf.verify(model.name), tr("chat_models.verify"))
            )
        row.addWidget(button("quiet", lambda: self._ask(model), tr("chat_models.remove")))

    def _facts(self, model: ShelfModel) -> str:
        if model.error is not None:
            return pick(model.error.message)
        kind = (
            tr("chat_models.bits", bits=model.bits)
            if model.bits < 16
            else tr("chat_models.unquantized")
        )
        parts = [
            tr("chat_models.parameters", count=parameters(model.parameters)),
            kind,
            tr("chat_models.context", count=f"{model.context:,}"),
            tr("chat_models.disk", size=size(model.nbytes)),
            tr("chat_models.needs", size=size(model.needs)),
        ]
        return " · ".join(parts)

    def _is_loaded(self, model: ShelfModel) -> bool:
        return self._loaded is not None and self._loaded.path == model.path

    def _load(self, model: ShelfModel) -> None:
        self.load_wanted.emit(model.path)

    def _ask(self, model: ShelfModel) -> None:
        self._asked = model.name
        self.fill()

    def _keep(self) -> None:
        self._asked = ""
        self.fill()

    def _remove(self, model: ShelfModel) -> None:
        self._asked = ""
        self.removing.emit(model.path)
        self.shelf.remove(model.name)

    # ---- importing

    def _ask_folder(self) -> None:
        path = QFileDialog.getExistingDirectory(self, tr("chat_models.folder"))
        if path:
            self.add(Path(path))

    def _ask_file(self) -> None:
        path, _ = QFileDialog.getOpenFileName(
            self, tr("chat_models.file"), "", "GGUF, safetensors (*.gguf *.safetensors)"
        )
        if path:
            self.add(Path(path))

    def add(self, path: Path) -> None:
        """Import a folder or file."""
        if self.shelf.running is None:
            self.shelf.add(path, self._bits.checkedId())
            self._show_busy(tr("chat_models.adding", name=path.name), 0.0)

    def _convert_download(self) -> None:
        self.shelf.add_download(self._bits.checkedId())
        self._show_busy(tr("chat_models.adding", name=self.shelf.download.name), 0.0)
        self.download.show_converting(True)

    def _show_busy(self, text: str, part: float) -> None:
        self._busy.show()
        self._busy_text.setText(text)
        self._bar.setValue(round(1000 * part))
        for one in (self.folder_button, self.file_button):
            one.setEnabled(False)

    def _show_progress(self, step: Step) -> None:
        name = Path(step.task.target).name
        key = "chat_models.adding" if step.task.kind == "add" else "chat_models.verifying"
        self._show_busy(f"{tr(key, name=name)} {pick(step.what)}", step.part)

    def _task_done(self, done: Done) -> None:
        self._busy.hide()
        if done.task.spend:
            self.download.show_converting(False)
        for one in (self.folder_button, self.file_button):
            one.setEnabled(True)
        name = Path(done.task.target).name
        if done.error is not None:
            self.failed.emit(done.error)
        elif not done.cancelled and done.task.kind in ("add", "verify", "remove"):
            self.told.emit(tr(f"chat_models.done_{done.task.kind}", name=name))

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        urls = event.mimeData().urls()
        free = self.shelf.running is None  # one at a time: the pointer says so
        if free and len(urls) == 1 and urls[0].isLocalFile():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        event.acceptProposedAction()
        self.add(Path(event.mimeData().urls()[0].toLocalFile()))

    def showEvent(self, event: object) -> None:
        self.shelf.look()

    # ---- words

    def retranslate(self) -> None:
        super().retranslate()
        self._empty.setText(tr("chat_models.empty"))
        self._import_title.setText(tr("chat_models.import"))
        self._import_note.setText(tr("chat_models.import_note"))
        self.folder_button.setText(tr("chat_models.folder"))
        self.file_button.setText(tr("chat_models.file"))
        self._cancel.setText(tr("chat.cancel"))
        self._bits_note.setText(tr("chat_models.bits_note"))
        for count, choice in self._bits_buttons.items():
            choice.setText(tr("chat_models.bits", bits=count))
        self._bar.setAccessibleName(tr("chat_models.import"))
        self.fill()


class _DeedRow(QWidget):
    """What can be done with a model, in as many lines as the width asks for."""

    def __init__(self) -> None:
        super().__init__()
        self.flow = FlowLayout(self, spacing=6)
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
