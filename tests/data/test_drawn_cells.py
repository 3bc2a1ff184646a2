"""The drawn cells are what their factors say, as hard as real ones, and never pass for photographs."""

import numpy as np
import pytest
from scipy.ndimage import map_coordinates
from scipy.stats import ks_2samp, kstest, spearmanr
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.svm import SVC

from headstart.data import drawn_cells
from headstart.data.drawn_cells import make_cells
from headstart.errors import UserError


@pytest.fixture(scope="module")
def usual():
    return make_cells(800, 400, seed=3)


@pytest.fixture(scope="module")
def clean():
    """Noise-free cells without a neighbour, as (images (n, h, w), factors)."""
    cells = make_cells(700, 0, seed=4, noise=0.0)
    alone = cells.factors["neighbours"] == 0
    return cells.images[alone, :, :, 0].astype(float), {name: f[alone] for name, f in cells.factors.items()}


def along_the_plane(images, factors, places):
    """Grey values on the plane of division at these shares of its half length; (n, len(places))."""
    half = factors["radius"] / np.sqrt(factors["elongation"])
    x = factors["x"][:, None] - np.sin(factors["angle"])[:, None] * half[:, None] * places
    y = factors["y"][:, None] + np.cos(factors["angle"])[:, None] * half[:, None] * places
    return np.stack([map_coordinates(image, [y[i], x[i]], order=1) for i, image in enumerate(images)])


def beside_the_plane(images, factors):
    """The cell's interior, halfway between the plane of division and the pole."""
    x = factors["x"] + np.cos(factors["angle"]) * factors["radius"] / 2
    y = factors["y"] + np.sin(factors["angle"]) * factors["radius"] / 2
    return np.array([map_coordinates(image, [[y[i]], [x[i]]], order=1)[0] for i, image in enumerate(images)])


def test_unlabelled_come_first_and_keep_their_stage_in_the_factors_only(usual):
    assert usual.images.shape == (1200, 40, 40, 1)
    assert usual.images.dtype == np.uint8
    assert usual.labelled.tolist() == list(range(800, 1200))
    np.testing.assert_array_equal(usual.labels[usual.labelled], usual.factors["stage"][800:])
    assert (usual.factors["stage"] >= 0).all()
    assert (usual.ids[12], usual.ids[800], usual.ids[-1]) == ("unlabelled/12", "labelled/0", "labelled/399")
    assert {len(values) for values in usual.factors.values()} == {1200}


def test_the_same_seed_draws_the_same_and_another_seed_shares_no_image():
    first, again, other = (make_cells(70, 70, size=16, seed=seed) for seed in (5, 5, 6))
    assert first.content_hash == again.content_hash
    both = np.concatenate([first.images, other.images]).reshape(280, -1)
    assert len(np.unique(both, axis=0)) == 280


def test_fewer_images_are_the_beginning_of_more():
    few, many = make_cells(3, 70, size=16), make_cells(130, 71, size=16)
    np.testing.assert_array_equal(few.images[:3], many.images[:3])
    np.testing.assert_array_equal(few.images[3:], many.images[130:200])
    for name, values in few.factors.items():
        np.testing.assert_array_equal(values[3:], many.factors[name][130:200])


def test_size_and_noise_change_the_picture_and_not_the_cell():
    small, large, clean = make_cells(64, 0, size=20), make_cells(64, 0, size=40), make_cells(64, 0, size=20, noise=0.0)
    for name in ("stage", "fraction", "angle", "elongation", "neighbours"):
        np.testing.assert_array_equal(small.factors[name], large.factors[name])
    np.testing.assert_allclose(2 * small.factors["radius"], large.factors["radius"])
    for name, values in clean.factors.items():
        np.testing.assert_array_equal(values, small.factors[name])
    assert small.content_hash != clean.content_hash


def test_it_says_that_it_is_a_drawing(usual):
    assert usual.source == "cells (drawn)"
    assert usual.notes == ("These images are drawn by a program; they are not photographs of cells.",)
    assert "not photographs" in make_cells.__doc__
    assert "no photograph" in drawn_cells.__doc__


def test_stages_are_as_frequent_as_stated_among_labelled_and_unlabelled(usual):
    for part in (usual.labelled, usual.unlabelled):
        shares = np.bincount(usual.factors["stage"][part]) / len(part)
        np.testing.assert_allclose(shares, [0.45, 0.30, 0.25], atol=3 * np.sqrt(0.25 / len(part)))


def test_labelled_and_unlabelled_look_alike(usual):
    contrast = usual.images.std(axis=(1, 2, 3))
    assert ks_2samp(contrast[usual.labelled], contrast[usual.unlabelled]).pvalue > 0.01


def test_no_image_appears_twice(usual):
    assert len(np.unique(usual.images.reshape(1200, -1), axis=0)) == 1200


def test_cells_lie_in_every_direction(usual):
    assert kstest(usual.factors["angle"] / (2 * np.pi), "uniform").pvalue > 0.01


def test_the_septum_has_grown_as_far_as_its_stage_says(usual):
    stage, fraction = usual.factors["stage"], usual.factors["fraction"]
    assert (fraction[stage == 0] == 0).all()
    assert (fraction[stage == 2] == 1).all()
    forming = fraction[stage == 1]
    assert 0.05 <= forming.min() < 0.1
    assert 0.8 < forming.max() <= 0.85


