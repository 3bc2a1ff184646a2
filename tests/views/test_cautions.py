"""A warning where views erase what the classes differ in, and silence where they do not."""

import numpy as np
import pytest

from headstart.data.dataset import Dataset
from headstart.data.standard import digits
from headstart.views.presets import PRESETS, cautions
from headstart.views.views import Views

N = 60
GRID_Y, GRID_X = np.mgrid[-7.5:8, -7.5:8]


@pytest.fixture(autouse=True)
def _seed():
    """Every test draws the same images, whichever tests run before it."""
    global RNG
    RNG = np.random.default_rng(0)


def two_classes(first: np.ndarray, second: np.ndarray) -> Dataset:
    """Images in [0, 1], (n, 16, 16) or (n, 16, 16, c), of two classes called a and b."""
    images = np.concatenate([first, second])
    images = images if images.ndim == 4 else images[..., None]
    labels = np.repeat([0, 1], [len(first), len(second)])
    ids = tuple(map(str, range(len(images))))
    return Dataset((images * 255).astype(np.uint8), labels, ids, ("a", "b"), "constructed")


def discs(radius: float, height: float = 0.6) -> np.ndarray:
    jitter = RNG.uniform(-0.5, 0.5, (N, 2, 1, 1))
    edge = radius - np.hypot(GRID_X - jitter[:, 0], GRID_Y - jitter[:, 1])
    return 0.1 + height * np.clip(edge + 0.5, 0, 1) + RNG.normal(0, 0.01, (N, 16, 16))


def textures(level: float) -> np.ndarray:
    return np.clip(level + RNG.normal(0, 0.08, (N, 16, 16)), 0, 1)


def corner(flip: int = 1, turn: int = 0) -> np.ndarray:
    shape = np.zeros((N, 16, 16))
    shape[:, 3:13, 4:6] = shape[:, 11:13, 4:12] = 0.8  # an L
    return np.rot90(shape[:, :, ::flip], turn, axes=(1, 2)) + RNG.uniform(0, 0.05, (N, 16, 16))


def test_two_classes_that_differ_in_brightness_only():
    data = two_classes(textures(0.45), textures(0.5))
    (sentence,) = cautions(Views(brightness=(0.6, 1.4)), data)
    assert sentence.startswith("mean brightness tells 'a' from 'b'")
    assert "brightness 0.6 to 1.4" in sentence
    assert cautions(Views(brightness=(0.99, 1.01)), data) == []
    assert cautions(Views(rotation=(-180.0, 180.0), hue=(-0.5, 0.5)), data) == []


def test_two_classes_that_differ_in_hue_only():
    grey = RNG.uniform(0.3, 0.6, (N, 16, 16, 1))
    red, green = grey + np.array([0.2, -0.1, -0.1]), grey + np.array([-0.1, 0.2, -0.1])
    data = two_classes(red, green)
    for views in (Views(hue=(-0.5, 0.5)), Views(grey=1.0)):
        (sentence,) = cautions(views, data)
        assert sentence.startswith("mean colour tells 'a' from 'b'")
    assert cautions(Views(hue=(-0.02, 0.02), brightness=(0.6, 1.4)), data) == []


def test_two_classes_that_differ_in_size_only():
    data = two_classes(discs(4.0), discs(4.5))
    (sentence,) = cautions(Views(scale=(0.6, 1.6)), data)
    assert sentence.startswith("size tells 'a' from 'b'")
    assert "scale 0.6 to 1.6" in sentence
    assert cautions(Views(scale=(0.98, 1.02)), data) == []


def test_two_classes_that_differ_in_their_place_only():
    data = two_classes(np.roll(discs(3.0), -1, axis=2), np.roll(discs(3.0), 1, axis=2))
    found = cautions(Views(translation=(-0.4, 0.4)), data)
    assert any(sentence.startswith("place in the image") for sentence in found)


def test_two_classes_that_differ_in_detail_only():
    rough = np.clip(0.5 + RNG.normal(0, 0.05, (N, 16, 16)), 0, 1)
    smooth = np.clip(0.5 + (rough - 0.5 + np.roll(rough, 1, 1) - 0.5) / 1.4, 0, 1)
    found = cautions(Views(noise=(0.0, 0.4)), two_classes(rough, smooth))
    assert any(sentence.startswith("fine detail") for sentence in found)


def test_classes_that_are_each_other_turned_like_six_and_nine():
    data = two_classes(corner(), corner(turn=2))
    (sentence,) = cautions(Views(rotation=(-180.0, 180.0)), data)
    assert sentence.startswith("turned or mirrored, 'a' looks like 'b'")
    assert "rotation -180 to 180" in sentence
    assert cautions(Views(rotation=(-15.0, 15.0)), data) == []
    assert cautions(Views(brightness=(0.5, 1.5)), data) == []


def test_classes_that_are_each_other_mirrored_like_left_and_right_hands():
    data = two_classes(corner(), corner(flip=-1))
    assert any(s.startswith("turned or mirrored") for s in cautions(Views(flip_horizontal=0.5), data))
    assert not any(s.startswith("turned or mirrored") for s in cautions(Views(rotation=(-20.0, 20.0)), data))


def test_six_and_nine_of_real_digits_are_warned_of_under_rotation_only():
    data = digits()
    chosen = np.isin(data.labels, (6, 9))
    few = Dataset(
        data.images[chosen],
        (data.labels[chosen] == 9).astype(np.int64),
        tuple(map(str, range(chosen.sum()))),
        ("6", "9"),
        "digits",
    )
    assert any("'6' looks like '9'" in sentence for sentence in cautions(Views(rotation=(-180.0, 180.0)), few))
    assert cautions(PRESETS["digits"], few) == []


def test_digits_in_their_own_views_need_no_warning():
    assert cautions(PRESETS["digits"], digits()) == []


def test_classes_that_shape_tells_apart_need_no_warning_for_brightness():
    data = two_classes(corner() * 0.6, discs(5.0))
    assert cautions(Views(brightness=(0.4, 1.6)), data) == []


@pytest.mark.parametrize("labels", [[-1] * 40, [0] * 40, [0] * 36 + [1] * 4])
def test_without_two_classes_of_enough_images_nothing_is_said(labels):
    data = Dataset(
        (RNG.random((40, 16, 16, 1)) * 255).astype(np.uint8),
        np.array(labels),
        tuple(map(str, range(40))),
        ("a", "b"),
        "constructed",
    )
    assert cautions(PRESETS["microscopy"], data) == []
