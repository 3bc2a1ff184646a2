"""Arrays and .npz files become the same data set by every way in."""

import numpy as np
import pytest

from headstart.data.load import load
from headstart.errors import UserError

RNG = np.random.default_rng(0)
UNLABELLED = RNG.integers(0, 256, (4, 8, 8), np.uint8)
LABELLED = RNG.integers(0, 256, (3, 8, 8), np.uint8)
LABELS = np.array([0, 2, 1])


def saved(tmp_path, **arrays):
    np.savez(tmp_path / "data.npz", **arrays)
    return tmp_path / "data.npz"


@pytest.mark.parametrize("ell", ["l", "ll"])
def test_labelled_and_unlabelled_in_either_spelling(tmp_path, ell):
    path = saved(tmp_path, **{f"unlabe{ell}ed": UNLABELLED, f"labe{ell}ed": LABELLED, "labels": LABELS})
    found = load(path)
    np.testing.assert_array_equal(found.images[..., 0], np.concatenate([UNLABELLED, LABELLED]))
    assert found.labels.tolist() == [-1, -1, -1, -1, 0, 2, 1]
    assert found.ids[3:5] == ("unlabelled/3", "labelled/0")
    assert found.class_names == ("0", "1", "2")
    assert found.source == str(path)
    assert found.notes == ()


def test_images_with_some_labels_missing(tmp_path):
    found = load(saved(tmp_path, images=LABELLED, labels=[1, -1, 0], class_names=["a", "b"]))
    assert found.labels.tolist() == [1, -1, 0]
    assert found.class_names == ("a", "b")
    assert found.ids == ("images/0", "images/1", "images/2")


def test_a_file_a_mapping_a_pair_and_a_string_path_have_the_same_content(tmp_path):
    ways = [saved(tmp_path, images=LABELLED, labels=LABELS), str(tmp_path / "data.npz"), (LABELLED, LABELS),
            {"images": LABELLED, "labels": LABELS}]  # fmt: skip
    assert len({load(way).content_hash for way in ways}) == 1


def test_one_array_is_images_without_labels(tmp_path):
    np.save(tmp_path / "x.npy", UNLABELLED)
    for found in (load(UNLABELLED), load(tmp_path / "x.npy"), load(list(UNLABELLED))):
        assert found.images.shape == (4, 8, 8, 1)
        assert (found.labels == -1).all()
        assert found.class_names == ()


def test_a_list_of_images_of_several_sizes_is_fitted():
    found = load([np.zeros((8, 8), np.uint8), np.zeros((4, 12), np.uint8), np.zeros((8, 8), np.uint8)])
    assert found.images.shape == (3, 8, 8, 1)
    assert "fitted" in found.notes[0]


def test_unlabelled_images_of_another_size_are_fitted(tmp_path):
    found = load(saved(tmp_path, unlabelled=np.zeros((4, 16, 16), np.uint8), labelled=LABELLED, labels=LABELS))
    assert found.images.shape == (7, 16, 16, 1)


def test_labels_may_be_names():
    found = load((LABELLED, ["yes", "no", ""]))
    assert found.class_names == ("no", "yes")
    assert found.labels.tolist() == [1, 0, -1]


def test_groups_and_splits_come_one_an_image_or_one_a_labelled_image():
    arrays = {"unlabelled": UNLABELLED, "labelled": LABELLED, "labels": LABELS}
    short = load(arrays | {"groups": [5, 5, 6], "splits": ["train", "train", "test"]})
    assert short.groups.tolist() == [-1, -1, -1, -1, 0, 0, 1]
    assert short.splits.tolist() == [""] * 4 + ["train", "train", "test"]
    assert load(arrays | {"groups": [1, 1, 2, 2, 3, 3, 3]}).groups.tolist() == [0, 0, 1, 1, 2, 2, 2]
    with pytest.raises(UserError, match="groups has the shape"):
        load(arrays | {"groups": [1, 2]})


