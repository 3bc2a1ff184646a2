"""Uncertainty: variances against formulas by hand, and intervals and tests against truths that are put in."""

import numpy as np
import pytest
from scipy.stats import binomtest
from scipy.stats import t as student

from headstart.errors import UserError
from headstart.evaluation.influence import influence, step
from headstart.evaluation.uncertainty import (
    Design,
    Estimate,
    check_encoders,
    estimate,
    image_variance,
    label_variance,
    mutual_variance,
)

ONE_CLASS = np.zeros(400, int)


def design(draws=1, folds=4, y=ONE_CLASS, share=0.02, groups=None, rng=None):
    """Folds dealt anew in every draw; models learned a share of the images each, drawn at random."""
    rng = rng or np.random.default_rng(0)
    n, models = len(y), draws * folds
    tests = np.stack([d * folds + rng.permutation(np.arange(n) % folds) for d in range(draws)])
    trained = np.stack([rng.permutation(n) < round(share * n) for _ in range(models)])
    return Design(tests, trained, y, groups, share)


def values_of(made, rng, *, images=0.3, labels=0.0, chance=0.3, teaches=0.0):
    """(1, d, n) an image's own value, its model's, by the labels that it learned, and chance.

    labels: the deviation of the models' values. teaches: how much of its labels' own values a model's value is.
    """
    own, teaching = rng.normal(0, images, len(made.y)), rng.normal(size=len(made.y))
    learned = made.trained.sum(1)
    model = labels * (made.trained @ teaching) / learned**0.5 + teaches * (made.trained @ own) / learned
    return (own + model[made.models] + rng.normal(0, chance, made.models.shape))[None]


# Between images


def test_the_variance_of_accuracy_is_that_of_a_stratified_sample():
    # 30 images of which 24 are right, 10 of which 5: (n_c/n)² s_c²/n_c with s² = n p (1 - p) / (n - 1).
    y = np.repeat([0, 1], [30, 10])
    right = np.concatenate([np.arange(30) < 24, np.arange(10) < 5]).astype(float)
    by_hand = 0.75**2 * (30 * 0.8 * 0.2 / 29) / 30 + 0.25**2 * (10 * 0.25 / 9) / 10
    found = image_variance(right, y, step=0.0)
    assert found.value == pytest.approx(by_hand)
    parts = np.array([0.75**2 * (4.8 / 29) / 30, 0.25**2 * (2.5 / 9) / 10])
    assert found.freedom == pytest.approx(parts.sum() ** 2 / (parts[0] ** 2 / 29 + parts[1] ** 2 / 9))


def test_the_variance_of_balanced_accuracy_weighs_the_classes_alike():
    y = np.repeat([0, 1], [30, 10])
    said = np.concatenate([np.arange(30) >= 24, np.arange(10) < 5]).astype(int)
    values = influence("balanced_accuracy", y, said, np.arange(2))
    by_hand = (30 * 0.8 * 0.2 / 29) / 30 / 4 + (10 * 0.25 / 9) / 10 / 4
    assert image_variance(values, y, step=0.0).value == pytest.approx(by_hand)


def test_classes_that_differ_add_no_variance():
    values, y = np.random.default_rng(0).normal(size=40), np.repeat([0, 1], 20)
    assert image_variance(values + 5 * y, y).value == pytest.approx(image_variance(values, y).value)


def test_two_more_images_are_counted_a_step_from_the_mean_and_shared_between_the_classes():
    # Each of two classes of 20 gets one image, whose square is step²: 2 · 1 · 20/19 / 40².
    y = np.repeat([0, 1], 20)
    assert image_variance(np.ones(40), y).value == pytest.approx(2 * 20 / 19 / 40**2)
    assert image_variance(np.ones(40), y, step=2.0).value == pytest.approx(4 * 2 * 20 / 19 / 40**2)


def test_an_image_copied_within_its_group_counts_once():
    values = np.random.default_rng(0).normal(size=50)
    copied = image_variance(np.repeat(values, 4), np.zeros(200, int), np.repeat(np.arange(50), 4), step=0.0)
    alone = image_variance(values, np.zeros(50, int), step=0.0)
    assert (copied.value, copied.freedom) == (pytest.approx(alone.value), alone.freedom)
    apart = image_variance(np.repeat(values, 4), np.zeros(200, int), step=0.0)
    assert copied.value > 3.9 * apart.value


