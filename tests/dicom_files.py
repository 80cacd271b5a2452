"""DICOM series written for tests."""

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    CTImageStorage,
    ExplicitVRLittleEndian,
    MediaStorageDirectoryStorage,
    generate_uid,
)

UID = "1.2.826.0.1.3680043.8.498.1"


OTHER_UID = "1.2.826.0.1.3680043.8.498.2"


def slice_header(stored, **changes):
    header = Dataset()
    header.file_meta = FileMetaDataset()
    header.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    header.SOPClassUID = CTImageStorage
    header.SOPInstanceUID = generate_uid()
    header.Modality = "CT"
    header.StudyInstanceUID = "1.2.826.0.1.3680043.8.498"
    header.SeriesInstanceUID = UID
    header.SeriesDescription = "Thorax 5.0"
    header.Rows, header.Columns = stored.shape
    header.SamplesPerPixel = 1
    header.PhotometricInterpretation = "MONOCHROME2"
    header.BitsAllocated, header.BitsStored, header.HighBit = 16, 16, 15
    header.PixelRepresentation = int(stored.dtype == np.int16)
    header.PixelSpacing = [0.71, 0.7]
    header.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    header.RescaleSlope, header.RescaleIntercept = "1", "-1024"
    header.PixelData = stored.tobytes()
    for key, value in changes.items():
        if value is None:
            header.pop(key, None)
        else:
            setattr(header, key, value)
    return header


def save_slice(path, header, syntax=ExplicitVRLittleEndian):
    header.file_meta.TransferSyntaxUID = syntax
    header.save_as(path, enforce_file_format=True)


def slice_of(number, **changes):
    """One of the slices that `write_series` writes, 5 mm apart from -100 mm on."""
    stored = np.random.default_rng(number).integers(0, 4000, (8, 10)).astype(np.uint16)
    return slice_header(stored, **{"ImagePositionPatient": [-30.5, -40.0, -100.0 + 5 * number], **changes})


def write_series(folder, num_slices=6, changes=None, **everywhere):
    """A small series: slice k is `k.dcm`, with `changes[k]` in its header."""
    folder.mkdir(exist_ok=True)
    for number in range(num_slices):
        save_slice(folder / f"{number}.dcm", slice_of(number, **everywhere, **(changes or {}).get(number, {})))


def companion(**changes):
    """A DICOM object without pixels, as it lies beside a series: a report, a presentation state, contours."""
    absent = dict.fromkeys(("PixelData", "Rows", "Columns", "ImagePositionPatient", "ImageOrientationPatient"))
    return slice_of(0, **{**absent, "SeriesDescription": "Companion", **changes})


def write_bare(path, header, *, front=b"", has_meta=False, syntax=ExplicitVRLittleEndian):
    """A slice without preamble and DICM prefix: the data set alone, or the file meta information before it."""
    save_slice(path, header, syntax)
    content = path.read_bytes()
    length = int.from_bytes(content[140:144], "little")
    path.write_bytes(front + content[132 if has_meta else 144 + length :])


def write_dicomdir(path):
    directory = Dataset()
    directory.file_meta = FileMetaDataset()
    directory.file_meta.MediaStorageSOPClassUID = MediaStorageDirectoryStorage
    directory.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    directory.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    directory.save_as(path, enforce_file_format=True)
