"""Vectors laid out in the plane by t-SNE, with a measure of what the plane keeps of them."""

from dataclasses import dataclass
from typing import Any

import numpy as np

NEIGHBOURS = 10
COMPONENTS = 50


@dataclass(frozen=True)
class Map:
    """A plane and how far to believe it: (n, 2) places, k-NN accuracy there and in the full space, neighbours kept."""

    name: str
    places: np.ndarray
    accuracy: float
    accuracy_in_plane: float
    kept: float


def sample(labels: np.ndarray, most: int) -> np.ndarray:
    """At most ``most`` indices, ascending: labelled images first, unlabelled ones in the room that is left."""
    order = np.random.default_rng(0).permutation(len(labels))
    return np.sort(order[np.argsort(labels[order] < 0, kind="stable")][:most])


def draw(name: str, vectors: np.ndarray, labels: np.ndarray) -> Map:
    """Lay (n, d) vectors out in the plane and measure what was kept. Labels (−1 missing) are for measuring only."""
    places = tsne(vectors)
    known = labels >= 0
    return Map(
        name,
        places,
        knn_accuracy(vectors[known], labels[known]),
        knn_accuracy(places[known], labels[known]),
        neighbours_kept(vectors, places),
    )


def tsne(vectors: np.ndarray) -> np.ndarray:
    """(n, d) -> (n, 2): openTSNE on at most 50 principal components; the same vectors give the same map."""
    from openTSNE import TSNE

    components = _components(np.asarray(vectors, np.float64))
    perplexity = max(1, min(30, (len(components) - 1) // 3))
    settings: dict[str, Any] = {"neighbors": "exact", "initialization": _start(components), "n_jobs": 1}
    return np.asarray(TSNE(perplexity=perplexity, random_state=0, **settings).fit(components), np.float32)


def neighbours(x: np.ndarray) -> np.ndarray:
    """(n, d) -> (n, k) each point's nearest others, k = 10 or as many as there are."""
    from sklearn.neighbors import NearestNeighbors

    count = min(NEIGHBOURS, len(x) - 1)
    return NearestNeighbors(n_neighbors=count).fit(x).kneighbors(return_distance=False)


def neighbours_kept(x: np.ndarray, places: np.ndarray) -> float:
    """Share of each vector's nearest others that are among its nearest in the plane, too."""
    pairs = zip(neighbours(x), neighbours(places), strict=True)
    return float(np.mean([len(set(a) & set(b)) / len(a) for a, b in pairs]))


def knn_accuracy(x: np.ndarray, y: np.ndarray) -> float:
    """Share of points whose nearest others vote for their class, each point left out of its own vote."""
    if len(x) < 3:
        return float("nan")
    votes = np.eye(y.max() + 1)[y[neighbours(x)]].sum(1)
    return float((votes.argmax(1) == y).mean())


def _components(x: np.ndarray) -> np.ndarray:
    """The first principal components: sharper neighbours, less noise, less time."""
    from sklearn.utils.extmath import randomized_svd

    centred = x - x.mean(0)
    u, s, _ = randomized_svd(centred, min(COMPONENTS, *x.shape), random_state=0)
    return u * s


def _start(components: np.ndarray) -> np.ndarray:
    """Two principal components at the tiny scale from which t-SNE grows; noise parts points that coincide."""
    start = np.random.default_rng(0).normal(scale=1e-6, size=(len(components), 2))
    width = min(2, components.shape[1])
    start[:, :width] += 1e-4 * components[:, :width] / max(components[:, 0].std(), 1e-12)
    return start
