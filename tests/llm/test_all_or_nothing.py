"""Importing a model ends well or leaves nothing: disk full, stopped, killed, out of memory."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from gguf import GGMLQuantizationType as Kind

from desktop.bilingual import GlassboxError
from desktop.commands.bench_chat_random import write_random
from desktop.llm import beside, fast_open
from desktop.llm.fast_open import open_for_chat
from desktop.llm.memory import is_out_of_memory
from desktop.llm.phi import PhiConfig
from desktop.llm.store import ModelStore
from tests.llm.model_files import their_model, write_gguf, write_hub_folder

ROOT = Path(__file__).parents[2]
SOURCES = ("hub", "gguf", "converted")
LARGER = PhiConfig(8192, 1024, 4096, 1, 8, 8, 512, partial_rotary_factor=0.5)
"""29 million weights: so large that buffers the process happens to hold are not enough."""


@pytest.fixture(scope="module")
def originals(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    place, theirs = tmp_path_factory.mktemp("originals"), their_model()
    made = {"hub": write_hub_folder(place / "hub", theirs), "gguf": place / "phi.gguf"}
    write_gguf(made["gguf"], theirs.state_dict(), Kind.Q4_K)
    list(ModelStore(place / "store").add(made["hub"], "converted"))
    return {**made, "converted": place / "store" / "converted"}


@pytest.fixture(params=SOURCES)
def original(request: pytest.FixtureRequest, originals: dict[str, Path]) -> Path:
    return originals[request.param]


@pytest.fixture
def models(tmp_path: Path) -> ModelStore:
    return ModelStore(tmp_path / "models")


def assert_nothing_left(models: ModelStore) -> None:
    assert models.look() == ()
    assert not models.folder.exists() or list(models.folder.iterdir()) == []


# ------------------------------------------------------------------------------------------------
# The disk


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own, of half a megabyte."""
    if sys.platform != "linux":
        pytest.skip("tmpfs")
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("this user may not mount anything")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_disk_that_is_really_full(
    small_disk: Path, original: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once known beforehand, once, when others fill it meanwhile, on the way; then there is room."""
    models = ModelStore(small_disk / "models")
    with pytest.raises(GlassboxError, match="too full"):
        list(models.add(original, "new"))
    assert_nothing_left(models)
    monkeypatch.setattr(beside, "SPARE", -(10**9))
    with pytest.raises(GlassboxError, match=r"became full; .new. was not saved") as caught:
        list(models.add(original, "new"))
    assert "满" in caught.value.message.zh
    assert_nothing_left(models)
    subprocess.run(["mount", "-o", "remount,size=64m", str(small_disk)], check=True)
    list(models.add(original, "new"))
    assert [model.name for model in models.list()] == ["new"]


FULL = """
import resource, sys
from desktop.cli import main
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
for number, original in enumerate(sys.argv[2:]):
    given = ["--name", f"new {number}", "--data-dir", sys.argv[1], "--lang", "en"]
    assert main(["model", "import", original, *given]) == 1
"""


@pytest.mark.skipif(sys.platform == "win32", reason="resource limits")
def test_files_that_may_not_grow(originals: dict[str, Path], models: ModelStore) -> None:
    done = run_python(FULL, str(models.folder.parent), *map(str, originals.values()))
    assert done.returncode == 0, done.stderr
    for number in range(len(originals)):
        assert f"“new {number}” could not be written." in done.stderr
    assert "Traceback" not in done.stderr
    assert_nothing_left(models)


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "manifest.json"])
def test_full_at_each_of_the_small_files(
    name: str, originals: dict[str, Path], models: ModelStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = Path.write_text

    def full(self: Path, *arguments: object, **named: object) -> int:
        if self.name == name:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(self, *arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(GlassboxError, match="became full"):
        list(models.add(originals["hub"], "new"))
    assert_nothing_left(models)


@pytest.mark.parametrize("where", ["fsync", "rename"])
def test_full_at_the_very_end(
    where: str, original: Path, models: ModelStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(*((beside.os, "fsync") if where == "fsync" else (Path, "rename")), full)
    with pytest.raises(GlassboxError, match="became full"):
        list(models.add(original, "new"))
    monkeypatch.undo()
    assert_nothing_left(models)


# ------------------------------------------------------------------------------------------------
# Stopped and killed


def test_stopped_at_every_stage(
    original: Path, models: ModelStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(beside, "_sync", lambda folder: None)
    steps = len(list(models.add(original, "whole")))
    for stop in {*range(1, steps, 3), *range(steps - 4, steps)}:  # each tensor takes three
        work = models.add(original, "new")
        for _ in range(stop):
            next(work)
        work.close()  # type: ignore[attr-defined]
        assert [path.name for path in models.folder.iterdir()] == ["whole"]
    checks = len(list(models.verify("whole")))
    for stop in range(1, checks):
        check = models.verify("whole")
        for _ in range(stop):
            next(check)
        check.close()  # type: ignore[attr-defined]
    assert [model.name for model in models.list()] == ["whole"]


KILLED = """
import os, signal, sys
from pathlib import Path
import torch
from desktop.llm import convert, sources
from desktop.llm.store import ModelStore

for killing in sys.argv[1:]:
    models, original, killed_at = killing.split("\t")
    child = os.fork()  # torch has computed nothing yet, so no thread is lost
    if child == 0:
        for place, step in enumerate(ModelStore(Path(models)).add(Path(original), "new")):
            if place == int(killed_at):
                os.kill(os.getpid(), signal.SIGKILL)
        os._exit(3)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_killed_at_every_stage(
    originals: dict[str, Path], models: ModelStore, tmp_path: Path
) -> None:
    killings: dict[Path, tuple[Path, int]] = {}
    for kind, original in originals.items():
        steps = len(list(models.add(original, kind)))
        for place in sorted({0, 2, steps // 2, steps - 3, steps - 2}):
            killings[tmp_path / f"{kind} {place}"] = original, place
    done = run_python(KILLED, *(f"{store}\t{one}\t{at}" for store, (one, at) in killings.items()))
    assert done.returncode == 0, done.stderr
    for store, (original, place) in killings.items():
        killed = ModelStore(store)
        left = [path.name for path in store.glob("*")]
        assert all(name.startswith(".partial-") for name in left), (store, left)
        assert left or place <= 2  # before anything is written
        assert_nothing_left(killed)  # looking clears up
        if place > 2:
            list(killed.add(original, "new"))
            assert list(killed.verify("new"))[-1].fraction == 1.0


class StoppedError(Exception):
    pass


@pytest.mark.parametrize("kind", SOURCES)
def test_loading_stopped_at_every_layer(
    kind: str, originals: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fast_open, "SMALL", 0)
    heard: list[float] = []
    open_for_chat(originals[kind], device="cpu", progress=heard.append)
    for stop in heard:

        def stopping(part: float, stop: float = stop) -> None:
            if part >= stop:
                raise StoppedError

        with pytest.raises(StoppedError):
            open_for_chat(originals[kind], device="cpu", progress=stopping)
    assert open_for_chat(originals[kind], device="cpu").decoder.prefill([1, 2]).isfinite().all()


# ------------------------------------------------------------------------------------------------
# Memory


MEMORY = """
import gc, resource, shutil, sys
from pathlib import Path
import torch
from desktop.bilingual import GlassboxError
from desktop.llm import fast_open
from desktop.llm.convert import convert
from desktop.llm.kernels_choice import choose_for_processor
from desktop.llm.sources import open_source

place, tries = Path(sys.argv[1]), 0
fast_open.SMALL = 0
torch.set_num_threads(2)

def convert_again():
    with open_source(place / "original") as source:
        for _ in convert(source, place / "new"):
            pass

def open_converted():
    return fast_open.open_for_chat(place / "small", device="cpu", check_memory=False)

def open_original():
    return fast_open.open_for_chat(place / "original", device="cpu", check_memory=False)

def address_space():
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()

for work in (convert_again, open_converted, open_original):
    work()  # threads and tables that stay are made with memory at hand
    shutil.rmtree(place / "new", ignore_errors=True)
    gc.collect()
    failed = 0
    for spare in (0, 15, 60):
        resource.setrlimit(resource.RLIMIT_AS, (address_space() + spare * 2**20, -1))
        try:
            work()
        except GlassboxError as error:
            failed += 1
            assert "emory" in error.message.en and "内存" in error.message.zh, error.message.en
            assert error.hint.en and error.hint.zh
        finally:
            resource.setrlimit(resource.RLIMIT_AS, (-1, -1))
        found = sorted(path.name for path in place.iterdir() if path.name != "new")
        assert found == ["original", "small"], found
        if (place / "new").exists():
            fast_open.open_for_chat(place / "new", device="cpu", check_memory=False)
            shutil.rmtree(place / "new")
        gc.collect()
    assert failed, work
    work()  # and then everything is as before
    shutil.rmtree(place / "new", ignore_errors=True)
print("went on")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_AS and /proc")
def test_no_memory_left(tmp_path: Path) -> None:
    write_random(tmp_path / "original", LARGER)
    models = ModelStore(tmp_path)
    list(models.add(tmp_path / "original", "small"))
    done = run_python(MEMORY, str(tmp_path))
    assert (done.returncode, done.stdout) == (0, "went on\n"), done.stderr[-3000:]
    shutil.rmtree(tmp_path / "original")


@pytest.mark.parametrize(
    ("error", "is_it"),
    [
        (MemoryError(), True),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), True),
        (OSError(errno.ENOSPC, "No space left on device"), False),
        (RuntimeError("[enforce fail at alloc_cpu.cpp] can't allocate memory"), True),
        (RuntimeError("CUDA error: out of memory"), True),
        (RuntimeError("unable to mmap 5 bytes from file <x>: Cannot allocate memory (12)"), True),
        (RuntimeError("shape mismatch"), False),
        (ValueError("out of memory"), False),
    ],
)
def test_what_counts_as_no_memory(error: Exception, is_it: bool) -> None:
    assert is_out_of_memory(error) is is_it


def run_python(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        timeout=200,
        cwd=ROOT,
        env=environment,
    )
