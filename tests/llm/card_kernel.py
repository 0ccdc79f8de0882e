"""torch's 4-bit kernel for cards, as its source computes it, number by number: for tests without a card.

``aten/src/ATen/native/cuda/int4mm.cu``: `matrix_to_m16n8k16_Bint4_layout` packs, `BLayout_TC_int4` reads.
"""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

LANES = 32


def convert(pairs: Tensor, inner: int) -> Tensor:
    """``_convert_weight_to_int4pack``: (rows, columns / 2) bytes, the even column in the upper half."""
    assert pairs.dtype is torch.uint8
    assert pairs.is_contiguous()
    rows, columns = pairs.shape[0], 2 * pairs.shape[1]
    assert columns % (16 * inner) == 0
    packed = torch.zeros((rows + 7) // 8, columns // (16 * inner), LANES, inner // 2).int()
    for tile, block, lane, word in torch.cartesian_prod(*map(torch.arange, packed.shape)).tolist():
        first = (block * inner + 2 * word) * 8 + lane % 4
        row = pairs[tile * 8 + lane // 4].tolist()
        v = [row[first + step] for step in (0, 4, 8, 12)]
        bits = 0
        for place, byte in enumerate(v):
            bits |= (byte >> 4) << (4 * place) | (byte & 15) << (16 + 4 * place)
        packed[tile, block, lane, word] = bits - 2**32 if bits >= 2**31 else bits
    return packed


def multiply(x: Tensor, packed: Tensor, group: int, numbers: Tensor) -> Tensor:
    """``_weight_int4pack_mm``: weights rounded to bfloat16, products added in float32."""
    assert x.dtype is torch.bfloat16
    assert x.is_contiguous()
    assert packed.dtype is torch.int32
    rows, columns = packed.shape[0] * 8, x.shape[1]
    assert packed.shape[1:3] == (columns // (packed.shape[3] * 32), LANES)
    assert numbers.shape == (columns // group, rows, 2)
    assert numbers.dtype is torch.bfloat16
    codes = torch.zeros(rows, columns)
    words = packed.tolist()
    for tile, block, lane, word in torch.cartesian_prod(*map(torch.arange, packed.shape)).tolist():
        bits = words[tile][block][lane][word]
        start = (block * packed.shape[3] + word) * 32 + 2 * (lane % 4)
        for place in range(4):
            row, column = tile * 8 + lane // 4, start + 8 * place
            codes[row, column] = (bits >> (4 * place)) & 15
            codes[row, column + 1] = (bits >> (16 + 4 * place)) & 15
    scales, zeros = (numbers[..., n].float().t().repeat_interleave(group, 1) for n in (0, 1))
    weight = ((codes - 8) * scales + zeros).bfloat16().float()
    return (x.float() @ weight.t()).bfloat16()


@pytest.fixture
def emulated_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    """The processor computes what a card would."""
    monkeypatch.setattr(torch.ops.aten, "_convert_weight_to_int4pack", convert)
    monkeypatch.setattr(torch.ops.aten, "_weight_int4pack_mm", multiply)
