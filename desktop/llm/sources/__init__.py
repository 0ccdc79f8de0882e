"""Where weights come from: one interface over every kind of file that holds a Phi model.

``open_source(path)`` looks at what is there and answers with a ``WeightSource``:

- a folder as on the hub (``config.json``, ``model.safetensors`` or shards with an index), with today's
  tensor names or the older ``phi-msft`` ones
- a single ``.safetensors`` file with its ``config.json`` beside it
- a ``.gguf`` file, with whatever quantization, its tokenizer inside
- a model that Glassbox converted, or one that a lesson kept

Headers, sizes, offsets, shapes, number formats, config and vocabulary are checked when a source is
opened, before any weight takes memory; weights are then read one tensor, or a few rows, at a time.
Imports torch, safetensors, gguf; no Qt.
"""

from __future__ import annotations

from pathlib import Path

from desktop.llm.memory import is_out_of_memory
from desktop.llm.sources.errors import (
    SourceError,
    damaged,
    missing_file,
    no_model_here,
    pickle_refused,
)
from desktop.llm.sources.source import TensorInfo, WeightSource, load_phi

__all__ = ["SourceError", "TensorInfo", "WeightSource", "load_phi", "open_source"]

PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle")
MANIFEST, QUANTIZED = "manifest.json", "quantized.safetensors"


def open_source(path: Path) -> WeightSource:
    """The right kind of source for a file or folder; raises ``GlassboxError`` saying what is wrong.

    Close it, or use it as a context manager: it keeps files mapped.
    """
    path = path.expanduser()
    try:
        if path.is_dir():
            return _open_folder(path)
        if path.is_file():
            return _open_file(path)
    except OSError as error:
        if is_out_of_memory(error):  # to map a file takes addresses, which can run out
            raise
        raise damaged(path.name, str(error)) from error
    raise no_model_here(path)


def _open_folder(folder: Path) -> WeightSource:
    if (folder / MANIFEST).is_file():
        from desktop.llm.sources.converted import ConvertedSource

        return ConvertedSource(folder)
    if (folder / "config.json").is_file() and not (folder / QUANTIZED).is_file():
        from desktop.llm.sources.hub_folder import HubFolder

        return HubFolder(folder)
    files = [entry for entry in folder.iterdir() if entry.is_file()]
    ggufs = [entry for entry in files if entry.suffix.lower() == ".gguf"]
    if len(ggufs) == 1:
        return _open_file(ggufs[0])
    names = {entry.name for entry in files}
    if QUANTIZED in names:
        raise missing_file(MANIFEST, folder)
    if any(name.endswith(".safetensors") for name in names):
        raise missing_file("config.json", folder)
    pickles = [entry for entry in files if entry.suffix.lower() in PICKLES]
    if pickles:
        raise pickle_refused(pickles[0].name)
    raise no_model_here(folder)


def _open_file(path: Path) -> WeightSource:
    """By content first: a file may be called anything."""
    with path.open("rb") as file:
        start = file.read(4)
    if start == b"GGUF":
        from desktop.llm.sources.gguf_file import GgufFile

        return GgufFile(path)
    suffix = path.suffix.lower()
    if suffix in PICKLES or start[:2] == b"\x80\x02" or start == b"PK\x03\x04":
        raise pickle_refused(path.name)
    if suffix == ".gguf":
        raise damaged(path.name, "does not begin with GGUF")
    if suffix == ".safetensors":
        from desktop.llm.sources.hub_folder import HubFolder

        return HubFolder(path.parent, only=path)
    if path.name in ("config.json", "model.safetensors.index.json", MANIFEST):
        return _open_folder(path.parent)
    raise no_model_here(path)
