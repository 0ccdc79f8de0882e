"""The download card in the pane, against a hub on this machine that misbehaves when asked to."""

import os
import random
import socket
from collections import namedtuple
from pathlib import Path

import pytest
from PySide6.QtCore import Qt

from desktop.llm import beside, download, hub
from desktop.llm.download import look_up
from desktop.llm.hub import Connection, HubModel
from desktop.runtime.model_download import SpeedMeter
from desktop.runtime.model_shelf import ModelShelf
from desktop.ui.chat.download_card import ENDPOINT, DownloadCard
from desktop.ui.strings import language
from tests.llm.hub_server import REPOSITORY, REVISION, Fault, serving

from .conftest import make_model

WAIT = 30_000
WEIGHTS = "model.safetensors"


@pytest.fixture(autouse=True)
def _no_network(monkeypatch):
    """This machine may be reached, nothing else."""
    connect = socket.socket.connect

    def here_only(self, address):
        assert address[0] == "127.0.0.1", address
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", here_only)
    for name in list(os.environ):
        if name.lower().endswith("_proxy") or name.startswith("HF_"):
            monkeypatch.delenv(name)


@pytest.fixture
def server(tmp_path, monkeypatch):
    """A hub that has a tiny Phi under the name of the large one."""
    folder = make_model(tmp_path / "published")
    files = {one.name: one.read_bytes() for one in folder.iterdir()}
    files.pop("glassbox.json", None)
    monkeypatch.setitem(hub.KNOWN, "phi-2", HubModel(REPOSITORY, REVISION))
    with serving(files) as made:
        made.faulty = WEIGHTS
        monkeypatch.setenv("HF_ENDPOINT", made.address)
        yield made


@pytest.fixture
def card(qtbot, server, pane):
    pane.show_models()
    qtbot.waitUntil(lambda: bool(pane.shelf.models), timeout=WAIT)
    return pane.models_page.download


def click(qtbot, button):
    assert button.isVisible()
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def until(qtbot, card, state):
    qtbot.waitUntil(lambda: card._download.state == state, timeout=WAIT)


def agreed(qtbot, card):
    """The terms are asked for and shown."""
    click(qtbot, card.main)
    until(qtbot, card, "offered")


def installed(qtbot, pane):
    def there():
        return {one.name for one in pane.shelf.models} == {"tiny", "phi-2"}

    qtbot.waitUntil(there, timeout=WAIT)


def stall(server):
    """The weights stop coming after a while and nothing more is heard."""
    server.faults = [Fault(cut=20_000, silent=True)]


def test_nothing_is_asked_before_a_click(qtbot, card, server):
    assert card.isVisible()
    assert "until you agree" in card.text.text()
    assert not card.facts.isVisible()
    assert server.requests == []


def test_terms_first_then_download_convert_and_list(qtbot, card, server, pane, tmp_path):
    agreed(qtbot, card)
    for words in (REPOSITORY, server.address, "MIT", "free on the disk"):
        assert words in card.facts.text()
    assert len(server.requests) == 1
    assert not (tmp_path / "downloads").exists()
    click(qtbot, card.main)
    installed(qtbot, pane)
    assert not card.isVisible()
    assert not (tmp_path / "downloads" / "phi-2").exists()
    assert not (tmp_path / "downloads" / "phi-2.complete").exists()
    pane.load(pane.shelf.folder / "phi-2")
    qtbot.waitUntil(lambda: pane.session.info is not None, timeout=WAIT)


def test_the_terms_can_be_declined(qtbot, card, server):
    agreed(qtbot, card)
    click(qtbot, card.discard)
    until(qtbot, card, "idle")
    assert not card.facts.isVisible()
    assert len(server.requests) == 1


def test_a_pause_keeps_what_came_and_goes_on_from_there(qtbot, card, server, pane):
    stall(server)
    agreed(qtbot, card)
    click(qtbot, card.main)
    qtbot.waitUntil(
        lambda: card._download.progress is not None and card._download.here > 20_000, timeout=WAIT
    )
    assert card.bar.maximum() == 1000
    assert " of " in card.pace.text()
    click(qtbot, card.stop)
    assert card._download.state == "paused"
    assert "paused" in card.text.text()
    server.closing.set()  # the silent answer ends
    click(qtbot, card.main)
    installed(qtbot, pane)
    assert any(span == "bytes=20000-" for _, span in server.requests)


