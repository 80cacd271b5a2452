"""Where a training is: the run, the epoch, and the elapsed and remaining time, by a clock that the test moves."""

from archnet.files.training_position import RunStart, TrainingPosition


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


RUN = RunStart(name="archsm-seed1", number=2, num_runs=6, num_epochs=12)


def test_the_title_names_the_run_its_place_and_the_epoch():
    assert position_after(55, RUN).title == "archsm-seed1 (2 of 6), epoch 6/12"
    assert position_after(5, RunStart(name="net", number=1, num_runs=1, num_epochs=3)).title == "net, epoch 1/3"
    assert position_after(15).title == "epoch 2"


def test_times_are_those_of_the_epoch_and_of_all_epochs():
    # The 55th step ends epoch 6 at its half: 4 steps of 2 s after the epoch's first, 5 left; 65 of all 120 left.
    assert position_after(55, RUN).times == "epoch 8 s, 10 s left; all 2 min, 3 min left"
    assert position_after(55).times == "epoch 8 s, 10 s left"


def test_the_first_step_knows_no_speed_yet():
    assert position_after(1, RUN).times == "epoch 0 s; all 0 s"


def test_a_resumed_run_measures_only_its_own_steps():
    assert position_after(6, RUN, first=(11, 5)).times == "epoch 10 s, 0 s left; all 10 s, 20 s left"


def test_another_run_starts_again():
    position = position_after(55, RUN)
    position.begin_run(RunStart(name="arch3dsm", number=3, num_runs=6, num_epochs=5))
    position.update(1, 1, 10)
    assert (position.title, position.times) == ("arch3dsm (3 of 6), epoch 1/5", "epoch 0 s; all 0 s")
