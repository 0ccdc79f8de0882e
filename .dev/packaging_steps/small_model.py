"""A model kept from the GPT lesson after a little training: ``python -m packaging_steps.small_model
FOLDER``. The proof chats with it when the package has no built-in model."""

from __future__ import annotations

import sys
from pathlib import Path

from desktop import paths
from desktop.course import find_lessons
from desktop.engine.loading import load_experiment, load_parameters

STEPS = 60


def main(target: Path) -> None:
    """Train with the smallest settings and keep the model."""
    folder = next(path for path in find_lessons(paths.lessons()) if path.name == "gpt")
    parameters, _ = load_parameters(folder)
    small = parameters.from_json({"layers": 1, "width": "32", "context": 16, "batch": 4})
    experiment = load_experiment(folder)(small, seed=0)
    for _ in range(STEPS):
        experiment.step()
    experiment.keep(target)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
