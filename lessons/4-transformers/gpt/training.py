"""How a small GPT is trained and sampled: plain torch, the code that the lesson shows."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from desktop.llm.phi import KeyValueCache, Phi, PhiConfig, initialise

HELD_OUT = 0.1
"""The last tenth of the text is never trained on."""

LONGEST_GRADIENT = 1.0
"""A longer gradient is cut to this length, so that one odd batch cannot ruin the model."""

MEASURED_PASSAGES = 12
"""The loss on training and held-out text is the mean over this many fixed passages."""


def character_ids(text: str) -> tuple[list[int], int]:
    """One id for each different character, from 2 on (0 is end-of-text, 1 unknown)."""
    number = {letter: place + 2 for place, letter in enumerate(sorted(set(text)))}
    return [number[letter] for letter in text], len(number) + 2


def split(ids: Tensor) -> tuple[Tensor, Tensor]:
    """The part to train on and the part to hold out."""
    cut = int(len(ids) * (1 - HELD_OUT))
    return ids[:cut], ids[cut:]


def passages(ids: Tensor, starts: Tensor, length: int) -> tuple[Tensor, Tensor]:
    """Passages from ``starts`` and, for each of their tokens, the one that comes next."""
    places = starts[:, None] + torch.arange(length)
    return ids[places], ids[places + 1]


def random_passages(
    ids: Tensor, count: int, length: int, rng: torch.Generator
) -> tuple[Tensor, Tensor]:
    """A batch: passages from random places."""
    length = min(length, len(ids) - 1)
    starts = torch.randint(0, len(ids) - length, (count,), generator=rng)
    return passages(ids, starts, length)


def fixed_passages(ids: Tensor, length: int) -> tuple[Tensor, Tensor]:
    """Passages spread evenly over ``ids``, always the same, to measure on."""
    length = min(length, len(ids) - 1)
    last = len(ids) - 1 - length
    count = min(MEASURED_PASSAGES, last + 1)
    return passages(ids, torch.linspace(0, last, count).long(), length)


def next_token_loss(model: Phi, inputs: Tensor, targets: Tensor) -> Tensor:
    """Mean negative log-probability of the token that really comes next."""
    logits = model(inputs).logits
    return F.cross_entropy(logits.flatten(0, 1), targets.flatten())


@torch.no_grad()
def loss_on(model: Phi, fixed: tuple[Tensor, Tensor]) -> float:
    """The loss on passages, without learning from them."""
    return next_token_loss(model, *fixed).item()


def perplexity(loss: float) -> float:
    """exp(loss): as if wavering between this many equally likely tokens."""
    return math.exp(loss) if loss < 700 else math.inf


def make_model(
    vocabulary: int, layers: int, heads: int, width: int, context: int, rng: torch.Generator
) -> Phi:
    """A Phi of this size with random weights."""
    config = PhiConfig(
        vocab_size=vocabulary,
        hidden_size=width,
        intermediate_size=4 * width,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=heads,
        max_position_embeddings=context,
    )
    model = Phi(config)
    initialise(model, rng)
    return model


def make_optimizer(model: Phi, learning_rate: float) -> torch.optim.Optimizer:
    """AdamW in its fused form: one pass over all weights."""
    return torch.optim.AdamW(
        model.parameters(), lr=learning_rate, betas=(0.9, 0.95), weight_decay=0.1, fused=True
    )


def train_step(
    model: Phi, optimizer: torch.optim.Optimizer, inputs: Tensor, targets: Tensor
) -> tuple[float, float]:
    """One step: loss, gradient, update. Returns the loss and the length of the gradient."""
    loss = next_token_loss(model, inputs, targets)
    loss.backward()
    length = torch.nn.utils.clip_grad_norm_(model.parameters(), LONGEST_GRADIENT)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return loss.item(), length.item()


@torch.no_grad()
def sample(
    model: Phi, prompt: list[int], count: int, temperature: float, rng: torch.Generator
) -> list[int]:
    """Continue ``prompt``: predict, draw one token, append it, repeat."""
    longest = model.config.max_position_embeddings
    written: list[int] = []
    context, cache = prompt[-longest:], KeyValueCache(model.config, longest)
    logits = model(torch.tensor([context]), cache, last_only=True).logits[0, -1]
    for _ in range(count):
        token = draw(logits, temperature, rng)
        written.append(token)
        if cache.length == longest:  # the window is full: keep its newer half and read that again
            context = [*prompt, *written][-(longest // 2) :]
            cache.length = 0
        else:
            context = [token]
        logits = model(torch.tensor([context]), cache, last_only=True).logits[0, -1]
    return written


def draw(logits: Tensor, temperature: float, rng: torch.Generator) -> int:
    """One token: the likeliest at temperature 0, otherwise at random by softmax(logits / T)."""
    if temperature == 0:
        return int(logits.argmax())
    chances = torch.softmax(logits / temperature, dim=-1)
    return int(torch.multinomial(chances, 1, generator=rng))
