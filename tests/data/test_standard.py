"""The data sets known by name, from files in their public layouts."""

import gzip
import io
import struct
import tarfile

import numpy as np
import pytest

from headstart.data.idx import read_idx
from headstart.data.load import load
from headstart.errors import UserError

RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def no_network(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("urllib.request.urlopen", lambda *_, **__: (_ for _ in ()).throw(OSError("no network")))


def write_idx(path, array, pack=True):
    data = b"\0\0\x08" + bytes([array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(data) if pack else data)


@pytest.mark.parametrize("pack", [True, False])
@pytest.mark.parametrize(("name", "folder"), [("mnist", "MNIST"), ("fashion-mnist", "FashionMNIST")])
def test_the_official_files_are_read_and_their_test_set_is_the_split(tmp_path, name, folder, pack):
    images, labels = RNG.integers(0, 256, (5, 28, 28), np.uint8), np.array([3, 1, 9, 0, 2], np.uint8)
    for part, rows in (("train", slice(0, 3)), ("t10k", slice(3, 5))):
        for what, array in (("images-idx3", images[rows]), ("labels-idx1", labels[rows])):
            write_idx(tmp_path / folder / "raw" / f"{part}-{what}-ubyte{'.gz' * pack}", array, pack)
    found = load(name, data_root=tmp_path)
    np.testing.assert_array_equal(found.images[..., 0], images)
    assert found.labels.tolist() == labels.tolist()
    assert found.ids == ("train/0", "train/1", "train/2", "test/0", "test/1")
    assert found.splits.tolist() == ["train"] * 3 + ["test"] * 2
    assert len(found.class_names) == 10


def test_a_damaged_file_is_named(tmp_path):
    (tmp_path / "x.gz").write_bytes(b"not gzip")
    write_idx(tmp_path / "y.gz", np.zeros((2, 3), np.uint8))
    (tmp_path / "y.gz").write_bytes((tmp_path / "y.gz").read_bytes()[:-12])
    write_idx(tmp_path / "z.gz", RNG.integers(0, 256, (20, 30), np.uint8))
    packed = (tmp_path / "z.gz").read_bytes()
    (tmp_path / "z.gz").write_bytes(packed[:10] + b"\xff" * 50 + packed[60:])
    for name in ("x.gz", "y.gz", "z.gz"):
        with pytest.raises(UserError, match=rf"{name} cannot be read"):
            read_idx(tmp_path / name)


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist", "cifar10"])
def test_without_files_and_network_one_line_says_how_to_bring_them(tmp_path, name):
    with pytest.raises(
        UserError, match=f"{name} could not be fetched .*no network.*--data-root or HEADSTART_DATA"
    ) as e:
        load(name, data_root=tmp_path)
    assert "\n" not in str(e.value)
    assert not [file for file in tmp_path.rglob("*") if file.is_file()]


def test_cifar10s_binary_archive_holds_planes_of_red_green_and_blue(tmp_path):
    planes = RNG.integers(0, 256, (12, 3, 32, 32), np.uint8)
    labels = np.arange(12, dtype=np.uint8) % 10
    records = np.concatenate([labels[:, None], planes.reshape(12, -1)], axis=1)
    names = [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]
    with tarfile.open(tmp_path / "cifar-10-binary.tar.gz", "w:gz") as tar:
        for i, name in enumerate(names):
            data = records[2 * i : 2 * i + 2].tobytes()
            member = tarfile.TarInfo(f"cifar-10-batches-bin/{name}.bin")
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    found = load("cifar10", data_root=tmp_path)
    np.testing.assert_array_equal(found.images, planes.transpose(0, 2, 3, 1))
    assert found.splits.tolist() == ["train"] * 10 + ["test"] * 2
    assert [found.class_names[y] for y in found.labels[:3]] == ["airplane", "automobile", "bird"]


def test_a_damaged_archive_is_named(tmp_path):
    (tmp_path / "cifar-10-binary.tar.gz").write_bytes(b"nothing")
    with pytest.raises(UserError, match=r"cifar-10-binary\.tar\.gz cannot be read"):
        load("cifar10", data_root=tmp_path)


def test_digits_need_nothing_and_use_the_whole_range():
    found = load("digits")
    assert found.images.shape == (1797, 8, 8, 1)
    assert (found.images.min(), found.images.max()) == (0, 255)
    assert len(np.unique(found.images)) == 17
    assert np.bincount(found.labels).min() == 174
    assert len(found.unlabelled) == 0
    assert found.splits is None


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "shape", "ones"), [("mnist", (28, 28, 1), 7877), ("fashion-mnist", (28, 28, 1), 7000)]
)
def test_the_real_mnists(real_data, name, shape, ones):
    found = load(name, data_root=real_data)
    assert found.images.shape == (70_000, *shape)
    assert np.bincount(found.labels)[1] == ones
    assert (found.splits == "test").sum() == 10_000
    assert abs(found.images[found.splits == "train"].mean() - {"mnist": 33.318, "fashion-mnist": 72.940}[name]) < 0.001


@pytest.mark.real_data
@pytest.mark.slow
def test_the_real_cifar10(real_data):
    found = load("cifar10", data_root=real_data)
    assert found.images.shape == (60_000, 32, 32, 3)
    assert np.bincount(found.labels).tolist() == [6000] * 10
    assert found.splits.tolist() == ["train"] * 50_000 + ["test"] * 10_000
    means = found.images[:50_000].mean(axis=(0, 1, 2)) / 255
    np.testing.assert_allclose(means, [0.4914, 0.4822, 0.4465], atol=1e-4)
