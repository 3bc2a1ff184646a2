"""The answer says what the figures say: a gain and where, nothing, or no better than guessing."""

from dataclasses import replace

import pytest

from headstart.evaluation.statistics import Comparison, Score
from headstart.study.answer import compose
from headstart.study.records import ApproachRecord, Chosen, StudyRecord


@pytest.fixture
def results(study_request):
    """Two approaches; gains: budget -> (difference, corrected p) of simclr+probe against svm-pixels."""

    def make(*, gains, winner="simclr+probe"):
        score = Score(0.9, 0.85, 0.95, "models", 0.9, (0.9,), 45)
        kinds = {"svm-pixels": "baseline", "simclr+probe": "pretrained"}
        return StudyRecord(
            answer="", source="toys", data_hash="", n_labelled=60, n_unlabelled=0, class_names=("0", "1", "2"), seed=0,
            metric="balanced_accuracy", split_hash="", folds=4, repeats=1, saw="all", encoders=1, views="digits",
            winner=winner,
            approaches=tuple(ApproachRecord(n, k, "none", dict.fromkeys(gains, score), 1.0) for n, k in kinds.items()),
            comparisons=tuple(
                Comparison(b, "simclr+probe", "svm-pixels", d, d - 0.02, d + 0.02, p, p, "named", "models")
                for b, (d, p) in gains.items()
            ),
            chosen=dict.fromkeys(gains, Chosen(winner, "svm-pixels")), request=study_request, left_out=(),
        )  # fmt: skip

    return make


def test_a_gain_is_told_with_points_interval_baseline_and_score(results):
    said = compose(results(gains={"all": (0.048, 0.01)}), beats_guessing=True)
    assert said == (
        "simclr+probe adds +4.8 points [2.8, 6.8] over the best baseline (svm-pixels) at all 45 training labels, "
        "reaching 0.900 [0.850, 0.950] balanced accuracy."
    )


def test_where_nothing_was_detected_is_said_beside_where_something_was(results):
    said = compose(results(gains={"25": (0.048, 0.01), "all": (0.01, 0.4)}), beats_guessing=True)
    assert "at 25 labels a class" in said
    assert said.endswith("and nothing detectable at all labels.")


def test_several_gains_are_all_told(results):
    said = compose(results(gains={"5": (0.1, 0.001), "25": (0.05, 0.01), "all": (0.02, 0.04)}), beats_guessing=True)
    assert said.startswith("simclr+probe adds +2.0 points")
    assert "+10.0 points [8.0, 12.0] at 5 a class" in said
    assert "nothing" not in said


def test_no_detectable_gain_is_an_answer_and_the_best_is_named(results):
    said = compose(results(gains={"all": (0.01, 0.4)}), beats_guessing=True)
    assert said.startswith("Pretraining adds nothing detectable over the best baseline at all 45 training labels")
    assert "simclr+probe is named" in said
    assert "+1.0 points [-1.0, 3.0] against svm-pixels, which chance may explain" in said


def test_a_baseline_that_wins_is_named_without_a_comparison_to_itself(results):
    said = compose(results(gains={"5": (-0.1, 0.01), "all": (-0.1, 0.01)}, winner="svm-pixels"), beats_guessing=True)
    assert said.startswith("Pretraining adds nothing detectable over the best baseline at any number of labels")
    assert "svm-pixels is named" in said
    assert "against" not in said


def test_a_significant_loss_is_no_gain(results):
    said = compose(results(gains={"all": (-0.2, 0.0001)}), beats_guessing=True)
    assert "adds nothing" in said
    assert "chance" not in said


def test_no_better_than_guessing_is_nothing_whatever_the_comparison_says(results):
    said = compose(results(gains={"all": (0.2, 0.001)}), beats_guessing=False)
    assert said.startswith("Nothing: at all 45 training labels, the approach named, simclr+probe, is not detectably")


def test_a_detectable_gain_that_was_not_chosen_is_said_and_nothing_is_not_claimed(results):
    found = results(gains={"5": (0.1, 0.001), "all": (0.15, 0.0001)}, winner="svm-pixels")
    said = compose(found, beats_guessing=True)
    assert not said.startswith(("Nothing", "Pretraining adds nothing"))
    assert said.startswith("The approach named adds nothing detectable")
    assert "svm-pixels is named" in said
    assert said.endswith(
        "; simclr+probe scored +15.0 points [13.0, 17.0] against svm-pixels at all labels, but was not chosen on the "
        "training side, nor were gains at 5 a class."
    )


def test_beside_a_gain_a_budget_where_another_was_detectable_is_not_called_nothing(results):
    found = results(gains={"5": (0.1, 0.001), "all": (0.05, 0.01)})
    found = replace(found, chosen={**found.chosen, "5": Chosen("svm-pixels", "svm-pixels")})
    said = compose(found, beats_guessing=True)
    assert "nothing" not in said
    assert "simclr+probe scored +10.0 points [8.0, 12.0] against svm-pixels at 5 a class, but was not chosen" in said


def test_a_guessing_winner_says_nothing_of_the_others_but_what_was_tested(results):
    said = compose(results(gains={"all": (0.15, 0.0001)}, winner="svm-pixels"), beats_guessing=False)
    assert said.startswith("At all 45 training labels, the approach named, svm-pixels, is not detectably better than")
    assert "simclr+probe scored +15.0 points" in said


def test_a_guessing_winner_at_all_labels_does_not_hide_a_gain_at_fewer(results):
    said = compose(results(gains={"5": (0.1, 0.001), "all": (0.0, 1.0)}), beats_guessing=False)
    assert not said.startswith("Nothing")
    assert "; simclr+probe adds +10.0 points [8.0, 12.0] over the best baseline (svm-pixels) at 5 labels" in said


def test_where_nothing_was_held_out_the_name_is_a_convention(results):
    found = results(gains={"1": (0.01, 0.4)}, winner="svm-pixels")
    unselected = [replace(a, scores={"1": replace(a.scores["1"], selection=None)}) for a in found.approaches]
    found = replace(found, approaches=tuple(unselected))
    assert compose(found, beats_guessing=True) == (
        "At 1 label a class nothing can be held out to choose by: svm-pixels, named by convention, reaches 0.900 "
        "[0.850, 0.950] balanced accuracy, and no pretrained approach is detectably better."
    )
