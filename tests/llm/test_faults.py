"""Every kind of model file, damaged in every way: one sentence that names it, and nothing left behind.

``test_fuzz_files.py`` looks for crashes with random damage; here each kind of damage that happens to
files is done to each kind of file, and what the models folder holds afterwards is looked at.
"""

from __future__ import annotations

import json
import random
import shutil
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from gguf import GGMLQuantizationType as Kind

from desktop.bilingual import GlassboxError
from desktop.llm import beside
from desktop.llm.sources import open_source
from desktop.llm.store import ModelStore
from tests.llm.model_files import their_model, write_gguf, write_hub_folder, write_older_folder

GGUF = {
    "F16": (Kind.F16, None),
    "Q8_0": (Kind.Q8_0, None),
    "Q6_K": (Kind.Q6_K, None),
    "Q5_0": (Kind.Q5_0, None),
    "Q4_K_M": (Kind.Q4_K, Kind.Q6_K),
    "Q4_0": (Kind.Q4_0, None),
}
KINDS = ("single", "shards", "older", "converted", *GGUF)
HEADERS = ("single", "shards", "converted")
FLIPS = 8


@pytest.fixture(scope="module")
def originals(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One whole model of every kind, by its name."""
    place = tmp_path_factory.mktemp("whole")
    theirs = their_model()
    made = {
        "single": write_hub_folder(place / "single", theirs, shards=False),
        "shards": write_hub_folder(place / "shards", theirs),
        "older": write_older_folder(place / "older", theirs),
        "converted": place / "store" / "converted",
    }
    list(ModelStore(place / "store").add(made["single"], "converted"))
    for name, (kind, head) in GGUF.items():
        made[name] = place / name / f"phi-2.{name}.gguf"
        made[name].parent.mkdir()
        write_gguf(made[name], theirs.state_dict(), kind, head_kind=head)
    return made


@pytest.fixture(autouse=True)
def _quick_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hundreds of imports: that the disk has really written each is not what is tested here."""
    monkeypatch.setattr(beside, "_sync", lambda folder: None)


@pytest.fixture(params=KINDS)
def model(request: pytest.FixtureRequest, originals: dict[str, Path], tmp_path: Path) -> Path:
    """A copy that a test may damage."""
    return copied(originals[request.param], tmp_path)


def copied(original: Path, place: Path) -> Path:
    target = place / "model" / original.name
    target.parent.mkdir()
    (shutil.copytree if original.is_dir() else shutil.copyfile)(original, target)
    return target


def files_of(model: Path) -> tuple[Path, ...]:
    with open_source(model) as source:
        files = source.files
    index = model / "model.safetensors.index.json"
    manifest = model / "manifest.json"
    return (*files, *(path for path in (index, manifest) if path.is_file()))


def refused(model: Path, store: Path) -> str:
    """What importing it says; it must be a sentence in both languages, and leave nothing."""
    models = ModelStore(store)
    with pytest.raises(GlassboxError) as caught:
        list(models.add(model, "new"))
    assert_clean(models)
    error = caught.value
    for text in (error.message, error.hint):
        assert text.zh
        assert text.en
    assert error.message.zh != error.message.en
    assert "Error" not in error.message.en  # no name of an exception
    return f"{error.message.en}\n{error.details}"


def assert_clean(models: ModelStore) -> None:
    assert models.look() == ()
    assert not models.folder.exists() or list(models.folder.iterdir()) == []


def accepted_or_refused(model: Path, store: Path) -> bool:
    """Either a whole model that can be verified, or a sentence and nothing."""
    models = ModelStore(store)
    try:
        list(models.add(model, "new"))
    except GlassboxError:
        assert_clean(models)
        return False
    list(models.verify("new"))
    models.remove("new")
    return True


# ------------------------------------------------------------------------------------------------
# Cut short


def test_whole_ones_are_accepted(model: Path, tmp_path: Path) -> None:
    assert accepted_or_refused(model, tmp_path / "store")


def test_each_file_cut_at_any_place(model: Path, tmp_path: Path) -> None:
    for path in files_of(model):
        whole = path.read_bytes()
        end = len(whole.rstrip())
        for length in sorted({0, 1, 7, 8, 9, 200, end // 3, end // 2, end - 50, end - 1}):
            if 0 <= length < end:
                path.write_bytes(whole[:length])
                if path.name in ("merges.txt", "added_tokens.json"):  # shorter ones are whole too
                    accepted_or_refused(model, tmp_path / "store")
                else:
                    says = refused(model, tmp_path / "store")
                    assert path.name in says, (path.name, length, says)
        path.write_bytes(whole)
    assert accepted_or_refused(model, tmp_path / "store")


@pytest.mark.parametrize("kind", ["single", "shards", "converted"])
def test_each_file_taken_away(kind: str, originals: dict[str, Path], tmp_path: Path) -> None:
    model = copied(originals[kind], tmp_path)
    for path in files_of(model):
        if path.name == "manifest.json":
            continue  # see below
        whole = path.read_bytes()
        path.unlink()
        assert path.name in refused(model, tmp_path / "store")
        path.write_bytes(whole)


def test_a_converted_model_without_its_manifest(originals: dict[str, Path], tmp_path: Path) -> None:
    model = copied(originals["converted"], tmp_path)
    (model / "manifest.json").unlink()
    assert "no manifest.json" in refused(model, tmp_path / "store")


# ------------------------------------------------------------------------------------------------
# Changed


def test_bits_flipped_anywhere(model: Path, tmp_path: Path) -> None:
    """In headers and texts it is noticed or harmless; it is never a crash, nor half a model."""
    chance = random.Random(0)
    files = files_of(model)
    for path in (*files[:2], *files[2:][-4:]):  # of many shards, two
        whole = path.read_bytes()
        for turn in range(FLIPS if path.stat().st_size < 100_000 else 2 * FLIPS):
            near = min(len(whole), 3000) if turn % 2 else len(whole)
            flip(path, whole, chance.randrange(near), chance.randrange(8))
            accepted_or_refused(model, tmp_path / "store")
        path.write_bytes(whole)


def flip(path: Path, whole: bytes, place: int, bit: int) -> None:
    changed = bytearray(whole)
    changed[place] ^= 1 << bit
    path.write_bytes(changed)


def test_every_flipped_bit_of_a_converted_model_is_noticed(
    originals: dict[str, Path], tmp_path: Path
) -> None:
    """Of these files there are checksums: importing a copy says so, and so does verifying."""
    model, chance = copied(originals["converted"], tmp_path), random.Random(1)
    there = ModelStore(model.parent)
    for name in ("quantized.safetensors", "config.json", "tokenizer.json"):
        whole = (model / name).read_bytes()
        for _ in range(FLIPS):
            flip(model / name, whole, chance.randrange(len(whole)), chance.randrange(8))
            refused(model, tmp_path / "store")
            with pytest.raises(GlassboxError):
                list(there.verify(model.name))
        (model / name).write_bytes(whole)
    assert list(there.verify(model.name))[-1].fraction == 1.0


@pytest.mark.parametrize("kind", HEADERS)
@pytest.mark.parametrize(
    "length", [0, 1, 2, 2**16, 2**24, 2**31, 2**32, 2**40, 2**63 - 1, 2**63, 2**64 - 1]
)
def test_lengths_of_headers_that_lie(
    kind: str, length: int, originals: dict[str, Path], tmp_path: Path
) -> None:
    model = copied(originals[kind], tmp_path)
    for path in sorted(model.glob("*.safetensors"))[:2]:
        whole = path.read_bytes()
        path.write_bytes(struct.pack("<Q", length) + whole[8:])
        assert path.name in refused(model, tmp_path / "store")
        path.write_bytes(whole)


@pytest.mark.parametrize("kind", GGUF)
@pytest.mark.parametrize("place", [8, 16])  # how many tensors, how many settings
@pytest.mark.parametrize("count", [0, 1, 2**31, 2**40, 2**64 - 1])
def test_counts_of_a_gguf_that_lie(
    kind: str, place: int, count: int, originals: dict[str, Path], tmp_path: Path
) -> None:
    model = copied(originals[kind], tmp_path)
    whole = model.read_bytes()
    model.write_bytes(whole[:place] + struct.pack("<Q", count) + whole[place + 8 :])
    refused(model, tmp_path / "store")


# ------------------------------------------------------------------------------------------------
# The wrong ones


def test_shards_of_two_models(originals: dict[str, Path], tmp_path: Path) -> None:
    model = copied(originals["shards"], tmp_path)
    first, second = sorted(model.glob("model-*.safetensors"))[:2]
    first.write_bytes(second.read_bytes())
    assert "index" in refused(model, tmp_path / "store")


@pytest.mark.parametrize(
    "text", ["", "x", "[]", "{}", "3", '{"weight_map": {}}', '{"weight_map": 3}']
)
def test_an_index_that_is_none(text: str, originals: dict[str, Path], tmp_path: Path) -> None:
    model = copied(originals["shards"], tmp_path)
    (model / "model.safetensors.index.json").write_text(text)
    assert "model.safetensors.index.json" in refused(model, tmp_path / "store")


def with_model(change: Callable[[dict], None]) -> Callable[[str], str]:
    def changed(text: str) -> str:
        values = json.loads(text)
        change(values)
        return json.dumps(values)

    return changed


WRONG_TOKENIZERS: dict[str, Callable[[str], str]] = {
    "too many tokens": with_model(lambda v: v["model"]["vocab"].update({"more": 320})),
    "an id far away": with_model(lambda v: v["model"]["vocab"].update({"more": 2**31})),
    "unigram": with_model(
        lambda v: v.update(model={"type": "Unigram", "unk_id": 0, "vocab": [["a", -1.0]] * 400})
    ),
    "merges of another": with_model(lambda v: v["model"].update(merges=["zz yy"])),
    "another kind": with_model(lambda v: v.update(model={"type": "Nonsense"})),
    "no model": with_model(lambda v: v.pop("model")),
    "a list": lambda _: "[]",
    "a number": lambda _: "3",
    "deep": lambda _: "[" * 100_000,
    "no text": lambda _: "\x00\x01",
}


@pytest.mark.parametrize("wrong", WRONG_TOKENIZERS)
def test_wrong_tokenizers(wrong: str, originals: dict[str, Path], tmp_path: Path) -> None:
    model = copied(originals["single"], tmp_path)
    path = model / "tokenizer.json"
    path.write_text(WRONG_TOKENIZERS[wrong](path.read_text()))
    refused(model, tmp_path / "store")
