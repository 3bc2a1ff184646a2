"""The map keeps neighbours, and says how many."""

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.model_selection import LeaveOneOut, cross_val_score
from sklearn.neighbors import KNeighborsClassifier

from headstart.report.plane import draw, knn_accuracy, sample, tsne

X, Y = (values[:150] for values in load_digits(return_X_y=True))


def test_the_same_vectors_give_the_same_map() -> None:
    assert (tsne(X[:40]) == tsne(X[:40])).all()


def test_a_map_of_digits_keeps_far_more_neighbours_than_chance() -> None:
    found = draw("pixels", X, Y)
    assert found.kept > 0.4 > 4 * 10 / 149
    assert found.accuracy_in_plane > 0.7


def test_labels_place_nothing() -> None:
    hidden = np.where(np.arange(60) < 30, Y[:60], -1)
    assert (draw("a", X[:60], Y[:60]).places == draw("a", X[:60], hidden).places).all()


def test_knn_accuracy_leaves_each_point_out_of_its_vote() -> None:
    expected = cross_val_score(KNeighborsClassifier(10), X, Y, cv=LeaveOneOut()).mean()
    assert knn_accuracy(X, Y) == pytest.approx(expected, abs=0.03)
    noise = np.random.default_rng(0).normal(size=(200, 3))
    assert knn_accuracy(noise, np.arange(200) % 2) < 0.65


def test_too_few_labels_have_no_accuracy() -> None:
    assert np.isnan(knn_accuracy(X[:2], Y[:2]))


def test_labelled_images_come_before_unlabelled_ones() -> None:
    labels = np.where(np.arange(100) % 4 == 0, 1, -1)
    assert (labels[sample(labels, 25)] == 1).all()
    assert (labels[sample(labels, 40)] == 1).sum() == 25
    assert len(sample(labels, 1000)) == 100


@pytest.mark.parametrize("vectors", [np.zeros((12, 3)), np.eye(13), X[:12]])
def test_degenerate_and_tiny_sets_have_a_map(vectors: np.ndarray) -> None:
    assert np.isfinite(tsne(vectors)).all()
