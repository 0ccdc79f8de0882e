"""Between the answers and the look inside: which token is shown, and following the newest one.

While the drawer is open the answers show their tokens. A chosen token is shown at once with its
alternatives; attention and layers come from the model a moment later. Imports Qt and the chat's own
modules; no torch.
"""

from __future__ import annotations

import time

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QSplitter

from desktop.runtime.chat_messages import Inspection
from desktop.ui.chat.answer_view import AnswerView
from desktop.ui.chat.controller import ChatController
from desktop.ui.chat.inside import InsideDrawer
from desktop.ui.chat.transcript import Transcript

LIVE_SECONDS = 0.12
"""The drawer follows the newest token no faster than anybody can read it."""
LOWEST = 120
DRAWER_SHARE = 0.48


class Looking(QObject):
    """Shows in ``inside`` what went on in the tokens of ``transcript``."""

    closed = Signal()

    def __init__(
        self, controller: ChatController, transcript: Transcript, inside: InsideDrawer
    ) -> None:
        super().__init__()
        self._control, self._transcript, self.inside = controller, transcript, inside
        self._inspected_at = 0.0
        controller.looked.connect(self._looked)
        transcript.token_chosen.connect(self._choose_token)
        inside.closed.connect(self.closed)
        inside.what_if.connect(controller.what_if)
        inside.follow_wanted.connect(self.follow)
        controller.session.model_changed.connect(self._model_changed)

    def switch(self, on: bool, split: QSplitter) -> None:
        """Open or close the drawer."""
        self._control.looking = on
        self.inside.setVisible(on)
        if on and self.inside.height() < LOWEST:
            height = split.height()
            drawer = round(height * DRAWER_SHARE)
            split.setSizes([height - drawer, drawer])
        self.inside.forget()
        self.show_tokens()
        if on:
            self.follow()

    def show_tokens(self) -> None:
        """Answers show their tokens while the drawer is open."""
        for view in self._transcript.answers():
            if not self._control.looking:
                view.show_tokens(None)
            elif view.tokens is None:
                kept = view.records
                if kept is None:
                    kept = list(self._control.chats.tokens(view.message.id))
                view.show_tokens(kept)

    def conversation_changed(self) -> None:
        """Another branch or conversation is shown: its newest token, if that which was shown is gone."""
        self.show_tokens()
        if self._control.looking and self._transcript.answer(self.inside.answer) is None:
            self.inside.forget()
            self.follow()

    # ---- while an answer is written

    def answer_began(self) -> None:
        """The newest token is followed until another is chosen."""
        self.inside.following = True

    def follow_newest(self, message: int) -> None:
        """Show the newest token of the answer that is being written."""
        view = self._transcript.answer(message)
        if not self._follows or view is None or view.tokens is None or not view.records:
            return
        place = len(view.records) - 1
        view.tokens.choose(place, tell=False)
        self._show(view, place)

    def answer_ended(self, view: AnswerView | None) -> None:
        """Its last token stays, now with all there is to know about it."""
        if self._follows and view is not None and view.records:
            self._choose(view.message.id, len(view.records) - 1, following=True)

    @property
    def _follows(self) -> bool:
        return self._control.looking and self.inside.following

    # ---- choosing

    def follow(self) -> None:
        """Go back to the newest token."""
        self.inside.following = True
        answers = self._transcript.answers()
        if answers and answers[-1].tokens is not None and answers[-1].records:
            self._choose(answers[-1].message.id, len(answers[-1].records) - 1, following=True)

    def _choose_token(self, message: int, place: int) -> None:
        self._choose(message, place, following=False)

    def _choose(self, message: int, place: int, *, following: bool) -> None:
        view = self._transcript.answer(message)
        if view is None or view.records is None or not 0 <= place < len(view.records):
            return
        for other in self._transcript.answers():
            if other is not view and other.tokens is not None:
                other.tokens.clear_choice()
        if following and view.tokens is not None:
            view.tokens.choose(place, tell=False)
        self.inside.following = following
        self._show(view, place)
        self._control.look(message, place)
        self._transcript.show_chosen(view)

    def _show(self, view: AnswerView, place: int) -> None:
        assert view.records is not None
        self.inside.show_token(view.message.id, place, view.records)
        if self._control.foreign(view.message):
            self.inside.show_unseen(view.message.model)

    def _model_changed(self) -> None:
        """Another model may know more, or less, about the token that is shown."""
        view = self._transcript.answer(self.inside.answer)
        shown = self._control.looking and view is not None and view.records is not None
        if shown and view is not None and self._control.session.loading is None:
            self._show(view, self.inside.place)
            self._control.look(self.inside.answer, self.inside.place)

    def _looked(self, found: Inspection) -> None:
        if not self._control.looking:
            return
        now = time.perf_counter()
        live = self.inside.following and found.message == self._control.session.answering
        if live and now - self._inspected_at < LIVE_SECONDS:
            return
        self._inspected_at = now
        if live or (found.message, found.place) == (self.inside.answer, self.inside.place):
            self.inside.show_inspection(found)
