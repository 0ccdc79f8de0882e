"""Damaged files of every kind: a clear error or a model, never a crash, a hang or a huge allocation."""

from __future__ import annotations

import json
import struct
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from gguf import GGMLQuantizationType as Kind
from hypothesis import given, settings
from hypothesis import strategies as st

from desktop.bilingual import GlassboxError
from desktop.llm.sources import load_phi, open_source
from desktop.llm.sources.safetensors_header import read_header
from tests.llm.model_files import their_model, write_gguf, write_hub_folder

SECONDS = 10
MEMORY = 300 * 2**20
EXTREME = [0, 1, 2, 7, 31, 32, 255, 2**16, 2**31 - 1, 2**31, 2**32 - 1, 2**40, 2**63 - 1, 2**64 - 1]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz")


@pytest.fixture(scope="module")
def gguf_file(place: Path) -> bytes:
    write_gguf(place / "whole.gguf", their_model().state_dict(), Kind.Q4_0)
    return (place / "whole.gguf").read_bytes()


@pytest.fixture(scope="module")
def hub_file(place: Path) -> tuple[bytes, int]:
    """A single safetensors file beside its config, and the length of its header."""
    write_hub_folder(place / "phi", their_model(), shards=False)
    for name in ("config.json", "tokenizer.json"):
        (place / name).write_bytes((place / "phi" / name).read_bytes())
    data = (place / "phi" / "model.safetensors").read_bytes()
    return data, 8 + struct.unpack("<Q", data[:8])[0]


@pytest.fixture(autouse=True)
def _bounded() -> Iterator[None]:
    """However damaged the file: memory and time stay bounded."""
    before, start = most_memory(), time.monotonic()
    yield
    assert most_memory() - before < MEMORY
    assert time.monotonic() - start < 200


def most_memory() -> int:
    """The most this process ever held, or on a Mac what it holds now."""
    if sys.platform == "linux":
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    memory = psutil.Process().memory_info()
    return getattr(memory, "peak_wset", memory.rss)


def try_to_read(path: Path) -> bool:
    """Whether it is a model; anything but a ``GlassboxError`` fails the test."""
    start = time.monotonic()
    try:
        with open_source(path) as source:
            source.tokenizer()
            load_phi(source)
    except GlassboxError:
        return False
    finally:
        assert time.monotonic() - start < SECONDS
    return True


def header_end(data: bytes) -> int:
    """Roughly where a GGUF's weights begin: the last tensor's name is in the header."""
    return data.rfind(b"output_norm.bias") + 200


# ------------------------------------------------------------------------------------------------
# GGUF


@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_gguf_with_changed_bytes(place: Path, gguf_file: bytes, data: st.DataObject) -> None:
    changed = bytearray(gguf_file)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, header_end(gguf_file)))
        changed[at] ^= data.draw(st.integers(1, 255))
    (place / "x.gguf").write_bytes(changed)
    try_to_read(place / "x.gguf")


@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_gguf_with_lying_numbers(place: Path, gguf_file: bytes, data: st.DataObject) -> None:
    """Any 4 or 8 bytes replaced by a number that is far too large, or zero."""
    at = data.draw(st.one_of(st.integers(4, 400), st.integers(4, header_end(gguf_file))))
    value = data.draw(st.sampled_from(EXTREME))
    number = (
        struct.pack("<Q", value) if data.draw(st.booleans()) else struct.pack("<I", value % 2**32)
    )
    (place / "x.gguf").write_bytes(gguf_file[:at] + number + gguf_file[at + len(number) :])
    try_to_read(place / "x.gguf")


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_gguf_cut_short(place: Path, gguf_file: bytes, data: st.DataObject) -> None:
    length = data.draw(
        st.one_of(st.integers(0, header_end(gguf_file)), st.integers(0, len(gguf_file) - 40))
    )
    (place / "x.gguf").write_bytes(gguf_file[:length])
    assert not try_to_read(place / "x.gguf")


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=400))
def test_gguf_of_anything(place: Path, rest: bytes) -> None:
    (place / "x.gguf").write_bytes(b"GGUF\x03\x00\x00\x00" + rest)
    assert not try_to_read(place / "x.gguf")


def text(value: bytes) -> bytes:
    return struct.pack("<Q", len(value)) + value


