"""What counts as images, and what is refused in one line."""

import numpy as np
import pytest

from headstart.data.images import as_images, join
from headstart.errors import UserError


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (np.uint8, np.uint8), (np.uint16, np.uint16), (np.float32, np.float32), (np.float64, np.float32),
        (np.float16, np.float32), (np.int64, np.uint16), (np.int32, np.uint16), (">u2", np.uint16), (">f4", np.float32),
    ],
)  # fmt: skip
def test_values_survive_whatever_their_type(given, kept):
    values = np.arange(48).reshape(3, 4, 4).astype(given)
    images = as_images(values)
    assert images.dtype == kept
    assert images.dtype.isnative
    np.testing.assert_array_equal(images[..., 0], values)


def test_integers_beyond_16_bits_and_negative_ones_become_floats():
    assert as_images(np.full((1, 2, 2), 70_000)).dtype == np.float32
    assert as_images(np.full((1, 2, 2), -3, np.int8)).min() == -3


def test_true_and_false_become_white_and_black():
    assert set(as_images(np.eye(4, dtype=bool)[None]).ravel()) == {0, 255}


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 7, 30])
def test_any_number_of_channels_is_accepted(channels):
    assert as_images(np.zeros((2, 8, 8, channels), np.uint8)).shape == (2, 8, 8, channels)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (np.zeros((20, 64)), "vectors"),
        (np.zeros(5), "shape"),
        (np.zeros((1, 1, 1, 1, 1)), "shape"),
        (np.zeros((0, 8, 8)), "empty"),
        (np.zeros((3, 0, 8)), "empty"),
        (np.zeros((5, 3, 32, 32)), "channels first"),
        (np.array([["a"]]), "not numbers"),
        (np.zeros((2, 2, 2), complex), "not numbers"),
    ],
)
def test_what_is_no_image_is_refused_in_one_line(given, words):
    with pytest.raises(UserError, match=words) as refusal:
        as_images(given)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e300])
def test_an_image_with_a_pixel_that_is_no_number_is_named(bad):
    values = np.zeros((5, 4, 4))
    values[3, 1, 2] = bad
    with pytest.raises(UserError, match="labelled/3 holds NaN"):
        as_images(values, "labelled")


def test_a_memory_map_stays_one(tmp_path):
    mapped = np.lib.format.open_memmap(tmp_path / "x.npy", "w+", np.uint8, (3, 4, 4, 1))
    assert as_images(mapped) is mapped


def test_grey_among_colour_is_repeated_and_noted():
    inputs, notes = join([np.full((2, 4, 4, 1), 7, np.uint8), np.zeros((1, 4, 4, 3), np.uint8)])
    assert inputs.read(np.array([0]))[0, 0, 0].tolist() == [7, 7, 7]
    assert notes == ["2 grey images among images of 3 channels were repeated in every channel"]


def test_8_bits_among_16_keep_their_brightness():
    inputs, notes = join([np.full((1, 4, 4, 1), 255, np.uint8), np.full((1, 4, 4, 1), 65535, np.uint16)])
    assert (inputs.read(slice(None)) == 65535).all()
    assert "257" in notes[0]


def test_floats_among_integers_and_two_kinds_of_colour_are_refused():
    with pytest.raises(UserError, match="scales differ"):
        join([np.zeros((1, 4, 4, 1), np.uint8), np.zeros((1, 4, 4, 1), np.float32)])
    with pytest.raises(UserError, match=r"3 .* and 5 .* channels"):
        join([np.zeros((1, 4, 4, 3), np.uint8), np.zeros((1, 4, 4, 5), np.uint8)])


def test_mixed_sizes_are_fitted_and_noted():
    images, notes = join([np.zeros((2, 8, 8, 1), np.uint8), np.zeros((1, 4, 12, 1), np.uint8)])
    assert images.read(slice(None)).shape == (3, 8, 8, 1)
    assert notes[0].startswith("images of 12×4 to 8×8 pixels are fitted into 8×8")
