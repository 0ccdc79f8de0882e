"""The quantized Phi on the processor: the same computation as ``phi.py``, arranged for speed.

What differs, and why:

- Weights stay in 4 bits and are multiplied as such (``kernels_int4.py``).
- Attention and feed-forward read the same input and their results are added, so their matrices are
  joined: q, k, v and fc1 are one product, dense and fc2 another. Two large products a layer instead
  of six keep both cores busy.
- Keys lie transposed, (head, component, token): the scores of one new token are then a plain
  matrix product over neighbouring numbers. Keys and values are float32, which these products are
  fastest in.
- The residual stream is float32, so that 32 layers do not add up rounding; only what enters a
  product is bfloat16.
- The head's product is rounded to bfloat16, too coarse to tell the likeliest tokens apart, so the
  `EXACT` likeliest are computed again in float32.

``tests/llm/test_fast.py`` holds all of it against the readable model. Imports torch, no Qt.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from desktop.llm.cache import Decoder, Taps
from desktop.llm.kernels import HUGE_PAGE, Linear, huge_empty, scratch
from desktop.llm.packing import StoredMatrix
from desktop.llm.phi import Phi, PhiConfig, rotation
from desktop.llm.quantize import Fit, GroupQuantized, quantize

EXACT = 64
"""How many of the likeliest tokens get their scores computed without rounding."""

Weight = GroupQuantized | StoredMatrix | Tensor
Progress = Callable[[float], None]


class QuantizedPhi:
    """A Phi whose matrices may be quantized: a config and weights by their published names.

    ``weights`` may be any mapping; each name is asked for once, in order of layers, so one that
    reads from a file needs no more memory than a layer.
    """

    def __init__(self, config: PhiConfig, weights: Mapping[str, Weight]) -> None:
        self.config = config
        self.weights = weights

    @classmethod
    def from_phi(cls, model: Phi, bits: int = 4, group: int = 64, fit: Fit = "mse") -> QuantizedPhi:
        """Quantize a model in memory: every matrix but the embeddings, which are only looked up."""
        weights: dict[str, Weight] = {}
        for name, tensor in model.state_dict().items():
            matrix = tensor.dim() == 2 and "embed" not in name and tensor.shape[1] % group == 0
            weights[name] = quantize(tensor, bits, group, fit) if matrix else tensor
        return cls(model.config, weights)

    def readable(self) -> Phi:
        """The plain model with the weights these stand for, in float32."""
        model = Phi(self.config)
        plain = {name: as_tensor(self.weights[name]) for name in model.state_dict()}
        model.load_state_dict(plain)
        return model.eval()


def as_tensor(weight: Weight, dtype: torch.dtype = torch.float32) -> Tensor:
    """The numbers a weight stands for."""
    return weight.to(dtype) if isinstance(weight, Tensor) else weight.dequantize(dtype)


def _join(parts: Sequence[Weight], dim: int) -> Weight:
    """Matrices one below the other (``dim`` 0) or side by side (1), to be brought into another form
    at once: the codes lie in memory that the next call uses again."""
    stored = [part for part in parts if isinstance(part, StoredMatrix)]
    if len(stored) == len(parts) and len({(s.bits, s.group) for s in stored}) == 1:
        shape = list(stored[0].packed.shape)
        shape[dim] = sum(one.packed.shape[dim] for one in stored)
        packed = huge_empty(tuple(shape), torch.uint8)
        torch.cat([one.packed for one in stored], dim, out=packed)
        scales = torch.cat([one.scales for one in stored], dim)
        offsets = torch.cat([one.offsets for one in stored], dim)
        return StoredMatrix(packed, scales, offsets, stored[0].bits, stored[0].group)
    parts = [part.unpacked() if isinstance(part, StoredMatrix) else part for part in parts]
    quantized = [part for part in parts if isinstance(part, GroupQuantized)]
    if len(quantized) == len(parts) and len({(q.bits, q.group) for q in quantized}) == 1:
        shape = list(quantized[0].shape)
        shape[dim] = sum(q.shape[dim] for q in quantized)
        codes = scratch("joined", tuple(shape), torch.uint8)
        torch.cat([q.codes for q in quantized], dim, out=codes)
        scales = torch.cat([q.scales for q in quantized], dim)
        offsets = torch.cat([q.offsets for q in quantized], dim)
        return GroupQuantized(codes, scales, offsets, quantized[0].bits, quantized[0].group)
    return torch.cat([as_tensor(part, torch.bfloat16) for part in parts], dim)


@dataclass(frozen=True, eq=False)
class FastLayer:
    """One layer: its LayerNorm, and the two joined products with their biases."""

    norm: tuple[Tensor, Tensor]
    inward: Linear
    inward_bias: Tensor
    outward: Linear
    outward_bias: Tensor


@dataclass(frozen=True, eq=False)
class FastWeights:
    """All weights in the form the processor multiplies; several decoders may share them."""

    config: PhiConfig
    embeddings: Tensor
    layers: tuple[FastLayer, ...]
    norm: tuple[Tensor, Tensor]
    head: Linear
    head_bias: Tensor

    @property
    def nbytes(self) -> int:
        """Memory they take."""
        held: list[Tensor | Linear] = [self.embeddings, *self.norm, self.head, self.head_bias]
        for layer in self.layers:
            held += [*layer.norm, layer.inward, layer.inward_bias, layer.outward]
            held.append(layer.outward_bias)
        return sum(part.nbytes for part in held)


def prepare(
    model: QuantizedPhi,
    make: Callable[[Weight], Linear],
    progress: Progress | None = None,
) -> FastWeights:
    """Bring weights into the form that ``make`` gives them, layer after layer.

    ``progress`` hears how much is done, 0 to 1, and may raise to stop.
    """
    config, weights = model.config, model.weights
    layers = []
    for number in range(config.num_hidden_layers):
        if progress is not None:
            progress(number / (config.num_hidden_layers + 1))
        layers.append(_layer(weights, f"model.layers.{number}.", make))
    made = FastWeights(
        config,
        _embeddings(as_tensor(weights["model.embed_tokens.weight"], torch.bfloat16)),
        tuple(layers),
        _norm(weights, "model.final_layernorm"),
        make(weights["lm_head.weight"]),
        as_tensor(weights["lm_head.bias"]),
    )
    if progress is not None:
        progress(1.0)
    return made


def _layer(
    weights: Mapping[str, Weight], start: str, make: Callable[[Weight], Linear]
) -> FastLayer:
    def named(kind: str, names: Sequence[str]) -> list[Weight]:
        return [weights[f"{start}{name}.{kind}"] for name in names]

    inward = ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "mlp.fc1")
    outward = ("self_attn.dense", "mlp.fc2")
    return FastLayer(
        _norm(weights, f"{start}input_layernorm"),
        make(_join(named("weight", inward), 0)),
        torch.cat([as_tensor(bias, torch.bfloat16) for bias in named("bias", inward)]),
        make(_join(named("weight", outward), 1)),
        sum(as_tensor(bias) for bias in named("bias", outward)) + torch.zeros(1),
    )


def _norm(weights: Mapping[str, Weight], name: str) -> tuple[Tensor, Tensor]:
    return as_tensor(weights[f"{name}.weight"]), as_tensor(weights[f"{name}.bias"])


def _embeddings(tensor: Tensor) -> Tensor:
    if tensor.data_ptr() % HUGE_PAGE == 0 and tensor.is_contiguous():
        return tensor  # made by `huge_empty`
    kept = huge_empty(tuple(tensor.shape), tensor.dtype)
    return kept.copy_(tensor)


class FastDecoder(Decoder):
    """The quantized model with its keys and values, on the processor."""

    def __init__(self, weights: FastWeights, capacity: int | None = None) -> None:
        config = weights.config
        super().__init__(config, capacity or config.max_position_embeddings)
        self.weights = weights
        self._keys, self._values = self._empty_cache()
        turns = rotation(config, torch.arange(self.capacity), torch.float32)
        half = config.rotary_dim // 2
        self._cos = turns.cos
        self._sin = torch.cat([-turns.sin[:, :half], turns.sin[:, half:]], 1)

    def _empty_cache(self) -> tuple[Tensor, Tensor]:
        """Left as the system gives it: memory is taken only as the context fills."""
        config = self.config
        layers, heads, size = config.num_hidden_layers, config.num_key_value_heads, config.head_dim
        keys = torch.empty(layers, heads, size, self.capacity)
        return keys, torch.empty(layers, heads, self.capacity, size)

    @property
    def nbytes(self) -> int:
        """Memory of keys and values when the context is full."""
        return self._keys.nbytes + self._values.nbytes

    @property
    def weights_nbytes(self) -> int:
        """Memory of the weights."""
        return self.weights.nbytes

    # ---- reading

    def _forward(self, ids: Sequence[int], look: bool) -> Tensor:
        if len(ids) == 1:
            return self._one(ids[0], look)
        x = self.weights.embeddings[list(ids)].float()
        for number, layer in enumerate(self.weights.layers):
            self._check_stop()
            y = layer.inward.many(self._normed(x, layer)).add_(layer.inward_bias)
            mixed = self._attend_many(number, y)
            both = torch.cat([mixed, F.gelu(self._inner(y), approximate="tanh")], 1)
            x.add_(layer.outward.many(both)).add_(layer.outward_bias)
        return self._scores(x[-1:])

    def _one(self, token: int, look: bool) -> Tensor:
        config, width = self.config, self.config.hidden_size
        x = self.weights.embeddings[token : token + 1].float()
        both = torch.empty(1, width + config.intermediate_size, dtype=torch.bfloat16)
        mixed, inner = both[:, :width], both[:, width:]
        rows: list[Tensor] = []
        stream: list[Tensor] = [x.clone()] if look else []
        for number, layer in enumerate(self.weights.layers):
            y = layer.inward.one(self._normed(x, layer)) + layer.inward_bias
            output, weights = self._attend_one(number, y)
            mixed.copy_(output.view(1, width))
            torch.ops.aten.gelu.out(self._inner(y).to(inner.dtype), approximate="tanh", out=inner)
            x = x.add_(layer.outward.one(both)).add_(layer.outward_bias)
            if look:
                rows.append(weights)
                stream.append(x.clone())
        if look:
            attention = torch.stack(rows).view(len(rows), config.num_attention_heads, -1)
            self.taps = Taps(attention, torch.cat(stream))
        return self._scores(x)

    def _normed(self, x: Tensor, layer: FastLayer) -> Tensor:
        return F.layer_norm(x, x.shape[-1:], *layer.norm, self.config.layer_norm_eps).bfloat16()

    def _inner(self, y: Tensor) -> Tensor:
        return y[:, y.shape[1] - self.config.intermediate_size :]

    def _split(self, y: Tensor) -> tuple[Tensor, Tensor]:
        """Rotated queries and keys (tokens, heads + key heads, size), values (tokens, heads, size)."""
        config, start = self.config, self.length
        keys = config.num_attention_heads + config.num_key_value_heads
        heads = y[:, : (keys + config.num_key_value_heads) * config.head_dim]
        heads = heads.float().view(len(y), -1, config.head_dim)
        turned = heads[:, :keys, : config.rotary_dim]
        places = slice(start, start + len(y))
        crossed = turned.roll(config.rotary_dim // 2, -1).mul_(self._sin[places, None])
        turned.mul_(self._cos[places, None]).add_(crossed)
        return heads[:, :keys], heads[:, keys:]

    def _attend_one(self, layer: int, y: Tensor) -> tuple[Tensor, Tensor]:
        config, end = self.config, self.length + 1
        qk, v = self._split(y)
        heads, groups = config.num_attention_heads, config.num_key_value_heads
        self._keys[layer, :, :, end - 1] = qk[0, heads:]
        self._values[layer, :, end - 1] = v[0]
        q = qk[0, :heads].view(groups, heads // groups, config.head_dim)
        q = q * (1 / math.sqrt(config.head_dim))
        weights = torch.bmm(q, self._keys[layer, :, :, :end]).softmax(-1)
        return torch.bmm(weights, self._values[layer, :, :end]), weights

    def _attend_many(self, layer: int, y: Tensor) -> Tensor:
        config, start = self.config, self.length
        end, heads = start + len(y), config.num_attention_heads
        qk, v = self._split(y)
        q, k, v = (part.transpose(0, 1) for part in (qk[:, :heads], qk[:, heads:], v))
        self._remember(layer, k, v)
        seen = None
        if start > 0:
            k, v = self._recall(layer, end)
            seen = torch.ones(len(y), end, dtype=torch.bool).tril(start)
        shared = heads // config.num_key_value_heads
        q, k, v = (part.bfloat16()[None].contiguous() for part in (q, k, v))
        if shared > 1:
            k, v = k.repeat_interleave(shared, 1), v.repeat_interleave(shared, 1)
        mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=seen, is_causal=seen is None)
        return mixed[0].transpose(0, 1).flatten(1)

    def _remember(self, layer: int, k: Tensor, v: Tensor) -> None:
        """Store keys and values, both (heads, new tokens, size), behind the old ones."""
        places = slice(self.length, self.length + k.shape[1])
        # The cache's rows lie a power of two apart, which is slow to write to one by one.
        self._keys[layer, :, :, places] = k.transpose(1, 2).contiguous()
        self._values[layer, :, places] = v

    def _recall(self, layer: int, end: int) -> tuple[Tensor, Tensor]:
        """Keys and values of the first ``end`` tokens, (heads, end, size)."""
        return self._keys[layer, :, :, :end].transpose(1, 2), self._values[layer, :, :end]

    # ---- scores

    def _scores(self, x: Tensor) -> Tensor:
        weights = self.weights
        h = F.layer_norm(x, x.shape[-1:], *weights.norm, self.config.layer_norm_eps)
        scores = weights.head.one(h)[0].float() + weights.head_bias
        likeliest = scores.topk(min(EXACT, len(scores))).indices
        exact = weights.head.exactly(h.bfloat16(), likeliest) + weights.head_bias[likeliest]
        return scores.index_copy(0, likeliest, exact)

    def read_out(self, hidden: Tensor) -> Tensor:
        weights = self.weights
        with torch.inference_mode():
            h = F.layer_norm(hidden, hidden.shape[-1:], *weights.norm, self.config.layer_norm_eps)
            return weights.head.many(h.bfloat16()).float() + weights.head_bias

    # ---- copies

    def fork(self, capacity: int) -> FastDecoder:
        other = type(self)(self.weights, capacity)
        other.follow(self)
        return other

    def _memory_of(self, position: int) -> tuple[Tensor, ...]:
        return self._keys[..., position], self._values[:, :, position]

    def _copy_from(self, other: FastDecoder, start: int, end: int) -> None:
        self._keys[..., start:end] = other._keys[..., start:end]
        self._values[:, :, start:end] = other._values[:, :, start:end]