def test_a_group_of_several_classes_is_one_unit():
    rng = np.random.default_rng(0)
    groups, y = np.repeat(np.arange(40), 6), np.tile([0, 0, 0, 1, 1, 2], 40)
    found, means = [], []
    for _ in range(400):
        values = rng.normal(0, 0.3, 40)[groups] + rng.normal(0, 0.3, 240) + y
        found.append(image_variance(values, y, groups, step=0.0).value)
        means.append(values.mean())
    assert np.mean(found) == pytest.approx(np.var(means), rel=0.15)


def test_all_of_81_images_right_is_about_as_uncertain_as_the_exact_binomial_bound():
    y = np.repeat([0, 1, 2], 27)
    found = estimate(np.ones((1, 1, 81)), design(y=y), step=step("balanced_accuracy", y))
    exact = 0.025 ** (1 / 81)  # Clopper and Pearson's lower end when all of 81 are right
    assert found.mean == 1.0
    assert abs((1 - found.low) / (1 - exact) - 1) < 0.25


def test_testing_again_does_not_make_more_images():
    rng = np.random.default_rng(0)
    right = (rng.random(400) < 0.7).astype(float)
    once = estimate(right[None, None], design(share=0.75))
    five = estimate(np.tile(right, (1, 5, 1)), design(5, share=0.75))
    assert five == once


def test_what_repeats_disagree_on_is_averaged_before_images_are_compared():
    # Of 400 means over five repeats; and 0.75/2 of the variance between repeats, as images teach each other.
    rng = np.random.default_rng(0)
    values = (rng.random((1, 5, 400)) < 0.7).astype(float)
    found = estimate(values, design(5, share=0.75), step=0.0)
    variance = values[0].mean(0).var(ddof=1) / 400 + 0.75 / 2 * values[0].var(0, ddof=1).mean() / 400
    by_hand = student.interval(0.95, 399, values.mean(), variance**0.5)
    assert (found.low, found.high) == pytest.approx(by_hand)


@pytest.mark.parametrize("alike", [True, False])
def test_images_that_teach_each_other_add_twice_what_is_counted_where_they_do_it_alike_and_else_nothing(alike):
    # What j changes for i, i changes for j: a sum over all pairs counts each change twice, its variance four times.
    rng = np.random.default_rng(3)
    n, share, means, alone, more = 60, 0.1, [], [], []
    for _ in range(300):
        change = rng.normal(size=(n, n))
        if alike:
            change = np.triu(change, 1)
            change = change + change.T
        learned = rng.random((40, n, n)) < share  # by the model that tested i in a draw
        values = np.where(learned, change, 0).sum(2)
        means.append(values.mean())
        alone.append(image_variance(values.mean(0), np.zeros(n, int), step=0.0).value)
        more.append(mutual_variance(values, share))
    truth = np.mean(alone) + (2 * np.mean(more) if alike else 0)
    assert np.var(means) == pytest.approx(truth, rel=0.15)
    assert np.mean(more) == pytest.approx(np.mean(alone) / 2, rel=0.3)


def test_images_tested_once_tell_nothing_of_what_they_teach():
    assert mutual_variance(np.random.default_rng(0).normal(size=(1, 50)), 0.75) == 0


# Between draws of labels


def test_where_fresh_labels_change_nothing_nothing_is_found():
    rng = np.random.default_rng(0)
    found = []
    for _ in range(200):
        made = design(5, rng=rng)
        found.append(label_variance(values_of(made, rng)[0], made, 0.3**2 / 400).value)
    assert np.median(found) < 0.05 * 0.3**2 / 400
    assert np.mean(found) < 0.2 * 0.3**2 / 400


def recovered(draws, share, labels=0.1):
    """The mean over studies of the component between draws, as a multiple of σ²; the covariance is left out."""
    rng = np.random.default_rng(1)
    found = []
    for _ in range(200):
        made = design(draws, share=share, rng=rng)
        apart = Design(made.models, np.zeros_like(made.trained), made.y, None, share)
        found.append(label_variance(values_of(made, rng, labels=labels)[0], apart, 1.0).value)
    return np.mean(found) / labels**2


