"""A matrix of 4-bit codes on a graphics card.

- `Int4Card`: torch's own 4-bit kernel, for compute capability 8.0 (Ampere, RTX 30) and newer.
- `UnpackedOnUse`: older cards have no such kernel. The codes stay in 4 bits in the card's memory and
  are unpacked each time they are used: slower, but the model fits.

Nothing is compiled at run time. Imports torch, no Qt.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from desktop.llm.packing import pack, unpack
from desktop.llm.quantize import GroupQuantized

GROUPS = (32, 64, 128, 256)


def fits_kernel(weight: GroupQuantized) -> bool:
    """Whether torch's kernel takes a weight of this shape."""
    return weight.bits == 4 and weight.group in GROUPS and weight.shape[1] % 32 == 0


class Int4Card:
    """Codes in the order of torch's kernel."""

    def __init__(self, weight: GroupQuantized, device: torch.device) -> None:
        self.rows, self.columns = weight.shape
        self._group = weight.group
        missing = -self.rows % 8
        codes, scales, offsets = (
            F.pad(part, (0, 0, 0, missing))
            for part in (weight.codes, weight.scales, weight.offsets)
        )
        tiles = next(n for n in (8, 4, 2) if self.columns % (16 * n) == 0)
        pairs = pack(codes, 4).to(device)
        self._packed = torch.ops.aten._convert_weight_to_int4pack(pairs, tiles)
        numbers = torch.stack([scales.t(), offsets.t()], -1)
        self._numbers = numbers.bfloat16().contiguous().to(device)

    @property
    def nbytes(self) -> int:
        return self._packed.nbytes + self._numbers.nbytes

    def one(self, x: Tensor) -> Tensor:
        product = torch.ops.aten._weight_int4pack_mm(
            x.bfloat16(), self._packed, self._group, self._numbers
        )
        return product[:, : self.rows]

    def many(self, x: Tensor) -> Tensor:
        return self.one(x)

    def exactly(self, x: Tensor, rows: Tensor) -> Tensor:
        return self.one(x)[0, rows].float()


class UnpackedOnUse:
    """Codes two to a byte, and the matrix they stand for only while it is needed."""

    def __init__(self, weight: GroupQuantized, device: torch.device, dtype: torch.dtype) -> None:
        self.rows, self.columns = weight.shape
        self._bits, self._group, self._dtype = weight.bits, weight.group, dtype
        packable = weight.bits in (4, 8)
        codes = pack(weight.codes, weight.bits) if packable else weight.codes
        self._packed = codes.to(device, copy=True)
        self._packable = packable
        self._scales = weight.scales.to(device, dtype)
        self._offsets = weight.offsets.to(device, dtype)

    @property
    def nbytes(self) -> int:
        return self._packed.nbytes + self._scales.nbytes + self._offsets.nbytes

    def one(self, x: Tensor) -> Tensor:
        return F.linear(x.to(self._dtype), self._matrix(slice(None)))

    def many(self, x: Tensor) -> Tensor:
        return self.one(x)

    def exactly(self, x: Tensor, rows: Tensor) -> Tensor:
        return self._matrix(rows).float() @ x.float().flatten()

    def _matrix(self, rows: slice | Tensor) -> Tensor:
        codes = self._packed[rows]
        codes = unpack(codes, self._bits) if self._packable else codes
        codes = codes.view(len(codes), -1, self._group).to(self._dtype)
        weight = (codes - 2 ** (self._bits - 1)) * self._scales[rows][..., None]
        return (weight + self._offsets[rows][..., None]).flatten(1)
