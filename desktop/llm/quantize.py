"""Group-wise quantization: storing a weight in 2 to 8 bits instead of 16 or 32.

A row of a weight matrix is cut into groups of neighbouring columns (32 to 256). Each group keeps two
ordinary numbers, a *scale* and an *offset*, and one small whole number, a *code*, per weight:

    weight ≈ scale · (code − middle) + offset,      code ∈ {0, …, 2ᵇ − 1},  middle = 2ᵇ⁻¹

Small groups follow the weights closely but spend more bits on scales: b bits plus 32 / group for
a scale and an offset in bfloat16. The form is the one torch's int4 kernels take, where a code of
``middle`` means “exactly the offset”.

How the two numbers are chosen decides the error. ``fit="minmax"`` spans each group's range exactly, so
one outlier makes every step coarse. ``fit="mse"`` (the default) also tries narrower ranges that clip
the outlier, then alternates: the best scale and offset for the codes (least squares, a straight-line
fit), the best codes for these. Every candidate is judged as it will be stored, rounded to bfloat16,
so the result is never worse than min–max. It needs no data, as in
*Half-Quadratic Quantization* (Badri & Shaji, 2023). ``native_fit.py`` has the same in C, for speed.

Imports torch only.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

Fit = Literal["minmax", "mse"]

CLIPPED_RANGES = (1.0, 0.9, 0.8)
"""Fractions of a group's range that are tried; below half, clipping always costs more."""

REFINEMENTS = 3
"""Rounds of: best scale and offset for these codes, then best codes for these."""

WEIGHTS_AT_ONCE = 1 << 18
"""Weights worked on at a time: the search looks at them again and again, so that they and its
temporary copies should stay in the processor's cache. With 16 times as many it takes ten times as long."""

NOT_FINITE = "the weight has values that are not finite"


