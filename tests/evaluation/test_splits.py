"""Splits keep what belongs together together, give every approach the same images, and nest their budgets."""

import numpy as np
import pytest

from headstart.errors import UserError
from headstart.evaluation.budgets import default_budgets, parse_budgets
from headstart.evaluation.groups import bound_groups
from headstart.evaluation.splits import (
    default_folds,
    default_repeats,
    fold_ratio,
    label_draws,
    make_splits,
    split_hash,
    times_tested,
)

CELLS = np.repeat([0, 1, 2], [40, 23, 18])


def shuffled(labels: np.ndarray, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).permutation(labels)


def official(train: int, test: int) -> np.ndarray:
    return np.array(["train"] * train + ["test"] * test)


@pytest.mark.parametrize("labels", [CELLS, shuffled(CELLS), np.arange(400) % 7, np.repeat([0, 3], [4, 90])])
def test_every_row_is_tested_once_a_repeat_and_classes_are_spread_within_one_image(labels):
    splits = make_splits(labels, folds=4, repeats=3, seed=1)
    assert len(splits) == 12
    for repeat in range(3):
        tests = [split.test for split in splits[4 * repeat : 4 * repeat + 4]]
        assert np.array_equal(np.sort(np.concatenate(tests)), np.arange(len(labels)))
        sizes = [len(test) for test in tests]
        assert max(sizes) - min(sizes) <= 1
        for kind in np.unique(labels):
            counts = [(labels[test] == kind).sum() for test in tests]
            assert max(counts) - min(counts) <= 1


def test_a_split_is_two_disjoint_halves_of_everything_and_its_order_is_a_permutation_of_the_pool():
    for split in make_splits(CELLS, folds=5, repeats=2, seed=0):
        assert np.array_equal(np.sort(np.concatenate([split.train, split.test])), np.arange(81))
        assert np.array_equal(np.sort(split.order), split.train)


def test_the_seed_decides_the_splits_and_more_repeats_leave_the_earlier_ones_alone():
    one = make_splits(CELLS, folds=4, repeats=1, seed=0)
    three = make_splits(CELLS, folds=4, repeats=3, seed=0)
    other = make_splits(CELLS, folds=4, repeats=1, seed=1)
    assert split_hash(one) == split_hash(three[:4]) != split_hash(other)
    assert not np.array_equal(three[0].test, three[4].test)


def test_the_hash_sees_the_order_of_the_budgets_and_where_one_part_ends():
    split = make_splits(CELLS, folds=4, repeats=1, seed=0)[0]
    turned = type(split)(split.train, split.test, split.order[::-1])
    moved = type(split)(split.train[:-1], np.append(split.train[-1:], split.test), split.order)
    assert len({split_hash([split]), split_hash([turned]), split_hash([moved])}) == 3


def test_renaming_the_classes_changes_no_split():
    labels = shuffled(CELLS)
    mine = make_splits(labels, folds=4, repeats=2, seed=0)
    theirs = make_splits(labels * 10 + 3, folds=4, repeats=2, seed=0)
    assert split_hash(mine) == split_hash(theirs)


def test_budgets_give_each_class_its_number_and_every_larger_budget_contains_the_smaller():
    labels = shuffled(CELLS)
    for split in make_splits(labels, folds=4, repeats=2, seed=0):
        small, large, every = (split.budget(labels, b) for b in (2, 10, "all"))
        assert np.bincount(labels[small]).tolist() == [2, 2, 2]
        assert np.bincount(labels[large]).tolist() == [10, 10, 10]
        assert set(small) < set(large) < set(every) == set(split.train)


def test_a_budget_is_the_first_of_each_class_in_the_splits_order():
    labels = shuffled(CELLS)
    for split in make_splits(labels, folds=4, repeats=2, seed=0):
        assert not np.array_equal(split.order, split.train)
        for b in (1, 3, 10):
            first = [i for kind in range(3) for i in [i for i in split.order if labels[i] == kind][:b]]
            assert [i for i in split.order if i in first] == split.budget(labels, b).tolist()


