import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

import archnet
from archnet.errors import DataError, RunError
from archnet.evaluation.run_folder import read_json
from archnet.files.atomic import write_json
from archnet.spec.sweeps.sweep import Resources
from archnet.versus.plan.plan_file import plan_document, read_durations
from archnet.versus.plan.plan_reader import read_plan
from archnet.versus.run_versus import check_versus_folder, count_finished_runs, run_versus
from pages import Page
from small_sweeps import SerialRunner
from versus_folders import FakeRunner, durations_of, make_plan

SKILLS = {"net": 1.0, "net_25d": 1.5, "net_3d": 3.5, "net_3d_macs": 3.0}


def document_of(plan):
    return plan_document(plan, durations_of(plan))


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A versus of two questions whose 3D network is better, with a margin."""
    folder = tmp_path_factory.mktemp("finished")
    plan = make_plan(folder, forms=("2d", "3d"), matches=("none", "macs"), seeds=2, margin=0.02)
    run_versus(plan, folder / "out", document_of(plan), runner=FakeRunner(plan, SKILLS))
    return plan, folder / "out"


@pytest.mark.slow
def test_every_variant_is_run_with_every_seed_once(tmp_path):
    plan = make_plan(tmp_path, forms=("2d", "3d"), seeds=2)
    runner = FakeRunner(plan, SKILLS)
    run_versus(plan, tmp_path / "out", document_of(plan), runner=runner)
    assert runner.names == ["net", "net-seed1", "net_3d", "net_3d-seed1"]
    assert runner.evaluated_sets == ("train", "validation", "test")
    assert count_finished_runs(tmp_path / "out") == 4


@pytest.mark.slow
def test_an_interrupted_versus_resumes_to_the_same_result(tmp_path):
    plan = make_plan(tmp_path, forms=("2d", "3d"), seeds=2)
    run_versus(plan, tmp_path / "whole", document_of(plan), runner=FakeRunner(plan, SKILLS))
    folder, first = tmp_path / "parts", FakeRunner(plan, SKILLS, interrupts_after=3)
    with pytest.raises(KeyboardInterrupt):
        run_versus(plan, folder, document_of(plan), runner=first)
    assert count_finished_runs(folder) == 3
    assert not (folder / "versus.json").exists()
    check_versus_folder(folder, resume=True)
    second = FakeRunner(plan, SKILLS)
    run_versus(plan, folder, document_of(plan), runner=second)
    assert second.names == ["net_3d-seed1"]
    assert read_json(folder / "versus.json") == read_json(tmp_path / "whole/versus.json")


@pytest.mark.slow
def test_a_second_start_is_refused(finished):
    _, folder = finished
    message = (
        f"{folder}: already contains results of archnet versus. Resume it with --resume, or use a different --out."
    )
    with pytest.raises(RunError, match=f"^{re.escape(message)}$"):
        check_versus_folder(folder, resume=False)


@pytest.mark.parametrize("name", ["sweep.json", "experiment.json", "metrics.json", "report.html"])
@pytest.mark.parametrize("resume", [True, False])
def test_a_folder_of_other_results_is_refused(tmp_path, name, resume):
    (tmp_path / name).write_text("{}")
    with pytest.raises(RunError, match=f"^{re.escape(str(tmp_path))}: contains other results. Use a different --out.$"):
        check_versus_folder(tmp_path, resume=resume)


@pytest.mark.slow
def test_other_seeds_cannot_resume_a_versus(finished, tmp_path):
    _, folder = finished
    other = make_plan(folder.parent, forms=("2d", "3d"), matches=("none", "macs"), seeds=3)
    message = f"{folder}: contains a sweep with a different seeds. Resume it with its original file, or use a different --out."
    with pytest.raises(RunError, match=f"^{re.escape(message)}$"):
        run_versus(other, folder, document_of(other), runner=FakeRunner(other, SKILLS))


@pytest.mark.slow
def test_durations_are_those_that_were_measured_at_the_start_unless_the_variants_differ(finished, tmp_path):
    plan, folder = finished
    assert read_durations(folder, plan) == durations_of(plan)
    assert read_durations(tmp_path, plan) is None
    assert read_durations(folder, make_plan(folder.parent, forms=("2d", "3d"))) is None


@pytest.mark.slow
def test_other_resources_are_measured_again_and_recorded(tmp_path):
    plan = make_plan(tmp_path, forms=("2d", "3d"), seeds=2)
    folder = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        run_versus(plan, folder, document_of(plan), runner=FakeRunner(plan, SKILLS, interrupts_after=1))
    assert read_json(folder / "plan.json")["resources"] == {"cpus": 1, "gpus": 0}
    wider = make_plan(tmp_path, forms=("2d", "3d"), seeds=2, resources=Resources(cpus=2, gpus=0.5))
    assert read_durations(folder, wider) is None
    durations = durations_of(wider, seconds=30.0)
    run_versus(wider, folder, plan_document(wider, durations), runner=FakeRunner(wider, SKILLS))
    assert read_json(folder / "plan.json")["resources"] == {"cpus": 2, "gpus": 0.5}
    assert read_durations(folder, wider) == durations


@pytest.mark.slow
def test_failed_runs_are_listed_and_the_others_compared(tmp_path):
    plan = make_plan(tmp_path, forms=("2d", "3d"), seeds=2)
    runner = FakeRunner(plan, SKILLS, fails=("net_3d-seed1",))
    result = run_versus(plan, tmp_path / "out", document_of(plan), runner=runner)
    assert [failure.run for failure in result.failures] == ["net_3d-seed1"]
    document = read_json(tmp_path / "out/versus.json")
    assert document["cautions"][0] == "1 run of net_3d failed (net_3d-seed1): the loss is nan in epoch 1."
    page = Page((tmp_path / "out/report.html").read_text(encoding="utf-8"))
    assert "Refused or failed network run reason net_3d net_3d-seed1 the loss is nan in epoch 1" in page.text


def test_versus_json_has_an_answer_for_each_question(finished):
    document = read_json(finished[1] / "versus.json")
    questions = document["questions"]
    assert [question["question"] for question in questions] == [
        "What does depth add at the same widths?",
        "What does depth add at the same cost?",
    ]
    for question, start in zip(questions, ("At the same widths", "At the same cost"), strict=True):
        assert question["sentence"].startswith(f"{start} and at equal false-positive rates")
        assert question["badge"] == "3D better"
        assert question["verdict"]["conclusions"][-1]["kind"] == "other_better"
    reference = {pair["reference"] for question in questions for pair in question["paired"]}
    assert reference == {"net"}
    assert [variant["name"] for variant in document["variants"]] == ["net", "net_3d", "net_3d_macs"]
    assert [variant["seeds"] for variant in document["variants"]] == [[0, 1]] * 3
    original, _, twin = finished[0].variants
    assert document["cautions"][0] == (  # a network of four channels cannot be narrow enough
        f"net_3d_macs has {twin.macs / original.macs:.2f} times the multiply-adds of net, the closest that its widths "
        "allow: the comparison at the same cost is not exact."
    )


def test_the_sentences_say_what_is_random_and_test_the_cheaper_form(finished):
    document = read_json(finished[1] / "versus.json")
    assert document["uncertainty"] == (
        "Patients and seeds are random: each 95% interval covers other patients (groups of cases) and other training "
        "seeds, 2 of each network, by the variances of Obuchowski and Rockette with Student's t (Hillis 2014)."
    )
    question = document["questions"][0]
    (entry,) = question["noninferiority"]
    high = question["paired"][0]["differences"][entry["difference"]]["interval"][1]
    assert entry["lower"] == pytest.approx(-high)
    assert question["further"][-1] == (
        "Non-inferiority of the 2D network net to the 3D network net_3d, with a margin of 2 percentage points, is not "
        f"shown: the 95% CI of the difference reaches −{100 * high:.1f} percentage points."
    )
    auc = question["paired"][0]["differences"]["auc"]
    low, top = auc["interval"]
    assert question["further"][0] == f"AUC: 3D minus 2D {auc['difference']:+.3f} (95% CI {low:+.3f} to {top:+.3f})."


def test_the_page_leads_with_the_answers_and_links_to_each_comparison_and_run(finished):
    _, folder = finished
    page, document = Page((folder / "report.html").read_text(encoding="utf-8")), read_json(folder / "versus.json")
    for question in document["questions"]:
        assert question["sentence"] in page.text
        assert page.text.index(question["sentence"]) < page.text.index("Cost and quality")
    links = [values["href"] for tag, values in page.tags if tag == "a" and not values["href"].startswith("#")]
    assert set(links) >= {"same-widths/report.html", "same-cost/report.html", "trials/000/net/report.html"}
    assert all((folder / link).exists() for link in links)
    (frontier,) = {
        values["aria-label"] for tag, values in page.tags if tag == "svg" and "against mult" in values["aria-label"]
    }
    for variant in document["variants"]:
        assert f"{variant['name']} ({variant['form']}) {variant['auc']:.3f}" in frontier


@pytest.mark.slow
def test_a_report_on_the_folder_rewrites_the_result_and_the_pages_from_the_runs(finished, tmp_path):
    _, folder = finished
    copy = Path(shutil.copytree(folder, tmp_path / "out"))
    written = ["versus.json", "report.html", "same-widths/report.html", "same-cost/report.html"]
    before = {name: (copy / name).read_text(encoding="utf-8") for name in written}
    for name in written[1:]:
        (copy / name).write_text("")
    pages = archnet.write_report(copy)
    runs = [
        "trials/000/net", "trials/000/net-seed1", "trials/001/net_3d", "trials/001/net_3d-seed1",
        "trials/002/net_3d_macs", "trials/002/net_3d_macs-seed1",
    ]  # fmt: skip
    expected = [
        *(f"{run}/report.html" for run in runs),
        "same-widths/report.html",
        "same-cost/report.html",
        "report.html",
    ]
    assert [page.relative_to(copy).as_posix() for page in pages] == expected
    document, original = read_json(copy / "versus.json"), json.loads(before["versus.json"])
    assert [one["sentence"] for one in document["questions"]] == [one["sentence"] for one in original["questions"]]
    assert [one["noninferiority"] for one in document["questions"]] == [
        one["noninferiority"] for one in original["questions"]
    ]
    assert Page((copy / "report.html").read_text(encoding="utf-8")).text == Page(before["report.html"]).text


def test_a_plan_is_read_back_from_its_folder(finished):
    plan, folder = finished
    again = read_plan(folder)
    assert (again.variants, again.options) == (plan.variants, plan.options)
    assert again.sweep.to_document() == plan.sweep.to_document()
    assert (again.name, again.num_runs, again.experiment.arch.name) == (plan.name, 6, "net")
    assert again.experiment == plan.experiment_of(plan.variants[0])


def test_a_plan_of_other_networks_is_refused(finished, tmp_path):
    copy = Path(shutil.copytree(finished[1], tmp_path / "out"))
    document = read_json(copy / "plan.json")
    write_json(copy / "plan.json", document | {"variants": document["variants"][:2]})
    message = f"{copy / 'plan.json'}: does not describe the networks of sweep.json. Restore both files."
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        read_plan(copy)


@pytest.mark.slow
def test_a_single_seed_is_a_caution(tmp_path):
    plan = make_plan(tmp_path, forms=("2d", "3d"), seeds=1)
    run_versus(plan, tmp_path / "out", document_of(plan), runner=FakeRunner(plan, SKILLS))
    document = read_json(tmp_path / "out/versus.json")
    assert document["cautions"][0] == (
        "One training seed per network: the variance between seeds is unknown. Use --seeds 5."
    )
    assert document["uncertainty"] == (
        "Each 95% interval covers the choice of patients only: with one training seed, the variance between seeds is "
        "unknown."
    )


@pytest.mark.slow
def test_real_runs_are_evaluated_on_the_test_set_and_resume_to_the_same_result(tmp_path):
    plan = make_plan(tmp_path, forms=("2d", "3d"), seeds=2)
    run_versus(plan, tmp_path / "whole", document_of(plan), runner=SerialRunner())
    folder = tmp_path / "parts"
    with pytest.raises(KeyboardInterrupt):
        run_versus(plan, folder, document_of(plan), runner=_InterruptedRunner())
    run_versus(plan, folder, document_of(plan), runner=SerialRunner())
    whole, parts = (read_json(path / "versus.json") for path in (tmp_path / "whole", folder))
    for document in (whole, parts):
        for variant in document["variants"]:  # times and memory are measured
            assert variant.pop("costs")["train_seconds"] > 0
    assert whole == parts
    metrics = json.loads((folder / "trials/001/net_3d/metrics.json").read_text())
    assert set(metrics) >= {"train", "validation", "test"}
    assert np.isfinite([variant["auc"] for variant in parts["variants"]]).all()


class _InterruptedRunner(SerialRunner):
    """Carries out two runs and is interrupted."""

    def run(self, schedule):
        super().run(_TwoJobs(schedule))


class _TwoJobs:
    """A schedule that is interrupted after two jobs."""

    def __init__(self, schedule):
        self.schedule, self.num_jobs = schedule, 0

    def next_job(self):
        self.num_jobs += 1
        if self.num_jobs > 2:
            raise KeyboardInterrupt
        return self.schedule.next_job()

    def __getattr__(self, name):
        return getattr(self.schedule, name)
