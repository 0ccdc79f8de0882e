"""The older layout of the published files, ``phi-msft``: other names, q, k and v in one tensor.

Microsoft's first Phi files came with their own code and naming: ``transformer.h.0.mixer.Wqkv`` holds
queries, keys and values one below the other, and ``config.json`` says ``n_embd`` for
``hidden_size``. The numbers are the same, so the files are read as they are. Imports no torch.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

ENDS = {
    "transformer.embd.wte.weight": "model.embed_tokens.weight",
    "lm_head.ln.weight": "model.final_layernorm.weight",
    "lm_head.ln.bias": "model.final_layernorm.bias",
    "lm_head.linear.weight": "lm_head.weight",
    "lm_head.linear.bias": "lm_head.bias",
}
PARTS = {
    "ln": "input_layernorm",
    "mixer.out_proj": "self_attn.dense",
    "mlp.fc1": "mlp.fc1",
    "mlp.fc2": "mlp.fc2",
}
IN_LAYER = re.compile(r"transformer\.h\.(\d+)\.(.+)\.(weight|bias)")


def is_older_layout(names: Mapping[str, Any]) -> bool:
    """Whether the tensors carry the older names."""
    return any(name.startswith(("transformer.h.", "transformer.embd.")) for name in names)


def is_older_config(values: Mapping[str, Any]) -> bool:
    """Whether ``config.json`` is one of the older kind."""
    return values.get("model_type") == "phi-msft" or (
        values.get("model_type") == "phi" and "n_embd" in values and "hidden_size" not in values
    )


def today(name: str) -> tuple[str, ...]:
    """Today's name of a tensor; three for the fused one, from top to bottom."""
    if name in ENDS:
        return (ENDS[name],)
    match = IN_LAYER.fullmatch(name)
    if match is None:
        return (name,)
    layer, part, kind = match.groups()
    prefix = f"model.layers.{layer}."
    if part == "mixer.Wqkv":
        return tuple(f"{prefix}self_attn.{which}_proj.{kind}" for which in "qkv")
    return (f"{prefix}{PARTS[part]}.{kind}",) if part in PARTS else (name,)


def config_today(values: Mapping[str, Any]) -> dict[str, Any]:
    """The same settings under today's names, for ``config_from_json``; what is missing stays so."""
    width, heads, rotary = values.get("n_embd"), values.get("n_head"), values.get("rotary_dim")
    factor = None
    if all(isinstance(value, int) and value > 0 for value in (width, heads, rotary)):
        factor = rotary_factor(int(rotary or 0), int(width or 0), int(heads or 0))
    inner = values.get("n_inner")
    if inner is None and isinstance(width, int):
        inner = 4 * width
    return {
        "model_type": "phi",
        "vocab_size": values.get("vocab_size"),
        "hidden_size": width,
        "intermediate_size": inner,
        "num_hidden_layers": values.get("n_layer"),
        "num_attention_heads": heads,
        "num_key_value_heads": values.get("n_head_kv"),
        "max_position_embeddings": values.get("n_positions"),
        "partial_rotary_factor": factor,
        "rope_theta": 10000.0,  # fixed in that code
        "layer_norm_eps": values.get("layer_norm_epsilon"),
        "hidden_act": values.get("activation_function"),
        "tie_word_embeddings": values.get("tie_word_embeddings", False),
    }


def rotary_factor(rotary: int, width: int, heads: int) -> float:
    """The fraction of a head that is rotated, such that rounding down gives ``rotary`` again."""
    size = max(1, width // heads)
    factor = rotary / size
    return factor if int(size * factor) == rotary else (rotary + 0.5) / size
