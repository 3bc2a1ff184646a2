"""Every factor of a drawn shape can be measured again in its pixels."""

import colorsys

import numpy as np
import pytest

from headstart.data.drawn_shapes import make_shapes
from headstart.errors import UserError


@pytest.fixture(scope="module")
def shapes():
    return make_shapes(600, seed=1)


@pytest.fixture(scope="module")
def covered(shapes):
    """How much of each pixel the shape covers, recovered from colour and background; (n, h, w)."""
    grey = shapes.factors["background"][:, None, None, None]
    colour = np.array([colorsys.hsv_to_rgb(hue, 0.85 / 0.95, 0.95) for hue in shapes.factors["hue"]])
    step = colour[:, None, None, :] - grey
    return ((shapes.images / 255 - grey) * step).sum(axis=-1) / (step**2).sum(axis=-1)


def polar(shapes):
    rows, columns = np.mgrid[:32, :32]
    x = columns - shapes.factors["x"][:, None, None]
    y = rows - shapes.factors["y"][:, None, None]
    return np.hypot(x, y), np.arctan2(y, x)


def test_it_draws_uint8_colour_images_and_says_so(shapes):
    assert shapes.images.shape == (600, 32, 32, 3)
    assert shapes.images.dtype == np.uint8
    assert shapes.class_names == ("circle", "square", "triangle", "cross")
    assert shapes.source == "shapes (drawn)"
    assert "drawn by a program" in shapes.notes[0]


def test_the_label_is_the_shape(shapes):
    np.testing.assert_array_equal(shapes.labels, shapes.factors["shape"])
    assert np.bincount(shapes.labels).min() > 110


def test_only_the_last_images_are_labelled_when_a_number_is_given():
    some = make_shapes(70, labelled=5, size=16)
    assert some.labelled.tolist() == [65, 66, 67, 68, 69]
    np.testing.assert_array_equal(some.images, make_shapes(70, size=16).images)
    assert (some.ids[64], some.ids[65]) == ("unlabelled/64", "labelled/0")
    assert len(make_shapes(70, labelled=0, size=16).labelled) == 0


def test_fewer_images_are_the_beginning_of_more_and_another_seed_draws_others():
    few, many, other = make_shapes(5, size=16), make_shapes(100, size=16), make_shapes(100, size=16, seed=1)
    np.testing.assert_array_equal(few.images, many.images[:5])
    both = np.concatenate([many.images, other.images]).reshape(200, -1)
    assert len(np.unique(both, axis=0)) == 200


def test_the_area_follows_the_radius_whatever_the_shape(shapes, covered):
    area = covered.sum(axis=(1, 2))
    np.testing.assert_allclose(area, np.pi * shapes.factors["radius"] ** 2, rtol=0.05)


def test_the_centroid_is_where_the_factors_say(shapes, covered):
    rows, columns = np.mgrid[:32, :32]
    area = covered.sum(axis=(1, 2))
    np.testing.assert_allclose((covered * columns).sum(axis=(1, 2)) / area, shapes.factors["x"], atol=0.15)
    np.testing.assert_allclose((covered * rows).sum(axis=(1, 2)) / area, shapes.factors["y"], atol=0.15)


def test_the_middle_has_the_hue_and_the_corner_the_background(shapes):
    row, column = (np.rint(shapes.factors[name]).astype(int) for name in ("y", "x"))
    middle = shapes.images[np.arange(600), row, column]
    hue = np.array([colorsys.rgb_to_hsv(*pixel)[0] for pixel in middle / 255])
    away = np.abs(hue - shapes.factors["hue"])
    assert np.minimum(away, 1 - away).max() < 0.01
    corner = shapes.images[:, 0, 0] / 255
    np.testing.assert_allclose(corner, np.repeat(shapes.factors["background"][:, None], 3, axis=1), atol=1 / 255)


@pytest.mark.parametrize(("name", "repeats", "phase"), [("square", 4, np.pi), ("triangle", 3, np.pi), ("cross", 4, 0)])
def test_the_rotation_is_the_phase_of_an_angular_moment(shapes, covered, name, repeats, phase):
    of_kind = shapes.labels == shapes.class_names.index(name)
    distance, turn = polar(shapes)
    ink = np.where(covered > 0.02, covered, 0)  # rounding far away would weigh more than the shape
    moment = (ink * distance**repeats * np.exp(1j * repeats * turn)).sum(axis=(1, 2))[of_kind]
    expected = np.exp(1j * (repeats * shapes.factors["rotation"][of_kind] + phase))
    assert np.abs(np.angle(moment / expected)).max() / repeats < 0.1


def test_edges_are_smooth(covered):
    partly = (covered > 0.05) & (covered < 0.95)
    assert (partly.sum(axis=(1, 2)) > 8).all()


def test_factors_are_drawn_independently():
    factors = make_shapes(3000, size=16).factors
    correlation = np.corrcoef(np.stack([factors[name].astype(float) for name in factors]))
    assert np.abs(correlation - np.eye(len(factors))).max() < 4 / np.sqrt(3000)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [({"n": 0}, "at least one image"), ({"n": 4, "labelled": 5}, "labelled=5 of n=4"), ({"size": 8}, "size=8")],
)
def test_a_request_that_cannot_be_drawn_is_refused_in_one_line(wrong, said):
    with pytest.raises(UserError, match=said) as refused:
        make_shapes(**wrong)
    assert "\n" not in str(refused.value)