def test_no_unlabelled_images_at_all_is_fine():
    found = load({"unlabelled": UNLABELLED[:0], "labelled": LABELLED, "labels": LABELS})
    assert found.ids[0] == "labelled/0"
    assert len(found) == 3


def test_arrays_of_other_names_are_noted_not_lost_in_silence(tmp_path):
    assert load(saved(tmp_path, images=LABELLED, weather=[1])).notes == ("arrays of other names were ignored: weather",)


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"x": UNLABELLED, "y": [0]}, "holds x, y: give 'images'"),
        ({"labelled": LABELLED}, "no 'labels'"),
        ({"unlabelled": UNLABELLED, "labels": LABELS}, "the images they belong to"),
        ({"images": LABELLED, "labels": [0, 1]}, r"labels has the shape \(2,\) for 3 images"),
        ({"labelled": LABELLED, "labels": LABELS, "images": LABELLED}, "not both"),
        ({"images": LABELLED[:0]}, "no image in images"),
        ({"images": np.zeros((9, 64))}, "vectors"),
        ({"images": LABELLED, "labels": [0.5, 1, 2]}, "neither an integer"),
        ({"images": LABELLED, "labels": [0, 1, 5], "class_names": ["a", "b"]}, "not among"),
    ],
)
def test_what_does_not_fit_is_refused_with_what_was_found(tmp_path, arrays, words):
    for source in (saved(tmp_path, **arrays), arrays):
        with pytest.raises(UserError, match=words) as refusal:
            load(source)
        assert "\n" not in str(refusal.value)


def test_the_image_with_nan_is_named(tmp_path):
    broken = LABELLED.astype(float)
    broken[1, 0, 0] = np.nan
    with pytest.raises(UserError, match="labelled/1"):
        load(saved(tmp_path, labelled=broken, labels=LABELS))


def test_pickled_objects_are_never_unpickled(tmp_path):
    class Trap:
        def __reduce__(self):
            return (pytest.fail, ("a pickle was opened",))

    np.savez(tmp_path / "data.npz", images=np.array([Trap()], dtype=object))
    np.save(tmp_path / "x.npy", np.array([Trap()], dtype=object), allow_pickle=True)
    for path in (tmp_path / "data.npz", tmp_path / "x.npy"):
        with pytest.raises(UserError, match="pickled objects"):
            load(path)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut short", b"hello"])
def test_a_broken_file_is_refused(tmp_path, content):
    (tmp_path / "data.npz").write_bytes(content)
    with pytest.raises(UserError, match=r"data\.npz"):
        load(tmp_path / "data.npz")


def test_names_may_be_bytes_in_utf_8_and_in_nothing_else():
    labels, names = np.array(["né".encode()] * 3), np.array(["né".encode(), b"b"])
    assert load({"images": LABELLED, "labels": labels, "class_names": names}).class_names == ("né", "b")
    for arrays in ({"labels": np.array([b"\xff"] * 3)}, {"labels": LABELS, "class_names": np.array([b"\xff", b"b"])}):
        with pytest.raises(UserError, match=r"b'\\xff' is not text in UTF-8"):
            load({"images": LABELLED, **arrays})


def test_a_tuple_of_three_is_refused():
    with pytest.raises(UserError, match="tuple of 3"):
        load((LABELLED, LABELS, LABELS))


@pytest.mark.real_data
def test_the_assignments_cells_load_as_they_are(real_data):
    found = load(real_data / "cells/data.npz")
    assert found.images.shape == (563, 50, 50, 1)
    assert np.bincount(found.labels[found.labelled]).tolist() == [40, 23, 18]
    assert len(found.unlabelled) == 482


@pytest.mark.parametrize("given", [None, 5, [], (), "", {}, {"images": []}, [1, 2], [[1, 2], [3]], [[None]], object()])
def test_anything_else_is_refused_in_one_line(given):
    with pytest.raises(UserError) as refusal:
        load(given)
    assert "\n" not in str(refusal.value)
