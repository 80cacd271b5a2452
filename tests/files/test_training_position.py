"""Where a training is: the run, the epoch, and the elapsed and remaining time, by a clock that the test moves."""

import pytest

from archnet.files.training_position import RunStart, TrainingPosition, short_duration


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


def position_after(steps, start=None, seconds_per_step=2.0, num_steps=10, first=(1, 1)):
    """The position after steps from the first one on."""
    clock = Clock()
    position = TrainingPosition(clock=clock)
    if start:
        position.begin_run(start)
    epoch, step = first
    for _ in range(steps):
        position.update(epoch, step, num_steps)
        epoch, step = (epoch, step + 1) if step < num_steps else (epoch + 1, 1)
        clock.now += seconds_per_step
    return position


RUN = RunStart(name="archsm-seed1", number=2, num_runs=6, num_epochs=12, later_work=4)


def test_the_title_names_the_run_its_place_and_the_epoch():
    assert position_after(55, RUN).title == "archsm-seed1 (2 of 6)  epoch  6/12"
    assert position_after(5, RunStart(name="net", number=1, num_runs=1, num_epochs=3)).title == "net  epoch 1/3"
    assert (
        position_after(5, RunStart(name="net", number=1, num_runs=2, num_epochs=3)).title == "net (1 of 2)  epoch 1/3"
    )
    assert position_after(15).title == "epoch 2"
    assert position_after(15).epoch_title(7) == "epoch 7"
    assert position_after(0, RUN).title == "archsm-seed1 (2 of 6)  epoch  0/12"


def test_the_time_left_is_that_of_all_epochs_and_of_all_runs():
    # A step takes 2 s: 65 of 120 steps are left, then four runs of 120 steps.
    assert position_after(55, RUN).time_left == "3 min left, all runs 19 min"
    single = RunStart(name="net", number=1, num_runs=1, num_epochs=12)
    assert position_after(55, single).time_left == "3 min left"
    assert position_after(55).time_left == ""


def test_at_the_end_of_a_run_only_the_other_runs_are_left():
    assert position_after(120, RUN).time_left == "all runs 16 min"
    last = RunStart(name="net", number=6, num_runs=6, num_epochs=12)
    assert position_after(120, last).time_left == ""


def test_the_first_step_knows_no_speed_yet():
    assert position_after(1, RUN).time_left == ""


def test_a_resumed_run_measures_only_its_own_steps():
    assert position_after(6, RUN, first=(11, 5)).time_left == "20 s left, all runs 17 min"


def test_another_run_starts_again():
    position = position_after(55, RUN)
    position.begin_run(RunStart(name="arch3dsm", number=3, num_runs=6, num_epochs=5))
    position.update(1, 1, 10)
    assert (position.title, position.time_left) == ("arch3dsm (3 of 6)  epoch 1/5", "")
    position.clock.now += 2
    position.update(1, 2, 10)
    assert position.times_left == ["2 min left", "all runs 2 min"]  # 48 steps of 2 s


def test_the_members_of_an_ensemble_are_counted_together():
    # A step takes 2 s, an epoch 20 s. The first member stops after 2 of 3 epochs.
    clock = Clock()
    position = TrainingPosition(clock=clock)
    position.begin_run(RunStart(name="net", number=1, num_runs=1, num_epochs=3, num_members=3))
    for member, epochs in ((1, 2), (2, 1)):
        position.begin_member(member)
        assert position.title == f"net  member {member}/3  epoch 0/3"
        for epoch in range(1, epochs + 1):
            for step in range(1, 11):
                position.update(epoch, step, 10)
                clock.now += 2
    assert position.title == "net  member 2/3  epoch 1/3"
    assert position.time_left == "2 min left"  # 5 epochs
    assert position.times_left == ["2 min left"]


def test_a_run_that_is_given_from_the_start_begins_with_its_first_network():
    start = RunStart(name="net", number=1, num_runs=1, num_epochs=3, num_members=2)
    assert TrainingPosition(start=start).title == "net  member 1/2  epoch 0/3"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (59.5, "60 s"),
        (60, "1 min"),
        (60.5, "2 min"),
        (3540, "59 min"),
        (3541, "1 h 0 min"),
        (7201, "2 h 1 min"),
    ],
)
def test_durations_are_rounded_up_to_seconds_and_from_a_minute_on_to_minutes(seconds, text):
    assert short_duration(seconds) == text
