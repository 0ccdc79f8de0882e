"""What a model is given for an answer: the prompt's tokens, the settings, the words it begins with.

Imports ``desktop.llm`` and with it torch: only the chat's thread may import this module. No Qt.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from desktop.course.chats import TokenRecord
from desktop.llm.generate import Settings
from desktop.llm.prompts import FORMATS, Message, PromptFormat, fit
from desktop.llm.quoting import Quoting
from desktop.llm.sampling import Sampling
from desktop.llm.tokenizer import StreamDecoder
from desktop.runtime import chat_messages as m
from desktop.runtime.chat_model import ChatModel
from desktop.runtime.chat_tutor import Told

ALTERNATIVES = 8
LOOK_ALWAYS_BELOW = 50_000_000
"""So small a model is looked into with every token, whether anybody watches or not: it costs nothing
to speak of, and any token can be opened at once."""
ROOM = 16
"""Places of the context that a prompt leaves free at least."""


def format_for(model: ChatModel, settings: m.ChatSettings) -> PromptFormat:
    """The format that was chosen, or the one that suits the model."""
    return FORMATS[settings.format or model.info.suggested_format]


def prompt_for(
    model: ChatModel, turns: Sequence[Message], settings: m.ChatSettings
) -> tuple[list[int], int]:
    """The prompt's tokens, without messages that do not fit, and how many were left out.

    Plain text, and a single message longer than the context, lose their beginning instead: the model
    goes on from the end.
    """
    template, capacity = format_for(model, settings), model.decoder.capacity
    room = min(settings.max_tokens, max(ROOM, capacity // 4), capacity // 2)
    if template.user:
        ids, left_out = fit(model.tokenizer, template, turns, capacity, room)
    else:
        ids, left_out = model.tokenizer.encode(template.prompt(turns)), 0
    if not ids:
        end = model.tokenizer.end_of_text
        ids = [end if end is not None else 0]
    return ids[-(capacity - room) :], left_out


def generation_settings(model: ChatModel, request: m.Answer, seed: int, told: Told) -> Settings:
    """The chat's settings as the generation takes them."""
    chosen = request.settings
    small = model.info.parameters < LOOK_ALWAYS_BELOW
    return Settings(
        Sampling(
            chosen.temperature,
            chosen.top_k,
            chosen.top_p,
            chosen.min_p,
            chosen.repetition_penalty,
            chosen.no_repeat_ngram,
        ),
        max_tokens=chosen.max_tokens,
        stop_strings=format_for(model, chosen).stop_strings,
        seed=seed,
        alternatives=ALTERNATIVES,
        look=request.look or small,
        # After another word of the learner's choice the model goes on as it would by itself.
        quoting=None if request.forced else Quoting.of(model.tokenizer, told.lines, told.further),
    )


def spelled_out(model: ChatModel, records: Sequence[TokenRecord]) -> tuple[TokenRecord, ...]:
    """The tokens an answer begins with, their texts as the vocabulary spells them."""
    stream = StreamDecoder(model.tokenizer)
    return tuple(replace(one, text=stream.push(one.id)) for one in records)
