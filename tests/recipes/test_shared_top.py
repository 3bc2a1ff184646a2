"""A shared top: what the changes change, and that only the bottom moves where only the bottom is trained."""

import numpy as np
import pytest
import torch

from headstart.data.standard import digits
from headstart.encoders.stages import count_parameters
from headstart.recipes import shared_top as recipe
from headstart.recipes.reused import LAYER, for_steps, untrained
from headstart.recipes.work import Work
from headstart.reuse.transfer import Transfer, lecture_head

X = torch.from_numpy(digits().images[:40, ..., 0] / 255).float()[:, None]
Y = digits().labels[:40]


def test_the_negative_of_the_negative_is_the_digit():
    assert torch.allclose(recipe.inverted(recipe.inverted(X, 0), 1), X, atol=1e-6)
    assert torch.allclose(recipe.inverted(X, 0), 1 - X, atol=1e-6)


def test_clouds_lie_behind_the_digit_each_image_has_its_own_and_a_seed_repeats_them():
    seen, black = recipe.textured(X, 0), torch.zeros(40, 1, 28, 28)
    assert (seen >= X).all()
    ground = recipe.textured(black, 0)
    assert ground.max() <= 0.7
    assert 0.2 < ground.mean() < 0.5
    assert (ground[0] - ground[1]).abs().mean() > 0.05
    assert torch.equal(seen, recipe.textured(X, 0))
    assert not torch.equal(seen, recipe.textured(X, 1))
    beside = np.corrcoef(ground[..., 1:].flatten(), ground[..., :-1].flatten())[0, 1]
    assert beside > 0.5, "neighbouring pixels are alike, as in clouds and not in noise"


def test_training_only_the_bottom_leaves_the_top_and_the_head_bit_for_bit():
    encoder = untrained(X, 0)
    head = lecture_head(encoder.dim, 10)
    how = for_steps(40, 6, batch_size=20, seed=0)
    made = Transfer(encoder, layer=LAYER, head=head, frozen=recipe.FROZEN[recipe.BOTTOM], recipe=how).fit(X, Y)
    before, after = encoder.state_dict(), made.encoder_.state_dict()
    moved = {name.split(".")[1] for name in before if not torch.equal(before[name], after[name])}
    assert moved == {"0", "1"}
    assert all(
        torch.equal(a, b) for a, b in zip(head.state_dict().values(), made.head_.state_dict().values(), strict=True)
    )
    assert count_parameters(made.encoder_) == count_parameters(encoder)


def test_the_toy_run_states_every_number_in_both_forms(toy_digits, tmp_path, monkeypatch):
    monkeypatch.setattr(recipe, "BRIEF", recipe.Plan(200, 60, 1, {10: 2, 12: 1}))
    monkeypatch.setattr(recipe, "STEPS", 4)
    found = recipe.run(Work(tmp_path, True, 0))
    assert set(recipe.EXPECTED) <= set(found.metrics)
    assert "bottom_accuracy_textured_12" in found.metrics
    shown = found.metrics
    for change in ("inverted", "textured"):
        for tail in (change, f"{change}_12"):
            for other in ("head", "all"):
                gap = shown[f"bottom_accuracy_{tail}"] - shown[f"{other}_accuracy_{tail}"]
                assert shown[f"bottom_over_{other}_{tail}"] == pytest.approx(gap)
                assert shown[f"bottom_over_{other}_{tail}_low"] <= gap <= shown[f"bottom_over_{other}_{tail}_high"]
    again = recipe.run(Work(tmp_path, True, 0))
    assert again.metrics == found.metrics, "what was finished is read"
