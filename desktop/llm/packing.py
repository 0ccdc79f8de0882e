"""Codes of a few bits in whole bytes: how quantized weights lie on disk.

Two 4-bit codes share a byte: column 2j in the upper half, column 2j + 1 in the lower one, row after
row. That is plain data that every processor reads alike, and it is what torch's CUDA kernel wants
before it makes its own order; the orders that kernels use inside depend on the processor and are made
when a model is loaded, never stored. 8-bit codes are stored as they are. Imports torch only.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from desktop.llm.quantize import GroupQuantized

PACKED_BITS = (4, 8)


def pack(codes: Tensor, bits: int) -> Tensor:
    """Codes (rows, columns) uint8 as bytes: (rows, columns / 2) for 4 bits."""
    if bits == 8:
        return codes
    if bits != 4 or codes.shape[-1] % 2:
        raise ValueError(f"cannot pack {bits}-bit codes of shape {tuple(codes.shape)}")
    return (codes[..., 0::2] << 4) | codes[..., 1::2]


def unpack(packed: Tensor, bits: int) -> Tensor:
    """The codes again, one to a byte."""
    if bits == 8:
        return packed
    if bits != 4:
        raise ValueError(f"cannot unpack {bits}-bit codes")
    return torch.stack([packed >> 4, packed & 15], dim=-1).flatten(-2)


@dataclass(frozen=True, eq=False)
class StoredMatrix:
    """A quantized weight as it lies on disk.

    ``weight = scale · (code − 2^(bits−1)) + offset`` for each run of ``group`` columns of a row.
    ``packed`` (rows, columns · bits / 8) uint8: for 4 bits, column 2j in the upper half of byte j.
    ``scales`` and ``offsets`` (rows, columns / group) bfloat16.
    """

    packed: Tensor
    scales: Tensor
    offsets: Tensor
    bits: int
    group: int

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the weight."""
        return self.packed.shape[0], self.packed.shape[1] * 8 // self.bits

    @classmethod
    def of(cls, weight: GroupQuantized) -> StoredMatrix:
        """Pack a weight that has one code to a byte."""
        packed = pack(weight.codes, weight.bits)
        return cls(packed, weight.scales, weight.offsets, weight.bits, weight.group)

    @property
    def nbytes(self) -> int:
        """Bytes this takes."""
        parts = (self.packed, self.scales, self.offsets)
        return sum(part.numel() * part.element_size() for part in parts)

    def rows(self, start: int, stop: int) -> GroupQuantized:
        """Some rows with one code to a byte."""
        rows = slice(start, stop)
        codes = unpack(self.packed[rows], self.bits)
        return GroupQuantized(codes, self.scales[rows], self.offsets[rows], self.bits, self.group)

    def unpacked(self) -> GroupQuantized:
        """All of it with one code to a byte: twice the memory for 4 bits."""
        return self.rows(0, self.shape[0])

    def dequantize(self, dtype: torch.dtype = torch.float32) -> Tensor:
        """The weight this stands for."""
        return self.unpacked().dequantize(dtype)
