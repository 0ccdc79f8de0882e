"""Does this graphics card compute right? Tried out when a model is opened, not believed.

Cards, drivers and builds of torch differ too much for a table. So before a way of computing is used,
its result is held against that of a simpler one:

- each form of a weight against the plain product in float32, on the processor (`CardForms`)
- a step that is replayed as a CUDA graph against the same step run piece by piece (`try_graphs`)

What raises or computes something else is not used, and a sentence says so. Rounding to 16 bits explains
a difference of some thousandths; a wrong order of codes or a forgotten input gives one near 1.
Imports torch, no Qt.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from desktop.bilingual import Bilingual
from desktop.llm.fast import QuantizedPhi, Weight
from desktop.llm.kernels import Dense, Linear
from desktop.llm.kernels_cuda import Int4Card, Quantized, UnpackedOnUse, fits_kernel
from desktop.llm.memory import is_out_of_memory
from desktop.llm.packing import StoredMatrix
from desktop.llm.phi import Phi, PhiConfig, initialise
from desktop.llm.quantize import GroupQuantized

Finding = Literal["right", "wrong", "failed", "slow", "untried", "too old"]
"""What trying something out has shown; ``"failed"``: it raised an error."""

AMPERE = (8, 0)

ROUNDING = 0.02
"""The largest difference, relative to the size of the whole result, that 16 bits explain."""

ROWS = 512
"""Of a product, so many rows are held against the plain one, spread over all of them."""

TOKENS = (1, 17)
"""Products are tried with one token, and with more than the 16 that the kernel takes at once."""

ROUNDS = 5

TWO_TOKENS = (0, 1)
"""Ids that every vocabulary has. Two show whether a graph heeds its token and position."""

PROBE = PhiConfig(512, 1280, 5120, 1, 16, 16, 256, partial_rotary_factor=0.4)
"""As wide as half of Phi-2, one layer deep."""


def probe_model() -> QuantizedPhi:
    """Something to try a card with when there is no model at hand."""
    model = Phi(PROBE)
    initialise(model, torch.Generator().manual_seed(0))
    return QuantizedPhi.from_phi(model, fit="minmax")


def agree(found: Tensor, wanted: Tensor) -> bool:
    """Whether two results are the same but for rounding; one that is not finite never is."""
    found, wanted = found.float().cpu(), wanted.float().cpu()
    return bool((found - wanted).norm() <= ROUNDING * wanted.norm())


# ------------------------------------------------------------------------------------------------
# Weights


class CardForms:
    """Brings weights into the form that this card computes with, tried out on the first of them."""

    def __init__(self, card: torch.device, capability: tuple[int, int]) -> None:
        self.card = card
        self.dtype = torch.bfloat16 if capability >= AMPERE else torch.float16
        self.kernel: Finding = "untried" if capability >= AMPERE else "too old"
        """What was found about torch's 4-bit kernel."""
        self.times = 0.0
        """How many times as fast as unpacking it is."""
        self._unpacking_tried = False

    def make(self, weight: Weight) -> Linear:
        """The form for one weight. Raises ``RuntimeError`` if the card cannot multiply at all."""
        if isinstance(weight, Tensor):
            return Dense(weight.to(self.card, self.dtype))
        if not self._unpacking_tried:
            self._try_unpacking(weight)
        if fits_kernel(weight):
            if self.kernel == "untried":
                self.kernel = self._try_kernel(weight)
            if self.kernel == "right":
                return Int4Card(weight, self.card)
        return UnpackedOnUse(weight, self.card, self.dtype)

    def _try_unpacking(self, weight: Quantized) -> None:
        if not Sample(weight, self.card).agrees(UnpackedOnUse(weight, self.card, self.dtype)):
            raise RuntimeError("the graphics card multiplies wrongly")
        self._unpacking_tried = True

    def _try_kernel(self, weight: Quantized) -> Finding:
        sample = Sample(weight, self.card)
        try:
            kernel = Int4Card(weight, self.card)
            if not sample.agrees(kernel):
                return "wrong"
        except (RuntimeError, AttributeError) as error:  # AttributeError: a torch without it
            if is_out_of_memory(error):
                raise
            return "failed"
        seconds = sample.seconds(kernel)
        self.times = sample.seconds(UnpackedOnUse(weight, self.card, self.dtype)) / seconds
        return "right" if self.times > 1 else "slow"


