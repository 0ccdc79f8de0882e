"""Rewind, replay, fork, events and errors of ``desktop.engine.run``, compared bit for bit."""

import numpy as np
import pytest

from desktop.bilingual import GlassboxError
from desktop.engine.run import Run, RunError, Snapshots
from desktop.engine.snapshots import capture, state_digest

from .toy import Parameters, Toy


def make_run(seed=0, count_budget=64, byte_budget=2**28, **values):
    return Run(Toy, Parameters(**values), seed, count_budget=count_budget, byte_budget=byte_budget)


def digests(run, steps):
    found = [state_digest(run.experiment)]
    for _ in range(steps):
        run.advance()
        found.append(state_digest(run.experiment))
    return found


def test_every_step_is_reached_again_bit_for_bit():
    run = make_run(count_budget=4)
    truth = digests(run, 40)
    for step in [0, 40, 3, 17, 16, 31, 32, 1, 39]:
        run.go_to(step)
        assert run.step == step
        assert state_digest(run.experiment) == truth[step]
    assert run.head == 40
    assert len(run.snapshots) <= 4


def test_history_keeps_every_step_once():
    run = make_run(count_budget=3)
    digests(run, 20)
    steps, losses = run.history.series("loss")
    before = losses.copy()
    run.go_to(4)
    again = [run.advance()["loss"] for _ in range(16)]
    assert list(steps) == list(range(21))
    assert np.array_equal(run.history.series("loss")[1], before)
    assert np.array_equal(again, before[5:])


def test_step_zero_has_the_measured_scalars():
    run = make_run()
    assert run.history.at(0) == run.experiment.measure()
    assert run.frame().scalars == run.history.at(0)


def test_seek_yields_progress_and_may_be_left_halfway():
    run = make_run(count_budget=2)
    truth = digests(run, 30)
    passing = run.seek(13)
    seen = [next(passing) for _ in range(4)]
    passing.close()
    assert seen == sorted(seen)
    assert state_digest(run.experiment) == truth[run.step]
    run.go_to(30)
    assert state_digest(run.experiment) == truth[30]


def test_seek_stays_within_the_run():
    run = make_run()
    digests(run, 5)
    run.go_to(99)
    assert run.step == 5
    run.go_to(-1)
    assert run.step == 0


def test_changes_and_actions_are_repeated_at_their_steps():
    run = make_run(count_budget=3)
    truth = {0: state_digest(run.experiment)}
    for step in range(1, 31):
        run.advance()
        if step == 7:
            run.change(run.parameters.changed(learning_rate=0.5))
        if step == 12:
            run.act("nudge", {"by": 0.25})
        if step == 16:
            run.change(run.parameters.changed(optimizer="adam"))
        truth[step] = state_digest(run.experiment)
    for step in [12, 7, 6, 30, 16, 15, 0, 29, 11]:
        run.go_to(step)
        assert state_digest(run.experiment) == truth[step], step
    run.go_to(6)
    assert run.parameters.learning_rate == 0.1
    run.go_to(16)
    assert run.parameters.optimizer == "adam"


def test_several_changes_at_one_step_count_as_one():
    run = make_run()
    digests(run, 3)
    before = state_digest(run.experiment)
    for rate in (0.2, 0.3, 0.4):
        run.change(run.parameters.changed(learning_rate=rate))
    assert [dict(event.values) for event in run.events] == [{"learning_rate": 0.4}]
    run.change(run.parameters.changed(optimizer="adam", learning_rate=0.1))
    assert [dict(event.values) for event in run.events] == [{"optimizer": "adam"}]
    run.change(run.parameters.changed(optimizer="sgd"))
    assert run.events == []
    assert state_digest(run.experiment) == before


def test_a_change_at_step_zero_survives_going_back():
    run = make_run()
    run.change(run.parameters.changed(learning_rate=0.7))
    digests(run, 5)
    run.go_to(0)
    assert run.parameters.learning_rate == 0.7


