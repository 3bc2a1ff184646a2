"""From what was predicted to what is told: selection names, all images count, and what is unfinished is left out."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from headstart.encoders.build import EncoderSpec
from headstart.evaluation.outcomes import Outcomes
from headstart.evaluation.splits import make_splits
from headstart.study.approaches import parse_approach
from headstart.study.assemble import Outcome, assemble, beats_guessing
from headstart.study.records import Chosen
from headstart.study.tasks import EncodeFacts, ScoreFacts
from headstart.study.workspace import Task, Workspace
from headstart.training.checkpoint import write_tensors

Y = np.arange(60) % 3
SPLITS = make_splits(Y, folds=4, repeats=1, seed=0)
# share right and selection: what is best in the tests is not what the training side prefers.
APPROACHES = {
    "majority": (0.0, 0.33),
    "svm-pixels": (0.6, 0.8),
    "knn-pixels": (0.8, 0.7),
    "autoencoder+probe": (0.7, 0.9),
    "simclr+probe": (1.0, 0.85),
}
BASELINES = {"majority", "svm-pixels", "knn-pixels"}


def said(name, split, draws):
    """(1, draws, n_test, 3) probabilities that are right on about the approach's share of the images."""
    rng, test = np.random.default_rng([split, len(name)]), SPLITS[split].test
    told = (Y[test] + (rng.random((draws, len(test))) >= APPROACHES[name][0])) % 3
    return np.eye(3)[told * (name != "majority")][None]


@pytest.fixture
def space(tmp_path, study_plan):
    """A study of which everything is done: 60 images, two draws at three labels a class."""
    np.save(tmp_path / "labels.npy", Y)
    plan = replace(study_plan, budgets=(1, 3, "all"), splits=tuple(SPLITS), approaches=tuple(APPROACHES))
    made = Workspace(tmp_path, plan)
    for name in APPROACHES:
        for split in range(4):
            write(made, Task("score", name, split), {"1": 2, "3": 2, "all": 1})
    for method in ("autoencoder", "simclr"):
        encoded(made, Task("encode", method), 100.0)
    return made


def encoded(space, task, seconds):
    """An encoder that took so long."""
    file = space.folder / task.path
    file.parent.mkdir(parents=True)
    facts = EncodeFacts(EncoderSpec("small", 1, (16, 16), (0.0,), (1.0,)), None, 0, seconds)
    write_tensors(file, {"h": torch.zeros(1)}, facts)


def write(space, task, draws):
    """A task's result; at one label a class there is no selection."""
    file = space.folder / task.path
    file.parent.mkdir(parents=True, exist_ok=True)
    selection = {b: float("nan") if b == "1" else APPROACHES[task.name][1] for b in draws}
    facts = ScoreFacts(selection, {"1": 3, "3": 9, "all": 45}, 1.0)
    write_tensors(file, {b: torch.from_numpy(said(task.name, task.split, d)) for b, d in draws.items()}, facts)


def test_the_training_side_names_and_the_tests_do_not(space):
    found = assemble(space)
    assert found.winner == "autoencoder+probe"
    assert set(found.chosen) == {"1", "3", "all"}
    for budget, chosen in found.chosen.items():
        assert chosen == Chosen("autoencoder+probe", "svm-pixels")
        means = {name: found.score(name, budget).mean for name in APPROACHES}
        assert max(means, key=lambda name: means[name]) == "simclr+probe"


def test_without_a_selection_that_of_the_next_larger_budget_counts(space):
    found = assemble(space)
    for name, (_, selection) in APPROACHES.items():
        assert found.score(name, "1").selection == pytest.approx(selection)


def test_the_difference_at_all_labels_is_the_one_that_confirms(space):
    rows = {(c.budget, c.role): c for c in assemble(space).comparisons if c.role == "named"}
    assert set(rows) == {("1", "named"), ("3", "named"), ("all", "named")}
    assert rows["all", "named"].p_holm == rows["all", "named"].p
    smaller = sorted([rows["1", "named"], rows["3", "named"]], key=lambda c: c.p)
    assert smaller[0].p_holm == pytest.approx(min(1.0, 2 * smaller[0].p))


def test_a_budget_that_was_not_finished_on_every_split_is_left_out(space):
    (space.folder / Task("score", "simclr+probe", 3).path).unlink()
    write(space, Task("score", "autoencoder+probe", 3), {"all": 1})
    found = assemble(space)
    assert "simclr+probe" not in [a.name for a in found.approaches]
    assert set(found.approach("autoencoder+probe").scores) == {"all"}
    assert found.chosen["3"].named == "svm-pixels"


def test_an_encoders_seconds_count_once_for_all_splits_and_again_for_every_seed(space):
    alone = {a.name: a.seconds for a in assemble(space).approaches}
    assert (alone["knn-pixels"], alone["simclr+probe"]) == pytest.approx((4.0, 104.0))
    space.plan = replace(space.plan, encoders=4)
    for number in range(1, 4):
        encoded(space, Task("encode", "simclr", encoder=number), 10.0)
    assert Outcome(space, parse_approach("simclr+probe")).seconds == pytest.approx(134.0)


def test_intervals_are_by_group_where_there_are_groups(space):
    groups = np.arange(60) // 6
    np.save(space.folder / "groups.npy", groups)
    found = assemble(space).score("svm-pixels", "all")
    told = [said("svm-pixels", i, 1)[0, 0].argmax(-1) for i in range(4)]
    by_hand = Outcomes(SPLITS, Y, told, groups=groups).interval()
    alone = Outcomes(SPLITS, Y, told).interval()
    assert (found.low, found.high) == pytest.approx((by_hand.low, by_hand.high))
    assert (found.low, found.high) != pytest.approx((alone.low, alone.high))


def test_guessing_is_beaten_where_the_intervals_lower_end_is_above_it(space):
    assert beats_guessing(space, "autoencoder+probe", "3")
    assert not beats_guessing(space, "majority", "3")
    for split in range(4):  # right on 23 of 60 in place of 20
        test = SPLITS[split].test
        told = np.where(np.isin(test, [1, 2, 4]), Y[test], 0)
        file = space.folder / Task("score", "majority", split).path
        facts = ScoreFacts({"all": 0.3}, {"all": 45}, 1.0)
        write_tensors(file, {"all": torch.from_numpy(np.eye(3)[told][None, None])}, facts)
    assert assemble(space).score("majority", "all").mean == pytest.approx(23 / 60)
    assert not beats_guessing(space, "majority", "all")
