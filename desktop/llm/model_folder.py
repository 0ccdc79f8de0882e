"""A model as a folder: ``config.json``, ``model.safetensors``, ``tokenizer.json``, as on the hub.

Saved beside the target and renamed, so a model is there entirely or not at all. Everything is
checked on load, and before any weight takes memory: the config's numbers, the names and shapes of
all tensors against it, the vocabulary. Pickles are refused: opening one can run a program.
Imports torch and safetensors, no Qt.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from desktop.bilingual import Bilingual, GlassboxError
from desktop.llm.empty import empty_phi
from desktop.llm.phi import Phi, PhiConfig
from desktop.llm.phi_config import ConfigError, config_from_json, config_to_json
from desktop.llm.tokenizer import Tokenizer

CONFIG, WEIGHTS, VOCABULARY, NOTES = (
    "config.json",
    "model.safetensors",
    "tokenizer.json",
    "glassbox.json",
)
PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle")
LARGEST_JSON = 64 * 2**20
DTYPES = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}


class ModelFolderError(GlassboxError):
    """A model folder that cannot be written or read, and why."""


@dataclass(frozen=True)
class LoadedModel:
    """What a model folder holds. ``notes`` is what we wrote about it, such as how it was trained."""

    model: Phi
    tokenizer: Tokenizer
    notes: Mapping[str, Any] = field(default_factory=dict)


# ------------------------------------------------------------------------------------------------
# Writing


def save(
    folder: Path, model: Phi, tokenizer: Tokenizer, notes: Mapping[str, Any] | None = None
) -> None:
    """Write the model to ``folder``. An older model there is replaced; any other folder that is not
    empty is left alone and refused."""
    folder = folder.expanduser().resolve()
    _check_target(folder)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    except OSError as error:
        raise _cannot_write(folder, error) from error
    try:
        _write(beside, model, tokenizer, notes or {})
        _swap(beside, folder)
    except (OSError, SafetensorError) as error:
        raise _cannot_write(folder, error) from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _check_target(folder: Path) -> None:
    if folder.is_file():
        raise ModelFolderError(
            Bilingual(f"“{folder.name}”是一个文件，不是文件夹。", f"“{folder.name}” is a file."),
            Bilingual("换一个名字。", "Choose another name."),
        )
    if folder.is_dir() and any(folder.iterdir()) and not (folder / CONFIG).is_file():
        raise ModelFolderError(
            Bilingual(
                f"文件夹“{folder.name}”里有别的东西，没有动它。",
                f"The folder “{folder.name}” holds other things and was left alone.",
            ),
            Bilingual("选一个空文件夹或新名字。", "Choose an empty folder or a new name."),
        )


def _write(folder: Path, model: Phi, tokenizer: Tokenizer, notes: Mapping[str, Any]) -> None:
    tensors = {name: weights.detach().contiguous() for name, weights in model.state_dict().items()}
    save_file(tensors, folder / WEIGHTS, metadata={"format": "pt"})
    dtype = str(next(iter(tensors.values())).dtype).removeprefix("torch.")
    config = config_to_json(model.config, dtype, tokenizer.end_of_text)
    _write_json(folder / CONFIG, config)
    (folder / VOCABULARY).write_text(tokenizer.to_json(), encoding="utf-8")
    _write_json(folder / NOTES, notes)
    for path in folder.iterdir():
        with path.open("rb") as file:
            os.fsync(file.fileno())


def _write_json(path: Path, values: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(values, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def _swap(new: Path, folder: Path) -> None:
    """Rename ``new`` to ``folder``; what was there goes aside first and comes back on failure."""
    if not folder.exists():
        new.rename(folder)
        return
    aside = new.with_name(new.name + "-old")
    folder.rename(aside)
    try:
        new.rename(folder)
    except OSError:
        aside.rename(folder)
        raise
    shutil.rmtree(aside, ignore_errors=True)


def _cannot_write(folder: Path, error: Exception) -> ModelFolderError:
    return ModelFolderError(
        Bilingual(f"模型没能保存到“{folder}”。", f"The model could not be saved to “{folder}”."),
        Bilingual(
            "看看磁盘是否已满，这个位置是否允许写入。",
            "Check that the disk is not full and that the place may be written to.",
        ),
        str(error),
    )


# ------------------------------------------------------------------------------------------------
# Reading


def load(folder: Path) -> LoadedModel:
    """Read a model folder; raises ``ModelFolderError`` naming the file and what is wrong with it."""
    folder = folder.expanduser()
    _check_folder(folder)
    try:
        config = config_from_json(read_json(folder / CONFIG))
    except ConfigError as error:
        raise ModelFolderError(error.message, error.hint, error.details) from error
    tokenizer = _load_tokenizer(folder / VOCABULARY, config)
    model = _load_weights(folder / WEIGHTS, config)
    notes = read_json(folder / NOTES) if (folder / NOTES).is_file() else {}
    return LoadedModel(model, tokenizer, notes)


def _check_folder(folder: Path) -> None:
    if not folder.is_dir():
        raise ModelFolderError(
            Bilingual(f"没有文件夹“{folder}”。", f"There is no folder “{folder}”."),
            Bilingual(
                "请选择放着 config.json 的文件夹。", "Choose the folder with config.json in it."
            ),
        )
    pickles = sorted(path.name for path in folder.iterdir() if path.suffix.lower() in PICKLES)
    if pickles and not (folder / WEIGHTS).is_file():
        raise ModelFolderError(
            Bilingual(
                f"“{pickles[0]}”是 pickle 文件，打开它可能会运行任意程序，所以这里不读。",
                f"“{pickles[0]}” is a pickle: opening one can run any program, so it is not read here.",
            ),
            Bilingual(
                "请使用 safetensors 格式的权重（model.safetensors）。",
                "Use the weights as safetensors (model.safetensors).",
            ),
        )
    for name in (CONFIG, WEIGHTS, VOCABULARY):
        if not (folder / name).is_file():
            raise ModelFolderError(
                Bilingual(f"文件夹里缺少 {name}。", f"The folder has no {name}."),
                Bilingual(
                    "下载或复制可能没有完成，请重新取一次。",
                    "A download or a copy may be incomplete; fetch it again.",
                ),
                str(folder),
            )


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a file of sensible size; raises ``ModelFolderError``."""
    try:
        values = json.loads(_read_text(path))
    except (ValueError, RecursionError) as error:
        raise _damaged(path, str(error)) from error
    if not isinstance(values, dict):
        raise _damaged(path, "not a JSON object")
    return values


