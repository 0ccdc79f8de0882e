"""Batches, loss and schedule of the tutor's training, as plain torch.

Sequences of similar length stand together and are filled up at the end; in a causal model what
stands behind cannot disturb what stands before, so filling needs no mask but in the loss. Matrix
products run in bfloat16 where the processor has instructions for it (autocast), sums and weights in
float32. The loss looks only at the places that have a target, so the large matrix of logits is never
made for the rest.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor

from desktop.llm.phi import Phi, rotation
from desktop.llm.tokenizer import Tokenizer
from desktop.tutor.corpus import Example, Examples

IGNORED = -100
ROW = 256
"""Tokens in a row of pre-training text."""


@dataclass(frozen=True)
class Batch:
    """Token ids (sequences, tokens) and, at each place, the id that should follow or IGNORED."""

    ids: Tensor
    targets: Tensor


def text_batch(stream: Tensor, tokens: int, rng: torch.Generator) -> Batch:
    """Random rows of the pre-training stream; every next token is a target."""
    rows = max(1, tokens // ROW)
    starts = torch.randint(0, len(stream) - ROW - 1, (rows, 1), generator=rng)
    cut = stream[starts + torch.arange(ROW + 1)]
    return Batch(cut[:, :-1], cut[:, 1:])


def example_batches(
    examples: Examples, tokenizer: Tokenizer, tokens: int, seed: int, first: int = 0
) -> Iterator[Batch]:
    """Batches of about ``tokens`` tokens, from the batch number ``first`` on.

    Examples come in groups of sixteen batches' worth that are sorted by length; group ``g`` of a seed
    is always the same, so training resumes in the middle of one.
    """
    per_group, number = max(16, 16 * tokens // 190), 0
    group = 0
    while True:
        drawn = [examples.draw(group * per_group + place, seed) for place in range(per_group)]
        batches = packed([encoded(one, tokenizer) for one in drawn], tokens)
        order = torch.randperm(
            len(batches), generator=torch.Generator().manual_seed(seed * 7919 + group)
        )
        for place in order.tolist():
            if number >= first:
                yield batches[place]
            number += 1
        group += 1


def encoded(example: Example, tokenizer: Tokenizer) -> tuple[list[int], int]:
    """All ids of an example, its end mark too, and how many of them are the prompt."""
    prompt = tokenizer.encode(example.prompt)
    end = tokenizer.end_of_text
    assert end is not None
    return [*prompt, *tokenizer.encode(f" {example.answer}"), end], len(prompt)


def packed(sequences: Sequence[tuple[list[int], int]], tokens: int) -> list[Batch]:
    """Sequences sorted by length and cut into batches of at most about ``tokens`` places."""
    waiting: list[tuple[list[int], int]] = []
    batches = []
    for one in sorted(sequences, key=lambda sequence: len(sequence[0])):
        if waiting and len(one[0]) * (len(waiting) + 1) > tokens:
            batches.append(_filled(waiting))
            waiting = []
        waiting.append(one)
    return [*batches, _filled(waiting)] if waiting else batches


def _filled(sequences: Sequence[tuple[list[int], int]]) -> Batch:
    longest = max(len(ids) for ids, _ in sequences) - 1
    ids = torch.zeros(len(sequences), longest, dtype=torch.long)
    targets = torch.full((len(sequences), longest), IGNORED)
    for row, (sequence, prompt) in enumerate(sequences):
        read = torch.tensor(sequence)
        ids[row, : len(read) - 1] = read[:-1]
        targets[row, prompt - 1 : len(read) - 1] = read[prompt:]
    return Batch(ids, targets)


@cache
def matrix_dtype() -> torch.dtype:
    """What matrices are multiplied in fastest here. Measured, because without instructions for it a
    processor takes bfloat16 apart and may need ten times as long."""
    times = {}
    for dtype in (torch.float32, torch.bfloat16):
        left, right = torch.ones(512, 256, dtype=dtype), torch.ones(256, 1024, dtype=dtype)
        runs = []
        for _ in range(4):
            started = time.perf_counter()
            left @ right
            runs.append(time.perf_counter() - started)
        times[dtype] = min(runs)
    return min(times, key=lambda dtype: times[dtype])


def loss_of(model: Phi, batch: Batch) -> Tensor:
    """Mean cross-entropy over the places that have a target."""
    dtype = matrix_dtype()
    with torch.autocast("cpu", dtype, enabled=dtype is torch.bfloat16):
        x = model.model.embed_tokens(batch.ids)
        by = rotation(model.config, torch.arange(batch.ids.shape[1]), dtype)
        for layer, block in enumerate(model.model.layers):
            x, _ = block(x, by, layer, None, False)
        wanted = batch.targets != IGNORED
        logits = model.read(x[wanted])
    return F.cross_entropy(logits.float(), batch.targets[wanted])


def learning_rate(step: int, steps: int, peak: float, warm_up: int = 60) -> float:
    """Up in a line, then down along half a cosine to a twentieth of the peak."""
    if step < warm_up:
        return peak * (step + 1) / warm_up
    part = (step - warm_up) / max(1, steps - warm_up)
    return peak * (0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * min(1.0, part))))
