"""What can be wrong with a model's files, said once for all of them. Imports no torch."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from desktop.bilingual import Bilingual, GlassboxError

FAMILIES = {
    "llama": "Llama",
    "mistral": "Mistral",
    "mixtral": "Mixtral",
    "qwen2": "Qwen2",
    "qwen3": "Qwen3",
    "gemma": "Gemma",
    "gemma2": "Gemma 2",
    "gemma3": "Gemma 3",
    "gpt2": "GPT-2",
    "gpt_neox": "GPT-NeoX",
    "gptneox": "GPT-NeoX",
    "gptj": "GPT-J",
    "phi3": "Phi-3",
    "phimoe": "Phi-3.5 MoE",
    "deepseek2": "DeepSeek",
    "deepseek_v2": "DeepSeek",
    "deepseek_v3": "DeepSeek",
    "falcon": "Falcon",
    "bloom": "BLOOM",
    "mpt": "MPT",
    "opt": "OPT",
    "bert": "BERT",
    "t5": "T5",
    "chatglm": "ChatGLM",
    "internlm2": "InternLM 2",
    "stablelm": "StableLM",
    "starcoder2": "StarCoder 2",
    "mamba": "Mamba",
}


class SourceError(GlassboxError):
    """A model that cannot be read, and why."""


def wrong_architecture(kind: object) -> SourceError:
    """Not a Phi: say which model it is."""
    raw = str(kind)[:60]
    name = FAMILIES.get(raw.lower(), raw)
    return SourceError(
        Bilingual(
            f"这是一个 {name} 模型，Glassbox 只能加载 Phi（Phi-1、Phi-1.5、Phi-2）。",
            f"This is a {name} model; Glassbox loads Phi (Phi-1, Phi-1.5, Phi-2).",
        ),
        Bilingual(
            "架构不同，权重不能通用。请选择一个 Phi-2 的文件。",
            "Weights of one architecture do not fit another. Choose a file of Phi-2.",
        ),
    )


def damaged(name: str, details: str) -> SourceError:
    """A file whose content cannot be what it claims."""
    return SourceError(
        Bilingual(f"{name} 已损坏或不完整。", f"{name} is damaged or incomplete."),
        Bilingual("请重新下载或复制这个文件。", "Download or copy the file again."),
        details,
    )


def truncated(name: str, has: int, needs: int) -> SourceError:
    """A file that ends before its content does."""
    return SourceError(
        Bilingual(
            f"{name} 不完整：应有 {needs:,} 字节，只有 {has:,} 字节。",
            f"{name} is incomplete: it should have {needs:,} bytes and has {has:,}.",
        ),
        Bilingual(
            "下载或复制大概中途断了，请重新来一次。",
            "A download or copy was probably interrupted; do it again.",
        ),
    )


def pickle_refused(name: str) -> SourceError:
    """Pickles are programs."""
    return SourceError(
        Bilingual(
            f"“{name}”是 pickle 文件，打开它可能会运行任意程序，所以这里不读。",
            f"“{name}” is a pickle: opening one can run any program, so it is not read here.",
        ),
        Bilingual(
            "请改用同一个模型的 safetensors 或 GGUF 文件。",
            "Use the same model as safetensors or GGUF.",
        ),
    )


def no_model_here(path: Path) -> SourceError:
    """Nothing at this place that could be a model."""
    return SourceError(
        Bilingual(f"“{path}”里没有找到模型。", f"There is no model at “{path}”."),
        Bilingual(
            "可以选择：放着 config.json 的文件夹、.safetensors 文件，或 .gguf 文件。",
            "Choose a folder with config.json in it, a .safetensors file or a .gguf file.",
        ),
    )


def missing_file(name: str, folder: Path) -> SourceError:
    """A file that belongs to the model is not there."""
    return SourceError(
        Bilingual(f"文件夹里缺少 {name}。", f"The folder has no {name}."),
        Bilingual(
            "下载或复制可能没有完成，请把缺的文件补上。",
            "A download or copy may be incomplete; add the missing file.",
        ),
        str(folder),
    )


def tensors_do_not_fit(name: str, missing: Collection[str], extra: Collection[str]) -> SourceError:
    """The file's tensors are not those that the config asks for."""
    first = sorted(missing or extra)[0]
    zh, en = ("缺少", "is missing") if missing else ("多出", "is not part of the model")
    return SourceError(
        Bilingual(
            f"{name} 与模型的配置对不上：{zh}张量 {first}。",
            f"{name} does not fit the model's config: tensor {first} {en}.",
        ),
        Bilingual(
            "文件可能混在了一起，或者不是同一个模型的。",
            "Files of different models may have been mixed.",
        ),
        f"missing: {sorted(missing)[:20]}\nextra: {sorted(extra)[:20]}",
    )


def wrong_shape(tensor: str, found: tuple[int, ...], wanted: tuple[int, ...]) -> SourceError:
    """A tensor whose shape is not what the config says."""
    return SourceError(
        Bilingual(
            f"张量 {tensor} 的形状是 {list(found)}，按模型的配置应为 {list(wanted)}。",
            f"Tensor {tensor} has shape {list(found)}; by the model's config it should be {list(wanted)}.",
        ),
        Bilingual(
            "文件可能混在了一起，或者不是同一个模型的。",
            "Files of different models may have been mixed.",
        ),
    )


def unreadable_format(tensor: str, found: str, readable: Collection[str]) -> SourceError:
    """A tensor in a number format that is not read here."""
    listed = ", ".join(readable)
    return SourceError(
        Bilingual(
            f"张量 {tensor} 的数字格式是 {found}，这里能读的是 {listed}。",
            f"Tensor {tensor} is in {found}; read here are {listed}.",
        ),
        Bilingual("请换一个量化方式的文件。", "Choose a file with another quantization."),
    )


def not_finite(tensor: str) -> SourceError:
    """NaN or infinity among the weights."""
    return SourceError(
        Bilingual(
            f"权重 {tensor} 里有 NaN 或无穷大。", f"The weights {tensor} hold NaN or infinity."
        ),
        Bilingual(
            "文件损坏了，或者这个模型训练时发散了。",
            "The file is damaged, or the model diverged in training.",
        ),
    )


def out_of_memory(needed: int) -> SourceError:
    """The system gave no more memory."""
    return SourceError(
        Bilingual(
            f"内存不够：这个模型不量化要 {needed / 1e9:.1f} GB。",
            f"Memory is full: this model takes {needed / 1e9:.1f} GB when it is not quantized.",
        ),
        Bilingual(
            "把它导入成 4 位的，或者先关掉别的程序。",
            "Import it with 4 bits, or close other programs first.",
        ),
    )


def vocabulary_does_not_fit(tokens: int, rows: int) -> SourceError:
    """More tokens than the model has rows for."""
    return SourceError(
        Bilingual(
            f"词表有 {tokens} 个词元，模型只有 {rows} 个。",
            f"The vocabulary has {tokens} tokens, the model only {rows}.",
        ),
        Bilingual(
            "词表和权重不属于同一个模型。", "Vocabulary and weights are of different models."
        ),
    )
