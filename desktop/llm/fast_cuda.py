"""The quantized Phi on a graphics card.

A card computes a token of Phi-2 in a few milliseconds, and starting some five hundred small pieces of
work one by one would take as long again. So the whole step is recorded once as a *CUDA graph* and
then replayed with one call: the token and its position are numbers in the card's memory that change
in between. A graph has fixed shapes, so there is one for each span of the context (256, 512, …), and
the places that are not filled yet are masked. Recording needs no compiler.

Steps that keep what went on inside, and prompts, run without a graph. Everything but the recording
also runs on the processor, which is how the tests hold it against the readable model.
Imports torch, no Qt.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from desktop.bilingual import Bilingual
from desktop.llm.cache import Decoder, Taps
from desktop.llm.fast import FastLayer, FastWeights, QuantizedPhi, Weight, prepare
from desktop.llm.kernels import Dense, Linear
from desktop.llm.kernels_cuda import Int4Card, UnpackedOnUse, fits_kernel
from desktop.llm.packing import StoredMatrix
from desktop.llm.phi import rotation
from desktop.llm.quantize import GroupQuantized

SPAN = 256
"""The shortest span of the context that a graph is recorded for; each further one is twice as long."""

AMPERE = (8, 0)


def open_on_card(
    model: QuantizedPhi,
    capacity: int,
    device: str,
    progress: Callable[[float], None] | None = None,
) -> tuple[CardDecoder, str, Bilingual]:
    """The model on a card, the path's short name, and why that one."""
    card = torch.device(device)
    capability = torch.cuda.get_device_capability(card)
    new = capability >= AMPERE
    dtype = torch.bfloat16 if new else torch.float16

    def make(weight: Weight) -> Linear:
        if isinstance(weight, StoredMatrix):
            weight = weight.unpacked()
        if not isinstance(weight, GroupQuantized):
            return Dense(weight.to(card, dtype))
        if new and fits_kernel(weight):
            return Int4Card(weight, card)
        return UnpackedOnUse(weight, card, dtype)

    decoder = CardDecoder(to_device(prepare(model, make, progress), card, dtype), capacity, dtype)
    return decoder, *path_on_card(capability)


def path_on_card(capability: tuple[int, int]) -> tuple[str, Bilingual]:
    """The short name of the way a card of this compute capability takes, and why that one."""
    version = ".".join(map(str, capability))
    if capability >= AMPERE:
        return (
            f"fast_cuda.py int4 graph sm_{version}",
            Bilingual(
                f"显卡的计算能力是 {version}，可以用 torch 的 4 位内核和 CUDA 图。",
                f"The card has compute capability {version}: torch’s 4-bit kernel and CUDA graphs work.",
            ),
        )
    return (
        f"fast_cuda.py unpacked graph sm_{version}",
        Bilingual(
            f"显卡的计算能力是 {version}，低于 8.0，没有 4 位内核：权重以 4 位存放，用到时再展开。",
            f"The card has compute capability {version}, below 8.0, and no 4-bit kernel: weights are kept "
            "in 4 bits and unpacked when used.",
        ),
    )


def to_device(weights: FastWeights, device: torch.device, dtype: torch.dtype) -> FastWeights:
    """Everything that is not yet there: norms, biases, embeddings."""

    def there(tensor: Tensor) -> Tensor:
        return tensor.to(device)

    layers = tuple(
        FastLayer(
            (there(layer.norm[0]), there(layer.norm[1])),
            layer.inward,
            there(layer.inward_bias).to(dtype),
            layer.outward,
            there(layer.outward_bias),
        )
        for layer in weights.layers
    )
    return FastWeights(
        weights.config,
        there(weights.embeddings).to(dtype),
        layers,
        (there(weights.norm[0]), there(weights.norm[1])),
        weights.head,
        there(weights.head_bias),
    )


