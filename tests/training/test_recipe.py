"""A recipe refuses numbers with which nothing can be trained, however it is made."""

import pytest
import torch

from headstart.encoders.networks import mlp
from headstart.errors import UserError
from headstart.objectives.objective import MANY
from headstart.objectives.supervised import Supervised
from headstart.training.loop import _rate, train
from headstart.training.recipe import Recipe, steps_an_epoch
from headstart.training.training_set import TrainingSet


@pytest.mark.parametrize(
    "changes",
    [
        {"epochs": 0}, {"batch_size": 1}, {"accumulate": 0}, {"batch_size": 4, "accumulate": 5}, {"learning_rate": 0.0},
        {"learning_rate": float("nan")}, {"weight_decay": -1e-4}, {"warmup_fraction": 1.5}, {"ema": 1.0}, {"seed": -1},
        {"momentum": 1.0},
    ],
)  # fmt: skip
def test_a_number_out_of_range_is_named_with_what_was_wanted(changes):
    for recipe in (lambda: Recipe(**{"epochs": 1, **changes}), lambda: Recipe(epochs=1).replace(**changes)):
        with pytest.raises(UserError, match=rf"^{list(changes)[-1]}=.*: wanted "):
            recipe()


@pytest.mark.parametrize("name", ["optimiser", "schedule"])
def test_another_name_than_those_that_there_are_is_refused(name):
    recipe = Recipe(epochs=1)
    object.__setattr__(recipe, name, "adam")  # types are checked in tests; a user may not check them
    with pytest.raises(UserError, match=f"^{name}=adam: wanted .* or "):
        recipe.__post_init__()


def test_the_default_recipe_is_sound_for_any_number_of_images():
    for n in (0, 1, 2, 100, 10**7):
        assert Recipe().resolve("simclr", n).epochs >= 1


@pytest.mark.parametrize(
    ("labels", "batch", "steps"),
    # 10,000 looks in batches of 16 are 625 steps, of 32 are 313, and a few more where batches are not full; 10,000
    # labels are seen five times all the same.
    [(15, 16, 667), (61, 16, 656), (300, 32, 330), (1000, 32, 320), (10_000, 32, 1565)],
)
def test_a_network_has_steps_enough_at_every_number_of_labels(labels, batch, steps):
    recipe = Recipe().resolve("supervised", labels)
    assert recipe.batch_size == batch
    assert recipe.epochs * steps_an_epoch(labels, batch) == steps


def test_a_network_looks_at_as_many_images_whatever_the_labels_and_has_never_fewer_than_280_steps():
    for labels in range(15, 10_001):
        recipe = Recipe().resolve("supervised", labels)
        assert recipe.epochs * labels == pytest.approx(max(10_000, 5 * labels), rel=0.1)
        assert recipe.epochs * steps_an_epoch(labels, recipe.batch_size) >= 280


def test_from_100_000_images_on_each_is_looked_at_once_in_large_batches():
    for method in ("simclr", "vicreg", "autoencoder"):
        assert Recipe().resolve(method, 99_999).batch_size == 64
        for n, device, batch in ((100_000, "cpu", 256), (10**7, "cpu", 256), (10**7, "cuda:0", 1024)):
            recipe = Recipe().resolve(method, n, device=device)
            assert (recipe.epochs, recipe.batch_size) == (1, batch)
    assert Recipe().resolve("supervised", 10**6).epochs == 1


def test_what_learns_without_labels_keeps_batches_of_32_to_64():
    assert [Recipe().resolve("simclr", n).batch_size for n in (15, 300, 400, 10_000)] == [32, 32, 64, 64]


def test_a_constant_rate_starts_at_once_unless_a_warm_up_is_asked_for():
    constant = Recipe(learning_rate=2.0, schedule="constant").resolve("simclr", 10)
    assert {_rate(step, 10, constant) for step in range(10)} == {2.0}
    assert [_rate(step, 10, constant.replace(warmup_fraction=0.2)) for step in range(4)] == [1.0, 2.0, 2.0, 2.0]


def test_what_is_given_stays_and_what_is_not_follows_from_the_method_and_the_number_of_images():
    rule = Recipe().resolve("simclr", 50)
    given = Recipe(epochs=3, weight_decay=0.0, warmup_fraction=0.0).resolve("simclr", 50)
    assert given == rule.replace(epochs=3, weight_decay=0.0, warmup_fraction=0.0)
    assert Recipe().resolve("simclr", 5000).epochs < rule.epochs
    assert Recipe().resolve("supervised", 50).learning_rate != rule.learning_rate
    assert given.resolve("supervised", 10**6) == given, "nothing is left open"


def test_the_loop_decides_what_a_recipe_leaves_open():
    x, y = torch.rand(40, 1, 8, 8), torch.arange(40) % 2
    logs = []
    for recipe in (Recipe(epochs=1), Recipe(epochs=1).resolve("supervised", 40)):
        torch.manual_seed(0)
        network = Supervised(mlp(1, (8, 8), mean=[0.5], std=[0.5]), classes=2)
        logs.append([row["loss"] for row in train(network, TrainingSet.of(x, y), recipe=recipe)])
    assert logs[0] == logs[1]
    assert len(logs[0]) == 3, "40 images in batches of 16"


def test_each_optimiser_has_the_rate_that_suits_it_and_decays_weights_as_fast():
    muon, adamw = Recipe().resolve("simclr", MANY), Recipe(optimiser="adamw").resolve("simclr", MANY)
    assert (muon.optimiser, adamw.optimiser) == ("muon", "adamw")
    assert muon.learning_rate == pytest.approx(10 * adamw.learning_rate)
    assert muon.learning_rate * muon.weight_decay == pytest.approx(adamw.learning_rate * adamw.weight_decay)
    assert muon.epochs == adamw.epochs


def test_a_large_set_is_learned_from_by_muon_in_fewer_looks_and_a_small_one_by_adamw():
    few, many = Recipe().resolve("simclr", MANY - 1), Recipe().resolve("simclr", MANY)
    assert (few.optimiser, many.optimiser) == ("adamw", "muon")
    assert many.epochs < few.epochs / 2
    assert Recipe().resolve("autoencoder", 10 * MANY).optimiser == "adamw"
    assert {Recipe().resolve(name, 50).optimiser for name in ("moco", "barlow_twins", "vicreg", "dino")} == {"muon"}
