"""The data itself chooses its views, by what its pixels are and never by its name."""

from dataclasses import replace
from io import BytesIO

import numpy as np
import pyarrow.parquet
import pytest
import torch
from PIL import Image

from headstart.data.dataset import Dataset
from headstart.data.drawn_cells import make_cells
from headstart.data.load import load
from headstart.data.standard import digits
from headstart.errors import UserError
from headstart.views.presets import PRESETS, anisotropy, border_spread, choose, resolve
from headstart.views.random import image_keys


def dataset(images: np.ndarray, source: str = "") -> Dataset:
    n = len(images)
    return Dataset(images, np.full(n, -1, np.int64), tuple(map(str, range(n))), (), source)


def stripes(n: int = 200, c: int = 1) -> np.ndarray:
    """Horizontal stripes to the very border, of any phase."""
    rng = np.random.default_rng(0)
    phase, y = rng.uniform(0, 6, (n, 1, 1, 1)), np.arange(16).reshape(1, 16, 1, 1)
    return np.broadcast_to(127 + 100 * np.sin(y + phase), (n, 16, 16, c)).astype(np.uint8)


def test_scikit_learns_digits_are_digits():
    assert choose(digits())[0] == "digits"


def test_drawn_cells_are_microscopy():
    assert choose(make_cells(300, 0))[0] == "microscopy"


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("source", "name"), [("mnist", "digits"), ("fashion-mnist", "objects"), ("cells/data.npz", "microscopy")]
)
def test_real_data_get_the_views_meant_for_them(real_data, source, name):
    given = real_data / source if source.endswith("npz") else source
    assert choose(load(given, data_root=real_data))[0] == name


@pytest.mark.real_data
def test_photographs_of_cifar10_are_natural_in_colour_and_in_grey(real_data):
    shard = pyarrow.parquet.ParquetFile(next((real_data / "cifar10").glob("*test*.parquet")))
    rows = next(shard.iter_batches(1000, columns=["image"])).to_pylist()
    photographs = np.stack([np.asarray(Image.open(BytesIO(row["image"]["bytes"])).convert("RGB")) for row in rows])
    assert choose(dataset(photographs))[0] == "natural"
    assert choose(dataset(photographs[..., 1:2]))[0] == "natural"


@pytest.mark.real_data
@pytest.mark.parametrize("share", [1, 3, 7])
def test_a_part_of_the_real_cells_is_enough_to_choose(real_data, share):
    cells = load(real_data / "cells/data.npz")
    assert choose(dataset(cells.images[::share]))[0] == "microscopy"


def test_colours_ask_for_natural_views_and_grey_stored_as_rgb_does_not():
    coloured = stripes(c=3)
    coloured[..., 0] //= 2
    assert choose(dataset(coloured))[0] == "natural"
    turned = [np.rot90(image, k % 4) for k, image in enumerate(stripes(c=3))]
    assert choose(dataset(np.stack(turned)))[0] == "microscopy"


def test_upright_grey_images_are_digits_on_an_empty_border_and_natural_up_to_it():
    framed = stripes()
    framed[:, :3] = framed[:, -3:] = framed[:, :, :3] = framed[:, :, -3:] = 0
    assert choose(dataset(framed))[0] == "digits"
    assert choose(dataset(stripes()))[0] == "natural"


def test_objects_whose_tones_give_them_away_get_views_that_change_tones():
    rng = np.random.default_rng(0)
    alike = np.zeros((300, 16, 16, 1), np.uint8)
    for image, (a, b) in zip(alike, rng.integers(4, 9, (300, 2)), strict=True):
        image[a : a + 2, 3:13] = image[b : b + 1, 3:13] = 255
    assert choose(dataset(alike))[0] == "digits"
    toned = (alike * rng.uniform(0.2, 1.0, (300, 1, 1, 1))).astype(np.uint8)
    toned[:, 6:10, 6:10] = rng.integers(0, 255, (300, 1, 1, 1))
    name, reason = choose(Dataset(toned, np.full(300, -1), tuple(map(str, range(300))), (), ""))
    assert name == "objects"
    assert "tones alone would give" in reason


def test_the_rule_reads_neither_names_nor_scale_nor_type():
    plain = digits()
    renamed = replace(plain, source="cifar10", class_names=tuple("abcdefghij"))
    stretched = replace(plain, inputs=(plain.images.astype(np.uint16) * 3000 // max(1, int(plain.images.max()))))
    assert choose(plain) == choose(renamed)
    assert choose(stretched)[0] == "digits"


@pytest.mark.parametrize("images", [np.zeros((5, 8, 8, 1)), np.zeros((1, 3, 9, 2)), np.zeros((2, 1, 1, 1))])
def test_images_without_anything_on_them_still_get_some_views(images):
    assert choose(dataset(images.astype(np.uint8)))[0] in PRESETS


def test_quarter_turns_take_the_anisotropy_away():
    grey = stripes()[..., 0] / 255.0
    assert anisotropy(grey) > 0.9
    assert anisotropy(np.concatenate([grey, np.rot90(grey, axes=(1, 2))])) < 0.01
    assert anisotropy(np.random.default_rng(0).random((500, 12, 12))) < 0.03


def test_the_border_of_framed_images_has_no_spread():
    framed = np.pad(np.random.default_rng(0).random((9, 6, 6)), ((0, 0), (3, 3), (3, 3)))
    assert border_spread(framed) == 0.0


def test_a_preset_is_resolved_by_name_and_a_wrong_name_suggests_one():
    name, views, reason = resolve("natural", digits())
    assert (name, views) == ("natural", PRESETS["natural"])
    assert "asked" in reason
    assert resolve(None, digits())[:2] == ("digits", PRESETS["digits"])
    with pytest.raises(UserError, match="did you mean 'microscopy'"):
        resolve("microscope", digits())


def test_microscopy_keeps_a_centred_object_in_the_frame():
    y, x = np.mgrid[-19.5:20, -19.5:20]
    disc = torch.tensor((x**2 + y**2 < 14**2) * 1.0, dtype=torch.float32).expand(200, 1, 40, 40)
    geometry = replace(PRESETS["microscopy"], noise=(0.0, 0.0), brightness=(1.0, 1.0), contrast=(1.0, 1.0))
    seen = geometry(disc, image_keys(torch.arange(200), seed=0, epoch=0))
    border = torch.cat([seen[..., 0, :], seen[..., -1, :], seen[..., 0], seen[..., -1]], dim=-1)
    assert border.max() < 0.01
