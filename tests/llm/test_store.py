"""The models folder: what is listed, what is not, and that no name leads out of it."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import psutil
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from desktop.bilingual import GlassboxError
from desktop.llm import model_folder
from desktop.llm.convert import ConversionSettings
from desktop.llm.phi import Phi, PhiConfig, initialise
from desktop.llm.store import BrokenModel, ModelError, ModelStore, check_name, safe_name
from desktop.llm.tokenizer import Tokenizer
from tests.llm.model_files import their_model, write_gguf, write_hub_folder


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_hub_folder(tmp_path_factory.mktemp("hub") / "phi-2", their_model())


@pytest.fixture
def models(tmp_path: Path) -> ModelStore:
    return ModelStore(tmp_path / "models")


def keep_a_lesson_model(models: ModelStore, name: str) -> Path:
    tokenizer = Tokenizer.characters("once upon a time 从前")
    model = Phi(PhiConfig(tokenizer.size, 16, 32, 1, 2, 2, 24))
    initialise(model, torch.Generator().manual_seed(0))
    model_folder.save(models.folder / name, model, tokenizer, {"steps": 7})
    return models.folder / name


def test_empty_at_first(models: ModelStore) -> None:
    assert models.list() == ()
    assert not models.folder.exists()


def test_add_list_verify_remove(models: ModelStore, original: Path) -> None:
    list(models.add(original))
    keep_a_lesson_model(models, "我的小模型")
    first, second = models.list()
    assert (first.name, first.origin, first.bits) == ("phi-2", "converted", 4)
    assert (second.name, second.origin, second.manifest) == ("我的小模型", "lesson", None)
    assert first.config.hidden_size == 256
    for model in (first, second):
        assert list(models.verify(model.name))[-1].fraction == 1.0
        assert models.remove(model.name) == model.nbytes
    assert list(models.folder.iterdir()) == []


def test_add_under_a_name_and_once(models: ModelStore, original: Path) -> None:
    list(models.add(original, "小 Phi", ConversionSettings(bits=8)))
    assert models.get("小 Phi").bits == 8
    with pytest.raises(ModelError, match="already"):
        list(models.add(original, "小 Phi"))


def test_add_from_gguf_takes_the_files_name(models: ModelStore, tmp_path: Path) -> None:
    write_gguf(tmp_path / "phi-2.Q4_0.gguf", their_model().state_dict())
    list(models.add(tmp_path / "phi-2.Q4_0.gguf"))
    assert [model.name for model in models.list()] == ["phi-2.Q4_0"]


def test_a_converted_model_is_copied_and_checked(
    models: ModelStore, original: Path, tmp_path: Path
) -> None:
    other = ModelStore(tmp_path / "elsewhere")
    list(other.add(original))
    list(models.add(other.folder / "phi-2"))
    assert models.get("phi-2").manifest == other.get("phi-2").manifest
    change_a_byte(other.folder / "phi-2" / "quantized.safetensors")
    with pytest.raises(GlassboxError, match="changed"):
        list(models.add(other.folder / "phi-2", "again"))
    assert [path.name for path in models.folder.iterdir()] == ["phi-2"]


def change_a_byte(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


def test_verify_finds_one_changed_bit(models: ModelStore, original: Path) -> None:
    list(models.add(original))
    change_a_byte(models.folder / "phi-2" / "quantized.safetensors")
    assert len(models.list()) == 1  # the list looks at headers and sizes only
    with pytest.raises(GlassboxError, match="has changed"):
        list(models.verify("phi-2"))


def test_verify_finds_numbers_that_are_none(models: ModelStore) -> None:
    path = keep_a_lesson_model(models, "mine") / "model.safetensors"
    weights = load_file(path)
    weights["lm_head.bias"][0] = float("nan")
    save_file(weights, path)
    with pytest.raises(GlassboxError, match=r"lm_head\.bias"):
        list(models.verify("mine"))


def test_broken_models_are_told_apart(models: ModelStore, original: Path) -> None:
    list(models.add(original))
    folder = models.folder / "phi-2"
    weights = folder / "quantized.safetensors"
    weights.write_bytes(weights.read_bytes()[:-5])
    (models.folder / "empty").mkdir()
    (models.folder / "a file.txt").write_text("x")
    assert models.list() == ()
    empty, cut = models.look()
    assert isinstance(empty, BrokenModel)
    assert isinstance(cut, BrokenModel)
    assert "incomplete" in cut.error.message.en
    with pytest.raises(GlassboxError, match="incomplete"):
        models.get("phi-2")
    models.remove("phi-2")
    models.remove("empty")
    assert models.look() == ()


def dead_process() -> int:
    return next(pid for pid in range(4_000_000, 5_000_000) if not psutil.pid_exists(pid))


def test_leftovers_of_killed_processes(models: ModelStore, original: Path) -> None:
    """A half-written folder goes; a model that was put aside and not replaced comes back."""
    list(models.add(original))
    pid = dead_process()
    partial = models.folder / f".partial-{pid}-abc"
    shutil.copytree(models.folder / "phi-2", partial)
    shutil.copytree(models.folder / "phi-2", models.folder / f".replaced-{pid}-phi-2")
    (models.folder / "phi-2").rename(models.folder / f".replaced-{pid}-other")
    assert [model.name for model in models.list()] == ["other", "phi-2"]
    assert sorted(path.name for path in models.folder.iterdir()) == ["other", "phi-2"]


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "../x", "a/b", "a\\b", ".hidden", "end.", " space", "c:", "nul", "CON.txt",
     "a\nb", "x" * 81, "\u202egpj"],
)  # fmt: skip
def test_names_that_lead_elsewhere(models: ModelStore, tmp_path: Path, name: str) -> None:
    (tmp_path / "x").mkdir()
    for work in (models.remove, models.get, lambda n: list(models.verify(n))):
        with pytest.raises(ModelError, match="cannot be a model"):
            work(name)
    assert (tmp_path / "x").is_dir()


def test_a_name_that_is_not_there(models: ModelStore) -> None:
    keep_a_lesson_model(models, "mine")
    with pytest.raises(ModelError) as caught:
        models.remove("other")
    assert "mine" in caught.value.hint.en


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_removing_a_link_leaves_what_it_points_to(models: ModelStore, original: Path) -> None:
    models.folder.mkdir()
    (models.folder / "link").symlink_to(original, target_is_directory=True)
    models.remove("link")
    assert original.is_dir()
    assert models.look() == ()


@given(st.text())
def test_safe_names_are_names(text: str) -> None:
    assert check_name(safe_name(text))
