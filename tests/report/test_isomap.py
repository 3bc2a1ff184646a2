"""Isomap walks along the data, needs few landmarks, and says what its plane keeps."""

import warnings

import numpy as np
import pytest
from sklearn.datasets import make_swiss_roll
from sklearn.manifold import Isomap

from headstart.report.isomap import distances_kept, isomap

ROLL, ALONG = make_swiss_roll(400, random_state=0)
ROLL = ROLL * (1, 0.2, 1)  # a narrow band, so that few points cover it
LENGTH = (ALONG * np.sqrt(1 + ALONG**2) + np.arcsinh(ALONG)) / 2  # of the spiral, in closed form


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    return abs(float(np.corrcoef(a, b)[0, 1]))


def test_with_every_point_a_landmark_it_is_isomap() -> None:
    found = isomap(ROLL, landmarks=len(ROLL), neighbours=8).places
    oracle = Isomap(n_neighbors=8, n_components=2, eigen_solver="dense").fit_transform(ROLL)
    for axis in range(2):
        same, turned = (np.abs(found[:, axis] - sign * oracle[:, axis]).max() for sign in (1, -1))
        assert min(same, turned) < 1e-3 * np.ptp(oracle)


def test_a_tenth_of_the_points_as_landmarks_unroll_a_roll_which_distances_through_the_air_do_not() -> None:
    unrolled = isomap(ROLL, landmarks=40, neighbours=8)
    assert correlation(unrolled.places[:, 0], LENGTH) > 0.98
    assert unrolled.kept > 0.98
    whole = isomap(ROLL, landmarks=40, neighbours=399)
    assert correlation(whole.places[:, 0], LENGTH) < 0.7


def test_the_plane_of_an_unrolled_roll_keeps_the_lengths_along_it() -> None:
    along = np.abs(LENGTH[:, None] - LENGTH[None])
    straight = np.linalg.norm(ROLL[:, None] - ROLL[None], axis=2)
    places = isomap(ROLL, neighbours=8).places
    unrolled = np.linalg.norm(places[:, None] - places[None], axis=2)
    assert distances_kept(along, straight) < 0.5
    assert distances_kept(along, unrolled) > 0.98


def test_points_of_a_plane_come_back_at_their_distances() -> None:
    flat = np.random.default_rng(0).normal(size=(60, 2))
    found = isomap(np.hstack([flat, np.zeros((60, 5))]), landmarks=20, neighbours=59)
    before, after = (np.linalg.norm(z[:, None] - z[None], axis=2) for z in (flat, found.places))
    assert found.kept == pytest.approx(1)
    assert np.abs(before - after).max() < 1e-4


def test_two_far_islands_are_joined_by_their_shortest_bridge() -> None:
    island = np.random.default_rng(0).uniform(size=(30, 2))
    x = np.vstack([island, island + np.array([9, 0])])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        places = isomap(x, landmarks=60, neighbours=5).places
    ends = [np.ptp(side[:, 0]) for side in (places[:30], places[30:])]
    assert abs(places[:30, 0].mean() - places[30:, 0].mean()) > 2 * max(ends)


@pytest.mark.parametrize("x", [np.zeros((12, 3)), np.eye(4), np.arange(5.0)[:, None]])
def test_degenerate_and_tiny_sets_have_a_map(x: np.ndarray) -> None:
    found = isomap(x)
    assert np.isfinite(found.places).all()
    assert found.kept <= 1
