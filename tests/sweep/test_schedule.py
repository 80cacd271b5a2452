"""The schedule: what comes next, what is written down, and that a sweep resumes from its folder alone."""

import json
import re
import shutil
import sys
from dataclasses import replace

import pytest

from archnet.data import open_dataset
from archnet.errors import DataError, RunError
from archnet.files.strict_json import Document
from archnet.runs.preparation import resolve_auto_from_data, symmetry
from archnet.spec.experiment import SETS
from archnet.spec.resolve import parse_experiments
from archnet.sweep import search
from archnet.sweep.feasibility import TrialPlanner
from archnet.sweep.ray_process import session_task
from archnet.sweep.results.trials import Trial, TrialRun, read_trials, trial_folder, write_trial
from archnet.sweep.run import reset_failed_runs, run_sweep
from archnet.sweep.schedule import MAX_LOST_RUNS, Job, TrialSchedule
from archnet.sweep.tune import TuneRunner
from small_sweeps import POOL, WIDTH, make_schedule, small_sweep, write_run


def finish_all(schedule, value=0.5):
    """Takes and finishes what there is, one run at a time."""
    numbers = []
    while isinstance(job := schedule.next_job(), Job):
        numbers.append(job.number)
        write_run(schedule.folder, job, [value])
        schedule.finish_job(job, "finished", None)
    return numbers, job


def test_every_trial_comes_once_and_then_all_is_done(tmp_path):
    ended = []
    schedule = make_schedule(small_sweep(tmp_path), tmp_path, ended)
    assert schedule.has_work()
    assert finish_all(schedule) == ([0, 1, 2], "done")
    assert not schedule.has_work()
    assert ended == [(0, "finished"), (1, "finished"), (2, "finished")]
    assert [trial.values for trial in read_trials(tmp_path)] == [{WIDTH: 2}, {WIDTH: 4}, {WIDTH: 8}]


def test_an_impossible_trial_is_refused_with_its_reason_before_it_starts(tmp_path):
    ended = []
    sweep = small_sweep(tmp_path, space={POOL: [[2, 2], [64, 64]]}, limits={"max_parameters": 1000})
    assert finish_all(make_schedule(sweep, tmp_path, ended)) == ([0], "done")
    assert ended == [(0, "finished"), (1, "refused")]
    assert read_trials(tmp_path)[1].reasons == (
        'small.json $.base $.arch $.layers[1]: P "valid" with kernel 64 does not fit its input (12, 12). '
        "Remove a pooling or enlarge the crop."
    )


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        ({"max_parameters": 500}, "924 parameters, but limits.max_parameters is 500"),
        ({"max_macs": 100}, "6,060 multiply-adds, but limits.max_macs is 100"),
        ({"memory": "0.1GB"}, "training is predicted to take 0.86 GB, but limits.memory is 0.1GB"),
    ],
)
def test_a_trial_beyond_a_limit_is_refused(limits, reason, tmp_path):
    sweep = small_sweep(tmp_path, space={WIDTH: [4]}, limits=limits)
    assert make_schedule(sweep, tmp_path).next_job() == "done"
    (trial,) = read_trials(tmp_path)
    assert (trial.state, trial.reasons) == ("refused", reason)


def test_a_trial_at_its_limits_is_run(tmp_path):
    sweep = small_sweep(tmp_path, space={WIDTH: [4]}, limits={"max_parameters": 924, "max_macs": 6060})
    assert isinstance(make_schedule(sweep, tmp_path).next_job(), Job)


@pytest.mark.parametrize(
    ("states", "state"),
    [
        ([], "refused"),
        (["waiting", "waiting"], "waiting"),
        (["waiting", "running"], "running"),
        (["finished", "waiting"], "running"),
        (["failed", "running"], "running"),
        (["finished", "finished"], "finished"),
        (["finished", "failed"], "failed"),
        (["stopped", "failed"], "failed"),
        (["finished", "stopped"], "stopped"),
    ],
)
def test_the_state_of_a_trial_follows_from_its_runs(states, state):
    runs = {str(number): TrialRun(state=one) for number, one in enumerate(states)}
    assert Trial(number=0, values={}, runs=runs).state == state