@pytest.mark.parametrize("seed", range(8))
def test_no_random_group_straddles_a_split_and_folds_stay_balanced(seed):
    rng = np.random.default_rng(seed)
    labels, groups = rng.integers(0, 3, 150), rng.integers(0, 40, 150)
    splits = make_splits(labels, folds=4, repeats=2, seed=seed, groups=groups)
    for split in splits:
        assert not set(groups[split.train]) & set(groups[split.test])
        assert 0.6 * 150 / 4 < len(split.test) < 1.5 * 150 / 4
        assert set(labels[split.test]) == {0, 1, 2}
    assert set(splits[0].test) not in [set(split.test) for split in splits[4:]]


def test_singleton_groups_are_dealt_as_evenly_as_no_groups():
    splits = make_splits(CELLS, folds=4, repeats=1, seed=0, groups=np.arange(81))
    for kind in range(3):
        counts = [(CELLS[split.test] == kind).sum() for split in splits]
        assert max(counts) - min(counts) <= 1


def test_a_class_in_two_groups_is_absent_from_some_tests_but_from_no_training_pool():
    labels = np.repeat([0, 1], [40, 10])
    groups = np.append(np.arange(40), np.repeat([50, 51], 5))
    splits = make_splits(labels, folds=4, repeats=1, seed=0, groups=groups)
    assert all(set(labels[split.train]) == {0, 1} for split in splits)
    assert sum(1 in labels[split.test] for split in splits) == 2


def test_groups_that_would_leave_a_training_pool_without_a_class_are_refused():
    labels = np.repeat([0, 1, 2, 3], 20)
    groups = np.repeat([0, 4, 1, 4, 2, 4, 3, 4], [19, 1, 18, 2, 18, 2, 18, 2])
    # The last group is placed last, where it shares least: with the first, so that one fold holds all of class 0.
    with pytest.raises(UserError, match="5 groups leave one of 4 training folds without a class"):
        make_splits(labels, folds=4, repeats=1, seed=0, groups=groups)


def test_duplicates_join_the_groups_they_link():
    groups = np.array([7, 7, 9, 9, -1, -1, -1])
    duplicates = np.array([-1, 3, 3, -1, 5, 5, -1])
    merged = bound_groups(groups, duplicates)
    assert merged is not None
    same = merged[:, None] == merged
    expected = np.zeros((7, 7), dtype=bool)
    for members in ([0, 1, 2, 3], [4, 5], [6]):
        expected[np.ix_(members, members)] = True
    assert np.array_equal(same, expected)


def test_rows_bound_to_nothing_have_no_groups():
    assert bound_groups(None, np.arange(5)) is None
    assert bound_groups(np.array([-1, -1, 4]), np.full(3, -1)) is None


def test_an_official_test_set_is_cut_into_disjoint_parts_and_all_of_the_training_set_is_the_pool():
    labels = np.append(np.arange(60) % 3, np.arange(40) % 3)
    splits = make_splits(labels, folds=4, repeats=5, seed=0, prescribed=official(60, 40))
    assert len(splits) == 4
    assert all(np.array_equal(split.train, np.arange(60)) for split in splits)
    assert np.array_equal(np.sort(np.concatenate([split.test for split in splits])), np.arange(60, 100))
    assert len({tuple(split.order) for split in splits}) == 4


def test_a_training_image_that_is_also_in_the_official_test_set_leaves_the_pool():
    labels = np.append(np.arange(60) % 3, np.arange(40) % 3)
    duplicates = np.arange(100)
    duplicates[5] = 99
    groups = bound_groups(None, duplicates)
    splits = make_splits(labels, folds=4, repeats=1, seed=0, groups=groups, prescribed=official(60, 40))
    assert all(np.array_equal(split.train, np.delete(np.arange(60), 5)) for split in splits)


