"""Vectors laid out in the plane by Isomap: distances are walked from neighbour to neighbour, to a few landmarks.

Tenenbaum, de Silva, Langford. A global geometric framework for nonlinear dimensionality reduction. Science 290, 2000;
de Silva, Tenenbaum. Global versus local methods in nonlinear dimensionality reduction. NIPS 2002 (landmarks).
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components, dijkstra
from sklearn.metrics import pairwise_distances_argmin_min
from sklearn.neighbors import kneighbors_graph

from headstart.report.plane import NEIGHBOURS

HAIR = 1e-12


class Unfolded(NamedTuple):
    """(n, 2) places; the correlation, at most 1, of walked distances to the landmarks with those in the plane."""

    places: Float[np.ndarray, "n 2"]
    kept: float


def isomap(x: Float[np.ndarray, "n d"], *, landmarks: int = 300, neighbours: int = NEIGHBOURS) -> Unfolded:
    """Places whose distances are as near as a plane allows to those walked over the graph of nearest neighbours.

    Walks begin at the landmarks only, drawn by a fixed seed, so that time and memory grow with n times their number;
    with n landmarks it is Isomap itself. Pieces of the graph are joined by their shortest bridges.

    Args:
        x: n > 2 vectors.
        landmarks: How many, at most n.
        neighbours: Of each vector in the graph.
    """
    marks = np.random.default_rng(0).permutation(len(x))[:landmarks]
    walked = dijkstra(_graph(x, min(neighbours, len(x) - 1)), directed=False, indices=marks)
    places = _triangulated(walked, marks)
    straight = np.linalg.norm(places[marks, None] - places[None], axis=2)
    return Unfolded(places.astype(np.float32), distances_kept(walked, straight))


def distances_kept(there: Float[np.ndarray, "m n"], here: Float[np.ndarray, "m n"]) -> float:
    """The correlation of distances with those of the same points in a plane; 0 where all are equal."""
    spread = there.std() * here.std()
    return min(1.0, float(((there - there.mean()) * (here - here.mean())).mean() / spread)) if spread > 0 else 0.0


def _graph(x: np.ndarray, neighbours: int) -> csr_matrix:
    """Each vector joined to its nearest, in one piece. Vectors that coincide stay a hair apart, as 0 says "no edge"."""
    graph = kneighbors_graph(x, neighbours, mode="distance")
    graph.data = np.maximum(graph.data, HAIR)
    while True:
        count, piece = connected_components(graph, directed=False)
        if count == 1:
            return graph
        graph = graph + _bridge(x, np.flatnonzero(piece == 0), np.flatnonzero(piece != 0))


def _bridge(x: np.ndarray, here: Int[np.ndarray, " i"], there: Int[np.ndarray, " j"]) -> csr_matrix:
    """The one edge that joins the two sides where they are nearest."""
    nearest, gap = pairwise_distances_argmin_min(x[here], x[there])
    i = int(gap.argmin())
    return csr_matrix(([max(gap[i], HAIR)], ([here[i]], [there[nearest[i]]])), shape=(len(x), len(x)))


def _triangulated(walked: Float[np.ndarray, "m n"], marks: Int[np.ndarray, " m"]) -> Float[np.ndarray, "n 2"]:
    """Classical scaling of the landmarks, and everything else where its distances to them say (2002, section 2.2)."""
    squared = walked**2
    among = squared[:, marks]
    centred = -0.5 * (among - among.mean(0) - among.mean(1, keepdims=True) + among.mean())
    values, axes = np.linalg.eigh(centred)
    values, axes = values[:-3:-1], axes[:, :-3:-1]
    axes = axes * np.sign(axes[np.abs(axes).argmax(0), [0, 1]])
    away = squared - among.mean(1, keepdims=True)
    real = values > HAIR * max(values[0], HAIR)
    return -0.5 * away.T @ np.where(real, axes / np.sqrt(np.where(real, values, 1)), 0)
