"""The Phi architecture in plain torch: the reference path, and the model that lessons train.

Any size: all numbers come from a ``PhiConfig``. Parameters carry the names of the published files
(``model.layers.0.self_attn.q_proj.weight`` …), so weights load without renaming. What makes it Phi:

- attention and feed-forward stand side by side and share one LayerNorm:
  ``x + attention(norm(x)) + feed_forward(norm(x))``
- only the first ``partial_rotary_factor`` of each head is rotated by position
- every linear layer has a bias, the head at the end too

Attention takes one of two ways to the same numbers: torch's fused kernel, or, when someone wants to
look (``look=True``), the formula spelled out with every weight kept. The spelled-out way computes
scores in float32, because in float16 the product of queries and keys can overflow.

Plain torch, nothing of Glassbox: learners read this file and export it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@dataclass(frozen=True)
class PhiConfig:
    """The sizes of a Phi model, named as in its ``config.json``."""

    vocab_size: int
    hidden_size: int
    intermediate_size: int
    num_hidden_layers: int
    num_attention_heads: int
    num_key_value_heads: int
    max_position_embeddings: int
    partial_rotary_factor: float = 0.5
    rope_theta: float = 10000.0
    layer_norm_eps: float = 1e-5

    @property
    def head_dim(self) -> int:
        """Numbers in each query, key and value."""
        return self.hidden_size // self.num_attention_heads

    @property
    def rotary_dim(self) -> int:
        """How many of them are rotated by position."""
        return int(self.head_dim * self.partial_rotary_factor)

    @property
    def parameter_count(self) -> int:
        """Weights and biases of the whole model."""
        width, inner = self.hidden_size, self.intermediate_size
        key_value = self.num_key_value_heads * self.head_dim
        attention = 2 * (width * width + width) + 2 * (width * key_value + key_value)
        feed_forward = width * inner + inner + inner * width + width
        block = attention + feed_forward + 2 * width
        ends = 2 * self.vocab_size * width + self.vocab_size + 2 * width
        return self.num_hidden_layers * block + ends


class KeyValueCache:
    """Keys and values of the tokens read so far, so that each is computed once.

    ``length`` counts them; set it back to forget the newest tokens.
    """

    def __init__(
        self,
        config: PhiConfig,
        capacity: int,
        *,
        batch: int = 1,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str = "cpu",
    ) -> None:
        layers, heads = config.num_hidden_layers, config.num_key_value_heads
        shape = (layers, batch, heads, capacity, config.head_dim)
        self.keys = torch.zeros(shape, dtype=dtype, device=device)
        self.values = torch.zeros(shape, dtype=dtype, device=device)
        self.capacity = capacity
        self.length = 0

    def extend(self, layer: int, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Store new keys and values of one layer behind the old ones and return all of them."""
        end = self.length + k.shape[2]
        if end > self.capacity:
            raise ValueError(f"{end} tokens do not fit into a cache for {self.capacity}")
        self.keys[layer, :, :, self.length : end] = k
        self.values[layer, :, :, self.length : end] = v
        return self.keys[layer, :, :, :end], self.values[layer, :, :, :end]


class Rotation(NamedTuple):
    """Cosine and sine for each position (rows) and rotated component (columns)."""

    cos: Tensor
    sin: Tensor


def rotation(config: PhiConfig, positions: Tensor, dtype: torch.dtype) -> Rotation:
    """The angles by which queries and keys turn: position × frequency."""
    size = config.rotary_dim
    exponents = torch.arange(0, size, 2, dtype=torch.float32, device=positions.device) / size
    frequencies = 1.0 / config.rope_theta**exponents
    angles = positions[:, None].float() * frequencies
    angles = torch.cat([angles, angles], dim=-1)
    return Rotation(angles.cos().to(dtype), angles.sin().to(dtype))


def rotate(x: Tensor, by: Rotation) -> Tensor:
    """Turn the first components of each head in pairs; the rest passes unchanged."""
    size = by.cos.shape[-1]
    turned, passed = x[..., :size], x[..., size:]
    first, second = turned.chunk(2, dim=-1)
    quarter = torch.cat([-second, first], dim=-1)
    return torch.cat([turned * by.cos + quarter * by.sin, passed], dim=-1)


