"""Conversion: what it stores, how far that is from the original, and that it is all or nothing."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections import namedtuple
from pathlib import Path

import pytest
import torch
from gguf import GGMLQuantizationType as Kind
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from transformers import PhiForCausalLM

from desktop.bilingual import GlassboxError
from desktop.llm import beside, convert, model_folder, safetensors_writer
from desktop.llm.convert import ConversionSettings, Progress
from desktop.llm.native_fit import fit
from desktop.llm.packing import pack, unpack
from desktop.llm.quantize import quantization_error
from desktop.llm.quantized import load_quantized
from desktop.llm.sources import load_phi, open_source
from tests.llm.model_files import IDS, TEXT, their_logits, their_model, write_gguf, write_hub_folder


@pytest.fixture(scope="module")
def theirs() -> PhiForCausalLM:
    return their_model()


@pytest.fixture
def folder(theirs: PhiForCausalLM, tmp_path: Path) -> Path:
    return write_hub_folder(tmp_path / "original", theirs)


def converted(original: Path, target: Path, **values: object) -> list[Progress]:
    with open_source(original) as source:
        return list(convert.convert(source, target, ConversionSettings(**values)))


@given(st.integers(1, 5), st.integers(1, 40), st.sampled_from([4, 8]), st.randoms())
def test_packing_comes_back(rows: int, pairs: int, bits: int, random: object) -> None:
    codes = torch.randint(0, 2**bits, (rows, 2 * pairs), dtype=torch.uint8)
    packed = pack(codes, bits)
    assert packed.numel() == codes.numel() * bits // 8
    assert torch.equal(unpack(packed, bits), codes)


def test_two_codes_in_a_byte_first_one_above() -> None:
    assert pack(torch.tensor([[1, 2, 15, 0]], dtype=torch.uint8), 4).tolist() == [[0x12, 0xF0]]


@torch.no_grad()
@pytest.mark.parametrize("bits", [4, 8])
def test_stores_what_fit_gives(
    folder: Path, theirs: PhiForCausalLM, tmp_path: Path, bits: int
) -> None:
    """Streaming changes nothing: the same numbers as quantizing each matrix whole."""
    converted(folder, tmp_path / "made", bits=bits)
    model = load_quantized(tmp_path / "made")
    weights = theirs.state_dict()
    assert set(model.matrices) | set(model.plain) == set(weights)
    assert "model.embed_tokens.weight" in model.plain
    for name, matrix in model.matrices.items():
        whole = fit(weights[name], bits, 64)
        assert matrix.shape == tuple(weights[name].shape)
        assert torch.equal(matrix.packed, whole.stored.packed)
        assert torch.equal(matrix.scales, whole.stored.scales)
        assert torch.equal(matrix.offsets, whole.stored.offsets)
        record = model.manifest.tensors[name]
        error = quantization_error(weights[name], matrix.unpacked())
        assert record.relative_error == pytest.approx(error.relative)
        assert record.largest_error == pytest.approx(error.largest)
        assert record.nbytes == matrix.nbytes == whole.stored.nbytes
    for name, tensor in model.plain.items():
        assert torch.equal(tensor, weights[name])


@torch.no_grad()
def test_logits_are_those_of_the_dequantized_weights(
    folder: Path, theirs: PhiForCausalLM, tmp_path: Path
) -> None:
    converted(folder, tmp_path / "made")
    made = load_quantized(tmp_path / "made")
    weights = {**made.plain, **{name: m.dequantize() for name, m in made.matrices.items()}}
    with open_source(tmp_path / "made") as source:
        ours = load_phi(source)
        assert source.kind == "glassbox"
        assert source.tensors["lm_head.weight"].dtype == "int4"
        assert source.tokenizer().decode(source.tokenizer().encode(TEXT)) == TEXT
    assert (ours(IDS).logits - their_logits(their_model(weights))).abs().max() < 1e-4


def test_manifest_tells_where_it_came_from(folder: Path, tmp_path: Path) -> None:
    steps = converted(folder, tmp_path / "made", group=32, head_bits=8, embedding_bits=8)
    model = load_quantized(tmp_path / "made")
    manifest = model.manifest
    assert manifest.source_kind == "hub"
    assert manifest.source_name == "original"
    shard = next(record for record in manifest.source_files if "00001" in record.name)
    data = (folder / shard.name).read_bytes()
    assert (shard.bytes, shard.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    assert manifest.settings["group"] == 32
    assert manifest.tensors["lm_head.weight"].form == "int8"
    assert manifest.tensors["model.embed_tokens.weight"].form == "int8"
    assert manifest.tensors["model.layers.0.mlp.fc1.weight"].form == "int4"
    assert 0.01 < manifest.error < 0.2
    fractions = [step.fraction for step in steps]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert {step.tensor for step in steps if step.record} == set(manifest.tensors)


def test_not_quantized_is_a_folder_as_on_the_hub(
    folder: Path, theirs: PhiForCausalLM, tmp_path: Path
) -> None:
    converted(folder, tmp_path / "made", bits=16)
    again = PhiForCausalLM.from_pretrained(tmp_path / "made")
    for name, tensor in again.state_dict().items():
        assert torch.equal(tensor, theirs.state_dict()[name])
    assert model_folder.load(tmp_path / "made").model.config.num_hidden_layers == 2


def test_from_gguf(theirs: PhiForCausalLM, tmp_path: Path) -> None:
    held = write_gguf(tmp_path / "phi.gguf", theirs.state_dict(), Kind.Q6_K)
    converted(tmp_path / "phi.gguf", tmp_path / "made", bits=8)
    model = load_quantized(tmp_path / "made")
    for name, matrix in model.matrices.items():
        difference = (matrix.dequantize() - held[name]).norm() / held[name].norm()
        assert difference < 0.01
    assert model.plain["lm_head.bias"].dtype == torch.float32
    assert model.plain["model.embed_tokens.weight"].dtype == torch.bfloat16


def test_a_group_that_does_not_fit_is_made_smaller(tmp_path: Path) -> None:
    theirs = their_model(
        hidden_size=96, intermediate_size=40, num_attention_heads=2, num_key_value_heads=2
    )
    write_hub_folder(tmp_path / "original", theirs)
    converted(tmp_path / "original", tmp_path / "made", group=128)
    tensors = load_quantized(tmp_path / "made").manifest.tensors
    assert tensors["lm_head.weight"].group == 32
    assert tensors["model.layers.0.mlp.fc2.weight"].form == "plain"


@pytest.mark.parametrize(
    "values", [{"bits": 3}, {"group": 48}, {"embedding_bits": 4}, {"head_bits": 5}, {"fit": "x"}]
)
def test_settings_that_make_no_sense(values: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        ConversionSettings(**values)


# ------------------------------------------------------------------------------------------------
# All or nothing


def test_replacing_keeps_the_old_one_until_the_new_one_is_there(
    folder: Path, tmp_path: Path
) -> None:
    target = tmp_path / "models" / "made"
    converted(folder, target, bits=8)
    with open_source(folder) as source:
        for _ in convert.convert(source, target):
            if target.exists() and (target / "manifest.json").exists():
                load_quantized(target)
    assert load_quantized(target).manifest.settings["bits"] == 4
    assert [path.name for path in target.parent.iterdir()] == ["made"]


def test_disk_full_before(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(beside.shutil, "disk_usage", lambda _: usage(10**9, 10**9, 10**6))
    with pytest.raises(GlassboxError, match="too full"):
        converted(folder, tmp_path / "models" / "made")
    assert not (tmp_path / "models").exists()


def test_disk_full_on_the_way(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, count = safetensors_writer.SafetensorsWriter.write, iter(range(100))

    def full(self: object, *arguments: object) -> None:
        if next(count) == 20:
            raise OSError(28, "No space left on device")
        write(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(safetensors_writer.SafetensorsWriter, "write", full)
    with pytest.raises(GlassboxError, match="became full"):
        converted(folder, tmp_path / "models" / "made")
    assert list((tmp_path / "models").iterdir()) == []


def test_numbers_that_are_none(theirs: PhiForCausalLM, tmp_path: Path) -> None:
    original = write_hub_folder(tmp_path / "original", theirs, shards=False)
    for name in ("lm_head.weight", "lm_head.bias"):
        weights = load_file(original / "model.safetensors")
        weights[name].view(-1)[3] = float("nan")
        save_file(weights, tmp_path / "other.safetensors")
        (tmp_path / "config.json").write_text((original / "config.json").read_text())
        (tmp_path / "tokenizer.json").write_text((original / "tokenizer.json").read_text())
        with pytest.raises(GlassboxError, match=name):
            converted(tmp_path / "other.safetensors", tmp_path / "models" / "made")
        assert list((tmp_path / "models").iterdir()) == []


KILLED = """
import sys
from pathlib import Path
from desktop.llm.convert import convert
from desktop.llm.sources import open_source
for step in convert(open_source(Path(sys.argv[1])), Path(sys.argv[2])):
    print(step.stage, step.tensor, flush=True)
    if step.tensor == "model.layers.1.mlp.fc1.weight":
        sys.stdin.read()
