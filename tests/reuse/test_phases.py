"""An encoder's stages follow one another, whatever its kind, and hold all of its parameters once."""

import pytest
import torch

from headstart.encoders.build import EncoderSpec, build_encoder
from headstart.errors import UserError
from headstart.reuse.cut import Cut
from headstart.reuse.phases import encoder_stages, make_phases, stage_rates
from headstart.training.freezing import begins
from headstart.training.recipe import Recipe

SIZE = (32, 32)


def encoder(name):
    return build_encoder(EncoderSpec(name, 1, SIZE, (0.5,), (0.25,)))


@pytest.mark.parametrize(
    ("name", "count"),
    [("small", 4), ("lecture_flat", 4), ("mlp", 2), ("resnet18", 5), ("autoencoder", 2), ("transformer", 2),
     ("patches", 7), ("pixels", 0), ("timm:resnet10t", 6)],
)  # fmt: skip
def test_every_parameter_is_in_one_stage(name, count):
    if name.startswith("timm"):
        pytest.importorskip("timm")
    made = encoder(name)
    stages = encoder_stages(made)
    assert len(stages) == count
    for parameter, _ in made.named_parameters():
        assert sum(begins(parameter, part) for names in stages for part in names) == 1


def test_rates_fall_by_the_factor_from_stage_to_stage():
    cut = Cut(encoder("small"), None, (1, *SIZE))
    rates = stage_rates(cut, 2.6)
    assert list(rates.values()) == pytest.approx([2.6**-1, 2.6**-2, 2.6**-3, 2.6**-4])
    assert next(iter(rates)) == "encoder.encoder.stages.3"
    assert stage_rates(cut, 1.0) is None
    with pytest.raises(UserError, match=r"2\.6"):
        stage_rates(cut, 0.0)


def test_below_a_cut_the_rates_start_at_the_cut():
    cut = Cut(encoder("small"), "stages.1", (1, *SIZE))
    assert list(stage_rates(cut, 2.0)) == ["encoder.encoder.stages.1", "encoder.encoder.stages.0"]


def test_phases_draw_in_another_order_each():
    cut = Cut(encoder("small"), None, (1, *SIZE))
    recipe, probe = (part.resolve("supervised", 10) for part in (Recipe(epochs=9, seed=2**32 - 1), Recipe(epochs=2)))
    phases = make_phases(cut, frozen=(), recipe=recipe, probe=probe, unfreeze_every=1, faithful=False)
    assert [phase.recipe.epochs for phase in phases] == [2, 1, 1, 1, 1, 5]
    assert [phase.recipe.seed for phase in phases] == [0, 0, 1, 2, 3, 4]
    assert [phase.whole for phase in phases] == [True, True, False, False, False, False]


def test_faithful_freezing_holds_every_parameter_and_no_dropout():
    cut = Cut(encoder("lecture_flat"), None, (1, *SIZE))
    recipe = Recipe(epochs=1).resolve("supervised", 10)
    (phase,) = make_phases(cut, frozen="all", recipe=recipe, probe=None, unfreeze_every=None, faithful=True)
    network = torch.nn.ModuleDict({"encoder": cut})
    for name, _ in network.named_parameters():
        assert sum(begins(name, part) for part in phase.frozen) == 1
    dropouts = [name for name, m in network.named_modules() if isinstance(m, torch.nn.Dropout)]
    assert len(dropouts) == 2
    assert not any(begins(name, part) for name in dropouts for part in phase.frozen)
