"""Which model the pane talks to: loading, offers when memory is short, and remembering the choice.

Imports Qt, the runtime and the models page; no torch.
"""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Signal

from desktop import tutor
from desktop.course.store import Store
from desktop.runtime import model_place
from desktop.runtime.chat_messages import LoadOffer
from desktop.runtime.chat_session import ChatSession
from desktop.runtime.model_shelf import ModelShelf

LAST_MODEL = "chat.model"
NONE = ""
"""Kept when the learner took the model out of memory: nothing is loaded at the next start."""


class ModelChoice(QObject):
    """Loads models for the pane and keeps which one it was."""

    chosen = Signal()
    """a model is being loaded because somebody asked for it"""

    def __init__(self, session: ChatSession, shelf: ModelShelf, store: Store) -> None:
        super().__init__()
        self._session, self._shelf, self._store = session, shelf, store
        self._looked = False
        session.load_failed.connect(self._fall_back)

    def load(self, path: Path) -> None:
        """Talk to this model from now on."""
        self._keep(path)
        self._session.load(path)
        self.chosen.emit()

    def take(self, offer: LoadOffer) -> None:
        """Load what did not fit in the way that does."""
        asked = self._session.asked_for
        if asked is not None:
            self._session.load(asked, capacity=offer.capacity, device=offer.device)
            self.chosen.emit()

    def unload(self) -> None:
        """Give the memory back."""
        self._store.set_setting(LAST_MODEL, NONE)
        self._session.unload()

    def give_up(self, path: Path) -> None:
        """Its files are about to go: the tutor takes its place, now and at the next start."""
        session = self._session
        in_use = session.info.path if session.info is not None else None
        if session.loading is not None:
            in_use = session.loading.path
        kept = self._store.setting(LAST_MODEL, model_place.TUTOR)
        if kept == model_place.written(path, self._shelf.folder):
            self._store.set_setting(LAST_MODEL, model_place.TUTOR)
        if in_use == path and not self._load_tutor():
            session.unload()

    def _fall_back(self) -> None:
        """A model could not be opened. Where memory is short there are offers to choose from; otherwise
        the tutor answers until there is a better one."""
        if not self._session.offers and self._session.asked_for != tutor.model_folder():
            self._load_tutor()

    def _load_tutor(self) -> bool:
        there = tutor.model_folder().exists()
        if there:
            self._session.load(tutor.model_folder())
        return there

    def find(self) -> None:
        """Once: what there is, and the model that was used last, or the tutor."""
        if self._looked:
            return
        self._looked = True
        self._shelf.look()
        kept = self._store.setting(LAST_MODEL, model_place.TUTOR)
        if kept == NONE:
            return
        last = model_place.place(kept, self._shelf.folder)
        if not last.exists():
            self._load_tutor()
            return
        if kept != model_place.written(last, self._shelf.folder):
            self._keep(last)  # as an earlier version wrote it
        self._session.load(last)

    def _keep(self, path: Path) -> None:
        self._store.set_setting(LAST_MODEL, model_place.written(path, self._shelf.folder))
