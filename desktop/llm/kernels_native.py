"""Multiplying by 4-bit codes with our own few hundred lines of C (``native.c``), where they were compiled.

torch's 4-bit kernel turns every code into an ordinary number before it multiplies, which keeps up with
memory on few processors. The C code multiplies whole numbers instead; ``kernels_choice.py`` measures
which is faster here. Nothing is compiled while the program runs: the library is built when Glassbox is
installed or packaged, and if that was not possible, as without a C compiler, everything works without it.

Codes stay as they lie in the file, so a converted model is ready as soon as it is read. For prompts,
which are bounded by arithmetic, they are unpacked slab by slab into what the processor multiplies
fastest: bfloat16 or whole numbers, as ``kernels_int4.py`` explains. Imports torch, no Qt.
"""

from __future__ import annotations

import ctypes
from functools import cache
from importlib.util import find_spec

import torch
import torch.nn.functional as F
from torch import Tensor

from desktop.llm.kernels import HUGE_PAGE, huge_empty, scratch
from desktop.llm.kernels_int4 import OUTLIERS, SLAB, Way, fast_dtype, faster_way
from desktop.llm.packing import StoredMatrix

LIBRARY = "desktop.llm._native"
GROUP = 64
"""The one size of group that is compiled."""

WIDEST = 32768
"""The widest input there is room for in C."""

FEW = 8
"""Up to this many tokens at once are multiplied without unpacking."""

LEVELS = {0: "", 1: "AVX2", 2: "AVX-512 VNNI"}


class MatrixStruct(ctypes.Structure):
    """``Matrix`` in C."""

    _fields_ = (
        ("codes", ctypes.c_void_p),
        ("scales", ctypes.c_void_p),
        ("offsets", ctypes.c_void_p),
        ("rows", ctypes.c_int64),
        ("columns", ctypes.c_int64),
    )


class Library:
    """The compiled functions and which instructions they use."""

    def __init__(self, functions: ctypes.CDLL, level: int) -> None:
        functions.native_room.restype = ctypes.c_int64
        self.functions = functions
        self.level = level
        self.room = int(functions.native_room())
        """Bytes to work in for each token."""

    def work(self, tokens: int = 1) -> Tensor:
        """Memory for rounded inputs."""
        return scratch("native", (tokens * self.room,), torch.uint8)


@cache
def library() -> Library | None:
    """The compiled library if it is there and this processor can run it.

    ``ATEN_CPU_CAPABILITY``, which limits torch's instructions, limits these as well.
    """
    found = find_spec(LIBRARY)
    if found is None or found.origin is None:
        return None
    try:
        functions = ctypes.CDLL(found.origin)
        level = int(functions.native_level())
    except (OSError, AttributeError):
        return None
    most = {"DEFAULT": 0, "AVX2": 1}.get(torch.backends.cpu.get_cpu_capability(), 2)
    level = min(level, most)
    return Library(functions, level) if level else None


def fits_native(weight: StoredMatrix) -> bool:
    """Whether the compiled code can multiply by this matrix."""
    rows, columns = weight.shape
    return weight.bits == 4 and weight.group == GROUP and 0 < columns <= WIDEST and rows > 0


