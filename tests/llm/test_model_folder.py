"""Model folders: saved whole, read back bit for bit, anything damaged refused in words."""

from __future__ import annotations

import contextlib
import json
import shutil
import struct
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from transformers import PhiForCausalLM
from transformers.utils.logging import disable_progress_bar

from desktop.bilingual import GlassboxError
from desktop.llm import model_folder
from desktop.llm.model_folder import ModelFolderError
from desktop.llm.phi import Phi, PhiConfig, initialise
from desktop.llm.tokenizer import Tokenizer

TEXT = "once upon a time there was a cat. 从前有一只猫。"
TOKENIZER = Tokenizer.characters(TEXT)
CONFIG = PhiConfig(TOKENIZER.size, 16, 32, 2, 2, 2, 24)


def small_model() -> Phi:
    model = Phi(CONFIG)
    initialise(model, torch.Generator().manual_seed(0))
    return model.eval()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    target = tmp_path / "my model"
    model_folder.save(target, small_model(), TOKENIZER, {"steps": 7})
    return target


@torch.no_grad()
def test_comes_back_bit_for_bit(folder: Path) -> None:
    loaded = model_folder.load(folder)
    ids = torch.tensor([TOKENIZER.encode("a cat 猫")])
    assert torch.equal(loaded.model(ids).logits, small_model()(ids).logits)
    assert loaded.tokenizer.encode(TEXT) == TOKENIZER.encode(TEXT)
    assert loaded.model.config == CONFIG
    assert loaded.notes == {"steps": 7}
    assert [path.name for path in folder.parent.iterdir()] == ["my model"]


@torch.no_grad()
def test_transformers_reads_the_same_folder(folder: Path) -> None:
    disable_progress_bar()  # its monitor thread would outlive the test
    other = PhiForCausalLM.from_pretrained(folder, attn_implementation="eager").eval()
    ids = torch.tensor([TOKENIZER.encode("a cat 猫")])
    assert (other(ids).logits - small_model()(ids).logits).abs().max() < 1e-5


def test_saving_again_replaces_the_model(folder: Path) -> None:
    model_folder.save(folder, small_model(), TOKENIZER, {"steps": 8})
    assert model_folder.load(folder).notes == {"steps": 8}
    assert len(list(folder.parent.iterdir())) == 1


def test_other_folders_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.jpg").write_bytes(b"x")
    with pytest.raises(ModelFolderError, match="left alone"):
        model_folder.save(tmp_path / "photos", small_model(), TOKENIZER)
    assert [path.name for path in (tmp_path / "photos").iterdir()] == ["cat.jpg"]
    with pytest.raises(ModelFolderError, match="is a file"):
        model_folder.save(tmp_path / "photos" / "cat.jpg", small_model(), TOKENIZER)


def test_a_failure_while_writing_keeps_the_old_model(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(model_folder, "save_file", full)
    with pytest.raises(ModelFolderError) as caught:
        model_folder.save(folder, small_model(), TOKENIZER, {"steps": 9})
    assert "No space" in caught.value.details
    monkeypatch.undo()
    assert model_folder.load(folder).notes == {"steps": 7}
    assert len(list(folder.parent.iterdir())) == 1


def refused(folder: Path) -> str:
    with pytest.raises(GlassboxError) as caught:
        model_folder.load(folder)
    assert caught.value.message.zh
    assert caught.value.message.zh != caught.value.message.en
    return caught.value.message.en


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "tokenizer.json"])
def test_missing_and_empty_files(folder: Path, name: str) -> None:
    (folder / name).write_bytes(b"")
    assert name in refused(folder)
    (folder / name).unlink()
    assert f"no {name}" in refused(folder)


def test_no_such_folder(tmp_path: Path) -> None:
    assert "no folder" in refused(tmp_path / "nothing")


def test_pickles_are_refused_with_the_reason(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    assert "can run any program" in refused(folder)


def change_config(folder: Path, **values: object) -> None:
    path = folder / "config.json"
    config = json.loads(path.read_text())
    config.update(values)
    path.write_text(json.dumps(config))


@pytest.mark.parametrize(
    ("values", "part"),
    [
        ({"model_type": "gpt2"}, "only Phi"),
        ({"hidden_size": -16}, "hidden_size"),
        ({"hidden_size": 10**12}, "hidden_size"),
        ({"hidden_size": 16.5}, "hidden_size"),
        ({"num_hidden_layers": True}, "num_hidden_layers"),
        ({"num_attention_heads": 3}, "num_attention_heads"),
        ({"layer_norm_eps": "small"}, "layer_norm_eps"),
        ({"hidden_act": "relu"}, "hidden_act"),
        ({"tie_word_embeddings": True}, "tie_word_embeddings"),
        ({"rope_scaling": {"type": "linear"}}, "rope_scaling"),
        ({"rope_parameters": [1]}, "rope_parameters"),
        ({"rope_parameters": None, "partial_rotary_factor": 0.1}, "partial_rotary_factor"),
        ({"num_hidden_layers": 3}, "missing"),
        ({"num_hidden_layers": 1}, "not part"),
        ({"intermediate_size": 64}, "shape"),
        ({"vocab_size": 5}, "only 5"),
    ],
)
def test_impossible_configs(folder: Path, values: dict[str, object], part: str) -> None:
    change_config(folder, **values)
    assert part in refused(folder)


def test_older_config_layout_is_read(folder: Path) -> None:
    path = folder / "config.json"
    config = json.loads(path.read_text())
    del config["rope_parameters"], config["num_key_value_heads"]
    path.write_text(json.dumps(config))
    assert model_folder.load(folder).model.config == CONFIG


def test_older_tensor_names_are_recognised(folder: Path) -> None:
    path = folder / "model.safetensors"
    tensors = load_file(path)
    tensors["transformer.h.0.mixer.Wqkv.weight"] = tensors.pop("model.layers.0.mlp.fc1.weight")
    save_file(tensors, path)
    assert "older names" in refused(folder)


def test_weights_that_are_no_numbers(folder: Path) -> None:
    path = folder / "model.safetensors"
    tensors = load_file(path)
    tensors["lm_head.bias"][2] = float("nan")
    save_file(tensors, path)
    assert "lm_head.bias" in refused(folder)


def test_a_header_that_claims_more_than_the_file_has(folder: Path) -> None:
    path = folder / "model.safetensors"
    data = path.read_bytes()
    path.write_bytes(struct.pack("<Q", 2**60) + data[8:])
    assert "damaged" in refused(folder)
    path.write_bytes(data[:-10])
    assert "damaged" in refused(folder)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_random_damage_never_escapes_as_another_error(folder: Path, data: st.DataObject) -> None:
    """One byte changed anywhere in a text file, or in the header of the weights."""
    name = data.draw(st.sampled_from(["config.json", "model.safetensors", "tokenizer.json"]))
    whole = (folder / name).read_bytes()
    limit = min(len(whole), 2000) if name == "model.safetensors" else len(whole)
    place = data.draw(st.integers(0, limit - 1))
    value = data.draw(st.integers(0, 255))
    damaged = folder.with_name("damaged")
    shutil.copytree(folder, damaged, dirs_exist_ok=True)
    (damaged / name).write_bytes(whole[:place] + bytes([value]) + whole[place + 1 :])
    with contextlib.suppress(GlassboxError):
        model_folder.load(damaged)
