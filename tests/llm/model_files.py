"""Small random Phi models, written as the world writes them: by transformers and by gguf."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import torch
from gguf import GGMLQuantizationType as Kind
from safetensors.torch import save_file
from torch import Tensor
from transformers import PhiConfig as TheirConfig
from transformers import PhiForCausalLM
from transformers.utils import logging

from desktop.llm.tokenizer import byte_alphabet

logging.disable_progress_bar()  # its thread would outlive the test
WIDTH, INNER, LAYERS, HEADS, ROTARY, POSITIONS, VOCAB = 256, 512, 2, 4, 32, 64, 320
MERGES = ["t h", "th e", "Ġ the", "i n", "Ġ a", "o n", "e r", "Ġ c", "a t", "Ġc at"]
TEXT = "the cat in the hat\n    then    \t\tonce more 猫 <|endoftext|>"


def vocabulary() -> tuple[dict[str, int], dict[str, int]]:
    """Tokens of a small byte-level BPE, and CodeGen's kind of white-space tokens behind it."""
    names = [*sorted(byte_alphabet()), *(merge.replace(" ", "") for merge in MERGES)]
    names.append("<|endoftext|>")
    plain = {name: place for place, name in enumerate(names)}
    blanks = [" " * count for count in range(8, 1, -1)] + ["\t" * count for count in (4, 3, 2)]
    return plain, {blank: len(plain) + place for place, blank in enumerate(blanks)}


def tokenizer_json() -> str:
    """As CodeGen's tokenizer.json has it, by hand."""
    plain, blanks = vocabulary()

    def added(content: str, place: int, special: bool) -> dict[str, Any]:
        flags = {"single_word": False, "lstrip": False, "rstrip": False}
        return {
            "id": place,
            "content": content,
            **flags,
            "normalized": not special,
            "special": special,
        }

    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True}
    return json.dumps(
        {
            "version": "1.0",
            "truncation": None,
            "padding": None,
            "added_tokens": [
                added("<|endoftext|>", plain["<|endoftext|>"], True),
                *(added(text, place, False) for text, place in blanks.items()),
            ],
            "normalizer": None,
            "pre_tokenizer": byte_level,
            "post_processor": byte_level,
            "decoder": byte_level,
            "model": {
                "type": "BPE",
                "dropout": None,
                "unk_token": None,
                "continuing_subword_prefix": "",
                "end_of_word_suffix": "",
                "fuse_unk": False,
                "vocab": plain,
                "merges": MERGES,
            },
        }
    )


