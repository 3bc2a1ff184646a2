"""Inputs: what is stored is read by rows; a picture is fitted from its own numbers, whatever lies beside it."""

import numpy as np
import pytest

from headstart.data.dataset import Dataset, Numbered
from headstart.data.duplicates import duplicate_groups
from headstart.data.fit import fit
from headstart.data.images import join
from headstart.data.inputs import Images, Inputs, Joined, Pictures, Subset, chunks, extent, fitted

RNG = np.random.default_rng(0)
SIZES = [(12, 20), (16, 16), (30, 10), (16, 16), (5, 9)]
PICTURES = [RNG.integers(0, 256, (*size, 3), np.uint8) for size in SIZES]


def pictures() -> Pictures:
    return Pictures(PICTURES.__getitem__, SIZES, shape=(16, 16, 3), dtype=np.dtype(np.uint8))


def test_a_picture_alone_equals_the_same_among_others_of_other_sizes():
    for inputs in (pictures(), join([p[None] for p in PICTURES])[0]):
        assert isinstance(inputs, Inputs)
        for size in ((8, 8), (24, 24)):
            among = inputs.read(slice(None), size)
            for i, picture in enumerate(PICTURES):
                np.testing.assert_array_equal(among[i], fit(picture[None], size)[0])


def test_a_picture_is_fitted_once_not_from_an_already_fitted_one():
    twice = fit(fit(PICTURES[2][None], (16, 16)), (8, 8))[0]
    assert (pictures().read(np.array([2]), (8, 8))[0] != twice).any()


def test_rows_come_in_the_order_asked_for_from_every_kind_of_inputs():
    array = RNG.integers(0, 256, (9, 6, 6, 1), np.uint8)
    rows = np.array([8, 0, 3, 3])
    parts = Joined([Images(array[:2]), Images(array[2:7]), Images(array[7:])])
    for inputs in (Images(array), parts, Subset(Images(array[::-1]), np.arange(9)[::-1])):
        np.testing.assert_array_equal(inputs.read(rows), array[rows])
        np.testing.assert_array_equal(inputs.read(slice(2, 8)), array[2:8])
        np.testing.assert_array_equal(inputs.read(array[:, 0, 0, 0] > 100), array[array[:, 0, 0, 0] > 100])


def test_a_memory_map_stays_one_and_only_rows_are_read(tmp_path):
    np.save(tmp_path / "x.npy", RNG.integers(0, 256, (50, 8, 8, 1), np.uint8))
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    dataset = Dataset(mapped)
    assert isinstance(dataset.inputs, Images)
    assert dataset.inputs.array.base is mapped.base or np.shares_memory(dataset.inputs.array, mapped)
    np.testing.assert_array_equal(dataset.inputs.read(np.array([7, 3])), mapped[[7, 3]])


def test_fitting_once_writes_a_file_only_where_it_is_large_and_reads_it_again(tmp_path, monkeypatch):
    file = tmp_path / "fitted.npy"
    small = fitted(pictures(), (8, 8), file)
    assert not file.exists()
    monkeypatch.setattr("headstart.data.inputs._IN_MEMORY", 0)
    large = fitted(pictures(), (8, 8), file)
    assert isinstance(large, Images)
    assert isinstance(large.array, np.memmap)
    np.testing.assert_array_equal(large.read(slice(None)), small.read(slice(None)))
    stamp = file.stat().st_mtime_ns
    fitted(pictures(), (8, 8), file)
    assert file.stat().st_mtime_ns == stamp


def test_inputs_that_have_the_size_are_not_fitted():
    images = Images(np.zeros((3, 8, 8, 1), np.uint8))
    assert fitted(images, (8, 8)) is images


def test_the_hash_is_that_of_the_content_however_it_is_kept():
    array = RNG.integers(0, 256, (9, 6, 6, 1), np.uint8)
    apart = Dataset(Joined([Images(array[:4]), Images(array[4:])]))
    assert Dataset(array).content_hash == apart.content_hash
    assert Dataset(array[::-1]).content_hash != apart.content_hash
    assert Dataset(pictures()).content_hash == Dataset(join([p[None] for p in PICTURES])[0]).content_hash


def test_duplicates_are_told_by_each_pictures_own_numbers():
    twice = [*PICTURES, PICTURES[1].copy(), PICTURES[2][:, ::-1].copy()]
    numbers = duplicate_groups(join([p[None] for p in twice])[0])
    assert numbers.tolist() == [0, 1, 2, 3, 4, 1, 5]


def test_chunks_hold_every_example_once_whatever_their_size(monkeypatch):
    array = RNG.integers(0, 256, (50, 8, 8, 1), np.uint8)
    for size in (1, 200, 10**9):
        monkeypatch.setattr("headstart.data.inputs._CHUNK_BYTES", size)
        np.testing.assert_array_equal(np.concatenate(list(chunks(Images(array)))), array)
    assert extent(Images(array)) == (array.min(), array.max())


def test_names_are_made_when_they_are_asked_for():
    names = Numbered({"unlabelled": 2, "labelled": 10**9})
    assert len(names) == 10**9 + 2
    assert (names[0], names[1], names[2], names[-1]) == (
        "unlabelled/0",
        "unlabelled/1",
        "labelled/0",
        "labelled/999999999",
    )
    assert names[1:3] == ("unlabelled/1", "labelled/0")
    with pytest.raises(IndexError):
        names[len(names)]


def test_a_data_set_of_your_own_takes_names_for_labels_and_groups():
    dataset = Dataset(np.zeros((4, 8, 8), np.uint8), ["b", "a", None, "b"], groups=["p", "q", "p", "p"])
    assert dataset.class_names == ("a", "b")
    assert dataset.labels.tolist() == [1, 0, -1, 1]
    assert dataset.groups is not None
    assert dataset.groups.tolist() == [0, 1, 0, 0]
    assert Dataset(np.zeros((4, 8, 8), np.uint8)).unlabelled.tolist() == [0, 1, 2, 3]
