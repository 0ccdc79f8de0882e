"""Steps follow the learner's speed, pictures the display, both by a clock that is passed in."""

from desktop.runtime.pace import FRAME_SHARE, FramePace, Pace


def steps_made(pace: Pace, seconds: float, tick: float = 0.001) -> int:
    now, made = 0.0, 0
    pace.start(now)
    while now < seconds:
        while pace.wait(now) == 0.0 and made < 10_000:
            made += 1
            pace.stepped(now)
            if pace.steps_per_second == 0:
                break
        now += tick
    return made


def test_keeps_the_rate():
    assert abs(steps_made(Pace(20), 5.0) - 100) <= 1


def test_zero_means_always_due():
    pace = Pace(0)
    pace.start(0.0)
    assert pace.wait(0.0) == 0.0
    pace.stepped(0.0)
    assert pace.wait(0.0) == 0.0


def test_a_long_gap_is_not_made_up_for_in_a_burst():
    pace = Pace(100)
    pace.start(0.0)
    pace.stepped(0.0)
    now = 3600.0  # the machine slept for an hour
    burst = 0
    while pace.wait(now) == 0.0:
        pace.stepped(now)
        burst += 1
    assert burst <= 27


def test_expensive_pictures_are_rare():
    frames = FramePace()
    assert frames.due(0.0)
    frames.made(0.0, 0.070)
    assert not frames.due(0.100)
    assert frames.due(0.070 + 0.070 / FRAME_SHARE + 1e-9)
