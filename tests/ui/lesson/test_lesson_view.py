"""The lesson view over a session that only listens: what each gesture asks for, what is shown."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QLabel,
    QLineEdit,
    QScrollArea,
    QStyle,
    QStyleOptionButton,
    QWidget,
)
from pytestqt.qtbot import QtBot

from desktop.bilingual import Bilingual, GlassboxError
from desktop.course.prose import parse_link
from desktop.engine.frames import Finding, Frame
from desktop.ui import style
from desktop.ui.lesson.lesson_view import LessonView
from desktop.ui.lesson.prediction_card import OptionRow
from desktop.ui.strings import language
from desktop.ui.theme import theme
from tests.ui.lesson.support import FakeSession, run_of


def click(qtbot: QtBot, widget: QWidget) -> None:
    """A left click in the middle of a widget."""
    qtbot.mouseClick(widget, Qt.MouseButton.LeftButton)


def test_opening_shows_the_first_step_and_asks_for_the_experiment(
    view: LessonView, fake: FakeSession
) -> None:
    slug, parameters, seed = fake.last("open")[0]
    assert (slug, parameters.rate, seed) == ("line", 0.1, 0)
    assert view.prose.title.text() == "One step"
    assert view.grid.shown == ("plane", "loss")
    assert "play" not in fake.names()
    assert view.store.visited_steps("line") == {"first"}


def test_an_unknown_lesson_or_wrong_settings_change_nothing(
    view: LessonView, fake: FakeSession
) -> None:
    with pytest.raises(GlassboxError):
        view.open("nowhere")
    with pytest.raises(GlassboxError):
        view.open("line", None, {"rate": 99})
    assert view.prose.title.text() == "One step"
    assert fake.names().count("open") == 1


def test_transport_asks_the_session(view: LessonView, fake: FakeSession, qtbot: QtBot) -> None:
    fake.tell(head=5, step=5, runs=(run_of([1, 0.9, 0.8, 0.7, 0.6, 0.5]),))
    bar = view.transport
    for widget, name in (
        (bar.play, "toggle"),
        (bar.step, "step"),
        (bar.reset, "reset"),
        (bar.fork, "fork"),
        (bar.dice, "reset"),
    ):
        click(qtbot, widget)
        assert fake.names()[-1] == name
    assert bar.count.text() == "step 5"
    fake.tell(step=2)
    assert bar.count.text() == "step 2 of 5"


def test_a_run_that_is_over_plays_again_from_the_start(
    view: LessonView, fake: FakeSession, qtbot: QtBot
) -> None:
    fake.tell(head=5, step=5, finished=True)
    assert view.transport.play.accessibleName() == "Run again from the start"
    click(qtbot, view.transport.play)
    assert fake.names()[-2:] == ["reset", "play"]
    fake.tell(head=5, step=3, finished=False)
    click(qtbot, view.transport.play)
    assert fake.names()[-1] == "toggle"


def test_an_error_stays_behind_with_its_step(view: LessonView) -> None:
    view.error.show_error(GlassboxError(Bilingual("出错了。", "It failed.")))
    view.go_to(1)
    assert not view.error.isVisible()


def test_keys_work_anywhere_but_in_a_field(
    view: LessonView, fake: FakeSession, qtbot: QtBot
) -> None:
    view.setFocus()
    for key, name in (
        (Qt.Key.Key_Space, "toggle"),
        (Qt.Key.Key_Right, "step"),
        (Qt.Key.Key_R, "reset"),
        (Qt.Key.Key_F, "fork"),
    ):
        qtbot.keyClick(view, key)
        assert fake.names()[-1] == name
    before = len(fake.asked)
    view.controls.toggle_more()
    line = view.controls.controls["words"].findChild(QLineEdit)
    line.setFocus()
    qtbot.keyClicks(line, " RF")
    assert line.text() == "hello RF"
    assert [name for name in fake.names()[before:] if name != "set_parameters"] == []


def test_space_on_the_slider_still_plays_and_its_arrows_stay_its_own(
    view: LessonView, fake: FakeSession, qtbot: QtBot
) -> None:
    slider = view.controls.controls["rate"].slider  # type: ignore[attr-defined]
    slider.setFocus()
    qtbot.keyClick(slider, Qt.Key.Key_Space)
    assert fake.names()[-1] == "toggle"
    qtbot.keyClick(slider, Qt.Key.Key_Right)
    view.controls.flush()
    assert fake.last("set_parameters")[1] == {"rate": pytest.approx(0.11)}


def test_a_value_typed_just_before_play_is_in_force_from_the_first_step(
    view: LessonView, fake: FakeSession, qtbot: QtBot
) -> None:
    rate = view.controls.controls["rate"].findChild(QLineEdit)
    for wish, name in (
        (lambda: click(qtbot, view.transport.play), "toggle"),
        (lambda: qtbot.keyClick(view, Qt.Key.Key_Space), "toggle"),
        (lambda: qtbot.keyClick(view, Qt.Key.Key_Right), "step"),
        (lambda: click(qtbot, view.transport.fork), "fork"),
    ):
        fake.tell(head=5, step=5, runs=(run_of([1, 0.9, 0.8, 0.7, 0.6, 0.5]),))
        rate.setFocus()
        rate.selectAll()
        qtbot.keyClicks(rate, "0.3" if view.parameters.rate != 0.3 else "0.2")
        qtbot.keyClick(rate, Qt.Key.Key_Return)
        view.setFocus()
        wish()
        assert fake.names()[-2:] == ["set_parameters", name]


def test_scrubbing_asks_for_the_step_under_the_pointer(
    view: LessonView, fake: FakeSession, qtbot: QtBot
) -> None:
    fake.tell(head=100, step=100, runs=(run_of([1.0] * 101),))
    line = view.transport.timeline
    middle = QPoint(round(line.x_of(50)), line.height() - 8)
    qtbot.mousePress(line, Qt.MouseButton.LeftButton, pos=QPoint(round(line.x_of(99)), 20))
    qtbot.mouseMove(line, middle)
    qtbot.mouseRelease(line, Qt.MouseButton.LeftButton, pos=middle)
    assert fake.last("seek")[0] == (50,)
    line.setFocus()
    qtbot.keyClick(line, Qt.Key.Key_Home)
    assert fake.last("seek")[0] == (0,)
    assert "run 1: loss 1" in line.describe(3)


def test_steps_apply_their_presets_and_keep_own_data(
    view: LessonView, fake: FakeSession, qtbot: QtBot
) -> None:
    view.change({"points": ((1.0, 1.0),), "count": 7})
    click(qtbot, view.prose.steps.next)
    assert view.prose.title.text() == "Predict"
    assert view.grid.shown == ("loss",)
    assert fake.last("set_parameters")[1] == {"rate": 0.5, "count": 5}
    assert view.parameters.points == ((1.0, 1.0),)  # type: ignore[union-attr]
    before = fake.names().count("set_parameters")
    qtbot.keyClick(view, Qt.Key.Key_Right, Qt.KeyboardModifier.AltModifier)
    assert view.prose.title.text() == "A goal"
    assert fake.names().count("set_parameters") == before  # going on keeps what is on the table
    assert view.store.visited_steps("line") == {"first", "second", "third"}
    qtbot.keyClick(view, Qt.Key.Key_Left, Qt.KeyboardModifier.AltModifier)
    assert view.prose.title.text() == "Predict"


def test_links_in_the_prose_act(view: LessonView, fake: FakeSession, qtbot: QtBot) -> None:
    view.prose.link_chosen.emit(parse_link("", "do:set?rate=0.25&play"))
    assert fake.last("set_parameters")[1] == {"rate": 0.25}
    assert fake.names()[-1] == "play"
    with qtbot.waitSignal(view.glossary_requested) as asked:
        view.prose.link_chosen.emit(parse_link("", "glossary:learning-rate"))
    assert asked.args == ["learning-rate"]
    view.prose.link_chosen.emit(parse_link("", "lesson:line#third"))
    assert view.prose.title.text() == "A goal"
    with qtbot.waitSignal(view.lesson_requested) as asked:
        view.prose.link_chosen.emit(parse_link("", "lesson:playground#own"))
    assert asked.args == ["playground", "own"]


def test_a_link_with_a_value_out_of_range_says_so_and_does_nothing(
    view: LessonView, fake: FakeSession
) -> None:
    before = len(fake.asked)
    view.prose.link_chosen.emit(parse_link("", "do:set?rate=50&play"))
    assert view.error.isVisible()
    assert "out of range" in view.error.sentence.text()
    assert len(fake.asked) == before


def test_external_links_ask_first(view: LessonView, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr(
        "desktop.ui.lesson.links.QDesktopServices.openUrl", lambda url: opened.append(url)
    )
    view.prose.link_chosen.emit(parse_link("", "https://example.org/paper"))
    box = next(child for child in view.children() if child.inherits("QMessageBox"))
    assert "https://example.org/paper" in box.text()  # type: ignore[attr-defined]
    assert not opened
    box.accept()  # type: ignore[attr-defined]
    assert [url.toString() for url in opened] == ["https://example.org/paper"]  # type: ignore[attr-defined]


def test_gestures_on_panels_become_changes(view: LessonView, fake: FakeSession) -> None:
    panel = view.grid.panels["plane"]
    panel.gesture.emit("click", (3.0, 99.0))
    assert fake.last("set_parameters")[1] == {"start": (3.0, 6.0)}
    panel.gesture.emit("draw", ((1.0, 1.0), (2.0, 2.0)))
    panel.gesture.emit("draw", ((3.0, 3.0),))
    assert fake.last("set_parameters")[1] == {"points": ((1.0, 1.0), (2.0, 2.0), (3.0, 3.0))}
    panel.gesture.emit("erase", (2.1, 1.9))
    assert fake.last("set_parameters")[1] == {"points": ((1.0, 1.0), (3.0, 3.0))}
    panel.gesture.emit("add_unit", {"layer": 1})
    assert fake.last("set_parameters")[1] == {"widths": (5, 2)}
    panel.gesture.emit("remove_layer", {"layer": 2})
    assert fake.last("set_parameters")[1] == {"widths": (5,)}
    before = len(fake.asked)
    panel.gesture.emit("draw", tuple((0.0, 0.0) for _ in range(60)))
    assert len(fake.asked) == before
    assert view.error.isVisible()


def test_prediction_is_settled_by_the_runs_and_remembered(
    view: LessonView, fake: FakeSession, qtbot: QtBot
) -> None:
    view.go_to(1)
    card = view.prose.predictions()[0]
    assert not card.commit.isEnabled()
    qtbot.waitUntil(lambda: card.isVisible() and card.width() < 500)
    click(qtbot, card.rows[1].text)
    click(qtbot, card.commit)
    assert fake.last("run_prediction")[0][0].id == "fast"
    assert card.bar.isVisible()
    fake.prediction_settled.emit("fast", {"a": run_of([1, 0.5, 0.2]).history})
    assert "differently: yes" in card.verdict.text()
    assert view.store.answers("line")["fast"].answer == "no"
    view.go_to(0)
    view.go_to(1)
    again = view.prose.predictions()[0]
    qtbot.waitUntil(again.verdict.isVisible)
    assert again.rows[1].radio.isChecked()
    click(qtbot, again.again)
    assert again.commit.isVisible()


def test_a_failed_prediction_can_be_tried_again(view: LessonView, fake: FakeSession) -> None:
    view.go_to(1)
    card = view.prose.predictions()[0]
    card.rows[0].radio.setChecked(True)
    card.commit.click()
    fake.failed.emit(GlassboxError(Bilingual("出错了。", "It failed."), details="Traceback …"))
    assert card.commit.isEnabled()
    assert view.error.sentence.text() == "It failed."
    assert not view.error.details.isVisible()
    view.error.more.click()
    assert view.error.details.isVisible()


def test_an_experiment_that_cannot_be_opened_shows_nothing_of_another(
    view: LessonView, fake: FakeSession, qtbot: QtBot
) -> None:
    """The session then stays with the lesson before; its pictures do not belong here."""
    fake.tell(busy=Bilingual("正在准备", "Getting ready"))
    fake.failed.emit(GlassboxError(Bilingual("缺了东西。", "Something is missing.")))
    fake.tell(lesson="another", busy=None, head=40, step=40, runs=(run_of([1.0] * 41),))
    fake.frame_changed.emit(Frame(1, 40, {}, {}))
    fake.findings_changed.emit(
        (Finding("overfitting", "warning", *3 * (Bilingual("过拟合", "Overfit"),)),)
    )
    assert view.grid._frame is None
    assert not view.finding.isVisible()
    assert view.transport.middle.currentWidget() is view.transport.timeline
    assert view.transport.count.text() == "step 0"
    assert view.error.isVisible()
    click(qtbot, view.transport.play)
    assert fake.names()[-1] == "open"
    assert fake.last("open")[0][0] == "line"
    assert not view.error.isVisible()


def test_keeping_a_model_waits_for_a_first_step(view: LessonView, fake: FakeSession) -> None:
    fake.tell(head=0, step=0)
    assert not view.header.keep.isEnabled()
    fake.tell(head=3, step=3)
    assert view.header.keep.isEnabled()


def test_goal_is_watched_reached_and_remembered(view: LessonView, fake: FakeSession) -> None:
    view.go_to(2)
    card = view.prose.goals()[0]
    fake.tell(runs=(run_of([1, 0.5]),), head=1, step=1)
    fake.history_grew.emit()
    assert "loss is 0.5" in card.live.text()
    assert not card.done
    card.show_me.click()
    assert fake.names()[-2:] == ["reset", "play"]
    fake.tell(runs=(run_of([1, 0.5, 0.001]),), head=2, step=2)
    fake.history_grew.emit()
    assert card.done
    assert "step 2" in card.verdict.text()
    assert view.store.answers("line")["small"].passed


def test_a_finding_explains_itself_and_offers_a_fix(
    view: LessonView, fake: FakeSession, qtbot: QtBot
) -> None:
    finding = Finding(
        "diverging",
        "bad",
        Bilingual("发散了。", "It diverges."),
        Bilingual("损失涨到 1e9。", "The loss rose to 1e9."),
        Bilingual("调小学习率。", "Lower the rate."),
        {"rate": 0.01},
        "divergence",
    )
    fake.findings_changed.emit((finding,))
    assert view.finding.isVisible()
    assert not view.finding.evidence.isVisible()
    click(qtbot, view.finding.why)
    assert view.finding.evidence.text() == "The loss rose to 1e9."
    assert view.finding.fix.text() == "Try learning rate → 0.01"
    click(qtbot, view.finding.fix)
    assert fake.last("set_parameters")[1] == {"rate": 0.01}
    click(qtbot, view.finding.close_button)
    fake.findings_changed.emit((finding,))
    assert not view.finding.isVisible()


def test_long_work_is_named_and_can_be_stopped(
    view: LessonView, fake: FakeSession, qtbot: QtBot
) -> None:
    fake.tell(busy=Bilingual("正在重放…", "Replaying…"), progress=0.4)
    assert view.transport.busy_name.text() == "Replaying…"
    assert view.transport.bar.value() == 400
    click(qtbot, view.transport.cancel)
    assert fake.names()[-1] == "pause"
    fake.tell(busy=None)
    assert not view.transport.work.isVisible()


def test_seed_typed_and_refused(view: LessonView, fake: FakeSession, qtbot: QtBot) -> None:
    seed = view.transport.seed
    seed.setFocus()
    seed.selectAll()
    qtbot.keyClicks(seed, "42")
    qtbot.keyClick(seed, Qt.Key.Key_Return)
    assert fake.last("reset")[0] == (42,)
    seed.selectAll()
    qtbot.keyClicks(seed, "x1")
    qtbot.keyClick(seed, Qt.Key.Key_Return)
    assert seed.property("invalid") == "true"
    assert fake.names().count("reset") == 1


def test_runs_can_be_chosen_and_removed(view: LessonView, fake: FakeSession) -> None:
    fake.tell(
        runs=(run_of([1, 0.5]), run_of([1, 0.5, 0.4], 2, parent=1, fork_step=1, color=1)), run=2
    )
    assert view.transport.runs.isVisible()
    choose, _current, _line, remove = view.transport.runs.menu().actions()
    choose.trigger()
    assert fake.last("select_run")[0] == (1,)
    remove.trigger()
    assert fake.last("remove_run")[0] == (1,)


def test_language_switches_everything_live(view: LessonView) -> None:
    language().set("zh")
    assert view.prose.title.text() == "走一步"
    assert view.prose.steps.next.text() == "下一步"
    assert view.controls.controls["rate"].name_label.text() == "学习率"
    assert view.header.title.text() == "一条直线"
    latin = [
        label.text()
        for label in view.findChildren(QLabel)
        if label.isVisible() and label.text() in ("seed", "step 0", "More", "Next")
    ]
    assert latin == []


@pytest.mark.parametrize("size", [(1228, 690), (1060, 640), (907, 640), (1668, 1010)])
@pytest.mark.parametrize("code", ["zh", "en"])
@pytest.mark.parametrize("scale", [1.0, 1.4])
def test_nothing_is_cut_off_or_scrolls_sideways(
    view: LessonView, qtbot: QtBot, size: tuple[int, int], code: str, scale: float
) -> None:
    language().set(code)  # type: ignore[arg-type]
    theme().set(text_scale=scale)
    view.resize(*size)
    view.controls.toggle_more()
    for index in range(3):
        view.go_to(index)
        qtbot.wait(1)  # let the layout settle
        assert (view.width(), view.height()) == size
        for area in view.findChildren(QScrollArea):
            assert area.horizontalScrollBar().maximum() == 0
        for button in view.findChildren(QAbstractButton):
            if button.isVisible() and button.text() and button.parentWidget():
                assert button.width() >= button.minimumSizeHint().width() - 1, button.text()
                inside = button.mapTo(view, button.rect().topRight()).x()
                assert inside <= view.width(), button.text()


@pytest.mark.parametrize(("scale", "width"), [(1.0, 1_000), (1.4, 1_000), (2.0, 1_120)])
def test_a_page_that_was_wide_becomes_narrow_again(
    view: LessonView, fake: FakeSession, scale: float, width: int
) -> None:
    theme().set(text_scale=scale)
    view.resize(1700, 900)
    fake.tell(runs=(run_of([1.0] * 2_346),), step=1_234, head=2_345)
    view.resize(width, 640)
    assert view.width() == width
    assert view.transport.count.text().endswith("1\u2009234 / 2\u2009345")
    assert view.transport.dice.geometry().right() <= view.transport.width()
    assert view.transport.count.width() >= view.transport.count.sizeHint().width()
    view.resize(1700, 900)
    assert view.transport.seed_name.isVisible()


def test_every_input_has_a_name_for_screen_readers(view: LessonView) -> None:
    view.controls.toggle_more()
    unnamed = [
        f"{type(widget).__name__} {widget.objectName()}"
        for widget in view.findChildren(QWidget)
        if widget.isVisible()
        and widget.focusPolicy() & Qt.FocusPolicy.TabFocus
        and not widget.accessibleName()
        and not getattr(widget, "text", lambda: "")()
        and not widget.inherits("QTextBrowser")
        and not view.grid.isAncestorOf(widget)
    ]
    assert unnamed == []


def test_actions_list_the_keys(view: LessonView) -> None:
    shortcuts = {action.shortcut().toString() for action in view.actions()}
    assert {"Space", "Right", "R", "F", "Alt+Left", "Alt+Right"} <= shortcuts


def test_code_is_shown_copied_and_saved(
    view: LessonView, fake: FakeSession, qtbot: QtBot, tmp_path: Path
) -> None:
    click(qtbot, view.header.code)
    assert fake.names()[-1] == "request_script"
    fake.script_ready.emit("def update():\n    pass\n", "import torch\nprint(1)\n")
    assert view.code.text.toPlainText() == "def update():\n    pass\n"
    click(qtbot, view.code.script_tab)
    click(qtbot, view.code.copy)
    from PySide6.QtGui import QGuiApplication

    assert QGuiApplication.clipboard().text() == "import torch\nprint(1)\n"
    view.code.save_script(tmp_path / "line.py")
    assert (tmp_path / "line.py").read_text() == "import torch\nprint(1)\n"
    view.code.save_script(tmp_path / "no" / "line.py")
    assert "cannot be written" in view.error.sentence.text()
    qtbot.keyClick(view.code.text, Qt.Key.Key_Escape)
    assert view.grid.isVisible()


def test_a_shared_experiment_opens_beside_the_same_words(
    view: LessonView, fake: FakeSession
) -> None:
    from desktop.engine.recipe import Recipe

    assert view.lesson is not None
    assert view.parameters is not None
    view.go_to(1)
    view.sharing.copy_text()
    fake.recipe_ready.emit(Recipe(view.lesson.slug, 0, view.parameters.to_json()))
    view.go_to(0)
    before = view.parameters
    view.sharing.paste_text()
    assert view.index == 1
    assert view.parameters == before, "the shared experiment brings its own settings"
    assert fake.last("open_recipe")[0][0].place == view.lesson.steps[1].id


def test_a_damaged_share_text_keeps_what_is_open(view: LessonView, fake: FakeSession) -> None:
    from PySide6.QtGui import QGuiApplication

    before = len(fake.asked)
    for text in ("", "GLASSBOX1:abc", "hello"):
        QGuiApplication.clipboard().setText(text)
        view.sharing.paste_text()
        assert view.error.isVisible()
        view.error.clear()
    assert len(fake.asked) == before


def test_a_model_is_kept_only_where_there_is_one(
    view: LessonView, fake: FakeSession, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("desktop.ui.lesson.taking.can_keep", lambda _folder: False)
    fake.loaded.emit("line")
    assert not view.header.keep.isVisible()
    monkeypatch.setattr("desktop.ui.lesson.taking.can_keep", lambda _folder: True)
    monkeypatch.setattr(
        "desktop.ui.lesson.taking.QFileDialog.getSaveFileName",
        lambda *_args: (str(tmp_path / "mine"), ""),
    )
    fake.loaded.emit("line")
    fake.tell(head=1, step=1)
    view.header.keep.click()
    assert fake.last("keep")[0] == (tmp_path / "mine",)


def test_an_older_report_does_not_undo_what_was_just_chosen(
    view: LessonView, fake: FakeSession
) -> None:
    old = fake.status.parameters
    view.change({"shuffle": False})
    fake.tell(step=1, head=1, parameters=old)  # the worker has not read the change yet
    box = view.controls.controls["shuffle"].box  # type: ignore[attr-defined]
    assert not box.isChecked()
    fake.tell(step=2, head=2, parameters=view.parameters)
    assert not box.isChecked()
    fake.tell(step=3, head=3, parameters=old)  # later, for instance another run was chosen
    assert box.isChecked()


def test_rings_of_answers_grow_with_the_text(
    view: LessonView, qtbot: QtBot, qapp: QApplication
) -> None:
    view.go_to(1)
    for scale in (1.0, 2.0):
        theme().set(text_scale=scale)
        style.apply_style(qapp)
        row = view.prose.predictions()[0].rows[0]

        def stands_right(row: OptionRow = row, most: float = 4 * scale) -> bool:
            first_line = row.text.y() + row.text.fontMetrics().height() / 2
            off = abs(row.radio.geometry().center().y() - first_line)
            option = QStyleOptionButton()
            row.radio.initStyleOption(option)
            part = QStyle.SubElement.SE_RadioButtonIndicator
            ring = row.radio.style().subElementRect(part, option, row.radio)
            return row.radio.rect().adjusted(1, 1, -1, -1).contains(ring) and off <= most

        qtbot.waitUntil(stands_right)
    theme().set(text_scale=1.0)
    style.apply_style(qapp)
