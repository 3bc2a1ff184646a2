"""The data sets known by name: digits, which ships with scikit-learn, and MNIST, Fashion-MNIST and CIFAR-10."""

import tarfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from headstart.data.dataset import Dataset, Numbered
from headstart.data.fetch import Remote, fetch, roots
from headstart.data.idx import read_idx
from headstart.data.inputs import Inputs, Subset, as_inputs
from headstart.data.table import read_table
from headstart.errors import UserError

_FASHION = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")
_CIFAR10 = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
_DIGITS = tuple(map(str, range(10)))

# SHA-256 of files whose MD5 is the published one.
_MNIST_FILES = {
    "train-images-idx3-ubyte.gz": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    "train-labels-idx1-ubyte.gz": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
    "t10k-images-idx3-ubyte.gz": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
    "t10k-labels-idx1-ubyte.gz": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
}
_FASHION_FILES = {
    "train-images-idx3-ubyte.gz": "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
    "train-labels-idx1-ubyte.gz": "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
    "t10k-images-idx3-ubyte.gz": "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
    "t10k-labels-idx1-ubyte.gz": "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
}
_MNIST_MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)
_FASHION_MIRRORS = ("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",)
# MD5 as the data set's own page publishes it; the binary form, because the other one is a pickle.
CIFAR10_BINARY = Remote(
    "cifar-10-binary.tar.gz",
    "md5:c32a1d4ab5d03f1284b67883e8d87530",
    ("https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",),
)


def digits(_: str | None = None) -> Dataset:
    """scikit-learn's 1,797 digits of 8×8 pixels, all labelled; their values 0 to 16 become 0 to 255."""
    from sklearn.datasets import load_digits

    values, targets = load_digits(return_X_y=True)
    images = np.rint(np.asarray(values) * (255 / 16)).astype(np.uint8).reshape(-1, 8, 8, 1)
    return Dataset(images, np.asarray(targets, np.int64), class_names=_DIGITS, source="digits")


def mnist(data_root: str | None = None) -> Dataset:
    """MNIST: 60,000 training and 10,000 test images of 28×28, from MNIST/raw or fetched."""
    return _idx("mnist", "MNIST/raw", _MNIST_FILES, _MNIST_MIRRORS, _DIGITS, data_root)


def fashion_mnist(data_root: str | None = None) -> Dataset:
    """Fashion-MNIST: 60,000 training and 10,000 test images of 28×28, from FashionMNIST/raw or fetched."""
    return _idx("fashion-mnist", "FashionMNIST/raw", _FASHION_FILES, _FASHION_MIRRORS, _FASHION, data_root)


def cifar10(data_root: str | None = None) -> Dataset:
    """CIFAR-10: 50,000 training and 10,000 test images of 32×32 RGB, from cifar10/*.parquet or the binary archive."""
    for root in roots(data_root):
        if any((root / "cifar10").glob("*.parquet")):
            found = read_table(root / "cifar10")
            return _with_parts(found.inputs, found.labels, found.class_names, "cifar10", found.splits, found.notes)
    archive = next((p for r in roots(data_root) if (p := r / CIFAR10_BINARY.path).is_file()), None)
    if archive is None:
        archive = fetch([CIFAR10_BINARY], data_root, "cifar10") / CIFAR10_BINARY.path
    images, labels, splits = _binary_records(archive)
    return _with_parts(images, labels, _CIFAR10, "cifar10", splits)


STANDARD: dict[str, Callable[[str | None], Dataset]] = {
    "digits": digits,
    "mnist": mnist,
    "fashion-mnist": fashion_mnist,
    "cifar10": cifar10,
}


def _with_parts(
    images: Inputs | np.ndarray, labels: np.ndarray, class_names: tuple[str, ...], source: str,
    splits: np.ndarray | None, notes: tuple[str, ...] = (),
) -> Dataset:  # fmt: skip
    """Training images first, each part in its own order, numbered within it."""
    if splits is None:
        raise UserError(f"{source} has no training and test part: give the files of both")
    parts = {part: np.flatnonzero(splits == part) for part in ("train", "test")}
    order = np.concatenate(list(parts.values()))
    ids = Numbered({part: len(rows) for part, rows in parts.items()})
    inputs = as_inputs(images)
    if (order != np.arange(len(order))).any():
        inputs = Subset(inputs, order)
    return Dataset(inputs, labels[order], ids, class_names, source, splits=splits[order], notes=notes)


def _idx(
    name: str, folder: str, files: dict[str, str], mirrors: tuple[str, ...], class_names: tuple[str, ...],
    data_root: str | None,
) -> Dataset:  # fmt: skip
    root = next((r for r in roots(data_root) if all(_stored(r / folder / file) for file in files)), None)
    if root is None:
        wanted = [
            Remote(f"{folder}/{file}", f"sha256:{digest}", tuple(mirror + file for mirror in mirrors))
            for file, digest in files.items()
        ]
        root = fetch(wanted, data_root, name)
    train_x, train_y, test_x, test_y = (
        read_idx(_stored(root / folder / file) or root / folder / file) for file in files
    )
    splits = np.repeat(["train", "test"], [len(train_y), len(test_y)])
    images = np.concatenate([train_x, test_x])[..., None]
    return _with_parts(images, np.concatenate([train_y, test_y]).astype(np.int64), class_names, name, splits)


def _stored(path: Path) -> Path | None:
    """The file as it is, or unpacked beside it."""
    return next((p for p in (path, path.with_suffix("")) if p.is_file()), None)


def _binary_records(archive: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Images, labels and splits from CIFAR-10's binary archive: a label byte, then 3 × 32 × 32 pixels, a record."""
    batches, parts = [], []
    try:
        with tarfile.open(archive) as tar:
            for member in sorted((m for m in tar if m.name.endswith(".bin")), key=lambda m: m.name):
                stream = tar.extractfile(member)
                batches.append(np.frombuffer(stream.read() if stream else b"", np.uint8).reshape(-1, 3073))
                parts.append("test" if "test" in member.name else "train")
        records = np.concatenate(batches)
    except (OSError, EOFError, ValueError, tarfile.TarError, zlib.error) as error:
        raise UserError(f"{archive} cannot be read ({error}): remove it, to have it fetched again") from None
    images = np.ascontiguousarray(records[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1))
    return images, records[:, 0].astype(np.int64), np.repeat(parts, [len(batch) for batch in batches])