"""


def test_killed_on_the_way_leaves_nothing_that_counts(folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "models" / "made"
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(folder), str(target)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    giving_up = threading.Timer(120, process.kill)
    giving_up.start()
    assert process.stdout is not None
    for line in process.stdout:
        if "model.layers.1.mlp.fc1.weight" in line:
            break
    else:
        pytest.fail("the conversion never came to the second layer")
    left = list(target.parent.iterdir())
    assert [path.name.startswith(".partial-") for path in left] == [True]
    os.kill(process.pid, getattr(signal, "SIGKILL", signal.SIGTERM))
    process.communicate()
    giving_up.cancel()
    giving_up.join()
    assert not target.exists()
    converted(folder, target)
    assert [path.name for path in target.parent.iterdir()] == ["made"]


# ------------------------------------------------------------------------------------------------
# A converted model that was changed afterwards


def refused(folder: Path) -> str:
    with pytest.raises(GlassboxError) as caught:
        load_quantized(folder)
    assert caught.value.message.zh != caught.value.message.en
    return caught.value.message.en + caught.value.details


def test_damage_to_a_converted_model(folder: Path, tmp_path: Path) -> None:
    made = tmp_path / "made"
    converted(folder, made)
    weights, manifest = made / "quantized.safetensors", made / "manifest.json"
    data, text = weights.read_bytes(), manifest.read_text()
    weights.write_bytes(data[:-1])
    assert "incomplete" in refused(made)
    weights.unlink()
    assert "no quantized.safetensors" in refused(made)
    weights.write_bytes(data)
    for before, after, says in (
        ('"format_version": 1', '"format_version": 2', "another version"),
        ('"format": "glassbox-model"', '"format": "x"', "damaged"),
        ('"group": 64', '"group": 0', "damaged"),
        ('"group": 64', '"group": 128', "shape"),
        ('"int4"', '"int8"', "shape"),
        ('"lm_head.bias"', '"../x"', "missing"),
    ):
        assert before in text
        manifest.write_text(text.replace(before, after))
        assert says in refused(made)
    values = json.loads(text)
    del values["files"]
    manifest.write_text(json.dumps(values))
    assert "damaged" in refused(made)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_manifest_with_any_byte_changed(data: st.DataObject, made_once: Path) -> None:
    manifest = made_once / "manifest.json"
    whole = manifest.read_bytes()
    place, value = data.draw(st.integers(0, len(whole) - 1)), data.draw(st.integers(0, 255))
    try:
        manifest.write_bytes(whole[:place] + bytes([value]) + whole[place + 1 :])
        load_quantized(made_once)
    except GlassboxError:
        pass
    finally:
        manifest.write_bytes(whole)


@pytest.fixture(scope="module")
def made_once(theirs: PhiForCausalLM, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("made")
    write_hub_folder(place / "original", theirs)
    converted(place / "original", place / "made")
    return place / "made"
