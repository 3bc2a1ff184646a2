"""IDX files of one's own: images find their labels beside them, and what is broken is named."""

import gzip

import numpy as np
import pytest

from headstart.data.load import load
from headstart.errors import UserError

IMAGES = np.arange(4 * 5 * 3, dtype=np.uint8).reshape(4, 5, 3)


def idx(values: np.ndarray) -> bytes:
    return bytes([0, 0, 8, values.ndim]) + np.array(values.shape, ">u4").tobytes() + values.astype(np.uint8).tobytes()


@pytest.mark.parametrize("packed", ["", ".gz"])
def test_images_and_the_labels_beside_them_packed_or_not(tmp_path, packed):
    file = tmp_path / f"letters-images-idx3-ubyte{packed}"
    file.write_bytes(gzip.compress(idx(IMAGES)) if packed else idx(IMAGES))
    (tmp_path / "letters-labels-idx1-ubyte").write_bytes(idx(np.array([1, 26, 2, 1])))
    found = load(file)
    assert (found.images[..., 0] == IMAGES).all()
    assert found.class_names == ("1", "2", "26")
    assert found.labels.tolist() == [0, 2, 1, 0]


def test_without_labels_the_images_are_unlabelled_and_a_note_says_what_is_missing(tmp_path):
    (tmp_path / "x-images-idx3-ubyte").write_bytes(idx(IMAGES))
    found = load(tmp_path / "x-images-idx3-ubyte")
    assert (found.labels == -1).all()
    assert "x-labels-idx1-ubyte" in found.notes[0]


@pytest.mark.parametrize(
    ("labels", "words"), [(idx(np.array([1, 2])), "for 4 images"), (b"\0\0\x0d", "not an IDX file of bytes")]
)
def test_labels_that_do_not_belong_are_refused_in_one_line(tmp_path, labels, words):
    (tmp_path / "x-images-idx3-ubyte").write_bytes(idx(IMAGES))
    (tmp_path / "x-labels-idx1-ubyte").write_bytes(labels)
    with pytest.raises(UserError, match=words):
        load(tmp_path / "x-images-idx3-ubyte")
