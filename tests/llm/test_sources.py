"""Every kind of model file gives the same model, and a wrong one is refused in words."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from gguf import GGMLQuantizationType as Kind
from safetensors.torch import load_file, save_file
from transformers import PhiForCausalLM

from desktop.bilingual import GlassboxError
from desktop.llm.sources import load_phi, open_source
from tests.llm.model_files import (
    IDS,
    TEXT,
    their_logits,
    their_model,
    vocabulary,
    write_gguf,
    write_hub_folder,
    write_older_folder,
)


@pytest.fixture(scope="module")
def theirs() -> PhiForCausalLM:
    return their_model()


@pytest.fixture
def folder(theirs: PhiForCausalLM, tmp_path: Path) -> Path:
    return write_hub_folder(tmp_path / "phi", theirs)


@torch.no_grad()
def assert_same_model(path: Path, theirs: PhiForCausalLM, kind: str) -> None:
    with open_source(path) as source:
        assert source.kind == kind
        model = load_phi(source)
        assert (model(IDS).logits - their_logits(theirs)).abs().max() < 1e-4
        ids = source.tokenizer().encode(TEXT)
    assert_codegen(ids)


def assert_codegen(ids: list[int]) -> None:
    """Merges applied, runs of blanks one token each, a typed mark spelled out."""
    plain, blanks = vocabulary()
    assert ids[:3] == [plain["the"], plain["Ġcat"], plain["Ġ"]]
    assert blanks[" " * 4] in ids
    assert blanks["\t\t"] in ids
    assert plain["<|endoftext|>"] not in ids


def refused(path: Path) -> str:
    with pytest.raises(GlassboxError) as caught, open_source(path) as source:
        source.tokenizer()
    error = caught.value
    assert error.message.zh
    assert error.message.zh != error.message.en
    return error.message.en + error.details


# ------------------------------------------------------------------------------------------------
# The same model from every kind of file


def test_shards_with_an_index(folder: Path, theirs: PhiForCausalLM) -> None:
    assert len(list(folder.glob("model-*-of-*.safetensors"))) > 2
    assert_same_model(folder, theirs, "hub")


def test_one_file(theirs: PhiForCausalLM, tmp_path: Path) -> None:
    folder = write_hub_folder(tmp_path / "phi", theirs, shards=False)
    assert_same_model(folder, theirs, "hub")
    (folder / "model.safetensors").rename(folder / "weights.safetensors")
    assert_same_model(folder / "weights.safetensors", theirs, "hub")
    assert_same_model(folder, theirs, "hub")


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision(tmp_path: Path, dtype: torch.dtype) -> None:
    theirs = their_model().to(dtype)
    folder = write_hub_folder(tmp_path / "phi", theirs)
    with open_source(folder) as source:
        assert source.read("lm_head.weight").dtype == dtype
        assert source.nbytes == 2 * source.config.parameter_count
    weights = {name: value.float() for name, value in theirs.state_dict().items()}
    assert_same_model(folder, their_model(weights), "hub")


def test_older_layout(theirs: PhiForCausalLM, tmp_path: Path) -> None:
    assert_same_model(write_older_folder(tmp_path / "older", theirs), theirs, "hub")


def test_buffers_in_older_files_are_no_weights(theirs: PhiForCausalLM, tmp_path: Path) -> None:
    folder = write_hub_folder(tmp_path / "phi", theirs, shards=False)
    weights = load_file(folder / "model.safetensors")
    weights["model.layers.0.self_attn.rotary_emb.inv_freq"] = torch.ones(16)
    save_file(weights, folder / "model.safetensors")
    assert_same_model(folder, theirs, "hub")


@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize(
    "kind",
    [Kind.F32, Kind.F16, Kind.BF16, Kind.Q8_0, Kind.Q5_0, Kind.Q4_0, Kind.Q4_K, Kind.Q6_K],
    ids=lambda kind: kind.name,
)
def test_gguf(theirs: PhiForCausalLM, tmp_path: Path, kind: Kind, fused: bool) -> None:
    path = tmp_path / "phi.gguf"
    held = write_gguf(path, theirs.state_dict(), kind, fused=fused)
    assert_same_model(path, their_model(held), "gguf")


def test_gguf_mixed_as_q4_k_m(theirs: PhiForCausalLM, tmp_path: Path) -> None:
    path = tmp_path / "phi.Q4_K_M.gguf"
    held = write_gguf(path, theirs.state_dict(), Kind.Q4_K, head_kind=Kind.Q6_K)
    assert_same_model(path, their_model(held), "gguf")
    with open_source(path) as source:
        assert source.tensors["lm_head.weight"].dtype == "Q6_K"
        assert source.tensors["model.layers.1.self_attn.k_proj.weight"].nbytes == 256 * 144


def test_rows_are_those_of_the_whole(folder: Path, theirs: PhiForCausalLM, tmp_path: Path) -> None:
    path = tmp_path / "phi.gguf"
    write_gguf(path, theirs.state_dict(), Kind.Q4_K)
    for place in (folder, path):
        with open_source(place) as source:
            for name in ("model.layers.0.self_attn.v_proj.weight", "lm_head.bias"):
                assert torch.equal(source.read(name)[7:11], source.rows(name, 7, 11))


def test_opening_does_not_load_torchs_compiler(folder: Path) -> None:
    """It takes seconds, and a model should be there in three."""
    code = (
        "import sys; from pathlib import Path; from desktop.llm.sources import load_phi, open_source\n"
        "load_phi(open_source(Path(sys.argv[1]))); print('torch._dynamo' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder)],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    assert done.stdout == "False\n"


# ------------------------------------------------------------------------------------------------
# What is refused


def test_missing_shard(folder: Path) -> None:
    next(folder.glob("model-00002-*")).unlink()
    assert "no model-00002" in refused(folder)


def test_missing_index(folder: Path) -> None:
    (folder / "model.safetensors.index.json").unlink()
    assert "no model.safetensors.index.json" in refused(folder)


@pytest.mark.parametrize("shard", ["../secret.safetensors", "/etc/passwd", "..\\x", 3])
def test_an_index_cannot_point_elsewhere(folder: Path, shard: object) -> None:
    path = folder / "model.safetensors.index.json"
    index = json.loads(path.read_text())
    index["weight_map"]["lm_head.weight"] = shard
    path.write_text(json.dumps(index))
    assert "damaged" in refused(folder)


def test_truncated_shard_says_how_much_is_missing(folder: Path) -> None:
    path = next(folder.glob("model-00001-*"))
    data = path.read_bytes()
    path.write_bytes(data[:-100])
    assert f"{len(data):,} bytes and has {len(data) - 100:,}" in refused(folder)


def test_config_of_another_model(folder: Path) -> None:
    path = folder / "config.json"
    config = json.loads(path.read_text())
    for kind, name in (("llama", "Llama"), ("gpt2", "GPT-2"), ("phi3", "Phi-3")):
        path.write_text(json.dumps({**config, "model_type": kind}))
        assert f"This is a {name} model" in refused(folder)
    path.write_text(json.dumps({**config, "intermediate_size": 1024}))
    assert "shape" in refused(folder)
    path.write_text(json.dumps({**config, "num_hidden_layers": 3}))
    assert "missing" in refused(folder)


def test_gguf_of_another_model(theirs: PhiForCausalLM, tmp_path: Path) -> None:
    path = tmp_path / "x.gguf"
    write_gguf(path, theirs.state_dict(), architecture="llama")
    assert "This is a Llama model" in refused(path)
    write_gguf(path, theirs.state_dict(), norm_eps=-1.0)
    assert "x.gguf has layer_norm_eps = -1.0" in refused(path)
    write_gguf(path, theirs.state_dict(), tokenizer="llama")
    assert "tokenizer" in refused(path)


def test_pickles(folder: Path, tmp_path: Path) -> None:
    torch.save({"a": torch.ones(1)}, tmp_path / "pytorch_model.bin")
    assert "any program" in refused(tmp_path / "pytorch_model.bin")
    torch.save({"a": torch.ones(1)}, tmp_path / "model.safetensors")
    assert "any program" in refused(tmp_path / "model.safetensors")
    for path in (*folder.glob("*.safetensors"), folder / "model.safetensors.index.json"):
        path.unlink()
    torch.save({"a": torch.ones(1)}, folder / "pytorch_model.bin")
    assert "any program" in refused(folder)


def test_nothing_there(tmp_path: Path) -> None:
    assert "no model" in refused(tmp_path)
    assert "no model" in refused(tmp_path / "nowhere")
    (tmp_path / "notes.txt").write_text("hello")
    assert "no model" in refused(tmp_path / "notes.txt")
    (tmp_path / "x.gguf").write_bytes(b"")
    assert "damaged" in refused(tmp_path / "x.gguf")


def test_numbers_that_are_none(theirs: PhiForCausalLM, tmp_path: Path) -> None:
    folder = write_hub_folder(tmp_path / "phi", theirs, shards=False)
    weights = load_file(folder / "model.safetensors")
    weights["lm_head.bias"][2] = float("inf")
    save_file(weights, folder / "model.safetensors")
    with open_source(folder) as source, pytest.raises(GlassboxError, match=r"lm_head\.bias"):
        load_phi(source)


def test_no_memory_left(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    empty = torch.empty

    def full(*sizes: object, **values: object) -> torch.Tensor:
        if "device" in values:  # the shell without memory
            return empty(*sizes, **values)  # type: ignore[call-overload]
        raise RuntimeError("[enforce fail at alloc_cpu.cpp] can't allocate memory")

    with open_source(folder) as source:
        monkeypatch.setattr(torch, "empty", full)
        with pytest.raises(GlassboxError, match="Memory is full"):
            load_phi(source)


@pytest.mark.parametrize("dtype", [torch.float64, torch.int8])
def test_number_formats(theirs: PhiForCausalLM, tmp_path: Path, dtype: torch.dtype) -> None:
    folder = write_hub_folder(tmp_path / "phi", theirs, shards=False)
    weights = load_file(folder / "model.safetensors")
    weights["lm_head.bias"] = weights["lm_head.bias"].to(dtype)
    save_file(weights, folder / "model.safetensors")
    assert "lm_head.bias is in" in refused(folder)


def test_vocabularies(folder: Path, theirs: PhiForCausalLM, tmp_path: Path) -> None:
    path = folder / "tokenizer.json"
    definition = json.loads(path.read_text())
    definition["model"]["vocab"]["too many"] = 320
    path.write_text(json.dumps(definition))
    assert "321 tokens" in refused(folder)
    path.unlink()
    assert "no tokenizer.json" in refused(folder)
    older = write_older_folder(tmp_path / "older", theirs)
    (older / "merges.txt").write_text("q q q\n")
    assert "merge" in refused(older)
    (older / "vocab.json").write_text('{"a": 0}')
    assert "byte-level" in refused(older)
