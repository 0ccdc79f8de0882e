"""The session with its real thread: signals arrive in the interface thread, close ends the thread."""

import threading

import pytest

from desktop.runtime.session import Session


@pytest.fixture
def session(qtbot):
    found = Session()
    yield found
    found.close()


def test_opens_plays_and_closes(qtbot, session, toy):
    threads = set()
    session.frame_changed.connect(lambda frame: threads.add(threading.current_thread().name))
    with qtbot.waitSignal(session.loaded, timeout=20_000):
        session.open(*toy)
    session.play()
    qtbot.waitUntil(lambda: session.status.step > 200, timeout=10_000)
    session.pause()
    qtbot.waitUntil(lambda: not session.status.playing)
    assert threads == {threading.main_thread().name}
    assert len(session.histories()[0].history) == session.status.head + 1
    session.close()
    assert "experiment" not in {thread.name for thread in threading.enumerate()}


def test_status_says_loading_at_once(qtbot, session, toy):
    session.open(*toy)
    assert session.status.busy is not None
    with qtbot.waitSignal(session.frame_changed, timeout=20_000):
        pass
    assert session.status.busy is None


def test_error_reaches_the_interface_and_the_session_goes_on(qtbot, session, toy):
    with qtbot.waitSignal(session.loaded, timeout=20_000):
        session.open(*toy)
    with qtbot.waitSignal(session.failed) as failed:
        session.set_parameters(start=77.0)
    assert "77" in failed.args[0].message.zh
    with qtbot.waitSignal(session.explained):
        session.explain("place", (0,))


def test_pictures_of_a_lesson_that_was_left_are_dropped(qtbot, session, toy, tmp_path):
    from tests.runtime.conftest import make_lesson

    other = make_lesson(tmp_path / "1-toys" / "other", slug="other")
    with qtbot.waitSignal(session.loaded, timeout=20_000):
        session.open(*toy)
    session.play()
    qtbot.waitUntil(lambda: session.status.step > 50, timeout=10_000)
    with qtbot.waitSignal(session.loaded, timeout=10_000):
        session.open(other, toy[1])
    steps = []
    session.frame_changed.connect(lambda frame: steps.append(frame.step))
    with qtbot.waitSignal(session.frame_changed, timeout=5_000):
        session.step(1)
    qtbot.waitUntil(lambda: session.status.step == 1)
    assert set(steps) <= {0, 1}
