"""``glassbox shot`` takes pictures of the real window, the same one every time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtGui import QImage

from desktop.course.chats import Chats
from desktop.course.store import Store
from tests.ui.chat.conftest import make_model


def shot(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "desktop", "shot", *arguments]
    return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=240)


def test_size_and_scale(qapp, tmp_path: Path):
    picture = tmp_path / "settings.png"
    done = shot("settings", "--out", str(picture), "--size", "1000x640", "--scale", "2")
    assert done.returncode == 0, done.stderr
    image = QImage(str(picture))
    assert (image.width(), image.height()) == (2000, 1280)


@pytest.mark.slow
def test_the_same_step_gives_the_same_picture(qapp, tmp_path: Path, course):
    slug = course.lessons[0].slug
    images = []
    for name in ("one.png", "two.png"):
        done = shot(slug, "--out", str(tmp_path / name), "--step", "25", "--lang", "en")
        assert done.returncode == 0, done.stderr
        images.append(QImage(str(tmp_path / name)))
    assert (images[0].width(), images[0].height()) == (1280, 720)
    assert images[0] == images[1]


def test_the_chat_has_asked_and_answered(qapp, tmp_path: Path):
    make_model(tmp_path / "data" / "models" / "tiny")
    images = []
    for folder, words in (("data", ["--chat", "Once upon"]), ("fresh", [])):
        picture = tmp_path / f"{folder}.png"
        done = shot("settings", "--out", str(picture), "--data-dir", str(tmp_path / folder), *words)
        assert done.returncode == 0, done.stderr
        images.append(QImage(str(picture)))
    store = Store(tmp_path / "data" / "glassbox.sqlite3")
    chats = Chats(store.database)
    branch = chats.branch(chats.all()[-1].id)
    store.close()
    assert [(one.role, one.state) for one in branch] == [("user", "done"), ("assistant", "done")]
    assert branch[0].text == "Once upon"
    assert branch[1].text
    assert images[0] != images[1]


def test_the_models_page(qapp, tmp_path: Path):
    done = shot("models", "--out", str(tmp_path / "models.png"), "--lang", "zh")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "models.png").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["no-such-lesson"], "no-such-lesson"),
        (["gradient-descent", "--lesson-step", "nowhere"], "nowhere"),
        (["settings", "--size", "huge"], "1280x720"),
        (["settings", "--step", "many"], "many"),
    ],
)
def test_mistakes_end_in_one_sentence(tmp_path: Path, arguments, said):
    done = shot(*arguments, "--out", str(tmp_path / "x.png"), "--lang", "en")
    assert done.returncode != 0
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "x.png").exists()
