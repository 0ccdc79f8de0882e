"""The interface that every kind of model file answers to, and a model read through it.

Tensors carry the names of ``phi.py`` whatever the file calls them. Imports torch; no Qt.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import torch
from torch import Tensor

from desktop.llm.empty import empty_phi
from desktop.llm.memory import is_out_of_memory
from desktop.llm.phi import Phi, PhiConfig
from desktop.llm.sources.errors import (
    not_finite,
    out_of_memory,
    tensors_do_not_fit,
    vocabulary_does_not_fit,
    wrong_shape,
)
from desktop.llm.tokenizer import Tokenizer

WEIGHTS_AT_ONCE = 1 << 22
"""How many weights are read at a time when a whole tensor is not needed: 16 MB as float32."""


@dataclass(frozen=True)
class TensorInfo:
    """One tensor as it lies in the file: its shape, the number format there, the bytes it takes."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    nbytes: int


class WeightSource(ABC):
    """A Phi model in a file or folder. ``kind`` is ``hub``, ``gguf`` or ``glassbox``."""

    kind: str
    path: Path
    config: PhiConfig
    tensors: Mapping[str, TensorInfo]
    files: tuple[Path, ...]
    """Every file that the model is made of, weights first."""

    @property
    def nbytes(self) -> int:
        """Bytes of all tensors as stored."""
        return sum(info.nbytes for info in self.tensors.values())

    @property
    def name(self) -> str:
        """What to call the model: the folder's name, or the file's without its ending."""
        path = self.path.resolve()
        return path.name if path.is_dir() else path.stem

    @abstractmethod
    def rows(self, name: str, start: int, stop: int) -> Tensor:
        """Rows ``start`` to ``stop`` of a tensor (elements, when it has one dimension), as float32,
        float16 or bfloat16; quantized formats come as float32."""

    @abstractmethod
    def tokenizer(self) -> Tokenizer:
        """The tokenizer that belongs to the model."""

    def close(self) -> None:  # noqa: B027 - most sources hold nothing that needs closing
        """Let go of the files."""

    def read(self, name: str) -> Tensor:
        """A whole tensor."""
        return self.rows(name, 0, self.tensors[name].shape[0])

    def blocks(self, name: str) -> Iterator[tuple[int, Tensor]]:
        """A tensor a few rows at a time: the number of the first row, and the rows."""
        shape = self.tensors[name].shape
        step = max(1, WEIGHTS_AT_ONCE // (shape[1] if len(shape) > 1 else 1))
        for start in range(0, shape[0], step):
            yield start, self.rows(name, start, min(start + step, shape[0]))

    def __enter__(self) -> WeightSource:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def expected_shapes(config: PhiConfig) -> dict[str, tuple[int, ...]]:
    """Name and shape of every tensor of such a model; nothing is allocated."""
    shell = empty_phi(config).state_dict()
    return {name: tuple(weights.shape) for name, weights in shell.items()}


def check_shapes(name: str, found: Mapping[str, tuple[int, ...]], config: PhiConfig) -> None:
    """Every tensor there, none too many, each of the right shape; ``name`` is for the complaint."""
    wanted = expected_shapes(config)
    missing, extra = set(wanted) - set(found), set(found) - set(wanted)
    if missing or extra:
        raise tensors_do_not_fit(name, missing, extra)
    for tensor, shape in wanted.items():
        if tuple(found[tensor]) != shape:
            raise wrong_shape(tensor, tuple(found[tensor]), shape)


def check_vocabulary(tokenizer: Tokenizer, config: PhiConfig) -> Tokenizer:
    """The tokenizer, if every id it gives has a row in the model."""
    if tokenizer.size > config.vocab_size:
        raise vocabulary_does_not_fit(tokenizer.size, config.vocab_size)
    return tokenizer


@torch.no_grad()
def load_phi(source: WeightSource, dtype: torch.dtype = torch.float32) -> Phi:
    """The readable model with the source's weights in ``dtype``; raises when one is not a number."""
    model = empty_phi(source.config)
    weights = {}
    for name, info in source.tensors.items():
        try:
            weights[name] = _read_into(torch.empty(info.shape, dtype=dtype), source, name)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            raise out_of_memory(source.config.parameter_count * dtype.itemsize) from error
    model.load_state_dict(weights, strict=True, assign=True)
    return model.eval()


def _read_into(target: Tensor, source: WeightSource, name: str) -> Tensor:
    for start, block in source.blocks(name):
        if not bool(torch.isfinite(block).all()):
            raise not_finite(name)
        target[start : start + len(block)] = block
    return target