def test_only_a_complete_septum_makes_the_middle_brighter_than_the_interior(clean):
    images, factors = clean
    ratio = along_the_plane(images, factors, np.array([-0.1, 0, 0.1])).min(axis=1) / beside_the_plane(images, factors)
    assert ratio[factors["stage"] == 2].min() > 1.3
    assert ratio[factors["stage"] == 0].max() < 1.05


def test_the_share_of_the_septum_seen_in_pixels_follows_the_fraction(clean):
    images, factors = clean
    line = along_the_plane(images, factors, np.linspace(-0.7, 0.7, 29))
    dark = beside_the_plane(images, factors)[:, None]
    seen = (line - dark > 0.5 * (line.max(axis=1, keepdims=True) - dark)).mean(axis=1)
    forming = factors["stage"] == 1
    assert spearmanr(seen[forming], factors["fraction"][forming]).statistic > 0.9


def test_a_complete_septum_lies_across_the_angle(clean):
    images, factors = clean
    complete = factors["stage"] == 2
    known = {name: values[complete] for name, values in factors.items()}
    places = np.linspace(-0.5, 0.5, 11)
    across = along_the_plane(images[complete], known, places).mean(axis=1)
    turned = along_the_plane(images[complete], {**known, "angle": known["angle"] + np.pi / 6}, places).mean(axis=1)
    assert (across > turned).all()


def test_centre_and_radius_can_be_measured_in_the_pixels(clean):
    images, factors = clean
    cell = images > 0
    area = cell.sum(axis=(1, 2))
    rows, columns = np.mgrid[:40, :40]
    np.testing.assert_allclose((cell * columns).sum(axis=(1, 2)) / area, factors["x"], atol=0.4)
    np.testing.assert_allclose((cell * rows).sum(axis=(1, 2)) / area, factors["y"], atol=0.4)
    rim = 1.6 - 0.15 * factors["fraction"]  # kept beyond the wall, less what the waist takes
    np.testing.assert_allclose(np.sqrt(area / np.pi) - rim, factors["radius"], atol=0.5)


def test_the_wall_is_as_wide_as_thickness_and_blur_make_it(clean):
    images, factors = clean
    bright = (images > 0.6 * factors["peak"][:, None, None]).sum(axis=(1, 2)) / factors["radius"]
    plain = factors["stage"] == 0
    assert spearmanr(bright[plain], np.hypot(factors["blur"], factors["thickness"])[plain]).statistic > 0.85


def test_only_a_segmentation_blackens_the_background():
    cut, whole = make_cells(128, 0, seed=7), make_cells(128, 0, seed=7, segmented=False)
    assert (cut.images[:, 0, 0] == 0).all()
    assert (whole.images[:, :3, :3].mean(axis=(1, 2, 3)) > 1).all()
    inside = cut.images > 0
    np.testing.assert_array_equal(cut.images[inside], whole.images[inside])


@pytest.mark.parametrize("size", [16, 25, 50])
def test_a_cell_fills_the_same_share_of_every_size(size):
    covered = (make_cells(64, 0, size=size).images > 0).mean()
    assert covered == pytest.approx((make_cells(64, 0, size=40).images > 0).mean(), abs=0.03)


def test_pixel_methods_find_it_about_as_hard_as_real_cells(usual):
    pixels = usual.images[usual.labelled].reshape(400, -1) / 255
    folds = StratifiedKFold(4, shuffle=True, random_state=0)

    def score(model):
        return cross_val_score(
            model, pixels, usual.labels[usual.labelled], cv=folds, scoring="balanced_accuracy"
        ).mean()

    assert 0.6 < score(LogisticRegression(C=0.1, max_iter=300)) < 0.85
    assert 0.75 < score(SVC(C=10, gamma=0.01)) < 0.9


@pytest.mark.real_data
def test_brightness_and_contrast_resemble_the_real_cells(real_data):
    with np.load(real_data / "cells" / "data.npz", allow_pickle=False) as known:
        real = known["labelled"]
    drawn = make_cells(0, 300, size=50).images[..., 0]
    assert drawn.mean() == pytest.approx(real.mean(), rel=0.2)
    assert drawn.std(axis=(1, 2)).mean() == pytest.approx(real.std(axis=(1, 2)).mean(), rel=0.2)
    assert (drawn == 0).mean() == pytest.approx((real == 0).mean(), abs=0.06)
    assert (drawn == 255).mean() == pytest.approx((real == 255).mean(), abs=0.01)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"n_unlabelled": -1}, "n_unlabelled=-1"),
        ({"n_unlabelled": 0, "n_labelled": 0}, "at least one image"),
        ({"size": 15}, "size=15"),
        ({"seed": -2}, "seed=-2"),
        ({"noise": -0.1}, "noise=-0.1"),
        ({"noise": float("nan")}, "noise=nan"),
    ],
)
def test_a_request_that_cannot_be_drawn_is_refused_in_one_line(wrong, said):
    with pytest.raises(UserError, match=said) as refused:
        make_cells(**wrong)
    assert "\n" not in str(refused.value)
