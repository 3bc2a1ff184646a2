"""IDX, the format of MNIST and EMNIST: an array of bytes a file, the labels in a file beside the images."""

import gzip
import zlib
from pathlib import Path

import numpy as np

from headstart.data.dataset import Dataset
from headstart.data.images import as_images
from headstart.data.labels import class_labels, one_each
from headstart.errors import UserError

_IMAGES, _LABELS = "images-idx3-ubyte", "labels-idx1-ubyte"


def is_idx(path: Path) -> bool:
    """Whether a file is named as these data sets name their images, such as x-images-idx3-ubyte, perhaps with .gz."""
    return path.name.removesuffix(".gz").endswith(_IMAGES)


def read_idx_images(path: Path) -> Dataset:
    """The images in a file, with the labels of the file beside it whose name has "labels" and 1 for "images" and 3."""
    images = as_images(read_idx(path), str(path))
    beside = path.with_name(path.name.replace(_IMAGES, _LABELS))
    other = beside.with_name(beside.name.removesuffix(".gz") if beside.suffix == ".gz" else f"{beside.name}.gz")
    found = next((file for file in (beside, other) if file.is_file()), None)
    if found is None:
        notes = (f"there are no labels: {beside.name} is not beside {path.name}",)
        return Dataset(images, source=str(path), notes=notes)
    labels, class_names = class_labels(one_each(read_idx(found), len(images), str(found)))
    return Dataset(images, labels, None, class_names, str(path))


def read_idx(path: Path) -> np.ndarray:
    """An IDX file of unsigned bytes: two zeros, the type, the number of axes, their lengths, the values."""
    try:
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        if data[:3] != b"\0\0\x08":
            raise ValueError("it is not an IDX file of bytes")
        shape = np.frombuffer(data, ">u4", data[3], offset=4)
        return np.frombuffer(data, np.uint8, offset=4 + 4 * data[3]).reshape(shape)
    except (OSError, EOFError, ValueError, IndexError, zlib.error) as error:
        raise UserError(
            f"{path} cannot be read ({error}): give another; a known data set is fetched again once it is removed"
        ) from None
