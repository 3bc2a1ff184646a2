"""Heads classify vectors, are tuned on training labels only, and predict the same after a stay on disk."""

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, balanced_accuracy_score, log_loss
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_info, threadpool_limits

from headstart.errors import UserError
from headstart.reuse.heads import (
    GRIDS,
    INNER_FOLDS,
    LIMITS,
    Head,
    _chosen,
    _fitted,
    _Scale,
    inner_folds,
    restore,
    store,
)

H, Y = load_digits(return_X_y=True)
CHOSEN = np.flatnonzero(Y < 4)[:120]
H, Y = H[CHOSEN] / 16, Y[CHOSEN]
NAMES = ("0", "1", "2", "3")
TRAIN, TEST = np.arange(60), np.arange(60, 120)
KINDS = [kind for kind in GRIDS if kind != "majority"]


@pytest.fixture(scope="module")
def fitted():
    return {kind: Head(kind).fit(H[TRAIN], Y[TRAIN]) for kind in GRIDS}


@pytest.mark.parametrize("kind", KINDS)
def test_every_head_beats_the_majority_on_digits(fitted, kind):
    assert fitted[kind].score(H[TEST], Y[TEST]) > 0.8 > 2 * fitted["majority"].score(H[TEST], Y[TEST])


@pytest.mark.parametrize("kind", list(GRIDS))
def test_a_stored_head_predicts_as_the_fitted_one(fitted, kind):
    stored = store(fitted[kind], H[TRAIN], Y[TRAIN], class_names=NAMES)
    again = restore(stored)
    exact = 1e-6 if kind == "probe" else 1e-4  # the others are fitted anew on float32 vectors
    assert np.allclose(again.predict_proba(H[TEST]), fitted[kind].predict_proba(H[TEST]), atol=exact)


def test_a_probe_of_two_classes_is_stored_exactly_too():
    two = TRAIN[Y[TRAIN] < 2]
    head = Head("probe").fit(H[two], Y[two])
    stored = store(head, H[two], Y[two], class_names=NAMES)
    assert np.allclose(restore(stored).predict_proba(H), head.predict_proba(H), atol=1e-6)


@pytest.mark.parametrize("kind", list(GRIDS))
def test_probabilities_are_probabilities_and_the_prediction_is_the_greatest(fitted, kind):
    p = fitted[kind].predict_proba(H[TEST])
    assert np.allclose(p.sum(1), 1)
    assert p.min() >= 0
    assert np.array_equal(fitted[kind].predict(H[TEST]), fitted[kind].classes_[p.argmax(1)])


def test_a_probe_is_fitted_on_one_thread_and_gives_the_others_back(monkeypatch):
    seen = set()
    monkeypatch.setattr(
        "headstart.reuse.heads._fitted",
        lambda *a: (seen.update(pool["num_threads"] for pool in threadpool_info()), _fitted(*a))[1],
    )
    x, y = load_digits(return_X_y=True)
    with threadpool_limits(2):
        Head().fit(x[:60], (y[:60] > 4).astype(int))
        after = {pool["num_threads"] for pool in threadpool_info()}
    assert seen == {1}
    assert after == {2}


def test_rotating_onto_the_images_span_changes_nothing_of_a_probe():
    few = TRAIN[:30]  # fewer than the 64 numbers of a vector
    plain = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=5000, tol=1e-8))
    turned = make_pipeline(
        StandardScaler(), PCA(29, svd_solver="full"), LogisticRegression(C=0.1, max_iter=5000, tol=1e-8)
    )
    a, b = (m.fit(H[few], Y[few]).predict_proba(H[TEST]) for m in (plain, turned))
    assert np.allclose(a, b, atol=1e-4)


def test_every_grid_has_six_candidates():
    assert {len(grid) for kind, grid in GRIDS.items() if kind != "majority"} == {6}


def test_groups_never_straddle_inner_folds():
    y, groups = np.arange(60) % 2, np.arange(60) // 4
    folds = inner_folds(y, groups, seed=0)
    assert len(folds) > 1
    for train, test in folds:
        assert not set(groups[train]) & set(groups[test])
        assert len(train) + len(test) == 60


def test_there_are_as_many_inner_folds_as_the_smallest_class_has_labels_and_none_for_one():
    assert len(inner_folds(np.arange(60) % 2, None, 0)) == INNER_FOLDS
    assert len(inner_folds(np.array([0] * 9 + [1] * 3), None, 0)) == 3
    assert inner_folds(np.array([0] * 9 + [1]), None, 0) == []


def test_where_nothing_can_be_held_out_the_third_candidate_is_taken_and_the_selection_is_chance():
    rows = [int(np.flatnonzero(k == Y)[0]) for k in range(4)]
    head = Head("knn").fit(H[rows], Y[rows])
    assert head.best_ == GRIDS["knn"][2]
    assert head.selection_ == 0.25
    assert np.array_equal(head.predict(H[rows]), Y[rows])


