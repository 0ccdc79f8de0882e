"""Downloads against a server on this machine that cuts, stalls, corrupts and refuses."""

from __future__ import annotations

import ast
import os
import random
import socket
import subprocess
import sys
import threading
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path

import pytest

from desktop.bilingual import GlassboxError
from desktop.llm import beside, download
from desktop.llm.download import look_up
from desktop.llm.hub import Connection, DownloadProgress, HubModel, Offer
from tests.llm.hub_server import REPOSITORY, REVISION, Fault, Hub, serving

ROOT = Path(__file__).parents[2]
MODEL = HubModel(REPOSITORY, REVISION)
LARGE = "model-00001-of-00002.safetensors"
SIZE = 3_000_000


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


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long was waited, without waiting."""
    waited: list[float] = []
    monkeypatch.setattr(download, "sleep", waited.append)
    return waited


@pytest.fixture
def hub() -> Iterator[Hub]:
    rng = random.Random(0)
    files = {
        "config.json": b'{"model_type": "phi"}',
        "tokenizer.json": rng.randbytes(5000),
        "merges.txt": b"",
        LARGE: rng.randbytes(SIZE),
        "model-00002-of-00002.safetensors": rng.randbytes(100_000),
        "pytorch_model.bin": b"a pickle",
        "README.md": b"# Phi-2",
        ".gitattributes": b"x",
    }
    with serving(files) as hub:
        yield hub


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "downloads" / "phi-2"


def connection(hub: Hub, **values: float) -> Connection:
    return Connection(hub.address, **{"timeout": 5.0, **values})  # type: ignore[arg-type]


def offer(hub: Hub, folder: Path) -> Offer:
    return look_up(MODEL, folder, connection(hub))


def fetched(hub: Hub, folder: Path, **values: float) -> list[DownloadProgress]:
    return list(download.download(offer(hub, folder), connection(hub, **values)))


def assert_complete(hub: Hub, folder: Path) -> None:
    wanted = {"config.json", "tokenizer.json", "merges.txt", LARGE}
    wanted.add("model-00002-of-00002.safetensors")
    assert {path.name for path in folder.iterdir()} == wanted
    for name in wanted:
        assert (folder / name).read_bytes() == hub.files[name]


def refused(work: object) -> GlassboxError:
    with pytest.raises(GlassboxError) as caught:
        work()  # type: ignore[operator]
    assert caught.value.message.zh != caught.value.message.en
    assert caught.value.hint.zh
    return caught.value


# ------------------------------------------------------------------------------------------------
# Asking


def test_says_what_it_would_mean(hub: Hub, folder: Path) -> None:
    found = offer(hub, folder)
    assert found.licence == "mit"
    assert found.bytes == SIZE + 105_000 + len(b'{"model_type": "phi"}')
    assert found.here == 0
    assert found.free > 0
    assert "pytorch_model.bin" not in {file.name for file in found.files}
    assert not folder.parent.exists()
    assert len(hub.requests) == 1


def test_sends_no_account(hub: Hub, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    fetched(hub, folder)
    assert not any("authorization" in {k.lower() for k in h} for h in hub.headers)
    assert "hf_secret" not in str(hub.headers)


def test_tells_nothing_about_this_machine_and_asks_nothing_else(
    hub: Hub, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants
    from huggingface_hub.utils import _detect_agent

    monkeypatch.setattr(constants, "HF_HUB_DISABLE_TELEMETRY", False)
    monkeypatch.setattr(constants, "ENDPOINT", hub.address)
    monkeypatch.setattr(_detect_agent, "_registry", None)
    offer(hub, folder)
    assert [path for path, _ in hub.requests if not path.startswith("/api/models/")] == []
    assert "torch" not in str(hub.headers).lower()


def test_address_from_the_environment(
    hub: Hub, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", hub.address + "/")
    assert look_up(MODEL, folder).address == hub.address
    assert Connection("http://mirror").address == "http://mirror"
    monkeypatch.delenv("HF_ENDPOINT")
    assert Connection().address == "https://huggingface.co"


@pytest.mark.parametrize(
    ("status", "says"),
    [(404, "does not have"), (401, "does not give"), (429, "is busy"), (503, "a problem")],
)
def test_refusals(hub: Hub, folder: Path, status: int, says: str) -> None:
    hub.info_status = status
    assert says in refused(lambda: offer(hub, folder)).message.en


@pytest.mark.parametrize(
    "info",
    [
        {"siblings": []},
        {"siblings": [{"rfilename": "config.json", "size": 5}]},
        {"siblings": "nonsense"},
        {"sha": "0" * 40},
        {"siblings": [{"rfilename": "model.safetensors", "size": -1, "blobId": "0" * 40}]},
        {"siblings": [{"rfilename": "config.json", "size": 10**15, "blobId": "0" * 40}]},
    ],
)
def test_answers_that_make_no_sense(hub: Hub, folder: Path, info: dict[str, object]) -> None:
    hub.info = info
    assert "makes no sense" in refused(lambda: offer(hub, folder)).message.en


def test_names_that_lead_elsewhere_are_not_taken(hub: Hub, folder: Path) -> None:
    hub.files |= {"../config.json": b"x", "model-a/../../x.safetensors": b"x", "model\\x": b"x"}
    assert all("/" not in file.name and "\\" not in file.name for file in offer(hub, folder).files)


def test_a_mirror_cannot_swap_a_file_that_we_know(hub: Hub, folder: Path) -> None:
    known = HubModel(REPOSITORY, REVISION, {LARGE: "0" * 64})
    error = refused(lambda: look_up(known, folder, connection(hub)))
    assert "not the file that Microsoft published" in error.message.en


def test_nobody_there(folder: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}"
    error = refused(lambda: look_up(MODEL, folder, Connection(address, timeout=2)))
    assert "cannot be reached" in error.message.en


def test_through_a_proxy(hub: Hub, folder: Path) -> None:
    """The hub stands in for a proxy: it gets the whole address, and a name nobody could look up."""
    link = Connection("http://hub.invalid", proxy=hub.address, timeout=5)
    error = refused(lambda: look_up(MODEL, folder, link))
    assert "HTTP 404" in error.message.en
    assert hub.requests[0][0].startswith("http://hub.invalid/api/models")
    assert (
        "no proxy address"
        in refused(lambda: look_up(MODEL, folder, Connection(proxy="nonsense"))).message.en
    )


# ------------------------------------------------------------------------------------------------
# Fetching


def test_everything_arrives(hub: Hub, folder: Path) -> None:
    steps = fetched(hub, folder)
    assert_complete(hub, folder)
    done = [step.done for step in steps]
    assert done == sorted(done)
    assert steps[-1] == DownloadProgress("done", "", done[-1], done[-1])
    before = len(hub.requests)
    fetched(hub, folder)
    assert len(hub.requests) == before + 1  # all there: only the list is asked for


@pytest.mark.parametrize(
    "faults",
    [
        [Fault(cut=1_000_000)],
        [Fault(cut=0)] * 3,
        [Fault(cut=200_000)] * 12,
        [Fault(status=503), Fault(status=500), Fault(status=429)],
        [Fault(cut=1_000_000), Fault(ignore_range=True)],
        [Fault(cut=1_000_000), Fault(wrong_range=True)],
        [Fault(cut=1_000_000), Fault(status=416)],
        [Fault(corrupt=True)],
        [Fault(cut=1_000_000, corrupt=True)],
        [Fault(too_long=True)],
    ],
    ids=lambda faults: f"{len(faults)}-{faults[-1]}",
)
def test_what_passes_by_itself(
    hub: Hub, folder: Path, waits: list[float], faults: list[Fault]
) -> None:
    hub.faults = list(faults)
    steps = fetched(hub, folder)
    assert_complete(hub, folder)
    assert not hub.faults
    assert all(step.reason.zh for step in steps if step.state == "waiting")


def test_a_cut_is_continued_where_it_was(hub: Hub, folder: Path, waits: list[float]) -> None:
    hub.faults = [Fault(cut=1_000_000)]
    fetched(hub, folder)
    ranges = [given for path, given in hub.requests if path.endswith(LARGE)]
    assert ranges == ["", "bytes=1000000-"]


def test_a_server_that_falls_silent(hub: Hub, folder: Path, waits: list[float]) -> None:
    hub.faults = [Fault(cut=500_000, silent=True)]
    fetched(hub, folder, timeout=0.5)
    assert_complete(hub, folder)


def test_waits_as_long_as_the_server_asks(hub: Hub, folder: Path, waits: list[float]) -> None:
    hub.faults = [Fault(status=429, retry_after="7")]
    steps = fetched(hub, folder)
    assert sum(waits) == pytest.approx(7)
    assert max(waits) <= 0.2  # so that a pause is heard
    assert max(step.wait for step in steps) == 7


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (Fault(status=503), "again and again: the server is busy"),
        (Fault(cut=0), "again and again: the connection broke"),
        (Fault(status=429, retry_after="86400"), "again and again"),
        (Fault(status=404), "does not have this model"),
        (Fault(status=403), "does not give"),
        (Fault(corrupt=True), "downloaded twice"),
    ],
)
def test_what_does_not_pass(
    hub: Hub, folder: Path, waits: list[float], fault: Fault, says: str
) -> None:
    hub.forever = fault
    assert says in refused(lambda: fetched(hub, folder)).message.en
    assert not (folder / LARGE).exists()
    assert not (folder / "downloading.pid").exists()
    hub.forever = None
    fetched(hub, folder)
    assert_complete(hub, folder)


def test_pause_and_go_on(hub: Hub, folder: Path) -> None:
    work = download.download(offer(hub, folder), connection(hub))
    for step in work:
        if step.file == LARGE and step.done > 1_000_000:
            break
    work.close()
    part = (folder / f"{LARGE}.part").stat().st_size
    assert part > 500_000
    assert offer(hub, folder).here > part
    steps = fetched(hub, folder)
    assert any(step.state == "checking" for step in steps)
    assert f"bytes={part}-" in [given for _, given in hub.requests]
    assert_complete(hub, folder)


KILLED = """
import sys
from pathlib import Path
from desktop.llm.download import Connection, HubModel, download, look_up
link = Connection(sys.argv[1])
offer = look_up(HubModel(sys.argv[3], sys.argv[4]), Path(sys.argv[2]), link)
for step in download(offer, link):
    if step.file.startswith("model-00001") and step.done > 1_000_000:
        print("half", flush=True)
        sys.stdin.read()
