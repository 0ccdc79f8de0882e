"""The pages of the pane, one at a time: the talk itself and those that come in its place.

Imports Qt, the chat's own modules, the course's store; no torch.
"""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QStackedWidget, QWidget

from desktop.course.store import Store
from desktop.runtime.model_shelf import ModelShelf
from desktop.ui.chat.controller import ChatController
from desktop.ui.chat.conversations import ConversationsPage
from desktop.ui.chat.models import ModelsPage
from desktop.ui.chat.page import ChatPage
from desktop.ui.chat.preview import PreviewPage
from desktop.ui.chat.sampling import SamplingPage


class ChatPages(QStackedWidget):
    """Asked for a second time, a page gives way to the talk again."""

    talk_shown = Signal()

    def __init__(
        self, talk: QWidget, controller: ChatController, shelf: ModelShelf, store: Store
    ) -> None:
        super().__init__()
        self._control, self._talk = controller, talk
        self.list_page = ConversationsPage(controller)
        self.sampling_page, self.preview_page = SamplingPage(), PreviewPage()
        self.models_page = ModelsPage(shelf, store)
        self.addWidget(talk)
        for page in (self.list_page, self.sampling_page, self.models_page, self.preview_page):
            page.back_wanted.connect(self.show_talk)
            self.addWidget(page)
        self.sampling_page.changed.connect(controller.set_settings)
        controller.session.previewed.connect(self.preview_page.show_tokens)

    def show_talk(self) -> None:
        """The conversation itself."""
        self.setCurrentWidget(self._talk)
        self.talk_shown.emit()

    def _switch(self, page: ChatPage) -> None:
        if self.currentWidget() is page:
            self.show_talk()
        else:
            self._show(page)

    def _show(self, page: ChatPage) -> None:
        self.setCurrentWidget(page)
        page.back.setFocus()

    def show_list(self) -> None:
        """The conversations there are."""
        self._switch(self.list_page)

    def show_models(self) -> None:
        """What is installed and what can be had; asked for twice, it stays."""
        self._show(self.models_page)

    def show_sampling(self) -> None:
        """How tokens are picked."""
        self.sampling_page.show_settings(self._control.settings, self._control.suitable)
        self._switch(self.sampling_page)

    def show_preview(self, text: str) -> None:
        """What the model would get if ``text`` were sent now."""
        self.preview_page.wait()
        self._control.preview(text)
        self._switch(self.preview_page)
