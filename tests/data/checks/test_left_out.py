from pathlib import Path

from archnet.data.checks.left_out import describe_left_out, find_left_out

ROOT = Path("/data")


def _left_out(**names):
    return {ROOT / name: kind for kind, paths in names.items() for name in paths}


def test_without_dropped_files_there_is_no_finding():
    assert find_left_out({}, ROOT) == ()


def test_masks_alone_are_a_note_without_a_remedy():
    (finding,) = find_left_out(_left_out(mask=["a/1_mask.nii", "a/2_mask.nii"]), ROOT)
    assert (finding.check, finding.severity) == ("left_out", "note")
    assert finding.text == "Not used in /data: 2 masks (a/1_mask.nii, a/2_mask.nii)."
    assert finding.cases == ("a/1_mask.nii", "a/2_mask.nii")


def test_each_kind_is_counted_with_its_first_few_names_and_its_remedy():
    left_out = {ROOT / f"a/{number}.dcm": ".dcm" for number in range(5)}
    left_out |= {ROOT / "a/x.nhdr": ".nhdr", ROOT / "b": "folder of masks", ROOT / "c": "folder of masks"}
    left_out |= {ROOT / "d": "broken link"}
    (finding,) = find_left_out(left_out, ROOT)
    assert finding.severity == "warning"
    assert finding.message == (
        "Not used in /data: 5 .dcm (a/0.dcm, a/1.dcm, a/2.dcm, 2 more), 2 folders of masks (b, c), 1 .nhdr (a/x.nhdr), "
        "1 broken link (d)."
    )
    assert finding.remedy == (
        "Move each series of DICOM images to its own folder. Convert other files to a supported format (.mhd, "
        ".mha, .nii, .nii.gz, .nrrd, DICOM folders)."
    )
    assert len(finding.cases) == 9


def test_rare_kinds_and_many_names_are_only_counted():
    kinds = {ROOT / f"{number}.x{number % 10}": f".x{number % 10}" for number in range(1000)}
    text = describe_left_out(kinds, ROOT)
    assert text.startswith("100 .x0 (0.x0, 10.x0, 20.x0, 97 more), ")
    assert text.endswith("100 .x7 (7.x7, 17.x7, 27.x7, 97 more), 200 others")
    (finding,) = find_left_out(kinds, ROOT)
    assert len(finding.cases) == 100
