"""``glassbox licenses``: what Glassbox is made of, and under which licences.

Imports neither torch nor Qt.
"""

from __future__ import annotations

import argparse

from desktop import licences
from desktop.bilingual import Bilingual
from desktop.commands.arguments import Parser
from desktop.commands.output import Output, table


def add_arguments(parser: Parser) -> None:
    """Whether the texts are wanted too."""
    parser.add_argument(
        "--full",
        action="store_true",
        help=parser.pick("连同许可全文", "with the full texts"),
    )


def run(arguments: argparse.Namespace) -> int:
    """Print the list."""
    output: Output = arguments.output
    parts = licences.parts()
    data = []
    for part in parts:
        entry = {"name": part.name, "version": part.version, "licence": part.licence}
        data.append({**entry, "text": part.text()} if arguments.full else entry)
    output.data(data)
    unnamed = output.pick(Bilingual("见全文", "see its text"))
    if not arguments.full:
        for line in table([(part.name, part.version, part.licence or unnamed) for part in parts]):
            output.say(line)
        return 0
    for part in parts:
        output.say(f"===== {part.name} {part.version} ({part.licence or unnamed})")
        output.say(part.text())
        output.say("")
    return 0
