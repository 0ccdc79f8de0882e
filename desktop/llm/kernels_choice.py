"""Which way this processor multiplies quantized weights fastest: tried out, not guessed.

Our own C code (``kernels_native.py``) is there where it could be compiled; torch's 4-bit kernel depends
on AVX-512 and is missing in builds for Windows; torch's 8-bit one takes twice the memory. Processors
differ too much for a table, so all that there are multiply the same matrices for a fraction of a second
when a model is loaded, and the answer comes with a sentence that says why. Imports torch, no Qt.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

import torch
from torch import Tensor

from desktop.bilingual import Bilingual
from desktop.llm.fast import Weight
from desktop.llm.kernels import Dense, Int8, Linear
from desktop.llm.kernels_int4 import GROUPS, Int4, fast_dtype, faster_way, has_int4_kernel
from desktop.llm.kernels_native import LEVELS, Native, fits_native, library
from desktop.llm.packing import StoredMatrix
from desktop.llm.quantize import GroupQuantized

Name = Literal["native", "int4", "int8"]

PROBE = (4096, 2560)
PROBES = 3
"""Together they do not fit into the cache of a core, as a model does not."""

ROUNDS = 5

GAIN = 1.15
"""8 bits take twice the memory; they have to be this much faster."""

NAMES = {
    "native": Bilingual("自带的 4 位内核", "our own 4-bit kernel"),
    "int4": Bilingual("torch 的 4 位内核", "torch’s 4-bit kernel"),
    "int8": Bilingual("torch 的 8 位整数内核", "torch’s 8-bit kernel"),
}


@dataclass(frozen=True)
class Choice:
    """A way to multiply, and why it was chosen."""

    name: Name
    why: Bilingual
    seconds: tuple[tuple[str, float], ...] = ()
    """What was measured: seconds for one token through the probe."""

    @property
    def form(self) -> Literal["int4", "int8"]:
        """The form the weights take in memory."""
        return "int8" if self.name == "int8" else "int4"

    def make(self, weight: Weight) -> Linear:
        """Bring a weight into this form."""
        if isinstance(weight, Tensor):
            return Dense(weight.bfloat16())
        if self.name == "native" and weight.bits == 4:
            stored = weight if isinstance(weight, StoredMatrix) else StoredMatrix.of(weight)
            if fits_native(stored):
                return Native(stored)
        plain = weight.unpacked() if isinstance(weight, StoredMatrix) else weight
        if plain.bits == 4 and plain.group in GROUPS and self.name != "int8":
            return Int4(plain)
        return Int8.rounded(plain)


@cache
def choose_for_processor() -> Choice:
    """Measure once in the life of the program."""
    seconds = _measure()
    cost = {name: time * (GAIN if name == "int8" else 1.0) for name, time in seconds.items()}
    best = min(cost, key=lambda name: cost[name])
    return Choice(best, _why(best, seconds), tuple(seconds.items()))


def _why(best: Name, seconds: dict[Name, float]) -> Bilingual:
    capability = torch.backends.cpu.get_cpu_capability()
    found = library()
    if best == "native" and found is not None:
        capability = LEVELS[found.level]
    whole = best == "int8" or faster_way() == "int8"
    wide = "bf16" if fast_dtype() is torch.bfloat16 else "fp32"
    prompts = "8 bit" if whole else wide
    others_zh, others_en = [], []
    for name, time_taken in seconds.items():
        if name != best:
            times = time_taken / seconds[best]
            gap = " " if NAMES[name].zh[0].isascii() else ""
            others_zh.append(f"速度是{gap}{NAMES[name].zh}的 {times:.1f} 倍")
            others_en.append(f"{times:.1f} times as fast as {NAMES[name].en}")
    missing = Bilingual("", "")
    if "native" not in seconds:
        missing = Bilingual(
            "自带的内核没有随这份安装编译，或不适合这台处理器。",
            " Our own kernel was not compiled with this installation, or does not suit this processor.",
        )
    zh = "，".join([f"实测：{NAMES[best].zh}（{capability}）", *others_zh])
    en = f"Measured: {NAMES[best].en} ({capability})"
    en += f" is {' and '.join(others_en)}" if others_en else " is used"
    return Bilingual(
        f"{zh}；提示用 {prompts} 计算。{missing.zh}",
        f"{en}; prompts are multiplied in {prompts}.{missing.en}",
    )


def _measure() -> dict[Name, float]:
    """Seconds for one token through a few matrices, in alternation; the shortest of several times,
    because others who use the machine can only make it slower."""
    rows, columns = PROBE
    rng = torch.Generator().manual_seed(0)
    codes = torch.randint(0, 16, PROBE, dtype=torch.uint8, generator=rng)
    numbers = torch.full((rows, columns // 64), 0.01, dtype=torch.bfloat16)
    four = GroupQuantized(codes, numbers, numbers, 4, 64)
    eight, scales = codes.view(torch.int8), torch.full((rows,), 0.01)
    ways: dict[Name, Sequence[Linear]] = {}
    if library() is not None:
        stored = StoredMatrix.of(four)
        ways["native"] = [Native(stored) for _ in range(PROBES)]
    if has_int4_kernel():
        ways["int4"] = [Int4(four) for _ in range(PROBES)]
    if "native" not in ways:  # it does the same as 8 bits do, with half to read
        ways["int8"] = [Int8(eight, scales) for _ in range(PROBES)]
    x = torch.randn(1, columns, generator=rng)
    found: dict[Name, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, linears in ways.items():
            found[name].append(_seconds(lambda linears=linears: _through(linears, x)))  # type: ignore[misc]
    return {name: min(times) for name, times in found.items()}


def _through(linears: Sequence[Linear], x: Tensor) -> None:
    for linear in linears:
        linear.one(x)


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