def test_a_change_behind_the_head_is_refused():
    run = make_run()
    digests(run, 5)
    run.go_to(2)
    with pytest.raises(RunError, match="step 2"):
        run.change(run.parameters.changed(learning_rate=0.7))
    with pytest.raises(RunError):
        run.act("nudge", {"by": 1.0})


def test_a_parameter_that_is_not_live_is_refused_by_name():
    run = make_run()
    with pytest.raises(RunError, match="width") as caught:
        run.change(run.parameters.changed(width=5))
    assert "宽度" in caught.value.message.zh
    with pytest.raises(RunError):
        run.fork(2, run.parameters.changed(width=5))


def test_a_refused_action_leaves_no_trace():
    run = make_run()
    digests(run, 3)
    before = state_digest(run.experiment)
    with pytest.raises(GlassboxError):
        run.act("nudge", {"by": 1000.0})
    with pytest.raises(GlassboxError):
        run.act("unknown", {})
    with pytest.raises(RunError):
        run.act("nudge", {"by": object()})
    assert state_digest(run.experiment) == before
    assert run.events == []


def test_a_fork_shares_the_past_and_leaves_its_parent_alone():
    run = make_run(count_budget=4)
    truth = digests(run, 20)
    run.go_to(9)
    fork = run.fork(2, run.parameters.changed(learning_rate=0.3))
    same = run.fork(3)
    assert (fork.parent, fork.step, fork.head) == ((run.id, 9), 9, 9)
    assert len(fork.history) == 10
    for _ in range(11):
        fork.advance()
        same.advance()
    assert state_digest(same.experiment) == truth[20]
    assert state_digest(fork.experiment) != truth[20]
    fork.go_to(5)
    assert state_digest(fork.experiment) == truth[5]
    fork.go_to(20)
    assert fork.parameters.learning_rate == 0.3
    assert state_digest(run.experiment) == truth[9]
    run.go_to(20)
    assert state_digest(run.experiment) == truth[20]


def test_an_error_in_a_step_passes_through_and_the_run_stays_usable():
    run = make_run(fail_at=6, count_budget=3)
    truth = digests(run, 5)
    for _ in range(2):
        with pytest.raises(ZeroDivisionError, match="own error"):
            run.advance()
        assert run.step == run.head == 5
        assert state_digest(run.experiment) == truth[5]
        assert len(run.history) == 6
    run.go_to(2)
    assert state_digest(run.experiment) == truth[2]


def test_a_finished_run_stops_and_can_still_go_back():
    run = make_run(stop_after=4)
    truth = digests(run, 4)
    assert run.finished
    assert run.advance() == {}
    assert run.head == 4
    run.go_to(1)
    assert not run.finished
    assert run.advance()
    assert state_digest(run.experiment) == truth[2]


def test_frames_change_nothing():
    run = make_run()
    digests(run, 3)
    before = state_digest(run.experiment)
    run.frame()
    assert state_digest(run.experiment) == before


def test_snapshots_stay_within_their_budgets():
    run = make_run()
    one = capture(run.experiment).nbytes
    run = make_run(byte_budget=10 * one)
    truth = digests(run, 200)
    assert run.snapshots.nbytes <= 10 * one
    run.go_to(150)
    assert state_digest(run.experiment) == truth[150]


def test_a_state_larger_than_the_budget_still_rewinds():
    run = make_run(byte_budget=1)
    truth = digests(run, 10)
    assert len(run.snapshots) == 1
    run.go_to(7)
    assert state_digest(run.experiment) == truth[7]


def test_snapshots_are_spread_evenly():
    state = capture(make_run().experiment)
    snapshots = Snapshots(byte_budget=2**40, count_budget=8)
    for step in range(1000):
        if snapshots.wants(step):
            snapshots.put(step, state)
    gaps = np.diff(sorted(snapshots._states))
    assert len(set(gaps)) == 1
    assert 1000 / 8 <= gaps[0] <= 2 * 1000 / 8 + 8
