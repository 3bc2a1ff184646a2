"""Your own images from arrays: save them as one .npz file, and see what headstart reads in it."""

from pathlib import Path

import numpy as np

import headstart
from headstart.data.describe import describe

drawn = headstart.make_cells(n_unlabelled=300, n_labelled=60, size=24)
file = Path("runs/example-02.npz")
file.parent.mkdir(exist_ok=True)
np.savez_compressed(
    file,
    unlabelled=drawn.images[drawn.unlabelled],
    labelled=drawn.images[drawn.labelled],
    labels=drawn.labels[drawn.labelled],
    class_names=np.array(drawn.class_names),
)

cells = headstart.load(file)
print(describe(file))

assert (len(cells.unlabelled), len(cells.labelled), cells.size, cells.channels) == (300, 60, (24, 24), 1)
assert cells.class_names == drawn.class_names
assert sorted(set(cells.labels.tolist())) == [-1, 0, 1, 2], "a missing label is -1, never invented"
