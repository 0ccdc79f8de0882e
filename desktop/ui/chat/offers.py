"""Ways to go on when memory is short, each a button: a shorter context, or the processor.

Imports Qt, the runtime's messages and strings; no torch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QPushButton, QVBoxLayout

from desktop.runtime.chat_messages import LoadOffer
from desktop.ui.lesson.look import button, label
from desktop.ui.plain import plain_tip
from desktop.ui.strings import pick, tr


def offer_button(offer: LoadOffer, take: Callable[[LoadOffer], object]) -> QPushButton:
    """Loads the model in the way that is offered; the tooltip says how much memory that takes."""
    made = button("", lambda: take(offer), tr(f"chat.offer_{offer.kind}", count=offer.capacity))
    made.setToolTip(plain_tip(tr("chat_models.load_with", offer=pick(offer.text))))
    return made


class OffersCard(QFrame):
    """Under an answer that memory ran out for."""

    taken = Signal(object)
    """LoadOffer"""

    def __init__(self, offers: Sequence[LoadOffer]) -> None:
        super().__init__()
        self.setProperty("kind", "check")
        self.setProperty("tone", "warning")
        self._offers = tuple(offers)
        self._text = label("small", wrap=True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(10, 8, 10, 10)
        layout.addWidget(self._text)
        self.buttons = [offer_button(offer, self.taken.emit) for offer in self._offers]
        for one in self.buttons:
            layout.addWidget(one)
        self.retranslate()

    def retranslate(self) -> None:
        """Texts in the language in force."""
        self._text.setText(tr("chat.ran_out"))
        for one, offer in zip(self.buttons, self._offers, strict=True):
            one.setText(tr(f"chat.offer_{offer.kind}", count=offer.capacity))
            one.setToolTip(plain_tip(tr("chat_models.load_with", offer=pick(offer.text))))
