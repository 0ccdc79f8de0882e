"""``glassbox model remove NAME``: delete a model from the models folder."""

from __future__ import annotations

import argparse

from desktop.bilingual import Bilingual
from desktop.commands.arguments import Parser
from desktop.commands.models import open_store
from desktop.commands.output import Output
from desktop.llm.beside import gigabytes


def add_arguments(parser: Parser) -> None:
    """Which model."""
    parser.add_argument("name", metavar="NAME", help=parser.pick("模型的名字", "the model"))


def run(arguments: argparse.Namespace) -> int:
    """Remove and say what that freed."""
    output: Output = arguments.output
    freed = open_store(arguments).remove(arguments.name)
    output.data({"name": arguments.name, "freed_bytes": freed})
    output.say(
        Bilingual(
            f"已删除“{arguments.name}”，腾出 {gigabytes(freed)}。",
            f"Removed “{arguments.name}”, which frees {gigabytes(freed)}.",
        )
    )
    return 0