@dataclass(frozen=True, eq=False)
class GroupQuantized:
    """A quantized matrix of ``shape`` (rows, columns).

    ``codes`` (rows, columns) uint8; ``scales`` and ``offsets`` (rows, columns / group) bfloat16.
    """

    codes: Tensor
    scales: Tensor
    offsets: Tensor
    bits: int
    group: int

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the weight."""
        return self.codes.shape[0], self.codes.shape[1]

    @property
    def nbytes(self) -> int:
        """Bytes this takes when codes are packed ``8 / bits`` to a byte."""
        packed = (self.codes.numel() * self.bits + 7) // 8
        return packed + 2 * (self.scales.numel() + self.offsets.numel())

    def dequantize(self, dtype: torch.dtype = torch.float32) -> Tensor:
        """The weight this stands for, (rows, columns)."""
        rows, columns = self.shape
        codes = self.codes.view(rows, -1, self.group).to(torch.float32) - 2 ** (self.bits - 1)
        weight = codes * self.scales.float()[..., None] + self.offsets.float()[..., None]
        return weight.view(rows, columns).to(dtype)


@dataclass(frozen=True)
class QuantizationError:
    """How far a quantized tensor is from the original.

    ``squared`` is the sum of squared differences, ``total`` the sum of squares of the original,
    ``largest`` the largest absolute difference.
    """

    squared: float
    total: float
    largest: float
    bits_per_weight: float

    @property
    def relative(self) -> float:
        """‖W − Ŵ‖ / ‖W‖ (Frobenius norms)."""
        return (self.squared / self.total) ** 0.5 if self.total else 0.0


def quantize(weight: Tensor, bits: int = 4, group: int = 64, fit: Fit = "mse") -> GroupQuantized:
    """Quantize ``weight`` (rows, columns); columns must be a multiple of ``group``.

    Raises ``ValueError`` for other shapes, for bits outside 2…8 and for weights that are not finite.
    """
    check_quantizable(weight, bits, group)
    parts = [_quantize_rows(rows, bits, group, fit) for rows in _row_blocks(weight)]
    codes, scales, offsets = (torch.cat(tensors) for tensors in zip(*parts, strict=True))
    return GroupQuantized(codes, scales, offsets, bits, group)


def check_quantizable(weight: Tensor, bits: int, group: int) -> None:
    """Raise ``ValueError`` for bits that there are not and shapes that have no whole groups."""
    if not 2 <= bits <= 8:
        raise ValueError(f"bits must be between 2 and 8, not {bits}")
    if weight.dim() != 2 or weight.shape[1] % group:
        raise ValueError(
            f"cannot cut a weight of shape {tuple(weight.shape)} into groups of {group}"
        )


def quantization_error(weight: Tensor, quantized: GroupQuantized) -> QuantizationError:
    """Compare a quantized tensor with the original, block by block."""
    squared, total, largest, row = 0.0, 0.0, 0.0, 0
    for block in _row_blocks(weight):
        rows = slice(row, row + len(block))
        part = GroupQuantized(
            quantized.codes[rows],
            quantized.scales[rows],
            quantized.offsets[rows],
            quantized.bits,
            quantized.group,
        )
        block = block.float()
        difference = block - part.dequantize()
        squared += float(difference.square().sum(dtype=torch.float64))
        total += float(block.square().sum(dtype=torch.float64))
        largest = max(largest, float(difference.abs().max()))
        row += len(block)
    return QuantizationError(squared, total, largest, 8 * quantized.nbytes / weight.numel())


def _row_blocks(weight: Tensor) -> Iterator[Tensor]:
    rows = max(1, WEIGHTS_AT_ONCE // weight.shape[1])
    yield from weight.split(rows)


def _quantize_rows(
    weight: Tensor, bits: int, group: int, fit: Fit
) -> tuple[Tensor, Tensor, Tensor]:
    rows, columns = weight.shape
    groups = weight.float().reshape(rows, columns // group, group)
    if not torch.isfinite(groups).all():
        raise ValueError(NOT_FINITE)
    low, high = groups.amin(-1, keepdim=True), groups.amax(-1, keepdim=True)
    best = _Best(groups, bits)
    for part in CLIPPED_RANGES if fit == "mse" else (1.0,):
        middle, half = (high + low) / 2, (high - low) / 2 * part
        scale = 2 * half / (2**bits - 1)
        offset = middle + scale / 2  # the code 2ᵇ⁻¹ lies half a step above the centre of the range
        best.consider(scale, offset)
    for _ in range(REFINEMENTS if fit == "mse" else 0):
        best.consider(*_least_squares(groups, best.codes, bits))
    return best.codes.reshape(rows, columns), best.scale[..., 0], best.offset[..., 0]


def _least_squares(groups: Tensor, codes: Tensor, bits: int) -> tuple[Tensor, Tensor]:
    """The scale and offset with the smallest squared error for given codes: a straight-line fit."""
    centred = codes.float() - 2 ** (bits - 1)
    code_mean, weight_mean = centred.mean(-1, keepdim=True), groups.mean(-1, keepdim=True)
    deviation = centred - code_mean
    variance = deviation.square().sum(-1, keepdim=True)
    covariance = (deviation * (groups - weight_mean)).sum(-1, keepdim=True)
    scale = torch.where(variance > 0, covariance / variance.clamp_min(1e-30), 0.0)
    return scale, weight_mean - scale * code_mean


class _Best:
    """The best (scale, offset, codes) seen so far, group by group."""

    def __init__(self, groups: Tensor, bits: int) -> None:
        self._groups, self._bits = groups, bits
        shape = (*groups.shape[:2], 1)
        self.error = torch.full(shape, torch.inf)
        self.scale = torch.zeros(shape, dtype=torch.bfloat16)
        self.offset = torch.zeros(shape, dtype=torch.bfloat16)
        self.codes = torch.zeros_like(groups, dtype=torch.uint8)

    def codes_for(self, scale: Tensor, offset: Tensor) -> Tensor:
        """The nearest code of each weight."""
        step = torch.where(scale == 0, 1.0, scale)
        middle, most = 2 ** (self._bits - 1), 2**self._bits - 1
        return ((self._groups - offset) / step + middle).round().clamp(0, most).to(torch.uint8)

    def consider(self, scale: Tensor, offset: Tensor) -> None:
        """Keep these numbers, rounded as they will be stored, where they have a smaller error."""
        stored_scale, stored_offset = scale.bfloat16(), offset.bfloat16()
        scale, offset = stored_scale.float(), stored_offset.float()
        codes = self.codes_for(scale, offset)
        value = (codes.float() - 2 ** (self._bits - 1)) * scale + offset
        error = (value - self._groups).square().sum(-1, keepdim=True)
        better = error < self.error
        self.error = torch.where(better, error, self.error)
        self.scale = torch.where(better, stored_scale, self.scale)
        self.offset = torch.where(better, stored_offset, self.offset)
        self.codes = torch.where(better, codes, self.codes)
