"""``glassbox model``: from import to removal, and a download from a server on this machine."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
from transformers import PhiForCausalLM

from desktop.llm import download, hub
from desktop.llm.hub import HubModel
from tests.llm.hub_server import REPOSITORY, REVISION, Fault, serving
from tests.llm.model_files import their_model, write_gguf, write_hub_folder


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """This machine may be reached, nothing else."""
    connect = socket.socket.connect

    def here_only(self: socket.socket, address: tuple[str, int]) -> None:
        assert address[0] == "127.0.0.1", address
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", here_only)
    for name in list(os.environ):
        if name.lower().endswith("_proxy") or name.startswith("HF_"):
            monkeypatch.delenv(name)


@pytest.fixture(scope="module")
def theirs() -> PhiForCausalLM:
    return their_model()


@pytest.fixture
def original(theirs: PhiForCausalLM, tmp_path: Path) -> Path:
    return write_hub_folder(tmp_path / "small phi", theirs)


def test_from_import_to_removal(glassbox, original):
    assert glassbox("model", "list", "--json").lines == [[]]
    made = glassbox("model", "import", original, "--json")
    assert made.status == 0
    (imported,) = made.lines
    assert imported["name"] == "small phi"
    assert imported["bits"] == 4
    assert 0 < imported["relative_error"] < 0.2
    assert imported["tensors"]["lm_head.weight"]["form"] == "int4"
    assert "100%" in made.err
    ((listed,),) = glassbox("model", "list", "--json").lines
    assert listed["complete"]
    assert listed["bytes"] == imported["bytes"]
    assert glassbox("model", "verify", "small phi", "--json").lines == [
        {"name": "small phi", "ok": True}
    ]
    removed = glassbox("model", "remove", "small phi", "--json")
    assert removed.lines == [{"name": "small phi", "freed_bytes": listed["bytes"]}]
    assert glassbox("model", "list", "--json").lines == [[]]


def test_for_people_in_both_languages(glassbox, original):
    assert "no models yet" in glassbox("model", "list").out
    assert "还没有模型" in glassbox("model", "list", "--lang", "zh").out
    assert "off on average" in glassbox("model", "import", original, "--name", "a").out
    zh = glassbox("model", "import", original, "--name", "b", "--bits", "16", "--lang", "zh")
    assert "没有量化" in zh.out
    assert "转换权重" in zh.err
    assert "4 bits" in glassbox("model", "list").out
    assert "intact" in glassbox("model", "verify", "a").out
    assert "腾出" in glassbox("model", "remove", "a", "--lang", "zh").out


def test_estimates_before_and_after_importing(glassbox, theirs, tmp_path):
    path = tmp_path / "phi.Q8_0.gguf"
    write_gguf(path, theirs.state_dict())
    (before,) = glassbox("model", "estimate", path, "--context", "32", "--json").lines
    assert before["kind"] == "gguf"
    assert before["context"] == 32
    assert before["memory"]["total_bytes"] == sum(
        before["memory"][part] for part in ("weights_bytes", "cache_bytes", "work_bytes")
    )
    assert before["fits"]
    glassbox("model", "import", path)
    (after,) = glassbox("model", "estimate", "phi.Q8_0", "--json").lines
    assert after["stored_bytes"] == before["converted_bytes"]
    assert "it fits" in glassbox("model", "estimate", path).out


def test_mistakes(glassbox, original, tmp_path):
    cases = {
        ("model",): "Say which one",
        ("model", "import"): "PATH is missing",
        ("model", "import", tmp_path / "nowhere"): "no model",
        ("model", "import", original, "--bits", "5"): "--bits",
        ("model", "import", original, "--name", "../x"): "cannot be a model",
        ("model", "verify", "nothing"): "There is no model",
        ("model", "remove", "../data"): "cannot be a model",
        ("model", "estimate", "nothing"): "There is no model",
        ("model", "download", "gpt-5"): "phi-2",
    }
    for arguments, says in cases.items():
        answer = glassbox(*arguments)
        assert answer.status != 0
        assert says in answer.err
        assert "inside Glassbox" not in answer.err
        assert answer.out == ""


def test_broken_models_are_named(glassbox, original, tmp_path):
    glassbox("model", "import", original)
    weights = tmp_path / "data" / "models" / "small phi" / "quantized.safetensors"
    weights.write_bytes(weights.read_bytes()[:-9])
    answer = glassbox("model", "list", "--json")
    ((listed,),) = answer.lines
    assert not listed["complete"]
    assert "incomplete" in listed["message"]
    assert "cannot be used" in answer.err


def test_download_asks_first_then_imports(glassbox, original, tmp_path, monkeypatch):
    monkeypatch.setitem(hub.KNOWN, "phi-2", HubModel(REPOSITORY, REVISION))
    monkeypatch.setattr(download, "sleep", lambda _: None)
    files = {path.name: path.read_bytes() for path in original.iterdir()}
    with serving(files) as server:
        there = ("model", "download", "phi-2", "--endpoint", server.address)
        asked = glassbox(*there)
        assert asked.status != 0
        assert "licence: mit" in asked.out
        assert "free on the disk" in asked.out
        assert "--yes" in asked.err
        assert len(server.requests) == 1
        server.faulty = next(name for name in files if name.startswith("model-00002"))
        server.forever = Fault(cut=100_000)
        server.faults = [Fault(status=404)]
        broken = glassbox(*there, "--yes")
        assert broken.status != 0
        assert "does not have" in broken.err
        assert not (tmp_path / "data" / "models").exists()
        offered, imported = glassbox(*there, "--yes", "--json").lines
    assert offered["licence"] == "mit"
    assert offered["here_bytes"] > 0
    assert imported["name"] == "phi-2"
    assert list((tmp_path / "data" / "downloads").iterdir()) == []
    (again,) = glassbox(*there, "--yes", "--json").lines
    assert again["already"]
    assert "is intact" in glassbox("model", "verify", "phi-2").out
