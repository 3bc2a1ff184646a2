"""Image files of every kind keep their numbers, and nothing else decides what an image looks like."""

import sys

import numpy as np
import pytest
import tifffile
from PIL import Image

from headstart.data.files import read
from headstart.data.inputs import Images, Pictures
from headstart.data.load import load
from headstart.errors import UserError

RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 256, (6, 9), np.uint8)
COLOUR = RNG.integers(0, 256, (6, 9, 3), np.uint8)
DEEP = RNG.integers(0, 65536, (6, 9), np.uint16)


@pytest.mark.parametrize("name", ["x.png", "x.bmp", "x.pgm", "x.tif", "x.webp"])
def test_lossless_files_give_back_their_pixels(tmp_path, name):
    image = Image.fromarray(COLOUR if name == "x.webp" else GREY)
    image.save(tmp_path / name, **({"lossless": True} if name == "x.webp" else {}))
    np.testing.assert_array_equal(read(tmp_path / name)[0].squeeze(), np.asarray(image))


@pytest.mark.parametrize("name", ["x.png", "x.tif", "x.pgm"])
def test_16_bits_stay_16_bits(tmp_path, name):
    Image.fromarray(DEEP).save(tmp_path / name)
    found = load(tmp_path / name)
    assert found.images.dtype == np.uint16
    np.testing.assert_array_equal(found.images[0, ..., 0], DEEP)


def test_a_palette_becomes_its_colours(tmp_path):
    Image.fromarray(COLOUR).quantize(4).save(tmp_path / "x.png")
    assert read(tmp_path / "x.png").shape == (1, 6, 9, 3)


def test_what_is_transparent_becomes_white(tmp_path):
    Image.new("RGBA", (4, 4), (0, 0, 0, 0)).save(tmp_path / "x.png")
    Image.new("LA", (4, 4), (0, 255)).save(tmp_path / "y.png")
    assert (read(tmp_path / "x.png") == 255).all()
    assert read(tmp_path / "x.png").shape[3] == 3
    assert (read(tmp_path / "y.png") == 0).all()
    assert read(tmp_path / "y.png").shape[3] == 1


def test_black_and_white_is_0_and_255(tmp_path):
    Image.fromarray(np.eye(4, dtype=bool)).save(tmp_path / "x.png")
    assert set(read(tmp_path / "x.png").ravel()) == {0, 255}


def test_a_turned_photograph_is_turned_back(tmp_path):
    exif = Image.Exif()
    exif[274] = 6
    Image.fromarray(COLOUR).save(tmp_path / "x.jpg", exif=exif)
    assert read(tmp_path / "x.jpg").shape == (1, 9, 6, 3)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_the_pages_of_a_stack_are_images(tmp_path, dtype):
    stack = RNG.uniform(0, 200, (5, 6, 9)).astype(dtype)
    tifffile.imwrite(tmp_path / "x.tif", stack)
    found = load(tmp_path / "x.tif")
    np.testing.assert_array_equal(found.images[..., 0], stack)
    assert found.images.dtype == dtype
    assert found.ids[2] == f"{(tmp_path / 'x.tif').as_posix()}/2"
    assert found.groups is None


def test_channels_of_a_microscopes_stack_become_channels_wherever_they_stand(tmp_path):
    stack = RNG.integers(0, 65536, (4, 2, 6, 9), np.uint16)
    tifffile.imwrite(tmp_path / "x.tif", stack, imagej=True, metadata={"axes": "TCYX"})
    np.testing.assert_array_equal(load(tmp_path / "x.tif").images, stack.transpose(0, 2, 3, 1))


def test_a_stack_of_colour_pictures(tmp_path):
    stack = RNG.integers(0, 256, (4, 6, 9, 3), np.uint8)
    tifffile.imwrite(tmp_path / "x.tif", stack, photometric="rgb")
    np.testing.assert_array_equal(load(tmp_path / "x.tif").images, stack)


