"""``glassbox model download phi-2``: fetch the published weights, check them, import them.

The only command that uses a network. It first says from where, under which licence, how much, and how
much room there is, and asks; ``--yes`` answers beforehand. What has come is kept when it is
interrupted, and the next call goes on from there.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from contextlib import closing
from typing import Any, cast

from desktop.bilingual import Bilingual
from desktop.commands.arguments import Parser, UsageError
from desktop.commands.model_import import show
from desktop.commands.models import (
    ProgressLine,
    add_quantization,
    downloads,
    follow,
    open_store,
    settings,
)
from desktop.commands.output import Output
from desktop.llm.beside import gigabytes
from desktop.llm.download import download, look_up
from desktop.llm.hub import KNOWN, Connection, DownloadProgress, Offer


def add_arguments(parser: Parser) -> None:
    """Which model, from where, and whether to ask."""
    parser.add_argument(
        "model", metavar="MODEL", choices=sorted(KNOWN), help=", ".join(sorted(KNOWN))
    )
    parser.add_argument(
        "--yes", action="store_true", help=parser.pick("不再询问，直接下载", "do not ask")
    )
    parser.add_argument(
        "--endpoint",
        metavar="URL",
        default="",
        help=parser.pick("镜像地址（默认取 HF_ENDPOINT）", "a mirror's address (HF_ENDPOINT)"),
    )
    parser.add_argument(
        "--proxy", metavar="URL", default="", help=parser.pick("代理地址", "a proxy's address")
    )
    parser.add_argument(
        "--keep",
        action="store_true",
        help=parser.pick("导入后保留原文件", "keep the original files after importing"),
    )
    add_quantization(parser)


def run(arguments: argparse.Namespace) -> int:
    """Look up, ask, fetch, import."""
    output: Output = arguments.output
    store, name = open_store(arguments), arguments.model
    if any(model.name == name for model in store.list()):
        output.data({"type": "done", "name": name, "already": True})
        output.say(Bilingual(f"“{name}”已经有了。", f"“{name}” is already here."))
        return 0
    connection = Connection(arguments.endpoint, arguments.proxy)
    folder = downloads(arguments) / name
    offer = look_up(KNOWN[name], folder, connection)
    _tell(output, offer)
    if not (arguments.yes or _agreed(output)):
        return 1
    _fetch(output, offer, connection)
    follow(output, store.add(folder, name, settings(arguments)))
    if not arguments.keep:
        shutil.rmtree(folder, ignore_errors=True)
    show(output, store.get(name))
    return 0


def _tell(output: Output, offer: Offer) -> None:
    size, here, free = (gigabytes(count) for count in (offer.bytes, offer.here, offer.free))
    output.data(
        {
            "type": "offer",
            "from": offer.address,
            "repository": offer.model.repository,
            "revision": offer.model.revision,
            "licence": offer.licence,
            "bytes": offer.bytes,
            "here_bytes": offer.here,
            "free_bytes": offer.free,
            "files": {file.name: file.bytes for file in offer.files},
        }
    )
    output.say(
        Bilingual(
            f"{offer.model.repository}，来自 {offer.address}\n许可证：{offer.licence}\n"
            f"大小：{size}（已有 {here}），磁盘空闲 {free}",
            f"{offer.model.repository} from {offer.address}\nlicence: {offer.licence}\n"
            f"size: {size} ({here} already here), {free} free on the disk",
        )
    )


def _agreed(output: Output) -> bool:
    if output.as_json or sys.stdin is None or not sys.stdin.isatty():
        raise UsageError(
            Bilingual("还没有开始下载。", "The download has not been started."),
            Bilingual("加上 --yes 表示同意下载。", "Add --yes to agree to it."),
        )
    output.flush()
    question = output.pick(Bilingual("现在下载吗？[y/N] ", "Download now? [y/N] "))
    return input(question).strip().lower() in ("y", "yes", "是", "好")


def _fetch(output: Output, offer: Offer, connection: Connection) -> None:
    line = ProgressLine(output)
    steps = download(offer, connection)
    with closing(cast(Any, steps)) as running:
        try:
            for step in running:
                line.show(step.done / max(1, step.total), _words(step))
        finally:
            line.end()


def _words(step: DownloadProgress) -> Bilingual:
    size = f"{gigabytes(step.done)} / {gigabytes(step.total)}"
    if step.state == "waiting":
        return Bilingual(
            f"{step.reason.zh}，{step.wait:.0f} 秒后再试",
            f"{step.reason.en}, next try in {step.wait:.0f} s",
        )
    if step.state == "checking":
        return Bilingual(f"核对已有的部分 {step.file}", f"Checking what is here of {step.file}")
    return Bilingual(f"下载 {size}  {step.file}", f"Downloading {size}  {step.file}")