@pytest.mark.parametrize(
    "body",
    [
        struct.pack("<QQ", 2**62, 2**62),
        struct.pack("<QQ", 0, 1) + struct.pack("<Q", 2**60),
        struct.pack("<QQ", 0, 1) + text(b"a") + struct.pack("<IIQ", 9, 0, 2**40),
        struct.pack("<QQ", 0, 1) + text(b"a") + struct.pack("<IIQ", 9, 8, 2**21),
        struct.pack("<QQ", 0, 1) + text(b"a") + struct.pack("<IIQ", 9, 9, 1),
        struct.pack("<QQ", 0, 2) + 2 * (text(b"a") + struct.pack("<IB", 0, 0)),
        struct.pack("<QQ", 0, 1) + text(b"general.alignment") + struct.pack("<II", 4, 0),
        struct.pack("<QQ", 1, 0) + text(b"t") + struct.pack("<I4QIQ", 4, *[2**62] * 4, 0, 0),
        struct.pack("<QQ", 1, 0) + text(b"t") + struct.pack("<IQIQ", 1, 8, 99, 0),
        struct.pack("<QQ", 1, 0) + text(b"t") + struct.pack("<IQIQ", 1, 8, 0, 2**63),
        struct.pack("<QQ", 2, 0) + 2 * (text(b"t") + struct.pack("<IQIQ", 1, 1, 0, 0)),
        struct.pack("<QQ", 2, 0)
        + text(b"t") + struct.pack("<IQIQ", 1, 64, 0, 0)
        + text(b"u") + struct.pack("<IQIQ", 1, 8, 0, 32),
    ],
)  # fmt: skip
def test_gguf_headers_that_lie(tmp_path: Path, body: bytes) -> None:
    (tmp_path / "x.gguf").write_bytes(b"GGUF" + struct.pack("<I", 3) + body + bytes(1000))
    assert not try_to_read(tmp_path / "x.gguf")


def test_other_versions_of_gguf(tmp_path: Path) -> None:
    for version, says in ((b"\0\0\0\3", "big-endian"), (b"\1\0\0\0", "version 1")):
        (tmp_path / "x.gguf").write_bytes(b"GGUF" + version + bytes(100))
        with pytest.raises(GlassboxError, match=says):
            open_source(tmp_path / "x.gguf")


# ------------------------------------------------------------------------------------------------
# safetensors


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_safetensors_with_changed_bytes(
    place: Path, hub_file: tuple[bytes, int], data: st.DataObject
) -> None:
    whole, header = hub_file
    changed = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, header))
        changed[at] = data.draw(st.integers(0, 255))
    (place / "x.safetensors").write_bytes(changed)
    try_to_read(place / "x.safetensors")


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_safetensors_cut_short(
    place: Path, hub_file: tuple[bytes, int], data: st.DataObject
) -> None:
    whole, header = hub_file
    length = data.draw(st.one_of(st.integers(0, header + 10), st.integers(0, len(whole) - 1)))
    (place / "x.safetensors").write_bytes(whole[:length])
    assert not try_to_read(place / "x.safetensors")


NUMBERS = st.one_of(st.integers(-(2**65), 2**65), st.sampled_from(EXTREME), st.floats(), st.none())
ENTRY = st.fixed_dictionaries(
    {
        "dtype": st.sampled_from(["F32", "F16", "BF16", "U8", "F4", "", None, 3]),
        "shape": st.one_of(st.lists(NUMBERS, max_size=4), st.none(), st.integers()),
        "data_offsets": st.one_of(st.lists(NUMBERS, max_size=3), st.none()),
    }
)


@settings(max_examples=150, deadline=None)
@given(header=st.dictionaries(st.text(max_size=5), st.one_of(ENTRY, st.integers()), max_size=4))
def test_safetensors_headers_of_anything(place: Path, header: dict[str, object]) -> None:
    raw = json.dumps(header).encode()
    path = place / "any.safetensors"
    path.write_bytes(struct.pack("<Q", len(raw)) + raw + bytes(64))
    try:
        read_header(path)
    except GlassboxError:
        return
    pytest.fail("64 zero bytes and random entries cannot fit together")


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b'{"__metadata__": {}}',
        b"[" * 100_000,
        b'{"a": 1, "a": 2}',
        b"\xff",
    ],
)
def test_safetensors_headers_that_are_none(tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(struct.pack("<Q", len(raw)) + raw)
    with pytest.raises(GlassboxError):
        read_header(path)


@pytest.mark.parametrize(
    "places",
    [[(0, 4), (0, 4)], [(0, 4), (8, 12)], [(0, 8), (4, 12)], [(4, 8), (8, 12)], [(0, 4), (4, 8)]],
)
def test_overlaps_and_gaps(tmp_path: Path, places: list[tuple[int, int]]) -> None:
    header = {
        f"t{number}": {"dtype": "U8", "shape": [stop - start], "data_offsets": [start, stop]}
        for number, (start, stop) in enumerate(places)
    }
    raw = json.dumps(header).encode()
    path = tmp_path / "x.safetensors"
    path.write_bytes(struct.pack("<Q", len(raw)) + raw + bytes(12))
    with pytest.raises(GlassboxError, match="damaged"):
        read_header(path)


def test_random_weights_survive(place: Path, hub_file: tuple[bytes, int]) -> None:
    """The reading above does succeed for a file that is whole."""
    (place / "good.safetensors").write_bytes(hub_file[0])
    assert try_to_read(place / "good.safetensors")
    assert try_to_read(place / "whole.gguf") or not (place / "whole.gguf").exists()
