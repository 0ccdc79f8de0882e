"""The toy lesson with the real session: worker, torch and everything between."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from pytestqt.qtbot import QtBot

from desktop.ui.lesson.lesson_view import LessonView
from desktop.ui.strings import language


def test_a_learner_goes_through_the_lesson(live: LessonView, qtbot: QtBot) -> None:
    session = live.session
    bar = live.transport
    for step in range(1, 4):
        qtbot.mouseClick(bar.step, Qt.MouseButton.LeftButton)
        qtbot.waitUntil(lambda step=step: session.status.step == step)
    line = bar.timeline
    place = QPoint(round(line.x_of(1)), line.height() - 8)
    qtbot.mouseClick(line, Qt.MouseButton.LeftButton, pos=place)
    qtbot.waitUntil(lambda: session.status.step == 1 and session.status.head == 3)
    qtbot.mouseClick(bar.fork, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: len(session.status.runs) == 2)
    assert bar.runs.isVisible()

    live.go_to(1)
    card = live.prose.predictions()[0]
    card.rows[0].radio.setChecked(True)
    with qtbot.waitSignal(session.prediction_settled, timeout=20_000):
        card.commit.click()
    assert "right" in card.verdict.text()
    assert live.store.answers("line")["fast"].passed

    live.go_to(2)
    goal = live.prose.goals()[0]
    goal.show_me.click()
    qtbot.waitUntil(lambda: goal.done, timeout=20_000)
    session.pause()
    qtbot.waitUntil(lambda: not session.status.playing)
    language().set("zh")
    assert goal.verdict.text().startswith("达成了")
    assert live.store.progress("line").complete(live.lesson)  # type: ignore[arg-type]


def test_code_and_sharing_round_trip(live: LessonView, qtbot: QtBot, tmp_path: Path) -> None:
    session = live.session
    with qtbot.waitSignal(session.script_ready, timeout=20_000):
        live.show_code(True)
    assert "def update" in live.code.text.toPlainText()
    live.change({"rate": 0.5})
    session.step(4)
    qtbot.waitUntil(lambda: session.status.step == 4)
    loss = session.status.runs[0].history.at(4)
    with qtbot.waitSignal(session.recipe_ready, timeout=20_000):
        live.sharing.copy_text()
    text = QGuiApplication.clipboard().text()
    assert text.startswith("GLASSBOX")
    with qtbot.waitSignal(session.recipe_ready, timeout=20_000):
        live.sharing.save_to(tmp_path / "a.glassbox")
    session.reset()
    qtbot.waitUntil(lambda: session.status.head == 0)
    with qtbot.waitSignal(session.reopened, timeout=20_000) as exact:
        live.sharing.open_from(tmp_path / "a.glassbox")
    assert exact.args == [True]
    qtbot.waitUntil(lambda: session.status.step == 4)
    current = next(run for run in session.status.runs if run.id == session.status.run)
    assert current.history.at(4) == loss
    QGuiApplication.clipboard().setText(text[:-9])
    live.sharing.paste_text()
    assert live.error.isVisible()
    assert session.status.step == 4


def test_own_data_reaches_the_experiment(live: LessonView, qtbot: QtBot, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("1,2\n3,4\n")
    live.controls.toggle_more()
    live.controls.controls["points"].load_file(path)  # type: ignore[attr-defined]
    qtbot.waitUntil(
        lambda: getattr(live.session.status.parameters, "points", ()) == ((1.0, 2.0), (3.0, 4.0))
    )