def _read_text(path: Path) -> str:
    try:
        if path.stat().st_size > LARGEST_JSON:
            raise _damaged(path, f"{path.stat().st_size} bytes")
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ModelFolderError(
            Bilingual(f"读不了 {path.name}。", f"{path.name} cannot be read."), details=str(error)
        ) from error
    except UnicodeDecodeError as error:
        raise _damaged(path, str(error)) from error


def _load_tokenizer(path: Path, config: PhiConfig) -> Tokenizer:
    tokenizer = Tokenizer.from_json(_read_text(path))
    if tokenizer.size > config.vocab_size:
        raise ModelFolderError(
            Bilingual(
                f"tokenizer.json 有 {tokenizer.size} 个词元，模型只有 {config.vocab_size} 个。",
                f"tokenizer.json has {tokenizer.size} tokens, the model only {config.vocab_size}.",
            ),
            Bilingual(
                "这两个文件不属于同一个模型。", "The two files do not belong to the same model."
            ),
        )
    return tokenizer


def _load_weights(path: Path, config: PhiConfig) -> Phi:
    model = empty_phi(config)  # names and shapes without memory
    wanted = {name: tuple(weights.shape) for name, weights in model.state_dict().items()}
    try:
        with safe_open(path, framework="pt") as file:
            _check_tensors(path, file, wanted)
            tensors = {name: file.get_tensor(name) for name in wanted}
    except (SafetensorError, OSError, ValueError) as error:
        raise _damaged(path, str(error)) from error
    for name, weights in tensors.items():
        if not bool(torch.isfinite(weights).all()):
            raise ModelFolderError(
                Bilingual(
                    f"权重 {name} 里有 NaN 或无穷大。", f"The weights {name} hold NaN or infinity."
                ),
                Bilingual(
                    "这个模型训练时发散了，用更小的学习率重新训练。",
                    "The model diverged in training; train it again with a smaller learning rate.",
                ),
            )
    model.load_state_dict(tensors, strict=True, assign=True)
    return model.eval()


def _check_tensors(path: Path, file: Any, wanted: Mapping[str, tuple[int, ...]]) -> None:
    """Names, shapes and number format of all tensors, from the header alone."""
    found = set(file.keys())
    if any("Wqkv" in name or "transformer.h." in name for name in found):
        raise ModelFolderError(
            Bilingual(
                f"{path.name} 用的是旧的命名（phi-msft，q、k、v 合在一起）。",
                f"{path.name} uses the older names (phi-msft, with q, k and v fused).",
            ),
            Bilingual(
                "请使用新版本的文件，张量名以 model.layers 开头。",
                "Use the newer files, whose tensor names begin with model.layers.",
            ),
        )
    missing, extra = sorted(set(wanted) - found), sorted(found - set(wanted))
    if missing or extra:
        name = (missing or extra)[0]
        raise ModelFolderError(
            Bilingual(
                f"{path.name} 与 config.json 对不上：{'缺少' if missing else '多出'}张量 {name}。",
                f"{path.name} does not fit config.json: tensor {name} is {'missing' if missing else 'not part of the model'}.",
            ),
            details=f"missing: {missing[:20]}\nextra: {extra[:20]}",
        )
    for name, shape in wanted.items():
        part = file.get_slice(name)
        if tuple(part.get_shape()) != shape:
            raise ModelFolderError(
                Bilingual(
                    f"张量 {name} 的形状是 {part.get_shape()}，按 config.json 应为 {list(shape)}。",
                    f"Tensor {name} has shape {part.get_shape()}; by config.json it should be {list(shape)}.",
                )
            )
        if part.get_dtype() not in DTYPES:
            raise ModelFolderError(
                Bilingual(
                    f"张量 {name} 的数字格式是 {part.get_dtype()}，这里读 {'、'.join(DTYPES)}。",
                    f"Tensor {name} is in {part.get_dtype()}; read here are {', '.join(DTYPES)}.",
                )
            )


def _damaged(path: Path, details: str) -> ModelFolderError:
    return ModelFolderError(
        Bilingual(f"{path.name} 已损坏或不完整。", f"{path.name} is damaged or incomplete."),
        Bilingual("请重新下载或重新保存。", "Download it or save it again."),
        details,
    )
