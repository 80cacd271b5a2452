"""What SimpleITK reads from a scan file, against which the readers are tested."""

import numpy as np
import SimpleITK

from archnet.imaging import Volume, orient_to_lps, read_frame, read_volume


def read_with_simpleitk(path):
    """The scan with its axes in LPS order."""
    image = SimpleITK.ReadImage(str(path))
    return orient_to_lps(
        Volume(
            hu=SimpleITK.GetArrayFromImage(image),
            spacing_mm=image.GetSpacing(),
            origin_mm=image.GetOrigin(),
            direction=np.array(image.GetDirection()).reshape(3, 3),
        )
    )


def assert_reads_as(path, theirs):
    """The volume and the frame of a scan are those that SimpleITK reads."""
    ours, frame = read_volume(path), read_frame(path)
    np.testing.assert_array_equal(ours.hu, theirs.hu)
    np.testing.assert_allclose(ours.direction, theirs.direction, atol=1e-12)
    assert (ours.spacing_mm, ours.origin_mm) == (theirs.spacing_mm, theirs.origin_mm)
    assert (frame.hu.shape, frame.spacing_mm, frame.origin_mm) == (ours.hu.shape, ours.spacing_mm, ours.origin_mm)
