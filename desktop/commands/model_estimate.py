"""``glassbox model estimate PATH``: what a model is, what importing and running it would take.

Reads headers only. PATH may be the name of a model that is already here.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from desktop.bilingual import Bilingual
from desktop.commands.arguments import Parser, whole
from desktop.commands.models import add_quantization, open_store, settings
from desktop.commands.output import Output, table
from desktop.llm.beside import gigabytes


def add_arguments(parser: Parser) -> None:
    """Which model, how stored, how long a context."""
    parser.add_argument(
        "path",
        metavar="PATH",
        help=parser.pick("文件、文件夹，或已有模型的名字", "a file, a folder, or a model's name"),
    )
    parser.add_argument(
        "--context",
        type=whole(1, 2**20),
        metavar="N",
        help=parser.pick("上下文多少个词元（默认用满）", "tokens of context (all it can)"),
    )
    add_quantization(parser)


def run(arguments: argparse.Namespace) -> int:
    """Estimate and print."""
    from desktop.llm import memory
    from desktop.llm.convert import plan
    from desktop.llm.fast_open import likely_memory
    from desktop.llm.sources import open_source

    output: Output = arguments.output
    chosen = settings(arguments)
    path = Path(arguments.path)
    if not path.exists() and path.name == arguments.path:
        path = open_store(arguments).get(arguments.path).path
    with open_source(path) as source:
        config = source.config
        converted = source.kind == "glassbox"
        disk = source.nbytes if converted else sum(r.nbytes for r in plan(source, chosen).values())
        stored = source.nbytes
        formats = sorted({info.dtype for info in source.tensors.values()})
    context = min(
        arguments.context or config.max_position_embeddings, config.max_position_embeddings
    )
    need = likely_memory(config, context, bits=arguments.bits, group=arguments.group)
    verdict = memory.judge(config, need, group=arguments.group)
    output.data(
        {
            "path": str(path),
            "kind": source.kind,
            "parameters": config.parameter_count,
            "formats": formats,
            "stored_bytes": stored,
            "converted_bytes": disk,
            "bits": arguments.bits,
            "context": context,
            "memory": {
                "weights_bytes": need.weights,
                "cache_bytes": need.cache,
                "work_bytes": need.work,
                "total_bytes": need.total,
                "free_bytes": memory.available(),
            },
            "fits": verdict.fits,
            "why": output.pick(verdict.text),
        }
    )
    rows = [
        (Bilingual("权重个数", "weights"), f"{config.parameter_count:,}"),
        (Bilingual("文件里", "in the file"), f"{gigabytes(stored)} ({', '.join(formats)})"),
        (Bilingual("导入后", "once imported"), gigabytes(disk)),
        (Bilingual("内存：权重", "memory: weights"), gigabytes(need.weights)),
        (
            Bilingual(
                f"内存：{context} 个词元的键和值", f"memory: keys and values of {context} tokens"
            ),
            gigabytes(need.cache),
        ),
        (Bilingual("内存：计算", "memory: computing"), gigabytes(need.work)),
    ]
    for line in table([(output.pick(label), value) for label, value in rows]):
        output.say(line)
    output.say(verdict.text)
    for offer in verdict.offers:
        output.say(Bilingual(f"可以试试：{offer.text.zh}", f"Try {offer.text.en}."))
    return 0