def test_the_variance_between_models_is_found_and_divided_by_their_number():
    # 20 and 8 models that have 2 % of their labels in common.
    assert recovered(5, 0.02) == pytest.approx(0.02 + 0.98 / 20, rel=0.1)
    assert recovered(2, 0.02) == pytest.approx(0.02 + 0.98 / 8, rel=0.1)


def test_what_models_have_in_common_by_shared_labels_does_not_average_out():
    assert recovered(5, 0.2) == pytest.approx(0.2 + 0.8 / 20, rel=0.1)


@pytest.mark.parametrize(("alike", "of_groups"), [(1.0, 1.0), (0.0, 0.0)])
def test_models_that_share_groups_share_labels_as_far_as_images_of_a_group_are_alike(alike, of_groups):
    # 20 models of 2 % of the labels, but 20 % of the groups.
    rng, ratios, groups = np.random.default_rng(1), [], np.arange(400) // 10
    for _ in range(20):
        apart = design(5, rng=rng)
        apart = Design(apart.models, np.zeros_like(apart.trained), apart.y, None, 0.02)
        bound = Design(apart.models, apart.trained, apart.y, groups, 0.02, 0.2)
        own = rng.normal(size=40)[groups] * alike + rng.normal(size=400) * (1 - alike)
        values = own + 0.05 * rng.normal(size=20)[apart.models]
        ratios.append(label_variance(values, bound, 1.0).value / label_variance(values, apart, 1.0).value)
    expected = ((0.2 + 0.8 / 20) / 0.8) / ((0.02 + 0.98 / 20) / 0.98) if of_groups else 1.0
    assert np.median(ratios) == pytest.approx(expected, rel=0.05)


def test_models_that_share_most_groups_tell_nothing_of_fresh_labels():
    values, made = np.random.default_rng(0).normal(size=(1, 5, 400)), design(5)
    groups = np.arange(400) // 10
    for group_share, about in ((0.25, "labels"), (0.26, "models")):
        bound = Design(made.models, made.trained, made.y, groups, 0.02, group_share)
        assert estimate(values, bound).about == about


def together(teaches, images=1.0, share=0.05):
    """The mean covariance term over studies in which a model gains as many times its labels' mean value, and least."""
    rng = np.random.default_rng(2)
    found = []
    for _ in range(300):
        made = design(4, share=share, rng=rng)
        values = values_of(made, rng, labels=0.05, teaches=teaches)[0]
        apart = Design(made.models, np.zeros_like(made.trained), made.y, None, share)
        gained = label_variance(values, made, images).value - label_variance(values, apart, images).value
        found.append(gained)
    return np.mean(found), np.min(found)


def test_easy_samples_that_teach_well_add_twice_their_covariance():
    # A model learned from 20 of 400 images whose values vary by 0.3²; Cov(model, mean of its 20) = teaches · 0.3²/20.
    mean, _ = together(teaches=2.0)
    assert mean == pytest.approx(2 * 0.05 * 2.0 * 0.3**2 / 20, rel=0.25)


def test_hard_samples_that_teach_well_take_nothing_off():
    mean, least = together(teaches=-2.0)
    assert least == 0
    assert mean < 0.05 * together(teaches=2.0)[0]


def test_the_covariance_is_no_larger_than_two_variances_allow():
    assert together(teaches=2.0, images=0.0) == (0.0, 0.0)


# Between encoders, and all together


def test_the_mean_of_four_encoders_that_alone_differ_has_students_interval_over_them():
    means = np.array([0.80, 0.84, 0.82, 0.90])
    found = estimate(np.broadcast_to(means[:, None, None], (4, 1, 400)), design(share=0.75), step=0.0)
    by_hand = student.interval(0.95, 3, means.mean(), means.std(ddof=1) / 2)
    assert (found.mean, found.low, found.high) == pytest.approx((0.84, *by_hand))
    assert found.about == "encoders"


