"""Writing a safetensors file a few rows at a time, so that no tensor need be in memory whole.

All names, formats and shapes are known beforehand, so the header comes first and every row has its
place. Tensors with wider numbers come first, so that each starts at a multiple of its number's size.
Imports torch.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import torch
from torch import Tensor

from desktop.llm.manifest import DTYPE_BYTES, entry_bytes

ALIGNMENT = 64
TORCH = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16, "U8": torch.uint8}


class SafetensorsWriter:
    """Writes the tensors of ``entries`` (name → format and shape) in any order."""

    def __init__(self, path: Path, entries: Mapping[str, tuple[str, tuple[int, ...]]]) -> None:
        self._entries = entries
        self._place: dict[str, int] = {}
        header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
        at = 0
        for name in sorted(entries, key=lambda name: (-DTYPE_BYTES[entries[name][0]], name)):
            dtype, shape = entries[name]
            end = at + entry_bytes(dtype, shape)
            header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [at, end]}
            self._place[name] = at
            at = end
        text = json.dumps(header, separators=(",", ":")).encode()
        text += b" " * (-(8 + len(text)) % ALIGNMENT)
        self._data = 8 + len(text)
        self.nbytes = self._data + at
        self._file = path.open("wb")
        self._file.write(len(text).to_bytes(8, "little") + text)

    def write(self, name: str, first_row: int, rows: Tensor) -> None:
        """Write rows of a tensor from ``first_row`` on, in its format."""
        dtype, shape = self._entries[name]
        row_bytes = entry_bytes(dtype, shape[1:])
        data: Any = rows.to(TORCH[dtype]).contiguous().view(torch.uint8).numpy()
        self._file.seek(self._data + self._place[name] + first_row * row_bytes)
        self._file.write(memoryview(data).cast("B"))

    def __enter__(self) -> SafetensorsWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()
