"""One question at a time: every cell that a chart or a number needs is trained, with and without pretraining."""

import joblib
import numpy as np
import pytest

from headstart.recipes import given as data
from headstart.recipes import greedy_pretraining as recipe
from headstart.recipes.greedy_pretraining import ACTIVATIONS, ALL, BASE, DEPTHS, FEW, WITHOUT, Cell, Plan, Tuning, gain
from headstart.recipes.work import Work

TINY = Plan(2, 600, 12, 1, 64, {10: Tuning(4, 32), FEW: Tuning(2, 64), ALL: Tuning(2, 64)})


@pytest.fixture(scope="module")
def errors(digits, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(joblib, "cpu_count", lambda: 1)
        return recipe.trained(Work(tmp_path_factory.mktemp("greedy"), True, 0), digits, TINY)


def test_every_activation_has_every_depth_and_every_number_of_labels_with_and_without(errors):
    wanted = {Cell(depth, FEW) for depth in DEPTHS} | {Cell(3, k) for k in TINY.tuning}
    for activation in ACTIVATIONS:
        for learner in (BASE, WITHOUT):
            assert wanted <= {cell for a, b, cell in errors if (a, b) == (activation, learner)}
    assert {learner for _, learner, _ in errors} == {WITHOUT, *recipe.LEARNERS}
    assert {activation for activation, learner, _ in errors if learner == "rbm"} == {"sigmoid"}
    assert all(of.shape == (TINY.draws,) and ((of >= 0) & (of <= 1)).all() for of in errors.values())


def test_a_gain_is_positive_where_pretraining_lowers_the_error_and_is_paired():
    easy_hard = np.array([0.1, 0.3])
    errors = {("tanh", WITHOUT, Cell(1, FEW)): easy_hard + 0.05, ("tanh", BASE, Cell(1, FEW)): easy_hard}
    found = gain(errors, "tanh", Cell(1, FEW))
    assert found.difference == pytest.approx(0.05)
    assert found.low == pytest.approx(0.05, abs=1e-6), "what both draws share is no doubt"


def test_what_is_said_follows_the_interval():
    cells = {("sigmoid", WITHOUT): [0.2, 0.21], ("sigmoid", BASE): [0.1, 0.11],
             ("relu", WITHOUT): [0.1, 0.1], ("relu", BASE): [0.09, 0.11]}  # fmt: skip
    says = recipe._says({(*key, Cell(3, FEW)): np.array(value) for key, value in cells.items()})
    assert "pretraining lowers by 10.0 points [10.0, 10.0] the error of 3 sigmoid layers" in says
    assert "no detectable difference" in says


def test_tasks_that_were_done_differ_by_draw_in_weights_and_labels(digits):
    assert (digits.drawn(10, 0) != digits.drawn(10, 1)).any()
    assert len(digits.drawn(ALL, 0)) == len(digits.y), "all is all"


def test_the_page_has_every_question_and_every_number_that_was_foretold(errors, digits, tmp_path, monkeypatch):
    monkeypatch.setattr(data, "given", lambda work, source, train: digits)
    monkeypatch.setattr(recipe, "trained", lambda work, mnist, plan: errors)
    monkeypatch.setattr(recipe, "SMALL", TINY)
    found = recipe.run(Work(tmp_path, True, 0))
    assert set(recipe.QUICK) <= set(found.metrics)
    page = "".join(found.sections)
    for words in ("How deep?", "How many labels?", "Which learner?", "only need longer?", "What was done"):
        assert words in page
    assert {file.stem for file in (tmp_path / "pictures").iterdir()} == {
        "depth-errors", "depth-gains", "labels-errors", "labels-gains", "learners"
    }  # fmt: skip