def test_the_selection_score_of_shuffled_labels_is_about_chance():
    shuffled = np.random.default_rng(0).permutation(Y)
    assert Head("probe").fit(H, shuffled).selection_ < 0.45 < Head("probe").fit(H, Y).selection_


def test_a_probe_takes_the_likeliest_candidate_within_a_standard_error_of_the_best_score():
    scores = np.array([[0.5, 0.6], [0.7, 0.9], [0.65, 0.8], [0.75, 0.75]])
    likelihoods = np.array([[-0.1, -0.1], [-0.9, -0.9], [-0.3, -0.3], [-0.5, -0.5]])
    assert _chosen(scores, likelihoods) == 2  # the best is 1, 0.1 its standard error; 0 lies beyond
    assert _chosen(scores, np.zeros((4, 2))) == 1


def test_likelihoods_are_those_of_held_out_labels():
    few = np.arange(0, len(Y), 3)
    _, found = Head("probe").fit(H[few], Y[few])._inner(H[few], Y[few], None, GRIDS["probe"])
    for j, (train, test) in enumerate(inner_folds(Y[few], None, 0)):
        model = make_pipeline(StandardScaler(), LogisticRegression(C=GRIDS["probe"][3]["c"], max_iter=1000))
        given = model.fit(H[few][train], Y[few][train]).predict_proba(H[few][test])
        assert found[3, j] == pytest.approx(-log_loss(Y[few][test], given), abs=1e-3)


def test_an_image_that_a_probe_holds_for_impossible_does_not_undo_the_choice():
    y = np.arange(40) % 2
    h = np.random.default_rng(0).normal(size=(40, 2)) + 2 * y[:, None]
    h[0] = 1e9  # of class 0, far beyond class 1: its probability is 0 where it is held out
    _, likelihoods = Head("probe").fit(h, y)._inner(h, y, None, GRIDS["probe"])
    assert np.isfinite(likelihoods).all()


def test_beyond_its_limit_a_kernel_takes_the_classes_in_their_proportion(monkeypatch):
    monkeypatch.setitem(LIMITS, "svm", 40)
    y = np.repeat([0, 1, 2], [90, 24, 6])
    kept, labels, groups = Head("svm")._limited(np.arange(120.0)[:, None], y, np.arange(120))
    rows = kept[:, 0].astype(int)
    assert len(set(rows)) == 40
    assert np.array_equal(labels, y[rows])
    assert np.array_equal(groups, rows)
    assert np.abs(np.bincount(labels) - np.array([30, 8, 2])).max() <= 1


@pytest.mark.parametrize("metric", ["accuracy", "balanced_accuracy"])
def test_the_selection_is_the_best_mean_score_of_labels_held_out_by_the_metric_asked_for(metric):
    rows = np.concatenate([np.flatnonzero(Y == 0), np.flatnonzero(Y == 1)[:8], np.flatnonzero(Y == 2)[:8]])
    h, y = H[rows] + np.random.default_rng(0).normal(0, 0.8, (len(rows), H.shape[1])), Y[rows]
    right = {"accuracy": accuracy_score, "balanced_accuracy": balanced_accuracy_score}
    found = {name: [] for name in right}
    for candidate in GRIDS["knn"]:
        model = KNeighborsClassifier(candidate["k"], weights="distance")
        said = [(y[b], model.fit(h[a], y[a]).predict(h[b])) for a, b in inner_folds(y, None, 0)]
        for name, score in right.items():
            found[name].append(np.mean([score(*pair) for pair in said]))
    head = Head("knn", metric=metric).fit(h, y)
    assert head.selection_ == pytest.approx(max(found[metric]))
    assert head.best_ == GRIDS["knn"][int(np.argmax(found[metric]))]
    assert max(found["accuracy"]) > max(found["balanced_accuracy"]) + 0.05


def test_a_head_that_remembers_copies_gains_nothing_by_it_where_they_are_grouped():
    rng = np.random.default_rng(0)
    h, y = np.repeat(rng.normal(size=(40, 5)), 8, axis=0), np.repeat(rng.permutation(np.arange(40) % 2), 8)
    assert Head("knn").fit(h, y).selection_ == 1.0
    assert Head("knn").fit(h, y, np.arange(320) // 8).selection_ < 0.75


def test_the_chosen_candidate_is_fitted_on_every_label():
    rng = np.random.default_rng(0)
    h, y = np.eye(40), rng.permutation(np.arange(40) % 2)  # nothing but memory helps
    assert Head("knn").fit(h, y).score(h, y) == 1.0


def test_a_kernels_width_is_measured_by_pairs_whose_squared_distance_is_two_on_average():
    h = np.random.default_rng(0).normal(3, [0.1, 5, 40], (200, 3))
    scaled = _Scale().fit_transform(h)
    pairs = np.square(scaled[:, None] - scaled).sum(2)
    assert pairs.mean() == pytest.approx(2)


def test_an_unknown_head_is_answered_by_the_nearest():
    with pytest.raises(UserError, match="did you mean 'probe'"):
        Head("prob").fit(H, Y)
