"""What the codec writes it reads again, for every record that is kept; what it did not write it refuses by name."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from headstart.codec import from_json, to_json
from headstart.encoders.build import EncoderSpec
from headstart.errors import UserError
from headstart.evaluation.splits import make_splits, split_hash
from headstart.evaluation.statistics import Comparison, Score
from headstart.reuse.predict import Prediction
from headstart.study.curve import LearningCurve, Reading
from headstart.study.records import ApproachRecord, Chosen, Speed, StudyPlan, StudyRecord
from headstart.study.tasks import EncodeFacts, ScoreFacts
from headstart.study.worker import Answer, Order
from headstart.study.workspace import Task
from headstart.training.recipe import Recipe


@dataclass(frozen=True)
class Leaf:
    """A number."""

    value: float = 0.5


@dataclass(frozen=True)
class Every:
    """A field of every kind."""

    whole: int
    share: float
    text: str
    so: bool
    path: Path
    leaf: Leaf
    leaves: tuple[Leaf, ...]
    pair: tuple[int, str]
    by_name: Mapping[str, Leaf]
    budget: int | Literal["all"]
    way: Literal["up", "down"] = "up"
    known: float | None = None


EVERY = Every(3, 0.25, "ä", True, Path("a/b"), Leaf(1.0), (Leaf(), Leaf(2.0)), (1, "x"), {"a": Leaf()}, "all")
SCORE = Score(0.9, 0.85, 0.95, "labels and encoders", None, (0.9, 0.88), 45)
SPEC = EncoderSpec("small", 2, (16, 20), (0.1, 0.2), (0.3, 1 / 3), symmetric=True)
READING = Reading(0.958, 0.926, 0.979)
RECORDS = [
    EVERY,
    replace(EVERY, budget=5, known=0.1, way="down", leaves=(), by_name={}),
    Comparison("5", "simclr+probe", "svm-pixels", 0.1, 0.05, 0.15, 1e-9, None, "other", "models"),
    SCORE,
    ApproachRecord("simclr+probe", "pretrained", "training", {"5": SCORE, "all": SCORE}, 1.5),
    Prediction("a.png", 3, "three", 0.75),
    LearningCurve((1.0, 2.0), (0.1, 0.2), (0.0, 0.1), (0.2, 0.3), (1, 2), (0.1, 0.2), 2, READING, READING),
    EncodeFacts(SPEC, Recipe(epochs=3, warmup_fraction=0.1, optimiser="muon").resolve("simclr", 50), 12, 3.5),
    EncodeFacts(SPEC, None, 0),
    ScoreFacts({"1": None, "all": 0.9}, {"1": 3, "all": 45}, 1.0),
    Order(Task("train", "supervised", 2, "all", 1), None),
    Answer(),
    Answer("wrong", user=True),
]


def through_json(value):
    """The value after a file."""
    return from_json(type(value), json.loads(json.dumps(to_json(value), allow_nan=False)))


@pytest.mark.parametrize("value", RECORDS, ids=lambda value: type(value).__name__)
def test_what_was_written_is_read_again(value):
    assert through_json(value) == value


def test_a_study_s_request_and_record_are_read_again(study_request):
    record = StudyRecord(
        answer="Nothing.", source="toys", data_hash="", n_labelled=60, n_unlabelled=0, class_names=("a", "b"), seed=0,
        metric="accuracy", split_hash="", folds=4, repeats=1, saw="all", encoders=1, views="digits", winner="majority",
        approaches=(ApproachRecord("majority", "baseline", "none", {"all": SCORE}, 0.0),), comparisons=(),
        chosen={"all": Chosen("majority", "majority")}, request=study_request, left_out=("greedy: no time.",),
    )  # fmt: skip
    assert through_json(study_request) == study_request
    assert through_json(record) == record


def test_a_plan_is_read_again_with_its_splits(study_plan):
    splits = tuple(make_splits(np.arange(60) % 3, folds=4, repeats=1, seed=0))
    plan = replace(study_plan, splits=splits, budgets=(5, "all"), speed=Speed({"simclr": 0.1}, 1e-3))
    again = through_json(plan)
    assert split_hash(again.splits) == split_hash(splits)
    assert again.splits[0].order.dtype == np.int64
    assert replace(again, splits=()) == replace(plan, splits=())


def test_not_a_number_is_null_and_is_read_as_none():
    assert to_json(replace(EVERY, known=math.nan)) == to_json(replace(EVERY, known=None))


def test_what_has_a_default_may_be_missing():
    plain = to_json(EVERY)
    for name in ("way", "known"):
        del plain[name]
    assert from_json(Every, plain) == EVERY


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("whole", 1.5, "Every.whole is 1.5: wanted a whole number"),
        ("whole", True, "Every.whole is True: wanted a whole number"),
        ("whole", None, "Every.whole is None: wanted a whole number"),
        ("share", "0.5", "Every.share is '0.5': wanted a number"),
        ("share", None, "Every.share is None: wanted a number"),
        ("text", 3, "Every.text is 3: wanted a text"),
        ("so", 1, "Every.so is 1: wanted true or false"),
        ("path", 1, "Every.path is 1: wanted a path"),
        ("leaf", 0.5, "Every.leaf is 0.5: wanted an object"),
        ("leaf", {"value": "x"}, "Every.leaf.value is 'x': wanted a number"),
        ("leaves", {}, "Every.leaves is {}: wanted a list"),
        ("leaves", [{}, {"value": []}], "Every.leaves[1].value is []: wanted a number"),
        ("pair", [1], "Every.pair has 1 entries: wanted 2"),
        ("pair", ["x", 1], "Every.pair[0] is 'x': wanted a whole number"),
        ("by_name", [], "Every.by_name is []: wanted an object"),
        ("by_name", {"a": {"valu": 1}}, "unknown key of Every.by_name.a 'valu': did you mean 'value'?"),
        ("budget", "some", "Every.budget is 'some': wanted one of 'all'"),
        ("way", "left", "Every.way is 'left': wanted one of 'up', 'down'"),
        ("hole", 3, "unknown key of Every 'hole': did you mean 'whole'?"),
    ],
)
def test_what_is_of_another_kind_or_unknown_is_refused_by_its_name(name, value, said):
    with pytest.raises(UserError) as refused:
        from_json(Every, {**to_json(EVERY), name: value})
    assert str(refused.value) == said


def test_what_is_missing_is_named():
    plain = to_json(EVERY)
    del plain["leaf"]
    with pytest.raises(UserError, match=r"Every\.leaf is missing"):
        from_json(Every, plain)


@pytest.mark.parametrize("rows", [[1.5], ["1"], [True], 3])
def test_an_array_holds_whole_numbers_only(study_plan, rows):
    plain = to_json(study_plan)
    plain["splits"] = [{"train": rows, "test": [], "order": []}]
    with pytest.raises(UserError, match=r"StudyPlan\.splits\[0\]\.train"):
        from_json(StudyPlan, plain)
