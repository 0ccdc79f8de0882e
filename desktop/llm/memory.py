"""Will it fit? An estimate of what a model takes, part by part, before anything is loaded.

Counted are the weights in the form in which they are computed with, the keys and values of a full
context, and the room that computing needs. What other programs hold is not free and not counted as
such. Nothing here is a guarantee: other programs go on living. Imports psutil, and torch only to ask a
graphics card; no Qt.
"""

from __future__ import annotations

import errno
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from desktop.bilingual import Bilingual, GlassboxError

if TYPE_CHECKING:
    from desktop.llm.phi import PhiConfig

Form = Literal["float32", "bfloat16", "int8", "int4"]

PART = 512
"""Tokens of a prompt that are computed with at once; see ``cache.READ_AT_ONCE``."""

SCRATCH = 64 << 20
"""Buffers for unpacking, the allocator's slack and what torch takes for itself."""

LEAVE_FREE = 512 << 20
"""What should remain for everybody else."""

MEASURED_TO = 10_000_000
"""How exactly the memory of a model can be measured: what was free in the program before may be used
again for it, and the rest of the program takes and gives memory meanwhile."""


@dataclass(frozen=True)
class Estimate:
    """Bytes a model takes: ``weights``, ``cache`` (keys and values of a full context), ``work``."""

    weights: int
    cache: int
    work: int
    capacity: int
    form: Form
    device: str
    half_cache: bool = False
    """Keys and values in 16 bits on the processor."""

    @property
    def total(self) -> int:
        """All of it."""
        return self.weights + self.cache + self.work


@dataclass(frozen=True)
class Offer:
    """Something to try when a model does not fit, and what it would take then."""

    kind: Literal["context", "bits", "device"]
    text: Bilingual
    estimate: Estimate


@dataclass(frozen=True)
class Verdict:
    """Whether it fits, in a sentence, with offers if not."""

    fits: bool
    text: Bilingual
    offers: tuple[Offer, ...] = ()


def estimate(
    config: PhiConfig,
    *,
    form: Form = "int4",
    group: int = 64,
    capacity: int | None = None,
    device: str = "cpu",
    half_cache: bool = False,
) -> Estimate:
    """What a model of this size takes when computed with in this form.

    ``half_cache``: keys and values in 16 bits, as our own kernel keeps them on the processor.
    """
    capacity = capacity or config.max_position_embeddings
    each = 2 if half_cache or device.startswith("cuda") else 4
    if form == "bfloat16":
        each = 2
    positions = config.num_hidden_layers * capacity
    cache = 2 * positions * config.num_key_value_heads * config.head_dim * each
    part = min(PART, capacity)
    wide = 5 * config.hidden_size + 2 * config.intermediate_size
    work = part * wide * 6 + 4 * part * capacity + 6 * 4 * config.vocab_size
    weights = _weights(config, form, group)
    return Estimate(weights, cache, work + SCRATCH, capacity, form, device, half_cache)


def _weights(config: PhiConfig, form: Form, group: int) -> int:
    embeddings = config.vocab_size * config.hidden_size
    matrices = embeddings + config.num_hidden_layers * (
        2 * config.hidden_size * (config.hidden_size + config.num_key_value_heads * config.head_dim)
        + 2 * config.hidden_size * config.intermediate_size
    )
    others = config.parameter_count - matrices - embeddings
    if form == "int4":
        return matrices // 2 + 4 * (matrices // group) + 2 * embeddings + 4 * others
    if form == "int8":
        return matrices + 2 * embeddings + 4 * others
    return config.parameter_count * (4 if form == "float32" else 2)


def available(device: str = "cpu") -> int:
    """Bytes nobody holds right now."""
    if device.startswith("cuda"):
        import torch

        return int(torch.cuda.mem_get_info(torch.device(device))[0])
    import psutil

    return int(psutil.virtual_memory().available)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether the machine or the card had no more memory to give; every library says it its own way."""
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":  # torch's
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError) and any(part in text for part in _SAID)


_SAID = ("out of memory", "can't allocate memory", "cannot allocate memory", "not enough memory")


class NotEnoughMemoryError(GlassboxError):
    """The model does not fit; ``verdict`` has the offers."""

    def __init__(self, verdict: Verdict) -> None:
        zh = "或者".join(offer.text.zh for offer in verdict.offers)
        en = ", or ".join(offer.text.en for offer in verdict.offers)
        hint = Bilingual(f"可以试试{zh}。", f"Try {en}.") if zh else _CLOSE_PROGRAMS
        super().__init__(verdict.text, hint)
        self.verdict = verdict


_CLOSE_PROGRAMS = Bilingual(
    "关掉一些占内存的程序再试。", "Close programs that take much memory and try again."
)


class MemoryFullError(GlassboxError):
    """The system gave no more memory in the middle of something."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(
            Bilingual("内存不够，这一步没能完成。", "There was not enough memory for this."),
            Bilingual(
                "关掉别的程序、换一个更小或 4 位的模型，或者缩短对话，再试一次。其余一切照常。",
                "Close other programs, take a smaller or 4-bit model, or shorten the conversation, "
                "and try again. Everything else goes on.",
            ),
            f"{type(error).__name__}: {error}",
        )


