"""What went on inside: shown while an answer is written, and found again for any earlier token.

What the newest tokens attended to is remembered within a budget of memory. An older place is computed
once more from exactly the tokens that the model saw there.
Imports ``desktop.llm`` and with it torch: only the chat's thread may import this module. No Qt.
"""

from __future__ import annotations

from collections import OrderedDict

from desktop.course.chats import Chats
from desktop.llm.cache import Taps
from desktop.llm.context import context_after
from desktop.llm.generate import GeneratedToken
from desktop.llm.inspect import LiveLens
from desktop.runtime import chat_messages as m
from desktop.runtime.chat_answer import AnswerWriter
from desktop.runtime.chat_model import LENS_GUESSES, ChatModel, inspection
from desktop.runtime.chat_outbox import ChatOutbox

TAPS_BYTES = 96 * 2**20


class Inside:
    """Remembers, shows live, and looks back."""

    def __init__(self, out: ChatOutbox, chats: Chats) -> None:
        self._out, self._chats = out, chats
        self._lens: LiveLens | None = None
        self._taps: OrderedDict[tuple[int, int], Taps] = OrderedDict()
        self._bytes = 0

    def begin(self, model: ChatModel) -> None:
        """Another answer is written: the live lens keeps its own time for each."""
        self._lens = LiveLens(model.decoder, top=min(LENS_GUESSES, model.tokenizer.size))

    def forget(self) -> None:
        """Another model comes: nothing that is remembered belongs to it."""
        self._taps.clear()
        self._bytes, self._lens = 0, None

    def see(self, model: ChatModel, writer: AnswerWriter, token: GeneratedToken) -> None:
        """Remember the newest token, and show it as often as the live lens has time for."""
        if token.taps is None:
            return
        request = writer.request
        self._remember(request.message, writer.place, token.taps)
        if self._lens is None or not request.look or not self._out.looks.empty:
            return
        lens = self._lens.see(token, model.tokenizer.size)
        if lens is None:
            return
        self._out.looks.put(
            inspection(
                model,
                token.taps,
                message=request.message,
                place=writer.place,
                read=writer.read_before(writer.place),
                chosen=token.id,
                prompt_tokens=len(writer.prompt),
                lens=lens,
            )
        )

    def look_back(
        self, model: ChatModel, request: m.Look, prompt: list[int], *, may_read: bool
    ) -> m.Inspection | None:
        """What went on when the token after ``request.before`` was chosen; nothing if the model
        would have to read something else for it and may not."""
        message, place, decoder = request.message, len(request.before), model.decoder
        read = context_after(prompt, request.before, decoder.capacity)
        taps = self._taps.get((message, place))
        if taps is None:
            if decoder.ids[: len(read)] != tuple(read):
                if not may_read:
                    return None
                decoder.read(read)
            taps = decoder.look_back(len(read) - 1)
            self._remember(message, place, taps)
        tokens = self._chats.tokens(message)
        return inspection(
            model,
            taps,
            message=message,
            place=place,
            read=read,
            chosen=tokens[place].id if place < len(tokens) else None,
            prompt_tokens=len(prompt),
        )

    def _remember(self, message: int, place: int, taps: Taps) -> None:
        self._taps[message, place] = taps
        self._bytes += _nbytes(taps)
        while self._bytes > TAPS_BYTES and len(self._taps) > 1:
            _, oldest = self._taps.popitem(last=False)
            self._bytes -= _nbytes(oldest)


def _nbytes(taps: Taps) -> int:
    return sum(one.numel() * one.element_size() for one in (taps.attention, taps.hidden))
