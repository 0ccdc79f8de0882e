"""Requests on a real toy experiment, without a thread and with a fake clock."""

from dataclasses import replace

import pytest

from desktop.runtime import messages as m
from desktop.runtime.conductor import Conductor
from desktop.runtime.outbox import Outbox


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        self.now += 0.0001
        return self.now


@pytest.fixture
def stage(toy):
    """A conductor with the toy open, its outbox and its clock."""
    outbox, clock = Outbox(), Clock()
    conductor = Conductor(outbox, clock)
    conductor.handle(m.Open(*toy, seed=3))
    return conductor, outbox, clock


def status(outbox):
    found = outbox.status.take()
    assert found is not None
    return found


def events(outbox, kind):
    found = [event for event in outbox.events if isinstance(event, kind)]
    outbox.events.clear()
    return found


def finish_job(conductor):
    conductor.advance()
    for _ in range(10_000):
        if conductor.wait is None:
            return
        conductor.advance()
    raise AssertionError("the job did not end")


def test_open_loads_and_shows_step_zero(stage):
    _, outbox, _ = stage
    assert [event.lesson for event in events(outbox, m.Loaded)] == ["toy"]
    picture = outbox.frames.take()
    assert picture.frame.step == 0
    assert picture.frame.items["place"].values[0].value == 1.0
    assert status(outbox).runs[0].history.series("loss")[1].tolist() == [1.0]


def test_play_trains_and_pause_stops(stage):
    conductor, outbox, _ = stage
    conductor.handle(m.Play())
    for _ in range(50):
        conductor.advance()
    conductor.handle(m.Pause())
    assert conductor.wait is None
    now = status(outbox)
    assert (now.step, now.playing) == (50, False)
    assert outbox.frames.take().frame.step == 50


def test_scalars_are_lossless_while_pictures_are_not(stage):
    conductor, outbox, clock = stage
    outbox.frames.take()
    conductor.handle(m.Play())
    pictures = 0
    for _ in range(2000):
        conductor.advance()
        clock.now += 0.001
        pictures += outbox.frames.take() is not None
    assert len(status(outbox).runs[0].history) == 2001
    assert 60 < pictures < 240  # two seconds and a bit at no more than 60 a second


def test_a_picture_nobody_took_is_not_followed_by_another(stage):
    conductor, outbox, clock = stage
    conductor.handle(m.Play())
    first = outbox.frames._content
    for _ in range(100):
        conductor.advance()
        clock.now += 0.02
    assert outbox.frames._content is first


def test_seek_back_and_play_on_repeats_the_same_numbers(stage):
    conductor, outbox, _ = stage
    conductor.handle(m.StepForward(40))
    before = status(outbox).runs[0].history.series("loss")[1].copy()
    conductor.handle(m.Seek(10))
    finish_job(conductor)
    assert status(outbox).step == 10
    conductor.handle(m.StepForward(40))
    now = status(outbox)
    values = now.runs[0].history.series("loss")[1]
    assert now.step == 50
    assert values[: len(before)].tolist() == before.tolist()


def test_a_live_change_at_an_earlier_step_branches_off(stage):
    conductor, outbox, _ = stage
    conductor.handle(m.StepForward(30))
    conductor.handle(m.Seek(10))
    finish_job(conductor)
    conductor.handle(m.Change({"learning_rate": 0.4}))
    now = status(outbox)
    assert [(run.parent is None, run.fork_step) for run in now.runs] == [(True, 0), (False, 10)]
    assert now.runs[0].head == 30
    assert now.run == now.runs[1].id
    assert "0.4" in now.runs[1].label.en
    assert now.runs[0].color != now.runs[1].color
    conductor.handle(m.StepForward(5))
    assert outbox.frames.take().ghosts


