"""From any source to a model of our own: quantized, streamed, whole or not there at all.

``convert`` is a generator, so that whoever runs it can show progress and stop: closing it removes
what was written so far. At any time only a few million weights are in memory. The result is
a folder with ``config.json``, ``tokenizer.json``, one safetensors file and, written last,
``manifest.json``; with nothing quantized, it is a folder as on the hub. Imports torch; no Qt.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from desktop import __version__
from desktop.bilingual import Bilingual
from desktop.llm.beside import check_space, hash_file, writing
from desktop.llm.manifest import (
    BITS,
    GROUPS,
    FileRecord,
    Form,
    Manifest,
    TensorRecord,
    write_manifest,
)
from desktop.llm.memory import MemoryFullError, is_out_of_memory
from desktop.llm.native_fit import Fitted, fit
from desktop.llm.phi_config import config_to_json
from desktop.llm.quantize import Fit
from desktop.llm.safetensors_writer import SafetensorsWriter
from desktop.llm.sources.errors import not_finite
from desktop.llm.sources.source import TensorInfo, WeightSource

FORMS: dict[int, Form] = {4: "int4", 8: "int8", 16: "plain"}
EMBEDDING, HEAD = "model.embed_tokens.weight", "lm_head.weight"
OTHER_FILES = 8 * 2**20
"""Bytes that config, tokenizer and manifest take at most."""
CHECK, CONVERT, FINISH = 0.05, 0.90, 0.05
"""Shares of the whole that the three stages take, for the progress."""

Stage = Literal["check", "convert", "finish", "done"]
STAGES: dict[Stage, Bilingual] = {
    "check": Bilingual("检查原文件", "Checking the original files"),
    "convert": Bilingual("转换权重", "Converting the weights"),
    "finish": Bilingual("核对结果", "Checking the result"),
    "done": Bilingual("完成", "Done"),
}


@dataclass(frozen=True)
class ConversionSettings:
    """How a model is stored.

    ``bits``: 4, 8, or 16 for no quantization. ``head_bits`` (``None``: as the rest) for the last
    matrix, ``embedding_bits`` (8 or 16) for the first. ``group``: columns that share a scale.
    """

    bits: int = 4
    group: int = 64
    head_bits: int | None = None
    embedding_bits: int = 16
    fit: Fit = "mse"

    def __post_init__(self) -> None:
        head = self.bits if self.head_bits is None else self.head_bits
        if self.bits not in FORMS or head not in FORMS or self.embedding_bits not in (8, 16):
            raise ValueError(f"bits {self.bits}, head {head}, embedding {self.embedding_bits}")
        if self.group not in GROUPS or self.fit not in ("minmax", "mse"):
            raise ValueError(f"group {self.group}, fit {self.fit}")

    def form(self, name: str) -> Form:
        """How this tensor is to be stored, if its shape allows."""
        if name == EMBEDDING:
            return FORMS[self.embedding_bits]
        if name == HEAD and self.head_bits is not None:
            return FORMS[self.head_bits]
        return FORMS[self.bits]


@dataclass(frozen=True)
class Progress:
    """How far something long has come. ``record`` is set when tensor ``tensor`` is finished."""

    stage: Stage
    fraction: float
    tensor: str = ""
    record: TensorRecord | None = None

    @property
    def what(self) -> Bilingual:
        """What is being done, in words."""
        return STAGES[self.stage]


def plan(source: WeightSource, settings: ConversionSettings) -> dict[str, TensorRecord]:
    """How each tensor will be stored; the errors are not known yet. Reads no weights."""
    return {name: _planned(info, settings) for name, info in source.tensors.items()}


def _planned(info: TensorInfo, settings: ConversionSettings) -> TensorRecord:
    form = settings.form(info.name)
    if form != "plain" and len(info.shape) == 2:
        fitting = [g for g in GROUPS if g <= settings.group and info.shape[1] % g == 0]
        if fitting:
            return TensorRecord(form, info.shape, group=fitting[0])
    dtype = info.dtype if info.dtype in ("F32", "F16", "BF16") else "BF16"
    return TensorRecord("plain", info.shape, dtype)


def convert(
    source: WeightSource,
    target: Path,
    settings: ConversionSettings | None = None,
) -> Iterator[Progress]:
    """Write the source's model to the folder ``target``; replaces a folder that is there.

    Raises ``GlassboxError``: something wrong with the source, no space, disk or memory full.
    """
    try:
        yield from _convert(source, target, settings or ConversionSettings())
    except (MemoryError, RuntimeError, OSError) as error:
        if not is_out_of_memory(error):
            raise
        raise MemoryFullError(error) from error


def _convert(
    source: WeightSource, target: Path, settings: ConversionSettings
) -> Iterator[Progress]:
    records = plan(source, settings)
    tokenizer = source.tokenizer()  # so that a bad one is known before the work
    check_space(target.parent, sum(r.nbytes for r in records.values()) + OTHER_FILES)
    yield Progress("check", 0.0)
    source_files = yield from _hashed(source.files, "check", 0.0, CHECK)
    with writing(target) as folder:
        manifest = Manifest(
            name=target.name,
            glassbox=__version__,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            source_kind=source.kind,
            source_name=source.path.resolve().name,
            source_files=source_files,
            settings=asdict(settings),
            tensors=records,
            files=(),
        )
        finished, error = yield from _write_weights(source, folder, manifest, settings.fit)
        plain = next(r.dtype for r in records.values() if r.form == "plain")
        names = {"F32": "float32", "F16": "float16", "BF16": "bfloat16"}
        config = config_to_json(source.config, names[plain], tokenizer.end_of_text)
        (folder / "config.json").write_text(json.dumps(config, indent=2), encoding="utf-8")
        (folder / "tokenizer.json").write_text(tokenizer.to_json(), encoding="utf-8")
        written = tuple(sorted(folder.iterdir()))
        files = yield from _hashed(written, "finish", CHECK + CONVERT, FINISH)
        write_manifest(folder, replace(manifest, tensors=finished, error=error, files=files))
    yield Progress("done", 1.0)


def _write_weights(
    source: WeightSource, folder: Path, manifest: Manifest, how: Fit
) -> Generator[Progress, None, tuple[dict[str, TensorRecord], float]]:
    """All tensors, a few rows at a time; returns the records with errors, and the error of all."""
    entries = {
        name + suffix: part
        for name, record in manifest.tensors.items()
        for suffix, part in record.parts.items()
    }
    total = sum(_count(record) for record in manifest.tensors.values())
    done, finished, whole = 0, {}, _Error()
    with SafetensorsWriter(folder / manifest.weights_file, entries) as writer:
        for name, record in manifest.tensors.items():
            error = _Error()
            for start, block in source.blocks(name):
                if record.form == "plain":
                    _write_plain(writer, name, start, block)
                else:
                    error.add(_write_quantized(writer, name, start, block, record, how))
                done += block.numel()
                yield Progress("convert", CHECK + CONVERT * done / total, name)
            finished[name] = replace(
                record, relative_error=error.relative, largest_error=error.largest
            )
            whole.add(error)
            fraction = CHECK + CONVERT * done / total
            yield Progress("convert", fraction, name, finished[name])
    return finished, whole.relative


def _write_plain(writer: SafetensorsWriter, name: str, start: int, block: Tensor) -> None:
    if not bool(torch.isfinite(block).all()):
        raise not_finite(name)
    writer.write(name, start, block)


def _write_quantized(
    writer: SafetensorsWriter,
    name: str,
    start: int,
    block: Tensor,
    record: TensorRecord,
    how: Fit,
) -> Fitted:
    try:
        made = fit(block, BITS[record.form], record.group, how)
    except ValueError as error:
        raise not_finite(name) from error
    writer.write(name + ".codes", start, made.stored.packed)
    writer.write(name + ".scales", start, made.stored.scales)
    writer.write(name + ".offsets", start, made.stored.offsets)
    return made


class _Error:
    """Adds up how far the stored weights are from the original ones."""

    def __init__(self) -> None:
        self.squared, self.total, self.largest = 0.0, 0.0, 0.0

    def add(self, other: _Error | Fitted) -> None:
        self.squared += other.squared
        self.total += other.total
        self.largest = max(self.largest, other.largest)

    @property
    def relative(self) -> float:
        return (self.squared / self.total) ** 0.5 if self.total else 0.0


def _count(record: TensorRecord) -> int:
    count = 1
    for length in record.shape:
        count *= length
    return count


def _hashed(
    files: tuple[Path, ...], stage: Stage, start: float, share: float
) -> Generator[Progress, None, tuple[FileRecord, ...]]:
    """Size and checksum of each file; yields on the way."""
    total = sum(path.stat().st_size for path in files) or 1
    before, records = 0, []
    for path in files:
        done, digest = 0, ""
        for done, digest in hash_file(path):  # noqa: B007 - the last ones are used below
            yield Progress(stage, start + share * (before + done) / total)
        before += done
        records.append(FileRecord(path.name, done, digest))
    return tuple(records)
