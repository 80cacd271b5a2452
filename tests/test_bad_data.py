"""Bad input, a row a kind: one clear message, exit code 2, nothing new on the disk, nothing of the user's changed."""

import functools
import gzip
import os
import pickle
import re
import shlex
import stat
import sys
import zipfile
import zlib

import numpy as np
import pytest

from archnet import cli
from archnet.fetching import catalogue
from archnet.spec.datasets import DATASETS
from bad_files import (
    COLUMNS,
    LIST,
    VOXEL_BYTES,
    VOXELS,
    X,
    Y,
    arrays,
    bomb,
    both,
    candidates,
    classes,
    empty,
    file,
    gone,
    linked,
    members,
    nifti,
    nothing,
    npy,
    nrrd,
    published,
    scan,
    series,
    unreadable,
)
from dicom_files import UID
from server import Server, zip_bytes, zip_entry


def unscanned(reason, path="scans/subset0/1.2.3.mhd", num_scans=1):
    """What is said when no scan of a data set can be read."""
    others = f" The other {num_scans - 1} scans cannot be read either." if num_scans > 1 else ""
    return f"{path}: {reason}.{others}"


def unclassed(reason, suffix=""):
    return unscanned(reason, f"scans/a/1{suffix}", 4)


PACKED = zlib.compress(VOXEL_BYTES)
PACKED_NIFTI = gzip.compress(nifti(sizes=(32767, 32767, 32767)))
ZEROS = zip_bytes({"CT-0/a.nii": bytes(1 << 22)}, compression=zipfile.ZIP_DEFLATED)

# The command lines.

SMALL = "--set data.crop_size=[8,8,4] --set split.test=0 --set split.validation=0"
LUNA16 = f"data prepare --data luna16 --root scans {SMALL}"
FOLDER = f"data prepare --data folder --root scans {SMALL}"
NPZ = "data prepare --data npz:a.npz"
FETCH = "data fetch mosmed --root scans"

# Parts of messages that stand in several.

CSV = "scans/candidates.csv"
ROW = "expected seriesuid, coordX, coordY, coordZ, class, got"
NULS = r"\x00" * 20
HEAD = "Expected seriesuid, coordX, coordY, coordZ, class (separated by commas), got"
SAVE_AS_TEXT = "Save it as text in UTF-8, columns separated by commas."
TYPES = (
    "MET_CHAR, MET_UCHAR, MET_SHORT, MET_USHORT, MET_INT, MET_UINT, MET_LONG, MET_ULONG, MET_LONG_LONG, "
    "MET_ULONG_LONG, MET_FLOAT, MET_DOUBLE"
)
SHOULD_HOLD = "1.2.3.raw should contain 24 x 24 x 12 voxels of 2 bytes (13,824 bytes), but contains"
NEEDS_LUNA16 = (
    "luna16 needs subset0 to subset9 (any number of them) with .mhd scans, and candidates.csv. "
    "Name its folder with --root FOLDER"
)
NEEDS_CLASSES = "needs one folder for each class (CT-0, CT-23) with scans inside. Name its folder with --root FOLDER"
OUTSIDE_CANDIDATE = (
    "outside_candidates: 1 of the 2 candidates in candidates.csv lies outside its scan: line 3, ({}) mm in 1.2.3.mhd. "
    "That is 50% of all candidates. It is 50% of the candidates in 1.2.3.mhd. Among them is 1 nodule. Usual causes: RAS coordinates instead of "
    "LPS, axes in a different order, voxel indices instead of millimetres, or the list of a different scan. Correct "
    "the list (positions in mm, LPS). If the check is allowed, candidates outside their scan are left out.\nThe data "
    "have 1 error. To use the data anyway, add --allow outside_candidates."
)
NO_SCANS = (
    "scans: no scans (.mhd, .mha, .nii, .nii.gz, .nrrd) here or in subset0 to subset9. Unpack at least one "
    "subset into this folder."
)
OUTSIDE = "is outside the header's folder; put the voxels next to the header"
FILL_WITH_AIR = "Replace these values with air: numpy.nan_to_num(hu, nan=-1000, posinf=-1000, neginf=-1000)"
NO_NPZ = "a.npz: not a readable .npz file"
AGAIN = "save it again with numpy.savez."
KEYS = "a.npz: expected the arrays x and y, or train_images and train_labels as in MedMNIST; found"
OTHER_ARCHIVE = "Nothing was unpacked; get the archive from another source."
ARCHIVE = "{here}/scans/.fetch/CT-0.zip"