def test_after_a_kill_the_card_offers_to_go_on(qtbot, server, tmp_path, store):
    connection = Connection(server.address)
    folder = tmp_path / "downloads" / "phi-2"
    offer = look_up(HubModel(REPOSITORY, REVISION), folder, connection)
    steps = download.download(offer, connection)
    while next(steps).done < offer.bytes // 2:
        pass
    steps.close()
    assert (folder / f"{WEIGHTS}.part").exists()
    server.requests.clear()
    shelf = ModelShelf(tmp_path / "models")
    card = DownloadCard(shelf.download, store)
    qtbot.addWidget(card)
    card.show()
    card.convert_wanted.connect(shelf.add_download)
    assert "not finished" in card.text.text()
    assert card.main.text() == "Continue the download"
    click(qtbot, card.main)
    qtbot.waitUntil(lambda: [m.name for m in shelf.models] == ["phi-2"], timeout=WAIT)
    assert any(span for _, span in server.requests)
    shelf.close()


def test_what_came_can_be_deleted(qtbot, card, server, tmp_path):
    stall(server)
    agreed(qtbot, card)
    click(qtbot, card.main)
    qtbot.waitUntil(lambda: card._download.here > 20_000, timeout=WAIT)
    click(qtbot, card.stop)
    server.closing.set()
    click(qtbot, card.discard)
    qtbot.waitUntil(lambda: not (tmp_path / "downloads" / "phi-2").exists(), timeout=WAIT)
    qtbot.waitUntil(lambda: card.main.text() == "Ask for size and licence", timeout=WAIT)


@pytest.mark.parametrize(
    ("status", "says"), [(404, "does not have"), (429, "is busy"), (503, "has a problem")]
)
def test_a_refusal_is_a_sentence_and_can_be_tried_again(qtbot, card, server, status, says):
    server.info_status = status
    click(qtbot, card.main)
    until(qtbot, card, "failed")
    assert says in card.error.text()
    server.info_status = 200
    assert card.main.text() == "Try again"
    agreed(qtbot, card)
    assert not card.error.isVisible()


def test_a_busy_server_is_waited_for_and_said(qtbot, card, server, pane):
    server.faults = [Fault(status=429, retry_after="1")]
    agreed(qtbot, card)
    click(qtbot, card.main)
    qtbot.waitUntil(lambda: "busy; next try" in card.pace.text(), timeout=WAIT)
    installed(qtbot, pane)


def test_a_cut_is_mended_without_asking(qtbot, card, server, pane, monkeypatch):
    monkeypatch.setattr(download, "sleep", lambda _seconds: None)
    server.faults = [Fault(cut=10_000), Fault(cut=10_000)]
    agreed(qtbot, card)
    click(qtbot, card.main)
    installed(qtbot, pane)


def test_corrupt_files_are_refused(qtbot, card, server, pane):
    server.forever = Fault(corrupt=True)
    agreed(qtbot, card)
    click(qtbot, card.main)
    until(qtbot, card, "failed")
    assert WEIGHTS in card.error.text()
    assert [one.name for one in pane.shelf.models] == ["tiny"]


def test_a_full_disk_is_said_before_anything_is_fetched(qtbot, card, server, monkeypatch):
    agreed(qtbot, card)
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(beside.shutil, "disk_usage", lambda _path: usage(10**9, 10**9, 1000))
    click(qtbot, card.main)
    until(qtbot, card, "failed")
    assert "disk" in (card.error.text() + card._hint.text()).lower()
    assert len(server.requests) == 1


def test_a_mirror_is_kept_and_asked(qtbot, card, server, store, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    click(qtbot, card.source_button)
    qtbot.keyClicks(card.endpoint, server.address)
    qtbot.keyClick(card.endpoint, Qt.Key.Key_Return)
    assert store.setting(ENDPOINT, "") == server.address
    agreed(qtbot, card)
    assert server.address in card.facts.text()


def test_a_cancelled_conversion_can_be_taken_up_again(qtbot, card, server, pane, tmp_path):
    pane.shelf.download._whole.parent.mkdir()
    files = server.files
    folder = tmp_path / "downloads" / "phi-2"
    folder.mkdir()
    for name, data in files.items():
        Path(folder / name).write_bytes(data)
    pane.shelf.download._whole.touch()
    again = ModelShelf(pane.shelf.folder)
    made = DownloadCard(again.download, pane._store)
    qtbot.addWidget(made)
    made.show()
    assert again.download.state == "fetched"
    assert made.main.text() == "Convert to 4 bits"
    with qtbot.waitSignal(made.convert_wanted):
        click(qtbot, made.main)
    again.close()


def test_in_chinese(qtbot, card, server):
    language().set("zh")
    assert card.main.text() == "查询大小和许可证"
    agreed(qtbot, card)
    assert "许可证" in card.facts.text()


def test_speed_is_that_of_the_last_seconds():
    now = [0.0]
    meter = SpeedMeter(lambda: now[0])
    assert meter.speed is None
    rng = random.Random(1)
    done = 0
    for _ in range(100):
        now[0] += 0.1
        done += 100_000 + rng.randrange(2)
        meter.see(done)
    assert meter.speed == pytest.approx(1_000_000, rel=1e-3)
    meter.see(0)
    assert meter.speed is None