def test_tpe_observes_the_mean_over_the_runs_of_a_trial_and_no_value_of_failed_or_undefined_ones(tmp_path, monkeypatch):
    monkeypatch.setattr(search, "STARTUP_TRIALS", 3)
    told = []

    def propose(sweep, number, observations, earlier_values):
        told.append([observation.value for observation in observations])
        return {WIDTH: number + 2}

    monkeypatch.setattr("archnet.sweep.schedule.propose_values", propose)
    axis = {"type": "integer", "low": 2, "high": 20}
    schedule = make_schedule(small_sweep(tmp_path, space={WIDTH: axis}, search="tpe", trials=4, folds=2), tmp_path)
    for value, state in (
        (0.5, "finished"),
        (0.7, "finished"),
        (0.5, "finished"),
        ("", "finished"),
        (0.5, "finished"),
        (0.7, "failed"),
    ):
        job = schedule.next_job()
        write_run(tmp_path, job, [value])
        schedule.finish_job(job, state, None)
    schedule.next_job()
    assert told == [[], [], [], [pytest.approx(0.6), None, None]]


def test_a_failed_run_is_written_down_and_the_others_go_on(tmp_path):
    schedule = make_schedule(small_sweep(tmp_path), tmp_path)
    schedule.finish_job(schedule.next_job(), "failed", "the loss is nan")
    assert finish_all(schedule) == ([1, 2], "done")
    assert [(trial.state, trial.reasons) for trial in read_trials(tmp_path)] == [
        ("failed", "the loss is nan"), ("finished", ""), ("finished", "")]  # fmt: skip


def test_a_run_whose_machine_was_lost_comes_again_but_not_for_ever(tmp_path):
    schedule = make_schedule(small_sweep(tmp_path), tmp_path)
    first = schedule.next_job()
    for _ in range(MAX_LOST_RUNS - 1):
        schedule.finish_job(first, None, "its worker died")
        assert schedule.next_job() == first
    schedule.finish_job(first, None, "its worker died")
    assert schedule.next_job().number == 1
    trial = read_trials(tmp_path)[0]
    assert (trial.state, trial.reasons) == (
        "failed", "interrupted 3 times; the last time its worker died")  # fmt: skip


def test_a_lost_run_waits_and_comes_before_the_other_runs_of_its_trial(tmp_path):
    schedule = make_schedule(small_sweep(tmp_path, folds=3), tmp_path)
    job = schedule.next_job()
    schedule.mark_running(job)
    schedule.finish_job(job, None, "its worker died")
    assert read_trials(tmp_path)[0].state == "waiting"
    assert schedule.next_job() == job


def test_a_sweep_resumes_with_what_has_not_ended(tmp_path):
    sweep = small_sweep(tmp_path, space={WIDTH: [2, 4, 8, 16, 32]})
    killed = make_schedule(sweep, tmp_path)
    finished, failed, finished_untold, half = (killed.next_job() for _ in range(4))
    write_run(tmp_path, finished, [0.5])
    killed.finish_job(finished, "finished", None)
    killed.finish_job(failed, "failed", "why")
    write_run(tmp_path, finished_untold, [0.5])
    write_run(tmp_path, half, [0.5], is_finished=False)
    resumed = make_schedule(sweep, tmp_path)
    assert [trial.state for trial in read_trials(tmp_path)] == ["finished", "failed", "finished", "waiting"]
    assert finish_all(resumed) == ([3, 4], "done")


def test_a_run_that_lacks_its_last_file_is_gone_on_with(tmp_path):
    schedule = make_schedule(small_sweep(tmp_path), tmp_path)
    finish_all(schedule)
    (trial_folder(tmp_path, 1) / "net/report.html").unlink()
    assert finish_all(make_schedule(small_sweep(tmp_path), tmp_path)) == ([1], "done")


def test_a_trial_that_was_ended_early_keeps_no_checkpoint_and_is_not_tried_again(tmp_path):
    schedule = make_schedule(small_sweep(tmp_path), tmp_path)
    job = schedule.next_job()
    checkpoint = trial_folder(tmp_path, 0) / job.run / "checkpoint"
    checkpoint.mkdir(parents=True)
    schedule.finish_job(job, "stopped", "ended by ASHA after 1 epoch")
    assert not checkpoint.exists()
    assert make_schedule(small_sweep(tmp_path), tmp_path).next_job().number == 1


def test_no_more_runs_are_given_out_at_once_than_allowed(tmp_path):
    schedule = make_schedule(small_sweep(tmp_path, at_once=2), tmp_path)
    first, second = schedule.next_job(), schedule.next_job()
    assert schedule.next_job() == "wait"
    schedule.finish_job(first, "finished", None)
    assert schedule.next_job().number == 2
    assert schedule.next_job() == "wait"
    assert second.number == 1


