"""A model in one GGUF file, as llama.cpp uses them: weights in any of its usual quantizations,
settings and tokenizer inside.

Rows are read and turned into ordinary numbers as they are asked for. Queries, keys and
values may be one tensor or three. Imports torch, numpy and gguf.
"""

from __future__ import annotations

import mmap
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeGuard

import numpy as np
import torch
from gguf.constants import GGMLQuantizationType as Kind
from gguf.quants import dequantize
from torch import Tensor

from desktop.bilingual import Bilingual
from desktop.llm.phi import PhiConfig
from desktop.llm.phi_config import ConfigError, config_from_json
from desktop.llm.sources.errors import (
    SourceError,
    damaged,
    truncated,
    unreadable_format,
    wrong_architecture,
)
from desktop.llm.sources.gguf_header import GgufTensor, read_header
from desktop.llm.sources.hub_folder import cut_shapes
from desktop.llm.sources.msft import rotary_factor
from desktop.llm.sources.ranged import RangedFiles
from desktop.llm.sources.source import (
    TensorInfo,
    WeightSource,
    check_shapes,
    check_vocabulary,
)
from desktop.llm.sources.vocabulary import byte_level_bpe
from desktop.llm.tokenizer import END_OF_TEXT, Tokenizer

FORMATS = (
    Kind.F32,
    Kind.F16,
    Kind.BF16,
    Kind.Q8_0,
    Kind.Q6_K,
    Kind.Q5_K,
    Kind.Q5_1,
    Kind.Q5_0,
    Kind.Q4_K,
    Kind.Q4_1,
    Kind.Q4_0,
    Kind.Q3_K,
    Kind.Q2_K,
)
UNQUANTIZED = {Kind.F32: torch.float32, Kind.F16: torch.float16, Kind.BF16: torch.bfloat16}
ENDS = {
    "token_embd": "model.embed_tokens",
    "output_norm": "model.final_layernorm",
    "output": "lm_head",
}
PARTS = {
    "attn_norm": ("input_layernorm",),
    "attn_qkv": ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"),
    "attn_q": ("self_attn.q_proj",),
    "attn_k": ("self_attn.k_proj",),
    "attn_v": ("self_attn.v_proj",),
    "attn_output": ("self_attn.dense",),
    "ffn_up": ("mlp.fc1",),
    "ffn_down": ("mlp.fc2",),
}
IN_LAYER = re.compile(r"blk\.(\d{1,4})\.(\w+)\.(weight|bias)")
PRE_TOKENIZERS = ("gpt-2", "phi-2", "default", "")
"""Ways of cutting text into words that are GPT-2's."""
NORMAL, CONTROL, USER_DEFINED, UNUSED = 1, 3, 4, 5


class GgufFile(WeightSource):
    """One ``.gguf`` file."""

    kind = "gguf"

    def __init__(self, path: Path) -> None:
        self.path, self.files = path, (path,)
        if path.stat().st_size < 24:
            raise truncated(path.name, path.stat().st_size, 24)
        with (
            path.open("rb") as file,
            mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data,
        ):
            header = read_header(data, path.name)
        self._files = RangedFiles()
        self._settings = header.settings
        architecture = header.settings.get("general.architecture")
        if architecture != "phi2":
            raise wrong_architecture(architecture)
        try:
            self.config = _config(header.settings, header.tensors, self.path.name)
        except ConfigError as error:
            raise _about_this_file(error, self.path.name) from error
        self._pieces: dict[str, tuple[GgufTensor, int]] = {}
        self.tensors: dict[str, TensorInfo] = {}
        for tensor in header.tensors.values():
            self._arrange(tensor)
        shapes = {name: info.shape for name, info in self.tensors.items()}
        check_shapes(self.path.name, shapes, self.config)

    def _arrange(self, tensor: GgufTensor) -> None:
        """Note where a stored tensor's rows go under today's names."""
        if tensor.kind not in FORMATS:
            raise unreadable_format(tensor.name, tensor.kind.name, [kind.name for kind in FORMATS])
        names = today(tensor.name)
        row = 0
        shapes = cut_shapes(tensor.name, tensor.shape, names, self.config)
        for name, shape in zip(names, shapes, strict=True):
            if name in self.tensors:
                raise damaged(self.path.name, f"{name} stands twice")
            share = (tensor.stop - tensor.start) * shape[0] // tensor.shape[0]
            self._pieces[name] = (tensor, row)
            self.tensors[name] = TensorInfo(name, shape, tensor.kind.name, share)
            row += shape[0]

    def rows(self, name: str, start: int, stop: int) -> Tensor:
        tensor, first = self._pieces[name]
        shape = self.tensors[name].shape
        row_bytes = (tensor.stop - tensor.start) // tensor.shape[0]
        data = self._files.read(
            self.path, tensor.start + (first + start) * row_bytes, (stop - start) * row_bytes
        )
        return _numbers(data, tensor.kind).reshape(stop - start, *shape[1:])

    def tokenizer(self) -> Tokenizer:
        return check_vocabulary(_tokenizer(self._settings, self.path.name), self.config)

    def close(self) -> None:
        self._files.close()


