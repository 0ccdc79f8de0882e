"""Rows are complete, in order, bounded in memory, and safe to read while they are written."""

import threading

import numpy as np
import pytest

from desktop.engine import history as module
from desktop.engine.history import History


def test_rows_come_back_as_written():
    history = History(["loss"])
    for step in range(3000):
        history.append(step, {"loss": step / 2} if step % 3 else {"loss": step / 2, "late": 1.0})
    steps, losses = history.series("loss")
    assert steps.tolist() == list(range(3000))
    assert losses.tolist() == [step / 2 for step in range(3000)]
    assert np.isfinite(history.series("late")[1]).sum() == 1000
    assert history.at(7)["loss"] == 3.5
    assert history.at(3000) == {}
    assert [part.size for part in history.series("nothing")] == [0, 0]


def test_steps_must_grow():
    history = History()
    history.append(4, {"x": 1.0})
    with pytest.raises(ValueError, match="4"):
        history.append(4, {"x": 1.0})


def test_a_part_is_independent():
    history = History()
    for step in range(10):
        history.append(step, {"x": float(step)})
    part = history.up_to(4)
    part.append(5, {"x": -1.0})
    assert part.series("x")[1].tolist() == [0, 1, 2, 3, 4, -1]
    assert history.at(5) == {"x": 5.0}


def test_memory_is_bounded_and_the_recent_past_complete(monkeypatch):
    monkeypatch.setattr(module, "MOST_ROWS", 4096)
    history = History(["x"])
    for step in range(200_000):
        history.append(step, {"x": float(step)})
    steps, values = history.series("x")
    assert len(steps) <= 4096
    assert steps[0] == 0
    assert (np.diff(steps) > 0).all()
    assert (steps == values).all()
    assert steps[-1000:].tolist() == list(range(199_000, 200_000))


def test_a_reader_never_sees_half_a_row(monkeypatch):
    monkeypatch.setattr(module, "MOST_ROWS", 2048)
    history = History(["x"])
    writer = threading.Thread(
        target=lambda: [history.append(step, {"x": float(step)}) for step in range(60_000)]
    )
    writer.start()
    while writer.is_alive():
        steps, values = history.series("x")
        assert (steps == values).all()
    writer.join()
