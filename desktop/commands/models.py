"""What the ``glassbox model`` commands share: the store, settings, a line that shows progress.

Imports torch only when a command runs, not while its arguments are read.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Generator, Iterable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from desktop import paths
from desktop.bilingual import Bilingual
from desktop.commands.arguments import Parser
from desktop.commands.output import Output

if TYPE_CHECKING:
    import argparse

    from desktop.llm.convert import ConversionSettings, Progress
    from desktop.llm.store import ModelStore, StoredModel

EVERY_SECONDS = 0.2
EVERY_TENTH = 0.1


def open_store(arguments: argparse.Namespace) -> ModelStore:
    """The models of this user."""
    from desktop.llm.store import ModelStore

    return ModelStore(paths.data_dir(arguments.data_dir) / "models")


def downloads(arguments: argparse.Namespace) -> Path:
    """Where downloads lie until they are imported."""
    return paths.data_dir(arguments.data_dir) / "downloads"


def add_quantization(parser: Parser) -> None:
    """How an imported model is to be stored."""
    parser.add_argument(
        "--bits",
        type=int,
        choices=(4, 8, 16),
        default=4,
        help=parser.pick(
            "每个权重几位，16 表示不量化（默认 4）", "bits per weight, 16 for no quantization (4)"
        ),
    )
    parser.add_argument(
        "--group",
        type=int,
        choices=(16, 32, 64, 128, 256),
        default=64,
        help=parser.pick("几个权重共用一个缩放系数（默认 64）", "weights that share a scale (64)"),
    )
    parser.add_argument(
        "--embedding-bits",
        type=int,
        choices=(8, 16),
        default=16,
        help=parser.pick("嵌入矩阵每个权重几位（默认 16）", "bits of the embedding (16)"),
    )


def settings(arguments: argparse.Namespace) -> ConversionSettings:
    """What ``add_quantization`` read."""
    from desktop.llm.convert import ConversionSettings

    return ConversionSettings(
        bits=arguments.bits, group=arguments.group, embedding_bits=arguments.embedding_bits
    )


class ProgressLine:
    """Progress on standard error: one line rewritten on a terminal, a line every tenth elsewhere."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._terminal = sys.stderr is not None and sys.stderr.isatty()
        self._shown, self._tenth, self._width = 0.0, 0.0, 0

    def show(self, fraction: float, text: Bilingual) -> None:
        """Show it, if the last one is old enough."""
        if sys.stderr is None:
            return
        line = f"{fraction:4.0%}  {self._output.pick(text)}"
        if not self._terminal:
            if fraction >= self._tenth:
                sys.stderr.write(line + "\n")
                self._tenth = min(fraction + EVERY_TENTH, 1.0) if fraction < 1 else 2.0
            return
        if time.monotonic() - self._shown < EVERY_SECONDS and fraction < 1:
            return
        self._shown = time.monotonic()
        sys.stderr.write("\r" + line.ljust(self._width))
        sys.stderr.flush()
        self._width = len(line)

    def end(self) -> None:
        """What comes next begins on a line of its own."""
        if self._terminal and self._width:
            sys.stderr.write("\n")
            sys.stderr.flush()


def follow(output: Output, steps: Iterable[Progress]) -> None:
    """Do all of something long, showing how far it has come; stops it properly if interrupted."""
    line = ProgressLine(output)
    with closing(cast(Generator[Any, None, None], steps)) as running:
        try:
            for step in running:
                name = Bilingual.same(f"  {step.tensor}" if step.tensor else "")
                what = Bilingual(step.what.zh + name.zh, step.what.en + name.en)
                line.show(step.fraction, what)
        finally:
            line.end()


def described(model: StoredModel) -> dict[str, Any]:
    """A model as ``--json`` shows it."""
    manifest = model.manifest
    return {
        "name": model.name,
        "path": str(model.path),
        "origin": model.origin,
        "bytes": model.nbytes,
        "bits": model.bits,
        "parameters": model.config.parameter_count,
        "context": model.config.max_position_embeddings,
        "relative_error": manifest.error if manifest else None,
        "source": manifest.source_name if manifest else None,
        "created": manifest.created if manifest else None,
    }