def held_by_this_process() -> int:
    """Bytes of main memory this program holds."""
    import psutil

    return int(psutil.Process().memory_info().rss)


def judge(
    config: PhiConfig,
    wanted: Estimate,
    free: int | None = None,
    *,
    group: int = 64,
    other_device_free: int | None = None,
) -> Verdict:
    """Compare an estimate with what is free; ``other_device_free`` is main memory when the estimate
    is about a graphics card."""
    free = available(wanted.device) if free is None else free
    need, have = gigabytes(wanted.total), gigabytes(free)
    if wanted.total + LEAVE_FREE <= free:
        return Verdict(
            True,
            Bilingual(
                f"需要约 {need}，空闲 {have}，放得下。", f"About {need} of {have} free: it fits."
            ),
        )
    place = (
        Bilingual("显存", "The graphics card")
        if wanted.device != "cpu"
        else Bilingual("内存", "Memory")
    )
    offers = _offers(config, wanted, free, group, other_device_free)
    return Verdict(
        False,
        Bilingual(
            f"{place.zh}不够：大约需要 {need}，现在只空着 {have}（其余被别的程序占用）。",
            f"{place.en} is too full: about {need} are needed and {have} are free, the rest is held by "
            "other programs.",
        ),
        offers,
    )


def offers_instead(config: PhiConfig, running: Estimate) -> tuple[Offer, ...]:
    """What to try when a loaded model has run out of memory while computing. What it holds itself is
    free again by the time it is loaded another way."""
    on_card = running.device != "cpu"
    free = available(running.device) + running.total
    return _offers(config, running, free, 64, available() if on_card else None)


def _offers(
    config: PhiConfig, wanted: Estimate, free: int, group: int, other: int | None
) -> tuple[Offer, ...]:
    offers = []

    def fits(tried: Estimate, room: int) -> bool:
        return tried.total + LEAVE_FREE <= room

    def tried(form: Form, capacity: int, device: str) -> Estimate:
        return estimate(
            config,
            form=form,
            group=group,
            capacity=capacity,
            device=device,
            half_cache=wanted.half_cache,
        )

    shorter = _longest_context(config, wanted, free, group)
    if shorter is not None:
        offers.append(
            Offer(
                "context",
                Bilingual(
                    f"把上下文缩短到 {shorter.capacity} 个词元（约 {gigabytes(shorter.total)}）",
                    f"a context of {shorter.capacity} tokens (about {gigabytes(shorter.total)})",
                ),
                shorter,
            )
        )
    four = tried("int4", wanted.capacity, wanted.device)
    if wanted.form != "int4" and fits(four, free):
        offers.append(
            Offer(
                "bits",
                Bilingual(
                    f"量化到 4 位（约 {gigabytes(four.total)}）",
                    f"4 bits a weight (about {gigabytes(four.total)})",
                ),
                four,
            )
        )
    on_cpu = tried(wanted.form, wanted.capacity, "cpu")
    if wanted.device != "cpu" and other is not None and fits(on_cpu, other):
        offers.append(
            Offer(
                "device",
                Bilingual(
                    f"改用处理器（约 {gigabytes(on_cpu.total)} 内存）",
                    f"the processor instead (about {gigabytes(on_cpu.total)} of memory)",
                ),
                on_cpu,
            )
        )
    return tuple(offers)


def _longest_context(config: PhiConfig, wanted: Estimate, free: int, group: int) -> Estimate | None:
    capacity = wanted.capacity // 2
    while capacity >= 256:
        tried = estimate(
            config,
            form=wanted.form,
            group=group,
            capacity=capacity,
            device=wanted.device,
            half_cache=wanted.half_cache,
        )
        if tried.total + LEAVE_FREE <= free:
            return tried
        capacity //= 2
    return None


def gigabytes(count: int) -> str:
    """Bytes for people."""
    return f"{count / 1e9:.1f} GB" if count >= 1e8 else f"{count / 1e6:.0f} MB"
