"""Clothes to digits: the counts, the same steps for every way, and heads on features kept are the heads of Transfer."""

import numpy as np
import pytest
import torch

from headstart.data.standard import digits
from headstart.recipes import fashion_to_mnist as recipe
from headstart.recipes.reused import LAYER, Backbone, for_steps, gain, untrained
from headstart.recipes.work import Work
from headstart.reuse.transfer import Transfer, lecture_head
from headstart.training.recipe import steps_an_epoch

PLAN = recipe.Plan(240, 60, 64, 2, {10: 3}, {10: 2})


@pytest.fixture
def toy(monkeypatch, toy_digits):
    monkeypatch.setattr(recipe, "BRIEF", PLAN)
    monkeypatch.setattr(recipe, "FEW_STEPS", 6)
    return toy_digits


def images(n: int) -> tuple[torch.Tensor, np.ndarray]:
    data = digits()
    return torch.from_numpy(data.images[:n, ..., 0] / 255).float()[:, None], data.labels[:n]


def test_the_summary_has_the_lectures_three_counts():
    summary, counts = recipe.summarised(untrained(torch.rand(2, 1, 28, 28), 0), faithful=False)
    assert counts == {
        "total_parameters": 1_679_082,
        "trainable_parameters": 1_612_298,
        "non_trainable_parameters": 66_784,
    }
    assert "stages.features (Flatten)" in summary


@pytest.mark.parametrize("per_class", [10, 100, 1000])
def test_few_labels_of_any_number_take_a_hundred_steps(per_class):
    n = 10 * per_class
    assert for_steps(n, 100, batch_size=512, seed=0).epochs * steps_an_epoch(n, 512) == 100


def test_a_head_on_features_that_are_shared_is_the_head_that_transfer_trains():
    x, y = images(200)
    encoder, rows, recipe_ = untrained(x, 3), np.arange(120), for_steps(120, 20, batch_size=32, seed=5)
    shared = Backbone(encoder, x[:120], x[120:]).score(rows, y[:120], y[120:], recipe_)
    made = Transfer(encoder, layer=LAYER, head=lecture_head, recipe=recipe_).fit(x[:120], y[:120])
    assert made.cached_
    assert shared == made.score(x[120:], y[120:]) > 0.5


def test_the_toy_run_states_every_number_and_pairs_draws(toy, tmp_path):
    work = Work(tmp_path, True, 0)
    found = recipe.run(work)
    assert found.expected == {name: recipe.QUICK[name] for name in recipe.QUICK if name != "gain_100_low"}
    assert set(found.expected) <= set(found.metrics)
    parts = {path.stem for path in (tmp_path / "parts").glob("*.npz")}
    assert {"frozen0-10-2", "frozen1-10-1", "untrained1-10-1", "untrained0-10-2", "scratch-10-1", "seconds"} <= parts
    names = [f"{way}{k % 2}-10-{k}" for way in ("frozen", "untrained") for k in range(3)]
    told = [float(np.load(tmp_path / "parts" / f"{name}.npz")["accuracy"]) for name in names]
    assert found.metrics["gain_10"] == pytest.approx(gain(told[:3], told[3:]).difference)


def test_faithful_keeps_no_features_and_promises_no_ratio(toy, tmp_path, monkeypatch):
    monkeypatch.setattr(Backbone, "features", property(lambda self: pytest.fail("features were kept")))
    found = recipe.run(Work(tmp_path, True, 0), faithful=True)
    assert recipe.RATIO not in found.metrics
    assert recipe.RATIO not in (found.expected or {})
    assert "No features were kept" in found.says
