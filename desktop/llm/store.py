"""The models on this machine: a folder with one folder per model.

Listed is only what is whole: a model that Glassbox converted has its manifest and files of the right
size, one that a lesson kept has the folder layout of the hub. What is broken is reported beside the
list, with the reason. Names are checked, so that no name leads out of the folder. Adding,
verifying and downloading take long and are generators of ``Progress``: close one to stop it.
Imports torch when it opens a model; no Qt.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from desktop.bilingual import Bilingual, GlassboxError
from desktop.llm.beside import hash_file, remove_folder, remove_leftovers
from desktop.llm.manifest import MANIFEST, FileRecord, Manifest, read_manifest

if TYPE_CHECKING:
    from desktop.llm.convert import ConversionSettings, Progress
    from desktop.llm.phi import PhiConfig

LONGEST_NAME = 80
RESERVED = {
    "con",
    "prn",
    "aux",
    "nul",
    *(f"{port}{n}" for port in ("com", "lpt") for n in range(10)),
}
"""Names that Windows keeps for devices."""
FORBIDDEN = set('<>:"/\\|?*')

Origin = Literal["converted", "lesson"]


@dataclass(frozen=True)
class StoredModel:
    """A model that is there and whole. ``manifest`` is set when Glassbox converted it."""

    name: str
    path: Path
    origin: Origin
    nbytes: int
    config: PhiConfig
    manifest: Manifest | None = None

    @property
    def bits(self) -> int:
        """Bits per weight of the linear layers as stored."""
        return int(self.manifest.settings.get("bits", 16)) if self.manifest else 32


@dataclass(frozen=True)
class BrokenModel:
    """A folder that should be a model and is none, and why."""

    name: str
    path: Path
    error: GlassboxError


class ModelError(GlassboxError):
    """A model that is not there, or a name that cannot be one."""


class ModelStore:
    """Works on the folder ``models`` of the user's data; it is made when first written to."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    # ---- looking

    def list(self) -> tuple[StoredModel, ...]:
        """All whole models by name."""
        return tuple(model for model in self.look() if isinstance(model, StoredModel))

    def look(self, *, clear_up: bool = True) -> tuple[StoredModel | BrokenModel, ...]:
        """All models by name, the broken ones too. Reads headers, no weights.

        ``clear_up``: also put in order what a killed process left.
        """
        if not self.folder.is_dir():
            return ()
        try:
            if clear_up:
                remove_leftovers(self.folder)
            entries = sorted(self.folder.iterdir(), key=lambda path: path.name.casefold())
        except OSError as error:
            raise _unreadable(self.folder, error) from error
        return tuple(_look_at(path) for path in entries if _is_candidate(path))

    def get(self, name: str) -> StoredModel:
        """One model by name; raises when it is not there or broken."""
        found = _look_at(self._existing(name))
        if isinstance(found, BrokenModel):
            raise found.error
        return found

    # ---- changing

    def add(
        self, path: Path, name: str | None = None, settings: ConversionSettings | None = None
    ) -> Iterator[Progress]:
        """Convert the model at ``path`` into the store, as ``name`` or under a name made from its
        own; a model of that name is refused, not replaced."""
        from desktop.llm.convert import convert
        from desktop.llm.sources import open_source

        with open_source(path) as source:
            chosen = check_name(name) if name else safe_name(source.name)
            if (self.folder / chosen).exists():
                raise ModelError(
                    Bilingual(
                        f"已经有一个叫“{chosen}”的模型。", f"There is already a model “{chosen}”."
                    ),
                    Bilingual(
                        "换个名字，或者先删除旧的。", "Choose another name, or remove it first."
                    ),
                )
            if source.kind == "glassbox":
                yield from _copy(source.path, self.folder / chosen)
            else:
                yield from convert(source, self.folder / chosen, settings)

    def verify(self, name: str) -> Iterator[Progress]:
        """Read every byte: checksums where they are known, real numbers where not. Raises at the
        first thing wrong."""
        model = self.get(name)
        if model.manifest is None:
            return _verify_numbers(model.path)
        return _verify_files(model.path, model.manifest.files)

    def remove(self, name: str) -> int:
        """Remove a model, whole or broken; returns the bytes freed."""
        path = self._existing(name)
        if path.is_symlink():
            path.unlink()  # what it points to is not ours
            return 0
        freed = _size(path)
        remove_folder(path)
        return freed

    def _existing(self, name: str) -> Path:
        path = self.folder / check_name(name)
        if not path.is_dir():
            names = "、".join(model.name for model in self.list())
            raise ModelError(
                Bilingual(f"没有叫“{name}”的模型。", f"There is no model “{name}”."),
                Bilingual(
                    f"现有的模型：{names or '一个也没有'}。",
                    f"There are: {names.replace('、', ', ') or 'none'}.",
                ),
            )
        return path


# ------------------------------------------------------------------------------------------------
# Names