# Kind: what lies there, the command, all it says.
BAD = {
    # MetaImage
    "a .raw that is cut off": (
        scan(VOXEL_BYTES[:-100]),
        LUNA16,
        unscanned(f"{SHOULD_HOLD} 13,724; copy the scan again"),
    ),
    "a .raw of another type": (
        scan(VOXELS.astype(np.float32).tobytes()),
        LUNA16,
        unscanned(f"{SHOULD_HOLD} 27,648; copy the scan again"),
    ),
    "no .raw": (
        both(scan(), gone("scans/subset0/1.2.3.raw")),
        LUNA16,
        unscanned("ElementDataFile = 1.2.3.raw does not exist; put the voxels next to the header"),
    ),
    "a header that names another size": (
        scan(DimSize="24 24 13"),
        LUNA16,
        unscanned(
            "1.2.3.raw should contain 24 x 24 x 13 voxels of 2 bytes (14,976 bytes), but contains 13,824; copy the scan again"
        ),
    ),
    "a header that names an enormous size": (
        scan(DimSize="99999999 99999999 99999999"),
        LUNA16,
        unscanned(
            "1.2.3.raw should contain 99999999 x 99999999 x 99999999 voxels of 2 bytes "
            "(1,999,999,940,000,000,599,999,998 bytes), but contains 13,824; copy the scan again"
        ),
    ),
    "a header that names another type": (
        scan(ElementType="MET_DOUBLE"),
        LUNA16,
        unscanned(
            "1.2.3.raw should contain 24 x 24 x 12 voxels of 8 bytes (55,296 bytes), but contains 13,824; copy the scan again"
        ),
    ),
    "a header that names an unknown type": (
        scan(ElementType="MET_SHRT"),
        LUNA16,
        unscanned(f"ElementType must be one of {TYPES}, got MET_SHRT"),
    ),
    "a header of two axes": (scan(NDims="2"), LUNA16, unscanned("NDims must be 3, got 2")),
    "a header that is a picture": (
        both(scan(), file("scans/subset0/1.2.3.mhd", b"\x89PNG\r\n\x1a\n")),
        LUNA16,
        unscanned("every line of a MetaImage header must read \"Key = value\", got '\\x89PNG'"),
    ),
    "ElementDataFile above its folder": (
        scan(ElementDataFile="../../etc/passwd"),
        LUNA16,
        unscanned(f"ElementDataFile = ../../etc/passwd {OUTSIDE}"),
    ),
    "ElementDataFile with an absolute path": (
        scan(ElementDataFile="/etc/passwd"),
        LUNA16,
        unscanned(f"ElementDataFile = /etc/passwd {OUTSIDE}"),
    ),
    "ElementDataFile in a folder that is a link to another": (
        linked,
        LUNA16,
        unscanned(f"ElementDataFile = away/1.2.3.raw {OUTSIDE}"),
    ),
    "negative spacing": (
        scan(ElementSpacing="1 1 -2"),
        LUNA16,
        unscanned("voxel spacings must be between 0.001 and 1000 mm, got (1.0, 1.0, -2.0)"),
    ),
    "zero spacing": (
        scan(ElementSpacing="1 0 2"),
        LUNA16,
        unscanned("voxel spacings must be between 0.001 and 1000 mm, got (1.0, 0.0, 2.0)"),
    ),
    "spacing that is not a number": (
        scan(ElementSpacing="1 1 nan"),
        LUNA16,
        unscanned("ElementSpacing must be 3 numbers, got 1 1 nan"),
    ),
    "axes that are not perpendicular": (
        scan(TransformMatrix="1 0 0 1 0 0 0 0 1"),
        LUNA16,
        unscanned(
            "the axes of a scan must be perpendicular, got the direction matrix "
            "[[1.0, 1.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 1.0]]; resample the scan to a straight grid, for example "
            "with SimpleITK.Resample"
        ),
    ),
    "a direction beyond all bounds": (
        scan(TransformMatrix="1e300 0 0 0 1 0 0 0 1"),
        LUNA16,
        unscanned(
            "the axes of a scan must be perpendicular, got the direction matrix "
            "[[1e+300, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]; resample the scan to a straight grid, for "
            "example with SimpleITK.Resample"
        ),
    ),
    "voxels beyond all bounds": (
        scan(np.full((12, 24, 24), 1e300).tobytes(), ElementType="MET_DOUBLE"),
        LUNA16,
        unscanned(f"Hounsfield units must be finite, got NaN or infinity. {FILL_WITH_AIR}"),
    ),
    "voxels that are NaN": (
        scan(np.full((12, 24, 24), np.nan, np.float32).tobytes(), ElementType="MET_FLOAT"),
        LUNA16,
        unscanned(f"Hounsfield units must be finite, got NaN or infinity. {FILL_WITH_AIR}"),
    ),
    "a .zraw that is not packed": (
        scan(CompressedData="True"),
        LUNA16,
        unscanned("1.2.3.raw is damaged or not packed with zlib; copy the scan again"),
    ),
    "a .zraw of another size than its header names": (
        scan(PACKED, CompressedData="True", CompressedDataSize="77"),
        LUNA16,
        unscanned(
            f"1.2.3.raw should contain 77 packed bytes (CompressedDataSize), but contains {len(PACKED)}; copy the scan again"
        ),
    ),
    "a .zraw that names an enormous size": (
        scan(PACKED, CompressedData="True", DimSize="99999999 99999999 99999999"),
        LUNA16,
        unscanned(
            "1.2.3.raw should contain 99999999 x 99999999 x 99999999 voxels of 2 bytes "
            f"(1,999,999,940,000,000,599,999,998 bytes), but contains at most {1032 * len(PACKED):,}; copy the scan again"
        ),
    ),
    "a .zraw that is cut off": (
        scan(PACKED[:-500], CompressedData="True"),
        LUNA16,
        unscanned("1.2.3.raw is truncated; copy the scan again"),
    ),
    "a .zraw that explodes": (
        scan(zlib.compress(bytes(1 << 24)), CompressedData="True"),
        LUNA16,
        unscanned(f"{SHOULD_HOLD} more; copy the scan again"),
    ),
    "a folder with a scan's name": (
        both(empty("scans/subset0/1.2.3.mhd"), file(CSV, LIST)),
        LUNA16,
        NO_SCANS,
    ),
    "a scan that lies in two subsets": (
        both(scan(), scan(name="scans/subset7/1.2.3")),
        LUNA16,
        "scans/subset7/1.2.3.mhd: the same scan is also at scans/subset0/1.2.3.mhd. Remove one of them.",
    ),
    # Candidate lists
    "NaN in a list": (
        candidates(f"{COLUMNS}1.2.3,1,2,nan,1\n"),
        LUNA16,
        f'{CSV} line 2: coordZ must be a finite number, got "nan".',
    ),
    "infinity in a list": (
        candidates(f"{COLUMNS}1.2.3,1,2,3,0\n1.2.3,-inf,2,3,1\n"),
        LUNA16,
        f'{CSV} line 3: coordX must be a finite number, got "-inf".',
    ),
    "a word for a number": (
        candidates(f"{COLUMNS}1.2.3,left,2,3,1\n"),
        LUNA16,
        f'{CSV} line 2: coordX must be a finite number, got "left".',
    ),
    "a class that is not known": (
        candidates(f"{COLUMNS}1.2.3,1,2,3,2\n"),
        LUNA16,
        f'{CSV} line 2: class must be 0 or 1 (nodule), got "2".',
    ),
    "a row that is cut off": (candidates(f"{LIST}1.2.3,1"), LUNA16, f"{CSV} line 6: {ROW} 1.2.3, 1."),
    "a quote that is not closed": (
        candidates(COLUMNS + '"1.2.3,1,2,3,0\n' + "1.2.3,1,2,3,0\n" * 50),
        LUNA16,
        f"{CSV} line 2: not a csv table (unexpected end of data). {SAVE_AS_TEXT}",
    ),
    "a quote that swallows a whole list": (
        candidates(COLUMNS + '"1.2.3,1,2,3,0\n' + "1.2.3,1,2,3,0\n" * 20_000),
        LUNA16,
        f"{CSV} line 2: not a csv table (field larger than field limit (131072)). {SAVE_AS_TEXT}",
    ),
    "a missing column": (
        candidates("seriesuid,coordX,coordY,class\n"),
        LUNA16,
        f'{CSV} line 1: the column "coordZ" is missing. {HEAD} seriesuid, coordX, coordY, class.',
    ),
    "a renamed column": (
        candidates("seriesuid,coordx,coordY,coordZ,class\n"),
        LUNA16,
        f'{CSV} line 1: the column "coordX" is missing. Did you mean "coordx"? '
        f"{HEAD} seriesuid, coordx, coordY, coordZ, class.",
    ),
    "a column that occurs twice": (
        candidates("seriesuid,coordX,coordY,coordZ,class,class\n"),
        LUNA16,
        f'{CSV} line 1: the column "class" occurs twice. {HEAD} seriesuid, coordX, coordY, coordZ, class, class.',
    ),
    "a list with semicolons": (
        candidates(LIST.replace(",", ";")),
        LUNA16,
        f'{CSV} line 1: the column "seriesuid" is missing. {HEAD} seriesuid;coordX;coordY;coordZ;class.',
    ),
    "an empty list": (candidates(""), LUNA16, f'{CSV} line 1: the column "seriesuid" is missing. {HEAD} nothing.'),
    "a list of nothing but a header": (
        candidates(COLUMNS),
        LUNA16,
        f"{CSV}: contains no candidates. Copy the file again.",
    ),
    "a list that is a picture": (
        candidates(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"),
        LUNA16,
        f"{CSV} line 1, column 1: not UTF-8 text. {SAVE_AS_TEXT}",
    ),
    "a list in UTF-16": (
        candidates(LIST.encode("utf-16")),
        LUNA16,
        f"{CSV} line 1, column 1: not UTF-8 text. {SAVE_AS_TEXT}",
    ),
    "a list of zero bytes": (
        candidates(COLUMNS + "\0" * 90),
        LUNA16,
        f"{CSV} line 2: not a csv table (a null character). {SAVE_AS_TEXT}",
    ),
    "a candidate outside its scan": (
        candidates(f"{COLUMNS}1.2.3,12,12,12,0\n1.2.3,12,12,-999,1\n"),
        LUNA16,
        OUTSIDE_CANDIDATE.format("12.0, 12.0, -999.0"),
    ),
    "a candidate beyond all bounds": (
        candidates(f"{COLUMNS}1.2.3,12,12,12,0\n1.2.3,1e300,12,12,1\n"),
        LUNA16,
        OUTSIDE_CANDIDATE.format("1e+300, 12.0, 12.0"),
    ),
    "a list about other scans": (
        candidates(f"{COLUMNS}9.8.7,12,12,12,0\n"),
        LUNA16,
        f"{CSV}: none of its candidates (1) is in a scan under scans. The first one is in scan 9.8.7; a scan in the folder is 1.2.3.",
    ),
    "no list": (
        both(scan(), gone(CSV)),
        LUNA16,
        "scans: contains neither candidates.csv nor candidates_V2.csv. LUNA16 publishes both with its scans. "
        "Copy one of them to this folder.",
    ),
    "a list that may not be read": (
        unreadable,
        LUNA16,
        f"{CSV}: cannot be read: Permission denied. Check its permissions.",
    ),
    "a patient who is nobody": (
        both(scan(), file("scans/patients.csv", "seriesuid,patient\n1.2.3,\n")),
        LUNA16,
        'scans/patients.csv line 2: the series "1.2.3" has no patient. Add it or remove the line.',
    ),
    "a patient of a series that is not there": (
        both(scan(), file("scans/patients.csv", "seriesuid,patient\n1.2.4,A\n")),
        LUNA16,
        'scans/patients.csv line 2: the data have no series "1.2.4". The ids of these data look like "1.2.3". '
        "Correct it or remove the line.",
    ),
    # Folders
    "no folder": (
        nothing,
        LUNA16,
        f"scans: there is no such folder. {NEEDS_LUNA16}, or fetch it: archnet data fetch luna16 --root scans.",
    ),
    "no folder in the usual place": (
        nothing,
        "data info mosmed",
        f"{{data}}/mosmed: there is no such folder (no --root was given). mosmed {NEEDS_CLASSES}, or fetch it: "
        "archnet data fetch mosmed.",
    ),
    "no folder of one's own": (nothing, FOLDER, f"scans: there is no such folder. folder {NEEDS_CLASSES}."),
    "a file for a folder": (
        file("scans", "no folder"),
        LUNA16,
        f"scans: this is a file, not a folder. {NEEDS_LUNA16}.",
    ),
    "an empty folder": (
        empty("scans"),
        FOLDER,
        "scans: expected at least two class folders with scans, found none.",
    ),
    "a list without scans": (
        file(CSV, LIST),
        LUNA16,
        NO_SCANS,
    ),
    "a data set that is not known": (
        nothing,
        "data info luna",
        f'--data: unknown data set "luna". Did you mean "luna16"? Known: {", ".join(DATASETS)}.',
    ),
    "one class folder": (
        classes(".nii", nifti(), ["a/1", "a/2"]),
        FOLDER,
        "scans: expected at least two class folders with scans, found only a.",
    ),
    # Options
    "a crop of no voxels": (
        scan(),
        f"{LUNA16} --set data.crop_size=[8,0,4]",
        "command line $.data.crop_size[1]: expected at least 1, got 0.",
    ),
    "a crop of fewer than no voxels": (
        scan(),
        f"{LUNA16} --set data.crop_size=[8,8,-4]",
        "command line $.data.crop_size[2]: expected at least 1, got -4.",
    ),
    "a crop of two axes": (
        scan(),
        f"{LUNA16} --set data.crop_size=[8,8]",
        "command line $.data.crop_size: expected an array of at least 3, got [8, 8].",
    ),
    "a window that is turned round": (
        scan(),
        f"{LUNA16} --set data.window_hu=[400,-1000]",
        "command line $.data.window_hu: expected [low, high] with low below high, got [400, -1000].",
    ),
    # NIfTI
    "a .nii.gz that is cut off": (
        classes(".nii.gz", gzip.compress(nifti(), mtime=0)[:-400]),
        FOLDER,
        unclassed("1.nii.gz is truncated; copy the scan again", ".nii.gz"),
    ),
    "a .nii.gz that is not packed": (
        classes(".nii.gz", nifti()),
        FOLDER,
        unclassed("its name ends in .nii.gz but it is not compressed; rename it to 1.nii", ".nii.gz"),
    ),
    "a .nii that is cut off": (
        classes(".nii", nifti()[:900]),
        FOLDER,
        unclassed(
            "1.nii should contain 12 x 12 x 4 voxels of 2 bytes (1,152 bytes), but contains 548; copy the scan again",
            ".nii",
        ),
    ),
    "a .nii that names an enormous size": (
        classes(".nii", nifti(sizes=(32767, 32767, 32767))),
        FOLDER,
        unclassed(
            "1.nii should contain 32767 x 32767 x 32767 voxels of 2 bytes (70,362,301,923,326 bytes), but contains 1,152; "
            "copy the scan again",
            ".nii",
        ),
    ),
    "a .nii.gz that names an enormous size": (
        classes(".nii.gz", PACKED_NIFTI),
        FOLDER,
        unclassed(
            f"1.nii.gz should contain 32767 x 32767 x 32767 voxels of 2 bytes (70,362,301,923,326 bytes), but contains at "
            f"most {1032 * len(PACKED_NIFTI):,}; copy the scan again",
            ".nii.gz",
        ),
    ),
    "a .nii of negative size": (
        classes(".nii", nifti(sizes=(-5, 12, 4))),
        FOLDER,
        unclassed("expected at least one voxel along each axis, got (-5, 12, 4)", ".nii"),
    ),
    "a .nii whose voxels begin behind its end": (
        classes(".nii", nifti(offset=(1e30,))),
        FOLDER,
        unclassed(
            "1.nii should contain 12 x 12 x 4 voxels of 2 bytes (1,152 bytes), but contains 0; copy the scan again",
            ".nii",
        ),
    ),
    "a .nii that names an unknown type": (
        classes(".nii", nifti(datatype=(999,))),
        FOLDER,
        unclassed("its NIfTI header cannot be parsed (data code 999 not recognized)", ".nii"),
    ),
    "a .nii of four axes": (
        classes(".nii", nifti((6, 6, 4, 3))),
        FOLDER,
        unclassed("expected three axes, got 4: (6, 6, 4, 3)", ".nii"),
    ),
    "a .nii with an affine of zeros": (
        classes(".nii", nifti(affine=[0] * 12)),
        FOLDER,
        unclassed(
            "the affine matrix does not place the voxels in space: "
            "[[0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]]; write the "
            "correct one with nibabel: image.set_sform(affine)",
            ".nii",
        ),
    ),
    "a .nii with a sheared affine": (
        classes(".nii", nifti(affine=[1, 0.75, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0])),
        FOLDER,
        unclassed(
            "its axes are sheared, got the affine matrix "
            "[[-1.0, -0.75, 0.0, 0.0], [0.0, -1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 1.0]]; "
            "straighten it with nibabel: nibabel.processing.resample_to_output(image)",
            ".nii",
        ),
    ),
    # NRRD
    "a .nrrd that is cut off": (
        classes(".nrrd", nrrd()[:-100]),
        FOLDER,
        unclassed(
            "1.nrrd should contain 24 x 24 x 12 voxels of 2 bytes (13,824 bytes), but contains 13,724; copy the scan again",
            ".nrrd",
        ),
    ),
    "a .nrrd that names an enormous size": (
        classes(".nrrd", nrrd(sizes="32767 32767 32767")),
        FOLDER,
        unclassed(
            "1.nrrd should contain 32767 x 32767 x 32767 voxels of 2 bytes (70,362,301,923,326 bytes), but contains 13,824; "
            "copy the scan again",
            ".nrrd",
        ),
    ),
    "a .nrrd of four axes": (
        classes(
            ".nrrd", nrrd(dimension="4", sizes="24 24 12 1", **{"space directions": "none (1,0,0) (0,1,0) (0,0,2)"})
        ),
        FOLDER,
        unclassed("expected three axes, got 4", ".nrrd"),
    ),
    "a .nrrd whose voxels lie in another file": (
        classes(".nrrd", nrrd(**{"data file": "/etc/passwd"})),
        FOLDER,
        unclassed(f"data file = /etc/passwd {OUTSIDE}", ".nrrd"),
    ),
    # DICOM
    "two series in a folder": (
        series({0: {"SeriesInstanceUID": "1.2.9"}, 1: {"SeriesInstanceUID": "1.2.9"}}),
        FOLDER,
        unclassed(
            f'contains 2 series: {UID} (CT, "Thorax 5.0", 4 slices); 1.2.9 (CT, "Thorax 5.0", 2 slices). '
            "Choose one by its uid, number or description with data.series or --series, or move each to its own folder"
        ),
    ),
    "a missing slice": (
        series({number: {"ImagePositionPatient": [0, 0, 5 * number - 95]} for number in (3, 4, 5)}),
        FOLDER,
        unclassed(
            f"series {UID}: slices are missing: 1 between 2.dcm (at -90.00 mm) and 3.dcm (at -80.00 mm); "
            "copy the whole series again"
        ),
    ),
    "a slice that lies there twice": (
        series({5: {"ImagePositionPatient": [-30.5, -40, -80]}}),
        FOLDER,
        unclassed(f"series {UID}: slices have the same position: 4.dcm and 5.dcm (at -80.00 mm); remove one of each"),
    ),
    # Arrays
    "no .npz file": (nothing, NPZ, "a.npz: there is no such file."),
    "an .npz file without a name": (nothing, "data info npz", "--data npz needs its file: --data npz:PATH."),
    "a folder for an .npz file": (empty("a.npz"), NPZ, f"{NO_NPZ} (Is a directory); {AGAIN}"),
    "an .npz file that is a letter": (
        file("a.npz", "Dear all,"),
        NPZ,
        f"{NO_NPZ} (it is truncated, or not a zip archive); {AGAIN}",
    ),
    "an .npz file that is cut off": (
        file("a.npz", bomb(0)[:-30]),
        NPZ,
        f"{NO_NPZ} (it is truncated, or not a zip archive); {AGAIN}",
    ),
    "an .npz file that is a pickle": (
        file("a.npz", pickle.dumps({"x": 1})),
        NPZ,
        f"{NO_NPZ} (it is truncated, or not a zip archive); {AGAIN}",
    ),
    "pickled objects in an .npz file": (
        arrays(x=X, y=np.array([{"class": 1}] * 20, object)),
        NPZ,
        "a.npz: y contains Python objects, which are never loaded; save text: y=y.astype(str).",
    ),
    "pickled shares in an .npz file": (
        arrays(x=X, soft=np.full((20, 2), 0.5, object)),
        NPZ,
        "a.npz: soft contains Python objects, which are never loaded; save numbers: soft=soft.astype(float).",
    ),
    "pickled weights in an .npz file": (
        arrays(x=X, y=Y, weight=np.ones(20, object)),
        NPZ,
        "a.npz: weight contains Python objects, which are never loaded; save numbers: weight=weight.astype(float).",
    ),
    "an .npz file that holds text": (
        members(x=b"Dear all,", y=npy(Y)),
        NPZ,
        f"{NO_NPZ} (x is not a NumPy array); {AGAIN}",
    ),
    "an array that is no .npz file": (
        file("a.npz", npy(X)),
        NPZ,
        "a.npz: this file contains a single array; expected an .npz file with the arrays x and y.",
    ),
    "arrays of other names": (arrays(images=X, labels=Y), NPZ, f"{KEYS} images, labels."),
    "no labels": (arrays(x=X), NPZ, f"{KEYS} x."),
    "no arrays": (arrays(), NPZ, f"{KEYS} nothing."),
    "an array that names an enormous size": (
        members(x=npy(X, shape=(10**12, 8, 8)), y=npy(Y)),
        NPZ,
        f"{NO_NPZ} (the header of x gives (1000000000000, 8, 8) of uint8, but it holds 1,280 bytes); {AGAIN}",
    ),
    "an array of negative size": (
        members(x=npy(X, shape=(-20, 8, -8)), y=npy(Y)),
        NPZ,
        f"{NO_NPZ} (the header of x gives (-20, 8, -8) of uint8, but it holds 1,280 bytes); {AGAIN}",
    ),
    "an array that names another type": (
        members(x=npy(X, descr="<f8"), y=npy(Y)),
        NPZ,
        f"{NO_NPZ} (the header of x gives (20, 8, 8) of float64, but it holds 1,280 bytes); {AGAIN}",
    ),
    "an array that explodes": (
        file("a.npz", bomb(2_000_000_000)),
        NPZ,
        f"{NO_NPZ} (it would unpack from 610 bytes to 2.0 GB, more than 100 times its size); {AGAIN}",
    ),
    "labels that are fractions": (
        arrays(x=X, y=Y / 2),
        NPZ,
        "a.npz: y is not a whole number (such as 0.5) in 10 rows (1, 3, 5, ...; counted from 0); give one number or "
        "name "
        "for each class.",
    ),
    "labels that are missing": (
        arrays(x=X, y=np.where(np.arange(20) == 3, np.nan, Y)),
        NPZ,
        "a.npz: y is NaN in 1 row (3; counted from 0); label these cases or leave them out.",
    ),
    "class names that are equal": (
        arrays(x=X, y=Y, classes=["nodule", "Nodule"]),
        NPZ,
        'a.npz: classes contains "nodule" and "Nodule"; give each class a different name.',
    ),
    "labels that are all the same": (
        arrays(x=X, y=Y * 0),
        NPZ,
        "a.npz: all labels in y are 0; classification needs at least two classes.",
    ),
    "labels of two axes": (
        arrays(x=X, y=np.stack([Y, Y], 1)),
        NPZ,
        "a.npz: y is (20, 2), but does not contain exactly one 1 among zeros in 20 rows (0, 1, 2, ...; counted from 0); "
        "give one label "
        "for each case, or save shares of the classes as soft.",
    ),
    "more images than labels": (
        arrays(x=X, y=Y[1:]),
        NPZ,
        "a.npz: x has 20 cases, y has 19; give one entry for each case.",
    ),
    "images that are NaN": (
        arrays(x=X * np.nan, y=Y),
        NPZ,
        "a.npz: x contains NaN or infinity in 20 cases (0, 1, 2, ...; counted from 0); replace these values with air "
        "(numpy.nan_to_num), or omit the cases.",
    ),
    "images of five axes": (
        arrays(x=X.reshape(20, 2, 2, 4, 4), y=Y),
        NPZ,
        "a.npz: x must be (N, height, width) or (N, height, width, depth), got (20, 2, 2, 4, 4); if its last axis contains "
        "channels, set data.channels=4.",
    ),
    "images in colour": (
        arrays(train_images=np.zeros((20, 8, 8, 3), np.uint8), train_labels=Y),
        NPZ,
        "a.npz: train_images is (20, 8, 8, 3), colour images; set data.channels=3, or convert them to grey: "
        "train_images=train_images[..., :3].mean(axis=-1).astype(train_images.dtype). Volumes of 3 slices need a channel axis: "
        "train_images=train_images[..., None].",
    ),
    "channels that are not there": (
        arrays(x=X, y=Y),
        f"{NPZ} --set data.channels=2",
        f"a.npz: data.channels is 2, so x must be (N, height, width, 2) or (N, height, width, depth, 2), got {X.shape}; "
        "remove data.channels if x has no channel axis.",
    ),
    "fewer groups than images": (
        arrays(x=X, y=Y, group=Y[1:]),
        NPZ,
        "a.npz: x has 20 cases, group has 19; give one entry for each case.",
    ),
    "groups that are no text": (
        arrays(x=X, y=Y, group=[b"\xff"] * 20),
        NPZ,
        "a.npz: group must contain numbers or text, got bytes that are not UTF-8.",
    ),
    "sets of other names": (
        arrays(x=X, y=Y, split=["train", "holdout"] * 10),
        NPZ,
        'a.npz: split must name "train", "validation" or "test", got "holdout"; rename its sets (numbers of sets: '
        'np.array(["train", "validation", "test"])[split]).',
    ),
    "sets that are not there": (
        arrays(x=X, y=Y),
        f"{NPZ} --set split.by=own",
        'split.by "own": the data have no sets of their own. Use "group".',
    ),
    "one set's labels among another's": (
        arrays(train_images=X[:9], train_labels=Y[:10], val_images=X[9:], val_labels=Y[10:]),
        NPZ,
        "a.npz: train_images is (9, 8, 8), train_labels (10,); give one label for each image.",
    ),
    "sets of different shape": (
        arrays(train_images=X[:9], train_labels=Y[:9], val_images=X[9:, 1:], val_labels=Y[9:]),
        NPZ,
        "a.npz: the cases of train and val differ in shape; all sets need the same shape.",
    ),
    # Archives
    "an archive that escapes": (
        published(zip_bytes([(zip_entry("CT-0/../../../.bashrc"), b"")])),
        FETCH,
        f'{ARCHIVE}: the entry "CT-0/../../../.bashrc" points outside its folder. {OTHER_ARCHIVE}',
    ),
    "an archive with a link": (
        published(zip_bytes([(zip_entry("CT-0/a.nii", stat.S_IFLNK | 0o777), b"/etc/passwd")])),
        FETCH,
        f'{ARCHIVE}: the entry "CT-0/a.nii" is a link, not a file. {OTHER_ARCHIVE}',
    ),
    "an archive that explodes": (
        published(ZEROS),
        FETCH,
        f"{ARCHIVE}: it would unpack from {len(ZEROS):,} to 4,194,304 bytes, more than 100 times its size. {OTHER_ARCHIVE}",
    ),
    "an archive that is a web page": (
        published(b"<html>"),
        FETCH,
        f"{ARCHIVE}: the zip archive is damaged (it is truncated, or not a zip archive). Fetch it again.",
    ),
}


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder for the command to work in, beside folders for data sets, crops and traces of bugs."""
    for name in ("work", "data", "store", "state"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "work")
    for variable, name in {"ARCHNET_DATA": "data", "ARCHNET_STORE": "store", "XDG_STATE_HOME": "state"}.items():
        monkeypatch.setenv(variable, str(tmp_path / name))
    return tmp_path


@pytest.fixture
def server(place, monkeypatch):
    """A server on this machine, which `data fetch` asks."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    server = Server()
    monkeypatch.setattr(catalogue, "fetch", functools.partial(catalogue.fetch, servers=server.servers()))
    yield server
    server.close()


def answered(command, monkeypatch, capsys):
    """The exit code of a command, what it printed, and what it said."""
    monkeypatch.setattr(sys, "argv", ["archnet", *shlex.split(command)])
    try:
        cli.main()
        code = 0
    except SystemExit as stopped:
        code = stopped.code
    said = capsys.readouterr()
    return code, said.out, said.err.strip("\n")


def content(folder):
    """Everything in a folder."""
    paths = [path for path in folder.rglob("*") if path.name != ".unfinished"]
    return {path: path.readlink() if path.is_symlink() else _bytes(path) for path in paths}


def _bytes(path):
    return path.read_bytes() if path.is_file() and os.access(path, os.R_OK) else None


@pytest.mark.slow
@pytest.mark.parametrize(("lay_out", "command", "message"), BAD.values(), ids=BAD)
def test_bad_input_is_reported_in_one_message_and_changes_no_file(
    place, server, monkeypatch, capsys, lay_out, command, message
):
    lay_out(place / "work")
    server.files = {f"/v0.2/{path.name}": path.read_bytes() for path in place.glob("work/server/*")}
    before = content(place)
    code, out, err = answered(command, monkeypatch, capsys)
    # Scans are read side by side: any of the four in class folders may be told.
    err = re.sub(r"\b2(?=\.n)", "1", re.sub(r"\bscans/[ab]/[12]\b", "scans/a/1", err))
    assert err == message.replace("{here}", str(place / "work")).replace("{data}", str(place / "data"))
    assert (code, out) == (2, "")
    assert content(place) == before


def test_there_are_at_least_forty_kinds():
    assert len(BAD) >= 40


@pytest.mark.parametrize(
    "text",
    ["\ufeff" + LIST, LIST.replace("\n", "\r\n"), LIST + "\n\n", LIST.rstrip("\n"), LIST.replace(",", " , ")],
    ids=["a byte order mark", "Windows line ends", "empty lines", "no last line end", "spaces"],
)
def test_lists_as_programs_write_them_are_good_input(place, monkeypatch, capsys, text):
    candidates(text)(place / "work")
    code, out, err = answered(LUNA16, monkeypatch, capsys)
    assert (code, out, err) == (0, "4 crops of 8x8x4, 0.0 MB\n", "")