class Sample:
    """A few tokens, and some rows of their product with a weight, computed plainly."""

    def __init__(self, weight: Quantized, card: torch.device) -> None:
        rows, columns = weight.shape
        rng = torch.Generator().manual_seed(0)
        x = torch.randn(max(TOKENS), columns, generator=rng).bfloat16()
        self.rows = torch.arange(0, rows, max(1, rows // ROWS))
        self.wanted = x.float() @ some_rows(weight, self.rows).dequantize().t()
        self.x = x.to(card)

    def agrees(self, linear: Linear) -> bool:
        """Whether this form of the weight gives the same."""
        rows = self.rows.to(self.x.device)
        products = ((linear.many(self.x[:count])[:, rows], count) for count in TOKENS)
        return agree(linear.exactly(self.x[:1], rows), self.wanted[0]) and all(
            agree(product, self.wanted[:count]) for product, count in products
        )

    def seconds(self, linear: Linear) -> float:
        """How long one token takes; the shortest of several times, as others may use the card."""
        found = []
        for _ in range(ROUNDS):
            start = time.perf_counter()
            linear.one(self.x[:1]).cpu()  # fetching the result waits for it
            found.append(time.perf_counter() - start)
        return min(found)


def some_rows(weight: Quantized, rows: Tensor) -> Quantized:
    """A smaller matrix of these rows."""
    numbers = weight.scales[rows], weight.offsets[rows], weight.bits, weight.group
    if isinstance(weight, StoredMatrix):
        return StoredMatrix(weight.packed[rows], *numbers)
    return GroupQuantized(weight.codes[rows], *numbers)


# ------------------------------------------------------------------------------------------------
# Graphs


@dataclass(frozen=True)
class Steps:
    """Two ways to read a token at a position, and a way to forget what was read."""

    plain: Callable[[int, int], Tensor]
    replayed: Callable[[int, int], Tensor]
    forget: Callable[[], None]


def try_graphs(steps: Steps) -> Finding:
    """Hold replayed steps against plain ones; nothing of it stays in the cache.

    Raises ``RuntimeError`` if the card cannot compute the plain ones.
    """
    read = list(enumerate(TWO_TOKENS))
    wanted = [steps.plain(token, place).cpu() for place, token in read]
    steps.forget()
    if not torch.stack(wanted).isfinite().all():
        raise RuntimeError("the graphics card’s scores are not finite")
    try:
        steps.replayed(
            TWO_TOKENS[0], 0
        )  # records it, which runs the step itself and fills the cache
        steps.forget()
        found = [steps.replayed(token, place).to("cpu", copy=True) for place, token in read]
    except RuntimeError:
        return "failed"
    finally:
        steps.forget()
    return "right" if all(map(agree, found, wanted)) else "wrong"


# ------------------------------------------------------------------------------------------------
# In words


def path_on_card(capability: tuple[int, int], kernel: Finding, graphs: Finding) -> str:
    """The short name of the way that was chosen."""
    form = "int4" if kernel == "right" else "unpacked"
    steps = "graph" if graphs == "right" else "plain"
    return f"fast_cuda.py {form} {steps} sm_{_version(capability)}"


def why_on_card(
    capability: tuple[int, int], kernel: Finding, times: float, graphs: Finding
) -> Bilingual:
    """Why that way was chosen."""
    form = _KERNEL[kernel].format(version=_version(capability), times=f"{times:.1f}")
    if kernel != "right":
        form = Bilingual(form.zh + _UNPACKED.zh, form.en + _UNPACKED.en)
    return form.then(_GRAPHS[graphs])


def _version(capability: tuple[int, int]) -> str:
    return ".".join(map(str, capability))


_KERNEL: dict[Finding, Bilingual] = {
    "right": Bilingual(
        "实测：这块显卡（计算能力 {version}）上 torch 的 4 位内核结果正确，速度是现展开权重的 {times} 倍。",
        "Measured: on this card (compute capability {version}) torch’s 4-bit kernel computes correctly, "
        "{times} times as fast as unpacking the weights.",
    ),
    "wrong": Bilingual(
        "显卡（计算能力 {version}）的 4 位内核算出的结果不对，因此不用",
        "The card’s 4-bit kernel (compute capability {version}) gave wrong numbers and is not used",
    ),
    "failed": Bilingual(
        "显卡（计算能力 {version}）上 4 位内核运行出错，因此不用",
        "The card’s 4-bit kernel (compute capability {version}) failed and is not used",
    ),
    "slow": Bilingual(
        "实测：显卡（计算能力 {version}）的 4 位内核不比现展开权重快，因此不用",
        "Measured: the card’s 4-bit kernel (compute capability {version}) is no faster than unpacking and "
        "is not used",
    ),
    "untried": Bilingual(
        "这个模型的权重不是 4 位内核要的形式（显卡计算能力 {version}）",
        "This model’s weights are not in the form that the card’s 4-bit kernel takes (compute capability "
        "{version})",
    ),
    "too old": Bilingual(
        "显卡的计算能力是 {version}，低于 8.0，没有 4 位内核",
        "The card has compute capability {version}, below 8.0, and no 4-bit kernel",
    ),
}

_UNPACKED = Bilingual(
    "：权重压缩着存放，用到时再展开。", ": weights are kept packed and unpacked when used."
)

_GRAPHS: dict[Finding, Bilingual] = {
    "right": Bilingual("每个词元回放一张 CUDA 图。", "Each token replays one CUDA graph."),
    "wrong": Bilingual(
        "CUDA 图回放的结果不对，因此不用，生成会慢一些。",
        "The CUDA graph gave wrong numbers and is not used, so writing is slower.",
    ),
    "failed": Bilingual(
        "CUDA 图录制或回放出错，因此不用，生成会慢一些。",
        "Recording or replaying a CUDA graph failed, so none is used and writing is slower.",
    ),
}
