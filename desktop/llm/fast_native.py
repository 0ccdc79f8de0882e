"""The quantized Phi with our own C code: a token goes through a layer in one call.

``fast.py`` computes a layer with some thirty calls of torch, each of which takes a few millionths of a
second to begin: together a tenth of the time of a token. Here ``native.c`` does the whole layer, and
keys and values are float16, (head, token, component), half of what ``fast.py`` reads of a long
context. Prompts, scores and everything else are those of ``fast.py``.
Imports torch, no Qt.
"""

from __future__ import annotations

import ctypes

import torch
from torch import Tensor

from desktop.llm.cache import Taps
from desktop.llm.fast import FastDecoder, FastLayer, FastWeights
from desktop.llm.kernels_native import MatrixStruct, Native, library
from desktop.llm.phi import PhiConfig

LARGEST_HALF = 65504.0


class LayerStruct(ctypes.Structure):
    """``Layer`` in C."""

    _fields_ = (
        ("inward", MatrixStruct),
        ("outward", MatrixStruct),
        *(
            (name, ctypes.c_void_p)
            for name in (
                "norm_weight",
                "norm_bias",
                "inward_bias",
                "outward_bias",
                "cosines",
                "sines",
                "keys",
                "values",
                "seen",
            )
        ),
        *(
            (name, ctypes.c_int64)
            for name in ("heads", "key_heads", "size", "turned", "capacity", "inner")
        ),
        ("epsilon", ctypes.c_float),
    )


def fits_layers(weights: FastWeights) -> bool:
    """Whether the C code can do these layers: all their matrices are ``Native``, sizes divide."""
    config = weights.config
    matrices = [part for layer in weights.layers for part in (layer.inward, layer.outward)]
    return (
        all(isinstance(matrix, Native) for matrix in (*matrices, weights.head))
        and config.head_dim % 8 == 0
        and config.intermediate_size % 8 == 0
        and config.rotary_dim % 2 == 0
    )


class NativeDecoder(FastDecoder):
    """``FastDecoder`` with single tokens computed in C."""

    def __init__(self, weights: FastWeights, capacity: int | None = None) -> None:
        found = library()
        if found is None or not fits_layers(weights):
            raise ValueError("the compiled code cannot do these layers")
        super().__init__(weights, capacity)
        config = self.config
        self._library = found
        self._seen = torch.empty(
            config.num_hidden_layers, config.num_attention_heads, self.capacity
        )
        self._sines = self._sin.clone()
        self._sines[:, : config.rotary_dim // 2].neg_()
        self._biases = [
            (layer.inward_bias.float(), layer.outward_bias.float()) for layer in weights.layers
        ]
        self._structs = [
            self._struct(config, number, layer) for number, layer in enumerate(weights.layers)
        ]
        rows = max(layer.inward.rows for layer in weights.layers)
        columns = max(layer.outward.columns for layer in weights.layers)
        self._y, self._both = torch.empty(rows), torch.empty(columns)
        self._work = torch.empty(found.room, dtype=torch.uint8)

    def _struct(self, config: PhiConfig, number: int, layer: FastLayer) -> LayerStruct:
        assert isinstance(layer.inward, Native)
        assert isinstance(layer.outward, Native)
        tensors = (
            *layer.norm,
            *self._biases[number],
            self._cos,
            self._sines,
            self._keys[number],
            self._values[number],
            self._seen[number],
        )
        assert all(tensor.is_contiguous() for tensor in tensors)
        return LayerStruct(
            layer.inward.struct,
            layer.outward.struct,
            *(tensor.data_ptr() for tensor in tensors),
            config.num_attention_heads,
            config.num_key_value_heads,
            config.head_dim,
            config.rotary_dim,
            self.capacity,
            config.intermediate_size,
            config.layer_norm_eps,
        )

    def _one(self, token: int, look: bool) -> Tensor:
        x = self.weights.embeddings[token : token + 1].float()
        stream = [x.clone()] if look else []
        layer_in_c = self._library.functions.native_layer
        after = (
            ctypes.c_void_p(x.data_ptr()),
            ctypes.c_int64(self.length),
            ctypes.c_void_p(self._y.data_ptr()),
            ctypes.c_void_p(self._both.data_ptr()),
            ctypes.c_void_p(self._work.data_ptr()),
            torch.get_num_threads(),
            self._library.level,
        )
        for struct in self._structs:
            layer_in_c(ctypes.byref(struct), *after)
            if look:
                stream.append(x.clone())
        if look:
            attention = self._seen[:, :, : self.length + 1].clone()
            self.taps = Taps(attention, torch.cat(stream))
        return self._scores(x)

    # ---- the cache

    def _empty_cache(self) -> tuple[Tensor, Tensor]:
        config = self.config
        layers, heads, size = config.num_hidden_layers, config.num_key_value_heads, config.head_dim
        shape = (layers, heads, self.capacity, size)
        return torch.empty(shape, dtype=torch.float16), torch.empty(shape, dtype=torch.float16)

    def _remember(self, layer: int, k: Tensor, v: Tensor) -> None:
        places = slice(self.length, self.length + k.shape[1])
        self._keys[layer, :, places] = k.clamp(-LARGEST_HALF, LARGEST_HALF)
        self._values[layer, :, places] = v.clamp(-LARGEST_HALF, LARGEST_HALF)

    def _recall(self, layer: int, end: int) -> tuple[Tensor, Tensor]:
        return self._keys[layer, :, :end], self._values[layer, :, :end]

    def _memory_of(self, position: int) -> tuple[Tensor, ...]:
        return self._keys[:, :, position], self._values[:, :, position]

    def _copy_from(self, other: FastDecoder, start: int, end: int) -> None:
        self._keys[:, :, start:end] = other._keys[:, :, start:end]
        self._values[:, :, start:end] = other._values[:, :, start:end]


def decoder_for(weights: FastWeights, capacity: int | None = None) -> FastDecoder:
    """The fastest decoder for these weights."""
    return (
        NativeDecoder(weights, capacity) if fits_layers(weights) else FastDecoder(weights, capacity)
    )