def test_rows_that_the_source_gives_to_neither_side_are_left_out():
    prescribed = official(60, 40)
    prescribed[:4] = ""
    labels = np.append(np.arange(60) % 3, np.arange(40) % 3)
    splits = make_splits(labels, folds=4, repeats=1, seed=0, prescribed=prescribed)
    assert all(np.array_equal(split.train, np.arange(4, 60)) for split in splits)


def test_no_test_mark_means_no_official_test_set():
    marks = np.array(["train"] * 81)
    assert split_hash(make_splits(CELLS, folds=4, repeats=1, seed=0, prescribed=marks)) == split_hash(
        make_splits(CELLS, folds=4, repeats=1, seed=0)
    )


def test_an_image_is_tested_once_a_repeat_and_an_official_one_once_whatever_repeats_were_asked_for():
    labels = np.append(np.arange(60) % 3, np.arange(40) % 3)
    assert times_tested(make_splits(labels, folds=4, repeats=3, seed=0)) == 3
    assert times_tested(make_splits(labels, folds=4, repeats=3, seed=0, prescribed=official(60, 40))) == 1


def test_the_ratio_of_k_folds_is_one_to_the_rest():
    assert fold_ratio(make_splits(np.arange(80) % 2, folds=4, repeats=2, seed=0)) == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("counts", "folds", "splits"),
    [([40, 23, 18], 4, 20), ([40, 40, 40], 5, 20), ([150, 150, 100], 5, 10), ([300, 24], 4, 8), ([1000, 1000], 4, 4)],
)
def test_defaults_follow_the_table(counts, folds, splits):
    labels = np.repeat(np.arange(len(counts)), counts)
    assert default_folds(labels) == folds
    assert folds * default_repeats(labels, folds) == splits


def test_many_images_in_few_groups_make_no_more_folds_than_the_fewest():
    assert default_folds(np.arange(200) % 2) == 5
    assert default_folds(np.arange(200) % 2, groups=np.arange(200) // 50) == 4


def test_an_official_test_set_is_used_once():
    labels = np.append(np.arange(60) % 3, np.arange(30) % 3)
    prescribed = official(60, 30)
    assert default_folds(labels, prescribed=prescribed) == 4
    assert default_repeats(labels, 4, prescribed=prescribed) == 1


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ([40, 23, 18], [5, 10, "all"]),
        ([34, 34], [5, 10, 25, "all"]),
        ([20, 20], [5, 10, "all"]),
        ([5, 5], ["all"]),
        ([200, 4000], [5, 10, 25, 50, 100, "all"]),
    ],
)
def test_default_budgets_fit_every_training_fold_and_are_less_than_everything(counts, expected):
    labels = np.repeat(np.arange(len(counts)), counts)
    assert default_budgets(labels, make_splits(labels, folds=4, repeats=1, seed=0)) == expected


def test_a_budget_that_takes_the_whole_pool_of_every_class_is_called_all():
    labels = np.arange(40) % 2  # a prescribed pool of 10 and 10
    splits = make_splits(labels, folds=4, repeats=1, seed=0, prescribed=official(20, 20))
    assert default_budgets(labels, splits) == [5, "all"]
    assert parse_budgets("10", labels, splits) == [10]


