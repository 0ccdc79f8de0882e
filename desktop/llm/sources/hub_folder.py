"""A model as on the hub: ``config.json``, safetensors in one file or in shards, a tokenizer.

Today's tensor names or the older fused ones (``msft.py``); both come out under today's. The same
class reads a single ``.safetensors`` file with its ``config.json`` beside it.
Imports torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from desktop.llm.manifest import entry_bytes
from desktop.llm.model_folder import read_json
from desktop.llm.phi import PhiConfig
from desktop.llm.phi_config import config_from_json
from desktop.llm.sources import msft
from desktop.llm.sources.errors import (
    damaged,
    missing_file,
    pickle_refused,
    tensors_do_not_fit,
    unreadable_format,
    wrong_architecture,
    wrong_shape,
)
from desktop.llm.sources.ranged import RangedFiles
from desktop.llm.sources.safetensors_header import Entry, read_header
from desktop.llm.sources.source import (
    TensorInfo,
    WeightSource,
    check_shapes,
    check_vocabulary,
)
from desktop.llm.sources.vocabulary import VOCABULARY_FILES, tokenizer_from_folder
from desktop.llm.tokenizer import Tokenizer

CONFIG, WEIGHTS, INDEX = "config.json", "model.safetensors", "model.safetensors.index.json"
FORMATS = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}
MOST_SHARDS = 1000
NOT_WEIGHTS = ("rotary_emb.inv_freq",)
"""Tensors that older files carry and that follow from the config."""


@dataclass(frozen=True)
class Piece:
    """Where a tensor lies: in which file, from which byte on, in which format."""

    file: Path
    start: int
    dtype: str


class HubFolder(WeightSource):
    """A folder, or with ``only`` a single file and the config beside it."""

    kind = "hub"

    def __init__(self, folder: Path, only: Path | None = None) -> None:
        self.folder, self.path = folder, only or folder
        if not (folder / CONFIG).is_file():
            raise missing_file(CONFIG, folder)
        self.config = read_config(folder / CONFIG)
        found = _entries(folder, only)
        self._pieces, self.tensors = _arrange(found, self.config)
        check_shapes(
            self.path.name, {name: info.shape for name, info in self.tensors.items()}, self.config
        )
        weights = tuple(sorted({piece.file for piece in self._pieces.values()}))
        others = (CONFIG, *VOCABULARY_FILES)
        self.files = weights + tuple(folder / n for n in others if (folder / n).is_file())
        self._files = RangedFiles()

    def rows(self, name: str, start: int, stop: int) -> Tensor:
        piece, info = self._pieces[name], self.tensors[name]
        row_bytes = info.nbytes // info.shape[0]
        data = self._files.read(
            piece.file, piece.start + start * row_bytes, (stop - start) * row_bytes
        )
        weights = torch.frombuffer(data, dtype=FORMATS[piece.dtype])
        return weights.view(stop - start, *info.shape[1:])

    def tokenizer(self) -> Tokenizer:
        return check_vocabulary(tokenizer_from_folder(self.folder), self.config)

    def close(self) -> None:
        self._files.close()


def read_config(path: Path) -> PhiConfig:
    """``config.json`` in either layout; another architecture is named."""
    values = read_json(path)
    if msft.is_older_config(values):
        values = msft.config_today(values)
    if values.get("model_type") != "phi":
        raise wrong_architecture(values.get("model_type") or _first(values.get("architectures")))
    return config_from_json(values)


def _first(values: object) -> object:
    return values[0] if isinstance(values, list) and values else "?"


# ------------------------------------------------------------------------------------------------
# Which tensor is in which file


def _entries(folder: Path, only: Path | None) -> dict[str, tuple[Path, Entry]]:
    if only is not None:
        return {name: (only, entry) for name, entry in read_header(only).items()}
    if (folder / INDEX).is_file():
        return _from_index(folder)
    if (folder / WEIGHTS).is_file():
        return _entries(folder, folder / WEIGHTS)
    single = sorted(folder.glob("*.safetensors"))
    if len(single) == 1 and "-of-" not in single[0].name:
        return _entries(folder, single[0])
    if single:
        raise missing_file(INDEX, folder)
    pickles = sorted((*folder.glob("*.bin"), *folder.glob("*.pt"), *folder.glob("*.pth")))
    raise pickle_refused(pickles[0].name) if pickles else missing_file(WEIGHTS, folder)


def _from_index(folder: Path) -> dict[str, tuple[Path, Entry]]:
    """Every shard's header, and the index against what the shards hold."""
    places = read_json(folder / INDEX).get("weight_map")
    if not isinstance(places, dict) or not places:
        raise damaged(INDEX, "no weight_map")
    names = set()
    for shard in places.values():
        if not isinstance(shard, str) or Path(shard).name != shard or "\\" in shard:
            raise damaged(INDEX, f"shard {shard!r:.80}")
        names.add(shard)
    if len(names) > MOST_SHARDS:
        raise damaged(INDEX, f"{len(names)} shards")
    for shard in sorted(names):
        if not (folder / shard).is_file():
            raise missing_file(shard, folder)
    headers = {shard: read_header(folder / shard) for shard in sorted(names)}
    missing = {name for name, shard in places.items() if name not in headers[shard]}
    if missing:
        raise tensors_do_not_fit(INDEX, missing, ())
    return {name: (folder / shard, headers[shard][name]) for name, shard in places.items()}


def _arrange(
    found: Mapping[str, tuple[Path, Entry]], config: PhiConfig
) -> tuple[dict[str, Piece], dict[str, TensorInfo]]:
    """Tensors by today's names; the fused one is cut into queries, keys and values."""
    older = msft.is_older_layout(found)
    pieces: dict[str, Piece] = {}
    infos: dict[str, TensorInfo] = {}
    for stored, (file, entry) in found.items():
        if stored.endswith(NOT_WEIGHTS):
            continue
        if entry.dtype not in FORMATS:
            raise unreadable_format(stored, entry.dtype, FORMATS)
        names = msft.today(stored) if older else (stored,)
        start = entry.start
        for name, shape in zip(names, cut_shapes(stored, entry.shape, names, config), strict=True):
            nbytes = entry_bytes(entry.dtype, shape)
            pieces[name] = Piece(file, start, entry.dtype)
            infos[name] = TensorInfo(name, shape, entry.dtype, nbytes)
            start += nbytes
    return pieces, infos


def cut_shapes(
    stored: str, shape: tuple[int, ...], names: tuple[str, ...], config: PhiConfig
) -> list[tuple[int, ...]]:
    """The shapes of the tensors that one stored tensor holds: itself, or q, k and v."""
    if len(names) == 1:
        return [shape]
    key_value = config.num_key_value_heads * config.head_dim
    heights = (config.hidden_size, key_value, key_value)
    if not shape or shape[0] != sum(heights):
        raise wrong_shape(stored, shape, (sum(heights), *shape[1:]))
    return [(height, *shape[1:]) for height in heights]