def today(name: str) -> tuple[str, ...]:
    """The names that ``phi.py`` has for a GGUF tensor: one, or three when it is fused."""
    stem, _, kind = name.rpartition(".")
    if stem in ENDS and kind in ("weight", "bias"):
        return (f"{ENDS[stem]}.{kind}",)
    match = IN_LAYER.fullmatch(name)
    if match is None or match[2] not in PARTS:
        return (name,)
    return tuple(f"model.layers.{int(match[1])}.{part}.{match[3]}" for part in PARTS[match[2]])


def _numbers(stored: bytearray, kind: Kind) -> Tensor:
    """Stored bytes as floating-point numbers."""
    if kind in UNQUANTIZED:
        return torch.frombuffer(stored, dtype=UNQUANTIZED[kind])
    with np.errstate(all="ignore"):  # a damaged scale may be no number; the caller looks for that
        return torch.from_numpy(dequantize(np.frombuffer(stored, np.uint8), kind))


# ------------------------------------------------------------------------------------------------
# Settings


def _config(settings: Mapping[str, Any], tensors: Mapping[str, GgufTensor], file: str) -> PhiConfig:
    def setting(key: str) -> Any:
        return settings.get(f"phi2.{key}")

    embedding = tensors.get("token_embd.weight")
    width, heads, rotary = (
        setting(key) for key in ("embedding_length", "attention.head_count", "rope.dimension_count")
    )
    for key, value in (
        ("embedding_length", width),
        ("attention.head_count", heads),
        ("rope.dimension_count", rotary),
    ):
        if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 2**20:
            raise damaged(file, f"phi2.{key} = {value!r:.40}")
    scaling = setting("rope.scaling.type")
    return config_from_json(
        {
            "model_type": "phi",
            "vocab_size": embedding.shape[0] if embedding else None,
            "hidden_size": width,
            "intermediate_size": setting("feed_forward_length"),
            "num_hidden_layers": setting("block_count"),
            "num_attention_heads": heads,
            "num_key_value_heads": setting("attention.head_count_kv"),
            "max_position_embeddings": setting("context_length"),
            "partial_rotary_factor": rotary_factor(rotary, width, heads),
            "rope_theta": setting("rope.freq_base") or 10000.0,
            "layer_norm_eps": setting("attention.layer_norm_epsilon"),
            "hidden_act": "gelu_new",
            "rope_scaling": None if scaling in (None, "none") else scaling,
        }
    )


def _about_this_file(error: ConfigError, file: str) -> SourceError:
    """The same complaint; the settings stand in the GGUF itself."""
    zh, en = (text.replace("config.json", file) for text in (error.message.zh, error.message.en))
    return SourceError(Bilingual(zh, en), error.hint, error.details)


def _tokenizer(settings: Mapping[str, Any], file: str) -> Tokenizer:
    model, cut = settings.get("tokenizer.ggml.model"), settings.get("tokenizer.ggml.pre", "")
    if model != "gpt2" or cut not in PRE_TOKENIZERS:
        raise SourceError(
            Bilingual(
                f"{file} 里的分词器是“{model} {cut}”，Phi 用的是 GPT-2 的那一种。",
                f"The tokenizer in {file} is “{model} {cut}”; Phi uses the one of GPT-2.",
            ),
            Bilingual("它大概属于另一个模型。", "It probably belongs to another model."),
        )
    tokens, merges = settings.get("tokenizer.ggml.tokens"), settings.get("tokenizer.ggml.merges")
    if not _texts(tokens) or not _texts(merges):
        raise damaged(file, "no tokens or merges")
    kinds = settings.get("tokenizer.ggml.token_type") or [NORMAL] * len(tokens)
    if not isinstance(kinds, list) or len(kinds) != len(tokens):
        raise damaged(file, "token types do not match the tokens")
    if len(set(tokens)) != len(tokens):
        raise damaged(file, "a token stands twice")
    normal, added, special = {}, {}, set()
    for place, (token, kind) in enumerate(zip(tokens, kinds, strict=True)):
        if kind == UNUSED or token == f"[PAD{place}]":  # only fills up the matrix
            continue
        if token == END_OF_TEXT or kind == CONTROL:
            special.add(token)
        if token in special or kind == USER_DEFINED or token.isspace():
            added[token] = place
        else:
            normal[token] = place
    return byte_level_bpe(normal, merges, added, special, file)


def _texts(values: object) -> TypeGuard[list[str]]:
    return isinstance(values, list) and bool(values) and isinstance(values[0], str)
