"""Inputs: examples as they are stored, read by rows, so that a set is never copied or converted as a whole."""

import math
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np

from headstart.data.fit import fit
from headstart.data.room import check_disk, check_memory

if TYPE_CHECKING:
    from torch import Tensor

Size = tuple[int, int]
_CHUNK_BYTES = 64 << 20
_IN_MEMORY = 256 << 20  # bytes: what is fitted to another size stays in memory up to there, and goes to a file beyond


@runtime_checkable
class Inputs(Protocol):
    """What examples are before anyone prepares them; any object with these four is one.

    shape: of one example, (h, w, c) for images; of pictures of several sizes, what they are fitted into by default.
    dtype: the stored numbers' type.
    """

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one example."""
        ...

    @property
    def dtype(self) -> np.dtype:
        """Of the stored numbers."""
        ...

    def __len__(self) -> int: ...

    def read(self, rows: np.ndarray | slice, size: Size | None = None) -> Any:
        """(m, *shape) of these rows as stored, an array or a tensor; fitted into ``size`` (h, w) where it is given."""
        ...


class Images:
    """Images of one size: an array (n, h, w, c), in memory or memory-mapped, of which only rows are read."""

    def __init__(self, array: np.ndarray) -> None:
        self.array = array

    @property
    def shape(self) -> tuple[int, ...]:
        """(h, w, c)."""
        return self.array.shape[1:]

    @property
    def dtype(self) -> np.dtype:
        """Of the stored numbers."""
        return self.array.dtype

    def __len__(self) -> int:
        return len(self.array)

    def read(self, rows: np.ndarray | slice, size: Size | None = None) -> np.ndarray:
        """(m, h, w, c), or (m, *size, c)."""
        found = np.asarray(self.array[rows])
        return found if size is None else fit(found, size)


class Pictures:
    """Pictures of any size, each fitted from its own numbers straight to the size that is asked for.

    read_one: the place of a picture -> (h, w, c). sizes: (h, w) of each. shape, dtype: as of ``Inputs``.
    """

    def __init__(
        self, read_one: Callable[[int], np.ndarray], sizes: Sequence[Size], *, shape: tuple[int, ...], dtype: np.dtype
    ) -> None:
        self.read_one, self.sizes, self.shape, self.dtype = read_one, sizes, shape, np.dtype(dtype)

    def __len__(self) -> int:
        return len(self.sizes)

    def read(self, rows: np.ndarray | slice, size: Size | None = None) -> np.ndarray:
        """(m, *size, c); by default in the size of ``shape``."""
        wanted = size or (self.shape[0], self.shape[1])
        found = np.empty((len(places := _places(rows, len(self))), *wanted, self.shape[2]), self.dtype)
        for i, place in enumerate(places):
            found[i] = fit(self.read_one(int(place))[None], wanted)[0]
        return found


class Joined:
    """Several inputs of one kind, one after another; each example is read from its own."""

    def __init__(self, parts: Sequence[Inputs], shape: tuple[int, ...] | None = None) -> None:
        self.parts, self.shape, self.dtype = tuple(parts), shape or parts[0].shape, parts[0].dtype
        self.ends = list(accumulate(map(len, self.parts)))

    def __len__(self) -> int:
        return self.ends[-1]

    def read(self, rows: np.ndarray | slice, size: Size | None = None) -> np.ndarray:
        """(m, *shape), or (m, *size, c), in the order of the rows."""
        places = _places(rows, len(self))
        wanted = size or (self.shape[0], self.shape[1])
        found = np.empty((len(places), *wanted, *self.shape[2:]), self.dtype)
        owner = np.array([bisect_right(self.ends, place) for place in places], np.int64)
        for k in np.unique(owner):
            mine = owner == k
            start = self.ends[k] - len(self.parts[k])
            found[mine] = self.parts[k].read(places[mine] - start, wanted)
        return found


class Subset:
    """Some rows of other inputs, in this order."""

    def __init__(self, inputs: Inputs, rows: np.ndarray) -> None:
        self.inputs, self.rows, self.shape, self.dtype = inputs, rows, inputs.shape, inputs.dtype

    def __len__(self) -> int:
        return len(self.rows)

    def read(self, rows: np.ndarray | slice, size: Size | None = None) -> Any:
        """(m, *shape), or (m, *size, c)."""
        return self.inputs.read(self.rows[rows], size)


def as_inputs(given: Any) -> Inputs:
    """An array of images as ``Images``; anything else is taken to be ``Inputs`` already."""
    return Images(given) if isinstance(given, np.ndarray) else given


def chunks(inputs: Inputs, size: Size | None = None) -> Iterator[np.ndarray]:
    """All examples in their order, some 64 MB at a time."""
    shape = inputs.shape if size is None else (*size, *inputs.shape[2:])
    step = max(1, _CHUNK_BYTES // max(1, int(np.prod(shape)) * inputs.dtype.itemsize))
    for start in range(0, len(inputs), step):
        yield inputs.read(slice(start, min(start + step, len(inputs))), size)


def evenly(n: int, most: int) -> np.ndarray:
    """At most ``most`` of n rows, evenly spaced, the first and the last among them."""
    return np.unique(np.linspace(0, n - 1, min(most, n)).astype(np.int64)) if n else np.empty(0, np.int64)


def fitted(inputs: Inputs, size: Size, cache: Path | None = None) -> Inputs:
    """Inputs whose pictures have this size: the same where they have, otherwise fitted once, not in every epoch.

    cache: an .npy file that is written, and mapped, where the fitted pictures take over 256 MB; without it they stay in
    memory. A file that is there is taken as it is.
    """
    if not isinstance(inputs, Images | Pictures | Joined | Subset) or (_uniform(inputs) and inputs.shape[:2] == size):
        return inputs
    shape = (len(inputs), *size, inputs.shape[2])
    memory = math.prod(shape) * inputs.dtype.itemsize
    if cache is None or memory <= _IN_MEMORY:
        check_memory(memory, f"{len(inputs):,} images of {size[0]}×{size[1]} pixels")
        return Images(_filled(np.empty(shape, inputs.dtype), inputs, size))
    return mapped(cache) if cache.is_file() else store(inputs, size, cache)


def store(inputs: Inputs, size: Size, file: Path) -> Images:
    """Write inputs, fitted to a size, as an .npy file, by parts and atomically; what is returned is mapped from it."""
    waiting = file.with_name(file.name + ".new")
    shape = (len(inputs), *size, *inputs.shape[2:])
    check_disk(file.parent, math.prod(shape) * inputs.dtype.itemsize, f"the {len(inputs):,} images in their size")
    _filled(np.lib.format.open_memmap(waiting, "w+", inputs.dtype, shape), inputs, size)
    waiting.replace(file)
    return mapped(file)


def mapped(file: Path) -> Images:
    """The inputs in an .npy file, of which only what is read comes into memory."""
    return Images(np.load(file, mmap_mode="r"))


def _uniform(inputs: Inputs) -> bool:
    """Whether every picture has the size of ``shape``."""
    match inputs:
        case Joined():
            return all(_uniform(part) and part.shape == inputs.shape for part in inputs.parts)
        case Subset():
            return _uniform(inputs.inputs)
        case Pictures():
            return set(inputs.sizes) == {inputs.shape[:2]}
    return True


def _filled(target: np.ndarray, inputs: Inputs, size: Size) -> np.ndarray:
    start = 0
    for part in chunks(inputs, size):
        target[start : start + len(part)] = part
        start += len(part)
    return target


def extent(inputs: Inputs) -> tuple[float, float]:
    """The smallest and the largest stored number."""
    ends = [(part.min(), part.max()) for part in chunks(inputs)]
    return float(min(low for low, _ in ends)), float(max(high for _, high in ends))


def own_content(inputs: Inputs) -> Iterator[np.ndarray]:
    """Every picture's own numbers, in order: by chunks where all have one size, otherwise one by one, unfitted."""
    match inputs:
        case Pictures() if not _uniform(inputs):
            for place in range(len(inputs)):
                yield inputs.read_one(place)[None]
        case Joined() if not _uniform(inputs):
            for part in inputs.parts:
                yield from own_content(part)
        case _:
            yield from chunks(inputs)


def to_tensor(stored: Any) -> "Tensor":
    """Stored numbers as a tensor, which shares their memory where torch can: not if they may not be written to."""
    import torch

    if isinstance(stored, np.ndarray):
        shared = stored.flags.writeable and min(stored.strides, default=0) >= 0
        stored = torch.from_numpy(stored if shared else np.array(stored, order="C"))
    return torch.as_tensor(stored)


def _places(rows: np.ndarray | slice, n: int) -> np.ndarray:
    """Row numbers, of a slice or of an array of them or of truth values."""
    if isinstance(rows, slice):
        return np.arange(*rows.indices(n))
    return np.flatnonzero(rows) if rows.dtype == bool else rows
