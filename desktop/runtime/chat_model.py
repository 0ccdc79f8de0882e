"""A loaded model as the chat needs it, and the errors of loading and running one, in words.

Imports ``desktop.llm`` and with it torch: only the chat's thread may import this module. No Qt.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from desktop import tutor
from desktop.bilingual import Bilingual, GlassboxError
from desktop.llm.cache import Decoder, ReadableDecoder, Taps
from desktop.llm.fast_open import OpenedModel, expected_memory, open_for_chat
from desktop.llm.inspect import LogitLens, logit_lens
from desktop.llm.memory import (
    MEASURED_TO,
    Estimate,
    MemoryFullError,
    NotEnoughMemoryError,
    Offer,
    estimate,
    is_out_of_memory,
    offers_instead,
)
from desktop.llm.prompts import INSTRUCT, RAW
from desktop.llm.tokenizer import Tokenizer
from desktop.runtime.chat_messages import (
    TUTOR_NAME,
    Guess,
    Inspection,
    LoadOffer,
    MemoryPart,
    ModelInfo,
)

Progress = Callable[[float], None]
INSTRUCTED_FROM = 500_000_000
"""Models with fewer parameters than this, the tutor apart, were trained on plain text only."""
LENS_GUESSES = 5


@dataclass(frozen=True, eq=False)
class ChatModel:
    """Weights with what they have read, the vocabulary, and facts for the interface."""

    info: ModelInfo
    decoder: Decoder
    tokenizer: Tokenizer


def open_model(
    path: Path, progress: Progress, *, capacity: int | None = None, device: str | None = None
) -> ChatModel:
    """Open a model folder or file; raises ``GlassboxError`` saying what is wrong with it."""
    opened = open_for_chat(path, capacity=capacity, device=device, progress=progress)
    config = opened.decoder.config
    is_tutor = path.resolve() == tutor.model_folder().resolve()
    instructed = is_tutor or config.parameter_count >= INSTRUCTED_FROM
    info = ModelInfo(
        name=TUTOR_NAME if is_tutor else path.name,
        path=path,
        parameters=config.parameter_count,
        layers=config.num_hidden_layers,
        heads=config.num_attention_heads,
        context=opened.decoder.capacity,
        vocabulary=opened.tokenizer.size,
        suggested_format=INSTRUCT.id if instructed else RAW.id,
        memory_bytes=opened.nbytes,
        expected_bytes=opened.expected.total if opened.expected is not None else 0,
        device=opened.device,
        why=opened.why,
        is_tutor=is_tutor,
        memory=_memory(opened),
    )
    return ChatModel(info, opened.decoder, opened.tokenizer)


def _memory(opened: OpenedModel) -> tuple[MemoryPart, ...]:
    """The estimate beside what was measured, part by part.

    The total is what the program, or the card, holds more than before loading. The processor's keys
    and values are reserved at once but take memory only as the context fills.
    """
    decoder, on_card = opened.decoder, opened.device.startswith("cuda")
    guess = _estimate(decoder, opened.device)
    total, exact_to = opened.nbytes, MEASURED_TO
    if on_card:
        total, exact_to = torch.cuda.memory_reserved(opened.device), 0
    return (
        MemoryPart("weights", guess.weights, decoder.weights_nbytes),
        MemoryPart("cache", guess.cache, decoder.nbytes),
        MemoryPart("work", guess.work),
        MemoryPart("total", guess.total, total, exact_to),
    )


def _estimate(decoder: Decoder, device: str) -> Estimate:
    """What a model as it is computed with takes, its context full."""
    if isinstance(decoder, ReadableDecoder):
        return estimate(decoder.config, form="float32", capacity=decoder.capacity)
    return expected_memory(decoder.config, decoder.capacity, device)


def offers(error: BaseException, running: ChatModel | None = None) -> tuple[LoadOffer, ...]:
    """Ways to load the model all the same, where it was memory that was short: before it was loaded,
    or while it was ``running``."""
    found: tuple[Offer, ...] = ()
    if isinstance(error, NotEnoughMemoryError):
        found = error.verdict.offers
    elif running is not None and (isinstance(error, MemoryFullError) or is_out_of_memory(error)):
        now = _estimate(running.decoder, running.info.device)
        found = offers_instead(running.decoder.config, now)
    return tuple(
        LoadOffer(one.kind, one.text, one.estimate.capacity, one.estimate.device)
        for one in found
        if one.kind != "bits"
    )


def inspection(
    model: ChatModel,
    taps: Taps,
    *,
    message: int,
    place: int,
    read: Sequence[int],
    chosen: int | None,
    prompt_tokens: int,
    lens: LogitLens | None = None,
) -> Inspection:
    """Attention as kept, and what each layer would have said, with labels for people."""
    if lens is None:
        lens = logit_lens(
            model.decoder,
            taps.hidden,
            top=min(LENS_GUESSES, model.tokenizer.size),
            chosen=chosen,
            real_ids=model.tokenizer.size,
        )
    label = model.tokenizer.label
    rows = zip(lens.ids.tolist(), lens.probabilities.tolist(), strict=True)
    guesses = tuple(
        tuple(Guess(label(i), p) for i, p in zip(ids, shares, strict=True)) for ids, shares in rows
    )
    ranks = () if lens.rank is None else tuple(int(rank) + 1 for rank in lens.rank)
    attention = taps.attention.float().numpy()
    shown = list(read)[-attention.shape[-1] :]
    return Inspection(
        message, place, tuple(map(label, shown)), attention, guesses, ranks, prompt_tokens
    )


def in_words(error: BaseException, details: str) -> GlassboxError:
    """Any error as one a person can act on."""
    if isinstance(error, GlassboxError):
        return error
    if is_out_of_memory(error):
        gc.collect()
        return MemoryFullError(error)
    return GlassboxError(
        Bilingual("模型运行时出了意外的错误。", "Something unexpected went wrong in the model."),
        Bilingual(
            "对话已经保存。可以重新生成，或者重新载入模型。",
            "The conversation is kept. Try the answer again, or load the model again.",
        ),
        details,
    )
