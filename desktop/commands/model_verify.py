"""``glassbox model verify NAME``: read every byte of a model and compare checksums."""

from __future__ import annotations

import argparse

from desktop.bilingual import Bilingual
from desktop.commands.arguments import Parser
from desktop.commands.models import follow, open_store
from desktop.commands.output import Output


def add_arguments(parser: Parser) -> None:
    """Which model."""
    parser.add_argument("name", metavar="NAME", help=parser.pick("模型的名字", "the model"))


def run(arguments: argparse.Namespace) -> int:
    """Verify; anything wrong is an error."""
    output: Output = arguments.output
    follow(output, open_store(arguments).verify(arguments.name))
    output.data({"name": arguments.name, "ok": True})
    output.say(Bilingual(f"“{arguments.name}”完好无损。", f"“{arguments.name}” is intact."))
    return 0
