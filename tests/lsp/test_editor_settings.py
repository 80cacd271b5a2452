"""Settings of editors: read exactly, or reported with the name, the value and what is expected."""

import pytest

from archnet.lsp.editor_settings import EditorSettings, read_settings


def test_all_settings_are_read():
    settings, problems = read_settings(
        {
            "batchSize": 16,
            "memoryBudget": "2GiB",
            "spacingMm": [0.7, 0.7, 1.25],
            "inputShape": [48, 48, 16],
            "numClasses": 3,
        }
    )
    assert problems == []
    assert settings == EditorSettings(
        batch_size=16, budget_bytes=2**31, spacing_mm=(0.7, 0.7, 1.25), input_shape=(48, 48, 16), num_classes=3
    )
    assert (settings.input_of_rank(2), settings.input_of_rank(3)) == ((48, 48), (48, 48, 16))


def test_settings_that_are_null_or_empty_and_those_of_the_editor_alone_change_nothing():
    nothing = {"batchSize": None, "memoryBudget": "", "spacingMm": [], "path": "archnet", "trace": {"server": "off"}}
    assert read_settings(nothing) == (EditorSettings(), [])
    assert read_settings(None) == (EditorSettings(), [])


def test_a_plane_is_no_input_for_a_3d_network():
    settings, _ = read_settings({"inputShape": [32, 32]})
    assert (settings.input_of_rank(2), settings.input_of_rank(3)) == ((32, 32), None)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"batchSize": 0}, 'archnet setting "batchSize": expected a whole number from 1 to 65,536. Got 0.'),
        ({"batchSize": True}, 'archnet setting "batchSize": expected a whole number from 1 to 65,536. Got true.'),
        ({"numClasses": 1}, 'archnet setting "numClasses": expected a whole number from 2 to 65,536. Got 1.'),
        (
            {"memoryBudget": "much"},
            'archnet setting "memoryBudget": "much" is not a memory size. Use "4GB", "512MB", "2GiB" or a number of '
            'bytes. Got "much".',
        ),
        (
            {"memoryBudget": 1.5},
            'archnet setting "memoryBudget": expected a memory size, such as "8GB". Got 1.5.',
        ),
        (
            {"spacingMm": [0.7, -1, 1]},
            'archnet setting "spacingMm": expected millimetres along height, width and depth, such as '
            "[0.7, 0.7, 1.25]. Got [0.7, -1, 1].",
        ),
        (
            {"inputShape": "64x64"},
            'archnet setting "inputShape": expected voxels along height, width and depth, such as [64, 64, 10]. '
            'Got "64x64".',
        ),
        ({"batchsize": 8}, 'archnet setting "batchsize": unknown setting. Did you mean "batchSize"?'),
        ([64], "archnet settings: expected an object, got [64]."),
    ],
)
def test_an_invalid_setting_is_reported_and_keeps_its_default(given, message):
    assert read_settings(given) == (EditorSettings(), [message])


@pytest.mark.parametrize(
    ("name", "accepted", "refused"),
    [
        ("batchSize", [1, 65_536], [0, 65_537, 1.0, "1"]),
        ("numClasses", [3, 65_536], [1, 65_537, True]),
        ("inputShape", [[1, 1], [65_536, 1, 1]], [[65_537, 1], [0, 1], [1], [1, 1, 1, 1], [1, 1.0], [True, 1]]),
        ("spacingMm", [[0.1, 999], [0.1, 0.1, 0.1]], [[0, 1], [1000, 1], [1], [1, 1, 1, 1], [True, 1], ["1", 1]]),
        ("memoryBudget", [1, "1MB"], [True, [1]]),
    ],
)
def test_the_limits_of_each_setting(name, accepted, refused):
    for value in accepted:
        settings, problems = read_settings({name: value})
        assert problems == []
        assert settings != EditorSettings()
    for value in refused:
        settings, (problem,) = read_settings({name: value})
        assert settings == EditorSettings()
        assert problem.startswith(f'archnet setting "{name}": expected ')


def test_the_default_settings():
    assert read_settings({"numClasses": 2, "batchSize": 64}) == (EditorSettings(), [])
    settings = EditorSettings()
    assert (settings.batch_size, settings.num_classes) == (64, 2)
    assert (settings.budget_bytes, settings.spacing_mm, settings.input_shape) == (None, None, None)
    assert settings.input_of_rank(2) is None


def test_one_invalid_setting_does_not_affect_the_others():
    settings, problems = read_settings({"batchSize": 8, "numClasses": "two"})
    assert (settings.batch_size, len(problems)) == (8, 1)
