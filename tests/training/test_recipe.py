"""A recipe refuses numbers with which nothing can be trained, however it is made."""

import pytest

from headstart.errors import UserError
from headstart.training.recipe import Recipe, default_recipe


@pytest.mark.parametrize(
    "changes",
    [
        {"epochs": 0}, {"batch_size": 1}, {"accumulate": 0}, {"batch_size": 4, "accumulate": 5}, {"learning_rate": 0.0},
        {"learning_rate": float("nan")}, {"weight_decay": -1e-4}, {"warmup": 1.5}, {"ema": 1.0}, {"seed": -1},
    ],
)  # fmt: skip
def test_a_number_out_of_range_is_named_with_what_was_wanted(changes):
    for recipe in (lambda: Recipe(**{"epochs": 1, **changes}), lambda: Recipe(epochs=1).but(**changes)):
        with pytest.raises(UserError, match=rf"^{list(changes)[-1]}=.*: wanted "):
            recipe()


def test_the_default_recipe_is_sound_for_any_number_of_images():
    for n in (0, 1, 2, 100, 10**7):
        assert default_recipe("simclr", n).epochs >= 1