def attend(q: Tensor, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
    """Causal attention spelled out; returns the output and the weights (float32).

    When there are more keys than queries, the queries are the newest ones.
    """
    new, all_ = q.shape[-2], k.shape[-2]
    scores = (q.float() / math.sqrt(q.shape[-1])) @ k.float().transpose(-2, -1)
    seen = torch.ones(new, all_, dtype=torch.bool, device=q.device).tril(all_ - new)
    weights = torch.softmax(scores.masked_fill(~seen, float("-inf")), dim=-1)
    return weights.to(v.dtype) @ v, weights


def attend_fast(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """The same output from torch's fused kernel, without the weights."""
    new, all_ = q.shape[-2], k.shape[-2]
    if new == all_:
        return F.scaled_dot_product_attention(q, k, v, is_causal=True)
    seen = torch.ones(new, all_, dtype=torch.bool, device=q.device).tril(all_ - new)
    return F.scaled_dot_product_attention(q, k, v, attn_mask=seen)


class PhiAttention(nn.Module):
    """Queries, keys and values by projection, rotation by position, attention, projection back."""

    def __init__(self, config: PhiConfig) -> None:
        super().__init__()
        self.config = config
        width, key_value = config.hidden_size, config.num_key_value_heads * config.head_dim
        self.q_proj = nn.Linear(width, width)
        self.k_proj = nn.Linear(width, key_value)
        self.v_proj = nn.Linear(width, key_value)
        self.dense = nn.Linear(width, width)

    def split(self, x: Tensor) -> Tensor:
        """(batch, tokens, heads × size) as (batch, heads, tokens, size)."""
        return x.unflatten(-1, (-1, self.config.head_dim)).transpose(1, 2)

    def forward(
        self, x: Tensor, by: Rotation, layer: int, cache: KeyValueCache | None, look: bool
    ) -> tuple[Tensor, Tensor | None]:
        q = rotate(self.split(self.q_proj(x)), by)
        k = rotate(self.split(self.k_proj(x)), by)
        v = self.split(self.v_proj(x))
        if cache is not None:
            k, v = cache.extend(layer, k, v)
        shared = self.config.num_attention_heads // self.config.num_key_value_heads
        if shared > 1:  # several queries share one key and value
            k, v = k.repeat_interleave(shared, dim=1), v.repeat_interleave(shared, dim=1)
        weights = None
        if look:
            mixed, weights = attend(q, k, v)
        else:
            mixed = attend_fast(q, k, v)
        return self.dense(mixed.transpose(1, 2).flatten(2)), weights


class PhiMLP(nn.Module):
    """Feed-forward: wider, GELU, back."""

    def __init__(self, config: PhiConfig) -> None:
        super().__init__()
        self.fc1 = nn.Linear(config.hidden_size, config.intermediate_size)
        self.fc2 = nn.Linear(config.intermediate_size, config.hidden_size)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(F.gelu(self.fc1(x), approximate="tanh"))


class PhiBlock(nn.Module):
    """One layer: attention and feed-forward side by side behind one LayerNorm."""

    def __init__(self, config: PhiConfig) -> None:
        super().__init__()
        self.input_layernorm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.self_attn = PhiAttention(config)
        self.mlp = PhiMLP(config)

    def forward(
        self, x: Tensor, by: Rotation, layer: int, cache: KeyValueCache | None, look: bool
    ) -> tuple[Tensor, Tensor | None]:
        normed = self.input_layernorm(x)
        mixed, weights = self.self_attn(normed, by, layer, cache, look)
        return x + mixed + self.mlp(normed), weights


class PhiLayers(nn.Module):
    """Everything between the token ids and the head: embeddings, blocks, last LayerNorm."""

    def __init__(self, config: PhiConfig) -> None:
        super().__init__()
        self.embed_tokens = nn.Embedding(config.vocab_size, config.hidden_size)
        self.layers = nn.ModuleList(PhiBlock(config) for _ in range(config.num_hidden_layers))
        self.final_layernorm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)


class PhiOutput(NamedTuple):
    """Logits (batch, tokens, vocabulary). With ``look=True`` also, layer by layer, the attention
    weights (batch, heads, new tokens, all tokens) and the residual stream: the embeddings and what
    left each block."""

    logits: Tensor
    attentions: tuple[Tensor, ...] = ()
    hidden: tuple[Tensor, ...] = ()


class Phi(nn.Module):
    """The language model: token ids in, scores for the next token out."""

    def __init__(self, config: PhiConfig) -> None:
        super().__init__()
        self.config = config
        self.model = PhiLayers(config)
        self.lm_head = nn.Linear(config.hidden_size, config.vocab_size)

    def forward(
        self,
        ids: Tensor,
        cache: KeyValueCache | None = None,
        *,
        look: bool = False,
        last_only: bool = False,
    ) -> PhiOutput:
        """Read ``ids`` (batch, tokens), continuing after what ``cache`` holds.

        ``last_only`` computes the logits of the newest token alone.
        """
        start = 0 if cache is None else cache.length
        positions = torch.arange(start, start + ids.shape[1], device=ids.device)
        x = self.model.embed_tokens(ids)
        by = rotation(self.config, positions, x.dtype)
        attentions, hidden = [], [x]
        for layer, block in enumerate(self.model.layers):
            x, weights = block(x, by, layer, cache, look)
            if look:
                attentions.append(weights)
                hidden.append(x)
        if cache is not None:
            cache.length += ids.shape[1]
        logits = self.read(x[:, -1:] if last_only else x)
        return PhiOutput(logits, tuple(attentions), tuple(hidden)) if look else PhiOutput(logits)

    def read(self, x: Tensor) -> Tensor:
        """Logits from a residual stream, the last one or, as the logit lens does, an earlier one."""
        return self.lm_head(self.model.final_layernorm(x))


def initialise(model: Phi, rng: torch.Generator, spread: float = 0.02) -> None:
    """Random weights with standard deviation ``spread``, biases 0, LayerNorms 1.

    Projections that write into the residual stream start smaller the deeper the model is, so that
    the stream does not grow with depth.
    """
    shrink = 1.0 / math.sqrt(2 * model.config.num_hidden_layers)
    with torch.no_grad():
        for name, weights in model.named_parameters():
            if name.endswith("layernorm.weight"):
                weights.fill_(1.0)
            elif name.endswith("bias"):
                weights.zero_()
            else:
                writes = name.endswith(("dense.weight", "fc2.weight"))
                weights.normal_(0.0, spread * (shrink if writes else 1.0), generator=rng)