def test_a_compression_that_tifffile_leaves_to_others_is_read_all_the_same(tmp_path):
    Image.fromarray(DEEP).save(tmp_path / "x.tif", compression="tiff_lzw")
    np.testing.assert_array_equal(read(tmp_path / "x.tif")[0, ..., 0], DEEP)


def test_pages_of_several_stacks_belong_together_and_keep_their_class(tmp_path):
    for name, pages in (("a/1.tif", 3), ("b/2.tif", 2)):
        (tmp_path / name).parent.mkdir()
        tifffile.imwrite(tmp_path / name, RNG.integers(0, 256, (pages, 6, 9), np.uint8), photometric="minisblack")
    found = load(tmp_path)
    assert found.labels.tolist() == [0, 0, 0, 1, 1]
    assert found.groups.tolist() == [0, 0, 0, 1, 1]
    assert found.ids[3] == "b/2.tif/0"
    assert "one group" in found.notes[-1]


def test_a_broken_stack_is_skipped_and_counted(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", GREY)
    tifffile.imwrite(tmp_path / "b.tif", GREY)
    (tmp_path / "b.tif").write_bytes((tmp_path / "b.tif").read_bytes()[:60])
    (tmp_path / "c.tif").write_bytes(b"nothing")
    found = load(tmp_path)
    assert found.ids == ("a.tif",)
    assert "2 of 3 files could not be read" in found.notes[0]


def test_the_page_with_nan_is_named(tmp_path):
    stack = np.zeros((3, 6, 9), np.float32)
    stack[1, 2, 2] = np.nan
    tifffile.imwrite(tmp_path / "x.tif", stack, photometric="minisblack")
    with pytest.raises(UserError, match=r"x\.tif/1 holds NaN"):
        load(tmp_path)


def test_without_tifffile_the_extra_is_named(tmp_path, monkeypatch):
    tifffile.imwrite(tmp_path / "x.tif", GREY)
    monkeypatch.setitem(sys.modules, "tifffile", None)
    with pytest.raises(UserError, match=r"pip install 'headstart\[tiff\]'"):
        load(tmp_path / "x.tif")


def test_beyond_two_gigabytes_pictures_are_decoded_when_they_are_asked_for(tmp_path, monkeypatch):
    pages = [RNG.integers(0, 256, (6 + i, 9), np.uint8) for i in range(4)]
    for i, page in enumerate(pages):
        Image.fromarray(page).save(tmp_path / f"{i}.png")
    kept = load(tmp_path)
    monkeypatch.setattr("headstart.data.files.LARGEST", 200)
    lazy = load(tmp_path)
    assert isinstance(lazy.inputs, Pictures)
    assert lazy.content_hash == kept.content_hash
    for size in (None, (4, 4)):
        one, other = (found.inputs.read(np.array([3, 0]), size) for found in (lazy, kept))
        np.testing.assert_array_equal(one, other)


def test_an_archive_that_is_not_compressed_is_mapped_and_a_compressed_one_is_refused_where_it_cannot_fit(
    tmp_path, monkeypatch
):
    images = RNG.integers(0, 256, (20, 8, 8), np.uint8)
    np.savez(tmp_path / "plain.npz", images=images, labels=np.arange(20) % 2)
    np.savez_compressed(tmp_path / "packed.npz", images=images)
    np.save(tmp_path / "x.npy", images)
    for name in ("plain.npz", "x.npy"):
        inputs = load(tmp_path / name).inputs
        assert isinstance(inputs, Images)
        assert isinstance(inputs.array.base, np.memmap) or isinstance(inputs.array, np.memmap)
        np.testing.assert_array_equal(inputs.read(np.array([19, 2]))[..., 0], images[[19, 2]])
    monkeypatch.setattr("headstart.data.room.free_memory", lambda: 1000)
    with pytest.raises(UserError, match="compressed, so that it would take"):
        load(tmp_path / "packed.npz")
    assert len(load(tmp_path / "plain.npz")) == 20
