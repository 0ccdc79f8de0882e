"""Multiplying by a matrix on the processor: the ways there are, behind one shape.

Every way is a `Linear`: ``one(x)`` for a token or a few (bounded by how fast weights come from
memory), ``many(x)`` for a whole prompt (bounded by arithmetic). x is (tokens, columns).

- `Int4` (``kernels_int4.py``): torch's 4-bit kernel reads the packed codes as they lie in memory.
- `Int8`: one scale a row, the input rounded to 8 bits as well, whole-number arithmetic. Twice the
  memory; the faster way on processors for which torch's 4-bit kernel is not made.
- `Dense`: an ordinary matrix.

Imports torch, no Qt.
"""

from __future__ import annotations

import mmap
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from desktop.llm.quantize import GroupQuantized

HUGE_PAGE = 2 << 20
ROUNDED_AT_ONCE = 1 << 18


class Linear(Protocol):
    """A matrix (rows, columns) in some form."""

    rows: int
    columns: int

    @property
    def nbytes(self) -> int:
        """Memory it takes."""

    def one(self, x: Tensor) -> Tensor:
        """x · Wᵀ for few tokens."""

    def many(self, x: Tensor) -> Tensor:
        """The same for many."""

    def exactly(self, x: Tensor, rows: Tensor) -> Tensor:
        """Only the given rows of the product, (len(rows),), for one token, in float32."""


# ------------------------------------------------------------------------------------------------
# 8 bits, and none


class Int8:
    """8-bit weights with a scale for each row; the input is rounded to 8 bits on the way."""

    def __init__(self, codes: Tensor, scales: Tensor) -> None:
        """``codes`` int8 (rows, columns), ``scales`` (rows,)."""
        self.rows, self.columns = codes.shape
        zeros = torch.zeros(self.rows, dtype=torch.int64)
        with warnings.catch_warnings():  # deprecated, without a successor that is as fast in 2.13
            warnings.simplefilter("ignore", UserWarning)
            matrix = torch._make_per_channel_quantized_tensor(codes, scales.double(), zeros, 0)
            self._packed = torch.ops.quantized.linear_prepack(matrix, None)
        # Without VNNI two products are added in 16 bits, which 8-bit inputs could overflow.
        self._reduce_range = not torch.cpu._is_vnni_supported()

    @classmethod
    def rounded(cls, weight: GroupQuantized | Tensor) -> Int8:
        """Round a matrix, each row by its largest number; some rows at a time, within the cache."""
        rows, columns = weight.shape
        codes = torch.empty(rows, columns, dtype=torch.int8)
        scales = torch.empty(rows)
        step = max(1, ROUNDED_AT_ONCE // columns)
        for start in range(0, rows, step):
            part = slice(start, start + step)
            values = scratch("values", codes[part].shape, torch.float32)
            _copy_numbers(weight, part, values)
            largest = torch.maximum(values.amax(1), -values.amin(1)).clamp_min_(1e-12)
            torch.div(largest, 127, out=scales[part])
            codes[part] = values.mul_((127 / largest)[:, None]).round_()
        return cls(codes, scales)

    @property
    def nbytes(self) -> int:
        return self.rows * (self.columns + 8)

    def one(self, x: Tensor) -> Tensor:
        return torch.ops.quantized.linear_dynamic(x.float(), self._packed, self._reduce_range)

    def many(self, x: Tensor) -> Tensor:
        return self.one(x)

    def exactly(self, x: Tensor, rows: Tensor) -> Tensor:
        return self.one(x)[0, rows].float()


class Dense:
    """An ordinary matrix."""

    def __init__(self, weight: Tensor) -> None:
        self.rows, self.columns = weight.shape
        self._weight = weight

    @property
    def nbytes(self) -> int:
        return self._weight.nbytes

    def one(self, x: Tensor) -> Tensor:
        return F.linear(x.to(self._weight.dtype), self._weight)

    def many(self, x: Tensor) -> Tensor:
        return self.one(x)

    def exactly(self, x: Tensor, rows: Tensor) -> Tensor:
        return self._weight[rows].float() @ x.float().flatten()


def _copy_numbers(weight: GroupQuantized | Tensor, rows: slice, out: Tensor) -> None:
    """The numbers that some rows stand for, written into ``out``."""
    if isinstance(weight, Tensor):
        out.copy_(weight[rows])
        return
    groups = out.view(len(out), -1, weight.group)
    groups.copy_(weight.codes[rows].view(groups.shape))
    groups.sub_(2 ** (weight.bits - 1)).mul_(weight.scales[rows].float()[..., None])
    groups.add_(weight.offsets[rows].float()[..., None])


# ------------------------------------------------------------------------------------------------
# Memory


def huge_empty(shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
    """Memory in pages of 2 MB where the system has them (Linux): with the usual 4 KB pages the
    processor spends several percent of its time finding where weights lie."""
    size = dtype.itemsize
    for length in shape:
        size *= length
    advice = getattr(mmap, "MADV_HUGEPAGE", None)
    if advice is None or size < HUGE_PAGE:
        return torch.empty(shape, dtype=dtype)
    try:
        memory = mmap.mmap(-1, size + HUGE_PAGE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    except OSError as error:
        raise MemoryError(f"{size} bytes: {error}") from error
    try:
        memory.madvise(advice)
    except OSError:  # a kernel without them
        return torch.empty(shape, dtype=dtype)
    raw = torch.frombuffer(memory, dtype=torch.uint8)
    skip = -raw.data_ptr() % HUGE_PAGE
    return raw[skip : skip + size].view(dtype).view(shape)


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Let torch share out work among so many threads meanwhile."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


_kept = threading.local()


def scratch(name: str, shape: tuple[int, ...] | torch.Size, dtype: torch.dtype) -> Tensor:
    """Memory to work in, kept from call to call: asking the system for it anew costs more time than
    the work. One for each name and thread; what was in it is gone."""
    kept: dict[tuple[str, torch.dtype], Tensor] = _kept.__dict__.setdefault("tensors", {})
    size = 1
    for length in shape:
        size *= length
    tensor = kept.get((name, dtype))
    if tensor is None or tensor.numel() < size:
        with torch.inference_mode(False):  # to be written to outside of that mode as well
            tensor = kept[name, dtype] = torch.empty(size, dtype=dtype)
    return tensor[:size].view(shape)
