"""What leaves the pane: a conversation written to a file, a page opened in the browser.

Imports Qt, the controller and strings; no torch.
"""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFileDialog, QMessageBox, QWidget

from desktop.bilingual import Bilingual, GlassboxError
from desktop.course.chat_export import ExportWords
from desktop.runtime.chat_messages import TUTOR_NAME
from desktop.ui.chat.controller import ChatController
from desktop.ui.strings import language, tr


class Outside(QObject):
    """Asks where to, or whether to, and does it."""

    failed = Signal(object)
    told = Signal(str)

    def __init__(self, controller: ChatController, window: QWidget) -> None:
        super().__init__(window)
        self._control, self._window = controller, window

    def export_this(self) -> None:
        """Export the conversation that is open."""
        self.export(self._control.conversation.id)

    def export(self, conversation: int) -> None:
        """Ask for a file, whose ending says which of the two forms it gets, and write it."""
        one = self._control.chats.get(conversation)
        title = self._control.chats.title(one) or tr("chat_list.untitled")
        safe = "".join(letter if letter.isalnum() or letter in " -_" else "-" for letter in title)
        path, kind = QFileDialog.getSaveFileName(
            self._window,
            tr("chat_list.export"),
            f"{safe.strip(' -')}.md",
            "Markdown (*.md);;JSON (*.json)",
        )
        if not path:
            return
        target = Path(path)
        if not target.suffix:
            target = target.with_suffix(".json" if "json" in kind else ".md")
        try:
            self._control.export(conversation, target, _words())
        except OSError as error:
            self.failed.emit(_cannot_write(target, error))
        else:
            self.told.emit(tr("chat_list.exported", name=target.name))

    def ask_to_browse(self, address: str) -> None:
        """Open a page in the browser, once somebody has agreed."""
        box = QMessageBox(self._window)
        box.setWindowTitle(tr("lesson_web.title"))
        box.setTextFormat(Qt.TextFormat.PlainText)
        box.setText(f"{tr('lesson_web.question')}\n\n{address}")
        box.addButton(tr("lesson_web.open"), QMessageBox.ButtonRole.AcceptRole)
        stay = box.addButton(tr("lesson_web.cancel"), QMessageBox.ButtonRole.RejectRole)
        box.setDefaultButton(stay)
        box.accepted.connect(lambda: QDesktopServices.openUrl(QUrl(address)))
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.open()


def _words() -> ExportWords:
    return ExportWords(
        language().current,
        tr("chat.you"),
        tr("chat.model"),
        tr("chat_list.export_sources"),
        tr("chat_list.export_term"),
        tr("chat_list.export_lesson"),
        {TUTOR_NAME: tr("chat.tutor")},
    )


def _cannot_write(path: Path, error: OSError) -> GlassboxError:
    return GlassboxError(
        Bilingual(
            f"对话没能写到“{path.name}”。",
            f"The conversation could not be written to “{path.name}”.",
        ),
        Bilingual(
            "看看磁盘是否已满，这个位置是否允许写入。",
            "Check that the disk is not full and that the place may be written to.",
        ),
        str(error),
    )
