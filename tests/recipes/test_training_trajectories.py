"""Families of networks are measured in output space, by measures that few networks and many outputs do not fool."""

import joblib
import numpy as np
import pytest

from headstart.recipes import given as data
from headstart.recipes import training_trajectories as recipe
from headstart.recipes.training_trajectories import Plan, apart, laid_out, nearer_to_own, spread, vectors
from headstart.recipes.work import Work


def cloud(seed: int, n: int, centre: float = 0.0, scale: float = 1.0) -> np.ndarray:
    """(n, 400) of a Gaussian whose centre lies at that distance from the origin."""
    return centre / 20 + scale / 20 * np.random.default_rng(seed).normal(size=(n, 400))


def test_the_farthest_that_two_networks_can_be_is_the_root_of_two():
    a, b = np.eye(4)[[0] * 7], np.eye(4)[[1] * 7]
    far = np.linalg.norm(vectors(a[None])[0] - vectors(b[None])[0])
    assert far == pytest.approx(recipe.FARTHEST)


def test_a_vector_s_scale_does_not_depend_on_how_many_images_it_tells_of():
    said = np.random.default_rng(0).dirichlet(np.ones(10), size=(3, 50))
    twice = np.concatenate([said, said], axis=1)
    assert spread(vectors(said)) == pytest.approx(spread(vectors(twice)))


def test_families_of_one_place_are_not_told_apart_though_their_means_differ():
    gaps = [apart(cloud(2 * i, 6), cloud(2 * i + 1, 6)) for i in range(40)]
    raw = [np.linalg.norm(cloud(2 * i, 6).mean(0) - cloud(2 * i + 1, 6).mean(0)) for i in range(40)]
    assert np.mean(raw) > 0.5
    assert np.mean(np.square(gaps)) < 0.05


def test_the_distance_of_two_families_is_that_of_their_centres():
    found = [apart(cloud(2 * i, 6), cloud(2 * i + 1, 6, centre=0.8)) for i in range(40)]
    assert np.mean(found) == pytest.approx(0.8, abs=0.03)


def test_own_family_is_a_coin_s_throw_in_one_place_and_certain_in_two_whichever_is_the_wider():
    throws = [nearer_to_own(cloud(2 * i, 6), cloud(2 * i + 1, 6, scale=2)) for i in range(60)]
    families = np.array(throws).reshape(60, 2, 6).mean((0, 2))
    assert families == pytest.approx(0.5, abs=0.12)
    assert nearer_to_own(cloud(0, 6), cloud(1, 6, centre=1.5, scale=2)).mean() > 0.9


def test_maps_say_what_they_keep():
    times = np.linspace(0, 1, 12)[None, :, None]
    ways = times * np.array([[3.0, 0, 0, 0], [0, 3, 0, 0], [0, 0, 3, 0]])[:, None]
    found = laid_out(ways)
    assert found["tsne"].shape == found["isomap"].shape == (3, 12, 2)
    assert found["isomap_walked"] > 0.9
    assert found["isomap_neighbours"] > 10 / 35


def test_the_recipe_runs_and_counts_networks_as_asked(digits, tmp_path, monkeypatch):
    monkeypatch.setattr(joblib, "cpu_count", lambda: 1)
    monkeypatch.setattr(data, "given", lambda work, source, train: digits)
    monkeypatch.setattr(recipe, "SMALL", Plan(2, 600, 3, 4, told=100, width=20))
    work = Work(tmp_path, True, 0)
    found = recipe.run(work, networks=3)
    assert set(recipe.EXPECTED) <= set(found.metrics)
    assert len(list((tmp_path / "parts").glob("with*-*.npz"))) == 6
    page = "".join(found.sections)
    assert "6 networks" in page
    assert "test error" in page
    assert found.metrics["test_error_gain"] == pytest.approx(
        found.metrics["test_error_without"] - found.metrics["test_error_with"]
    )
