"""From a model's files to something that can be talked to: the one way in for chat and commands.

Which way a model is computed is decided here and said in a sentence (``why``):

- a small one, such as those the lessons train, as it is, by the readable code: it is fast enough
- on a graphics card, in 4 bits (``fast_cuda.py``)
- on the processor, in whichever way this one multiplies fastest (``kernels_choice.py``)

A model that Glassbox converted opens in seconds. Any other file of weights is quantized while it is
read, which takes several times as long; importing it once is better.
Imports torch, no Qt.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from desktop.bilingual import Bilingual
from desktop.llm.cache import Decoder, ReadableDecoder
from desktop.llm.devices import card_failed, on_best_device
from desktop.llm.fast import FastDecoder, QuantizedPhi, Weight, prepare
from desktop.llm.fast_native import decoder_for
from desktop.llm.kernels_choice import choose_for_processor
from desktop.llm.kernels_int4 import Int4
from desktop.llm.kernels_native import LEVELS, Native, library
from desktop.llm.memory import (
    Estimate,
    Form,
    MemoryFullError,
    NotEnoughMemoryError,
    Verdict,
    available,
    estimate,
    gigabytes,
    held_by_this_process,
    is_out_of_memory,
    judge,
)
from desktop.llm.native_fit import fit
from desktop.llm.phi import PhiConfig
from desktop.llm.sources import WeightSource, load_phi, open_source
from desktop.llm.sources.converted import ConvertedSource
from desktop.llm.tokenizer import Tokenizer

SMALL = 64_000_000
"""Up to this many weights a model is used as it is."""

BITS, GROUP = 4, 64

PLENTY = 3
"""Memory that goes into speed alone is taken only if this many times as much is free."""

Progress = Callable[[float], None]


@dataclass(frozen=True, eq=False)
class OpenedModel:
    """A model ready to write, and how it is computed."""

    decoder: Decoder
    tokenizer: Tokenizer
    name: str
    path: str
    why: Bilingual
    device: str
    load_s: float
    nbytes: int
    """Main memory that this program took for it, as measured (``memory.MEASURED_TO``); keys and values
    come as the context fills."""
    expected: Estimate | None = None
    """What was estimated before, to be held against that."""


def open_for_chat(
    path: Path,
    *,
    capacity: int | None = None,
    device: str | None = None,
    progress: Progress | None = None,
    check_memory: bool = True,
) -> OpenedModel:
    """Open a model's files, of any kind that ``sources`` reads.

    ``device`` is ``"cpu"``, ``"cuda"`` or ``None`` for the best there is; ``capacity`` at most what
    the model was made for. ``progress`` hears 0 to 1 and may raise to stop. Raises
    ``NotEnoughMemoryError`` and the errors of ``sources``.
    """
    try:
        with open_source(path) as source:
            try:
                return _open(source, capacity, device, progress, check_memory)
            except (MemoryError, RuntimeError, OSError) as error:
                if not is_out_of_memory(error):
                    raise
                raise _memory_ran_out(source.config, capacity, device or "cpu") from error
    except (MemoryError, RuntimeError, OSError) as error:
        if not is_out_of_memory(error):
            raise
        raise MemoryFullError(error) from error


def _memory_ran_out(config: PhiConfig, capacity: int | None, device: str) -> NotEnoughMemoryError:
    """The check before found enough, but the system gave less, or others took it meanwhile."""
    capacity = min(capacity or config.max_position_embeddings, config.max_position_embeddings)
    if config.parameter_count <= SMALL:
        needed = estimate(config, form="float32", capacity=capacity)
    else:
        needed = expected_memory(config, capacity, device)
    text = Bilingual(
        f"内存不够：大约需要 {gigabytes(needed.total)}，系统没有全给。",
        f"Memory is full: about {gigabytes(needed.total)} are needed, and the system gave less.",
    )
    free = min(available(device), needed.total)
    other = available() if device != "cpu" else None
    offers = judge(config, needed, free, other_device_free=other).offers
    return NotEnoughMemoryError(Verdict(False, text, offers))


def _open(
    source: WeightSource,
    capacity: int | None,
    device: str | None,
    progress: Progress | None,
    check_memory: bool,
) -> OpenedModel:
    started, before = time.perf_counter(), held_by_this_process()
    config, tokenizer = source.config, source.tokenizer()
    capacity = min(capacity or config.max_position_embeddings, config.max_position_embeddings)
    if config.parameter_count <= SMALL:
        expected = estimate(config, form="float32", capacity=capacity)
        _check(config, expected, check_memory)
        decoder: Decoder = ReadableDecoder(load_phi(source), capacity)
        where, path, why = "cpu", "phi.py float32", _SMALL_WHY
    else:
        model = QuantizedPhi(config, SourceWeights(source))

        def open_on(where: str) -> tuple[Decoder, str, Bilingual]:
            return open_quantized(model, capacity, where, progress, check_memory)

        (decoder, path, why), where, no_card = on_best_device(open_on, device)
        expected = expected_memory(config, capacity, where)
        why = no_card.then(why)
    return OpenedModel(
        decoder,
        tokenizer,
        source.name,
        path,
        why,
        where,
        time.perf_counter() - started,
        _taken(decoder, where, before),
        expected,
    )


def _taken(decoder: Decoder, device: str, before: int) -> int:
    """What the program holds more than before. At least the weights: they may have found a place in
    memory that it held already."""
    weights = 0 if device.startswith("cuda") else decoder.weights_nbytes
    return max(held_by_this_process() - before, weights)


def open_quantized(
    model: QuantizedPhi,
    capacity: int,
    device: str = "cpu",
    progress: Progress | None = None,
    check_memory: bool = True,
) -> tuple[Decoder, str, Bilingual]:
    """The decoder for quantized weights, a short name of its path, and why that one."""
    if device.startswith("cuda"):
        from desktop.llm.fast_cuda import open_on_card

        _check(model.config, expected_memory(model.config, capacity, device), check_memory)
        return open_on_card(model, capacity, device, progress)
    choice = choose_for_processor()
    _check(model.config, expected_memory(model.config, capacity, device), check_memory)
    decoder = decoder_for(prepare(model, choice.make, progress), capacity)
    kept = _keep_whole_numbers(decoder)
    path, why = planned_path()
    return decoder, path, why.then(kept)


def planned_path(device: str = "cpu") -> tuple[str, Bilingual]:
    """How a model that is not small would be computed there: a short name, and why that way. A card is
    tried with a small model."""
    if device.startswith("cuda"):
        from desktop.llm.card_check import PROBE, probe_model
        from desktop.llm.fast_cuda import open_on_card

        try:
            _, path, why = open_on_card(probe_model(), PROBE.max_position_embeddings, device)
        except RuntimeError as error:
            path, why = planned_path()
            why = card_failed(error).then(why)
        return path, why
    choice = choose_for_processor()
    capability = torch.backends.cpu.get_cpu_capability()
    if choice.name == "native" and (found := library()) is not None:
        capability = LEVELS[found.level]
    return f"fast.py {choice.name} {capability}", choice.why


def _keep_whole_numbers(decoder: FastDecoder) -> Bilingual:
    """Let prompts keep the 8-bit form of the weights if there is a lot of memory nobody uses."""
    weights = decoder.weights
    linears = [linear for layer in weights.layers for linear in (layer.inward, layer.outward)]
    four = [one for one in linears if isinstance(one, (Int4, Native)) and one.way == "int8"]
    needed = sum(one.rows * one.columns for one in four)
    if not four or PLENTY * needed + decoder.nbytes > available():
        return Bilingual("", "")
    for one in four:
        one.keep = True
    return Bilingual(
        f"内存充裕：读第一个提示时会另外保留权重的 8 位形式（{gigabytes(needed)}），之后的提示读得更快。",
        f"There is plenty of memory: the first prompt keeps an 8-bit form of the weights "
        f"({gigabytes(needed)}), so that later ones are read faster.",
    )


def expected_memory(config: PhiConfig, capacity: int, device: str = "cpu") -> Estimate:
    """What a model of this size takes when it is opened quantized on this machine."""
    if device.startswith("cuda"):
        return estimate(config, capacity=capacity, device=device)
    choice = choose_for_processor()
    half = choice.name == "native"
    return estimate(config, form=choice.form, capacity=capacity, half_cache=half)


def likely_memory(
    config: PhiConfig, capacity: int, *, bits: int = 4, group: int = GROUP
) -> Estimate:
    """What it would probably take on the processor, told at once: nothing is measured for it."""
    if config.parameter_count <= SMALL:
        return estimate(config, form="float32", capacity=capacity)
    forms: dict[int, Form] = {4: "int4", 8: "int8", 16: "bfloat16"}
    half = bits == 4 and library() is not None
    return estimate(config, form=forms[bits], group=group, capacity=capacity, half_cache=half)


def _check(config: PhiConfig, expected: Estimate, wanted: bool) -> None:
    if not wanted:
        return
    verdict = judge(config, expected)
    if not verdict.fits:
        raise NotEnoughMemoryError(verdict)


_SMALL_WHY = Bilingual(
    "模型很小，直接用可读的代码以全精度计算就足够快。",
    "The model is small: the readable code in full precision is fast enough.",
)


class SourceWeights(Mapping[str, Weight]):
    """A source's weights, each read, and quantized if it is not yet, when it is asked for."""

    def __init__(self, source: WeightSource) -> None:
        self._source = source

    def __getitem__(self, name: str) -> Weight:
        source = self._source
        if isinstance(source, ConvertedSource):
            return source.model.read(name)
        tensor = source.read(name)
        matrix = tensor.dim() == 2 and "embed" not in name and tensor.shape[1] % GROUP == 0
        return fit(tensor, BITS, GROUP).stored if matrix else tensor

    def __iter__(self) -> Iterator[str]:
        return iter(self._source.tensors)

    def __len__(self) -> int:
        return len(self._source.tensors)
