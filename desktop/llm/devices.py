"""Where a model is computed: on the graphics card if it works, else on the processor, with the reason.

A card asked for by name is not replaced in silence: if it does not work, that is an error with a
sentence. Imports torch, no Qt.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

import torch

from desktop.bilingual import Bilingual, GlassboxError
from desktop.llm.memory import NotEnoughMemoryError, available, is_out_of_memory

Opened = TypeVar("Opened")


class CardFailedError(GlassboxError):
    """A graphics card that was asked for does not work."""

    def __init__(self, error: Exception) -> None:
        super().__init__(
            Bilingual("显卡没能用起来。", "The graphics card does not work."),
            Bilingual(
                "可以改用处理器，或者更新显卡驱动后再试。",
                "Use the processor, or update the card’s driver and try again.",
            ),
            f"{type(error).__name__}: {error}",
        )


def on_best_device(
    open_on: Callable[[str], Opened], wanted: str | None
) -> tuple[Opened, str, Bilingual]:
    """What ``open_on`` makes on the wanted device or, if ``None`` was wished for, on the best that works;
    which that is, and why no card is used if none is."""
    device, no_card = _choose(wanted)
    if device != "cpu":
        try:
            return open_on(device), device, no_card
        except (RuntimeError, NotEnoughMemoryError) as error:
            if wanted is not None:
                raise _in_words(error) from error
            no_card = card_failed(error)
        give_back()  # only here, behind the error, does nothing hold what was on the card
    return open_on("cpu"), "cpu", no_card


def _choose(wanted: str | None) -> tuple[str, Bilingual]:
    """Where to compute, and if not on a card, why."""
    if wanted == "cpu":
        return "cpu", Bilingual("按要求使用处理器。", "The processor, as asked.")
    if torch.cuda.is_available():
        try:
            available("cuda")  # the first call that talks to the card: a broken driver shows here
        except RuntimeError as error:
            if wanted is not None:
                raise _in_words(error) from error
            return "cpu", card_failed(error)
        return wanted or "cuda", Bilingual("", "")
    if torch.version.cuda is None:
        return "cpu", Bilingual(
            "安装的 torch 只支持处理器，所以不用显卡。",
            "The installed torch is for processors only, so no graphics card is used.",
        )
    return "cpu", Bilingual(
        "torch 没有找到能用的 NVIDIA 显卡。", "torch finds no NVIDIA graphics card that it can use."
    )


def _in_words(error: Exception) -> Exception:
    """Too little memory has a sentence of its own elsewhere, with offers."""
    is_memory = isinstance(error, NotEnoughMemoryError) or is_out_of_memory(error)
    return error if is_memory else CardFailedError(error)


def card_failed(error: Exception) -> Bilingual:
    """Why the processor is used although there is a card."""
    if isinstance(error, NotEnoughMemoryError) or is_out_of_memory(error):
        return Bilingual(
            "显卡的显存不够，改用处理器。",
            "The graphics card has too little memory, so the processor is used.",
        )
    return Bilingual(
        "显卡没能用起来，改用处理器。", "The graphics card does not work, so the processor is used."
    )


def give_back() -> None:
    """Give the card's memory that nothing uses any more back to others."""
    with suppress(RuntimeError):  # a card that does not work cannot give anything back either
        torch.cuda.empty_cache()
