"""Labels in any spelling: what is missing stays missing, and classes have an order that can be predicted."""

import numpy as np
import pytest

from headstart.data.labels import class_labels, groups, one_each, spelling, splits
from headstart.errors import UserError


@pytest.mark.parametrize(
    ("given", "labels", "names"),
    [
        ([2, 0, -1, 1], [2, 0, -1, 1], ("0", "1", "2")),
        ([7, 3, 7], [1, 0, 1], ("3", "7")),
        (["cat", "", "ant", None], [1, -1, 0, -1], ("ant", "cat")),
        (["10", "9", "1"], [2, 1, 0], ("1", "9", "10")),
        ([1.0, float("nan"), 0.0], [1, -1, 0], ("0", "1")),
        ([True, False], [1, 0], ("0", "1")),
        ([b"b", b"a"], [1, 0], ("a", "b")),
        ([None, None], [-1, -1], ()),
        ([1, "x"], [0, 1], ("1", "x")),
    ],
)
def test_labels_become_indices_into_sorted_names(given, labels, names):
    found = class_labels(given)
    assert found[0].dtype == np.int64
    assert (found[0].tolist(), found[1]) == (labels, names)


def test_given_class_names_are_indexed_by_integers_and_looked_up_by_name():
    assert class_labels([1, -1], ["b", "a"])[0].tolist() == [1, -1]
    assert class_labels(["a", "b"], ["b", "a"])[0].tolist() == [1, 0]
    assert class_labels([0], ["x", "unseen"])[1] == ("x", "unseen")


@pytest.mark.parametrize(
    ("given", "names", "words"),
    [
        ([0.5], None, "neither an integer nor a name"),
        ([float("inf")], None, "neither an integer nor a name"),
        ([-2], None, "negative"),
        ([3], ["a", "b"], "not among the 2 class_names"),
        (["c"], ["a", "b"], "not among the 2 class_names"),
        ([0], ["a", "a"], "repeats"),
    ],
)
def test_labels_that_mean_nothing_are_refused(given, names, words):
    with pytest.raises(UserError, match=words):
        class_labels(given, names)


def test_one_value_an_image_is_wanted():
    assert one_each(np.ones((3, 1)), 3, "labels").shape == (3,)
    with pytest.raises(UserError, match=r"labels has the shape \(2,\) for 3 images"):
        one_each([0, 1], 3, "labels")
    with pytest.raises(UserError, match="shape"):
        one_each(np.eye(3), 3, "labels")


def test_groups_are_numbered_and_none_is_minus_one():
    assert groups(["b", "", "a", "b"]).tolist() == [1, -1, 0, 1]
    assert groups([None, ""]) is None
    assert groups(None) is None
    with pytest.raises(UserError, match="group -7 is negative"):
        groups([1, -7])


def test_splits_are_train_test_or_nothing():
    assert splits(["Train", "test", None, "validation"]).tolist() == ["train", "test", "", "train"]
    assert splits(["", None]) is splits(["train", ""]) is splits(["test", "test"]) is None
    with pytest.raises(UserError, match="split 'later' is unknown"):
        splits(["later"])


def test_american_spelling_is_the_same():
    assert spelling(" UNLABELED ") == spelling("unlabelled") == "unlabelled"
    assert spelling("labeled") == "labelled"
