"""Fitting images into a frame: nothing is lost, nothing is stretched."""

import numpy as np
import pytest
from PIL import Image

from headstart.data.fit import fit, frame, weights


def some(n, h, w, c, seed=0, dtype=np.uint8):
    return np.random.default_rng(seed).integers(0, 256, (n, h, w, c)).astype(dtype)


@pytest.mark.parametrize(("n_in", "n_out"), [(7, 3), (64, 10), (3, 7), (5, 5), (9, 1), (1, 4)])
def test_every_new_pixel_is_a_mean_of_old_ones(n_in, n_out):
    matrix = weights(n_in, n_out)
    assert matrix.min() >= 0
    np.testing.assert_allclose(matrix.sum(axis=1), 1, atol=1e-6)


def test_shrinking_by_a_whole_number_is_the_block_mean():
    images = some(2, 12, 12, 3, dtype=np.float32)
    blocks = images.reshape(2, 4, 3, 4, 3, 3).mean(axis=(2, 4))
    np.testing.assert_allclose(fit(images, (4, 4)), blocks, rtol=1e-5)


@pytest.mark.parametrize(("n_in", "n_out"), [(7, 3), (31, 14), (8, 7)])
def test_shrinking_by_a_fraction_is_the_mean_of_the_area_that_is_covered(n_in, n_out):
    line = np.random.default_rng(0).normal(size=n_in)
    finely = np.repeat(line, n_out).reshape(n_out, n_in).mean(axis=1)
    np.testing.assert_allclose(weights(n_in, n_out) @ line, finely, atol=1e-6)


def test_enlarging_agrees_with_pillows_bilinear_filter():
    image = some(1, 8, 8, 1)
    theirs = np.asarray(Image.fromarray(image[0, :, :, 0]).resize((20, 20), Image.Resampling.BILINEAR), np.int64)
    assert abs(fit(image, (20, 20))[0, :, :, 0].astype(np.int64) - theirs).max() <= 1


def test_an_image_of_the_frames_size_is_untouched():
    images = some(3, 9, 9, 2)
    assert fit(images, (9, 9)) is images


def test_a_wide_image_is_centred_between_bands_of_its_borders_median():
    image = np.full((1, 2, 4, 1), 90, np.uint8)
    image[0, :, 1:3] = 200
    fitted = fit(image, (4, 4))[0, :, :, 0]
    np.testing.assert_array_equal(fitted[1:3], image[0, :, :, 0])
    assert set(fitted[[0, 3]].ravel().tolist()) <= {90, 145, 200}
    assert len(set(fitted[[0, 3]].ravel().tolist())) == 1


def test_each_image_and_channel_is_padded_with_its_own_median():
    images = np.stack([np.full((2, 6, 2), (10, 20)), np.full((2, 6, 2), (30, 40))]).astype(np.uint8)
    fitted = fit(images, (6, 6))
    assert fitted[:, 0, 0].tolist() == [[10, 20], [30, 40]]


def test_an_extremely_thin_image_keeps_at_least_one_pixel():
    assert fit(some(1, 1, 500, 1), (16, 16)).shape == (1, 16, 16, 1)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_the_number_type_and_the_mean_survive_shrinking(dtype):
    images = some(1, 30, 30, 1, dtype=dtype)
    fitted = fit(images, (10, 10))
    assert fitted.dtype == dtype
    assert abs(fitted.mean() - images.mean()) < 1


def test_the_frame_is_the_median_longer_side_and_at_most_256():
    assert frame([(10, 20), (30, 10), (5, 5)], [1, 1, 1]) == (20, 20)
    assert frame([(1000, 500), (800, 900)], [3, 3]) == (256, 256)


def test_images_of_one_size_stay_unless_they_are_large_and_many():
    assert frame([(40, 60)] * 3, [1] * 3) == (40, 60)
    assert frame([(250, 250)] * 20_000, [3] * 20_000) == (250, 250)
    assert frame([(4000, 3000)] * 100, [3] * 100) == (256, 256)