class CardDecoder(Decoder):
    """The quantized model with its keys and values on one device."""

    def __init__(self, weights: FastWeights, capacity: int, dtype: torch.dtype) -> None:
        config = weights.config
        super().__init__(config, capacity)
        self.weights, self._dtype = weights, dtype
        self._device = weights.embeddings.device
        shape = (config.num_hidden_layers, config.num_key_value_heads, capacity, config.head_dim)
        self._keys = torch.zeros(shape, dtype=dtype, device=self._device)
        self._values = torch.zeros(shape, dtype=dtype, device=self._device)
        places = torch.arange(capacity, device=self._device)
        turns = rotation(config, places, torch.float32)
        self._cos, self._sin, self._places = turns.cos, turns.sin, places
        self._token = torch.zeros(1, dtype=torch.int64, device=self._device)
        self._position = torch.zeros(1, dtype=torch.int64, device=self._device)
        self._graphs: dict[int, tuple[torch.cuda.CUDAGraph, Tensor]] = {}

    @property
    def nbytes(self) -> int:
        """Memory of keys and values."""
        return self._keys.nbytes + self._values.nbytes

    @property
    def weights_nbytes(self) -> int:
        """Memory of the weights."""
        return self.weights.nbytes

    # ---- reading

    def _forward(self, ids: Sequence[int], look: bool) -> Tensor:
        if len(ids) == 1 and not look and self._device.type == "cuda":
            return self._replay(ids[0]).float().cpu()
        row = torch.tensor(list(ids), device=self._device)
        places = self._places[self.length : self.length + len(ids)]
        attention: list[Tensor] | None = [] if look else None
        stream: list[Tensor] = []
        scores = self._step(row, places, self.length + len(ids), attention, stream)
        if attention is not None:
            self.taps = Taps(torch.stack(attention).float().cpu(), torch.cat(stream).cpu())
        return scores.float().cpu()

    def _replay(self, token: int) -> Tensor:
        """One token through the recorded step for the present span."""
        span = self._span()
        self._token.fill_(token)
        self._position.fill_(self.length)
        if span not in self._graphs:
            self._graphs[span] = self._record(span)
        graph, scores = self._graphs[span]
        graph.replay()
        return scores

    def _span(self) -> int:
        span = SPAN
        while span <= self.length:
            span *= 2
        return min(span, self.capacity)

    def _record(self, span: int) -> tuple[torch.cuda.CUDAGraph, Tensor]:
        """Record a step. It is run a few times first, on a stream of its own, as recording asks for:
        each run writes the same keys and values to the same place, so nothing is lost."""
        aside = torch.cuda.Stream(self._device)
        aside.wait_stream(torch.cuda.current_stream(self._device))
        with torch.cuda.stream(aside):
            for _ in range(2):
                self._step(self._token, self._position, span, None, [])
        torch.cuda.current_stream(self._device).wait_stream(aside)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            scores = self._step(self._token, self._position, span, None, [])
        return graph, scores

    def _step(
        self,
        ids: Tensor,
        places: Tensor,
        span: int,
        attention: list[Tensor] | None,
        stream: list[Tensor],
    ) -> Tensor:
        """Scores after ``ids`` at ``places``, looking at the first ``span`` places."""
        x = self.weights.embeddings[ids].float()
        seen = self._places[:span] <= places[:, None]
        stream.append(x)
        for number, layer in enumerate(self.weights.layers):
            if self._stop is not None:
                self._check_stop()
            h = F.layer_norm(x, x.shape[-1:], *layer.norm, self.config.layer_norm_eps)
            y = layer.inward.many(h.to(self._dtype)) + layer.inward_bias
            mixed = self._attend(number, y, places, span, seen, attention)
            inner = F.gelu(y[:, -self.config.intermediate_size :], approximate="tanh")
            x = x + layer.outward.many(torch.cat([mixed, inner], 1)) + layer.outward_bias
            stream.append(x)
        return self.read_out_on_device(x[-1:])[0]

    def _attend(
        self,
        layer: int,
        y: Tensor,
        places: Tensor,
        span: int,
        seen: Tensor,
        attention: list[Tensor] | None,
    ) -> Tensor:
        config = self.config
        heads, groups, size = (
            config.num_attention_heads,
            config.num_key_value_heads,
            config.head_dim,
        )
        split = y[:, : (heads + 2 * groups) * size].view(len(y), -1, size).transpose(0, 1)
        qk = self._rotated(split[: heads + groups], places)
        self._keys[layer].index_copy_(1, places, qk[heads:])
        self._values[layer].index_copy_(1, places, split[heads + groups :].contiguous())
        q, k, v = qk[:heads], self._keys[layer, :, :span], self._values[layer, :, :span]
        if groups < heads:
            k, v = (part.repeat_interleave(heads // groups, 0) for part in (k, v))
        if attention is None:
            mixed = F.scaled_dot_product_attention(q[None], k[None], v[None], attn_mask=seen)[0]
        else:  # scores in float32: in float16 the product can overflow
            scores = (q.float() / math.sqrt(size)) @ k.float().transpose(1, 2)
            weights = scores.masked_fill(~seen, -math.inf).softmax(-1)
            attention.append(weights[:, -1])
            mixed = weights.to(v.dtype) @ v
        return mixed.transpose(0, 1).flatten(1)

    def _rotated(self, x: Tensor, places: Tensor) -> Tensor:
        turned, passed = x[..., : self.config.rotary_dim].float(), x[..., self.config.rotary_dim :]
        first, second = turned.chunk(2, -1)
        crossed = torch.cat([-second, first], -1)
        turned = turned * self._cos[places] + crossed * self._sin[places]
        return torch.cat([turned.to(x.dtype), passed], -1)

    # ---- scores

    def read_out_on_device(self, hidden: Tensor) -> Tensor:
        """Scores (rows, vocabulary), where the weights are."""
        weights = self.weights
        h = F.layer_norm(hidden, hidden.shape[-1:], *weights.norm, self.config.layer_norm_eps)
        return weights.head.many(h.to(self._dtype)).float() + weights.head_bias

    def read_out(self, hidden: Tensor) -> Tensor:
        with torch.inference_mode():
            return self.read_out_on_device(hidden.to(self._device)).cpu()

    # ---- copies

    def fork(self, capacity: int) -> CardDecoder:
        other = CardDecoder(self.weights, capacity, self._dtype)
        other.follow(self)
        return other

    def _memory_of(self, position: int) -> tuple[Tensor, ...]:
        return self._keys[:, :, position], self._values[:, :, position]

    def _copy_from(self, other: CardDecoder, start: int, end: int) -> None:
        self._keys[:, :, start:end] = other._keys[:, :, start:end]
        self._values[:, :, start:end] = other._values[:, :, start:end]