def test_a_run_branched_off_is_compared_as_far_as_it_went(stage):
    conductor, outbox, _ = stage
    conductor.handle(m.StepForward(30))
    conductor.handle(m.Seek(10))
    finish_job(conductor)
    conductor.handle(m.Fork({"learning_rate": 0.4}))
    conductor.handle(m.StepForward(5))
    assert [ghost.step for ghost in outbox.frames.take().ghosts] == [30]
    conductor.handle(m.Reset(None))
    conductor.handle(m.StepForward(3))
    conductor.handle(m.Fork({"learning_rate": 0.2}))
    assert [ghost.step for ghost in outbox.frames.take().ghosts] == [3]


def test_a_live_change_at_the_head_is_part_of_the_run(stage):
    conductor, outbox, _ = stage
    conductor.handle(m.StepForward(5))
    conductor.handle(m.Change({"learning_rate": 0.0}))
    conductor.handle(m.StepForward(1))
    now = status(outbox)
    assert len(now.runs) == 1
    assert now.step == 6
    assert now.parameters.learning_rate == 0.0


def test_other_changes_start_again(stage):
    conductor, outbox, _ = stage
    conductor.handle(m.StepForward(5))
    conductor.handle(m.Change({"start": 3.0}))
    now = status(outbox)
    assert (now.step, now.parameters.start) == (0, 3.0)


def test_bad_value_leaves_everything_as_it_was(stage):
    conductor, outbox, _ = stage
    conductor.handle(m.StepForward(5))
    outbox.events.clear()
    conductor.handle(m.Change({"start": 99.0}))
    (failed,) = events(outbox, m.Failed)
    assert "99" in failed.error.message.en
    assert "99" in failed.error.message.zh
    assert status(outbox).step == 5


def test_a_failing_step_is_reported_and_the_next_run_works(stage):
    conductor, outbox, _ = stage
    conductor.handle(m.Change({"fail_at": 4}))
    conductor.handle(m.Play())
    outbox.events.clear()
    for _ in range(10):
        conductor.advance()
    (failed,) = events(outbox, m.Failed)
    assert "ZeroDivisionError" in failed.error.details
    assert conductor.wait is None
    assert status(outbox).step == 3
    conductor.handle(m.Change({"fail_at": 0}))
    conductor.handle(m.StepForward(3))
    assert status(outbox).step == 6


def test_training_ends_by_itself_and_play_starts_again(stage):
    conductor, outbox, _ = stage
    conductor.handle(m.Change({"end_at": 7}))
    conductor.handle(m.Play())
    for _ in range(20):
        conductor.advance()
    now = status(outbox)
    assert (now.step, now.finished, now.playing) == (7, True, False)
    conductor.handle(m.Play())
    conductor.advance()
    assert status(outbox).playing


def test_prediction_plays_both_runs_and_reports(stage, prediction):
    conductor, outbox, clock = stage
    outbox.events.clear()
    conductor.handle(m.Predict(prediction))
    for _ in range(1000):
        clock.now += 0.05
        conductor.advance()
    (settled,) = events(outbox, m.Settled)
    assert settled.check == "p"
    last = {name: history.series("loss")[1][-1] for name, history in settled.histories.items()}
    assert last["a"] < last["b"]
    assert [len(history) for history in settled.histories.values()] == [11, 11]
    now = status(outbox)
    assert len(now.runs) == 2
    assert "1.1" in now.runs[1].label.zh


def test_a_newer_request_drops_work_in_progress(stage, prediction):
    conductor, outbox, clock = stage
    conductor.handle(m.Predict(prediction))
    clock.now += 0.5
    conductor.advance()
    conductor.handle(m.Pause())
    assert conductor.wait is None
    assert not events(outbox, m.Settled)


def test_act_and_explain(stage):
    conductor, outbox, _ = stage
    conductor.handle(m.Act("push", {"by": 2.0}))
    conductor.handle(m.Explain("place", (0,)))
    (answer,) = events(outbox, m.Explained)
    assert answer.explanation.lines[0][0] == "x = 3.000"
    conductor.handle(m.Act("nonsense", {}))
    assert events(outbox, m.Failed)


