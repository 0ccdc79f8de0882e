"""How the model that was used last is written down, so that it is found again after a move.

The tutor that ships with Glassbox is called by a word and a model in the models folder by its name:
moving the data folder or updating the program, which changes where both lie, keeps the choice. Only a
model from elsewhere is kept with its whole path. Earlier versions kept whole paths always; these are
still understood. Imports the tutor's place; no Qt, no torch.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath, PureWindowsPath

from desktop import tutor

TUTOR = "tutor:"
INSTALLED = "models:"
_TUTOR_ENDS = ("resources", "tutor", "model")


def written(path: Path, models: Path) -> str:
    """How ``path`` is kept, when the models folder is ``models``."""
    whole = path.resolve()
    if whole == tutor.model_folder().resolve():
        return TUTOR
    if whole.parent == models.resolve():
        return INSTALLED + whole.name
    return str(path)


def place(kept: str, models: Path) -> Path:
    """Where the model called ``kept`` lies now; it need not exist any more."""
    if kept == TUTOR:
        return tutor.model_folder()
    if kept.startswith(INSTALLED):
        return models / PurePosixPath(kept.removeprefix(INSTALLED)).name
    return _from_whole_path(kept, models)


def _from_whole_path(kept: str, models: Path) -> Path:
    """A path as earlier versions kept it: that of a place which may have moved meanwhile."""
    old = PureWindowsPath(kept) if "\\" in kept else PurePosixPath(kept)
    if old.parts[-3:] == _TUTOR_ENDS:
        return tutor.model_folder()
    if old.parent.name == models.name and not Path(kept).exists():
        return models / old.name
    return Path(kept)