def test_a_tpe_trial_waits_for_those_that_it_is_drawn_from(tmp_path, monkeypatch):
    monkeypatch.setattr(search, "STARTUP_TRIALS", 2)
    axis = {"type": "integer", "low": 2, "high": 20}
    schedule = make_schedule(small_sweep(tmp_path, space={WIDTH: axis}, search="tpe", trials=4, at_once=2), tmp_path)
    first, second = schedule.next_job(), schedule.next_job()
    schedule.finish_job(second, "finished", None)
    assert schedule.next_job() == "wait"
    schedule.finish_job(first, "finished", None)
    assert (schedule.next_job().number, schedule.next_job().number) == (2, 3)


def test_trials_that_tpe_draws_at_random_wait_for_none(tmp_path):
    axis = {"type": "integer", "low": 2, "high": 20}
    schedule = make_schedule(small_sweep(tmp_path, space={WIDTH: axis}, search="tpe", trials=9, at_once=2), tmp_path)
    first, second = schedule.next_job(), schedule.next_job()
    schedule.finish_job(second, "finished", None)
    assert (first.number, schedule.next_job().number) == (0, 2)


@pytest.mark.slow
def test_refused_trials_leave_tpe_as_many_runs_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr(search, "STARTUP_TRIALS", 0)
    space = {POOL: [[64, 64], [2, 2]], WIDTH: {"type": "integer", "low": 2, "high": 20}}
    schedule = make_schedule(small_sweep(tmp_path, space=space, search="tpe", trials=40, at_once=2), tmp_path)
    for _ in range(5):
        jobs = [schedule.next_job(), schedule.next_job()]
        assert all(isinstance(job, Job) for job in jobs)
        assert schedule.next_job() == "wait"
        for job in jobs:
            write_run(tmp_path, job, [0.5])
            schedule.finish_job(job, "finished", None)
    states = [trial.state for trial in read_trials(tmp_path)]
    assert "refused" in states


def test_a_trial_of_folds_and_seeds_ends_with_its_last_run(tmp_path):
    ended = []
    schedule = make_schedule(small_sweep(tmp_path, space={}, folds=2, seeds=2), tmp_path, ended)
    jobs = [schedule.next_job() for _ in range(4)]
    assert [job.run for job in jobs] == ["net-fold0", "net-fold1", "net-fold0-seed1", "net-fold1-seed1"]
    for job in jobs:
        assert ended == []
        write_run(tmp_path, job, [0.5])
        schedule.finish_job(job, "finished", None)
    assert (ended, schedule.next_job()) == ([(0, "finished")], "done")


def test_the_crops_of_each_data_set_are_prepared_once(tmp_path, monkeypatch):
    prepared = []
    monkeypatch.setattr(
        "archnet.sweep.feasibility.prepare",
        lambda dataset, runs, progress, splits: prepared.append(runs[0].data.range) or [],
    )
    sweep = small_sweep(tmp_path, space={WIDTH: [2, 4], "data.range": [[0, 200], [0, 255]]})
    finish_all(make_schedule(sweep, tmp_path))
    assert prepared == [(0, 200), (0, 255)]