def test_asked_budgets_come_ascending_with_all_last():
    splits = make_splits(CELLS, folds=4, repeats=1, seed=0)
    assert parse_budgets("all, 10,1,3", CELLS, splits) == [1, 3, 10, "all"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("5,14", "class 'complete' has 13"),
        ("0", "'0' is neither"),
        ("-5", "'-5' is neither"),
        ("5,ten", "'ten' is neither"),
        ("5,", "'' is neither"),
        ("2.5", "'2.5' is neither"),
        ("5,10,5", "name one twice"),
        ("all,all", "name one twice"),
    ],
)
def test_a_budget_that_makes_no_sense_is_refused_in_one_line(text, said):
    splits = make_splits(CELLS, folds=4, repeats=2, seed=0)
    with pytest.raises(UserError, match=said) as refusal:
        parse_budgets(text, CELLS, splits, class_names=("none", "forming", "complete"))
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("labels", "options", "said"),
    [
        (np.zeros(20, int), {}, "name 1 class"),
        (np.repeat([0, 1], [20, 1]), {}, "class 'b' has 1 image and 4 folds need at least 4"),
        (np.repeat([0, 1], [20, 3]), {}, "class 'b' has 3 images"),
        (CELLS, {"folds": 3}, "at least 4 folds"),
        (CELLS, {"repeats": 0}, "at least 4 folds and 1 repeat"),
        (np.repeat([0, 1], 20), {"groups": np.repeat([0, 1, 2], [10, 10, 20])}, "3 groups cannot fill 4 folds"),
        (np.repeat([0, 1], 20), {"groups": np.append(np.arange(20), np.full(20, 77))}, "class 'b' lie in one group"),
        (np.arange(40) % 2, {"prescribed": official(38, 2)}, "class 'a' has 1 test image"),
        (np.repeat([0, 1], 20), {"prescribed": official(20, 20)}, "class 'b' is in the source's test set and not"),
        (np.append(np.arange(20) % 2, np.arange(18) % 3), {"prescribed": official(20, 18)}, "class 'c' is in the"),
    ],
)
def test_what_cannot_be_split_is_refused_in_one_line_that_names_the_class(labels, options, said):
    with pytest.raises(UserError, match=said) as refusal:
        make_splits(labels, **({"folds": 4, "repeats": 1, "seed": 0} | options), class_names=("a", "b", "c"))
    assert "\n" not in str(refusal.value)


def test_another_draw_shares_no_label_with_the_first_and_the_larger_budget_holds_the_first():
    labels = shuffled(CELLS)
    for split in make_splits(labels, folds=4, repeats=1, seed=0):
        draws = [set(split.budget(labels, 4, draw)) for draw in range(3)]
        assert all(np.bincount(labels[list(draw)]).tolist() == [4, 4, 4] for draw in draws)
        assert len(set.union(*draws)) == 36
        assert draws[0] < set(split.budget(labels, 5))
        assert set.union(*draws[:2]) == set(split.budget(labels, 8))


def test_a_draw_for_which_a_class_has_no_labels_left_is_refused():
    split = make_splits(CELLS, folds=4, repeats=1, seed=0)[0]
    fewest = int(np.bincount(CELLS[split.train]).min())
    assert len(split.budget(CELLS, 5, fewest // 5 - 1)) == 15
    with pytest.raises(UserError, match="class 2 has"):
        split.budget(CELLS, 5, fewest // 5)


@pytest.mark.parametrize(
    ("count", "folds", "repeats", "expected"),
    [
        # 4 splits: 1,000 labels are 4 models of 250, and 40 models are enough, which is 10 draws. Each image is tested
        # once: up to 250 labels two draws to compare.
        (1000, 4, 1, {5: 10, 10: 6, 25: 2, 50: 2, 70: 1, 100: 1, "all": 1}),
        # 10 splits: 400 labels are 10 models of 40, which two draws of 20 are too; each image is tested twice anyway.
        (400, 5, 2, {5: 2, 10: 1, 25: 1, 50: 1, "all": 1}),
        # 20 splits: 80 labels are 20 models of 4.
        (80, 4, 5, {1: 1, 2: 1, 5: 1, "all": 1}),
    ],
)
def test_labels_are_drawn_so_often_that_all_splits_together_use_each_about_once(count, folds, repeats, expected):
    labels = np.arange(count) % 4
    splits = make_splits(labels, folds=folds, repeats=repeats, seed=0)
    assert {b: label_draws(splits, labels, b) for b in expected} == expected


def test_no_more_draws_than_the_rarest_class_has_labels_for():
    labels = np.repeat([0, 1], [2000, 24])  # 18 of the second class in a training pool: three draws of five
    assert label_draws(make_splits(labels, folds=4, repeats=1, seed=0), labels, 5) == 3
