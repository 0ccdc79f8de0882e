"""``manifest.json``: what Glassbox writes about a model that it converted.

It is written last, so a folder with one is whole. It says from which files the model was made (with
their checksums), with which settings, how each tensor is stored and how far it is from the original,
and the checksums of the files beside it. Imports no torch.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from desktop.bilingual import Bilingual
from desktop.llm.model_folder import read_json
from desktop.llm.sources.errors import SourceError, damaged

MANIFEST = "manifest.json"
FORMAT, FORMAT_VERSION = "glassbox-model", 1
QUANTIZED, PLAIN = "quantized.safetensors", "model.safetensors"
"""The weights' file: ours when something is quantized, the hub's when nothing is."""

Form = Literal["int4", "int8", "plain"]
BITS: Mapping[str, int] = {"int4": 4, "int8": 8}
DTYPE_BYTES = {"F32": 4, "F16": 2, "BF16": 2, "U8": 1}
GROUPS = (256, 128, 64, 32, 16)


@dataclass(frozen=True)
class FileRecord:
    """A file with its size and SHA-256."""

    name: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class TensorRecord:
    """How one tensor is stored; ``relative_error`` is ‖W − Ŵ‖ / ‖W‖, ``dtype`` that of plain ones."""

    form: Form
    shape: tuple[int, ...]
    dtype: str = "BF16"
    group: int = 0
    relative_error: float = 0.0
    largest_error: float = 0.0

    @property
    def parts(self) -> dict[str, tuple[str, tuple[int, ...]]]:
        """The safetensors entries this takes: suffix of the name → number format and shape."""
        if self.form == "plain":
            return {"": (self.dtype, self.shape)}
        rows, columns = self.shape
        groups = (rows, columns // self.group)
        return {
            ".codes": ("U8", (rows, columns * BITS[self.form] // 8)),
            ".scales": ("BF16", groups),
            ".offsets": ("BF16", groups),
        }

    @property
    def nbytes(self) -> int:
        """Bytes on disk."""
        return sum(entry_bytes(dtype, shape) for dtype, shape in self.parts.values())


@dataclass(frozen=True)
class Manifest:
    """The whole record. ``error`` is the relative error of all quantized weights together."""

    name: str
    glassbox: str
    created: str
    source_kind: str
    source_name: str
    source_files: tuple[FileRecord, ...]
    settings: Mapping[str, Any]
    tensors: Mapping[str, TensorRecord]
    files: tuple[FileRecord, ...]
    error: float = 0.0
    notes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def weights_file(self) -> str:
        """Which file holds the weights."""
        plain = all(record.form == "plain" for record in self.tensors.values())
        return PLAIN if plain else QUANTIZED

    @property
    def nbytes(self) -> int:
        """Bytes of all tensors as stored."""
        return sum(record.nbytes for record in self.tensors.values())


def entry_bytes(dtype: str, shape: tuple[int, ...]) -> int:
    """Bytes of a tensor."""
    count = DTYPE_BYTES[dtype]
    for length in shape:
        count *= length
    return count


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write ``manifest.json``."""
    values = {"format": FORMAT, "format_version": FORMAT_VERSION, **asdict(manifest)}
    text = json.dumps(values, ensure_ascii=False, indent=1, sort_keys=False)
    (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")


def read_manifest(folder: Path) -> Manifest:
    """Read and check ``manifest.json``; raises ``SourceError``."""
    values = read_json(folder / MANIFEST)
    if values.get("format") != FORMAT:
        raise damaged(MANIFEST, f"format {values.get('format')!r:.40}")
    version = values.get("format_version")
    if version != FORMAT_VERSION:
        raise SourceError(
            Bilingual(
                f"这个模型是用另一个版本的 Glassbox 转换的（格式 {version!r:.20}）。",
                f"This model was converted by another version of Glassbox (format {version!r:.20}).",
            ),
            Bilingual("请从原来的文件重新导入。", "Import it again from its original files."),
        )
    try:
        return _manifest(values)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise damaged(MANIFEST, f"{type(error).__name__}: {error}") from error


def _manifest(values: Mapping[str, Any]) -> Manifest:
    return Manifest(
        name=_text(values["name"]),
        glassbox=_text(values["glassbox"]),
        created=_text(values["created"]),
        source_kind=_text(values["source_kind"]),
        source_name=_text(values["source_name"]),
        source_files=tuple(_file(value) for value in values["source_files"]),
        settings=dict(values["settings"]),
        tensors={name: _tensor(value) for name, value in values["tensors"].items()},
        files=tuple(_file(value, plain=True) for value in values["files"]),
        error=float(values["error"]),
        notes=dict(values["notes"]),
    )


def _file(value: Mapping[str, Any], plain: bool = False) -> FileRecord:
    name, size, digest = _text(value["name"]), value["bytes"], _text(value["sha256"])
    if plain and (Path(name).name != name or "\\" in name or name.startswith(".")):
        raise ValueError(f"file name {name!r:.80}")
    if not _whole(size) or not re.fullmatch("[0-9a-f]{64}", digest):
        raise ValueError(f"file {name!r:.80}")
    return FileRecord(name, size, digest)


def _tensor(value: Mapping[str, Any]) -> TensorRecord:
    form, shape, group = value["form"], value["shape"], value["group"]
    if not isinstance(shape, list) or not all(_whole(length) and length for length in shape):
        raise ValueError(f"shape {shape!r:.80}")
    if form not in ("plain", *BITS) or value["dtype"] not in DTYPE_BYTES:
        raise ValueError(f"form {form!r:.40}")
    if form in BITS and (
        len(shape) != 2 or not _whole(group) or group not in GROUPS or shape[1] % group
    ):
        raise ValueError(f"group {group!r:.40} for shape {shape}")
    return TensorRecord(
        form,
        tuple(shape),
        value["dtype"],
        group,
        float(value["relative_error"]),
        float(value["largest_error"]),
    )


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**48


def _text(value: object) -> str:
    if not isinstance(value, str) or len(value) > 10_000:
        raise TypeError(f"text expected, not {value!r:.80}")
    return value