def test_a_sweep_without_ray_says_how_to_install_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(RunError, match=r'^a sweep needs Ray\. Install it with: pip install "archnet\[sweep\]"$'):
        run_sweep(small_sweep(tmp_path), tmp_path / "out")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"seed": 1},
            "contains a sweep with a different seed. Resume it with its original file, or use a different --out.",
        ),
        (
            {"at_once": 3},
            "was started with at_once None, which determines the trials of a TPE search. Resume it with the same value.",
        ),
    ],
)
def test_another_sweep_is_not_resumed(change, message, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    keys = {"space": {WIDTH: {"type": "integer", "low": 2, "high": 20}}, "search": "tpe", "trials": 2}
    (tmp_path / "out/trials/000").mkdir(parents=True)
    for sweep in (small_sweep(tmp_path, **keys), small_sweep(tmp_path, **{**keys, **change})):
        with pytest.raises(RunError) as caught:
            run_sweep(sweep, tmp_path / "out", resume=True)
    assert str(caught.value) == f"{tmp_path / 'out'}: {message}"


def test_a_relative_root_of_an_older_sweep_is_tried_against_the_working_directory(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    out = tmp_path / "out"
    (out / "trials/000").mkdir(parents=True)

    def reason():
        with pytest.raises(RunError) as caught:
            run_sweep(small_sweep(tmp_path), out, resume=True)
        return str(caught.value)

    assert reason().startswith("a sweep needs Ray")
    document = json.loads((out / "sweep.json").read_text())
    assert document["base"]["data"]["root"] == str(tmp_path / "cubes.npz")
    document["base"]["data"]["root"] = "cubes.npz"
    (out / "sweep.json").write_text(json.dumps(document))
    monkeypatch.chdir(out)
    assert reason() == (
        f"{out}: contains a sweep with a different base. Resume it with its original file, or use a different --out."
    )
    monkeypatch.chdir(tmp_path)
    assert reason().startswith("a sweep needs Ray")


@pytest.mark.parametrize(("gpus", "device"), [(0, None), (0.5, None), (1, None), (2, "gpu")])
def test_a_run_with_several_gpus_divides_its_batches_among_them(tmp_path, gpus, device):
    schedule = make_schedule(small_sweep(tmp_path, resources={"gpus": gpus}), tmp_path)
    config = TuneRunner().job_config(schedule, schedule.next_job())
    assert json.loads(config["order"])["device"] == device
    assert config["environment"][:2] == (1, gpus)


def test_the_test_set_is_evaluated_in_training_only_where_no_trial_is_chosen_by_validation(tmp_path):
    searched, single = small_sweep(tmp_path), small_sweep(tmp_path, space={})
    schedules = {
        "searched": make_schedule(searched, tmp_path / "a"),
        "single": make_schedule(single, tmp_path / "b"),
        "compared": TrialSchedule(
            searched, tmp_path / "c", TrialPlanner(sweep=searched), lambda trial: None, evaluated_sets=SETS
        ),
    }
    sets = {}
    for name, schedule in schedules.items():
        order = json.loads(TuneRunner().job_config(schedule, schedule.next_job())["order"])
        task = session_task(schedule, address=None, command=[], num_cpus=None)
        assert order["judged"] == task["sets"]
        sets[name] = order["judged"]
    whole = ["train", "validation", "test"]
    assert sets == {"searched": ["train", "validation"], "single": whole, "compared": whole}


def test_runs_get_the_symmetries_that_the_sweep_found_once(tmp_path, monkeypatch):
    asked = []
    ask = symmetry._ask
    monkeypatch.setattr(symmetry, "_ask", lambda *arguments: asked.append(1) or ask(*arguments))
    sweep = small_sweep(tmp_path)
    training = {**sweep.base.value["training"], "augmentation": "auto"}
    base = {**sweep.base.value, "training": training, "split": {"validation": 0.4}}  # 12 groups, enough to decide
    sweep = replace(sweep, base=replace(sweep.base, value=base))
    schedule = make_schedule(sweep, tmp_path)
    for _ in range(2):
        job = schedule.next_job()
        schedule.mark_running(job)
        document = json.loads(TuneRunner().job_config(schedule, job)["order"])["experiment"]
        assert document["training"]["augmentation"][0] == {"type": "right_angles"}
        assert "training.augmentation" in document["picked"]
        (experiment,) = parse_experiments(Document(value=document, source="experiment.json"))
        assert (
            resolve_auto_from_data(experiment, open_dataset(experiment.data)).auto_reasons["training.augmentation"]
            == document["picked"]["training.augmentation"]
        )
    assert len(asked) == 1


def test_a_sweep_with_a_different_order_of_hyperparameters_is_a_different_sweep(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    space = {WIDTH: [2, 4], "training.learning_rate": [0.01, 0.02]}
    (tmp_path / "out/trials/000").mkdir(parents=True)
    with pytest.raises(RunError, match="needs Ray"):
        run_sweep(small_sweep(tmp_path, space=space), tmp_path / "out")
    with pytest.raises(RunError, match="contains a sweep with a different space"):
        run_sweep(small_sweep(tmp_path, space=dict(reversed(space.items()))), tmp_path / "out", resume=True)


def test_a_sweep_whose_base_has_its_keys_in_another_order_is_the_same(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    (tmp_path / "out/trials/000").mkdir(parents=True)
    with pytest.raises(RunError, match="needs Ray"):
        run_sweep(small_sweep(tmp_path), tmp_path / "out")
    document = json.loads((tmp_path / "out/sweep.json").read_text())
    document["base"] = dict(reversed(document["base"].items()))
    (tmp_path / "out/sweep.json").write_text(json.dumps(document))
    with pytest.raises(RunError, match="needs Ray"):
        run_sweep(small_sweep(tmp_path), tmp_path / "out", resume=True)


def test_missing_data_end_the_sweep_and_refuse_no_trial(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    sweep = small_sweep(tmp_path)
    (tmp_path / "cubes.npz").rename(tmp_path / "elsewhere.npz")
    with pytest.raises(DataError, match=r"cubes\.npz"):
        run_sweep(sweep, tmp_path / "out")
    assert read_trials(tmp_path / "out") == []
    (tmp_path / "elsewhere.npz").rename(tmp_path / "cubes.npz")
    with pytest.raises(RunError, match="needs Ray"):  # nothing has begun, so there is nothing to resume
        run_sweep(sweep, tmp_path / "out")


def test_failures_are_kept_until_they_are_to_be_forgotten(tmp_path):
    sweep = small_sweep(tmp_path)
    schedule = make_schedule(sweep, tmp_path)
    schedule.finish_job(schedule.next_job(), "failed", "somebody killed it")
    assert finish_all(make_schedule(sweep, tmp_path)) == ([1, 2], "done")
    assert finish_all(make_schedule(sweep, tmp_path)) == ([], "done")
    reset_failed_runs(tmp_path)
    assert finish_all(make_schedule(sweep, tmp_path)) == ([0], "done")


def test_a_run_waits_until_it_has_found_its_place(tmp_path):
    schedule = make_schedule(small_sweep(tmp_path), tmp_path)
    job = schedule.next_job()
    assert read_trials(tmp_path)[0].state == "waiting"
    schedule.mark_running(job)
    assert read_trials(tmp_path)[0].state == "running"


BUILT = {"arch": "net", "parameters": 924, "macs": 6060}


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        ({"number": 0, "values": {}}, ':1 $: the key "runs" is missing.'),
        (
            {**BUILT, "number": 0, "values": {}, "runs": {"../../elsewhere": {"state": "waiting"}}},
            ': "../../elsewhere" is not a folder inside the trial folder.',
        ),
        (
            {"number": 0, "values": {}, "runs": {"net": {"state": "finished", "unknown": 1}}},
            ':1 $.runs.net.unknown: unknown key "unknown". Known keys: began, lost, reason, seconds, state.',
        ),
        ({"number": 0, "values": {}, "runs": {"net": {"state": "waiting"}}}, ': has runs, but no "arch".'),
        ({"number": 7, "values": {}, "runs": {}}, ": belongs to trial 7."),
        ([], ":1 $: expected an object, got []."),
    ],
)
def test_a_damaged_trial_is_reported_with_its_file(tmp_path, document, problem):
    path = trial_folder(tmp_path, 0) / "trial.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(document))
    message = f"{path}{problem} Remove its folder and run the sweep again with --resume."
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        read_trials(tmp_path)


def test_trials_are_read_in_the_order_of_their_numbers(tmp_path):
    for number in (1000, 999):
        write_trial(tmp_path, Trial(number=number, values={}))
    assert [trial.number for trial in read_trials(tmp_path)] == [999, 1000]


def test_folders_that_are_not_trials_are_passed_over(tmp_path):
    finish_all(make_schedule(small_sweep(tmp_path), tmp_path))
    shutil.copytree(trial_folder(tmp_path, 1), tmp_path / "trials/001 copy")
    assert [trial.number for trial in read_trials(tmp_path)] == [0, 1, 2]


@pytest.mark.parametrize(("address", "answer"), [("127.0.0.1:1", "refused"), ("nonsense", "nonsense")])
def test_a_cluster_that_does_not_answer_is_reported_immediately(tmp_path, address, answer):
    pytest.importorskip("ray")
    with pytest.raises(RunError, match=f"^--address {address}: no Ray cluster responds at this address: .*{answer}"):
        run_sweep(small_sweep(tmp_path), tmp_path / "out", runner=TuneRunner(address=address))


def test_relative_folders_of_the_data_are_those_of_the_sweep(tmp_path, monkeypatch):
    monkeypatch.setenv("ARCHNET_DATA", "data")
    monkeypatch.chdir(tmp_path)
    schedule = make_schedule(small_sweep(tmp_path), tmp_path)
    assert TuneRunner().job_config(schedule, schedule.next_job())["environment"][2]["ARCHNET_DATA"] == str(
        tmp_path / "data"
    )
