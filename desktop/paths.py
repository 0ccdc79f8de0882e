"""Where our files are: resources and lessons (from source or frozen), and the user's data folder.

Resources and lessons are read-only. User data goes where the system wants it (platformdirs) unless
``--data-dir`` or ``GLASSBOX_DATA_DIR`` says otherwise. Imports nothing of ours.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from platformdirs import user_data_path


def root() -> Path:
    """The folder that holds ``resources`` and ``lessons``."""
    bundle = getattr(sys, "_MEIPASS", None)
    return Path(bundle) if bundle else Path(__file__).resolve().parent.parent


def resources() -> Path:
    """Icons, fonts, translations, glossary."""
    return root() / "resources"


def lessons() -> Path:
    """The lesson folders."""
    return root() / "lessons"


def data_dir(chosen: str | os.PathLike[str] | None = None) -> Path:
    """The user's data folder; it is not created here."""
    named = chosen or os.environ.get("GLASSBOX_DATA_DIR")
    return (
        Path(named).expanduser().resolve() if named else user_data_path("Glassbox", appauthor=False)
    )
