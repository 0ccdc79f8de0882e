"""Made-up weights of Phi-2's exact shape, for measuring where there is no Phi-2.

Speed does not depend on what the numbers are. ``RandomWeights`` makes them directly in 4 bits, a matrix
at a time, so that memory stays that of the quantized model. ``convert_random`` goes the whole way of a
real model instead: a folder as on the hub in float16 (5.6 GB of disk) is written, then converted, and
what that takes is measured. Imports torch when it runs; no Qt.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from desktop.commands.memory import peak_memory

if TYPE_CHECKING:
    from torch import Tensor

    from desktop.llm.fast import Weight
    from desktop.llm.phi import PhiConfig
    from desktop.llm.tokenizer import Tokenizer

GROUP = 64
POOL = 1 << 24
"""So many random numbers are drawn, and used again and again."""

TOKENS = 50_000
WEIGHTS_AT_ONCE = 1 << 22


def phi_2() -> PhiConfig:
    """The sizes of Phi-2."""
    from desktop.llm.phi import PhiConfig

    return PhiConfig(51200, 2560, 10240, 32, 32, 32, 2048, partial_rotary_factor=0.4)


def random_tokenizer(config: PhiConfig) -> Tokenizer:
    """About as many tokens as Phi-2 has, a letter each; none without a row in the model."""
    from desktop.llm.tokenizer import Tokenizer

    count = min(TOKENS, config.vocab_size * 9 // 10)
    return Tokenizer.characters("".join(map(chr, range(0x21, 0x21 + count))))


class RandomWeights(Mapping[str, "Weight"]):
    """Made-up weights by name, each made when it is asked for and forgotten after."""

    def __init__(self, config: PhiConfig) -> None:
        import torch

        self._shapes = _shapes(config)
        rng = torch.Generator().manual_seed(0)
        self._codes = torch.randint(0, 16, (POOL,), dtype=torch.uint8, generator=rng)
        self.seconds = 0.0

    def __getitem__(self, name: str) -> Weight:
        started = time.perf_counter()
        made = self._make(name, self._shapes[name])
        self.seconds += time.perf_counter() - started
        return made

    def _make(self, name: str, shape: tuple[int, ...]) -> Weight:
        import torch

        from desktop.llm.quantize import GroupQuantized

        if len(shape) == 1:
            return torch.ones(shape) if "norm.weight" in name else torch.zeros(shape)
        rows, columns = shape
        times = -(-rows * columns // len(self._codes))
        codes = self._codes.repeat(times)[: rows * columns].view(shape)
        if "embed" in name:
            return codes.to(torch.bfloat16).sub_(7.5).mul_(0.004)
        scales = torch.full((rows, columns // GROUP), 0.0043, dtype=torch.bfloat16)
        return GroupQuantized(codes, scales, scales / 2, 4, GROUP)

    def __iter__(self) -> Iterator[str]:
        return iter(self._shapes)

    def __len__(self) -> int:
        return len(self._shapes)


def _shapes(config: PhiConfig) -> dict[str, tuple[int, ...]]:
    from desktop.llm.sources.source import expected_shapes

    return expected_shapes(config)


# ------------------------------------------------------------------------------------------------
# The whole way


def convert_random(folder: Path, config: PhiConfig) -> tuple[Path, dict[str, Any]]:
    """Write such a model to ``folder``, convert it, and remove the original: the converted one, and
    what the conversion took."""
    from desktop.llm.beside import check_space
    from desktop.llm.convert import convert
    from desktop.llm.manifest import read_manifest
    from desktop.llm.sources import open_source

    original, target = folder / "original", folder / "random phi-2"
    check_space(folder, int(2.7 * config.parameter_count))
    write_random(original, config)
    before, started = peak_memory(), time.perf_counter()
    with open_source(original) as source:
        for _ in convert(source, target):
            pass
    seconds, peak = time.perf_counter() - started, peak_memory()
    for path in original.iterdir():
        path.unlink()
    manifest = read_manifest(target)
    return target, {
        "convert_s": seconds,
        "convert_error": manifest.error,
        "convert_bytes": sum(record.bytes for record in manifest.files),
        "convert_peak_rss_bytes": peak,
        "before_convert_peak_rss_bytes": before,
    }


def write_random(folder: Path, config: PhiConfig) -> None:
    """A folder as on the hub, in float16: normal weights, norms of one, no biases."""
    import torch

    from desktop.llm.phi_config import config_to_json
    from desktop.llm.safetensors_writer import SafetensorsWriter

    folder.mkdir(parents=True)
    tokenizer = random_tokenizer(config)
    told = config_to_json(config, "float16", tokenizer.end_of_text)
    (folder / "config.json").write_text(json.dumps(told), encoding="utf-8")
    (folder / "tokenizer.json").write_text(tokenizer.to_json(), encoding="utf-8")
    pool = torch.randn(POOL, generator=torch.Generator().manual_seed(0)).mul_(0.02).half()
    shapes = _shapes(config)
    entries = {name: ("F16", shape) for name, shape in shapes.items()}
    with SafetensorsWriter(folder / "model.safetensors", entries) as writer:
        for number, (name, shape) in enumerate(shapes.items()):
            for row, block in _random_rows(pool, number, name, shape):
                writer.write(name, row, block)


def _random_rows(
    pool: Tensor, number: int, name: str, shape: tuple[int, ...]
) -> Iterator[tuple[int, Tensor]]:
    import torch

    if len(shape) == 1:
        make = torch.ones if "norm.weight" in name else torch.zeros
        yield 0, make(shape, dtype=torch.float16)
        return
    rows, columns = shape
    step = max(1, min(WEIGHTS_AT_ONCE, len(pool)) // columns)
    for row in range(0, rows, step):
        count = min(step, rows - row)
        start = (number * 7_919 + row) * 64 % (len(pool) - count * columns + 1)
        yield row, pool[start : start + count * columns].view(count, columns)
