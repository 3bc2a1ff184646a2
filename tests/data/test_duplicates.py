"""Exact duplicates are found by content alone."""

import time

import numpy as np

from headstart.data.duplicates import duplicate_groups


def test_equal_numbers_are_exactly_the_equal_images():
    images = np.random.default_rng(0).integers(0, 2, (60, 2, 2, 1), np.uint8)
    group = duplicate_groups(images)
    equal = (images[:, None] == images[None]).all(axis=(2, 3, 4))
    np.testing.assert_array_equal(group[:, None] == group[None], equal)


def test_numbers_follow_first_appearance():
    a, b = np.zeros((4, 4, 1), np.uint8), np.ones((4, 4, 1), np.uint8)
    assert duplicate_groups(np.stack([b, a, b, a])).tolist() == [0, 1, 0, 1]


def test_seventy_thousand_images_take_seconds_not_minutes():
    start = time.perf_counter()
    assert duplicate_groups(np.zeros((70_000, 28, 28, 1), np.uint8)).max() == 0
    assert time.perf_counter() - start < 10
