"""``glassbox model import PATH``: quantize a model from a file or folder into the models folder."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from desktop.bilingual import Bilingual
from desktop.commands.arguments import Parser
from desktop.commands.models import add_quantization, described, follow, open_store, settings
from desktop.commands.output import Output
from desktop.llm.beside import gigabytes

if TYPE_CHECKING:
    from desktop.llm.store import StoredModel


def add_arguments(parser: Parser) -> None:
    """What to import, under which name, how to store it."""
    parser.add_argument(
        "path",
        metavar="PATH",
        type=Path,
        help=parser.pick(
            "文件夹、.safetensors 或 .gguf 文件", "a folder, a .safetensors or a .gguf file"
        ),
    )
    parser.add_argument(
        "--name", metavar="NAME", help=parser.pick("在这里叫什么", "what to call it here")
    )
    add_quantization(parser)


def run(arguments: argparse.Namespace) -> int:
    """Import and say how large and how exact the result is."""
    output: Output = arguments.output
    store = open_store(arguments)
    before = {model.name for model in store.list()}
    follow(output, store.add(arguments.path, arguments.name, settings(arguments)))
    added = [model for model in store.list() if model.name not in before]
    for model in added:
        show(output, model)
    return 0


def show(output: Output, model: StoredModel) -> None:
    """The imported model, with the error of each tensor in JSON."""
    manifest = model.manifest
    tensors = manifest.tensors if manifest else {}
    output.data(
        described(model)
        | {
            "tensors": {
                name: {
                    "form": record.form,
                    "relative_error": record.relative_error,
                    "largest_error": record.largest_error,
                }
                for name, record in tensors.items()
            }
        }
    )
    size, error = gigabytes(model.nbytes), manifest.error if manifest else 0.0
    output.say(
        Bilingual(
            f"已导入“{model.name}”：{size}，量化后的权重平均相差 {error:.1%}。"
            if error
            else f"已导入“{model.name}”：{size}，没有量化。",
            f"Imported “{model.name}”: {size}; the quantized weights are {error:.1%} off on average."
            if error
            else f"Imported “{model.name}”: {size}, not quantized.",
        )
    )
