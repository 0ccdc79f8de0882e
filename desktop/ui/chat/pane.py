"""The chat pane: the window's third part. It puts its parts together and passes between them.

What is asked is the controller's business, what the model does the session's; the answer that is being
written, which token is looked into, which model is loaded and what leaves the pane have modules of
their own. Imports Qt and the chat's own modules; no torch.
"""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction, QKeySequence, QShowEvent
from PySide6.QtWidgets import QSplitter, QStackedWidget, QVBoxLayout, QWidget

from desktop.course.store import Store
from desktop.runtime.chat_messages import LoadOffer
from desktop.runtime.model_shelf import ModelShelf
from desktop.tutor.grounding import Source
from desktop.ui.chat.answering import Answering
from desktop.ui.chat.composer import Composer
from desktop.ui.chat.controller import ChatController
from desktop.ui.chat.header import ChatHeader
from desktop.ui.chat.inside import InsideDrawer
from desktop.ui.chat.looking import Looking
from desktop.ui.chat.model_choice import ModelChoice
from desktop.ui.chat.outside import Outside
from desktop.ui.chat.page import ChatPage
from desktop.ui.chat.pages import ChatPages
from desktop.ui.chat.pane_frame import PaneFrame
from desktop.ui.chat.transcript import Transcript
from desktop.ui.chat.welcome import Welcome
from desktop.ui.focus_order import chain_focus, in_order
from desktop.ui.strings import language, tr


