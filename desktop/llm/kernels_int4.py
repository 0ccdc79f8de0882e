"""A matrix of 4-bit codes on the processor.

For one token, torch's 4-bit kernel reads the packed codes as they lie in memory: the time is that of
fetching the weights. For a prompt, each weight serves hundreds of tokens and arithmetic counts, so
the codes are unpacked slab by slab, small enough for the cache, into what the processor multiplies
fastest:

- ``"bf16"``: bfloat16 (float32 on processors that do not multiply it)
- ``"int8"``: whole numbers, on both sides. The input is rounded to 8 bits with one scale a token.
  A few columns of the input are often far larger than the rest and would make that scale coarse for
  all; the largest `OUTLIERS` columns are therefore multiplied apart, unrounded, the idea of
  *LLM.int8()* (Dettmers et al., 2022).

Unpacking costs as much as multiplying with some two hundred tokens. Where memory is plentiful, ``keep``
has the 8-bit form made only once, for twice the memory of the 4-bit one.

A group's offset multiplies the sum of its inputs, so it needs no unpacking.

The packed layout differs between processors: it is made when a model is loaded, never stored.
Imports torch, no Qt.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from desktop.llm.kernels import huge_empty, scratch
from desktop.llm.quantize import GroupQuantized

GROUPS = (32, 64, 128, 256)

FEW = 16
"""Up to this many tokens at once the 4-bit kernel is faster than unpacking."""

SLAB = 1 << 20
"""Weights unpacked at a time; they stay in the cache."""

OUTLIERS = 32
"""Columns of the input that are multiplied without rounding."""

WORTH_IT = 1.25
"""Whole numbers are used when they are this much faster: they round, so there has to be a gain."""

Way = Literal["bf16", "int8"]


class Int4:
    """Packed 4-bit codes."""

    def __init__(self, weight: GroupQuantized, way: Way | None = None) -> None:
        if weight.bits != 4 or weight.group not in GROUPS:
            raise ValueError(f"no 4-bit kernel for {weight.bits} bits in groups of {weight.group}")
        self.rows, self.columns = weight.shape
        self.way = way or faster_way()
        self.keep = False  # keep the 8-bit form of a slab once it has been made
        self._kept: dict[int, tuple[Tensor, Tensor]] = {}
        self._group = weight.group
        self._block = packed_block()
        padded = _pad_rows(weight, 64)
        self._packed = _pack(padded.codes, self._block)
        self._numbers = torch.stack([padded.scales.t(), padded.offsets.t()], -1).contiguous()

    @property
    def nbytes(self) -> int:
        kept = sum(codes.nbytes for codes, _ in self._kept.values())
        return self._packed.nbytes + self._numbers.nbytes + kept

    def one(self, x: Tensor) -> Tensor:
        product = torch.ops.aten._weight_int4pack_mm_for_cpu(
            x.bfloat16(), self._packed, self._group, self._numbers
        )
        return product if product.shape[1] == self.rows else product[:, : self.rows]

    def many(self, x: Tensor) -> Tensor:
        if x.shape[0] <= FEW:
            return self.one(x)
        if self._block == 0:
            return torch.cat([self.one(piece) for piece in x.split(FEW)])
        product = self._in_int8(x.float()) if self.way == "int8" else self._in_bf16(x)
        return product[:, : self.rows]

    def exactly(self, x: Tensor, rows: Tensor) -> Tensor:
        if self._block == 0:
            return self.one(x)[0, rows].float()
        half = self._block // 2
        block, place = rows // self._block, rows % self._block
        pairs = self._packed.view(-1, self.columns, half)[block, :, place % half]
        codes = torch.where((place < half)[:, None], pairs & 15, pairs >> 4).float() - 8
        numbers = self._numbers[:, rows].float().transpose(0, 1)
        weight = codes.view(len(rows), -1, self._group) * numbers[..., :1] + numbers[..., 1:]
        return weight.flatten(1) @ x.float().flatten()

    # ---- prompts

    def _in_bf16(self, x: Tensor) -> Tensor:
        dtype = fast_dtype()
        x, sums = x.to(dtype), self._group_sums(x.float()).to(dtype)
        out = torch.empty(x.shape[0], self._numbers.shape[1], dtype=torch.bfloat16)
        for rows in self._slabs():
            scales = self._numbers[:, rows, 0].to(dtype) / 16
            slab = self._unpack(rows, scales, dtype)
            out[:, rows] = torch.addmm(sums @ self._numbers[:, rows, 1].to(dtype), x, slab)
        return out

    def _in_int8(self, x: Tensor) -> Tensor:
        large = x.abs().amax(0).topk(min(OUTLIERS, self.columns)).indices
        apart = torch.cat([x[:, large], self._group_sums(x)], 1).bfloat16()
        rest = x.index_fill(1, large, 0.0)
        step = rest.abs().amax(1, keepdim=True).clamp_min(1e-12) / 127
        rounded = rest.div_(step).round_().to(torch.int8)
        out = torch.empty(x.shape[0], self._numbers.shape[1], dtype=torch.bfloat16)
        for rows in self._slabs():
            codes, units = self._in_whole_numbers(rows)
            whole = scratch("whole", (len(x), codes.shape[1]), torch.int32)
            torch._int_mm(rounded, codes, out=whole)
            exact = torch.cat([codes[large] * units, self._numbers[:, rows, 1].float()])
            product = scratch("product", whole.shape, torch.float32).copy_(whole)
            product.mul_(step).mul_(units).add_(apart @ exact.bfloat16())
            out[:, rows] = product
        return out

    def _in_whole_numbers(self, rows: slice) -> tuple[Tensor, Tensor]:
        """A slab as 8-bit codes (columns of W, those rows), and what one unit of each row stands for."""
        if rows.start in self._kept:
            return self._kept[rows.start]
        scales = self._numbers[:, rows, 0].float()
        units = scales.abs().amax(0).clamp_min(1e-30) * (8 / 127)  # a code is at most 8
        slab = self._unpack(rows, (scales / units / 16).bfloat16(), torch.bfloat16)
        if not self.keep:
            return scratch("codes", slab.shape, torch.int8).copy_(slab.round_()), units
        codes = huge_empty(tuple(slab.shape), torch.int8).copy_(slab.round_())
        self._kept[rows.start] = codes, units
        return codes, units

    def _group_sums(self, x: Tensor) -> Tensor:
        return x.view(len(x), -1, self._group).sum(-1)

    def _slabs(self) -> list[slice]:
        total = self._numbers.shape[1]
        step = max(1, SLAB // (self.columns * self._block)) * self._block
        return [slice(start, min(start + step, total)) for start in range(0, total, step)]

    def _unpack(self, rows: slice, scales: Tensor, dtype: torch.dtype) -> Tensor:
        """16 · (code − 8) · ``scales`` for some rows of W, transposed: (columns of W, those rows).

        Flipping the highest bit of a code and moving it to the upper half of a byte gives just that
        as a signed number, without a subtraction.
        """
        half = self._block // 2
        first, last = rows.start // self._block, rows.stop // self._block
        packed = self._packed.view(-1, self.columns, half)[first:last]
        flipped = scratch("flipped", packed.shape, torch.uint8)
        moved = scratch("moved", packed.shape, torch.uint8)
        slab = scratch("slab", (self.columns, rows.stop - rows.start), dtype)
        halves = slab.view(self.columns, last - first, 2, half)
        torch.bitwise_xor(packed, 0x88, out=flipped)
        torch.bitwise_left_shift(flipped, 4, out=moved)
        halves[:, :, 0].copy_(moved.view(torch.int8).transpose(0, 1))
        torch.bitwise_and(flipped, 0xF0, out=moved)
        halves[:, :, 1].copy_(moved.view(torch.int8).transpose(0, 1))
        slab.view(-1, self._group, slab.shape[1]).mul_(scales[:, None])
        return slab


# ------------------------------------------------------------------------------------------------
# Packing


def has_int4_kernel() -> bool:
    """Whether torch's 4-bit kernel uses this processor's vector instructions."""
    return packed_block() > 0


@cache
def packed_block() -> int:
    """How many rows of a weight the packed layout interleaves: 64 with AVX-512, 32 with AVX2.

    0 if the layout is another one or there is no such kernel, as in torch for Windows. Found by
    packing a matrix and looking at where its numbers went.
    """
    codes = torch.randint(0, 16, (64, 32), generator=torch.Generator().manual_seed(0))
    try:
        packed = torch.ops.aten._convert_weight_to_int4pack_for_cpu(codes.int(), 1)
    except (RuntimeError, AttributeError, NotImplementedError):
        return 0
    for block in (64, 32):
        if torch.equal(_pack(codes.byte(), block).flatten(), packed.flatten()):
            return block
    return 0


def _pack(codes: Tensor, block: int) -> Tensor:
    """What ``_convert_weight_to_int4pack_for_cpu`` makes, several times faster.

    Rows r and r + block/2 share bytes, and a block lies column by column.
    """
    if block == 0:
        return torch.ops.aten._convert_weight_to_int4pack_for_cpu(codes.int(), 1)
    rows, columns = codes.shape
    blocks, half = rows // block, block // 2
    packed = huge_empty((blocks, columns, half), torch.uint8)
    halves = codes.view(blocks, 2, half, columns)
    step = max(1, SLAB // (columns * half))
    for first in range(0, blocks, step):
        part = halves[first : first + step]
        pairs = scratch("pairs", (len(part), half, columns), torch.uint8)
        torch.bitwise_left_shift(part[:, 1], 4, out=pairs)
        torch.bitwise_or(pairs, part[:, 0], out=pairs)
        packed[first : first + step].copy_(pairs.transpose(1, 2))
    return packed.view(rows, columns // 2)


def _pad_rows(weight: GroupQuantized, multiple: int) -> GroupQuantized:
    missing = -weight.shape[0] % multiple
    if not missing:
        return weight
    codes, scales, offsets = (
        F.pad(tensor, (0, 0, 0, missing))
        for tensor in (weight.codes, weight.scales, weight.offsets)
    )
    return GroupQuantized(codes, scales, offsets, weight.bits, weight.group)


# ------------------------------------------------------------------------------------------------
# This processor


@cache
def fast_dtype() -> torch.dtype:
    """What this processor multiplies many numbers in: bfloat16 if it has instructions for it."""
    supported = torch.ops.mkldnn._is_mkldnn_bf16_supported()
    return torch.bfloat16 if supported else torch.float32


@cache
def faster_way() -> Way:
    """How prompts are multiplied on this processor, from trying both for a few milliseconds."""
    dtype = fast_dtype()
    x, w = torch.ones(256, 2048, dtype=dtype), torch.ones(2048, 256, dtype=dtype)
    whole = torch.ones(256, 2048, dtype=torch.int8), torch.ones(2048, 256, dtype=torch.int8)
    exact, rounded = [], []
    for _ in range(6):  # in alternation, so that a busy moment hurts both
        try:
            rounded.append(_seconds(lambda: torch._int_mm(*whole)))
        except (RuntimeError, NotImplementedError):
            return "bf16"
        exact.append(_seconds(lambda: x @ w))
    return "int8" if WORTH_IT * min(rounded) < min(exact) else "bf16"


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
