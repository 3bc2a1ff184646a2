"""What is shown is what is in the array."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from headstart.report.pictures import UNIT, Display, data_uri, sheet, sheet_picture, shrink


def decoded(uri: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))).convert("RGB"))


def test_a_png_gives_back_its_pixels() -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    assert (decoded(data_uri(rgb)) == rgb).all()


def test_a_lossy_thumbnail_is_close_and_smaller() -> None:
    ramp = np.repeat(np.linspace(0, 255, 32).astype(np.uint8)[:, None], 32, axis=1)
    rgb = np.repeat(ramp[..., None], 3, axis=2)
    assert np.abs(decoded(data_uri(rgb, lossy=True)).astype(int) - rgb).mean() < 4
    noise = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    assert len(data_uri(noise, lossy=True)) < len(data_uri(noise))


def test_eight_bits_are_shown_as_they_are() -> None:
    images = np.random.default_rng(0).integers(0, 100, (4, 3, 3, 1), dtype=np.uint8)
    assert (Display.of(images).rgb(images) == images).all()


def test_other_kinds_span_black_to_white_over_the_whole_set() -> None:
    images = np.linspace(-3.0, 7.0, 4 * 100).reshape(4, 10, 10, 1).astype(np.float32)
    shown = Display.of(images).rgb(images)
    assert (shown.min(), shown.max()) == (0, 255)
    assert shown[0].max() < shown[3].min()


def test_a_constant_set_and_missing_pixels_do_no_harm() -> None:
    images = np.full((2, 3, 3, 1), 5.0, np.float32)
    images[0, 0, 0] = np.nan
    assert Display.of(images).rgb(images).max() == 0


@pytest.mark.parametrize("channels", [1, 2, 3, 5])
def test_any_channels_become_three(channels: int) -> None:
    x = np.random.default_rng(0).random((2, 4, 4, channels))
    assert UNIT.rgb(x).shape == (2, 4, 4, 3)


def test_shrinking_keeps_the_mean_and_the_small() -> None:
    images = np.random.default_rng(0).integers(0, 256, (2, 64, 48, 3), dtype=np.uint8)
    small = shrink(images, 32)
    assert small.shape == (2, 32, 24, 3)
    assert small.mean((1, 2)) == pytest.approx(images.mean((1, 2)), abs=1e-3)
    assert (shrink(images, 64) == images).all()


@pytest.mark.parametrize(("height", "width"), [(1, 200), (37, 41), (129, 128)])
def test_shrinking_fits_any_shape(height: int, width: int) -> None:
    assert max(shrink(np.zeros((1, height, width, 1)), 32).shape[1:3]) <= 32


def test_a_sheet_holds_every_image_at_its_place() -> None:
    rows = np.random.default_rng(0).integers(0, 256, (2, 3, 4, 5, 3), dtype=np.uint8)
    canvas = sheet(rows, gap=1)
    assert canvas.shape == (2 * 5 - 1, 3 * 6 - 1, 4)
    assert (canvas[5:9, 12:17, :3] == rows[1, 2]).all()
    assert canvas[4, :, 3].max() == 0


def test_large_images_are_shrunk_for_the_sheet() -> None:
    assert len(sheet_picture(np.random.default_rng(0).random((1, 2, 512, 512, 1)), "two")) < 120_000
