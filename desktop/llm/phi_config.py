"""``config.json`` of a Phi model: read with every number checked, and written.

The library that publishes these files has changed their layout: rotary settings stand at the top
in older files and in ``rope_parameters`` in newer ones; both are read. Its own defaults are those
of Phi-1, so what a file leaves out is refused rather than guessed. No torch needed to read one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from desktop.bilingual import Bilingual, GlassboxError

if TYPE_CHECKING:
    from desktop.llm.phi import PhiConfig

LIMITS = {
    "vocab_size": 2**20,
    "hidden_size": 2**15,
    "intermediate_size": 2**17,
    "num_hidden_layers": 256,
    "num_attention_heads": 512,
    "num_key_value_heads": 512,
    "max_position_embeddings": 2**20,
}
ACTIVATIONS = ("gelu_new", "gelu_pytorch_tanh")


class ConfigError(GlassboxError):
    """A ``config.json`` that is not one of a Phi model, or has impossible numbers."""


def config_from_json(values: Mapping[str, Any]) -> PhiConfig:
    """Check and read; raises ``ConfigError``."""
    from desktop.llm.phi import PhiConfig

    _check_kind(values)
    rotary = values.get("rope_parameters") or {}
    if not isinstance(rotary, Mapping):
        raise _wrong("rope_parameters", rotary)
    sizes = {name: _size(values, name) for name in LIMITS if name != "num_key_value_heads"}
    given = values.get("num_key_value_heads")
    grouped = values if given is not None else {"num_key_value_heads": sizes["num_attention_heads"]}
    sizes["num_key_value_heads"] = _size(grouped, "num_key_value_heads")
    config = PhiConfig(
        **sizes,
        partial_rotary_factor=_fraction({**values, **rotary}, "partial_rotary_factor", 0.0, 1.0),
        rope_theta=_fraction({**values, **rotary}, "rope_theta", 1.0, 1e9),
        layer_norm_eps=_fraction(values, "layer_norm_eps", 0.0, 1.0),
    )
    _check_together(config)
    return config


def config_to_json(config: PhiConfig, dtype: str, end_of_text: int | None) -> dict[str, Any]:
    """The file as the hub has it; rotary settings in both places, for readers of either age."""
    rotary = {
        "rope_theta": config.rope_theta,
        "partial_rotary_factor": config.partial_rotary_factor,
    }
    return {
        "architectures": ["PhiForCausalLM"],
        "model_type": "phi",
        **{name: getattr(config, name) for name in LIMITS},
        **rotary,
        "rope_parameters": {"rope_type": "default", **rotary},
        "layer_norm_eps": config.layer_norm_eps,
        "hidden_act": "gelu_new",
        "qk_layernorm": False,
        "tie_word_embeddings": False,
        "attention_dropout": 0.0,
        "embd_pdrop": 0.0,
        "resid_pdrop": 0.0,
        "bos_token_id": end_of_text,
        "eos_token_id": end_of_text,
        "torch_dtype": dtype,
    }


def _check_kind(values: Mapping[str, Any]) -> None:
    kind = values.get("model_type")
    if kind != "phi":
        raise ConfigError(
            Bilingual(
                f"config.json 描述的是“{kind}”模型，这里只读 Phi。",
                f"config.json describes a “{kind}” model; only Phi is read here.",
            ),
            Bilingual(
                "不同的架构不能互相代替，例如 GPT-2 的程序装不下 Phi-2 的权重。",
                "Architectures do not stand in for each other: a GPT-2 cannot hold Phi-2’s weights.",
            ),
        )
    if values.get("hidden_act") not in ACTIVATIONS:
        raise _wrong("hidden_act", values.get("hidden_act"))
    for name in ("qk_layernorm", "tie_word_embeddings"):
        if values.get(name):
            raise _wrong(name, values[name])
    rotary = values.get("rope_parameters") or {}
    scaling = values.get("rope_scaling")
    kind = rotary.get("rope_type", "default") if isinstance(rotary, Mapping) else "default"
    if scaling is not None or kind != "default":
        raise _wrong("rope_scaling", scaling or kind)


def _size(values: Mapping[str, Any], name: str) -> int:
    value = values.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= LIMITS[name]:
        raise _wrong(name, value, f"1 … {LIMITS[name]}")
    return value


def _fraction(values: Mapping[str, Any], name: str, above: float, up_to: float) -> float:
    value = values.get(name)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise _wrong(name, value, f"{above:g} … {up_to:g}")
    if not math.isfinite(value) or not above < value <= up_to:
        raise _wrong(name, value, f"{above:g} … {up_to:g}")
    return float(value)


def _check_together(config: PhiConfig) -> None:
    if config.hidden_size % config.num_attention_heads:
        raise _wrong("num_attention_heads", config.num_attention_heads, "divides hidden_size")
    if config.num_attention_heads % config.num_key_value_heads:
        raise _wrong(
            "num_key_value_heads", config.num_key_value_heads, "divides num_attention_heads"
        )
    if config.rotary_dim % 2 or config.rotary_dim == 0:
        raise _wrong("partial_rotary_factor", config.partial_rotary_factor, "an even rotary size")


def _wrong(name: str, value: object, expected: str = "") -> ConfigError:
    return ConfigError(
        Bilingual(
            f"config.json 里的 {name} = {value!r:.80} 无法使用。",
            f"config.json has {name} = {value!r:.80}, which cannot be used.",
        ),
        Bilingual(
            "文件可能损坏，或者是这里还不认识的 Phi 变体。",
            "The file may be damaged, or of a Phi variant that is not known here.",
        ),
        f"expected: {expected}" if expected else "",
    )
