"""A model that Glassbox converted, read as ordinary numbers again, rows at a time.

The slow and readable way to use one, and the way to check a fast one against. Imports torch.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from desktop.llm.quantized import load_quantized
from desktop.llm.sources.source import TensorInfo, WeightSource
from desktop.llm.sources.vocabulary import VOCABULARY_FILES
from desktop.llm.tokenizer import Tokenizer


class ConvertedSource(WeightSource):
    """A folder with ``manifest.json``."""

    kind = "glassbox"

    def __init__(self, folder: Path) -> None:
        self.path = folder
        self.model = load_quantized(folder)
        self.config = self.model.config
        self.tensors = {
            name: TensorInfo(
                name,
                record.shape,
                record.dtype if record.form == "plain" else record.form,
                record.nbytes,
            )
            for name, record in self.model.manifest.tensors.items()
        }
        others = ("config.json", *VOCABULARY_FILES)
        self.files = (
            folder / self.model.manifest.weights_file,
            *(folder / name for name in others if (folder / name).is_file()),
        )

    def rows(self, name: str, start: int, stop: int) -> Tensor:
        if name in self.model.plain:
            return self.model.plain[name][start:stop]
        return self.model.matrices[name].rows(start, stop).dequantize(torch.float32)

    def tokenizer(self) -> Tokenizer:
        return self.model.tokenizer()