@pytest.mark.parametrize(
    ("encoders", "draws", "share", "about"),
    [
        (1, 1, 0.75, "models"), (1, 5, 0.75, "models"), (1, 5, 0.26, "models"), (1, 1, 0.02, "models"),
        (1, 2, 0.25, "labels"), (1, 5, 0.02, "labels"), (3, 2, 0.02, "labels"), (3, 1, 0.75, "models"),
        (4, 1, 0.75, "encoders"), (4, 2, 0.02, "labels and encoders"),
    ],
)  # fmt: skip
def test_an_estimate_says_what_beside_the_images_is_drawn(encoders, draws, share, about):
    values = np.random.default_rng(0).normal(size=(encoders, draws, 400))
    assert estimate(values, design(draws, share=share)).about == about


@pytest.mark.parametrize("encoders", [2, 3])
def test_from_two_or_three_encoders_it_cannot_be_told_what_a_seed_changes(encoders):
    with pytest.raises(UserError, match=f"--encoders {encoders}: wanted 1, or at least 4"):
        check_encoders(encoders)
    for allowed in (1, 4, 9):
        check_encoders(allowed)


def test_no_encoder_at_all_is_refused():
    for few in (0, -4):
        with pytest.raises(UserError, match="wanted 1, or at least 4"):
            check_encoders(few)


def test_an_approach_does_not_differ_from_itself():
    found = estimate(np.zeros((1, 2, 400)), design(2))
    assert (found.mean, found.p) == (0.0, 1.0)
    assert found.low == -found.high < 0, "that two agree on 400 images does not prove that they always will"


def test_a_difference_turns_its_sign_with_its_sides():
    values = np.random.default_rng(0).normal(0.02, 0.3, (4, 2, 400))
    forth, back = estimate(values, design(2)), estimate(-values, design(2))
    assert back == Estimate(-forth.mean, -forth.high, -forth.low, forth.p, forth.about)


def test_the_interval_excludes_zero_exactly_when_p_is_below_five_percent():
    rng = np.random.default_rng(0)
    found = []
    for _ in range(200):
        made = design(2, y=np.arange(100) % 3, rng=rng)
        gap = estimate(rng.normal(0.04, 0.3, (1, 2, 100)), made)
        found.append(gap.p < 0.05)
        assert found[-1] == (gap.low > 0 or gap.high < 0)
    assert 20 < sum(found) < 180


@pytest.mark.parametrize(
    ("draws", "share", "labels", "encoders"),
    [(1, 0.75, 0.0, 0.0), (5, 0.05, 0.0, 0.0), (5, 0.05, 0.06, 0.0), (2, 0.125, 0.06, 0.0), (5, 0.05, 0.06, 0.03)],
)
def test_of_300_studies_about_95_in_100_hold_the_truth(draws, share, labels, encoders):
    rng = np.random.default_rng(4)
    held = 0
    for _ in range(300):
        made = design(draws, share=share, rng=rng)
        values = values_of(made, rng, labels=labels)
        if encoders:
            values = values + rng.normal(0, encoders, (4, 1, 1)) + rng.normal(0, 0.1, (4, draws, 400))
        found = estimate(values, made, step=0.0)
        held += found.low <= 0 <= found.high
    assert 0.92 <= held / 300 <= 0.98


@pytest.mark.parametrize(("gap", "differ"), [(0.05, 0.24), (0.04, 0.1), (0.03, 0.1)])
def test_a_paired_difference_is_found_about_as_often_as_by_an_exact_test_by_image(gap, differ):
    # McNemar's exact test: of the images that one alone has right, as many on either side. 1,000 images, one draw.
    rng = np.random.default_rng(0)
    better, worse = (differ + gap) / 2, (differ - gap) / 2
    y = np.arange(1000) % 3
    ours, theirs = 0, 0
    for _ in range(400):
        told = rng.choice([1.0, -1.0, 0.0], 1000, p=[better, worse, 1 - better - worse])
        ours += estimate(told[None, None], design(y=y, share=0.75)).p < 0.05
        theirs += binomtest(int((told > 0).sum()), int((told != 0).sum())).pvalue < 0.05
    assert abs(ours - theirs) / 400 < 0.04
    assert theirs > 200
