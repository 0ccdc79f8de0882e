"""What looking inside costs: the same answer written three ways, in alternation.

``plain``: nothing but the likeliest token, again and again. ``answer``: through ``generate``, as the
chat writes, with alternatives and entropy. ``inside``: the same with the attention of every layer and
head kept for every token and the live lens on, as in the chat with its drawer open. ``slower`` is by
how much an answer with all of it takes longer than ``plain``, the median over the rounds; ``lenses``
how many tokens of an answer the live lens showed. Imports torch when it runs; no Qt.
"""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from desktop.llm.cache import Decoder
    from desktop.llm.fast_open import OpenedModel

WAYS = ("plain", "answer", "inside")


def measure_inside(
    opened: OpenedModel, contexts: list[int], tokens: int, repeats: int
) -> dict[str, Any]:
    """Tokens per second of each way behind each context."""
    figures: dict[str, Any] = {}
    for context in contexts:
        seconds: dict[str, list[float]] = {way: [] for way in WAYS}
        lenses: list[int] = []
        for turn in range(repeats + 1):
            for way in WAYS:
                taken, shown = _answer(opened, context, tokens, way)
                if turn:  # the first time costs memory and start-up
                    seconds[way].append(taken)
                    lenses += [shown] if way == "inside" else []
        slower = _ratios(seconds["inside"], seconds["plain"])
        for way, taken_all in seconds.items():
            speeds = [tokens / taken for taken in taken_all]
            figures[f"{way}_{context}"] = {
                "unit": "tok/s",
                "median": statistics.median(speeds),
                "min": min(speeds),
                "max": max(speeds),
            }
        figures[f"inside_slower_{context}"] = {
            "unit": "%",
            "median": 100 * statistics.median(slower),
            "min": 100 * min(slower),
            "max": 100 * max(slower),
        }
        figures[f"lenses_{context}"] = {
            "unit": f"of {tokens} tokens",
            "median": statistics.median(lenses),
            "min": min(lenses),
            "max": max(lenses),
        }
    return figures


def _ratios(slow: list[float], fast: list[float]) -> list[float]:
    return [one / other - 1 for one, other in zip(slow, fast, strict=True)]


def _answer(opened: OpenedModel, context: int, tokens: int, way: str) -> tuple[float, int]:
    """Seconds for ``tokens`` tokens behind a context that was read before, and how many were shown
    through the lens."""
    from desktop.commands.bench_chat import some_ids
    from desktop.llm.generate import Settings, generate
    from desktop.llm.inspect import LiveLens
    from desktop.llm.sampling import Sampling

    decoder = opened.decoder
    prompt = some_ids(context, decoder.config.vocab_size)
    if way == "plain":
        return _plainly(decoder, prompt, tokens), 0
    settings = Settings(
        Sampling(temperature=0), max_tokens=tokens + 1, stop_tokens=(), look=way == "inside"
    )
    lens = LiveLens(decoder, top=min(5, opened.tokenizer.size))
    shown, started = 0, 0.0
    for token in generate(decoder, opened.tokenizer, prompt, settings):
        started = started or time.perf_counter()
        shown += way == "inside" and lens.see(token, opened.tokenizer.size) is not None
    return time.perf_counter() - started, shown


def _plainly(decoder: Decoder, prompt: list[int], tokens: int) -> float:
    token = int(decoder.read(prompt).argmax())
    started = time.perf_counter()
    for _ in range(tokens):
        token = int(decoder.decode(token).argmax())
    return time.perf_counter() - started