class ChatPane(PaneFrame):
    """Everything of the chat that is on screen; folding it hides it (the outline has its button)."""

    fold_wanted = Signal()
    glossary_requested = Signal(str)
    lesson_requested = Signal(str)
    place_requested = Signal(str, str)
    """a step of a lesson"""
    failed = Signal(object)
    told = Signal(str)
    deleted = Signal(int)
    """a conversation was put away; ``controller.undelete`` brings it back"""

    def __init__(self, controller: ChatController, shelf: ModelShelf, store: Store) -> None:
        super().__init__(store)
        self.controller, self.session = controller, controller.session
        self.shelf = shelf
        self._make_parts()
        self._lay_out()
        self._wire()
        language().changed.connect(self.retranslate)
        self.retranslate()
        self._show_conversation()

    # ---- parts

    def _make_parts(self) -> None:
        self.header = ChatHeader(self.session, self.shelf)
        self.transcript, self.welcome = Transcript(), Welcome()
        self.inside, self.composer = InsideDrawer(), Composer()
        self._talk = QWidget()
        self.pages = ChatPages(self._talk, self.controller, self.shelf, self._store)
        self.list_page, self.sampling_page = self.pages.list_page, self.pages.sampling_page
        self.models_page, self.preview_page = self.pages.models_page, self.pages.preview_page
        self.looking = Looking(self.controller, self.transcript, self.inside)
        self.answering = Answering(self.controller, self.transcript, self.composer, self.looking)
        self.models = ModelChoice(self.session, self.shelf, self._store)
        self.outside = Outside(self.controller, self)
        self.actions_by_name = {
            "chat_new": self._action("plus", "Ctrl+Shift+N", self._new),
            "chat_look": self._action("eye", "Ctrl+I", self.composer.look_button.toggle),
            "chat_list": self._action("menu", "Ctrl+Shift+H", self.pages.show_list),
        }

    def _action(self, name: str, keys: str, handler: object) -> QAction:
        from desktop.ui.icons import icon

        action = QAction(icon(name), "", self)
        action.setShortcut(QKeySequence(keys))
        action.triggered.connect(handler)
        self.addAction(action)
        return action

    def _lay_out(self) -> None:
        self._middle = QStackedWidget()
        self._middle.addWidget(self.welcome)
        self._middle.addWidget(self.transcript)
        self.split = QSplitter(Qt.Orientation.Vertical)
        self.split.setChildrenCollapsible(False)
        self.split.addWidget(self._middle)
        self.split.addWidget(self.inside)
        self.split.setStretchFactor(0, 3)
        self.split.setStretchFactor(1, 2)
        self.inside.hide()
        column = QVBoxLayout(self._talk)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.split, 1)
        column.addWidget(self.composer)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(1, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.header)
        layout.addWidget(self.pages, 1)

    def _wire(self) -> None:
        control, session = self.controller, self.session
        control.conversation_changed.connect(self._show_conversation)
        control.failed.connect(self.failed)
        session.model_changed.connect(self._model_changed)
        self._wire_header()
        self.transcript.branch_wanted.connect(control.show_sibling)
        self.transcript.edited.connect(control.edit)
        self.transcript.again_wanted.connect(control.again)
        self.transcript.web_requested.connect(self.outside.ask_to_browse)
        self.transcript.source_chosen.connect(self._open_source)
        self.transcript.offer_taken.connect(self._go_on)
        self.welcome.models_wanted.connect(self._choose_model)
        self.welcome.phi_wanted.connect(self.show_models)
        self.welcome.question_wanted.connect(self._send)
        self.welcome.lesson_wanted.connect(self.lesson_requested)
        self.welcome.example_wanted.connect(self._put_example)
        self.composer.sent.connect(self._send)
        self.composer.stop_wanted.connect(control.stop)
        self.composer.draft_changed.connect(control.set_draft)
        self.composer.look_toggled.connect(self._look_toggled)
        self.composer.preview_wanted.connect(self._show_preview)
        self.composer.attach_toggled.connect(self._attach)
        self.looking.closed.connect(self._close_inside)
        self.models.chosen.connect(self.show_talk)
        self.outside.failed.connect(self.failed)
        self.outside.told.connect(self.told)
        self._wire_pages()

    def _wire_header(self) -> None:
        header = self.header
        header.list_wanted.connect(self.pages.show_list)
        header.new_wanted.connect(self._new)
        header.fold_wanted.connect(self.fold_wanted)
        header.models_wanted.connect(self.show_models)
        header.sampling_wanted.connect(self.pages.show_sampling)
        header.export_wanted.connect(self.outside.export_this)
        header.load_wanted.connect(self.models.load)
        header.unload_wanted.connect(self.models.unload)
        header.cancel_wanted.connect(self.session.cancel_loading)

    def _wire_pages(self) -> None:
        self.pages.talk_shown.connect(self.composer.field.setFocus)
        self.list_page.opened.connect(self._open)
        self.list_page.deleted.connect(self._delete)
        self.list_page.export_wanted.connect(self.outside.export)
        self.sampling_page.term_wanted.connect(self.glossary_requested)
        self.models_page.load_wanted.connect(self.models.load)
        self.models_page.offer_taken.connect(self.models.take)
        self.models_page.unload_wanted.connect(self.models.unload)
        self.models_page.removing.connect(self.models.give_up)
        self.models_page.failed.connect(self.failed)
        self.models_page.told.connect(self.told)
        self.shelf.listed.connect(self._welcome)

    # ---- pages

    def show_talk(self) -> None:
        """The conversation itself."""
        self.pages.show_talk()

    def show_models(self) -> None:
        """What is installed and what can be had."""
        self.pages.show_models()

    def _show_preview(self) -> None:
        self.pages.show_preview(self.composer.text())

    def focusNextPrevChild(self, forward: bool) -> bool:
        """Tab goes through the pane as it is read, whatever has come since it last did."""
        self._order_focus()
        return super().focusNextPrevChild(forward)

    def _order_focus(self) -> None:
        page = self.pages.currentWidget()
        if isinstance(page, ChatPage):
            chain_focus([self.header, page.back, page.area, *in_order(page.body)])
            return
        middle = self._middle.currentWidget()
        messages = self.transcript.in_order() if middle is self.transcript else [middle]
        chain_focus([self.header, *messages, *self.inside.in_order(), *self.composer.in_order()])

    # ---- the conversation

    def _show_conversation(self) -> None:
        branch = self.controller.branch()
        self.transcript.show_messages(branch)
        self._middle.setCurrentIndex(1 if branch else 0)
        if self.composer.text() != self.controller.conversation.draft:
            self.composer.set_text(self.controller.conversation.draft)
        self.looking.conversation_changed()
        self.answering.show_state()

    def _send(self, text: str) -> None:
        self.composer.set_text("")
        self.controller.send(text)

    def _new(self) -> None:
        self.controller.new()
        self.show_talk()

    def _open(self, conversation: int) -> None:
        self.controller.open(conversation)
        self.show_talk()

    def _delete(self, conversation: int) -> None:
        self.controller.delete(conversation)
        self.deleted.emit(conversation)

    def _put_example(self, text: str) -> None:
        self.composer.field.setPlainText(text)
        self.composer.field.setFocus()

    def _go_on(self, message: int, offer: LoadOffer) -> None:
        self.models.take(offer)
        self.controller.resume(message)

    # ---- the course beside it

    def show_lesson(self, title: str) -> None:
        """Which lesson is open beside the chat; it can be attached to a question."""
        self.composer.show_lesson(title)

    def _attach(self, on: bool) -> None:
        self.controller.attached = on
        self.composer.field.setFocus()

    def _open_source(self, source: Source) -> None:
        if source.kind == "term":
            self.glossary_requested.emit(source.id)
        else:
            self.place_requested.emit(source.id, source.step)

    # ---- looking inside

    def _look_toggled(self, on: bool) -> None:
        self.looking.switch(on, self.split)

    def _close_inside(self) -> None:
        self.composer.look_button.setChecked(False)
        self.composer.field.setFocus()

    # ---- models

    def load(self, path: Path) -> None:
        """Talk to this model from now on."""
        self.models.load(path)

    def import_model(self, path: Path) -> None:
        """Import a model and show how far that is."""
        self.show_models()
        self.models_page.add(path)

    def _choose_model(self) -> None:
        if self.shelf.models:
            self.header.open_picker()
        else:
            self.show_models()

    def _model_changed(self) -> None:
        session = self.session
        self.models_page.show_loaded(session.info, session.asked_for, session.offers)
        if session.offers:
            self.show_models()
        self._welcome()
        self.answering.show_state()

    def _welcome(self) -> None:
        usable = any(model.error is None for model in self.shelf.models)
        self.welcome.show_state(self.session.info, usable)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.models.find()

    def retranslate(self) -> None:
        """Texts in the language in force."""
        self.setAccessibleName(tr("chat.title"))
        for name, key in (
            ("chat_new", "chat.new"),
            ("chat_look", "chat.look"),
            ("chat_list", "chat_list.title"),
        ):
            self.actions_by_name[name].setText(tr(key))
        self._welcome()