def their_config(**changes: Any) -> TheirConfig:
    return TheirConfig(
        **{
            "vocab_size": VOCAB,
            "hidden_size": WIDTH,
            "intermediate_size": INNER,
            "num_hidden_layers": LAYERS,
            "num_attention_heads": HEADS,
            "num_key_value_heads": HEADS,
            "max_position_embeddings": POSITIONS,
            "partial_rotary_factor": ROTARY / (WIDTH // HEADS),
            "hidden_act": "gelu_new",
            **changes,
        }
    )


def their_model(weights: Mapping[str, Tensor] | None = None, **changes: Any) -> PhiForCausalLM:
    """Random weights unless given; biases and norms random too, so that a mix-up shows."""
    torch.manual_seed(0)
    model = PhiForCausalLM._from_config(their_config(**changes), attn_implementation="eager")
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if weights is not None:
                parameter.copy_(weights[name])
            elif parameter.dim() == 1:
                parameter.normal_(float("layernorm.weight" in name), 0.1)
            else:
                parameter.normal_(0, 0.05)
    return model.eval()


@torch.no_grad()
def their_logits(model: PhiForCausalLM) -> Tensor:
    return model(IDS).logits


IDS = torch.tensor([[5, 262, 17, 300, 42, 9, 9, 281, 120, 64, 2]])


def write_hub_folder(folder: Path, model: PhiForCausalLM, shards: bool = True) -> Path:
    """As on the hub: shards with an index, and the tokenizer."""
    model.save_pretrained(folder, max_shard_size="700KB" if shards else "1GB")
    (folder / "tokenizer.json").write_text(tokenizer_json(), encoding="utf-8")
    return folder


def write_older_folder(folder: Path, model: PhiForCausalLM) -> Path:
    """The phi-msft layout of the same weights."""
    weights = {name: value.detach() for name, value in model.state_dict().items()}
    older = {
        "transformer.embd.wte.weight": weights["model.embed_tokens.weight"],
        "lm_head.linear.weight": weights["lm_head.weight"],
        "lm_head.linear.bias": weights["lm_head.bias"],
    }
    for kind in ("weight", "bias"):
        older[f"lm_head.ln.{kind}"] = weights[f"model.final_layernorm.{kind}"]
        for layer in range(LAYERS):
            here, there = f"model.layers.{layer}.", f"transformer.h.{layer}."
            older[f"{there}ln.{kind}"] = weights[f"{here}input_layernorm.{kind}"]
            older[f"{there}mixer.Wqkv.{kind}"] = torch.cat(
                [weights[f"{here}self_attn.{which}_proj.{kind}"] for which in "qkv"]
            )
            older[f"{there}mixer.out_proj.{kind}"] = weights[f"{here}self_attn.dense.{kind}"]
            for part in ("mlp.fc1", "mlp.fc2"):
                older[f"{there}{part}.{kind}"] = weights[f"{here}{part}.{kind}"]
    folder.mkdir()
    save_file(
        {name: value.contiguous() for name, value in older.items()}, folder / "model.safetensors"
    )
    config = {
        "model_type": "phi-msft",
        "architectures": ["PhiForCausalLM"],
        "vocab_size": VOCAB,
        "n_embd": WIDTH,
        "n_head": HEADS,
        "n_head_kv": None,
        "n_inner": None if INNER == 4 * WIDTH else INNER,
        "n_layer": LAYERS,
        "n_positions": POSITIONS,
        "rotary_dim": ROTARY,
        "activation_function": "gelu_new",
        "layer_norm_epsilon": 1e-5,
        "tie_word_embeddings": False,
    }
    (folder / "config.json").write_text(json.dumps(config))
    plain, blanks = vocabulary()
    (folder / "vocab.json").write_text(json.dumps(plain), encoding="utf-8")
    (folder / "merges.txt").write_text(
        "#version: 0.2\n" + "\n".join(MERGES) + "\n", encoding="utf-8"
    )
    (folder / "added_tokens.json").write_text(json.dumps(blanks))
    return folder


# ------------------------------------------------------------------------------------------------
# GGUF


def write_gguf(
    path: Path,
    weights: Mapping[str, Tensor],
    kind: Kind = Kind.F16,
    *,
    fused: bool = True,
    head_kind: Kind | None = None,
    architecture: str = "phi2",
    tokenizer: str = "gpt2",
    old_tokens: bool = False,
    norm_eps: float = 1e-5,
    rng: np.random.Generator | None = None,
) -> dict[str, Tensor]:
    """A GGUF as llama.cpp's converter makes it; returns the weights that it really holds."""
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_name("random")
    writer.add_context_length(POSITIONS)
    writer.add_embedding_length(WIDTH)
    writer.add_feed_forward_length(INNER)
    writer.add_block_count(LAYERS)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_layer_norm_eps(norm_eps)
    writer.add_rope_dimension_count(ROTARY)
    writer.add_add_bos_token(False)
    _add_tokenizer(writer, tokenizer, old_tokens)
    held = _Blocks(rng or np.random.default_rng(0))
    exact = {
        name: held.add(writer, name, value, kind, head_kind)
        for name, value in _gguf_tensors(weights, fused)
    }
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return _hub_names(exact)


def _add_tokenizer(writer: gguf.GGUFWriter, model: str, old: bool) -> None:
    """``old``: as converters wrote it in 2023, with other types and no way of cutting words."""
    plain, blanks = vocabulary()
    tokens = [*plain, *blanks]
    types = [gguf.TokenType.NORMAL] * (len(plain) - 1) + [gguf.TokenType.CONTROL]
    types += [gguf.TokenType.NORMAL if old else gguf.TokenType.USER_DEFINED] * len(blanks)
    while len(tokens) < VOCAB:
        tokens.append(f"[PAD{len(tokens)}]")
        types.append(gguf.TokenType.USER_DEFINED if old else gguf.TokenType.UNUSED)
    writer.add_tokenizer_model(model)
    if not old:
        writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    writer.add_token_merges(MERGES)
    writer.add_eos_token_id(plain["<|endoftext|>"])


def _gguf_tensors(weights: Mapping[str, Tensor], fused: bool) -> list[tuple[str, Tensor]]:
    found = [("token_embd.weight", weights["model.embed_tokens.weight"])]
    for kind in ("weight", "bias"):
        found.append((f"output_norm.{kind}", weights[f"model.final_layernorm.{kind}"]))
        found.append((f"output.{kind}", weights[f"lm_head.{kind}"]))
        for layer in range(LAYERS):
            here, there = f"model.layers.{layer}.", f"blk.{layer}."
            parts = [weights[f"{here}self_attn.{which}_proj.{kind}"] for which in "qkv"]
            if fused:
                found.append((f"{there}attn_qkv.{kind}", torch.cat(parts)))
            else:
                found += [
                    (f"{there}attn_{which}.{kind}", part)
                    for which, part in zip("qkv", parts, strict=True)
                ]
            found.append((f"{there}attn_norm.{kind}", weights[f"{here}input_layernorm.{kind}"]))
            found.append((f"{there}attn_output.{kind}", weights[f"{here}self_attn.dense.{kind}"]))
            found.append((f"{there}ffn_up.{kind}", weights[f"{here}mlp.fc1.{kind}"]))
            found.append((f"{there}ffn_down.{kind}", weights[f"{here}mlp.fc2.{kind}"]))
    return found


def _hub_names(held: Mapping[str, Tensor]) -> dict[str, Tensor]:
    names = {
        "token_embd": "model.embed_tokens",
        "output_norm": "model.final_layernorm",
        "output": "lm_head",
    }
    parts = {
        "attn_norm": "input_layernorm",
        "attn_output": "self_attn.dense",
        "ffn_up": "mlp.fc1",
        "ffn_down": "mlp.fc2",
        **{f"attn_{which}": f"self_attn.{which}_proj" for which in "qkv"},
    }
    result = {}
    for name, value in held.items():
        stem, kind = name.rsplit(".", 1)
        if stem in names:
            result[f"{names[stem]}.{kind}"] = value
            continue
        _, layer, part = stem.split(".")
        if part == "attn_qkv":
            for which, third in zip("qkv", value.chunk(3), strict=True):
                result[f"model.layers.{layer}.self_attn.{which}_proj.{kind}"] = third
        else:
            result[f"model.layers.{layer}.{parts[part]}.{kind}"] = value
    return result


class _Blocks:
    """Encodes tensors. ``gguf`` cannot make K-quants: for these, random blocks are drawn and what
    they stand for is worked out from the format's definition, one weight at a time."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng

    def add(
        self, writer: gguf.GGUFWriter, name: str, value: Tensor, kind: Kind, head_kind: Kind | None
    ) -> Tensor:
        array = value.detach().float().numpy()
        if value.dim() == 1:
            writer.add_tensor(name, array)
            return value.detach().float()
        if name == "output.weight" and head_kind is not None:
            kind = head_kind
        if kind in (Kind.Q4_K, Kind.Q6_K):
            make = self._q4_k if kind == Kind.Q4_K else self._q6_k
            drawn = [make() for _ in range(50)]
            made = [drawn[place] for place in self.rng.integers(0, 50, array.size // 256)]
            data = np.frombuffer(b"".join(raw for raw, _ in made), np.uint8)
            writer.add_tensor(name, data.reshape(len(array), -1), raw_dtype=kind)
            return torch.tensor(np.concatenate([numbers for _, numbers in made])).reshape(
                value.shape
            )
        if kind in (Kind.F16, Kind.F32):
            array = array.astype(np.float16 if kind == Kind.F16 else np.float32)
            writer.add_tensor(name, array)
            return torch.from_numpy(array.astype(np.float32))
        data = gguf.quants.quantize(array, kind)
        writer.add_tensor(name, data, raw_dtype=kind)
        return torch.from_numpy(gguf.quants.dequantize(data, kind))

    def _q4_k(self) -> tuple[bytes, np.ndarray]:
        d, least = (np.float16(self.rng.uniform(1e-4, 3e-4)) for _ in range(2))
        packed, codes = self.rng.integers(0, 256, 12), self.rng.integers(0, 256, 128)
        values = np.empty(256, np.float32)
        for chunk in range(4):
            for half in range(2):
                part = 2 * chunk + half
                if part < 4:
                    scale, lowest = packed[part] & 63, packed[part + 4] & 63
                else:
                    scale = (packed[part + 4] & 15) | ((packed[part - 4] >> 6) << 4)
                    lowest = (packed[part + 4] >> 4) | ((packed[part] >> 6) << 4)
                for place in range(32):
                    code = (codes[32 * chunk + place] >> (4 * half)) & 15
                    values[32 * part + place] = (
                        np.float32(d) * scale * code - np.float32(least) * lowest
                    )
        raw = d.tobytes() + least.tobytes() + packed.astype(np.uint8).tobytes()
        return raw + codes.astype(np.uint8).tobytes(), values

    def _q6_k(self) -> tuple[bytes, np.ndarray]:
        low, high = self.rng.integers(0, 256, 128), self.rng.integers(0, 256, 64)
        scales = self.rng.integers(-128, 128, 16)
        d = np.float16(self.rng.uniform(1e-5, 3e-5))
        values = np.empty(256, np.float32)
        for half in range(2):
            ql, qh, sc = low[64 * half :], high[32 * half :], scales[8 * half :]
            for place in range(32):
                for quarter in range(4):
                    nibble = (ql[place + 32 * (quarter % 2)] >> (4 * (quarter // 2))) & 15
                    code = (nibble | (((qh[place] >> (2 * quarter)) & 3) << 4)) - 32
                    scale = sc[place // 16 + 2 * quarter]
                    values[128 * half + 32 * quarter + place] = np.float32(d) * scale * code
        raw = low.astype(np.uint8).tobytes() + high.astype(np.uint8).tobytes()
        return raw + scales.astype(np.int8).tobytes() + d.tobytes(), values
