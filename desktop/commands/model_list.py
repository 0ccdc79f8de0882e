"""``glassbox model list``: the models on this machine, and folders that should be models."""

from __future__ import annotations

import argparse

from desktop.bilingual import Bilingual
from desktop.commands.arguments import Parser
from desktop.commands.models import described, open_store
from desktop.commands.output import Output, table
from desktop.llm.beside import gigabytes


def add_arguments(parser: Parser) -> None:
    """Nothing but what every command takes."""


def run(arguments: argparse.Namespace) -> int:
    """Print whole models, and the broken ones with the reason."""
    from desktop.llm.store import StoredModel

    output: Output = arguments.output
    store = open_store(arguments)
    found = store.look()
    whole = [model for model in found if isinstance(model, StoredModel)]
    broken = [model for model in found if not isinstance(model, StoredModel)]
    output.data(
        [
            *(described(model) | {"complete": True} for model in whole),
            *(
                {
                    "name": model.name,
                    "path": str(model.path),
                    "complete": False,
                    "message": output.pick(model.error.message),
                }
                for model in broken
            ),
        ]
    )
    rows: list[tuple[str, ...]] = [
        (
            model.name,
            output.pick(_ORIGINS[model.origin]),
            output.pick(Bilingual(f"{model.bits} 位", f"{model.bits} bits")),
            gigabytes(model.nbytes),
        )
        for model in whole
    ]
    for line in table(rows):
        output.say(line)
    if not whole:
        output.say(
            Bilingual(
                f"除了内置导师，还没有模型。文件夹：{store.folder}",
                f"There are no models yet in {store.folder} beside the built-in tutor.",
            )
        )
    for model in broken:
        output.warn(
            Bilingual(
                f"“{model.name}”不能用：{model.error.message.zh}",
                f"“{model.name}” cannot be used: {model.error.message.en}",
            )
        )
    return 0


_ORIGINS = {
    "converted": Bilingual("导入的", "imported"),
    "lesson": Bilingual("课程里训练的", "trained in a lesson"),
}