def test_recipe_rebuilds_the_state_bit_for_bit(stage):
    conductor, outbox, _ = stage
    conductor.handle(m.StepForward(12))
    conductor.handle(m.Change({"learning_rate": 0.3}))
    conductor.handle(m.Act("push", {"by": 0.5}))
    conductor.handle(m.StepForward(9))
    conductor.handle(m.MakeRecipe())
    (made,) = events(outbox, m.RecipeMade)
    before = status(outbox).runs[0].history.series("loss")[1].tolist()
    conductor.handle(m.Reset(seed=99))
    conductor.handle(m.OpenRecipe(made.recipe))
    finish_job(conductor)
    now = status(outbox)
    assert not events(outbox, m.Failed)
    assert (now.step, now.seed, now.parameters.learning_rate) == (21, 3, 0.3)
    assert now.runs[0].history.series("loss")[1].tolist() == before


def test_script_is_made_for_the_values_in_force(stage):
    conductor, outbox, _ = stage
    conductor.handle(m.MakeScript())
    (made,) = events(outbox, m.ScriptMade)
    assert "def descend" in made.shown
    assert "def descend" in made.script
    assert "learning_rate" in made.script


def test_opening_a_broken_lesson_keeps_the_open_one(stage, toy):
    import dataclasses

    conductor, outbox, _ = stage
    lesson, parameters = toy
    broken = dataclasses.replace(lesson, slug="broken", folder=lesson.folder / "nowhere")
    outbox.events.clear()
    conductor.handle(m.Open(broken, parameters, 0))
    (failed,) = events(outbox, m.Failed)
    assert failed.lesson == "toy"
    conductor.handle(m.StepForward(1))
    assert status(outbox).step == 1


def test_a_branch_takes_on_what_starts_an_original_run_again(stage):
    conductor, outbox, _ = stage
    conductor.handle(m.StepForward(10))
    conductor.handle(m.Change({"wind": 0.1}))
    assert status(outbox).head == 0  # the original run starts again
    conductor.handle(m.StepForward(10))
    conductor.handle(m.Fork({}))
    conductor.handle(m.Change({"wind": 0.5}))
    conductor.handle(m.StepForward(2))
    now = status(outbox)
    assert (now.step, len(now.runs)) == (12, 2)
    assert [run.head for run in now.runs] == [10, 12]
    assert "from step 10" in now.runs[1].label.en
    assert "0.5" in now.runs[1].label.en


def test_at_an_earlier_step_the_same_change_branches_off(stage):
    conductor, outbox, _ = stage
    conductor.handle(m.StepForward(10))
    conductor.handle(m.Seek(4))
    finish_job(conductor)
    conductor.handle(m.Change({"wind": 0.5}))
    now = status(outbox)
    assert (now.step, now.head, len(now.runs)) == (4, 4, 2)


def test_a_branch_that_has_to_begin_again_keeps_its_origin_for_comparison(stage):
    conductor, outbox, _ = stage
    conductor.handle(m.StepForward(10))
    conductor.handle(m.Fork({}))
    conductor.handle(m.Change({"start": 2.0}))
    conductor.handle(m.StepForward(3))
    now = status(outbox)
    assert [run.head for run in now.runs] == [10, 3]
    assert "2" in now.runs[1].label.en


def test_after_a_suspend_the_run_goes_on_without_a_jump(toy):
    """The lid was closed for an hour: a few steps are made up for, not an hour's."""
    lesson, parameters = toy
    outbox, clock = Outbox(), Clock()
    conductor = Conductor(outbox, clock)
    conductor.handle(m.Open(replace(lesson, steps_per_second=20.0), parameters, seed=3))
    conductor.handle(m.Play())

    def play(seconds):
        end = clock.now + seconds
        while clock.now < end:
            if conductor.wait == 0.0:
                conductor.advance()
            else:
                clock.now += 0.001
        outbox.frames.take()
        return conductor._current.step

    before = play(1.0)
    assert 18 <= before <= 22
    clock.now += 3600.0
    after = play(1.0)
    assert 18 <= after - before <= 22 + 6
