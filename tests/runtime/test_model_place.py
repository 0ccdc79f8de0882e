"""The model used last is found again after the data folder or the program has moved."""

from pathlib import Path

import pytest

from desktop import tutor
from desktop.runtime.model_place import place, written


@pytest.mark.parametrize("moved", [False, True])
def test_a_model_in_the_models_folder_is_kept_by_its_name(tmp_path: Path, moved: bool) -> None:
    old, new = tmp_path / "old" / "models", tmp_path / ("new" if moved else "old") / "models"
    kept = written(old / "phi-2", old)
    assert str(tmp_path) not in kept
    assert place(kept, new) == new / "phi-2"


def test_the_tutor_is_kept_by_a_word() -> None:
    kept = written(tutor.model_folder(), Path("models"))
    assert kept == "tutor:"
    assert place(kept, Path("models")) == tutor.model_folder()


def test_a_model_from_elsewhere_keeps_its_path(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere" / "mine"
    assert place(written(elsewhere, tmp_path / "models"), tmp_path / "models") == elsewhere


@pytest.mark.parametrize(
    "kept",
    [
        "/opt/Glassbox/_internal/resources/tutor/model",
        "C:\\Programs\\Glassbox\\resources\\tutor\\model",
    ],
)
def test_whole_paths_of_earlier_versions_are_understood(kept: str, tmp_path: Path) -> None:
    models = tmp_path / "models"
    assert place(kept, models) == tutor.model_folder()
    assert place("/home/ada/.local/share/Glassbox/models/phi-2", models) == models / "phi-2"
    assert place("D:\\old\\models\\phi-2", models) == models / "phi-2"


def test_a_name_cannot_lead_out_of_the_models_folder(tmp_path: Path) -> None:
    assert place("models:../../secret", tmp_path / "models") == tmp_path / "models" / "secret"
