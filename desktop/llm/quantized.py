"""A converted model read back: plain tensors, for whoever computes with them.

``load_quantized(folder)`` maps the weights' file and returns at once; pages come from the disk as
they are touched, and several programs with the same model share them. Nothing is reordered: the
layouts that fast kernels want are theirs to make (see ``packing.py`` for the one on disk).

    model = load_quantized(folder)
    model.config                      # PhiConfig
    model.matrices["lm_head.weight"]  # StoredMatrix: packed codes, scales, offsets
    model.plain["lm_head.bias"]       # Tensor in the dtype of the original

All names are those of ``phi.py``. Which tensors are matrices depends on how the model was converted: by
default all weights of linear layers, not the embedding. Imports torch and safetensors.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from desktop.llm.kernels import huge_empty
from desktop.llm.manifest import BITS, Manifest, read_manifest
from desktop.llm.packing import StoredMatrix
from desktop.llm.phi import PhiConfig
from desktop.llm.safetensors_writer import TORCH
from desktop.llm.sources.errors import damaged, missing_file, tensors_do_not_fit, wrong_shape
from desktop.llm.sources.hub_folder import CONFIG, read_config
from desktop.llm.sources.safetensors_header import Entry, read_header
from desktop.llm.sources.source import check_shapes, check_vocabulary
from desktop.llm.sources.vocabulary import tokenizer_from_folder
from desktop.llm.tokenizer import Tokenizer


@dataclass(frozen=True, eq=False)
class QuantizedModel:
    """A converted model: its numbers, and what is known about them."""

    folder: Path
    config: PhiConfig
    manifest: Manifest
    matrices: Mapping[str, StoredMatrix]
    plain: Mapping[str, Tensor]
    places: Mapping[str, Entry]
    """Where each part of each tensor lies in the file."""

    def read(self, name: str) -> StoredMatrix | Tensor:
        """A tensor read into memory of its own.

        Pages of a mapped file count as memory of whoever touched them; while a model is loaded into
        another form, that would be all of it a second time.
        """
        record = self.manifest.tensors[name]
        path = self.folder / self.manifest.weights_file
        try:
            with path.open("rb", buffering=0) as file:
                parts = [_read(file, self.places[name + suffix]) for suffix in record.parts]
        except OSError as error:
            raise damaged(path.name, str(error)) from error
        if record.form == "plain":
            return parts[0]
        return StoredMatrix(parts[0], parts[1], parts[2], BITS[record.form], record.group)

    def tokenizer(self) -> Tokenizer:
        """The tokenizer that belongs to the model."""
        return check_vocabulary(tokenizer_from_folder(self.folder), self.config)

    @property
    def nbytes(self) -> int:
        """Bytes of all tensors."""
        plain = sum(tensor.numel() * tensor.element_size() for tensor in self.plain.values())
        return plain + sum(matrix.nbytes for matrix in self.matrices.values())


def _read(file: FileIO, place: Entry) -> Tensor:
    tensor = huge_empty(place.shape, TORCH[place.dtype])
    data: Any = tensor.flatten().view(torch.uint8).numpy()
    rest = memoryview(data).cast("B")
    file.seek(place.start)
    while rest:  # a system reads at most 2 GB at once
        count = file.readinto(rest)
        if not count:
            raise OSError(f"the file ends at {file.tell()}")
        rest = rest[count:]
    return tensor


def check_converted(folder: Path) -> tuple[PhiConfig, Manifest]:
    """Config and manifest, after holding the weights' header against both; reads no weights."""
    manifest = read_manifest(folder)
    for name in (CONFIG, manifest.weights_file):
        if not (folder / name).is_file():
            raise missing_file(name, folder)
    config = read_config(folder / CONFIG)
    shapes = {name: record.shape for name, record in manifest.tensors.items()}
    check_shapes(manifest.weights_file, shapes, config)
    wanted = {
        name + suffix: part
        for name, record in manifest.tensors.items()
        for suffix, part in record.parts.items()
    }
    found = read_header(folder / manifest.weights_file)
    if set(found) != set(wanted):
        missing, extra = set(wanted) - set(found), set(found) - set(wanted)
        raise tensors_do_not_fit(manifest.weights_file, missing, extra)
    for name, (dtype, shape) in wanted.items():
        entry = found[name]
        if entry.shape != shape:
            raise wrong_shape(name, entry.shape, shape)
        if entry.dtype != dtype:
            raise damaged(manifest.weights_file, f"{name}: {entry.dtype} instead of {dtype}")
    return config, manifest


def load_quantized(folder: Path) -> QuantizedModel:
    """Map a converted model; raises ``SourceError``. What its bytes hold is not looked at:
    ``store.verify`` does that."""
    config, manifest = check_converted(folder)
    matrices: dict[str, StoredMatrix] = {}
    plain: dict[str, Tensor] = {}
    try:
        with safe_open(folder / manifest.weights_file, framework="pt") as file:
            for name, record in manifest.tensors.items():
                parts = [file.get_tensor(name + suffix) for suffix in record.parts]
                if record.form == "plain":
                    plain[name] = parts[0]
                else:
                    matrices[name] = StoredMatrix(
                        parts[0], parts[1], parts[2], BITS[record.form], record.group
                    )
    except (SafetensorError, OSError, ValueError) as error:
        raise damaged(manifest.weights_file, str(error)) from error
    places = read_header(folder / manifest.weights_file)
    return QuantizedModel(folder, config, manifest, matrices, plain, places)
