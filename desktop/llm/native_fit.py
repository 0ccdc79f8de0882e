"""A weight quantized as it will be stored, and how far that is from the original, in one go.

``fit`` does what ``quantize``, ``pack`` and ``quantization_error`` do one after the other. With our
compiled C code (``native_fit.c``) every weight is fetched from memory once, and Phi-2 takes seconds
instead of minutes; without it, the three are called. Imports torch, no Qt.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from desktop.llm.kernels_native import library
from desktop.llm.packing import PACKED_BITS, StoredMatrix
from desktop.llm.quantize import (
    CLIPPED_RANGES,
    NOT_FINITE,
    REFINEMENTS,
    Fit,
    check_quantizable,
    quantization_error,
    quantize,
)

WEIGHTS_AT_ONCE = 1 << 22
WIDEST_GROUP = 256
"""The widest group there is room for in C."""


@dataclass(frozen=True, eq=False)
class Fitted:
    """A quantized weight with the sum of its squared errors, the sum of the original's squares, and
    the largest error."""

    stored: StoredMatrix
    squared: float
    total: float
    largest: float


class FitStruct(ctypes.Structure):
    """``Fit`` in C."""

    _fields_ = (
        *(
            (name, ctypes.c_void_p)
            for name in ("weights", "codes", "scales", "offsets", "squared", "total", "largest")
        ),
        *(
            (name, ctypes.c_int64)
            for name in ("rows", "columns", "group", "bits", "ranges", "refinements")
        ),
        ("range", ctypes.c_void_p),
    )


def fit(weight: Tensor, bits: int, group: int, how: Fit = "mse") -> Fitted:
    """Quantize ``weight`` (rows, columns) to 4 or 8 bits; raises as ``quantize`` does."""
    function = compiled()
    if function is None or bits not in PACKED_BITS or group % 8 or group > WIDEST_GROUP:
        return fit_in_torch(weight, bits, group, how)
    check_quantizable(weight, bits, group)
    rows, columns = weight.shape
    numbers = (rows, columns // group)
    stored = StoredMatrix(
        torch.empty(rows, columns * bits // 8, dtype=torch.uint8),
        torch.empty(numbers, dtype=torch.bfloat16),
        torch.empty(numbers, dtype=torch.bfloat16),
        bits,
        group,
    )
    squared, total = torch.empty(2, rows, dtype=torch.float64)
    largest, ranges = torch.empty(rows), torch.tensor(CLIPPED_RANGES if how == "mse" else (1.0,))
    written = (stored.packed, stored.scales, stored.offsets, squared, total, largest)
    for part in _some_rows(weight):
        weights = weight[part].float().contiguous()
        given = FitStruct(
            weights.data_ptr(),
            *(tensor[part].data_ptr() for tensor in written),
            len(weights),
            columns,
            group,
            bits,
            len(ranges),
            REFINEMENTS if how == "mse" else 0,
            ranges.data_ptr(),
        )
        function(ctypes.byref(given), torch.get_num_threads())
    if bool(largest.isnan().any()):
        raise ValueError(NOT_FINITE)
    return Fitted(stored, float(squared.sum()), float(total.sum()), float(largest.max()))


def _some_rows(weight: Tensor) -> Iterator[slice]:
    """A few million weights at a time, so that their copy as float32 stays small."""
    step = max(1, WEIGHTS_AT_ONCE // weight.shape[1])
    return (slice(start, start + step) for start in range(0, len(weight), step))


def fit_in_torch(weight: Tensor, bits: int, group: int, how: Fit = "mse") -> Fitted:
    """The same without our C code."""
    made = quantize(weight, bits, group, how)
    error = quantization_error(weight, made)
    return Fitted(StoredMatrix.of(made), error.squared, error.total, error.largest)


def compiled() -> Callable[..., Any] | None:
    """The C function, if it is there and this processor can run it."""
    found = library()
    return getattr(found.functions, "native_fit", None) if found is not None else None
