import json

from archnet.sweep.results.trials import FAILED, FINISHED, RUNNING, Trial, TrialRun, trial_folder, write_trial
from archnet.versus.results.finished_variants import Failure, read_finished_variants
from versus_folders import make_plan


def write_state(folder, number, variant, states, folds=2):
    """A trial whose finished runs have no more than their experiment and a manifest."""
    runs = {}
    for (seed, fold), state in states.items():
        name = f"{variant.name}-fold{fold}" + (f"-seed{seed}" if seed else "")
        runs[name] = TrialRun(state=state, reason="out of memory" if state == FAILED else None)
        if state == FINISHED:
            run = trial_folder(folder, number) / name
            run.mkdir(parents=True)
            document = {"split": {"folds": folds, "fold": fold}, "training": {"seed": seed}}
            (run / "experiment.json").write_text(json.dumps(document))
            (run / "manifest.json").write_text("{}")
    trial = Trial(number=number, values={"arch": variant.name}, runs=runs, arch=variant.name, parameters=1, macs=1)
    write_trial(folder, trial)


def test_seeds_that_lack_a_fold_are_left_out_and_their_failure_is_listed(tmp_path):
    plan = make_plan(tmp_path, forms=("2d", "3d"), seeds=2, folds=2)
    first, second = plan.variants
    write_state(tmp_path, 0, first, dict.fromkeys([(0, 0), (0, 1), (1, 0), (1, 1)], FINISHED))
    states = {(0, 0): FINISHED, (0, 1): FAILED, (1, 0): FINISHED, (1, 1): FINISHED}
    write_state(tmp_path, 1, second, states)
    whole, part = read_finished_variants(tmp_path, plan.variants)
    assert [folder.name for folder in whole.folders] == ["net-fold0", "net-fold1", "net-fold0-seed1", "net-fold1-seed1"]
    assert [folder.name for folder in part.folders] == ["net_3d-fold0-seed1", "net_3d-fold1-seed1"]
    assert part.failures == (Failure(variant="net_3d", run="net_3d-fold1", reason="out of memory"),)


def test_refused_variants_and_those_that_have_not_begun_have_no_runs(tmp_path):
    plan = make_plan(tmp_path, forms=("2d", "2.5d", "3d"))
    write_trial(tmp_path, Trial(number=0, values={}, reason="too large"))
    write_state(tmp_path, 1, plan.variants[1], {(0, 0): RUNNING})
    refused, running, absent = read_finished_variants(tmp_path, plan.variants)
    assert refused.failures == (Failure(variant="net", run="", reason="too large"),)
    assert (running.folders, running.failures, absent.folders, absent.failures) == ((), (), (), ())