class Native:
    """4-bit codes as they are stored."""

    def __init__(self, weight: StoredMatrix, way: Way | None = None) -> None:
        found = library()
        if found is None or not fits_native(weight):
            raise ValueError("the compiled code does not fit this processor or this matrix")
        self._library = found
        self.rows, self.columns = weight.shape
        self.way = way or faster_way()
        self.keep = False  # keep the 8-bit form of a slab once it has been made
        self._kept: dict[int, tuple[Tensor, Tensor]] = {}
        self._stored = StoredMatrix(
            _in_huge_pages(weight.packed),
            weight.scales.contiguous(),
            weight.offsets.contiguous(),
            weight.bits,
            weight.group,
        )
        self.struct = MatrixStruct(
            self._stored.packed.data_ptr(),
            self._stored.scales.data_ptr(),
            self._stored.offsets.data_ptr(),
            self.rows,
            self.columns,
        )

    @property
    def nbytes(self) -> int:
        return self._stored.nbytes + sum(codes.nbytes for codes, _ in self._kept.values())

    def one(self, x: Tensor) -> Tensor:
        x = x.float().contiguous()
        out = torch.empty(len(x), self.rows)
        self._library.functions.native_product(
            ctypes.byref(self.struct),
            ctypes.c_void_p(x.data_ptr()),
            len(x),
            None,
            ctypes.c_void_p(out.data_ptr()),
            ctypes.c_void_p(self._library.work(len(x)).data_ptr()),
            torch.get_num_threads(),
            self._library.level,
        )
        return out

    def many(self, x: Tensor) -> Tensor:
        if len(x) <= FEW:
            return self.one(x)
        return self._in_int8(x.float()) if self.way == "int8" else self._in_bf16(x)

    def exactly(self, x: Tensor, rows: Tensor) -> Tensor:
        stored = self._stored
        chosen = StoredMatrix(
            stored.packed[rows], stored.scales[rows], stored.offsets[rows], stored.bits, GROUP
        )
        return chosen.dequantize() @ x.float().flatten()

    # ---- prompts

    def _in_bf16(self, x: Tensor) -> Tensor:
        dtype = fast_dtype()
        x = x.to(dtype)
        out = torch.empty(len(x), self.rows, dtype=torch.bfloat16)
        for rows in self._slabs():
            slab = scratch("slab", (rows.stop - rows.start, self.columns), torch.bfloat16)
            self._library.functions.native_bfloat(
                ctypes.byref(self.struct),
                ctypes.c_int64(rows.start),
                len(slab),
                ctypes.c_void_p(slab.data_ptr()),
                torch.get_num_threads(),
            )
            if dtype != slab.dtype:
                slab = scratch("wide", slab.shape, dtype).copy_(slab)
            out[:, rows] = F.linear(x, slab)
        return out

    def _in_int8(self, x: Tensor) -> Tensor:
        large = x.abs().amax(0).topk(min(OUTLIERS, self.columns)).indices
        apart = x[:, large]
        rest = x.index_fill(1, large, 0.0)
        step = rest.abs().amax(1, keepdim=True).clamp_min(1e-12) / 127
        rounded = rest.div_(step).round_().to(torch.int8)
        out = torch.empty(len(x), self.rows, dtype=torch.bfloat16)
        for rows in self._slabs():
            codes, units = self._in_whole_numbers(rows)
            whole = scratch("whole", (len(x), len(codes)), torch.int32)
            torch._int_mm(rounded, codes.t(), out=whole)
            product = scratch("product", whole.shape, torch.float32).copy_(whole)
            product.mul_(step).addmm_(apart, codes[:, large].float().t())
            out[:, rows] = product.mul_(units)
        return out

    def _in_whole_numbers(self, rows: slice) -> tuple[Tensor, Tensor]:
        """A slab as 8-bit codes (those rows, columns), and what one unit of each row stands for."""
        if rows.start in self._kept:
            return self._kept[rows.start]
        shape = (rows.stop - rows.start, self.columns)
        codes = huge_empty(shape, torch.int8) if self.keep else scratch("codes", shape, torch.int8)
        units = torch.empty(len(codes))
        self._library.functions.native_bytes(
            ctypes.byref(self.struct),
            ctypes.c_int64(rows.start),
            len(codes),
            ctypes.c_void_p(codes.data_ptr()),
            ctypes.c_void_p(units.data_ptr()),
            torch.get_num_threads(),
        )
        if self.keep:
            self._kept[rows.start] = codes, units
        return codes, units

    def _slabs(self) -> list[slice]:
        step = max(16, SLAB // self.columns // 16 * 16)
        return [slice(start, min(start + step, self.rows)) for start in range(0, self.rows, step)]


def _in_huge_pages(packed: Tensor) -> Tensor:
    if packed.data_ptr() % HUGE_PAGE == 0 and packed.is_contiguous():
        return packed  # made by `huge_empty`
    return huge_empty(tuple(packed.shape), packed.dtype).copy_(packed)
