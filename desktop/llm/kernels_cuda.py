"""A matrix of 4-bit codes on a graphics card.

- `Int4Card`: torch's own 4-bit kernel, for compute capability 8.0 (Ampere, RTX 30) and newer.
- `UnpackedOnUse`: for cards on which that kernel is missing or computes wrongly. The codes stay in 4
  bits in the card's memory and are unpacked each time they are used: slower, but the model fits.

Nothing is compiled at run time. Imports torch, no Qt.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from desktop.llm.packing import PACKED_BITS, StoredMatrix, pack, unpack
from desktop.llm.quantize import GroupQuantized

Quantized = GroupQuantized | StoredMatrix

GROUPS = (32, 64, 128, 256)

SLAB = 1 << 23
"""Weights unpacked at a time: the largest matrix of Phi-2 has 16 times as many, and unpacked at once it
would take more memory than is reserved for computing."""


def fits_kernel(weight: Quantized) -> bool:
    """Whether torch's kernel takes a weight of this shape."""
    return weight.bits == 4 and weight.group in GROUPS and weight.shape[1] % 32 == 0


def _packed(weight: Quantized) -> Tensor:
    """The codes, several to a byte where they fit."""
    if isinstance(weight, StoredMatrix):
        return weight.packed
    return pack(weight.codes, weight.bits) if weight.bits in PACKED_BITS else weight.codes


class Int4Card:
    """Codes in the order of torch's kernel, which is that of the card's matrix units.

    They lie as (rows / 8, blocks of columns, 32 lanes, words of 32 bits). A lane has one of the 8 rows
    and a quarter of the columns, and the 8 codes in a word are not neighbours: see `_codes`.
    """

    def __init__(self, weight: Quantized, device: torch.device) -> None:
        self.rows, self.columns = weight.shape
        self._group = weight.group
        missing = -self.rows % 8
        codes, scales, offsets = (
            F.pad(part, (0, 0, 0, missing))
            for part in (_packed(weight), weight.scales, weight.offsets)
        )
        tiles = next(n for n in (8, 4, 2) if self.columns % (16 * n) == 0)
        self._packed = torch.ops.aten._convert_weight_to_int4pack(codes.to(device), tiles)
        numbers = torch.stack([scales.t(), offsets.t()], -1)
        self._numbers = numbers.bfloat16().contiguous().to(device)
        self._shifts = torch.arange(0, 32, 4, device=device)

    @property
    def nbytes(self) -> int:
        return self._packed.nbytes + self._numbers.nbytes

    def one(self, x: Tensor) -> Tensor:
        product = torch.ops.aten._weight_int4pack_mm(
            x.bfloat16().contiguous(), self._packed, self._group, self._numbers
        )
        return product[:, : self.rows]

    def many(self, x: Tensor) -> Tensor:
        return self.one(x)

    def exactly(self, x: Tensor, rows: Tensor) -> Tensor:
        codes = self._codes(rows).view(len(rows), -1, self._group).float() - 8
        numbers = self._numbers[:, rows].float().transpose(0, 1)
        weight = codes * numbers[..., :1] + numbers[..., 1:]
        return weight.flatten(1) @ x.float().flatten()

    def _codes(self, rows: Tensor) -> Tensor:
        """The codes of some rows in their natural order.

        A word covers 32 columns. Of each 8 columns in a row, lane j has 2j and 2j + 1; a word first
        holds the even ones of its four eights, then the odd ones.
        """
        tiles, blocks, _, words = self._packed.shape
        lanes = self._packed.view(tiles, blocks, 8, 4, words)[rows // 8, :, rows % 8]
        codes = (lanes[..., None] >> self._shifts) & 15
        apart = codes.view(len(rows), blocks, 4, words, 2, 4)
        row, block, lane, word, odd, eight = range(6)
        return apart.permute(row, block, word, eight, lane, odd).reshape(len(rows), -1)


class UnpackedOnUse:
    """Codes two to a byte, and the matrix they stand for only while it is needed, slab by slab."""

    def __init__(self, weight: Quantized, device: torch.device, dtype: torch.dtype) -> None:
        self.rows, self.columns = weight.shape
        self._bits, self._group, self._dtype = weight.bits, weight.group, dtype
        self._packed = _packed(weight).to(device, copy=True)
        self._scales = weight.scales.to(device, dtype)
        self._offsets = weight.offsets.to(device, dtype)

    @property
    def nbytes(self) -> int:
        return self._packed.nbytes + self._scales.nbytes + self._offsets.nbytes

    def one(self, x: Tensor) -> Tensor:
        x, step = x.to(self._dtype), max(1, SLAB // self.columns)
        slabs = (slice(start, start + step) for start in range(0, self.rows, step))
        return torch.cat([F.linear(x, self._matrix(slab, self._dtype)) for slab in slabs], 1)

    def many(self, x: Tensor) -> Tensor:
        return self.one(x)

    def exactly(self, x: Tensor, rows: Tensor) -> Tensor:
        return self._matrix(rows, torch.float32) @ x.float().flatten()

    def _matrix(self, rows: slice | Tensor, dtype: torch.dtype) -> Tensor:
        codes = self._packed[rows]
        codes = unpack(codes, self._bits) if self._bits in PACKED_BITS else codes
        weight = codes.view(len(codes), -1, self._group).to(dtype).sub_(2 ** (self._bits - 1))
        weight.mul_(self._scales[rows][..., None]).add_(self._offsets[rows][..., None])
        return weight.flatten(1)