"""


def test_killed_and_gone_on(hub: Hub, folder: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, hub.address, str(folder), REPOSITORY, REVISION],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    giving_up = threading.Timer(120, process.kill)
    giving_up.start()
    assert process.stdout is not None
    assert process.stdout.readline() == "half\n"
    error = refused(lambda: fetched(hub, folder))
    assert "Another Glassbox" in error.message.en
    process.kill()
    process.communicate()
    giving_up.cancel()
    giving_up.join()
    assert not (folder / LARGE).exists()
    fetched(hub, folder)
    assert_complete(hub, folder)


def test_a_part_that_was_damaged_on_disk(hub: Hub, folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / f"{LARGE}.part").write_bytes(bytes(1_000_000))
    fetched(hub, folder)
    assert_complete(hub, folder)
    (folder / LARGE).unlink()
    (folder / f"{LARGE}.part").write_bytes(bytes(SIZE + 5))
    fetched(hub, folder)
    assert_complete(hub, folder)


def test_disk_full(hub: Hub, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    found = offer(hub, folder)
    with monkeypatch.context() as patch:
        patch.setattr(beside.shutil, "disk_usage", lambda _: usage(10**9, 10**9, 10**6))
        error = refused(lambda: list(download.download(found, connection(hub))))
    assert "too full" in error.message.en

    def full(_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(download.os, "fsync", full)
    error = refused(lambda: list(download.download(found, connection(hub))))
    assert "became full" in error.message.en


# ------------------------------------------------------------------------------------------------
# Nobody else

NETWORKS = {"socket", "ssl", "http", "httpx", "httpx2", "requests", "urllib3", "aiohttp"}
NETWORKS |= {"huggingface_hub", "ftplib", "smtplib", "xmlrpc", "websockets", "socketserver"}


def test_only_this_module_can_reach_a_network() -> None:
    found = set()
    for path in (*(ROOT / "desktop").rglob("*.py"), *(ROOT / "lessons").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module or ""]
                names += [f"{node.module}.{alias.name}" for alias in node.names]
            for name in names:
                if name.split(".")[0] in NETWORKS or name.startswith(
                    ("urllib.request", "PySide6.QtNetwork", "PySide6.QtWebSockets")
                ):
                    found.add(path.relative_to(ROOT).as_posix())
    assert found == {"desktop/llm/download.py"}
