"""Following the links in the prose: actions, terms, other lessons, and web pages only after asking.

Imports Qt, the course's link type and the strings.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QMessageBox

from desktop.bilingual import GlassboxError
from desktop.course.lesson import Lesson
from desktop.course.prose import Link
from desktop.ui.lesson.deeds import perform
from desktop.ui.strings import tr

if TYPE_CHECKING:
    from desktop.ui.lesson.lesson_view import LessonView


class LinkFollower(QObject):
    """What happens when a link is clicked."""

    def __init__(self, view: LessonView) -> None:
        super().__init__(view)
        self._view = view

    def follow(self, link: Link) -> None:
        """Do what the link says."""
        if link.kind == "term":
            self._view.glossary_requested.emit(link.target)
        elif link.kind == "lesson":
            self._go_to_lesson(link)
        elif link.kind == "web":
            self._ask_to_browse(link.target)
        elif link.action is not None and self._view.parameters is not None:
            try:
                perform(link.action, self._view.session, self._view.parameters, self._view.change)
            except GlassboxError as error:
                self._view.error.show_error(error)

    def _go_to_lesson(self, link: Link) -> None:
        lesson = self._view.lesson
        if lesson is not None and link.target == lesson.slug:
            self._view.go_to(index_of(lesson, link.step))
        else:
            self._view.lesson_requested.emit(link.target, link.step)

    def _ask_to_browse(self, address: str) -> None:
        box = QMessageBox(self._view)
        box.setWindowTitle(tr("lesson_web.title"))
        box.setTextFormat(Qt.TextFormat.PlainText)
        box.setText(f"{tr('lesson_web.question')}\n\n{address}")
        yes = box.addButton(tr("lesson_web.open"), QMessageBox.ButtonRole.AcceptRole)
        box.addButton(tr("lesson_web.cancel"), QMessageBox.ButtonRole.RejectRole)
        box.accepted.connect(lambda: QDesktopServices.openUrl(QUrl(address)))
        box.setDefaultButton(yes)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.open()


def index_of(lesson: Lesson, step_id: str | None) -> int:
    """Where a step is; the first when there is none of that name."""
    ids = [step.id for step in lesson.steps]
    return ids.index(step_id) if step_id in ids else 0
