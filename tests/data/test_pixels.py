"""Stored numbers become floats in [0, 1], the same way for the data set and for what follows it."""

import json

import numpy as np
import pytest

from headstart.codec import from_json, to_json
from headstart.data.pixels import Pixels
from headstart.errors import UserError

RNG = np.random.default_rng(0)


def test_8_bits_are_divided_by_255_and_nothing_else():
    images = RNG.integers(0, 256, (5, 12, 12, 3), np.uint8)
    scaled = Pixels.fit(images)(images)
    assert scaled.dtype == np.float32
    np.testing.assert_allclose(scaled, images.transpose(0, 3, 1, 2) / 255, atol=1e-6)


def test_16_bits_are_scaled_a_channel_at_a_time_to_their_percentiles():
    images = np.stack([RNG.normal(1000, 50, (8, 16, 16)), RNG.normal(40_000, 900, (8, 16, 16))], -1).astype(np.uint16)
    pixels = Pixels.fit(images)
    np.testing.assert_allclose(pixels.low, np.percentile(images.reshape(-1, 2), 0.1, axis=0))
    np.testing.assert_allclose(pixels.high, np.percentile(images.reshape(-1, 2), 99.9, axis=0))
    scaled = pixels(images)
    assert (scaled.min(), scaled.max()) == (0, 1)
    assert abs(scaled.mean(axis=(0, 2, 3)) - 0.5).max() < 0.1


def test_8_bits_of_which_few_are_used_are_stretched():
    images = RNG.integers(0, 2, (3, 8, 8, 1), np.uint8)
    np.testing.assert_array_equal(Pixels.fit(images)(images)[:, 0], images[..., 0])


def test_one_hot_pixel_does_not_darken_the_rest():
    images = RNG.normal(100, 10, (10, 20, 20, 1)).astype(np.float32)
    images[0, 0, 0] = 1e6
    assert Pixels.fit(images)(images).mean() > 0.3


def test_floats_within_zero_and_one_stay():
    images = RNG.uniform(0.2, 0.6, (3, 8, 8, 1)).astype(np.float32)
    np.testing.assert_array_equal(Pixels.fit(images)(images)[:, 0], images[..., 0])


def test_a_constant_channel_gives_no_nan():
    images = np.full((3, 8, 8, 1), 500, np.uint16)
    for per_image in (False, True):
        assert (Pixels.fit(images, per_image=per_image)(images) == 0).all()


def test_scaling_per_image_forgets_gain_and_offset_of_each_image():
    images = RNG.uniform(0, 1, (4, 16, 16, 2)).astype(np.float32)
    gain = np.array([1, 3, 10, 0.5], np.float32)[:, None, None, None]
    pixels = Pixels.fit(images, per_image=True)
    np.testing.assert_allclose(pixels(images), pixels(images * gain + 7), atol=1e-4)


@pytest.mark.parametrize(("h", "w", "side"), [(8, 8, 8), (40, 28, 40), (64, 64, 64), (200, 100, 64)])
def test_the_default_size_is_the_longer_side_and_at_most_64(h, w, side):
    assert Pixels.fit(np.zeros((2, h, w, 1), np.uint8)).size == (side, side)


def test_an_explicit_size_may_enlarge():
    images = RNG.integers(0, 256, (2, 8, 8, 1), np.uint8)
    assert Pixels.fit(images, image_size=32)(images).shape == (2, 1, 32, 32)


def test_later_images_may_have_another_size():
    pixels = Pixels.fit(np.zeros((2, 16, 16, 3), np.uint8))
    assert pixels(np.zeros((5, 40, 20, 3), np.uint8)).shape == (5, 3, 16, 16)


def test_an_image_does_not_depend_on_its_companions():
    images = RNG.integers(0, 60_000, (7, 20, 30, 2), np.uint16)
    pixels = Pixels.fit(images, image_size=16)
    whole = pixels(images)
    np.testing.assert_allclose(np.concatenate([pixels(image[None]) for image in images]), whole, atol=1e-6)


def test_the_range_is_that_of_all_images_however_they_are_read(monkeypatch):
    images = RNG.integers(0, 30, (50, 8, 8, 1), np.uint8)
    images[41, 3, 3] = 200
    monkeypatch.setattr("headstart.data.inputs._CHUNK_BYTES", 300)
    assert Pixels.fit(images).high == (255.0,)
    assert Pixels.fit(images[:41]).high < (31.0,)


def test_a_batch_is_prepared_as_the_whole_set_is():
    images = RNG.integers(0, 60_000, (7, 16, 16, 2), np.uint16)
    for per_image in (False, True):
        pixels = Pixels.fit(images, per_image=per_image)
        np.testing.assert_array_equal(pixels.prepare(images[2:5]).numpy(), pixels(images)[2:5])


@pytest.mark.parametrize("shape", [(2, 8, 8, 3), (8, 8), (2, 8, 8)])
def test_another_number_of_channels_is_refused(shape):
    pixels = Pixels.fit(np.zeros((2, 8, 8, 1), np.uint8))
    with pytest.raises(UserError, match=r"the encoder takes 1|\(n, h, w, 1\)"):
        pixels(np.zeros(shape, np.uint8))


def test_another_number_type_is_refused_unless_each_image_is_scaled_by_itself():
    images = np.zeros((2, 8, 8, 1), np.uint8)
    with pytest.raises(UserError, match="uint16 images came where uint8 ones are wanted, from 0 to 255"):
        Pixels.fit(images)(images.astype(np.uint16))
    assert Pixels.fit(images, per_image=True)(images.astype(np.uint16)).shape == (2, 1, 8, 8)


@pytest.mark.parametrize("per_image", [False, True])
def test_a_card_brings_back_the_same_rule(per_image):
    images = RNG.integers(0, 60_000, (3, 9, 7, 2), np.uint16)
    pixels = Pixels.fit(images, per_image=per_image)
    again = from_json(Pixels, json.loads(json.dumps(to_json(pixels))))
    assert again == pixels
    np.testing.assert_array_equal(again(images), pixels(images))
