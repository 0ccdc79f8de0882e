"""The quantized Phi on a graphics card.

A card computes a token of Phi-2 in a few milliseconds, and starting some five hundred small pieces of
work one by one would take as long again. So the whole step is recorded once as a *CUDA graph* and
then replayed with one call (``card_graphs.py``). It looks at a whole span of the context, and the
places that are not filled yet are masked.

Steps that keep what went on inside, and prompts, run without a graph; so does everything if graphs or
torch's 4-bit kernel do not work on this card, which is tried out first (``card_check.py``). Everything
but the recording also runs on the processor, which is how the tests hold it against the readable model.
Imports torch, no Qt.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor

from desktop.bilingual import Bilingual
from desktop.llm.cache import Decoder, Taps
from desktop.llm.card_check import CardForms, Finding, Steps, path_on_card, try_graphs, why_on_card
from desktop.llm.card_graphs import Graphs, RecordingError
from desktop.llm.fast import EXACT, FastLayer, FastWeights, QuantizedPhi, prepare
from desktop.llm.phi import rotation


@dataclass
class Inside:
    """What went on inside a step, for those who want to look: attention and the residual stream."""

    attention: list[Tensor] = field(default_factory=list)
    stream: list[Tensor] = field(default_factory=list)


def open_on_card(
    model: QuantizedPhi,
    capacity: int,
    device: str,
    progress: Callable[[float], None] | None = None,
) -> tuple[CardDecoder, str, Bilingual]:
    """The model on a card, the path's short name, and why that one. Raises ``RuntimeError`` if the card
    does not work."""
    card = torch.device(device)
    capability = torch.cuda.get_device_capability(card)
    forms = CardForms(card, capability)
    weights = to_device(prepare(model, forms.make, progress), card, forms.dtype)
    decoder = CardDecoder(weights, capacity, forms.dtype)
    graphs = decoder.try_graphs()
    why = why_on_card(capability, forms.kernel, forms.times, graphs)
    return decoder, path_on_card(capability, forms.kernel, graphs), why


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
        self._graphs: Graphs | None = None

    @property
    def nbytes(self) -> int:
        """Memory of keys and values."""
        return self._keys.nbytes + self._values.nbytes

    @property
    def weights_nbytes(self) -> int:
        """Memory of the weights."""
        return self.weights.nbytes

    # ---- reading

    def try_graphs(self) -> Finding:
        """Replay recorded steps from now on, if a trial shows that this works here; before anything is
        read."""
        graphs = Graphs(self.capacity, self._device)
        steps = Steps(
            lambda token, place: graphs.plainly(token, place, self._step),
            lambda token, place: graphs.replay(token, place, self._step),
            self._empty,
        )
        with torch.inference_mode():
            found = try_graphs(steps)
        self._graphs = graphs if found == "right" else None
        return found

    def _empty(self) -> None:
        self._keys.zero_()
        self._values.zero_()

    def _forward(self, ids: Sequence[int], look: bool) -> Tensor:
        if len(ids) == 1 and not look and self._graphs is not None:
            try:
                scores = self._graphs.replay(ids[0], self.length, self._step)
                return scores.to("cpu", copy=True)
            except RecordingError:  # a longer span may need more memory than there is
                self._graphs = None
        row = torch.tensor(list(ids), device=self._device)
        places = self._places[self.length : self.length + len(ids)]
        inside = Inside() if look else None
        scores = self._step(row, places, self.length + len(ids), inside)
        if inside is not None:
            stream = torch.cat(inside.stream)
            self.taps = Taps(torch.stack(inside.attention).float().cpu(), stream.cpu())
        return scores.cpu()

    def _step(self, ids: Tensor, places: Tensor, span: int, inside: Inside | None = None) -> Tensor:
        """Scores after ``ids`` at ``places``, looking at the first ``span`` places.

        For one token nothing in here waits for the card or brings numbers to it: it can be recorded.
        """
        x = self.weights.embeddings[ids].float()
        seen = self._places[:span] <= places[:, None]
        for number, layer in enumerate(self.weights.layers):
            if len(ids) > 1:
                self._check_stop()
            if inside is not None:
                inside.stream.append(x)
            h = F.layer_norm(x, x.shape[-1:], *layer.norm, self.config.layer_norm_eps)
            y = layer.inward.many(h.to(self._dtype)) + layer.inward_bias
            mixed = self._attend(number, y, places, span, seen, inside)
            inner = F.gelu(y[:, -self.config.intermediate_size :], approximate="tanh")
            x = x + layer.outward.many(torch.cat([mixed, inner], 1)) + layer.outward_bias
        if inside is not None:
            inside.stream.append(x)
        return self._scores(x[-1:])

    def _attend(
        self,
        layer: int,
        y: Tensor,
        places: Tensor,
        span: int,
        seen: Tensor,
        inside: Inside | None,
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
        if groups < heads:  # several queries share one key and value
            shared = heads // groups
            k, v = (part[:, None].expand(-1, shared, -1, -1).flatten(0, 1) for part in (k, v))
        if inside is None:
            mixed = F.scaled_dot_product_attention(q[None], k[None], v[None], attn_mask=seen)[0]
        else:  # scores in float32: in float16 the product can overflow
            scores = (q.float() / math.sqrt(size)) @ k.float().transpose(1, 2)
            weights = scores.masked_fill(~seen, -math.inf).softmax(-1)
            inside.attention.append(weights[:, -1])
            mixed = weights.to(v.dtype) @ v
        return mixed.transpose(0, 1).flatten(1)

    def _rotated(self, x: Tensor, places: Tensor) -> Tensor:
        turned, passed = x[..., : self.config.rotary_dim].float(), x[..., self.config.rotary_dim :]
        first, second = turned.chunk(2, -1)
        crossed = torch.cat([-second, first], -1)
        turned = turned * self._cos[places] + crossed * self._sin[places]
        return torch.cat([turned.to(x.dtype), passed], -1)

    # ---- scores

    def _scores(self, x: Tensor) -> Tensor:
        """Scores (vocabulary,); the likeliest without rounding, as in ``fast.py``."""
        head, bias = self.weights.head, self.weights.head_bias
        h = self._normed_last(x)
        scores = head.many(h)[0].float() + bias
        likeliest = scores.topk(min(EXACT, len(scores)), sorted=False).indices
        exact = head.exactly(h, likeliest) + bias[likeliest]
        return scores.index_copy(0, likeliest, exact)

    def _normed_last(self, x: Tensor) -> Tensor:
        norm, eps = self.weights.norm, self.config.layer_norm_eps
        return F.layer_norm(x, x.shape[-1:], *norm, eps).to(self._dtype)

    def read_out(self, hidden: Tensor) -> Tensor:
        with torch.inference_mode():
            h = self._normed_last(hidden.to(self._device))
            return (self.weights.head.many(h).float() + self.weights.head_bias).cpu()

    # ---- copies

    def fork(self, capacity: int) -> CardDecoder:
        other = CardDecoder(self.weights, capacity, self._dtype)
        if self._graphs is not None:
            other._graphs = Graphs(capacity, self._device)
        other.follow(self)
        return other

    def _memory_of(self, position: int) -> tuple[Tensor, ...]:
        return self._keys[:, :, position], self._values[:, :, position]

    def _copy_from(self, other: CardDecoder, start: int, end: int) -> None:
        self._keys[:, :, start:end] = other._keys[:, :, start:end]
        self._values[:, :, start:end] = other._values[:, :, start:end]