def check_name(name: str) -> str:
    """The name, if it is one that every system takes as a folder of its own; raises otherwise."""
    wrong = (
        not name
        or len(name) > LONGEST_NAME
        or name != name.strip()
        or name.startswith(".")
        or name.endswith(".")
        or any(letter in FORBIDDEN or not letter.isprintable() for letter in name)
        or name.partition(".")[0].strip().casefold() in RESERVED
    )
    if wrong:
        raise ModelError(
            Bilingual(
                f"“{name[:100]}”不能用作模型的名字。", f"“{name[:100]}” cannot be a model’s name."
            ),
            Bilingual(
                f"用文字、数字、空格、- 和 _，最多 {LONGEST_NAME} 个字。",
                f"Use letters, digits, spaces, - and _; at most {LONGEST_NAME} of them.",
            ),
        )
    return name


def safe_name(text: str) -> str:
    """A name made from any text."""
    kept = (
        "-" if letter in FORBIDDEN or not letter.isprintable() else letter
        for letter in unicodedata.normalize("NFC", text)
    )
    name = "".join(kept).strip(" .")[:LONGEST_NAME].strip(" .") or "model"
    return (
        f"model-{name}"[:LONGEST_NAME].strip(" .")
        if name.partition(".")[0].strip().casefold() in RESERVED
        else name
    )


# ------------------------------------------------------------------------------------------------
# Looking at one


def _is_candidate(path: Path) -> bool:
    return path.is_dir() and not path.name.startswith(".")


def _look_at(path: Path) -> StoredModel | BrokenModel:
    try:
        return _converted(path) if (path / MANIFEST).is_file() else _kept(path)
    except GlassboxError as error:
        return BrokenModel(path.name, path, error)
    except OSError as error:
        return BrokenModel(path.name, path, _unreadable(path, error))


def _converted(path: Path) -> StoredModel:
    from desktop.llm.quantized import check_converted

    config, manifest = check_converted(path)
    for record in manifest.files:
        _check_size(path, record)
    return StoredModel(path.name, path, "converted", _size(path), config, manifest)


def _kept(path: Path) -> StoredModel:
    """A model that a lesson kept, or a folder as on the hub that someone put here."""
    from desktop.llm.sources import open_source

    with open_source(path) as source:
        source.tokenizer()
        return StoredModel(path.name, path, "lesson", _size(path), source.config)


def _check_size(folder: Path, record: FileRecord) -> None:
    from desktop.llm.sources.errors import missing_file, truncated

    path = folder / record.name
    if not path.is_file():
        raise missing_file(record.name, folder)
    if path.stat().st_size != record.bytes:
        raise truncated(record.name, path.stat().st_size, record.bytes)


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _unreadable(path: Path, error: OSError) -> ModelError:
    return ModelError(
        Bilingual(f"“{path}”读不了。", f"“{path}” cannot be read."), details=str(error)
    )


# ------------------------------------------------------------------------------------------------
# Reading every byte


def _verify_files(folder: Path, records: tuple[FileRecord, ...]) -> Iterator[Progress]:
    from desktop.llm.convert import Progress

    total, before = sum(record.bytes for record in records) or 1, 0
    for record in records:
        digest = ""
        for done, digest in hash_file(folder / record.name):  # noqa: B007 - used below
            yield Progress("finish", (before + done) / total)
        if digest != record.sha256:
            raise ModelError(
                Bilingual(
                    f"{record.name} 的内容变了，和转换时的校验值不一致。",
                    f"{record.name} has changed: its checksum is not the one from the conversion.",
                ),
                Bilingual(
                    "请从原来的文件重新导入。", "Import the model again from its original files."
                ),
                f"sha256 {digest}, expected {record.sha256}",
            )
        before += record.bytes
    yield Progress("done", 1.0)


def _verify_numbers(folder: Path) -> Iterator[Progress]:
    import torch

    from desktop.llm.convert import Progress
    from desktop.llm.sources import open_source
    from desktop.llm.sources.errors import not_finite

    with open_source(folder) as source:
        total, done = source.config.parameter_count, 0
        for name in source.tensors:
            for _, block in source.blocks(name):
                if not bool(torch.isfinite(block).all()):
                    raise not_finite(name)
                done += block.numel()
                yield Progress("finish", done / total, name)
    yield Progress("done", 1.0)


def _copy(original: Path, target: Path) -> Iterator[Progress]:
    """A converted model from elsewhere: copied, and held against its own checksums."""
    from desktop.llm.beside import CHUNK, check_space, writing
    from desktop.llm.convert import Progress

    records = read_manifest(original).files
    for record in records:
        _check_size(original, record)
    names = [*(record.name for record in records), MANIFEST]
    total = sum((original / name).stat().st_size for name in names) or 1
    check_space(target.parent, total)
    done = 0
    with writing(target) as folder:
        for name in names:
            with (original / name).open("rb") as source, (folder / name).open("wb") as copy:
                while chunk := source.read(CHUNK):
                    copy.write(chunk)
                    done += len(chunk)
                    yield Progress("convert", 0.7 * done / total)
        for step in _verify_files(folder, records):
            yield Progress("finish", 0.7 + 0.3 * step.fraction)
    yield Progress("done", 1.0)
