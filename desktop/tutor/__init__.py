"""The built-in tutor: finds what the course says about a question and lets a small model say it.

``records`` reads the written answers, ``retrieval`` finds those that a question asks for (with the help
of a learnt ``matcher``), ``grounding`` turns them into the background of a prompt and the sources under the answer. ``corpus``
and ``train`` made the model that ships in ``resources/tutor/model``, ``evaluate`` measures it.
Imports the language model and the course; no Qt.
"""

from __future__ import annotations

from pathlib import Path

from desktop import paths
from desktop.bilingual import Language


def data_folder() -> Path:
    """The written questions and answers."""
    return paths.resources() / "tutor" / "data"


def model_folder() -> Path:
    """The trained model, in the format of any model folder."""
    return paths.resources() / "tutor" / "model"


def matcher_file(lang: Language) -> Path:
    """The trained matcher of a language."""
    return paths.resources() / "tutor" / f"matcher-{lang}.safetensors"
