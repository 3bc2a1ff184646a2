"""A method is a class and its hyperparameters; what cannot be one is refused in a line."""

import pytest
import torch

from headstart.encoders.networks import small
from headstart.errors import UserError
from headstart.objectives.objective import Objective
from headstart.objectives.simclr import SimCLR
from headstart.training.fit import encoder_spec, fit_encoder
from headstart.training.method import Method
from headstart.training.recipe import Recipe
from headstart.training.training_set import TrainingSet
from headstart.views.presets import PRESETS

ENCODER = (1, (16, 16), (0.5,), (0.25,))


class Agree(Objective):
    """Two views agree."""

    n_views = 2

    def __init__(self, encoder, *, weight: float = 1.0) -> None:
        super().__init__()
        self.encoder, self.weight = encoder, weight

    def forward(self, batch):
        """Their squared distance."""
        a, b = map(self.encoder, batch.views)
        return {"agreement": self.weight * (a - b).square().mean()}


def test_a_method_by_name_has_its_papers_defaults_but_for_what_is_given():
    method = Method("simclr", temperature=0.1)
    assert method.objective is SimCLR
    assert method.hyperparameters == {**Method("simclr").hyperparameters, "temperature": 0.1}
    assert method.make(small(*ENCODER), shape=(1, 16, 16), seed=0).temperature == 0.1
    assert method == Method("simclr", temperature="0.1")
    assert method != Method("simclr")


def test_a_class_of_your_own_is_a_method_and_trains():
    method = Method(Agree, weight=0.5)
    assert method.name.endswith("test_method:Agree")
    data = TrainingSet.of(torch.rand(24, 1, 16, 16), views=PRESETS["microscopy"])
    recipe = Recipe(epochs=1, batch_size=8)
    fitted = [fit_encoder(m, data, spec=encoder_spec("small", data), recipe=recipe) for m in (method, Method(Agree))]
    half, whole = (f.rows[0]["agreement"] for f in fitted)
    assert half == pytest.approx(0.5 * whole)


@pytest.mark.parametrize(
    ("which", "given", "said"),
    [
        ("simclear", {}, "did you mean 'simclr'"),
        ("simclr", {"temprature": 0.1}, "did you mean 'temperature'"),
        ("simclr", {"width": 2.5}, "wanted a whole number"),
        ("moco", {"version": 3}, "wanted 1 or 2"),
        (Agree, {"weight": "heavy"}, "wanted a number"),
    ],
)
def test_what_is_no_method_or_no_hyperparameter_is_refused_with_what_there_is(which, given, said):
    with pytest.raises(UserError, match=said):
        Method(which, **given)


@pytest.mark.parametrize(
    ("name", "given", "wanted"),
    [
        ("simclr", {"temperature": 0}, "a number above 0"), ("dino", {"teacher_temperature": -1.0}, "a number above 0"),
        ("byol", {"momentum": 1.0}, "at least 0, below 1"), ("vicreg", {"covariance": -0.1}, "at least 0"),
        ("denoising", {"masking": 1.0}, "below 1"), ("supcon", {"width": 0}, "at least 1"),
        ("sparse", {"weight": float("inf")}, "at least 0"), ("barlow_twins", {"redundancy": -1.0}, "at least 0"),
        ("simsiam", {"bottleneck": 0}, "at least 1"), ("moco", {"queue": 0}, "at least 1"),
    ],
)  # fmt: skip
def test_a_hyperparameter_out_of_range_is_refused_by_the_class_itself(name, given, wanted):
    (key,) = given
    with pytest.raises(UserError, match=f"^{key}=.*{wanted}"):
        Method(name, **given).make(small(*ENCODER), shape=(1, 16, 16), seed=0)


def test_weights_of_an_objective_come_from_its_seed_alone():
    def weights(seed: int) -> torch.Tensor:
        torch.manual_seed(seed + 7)
        return next(Method("simclr").make(small(*ENCODER), shape=(1, 16, 16), seed=seed).projector.parameters())

    torch.manual_seed(0)
    state = torch.get_rng_state()
    encoder = small(*ENCODER)
    torch.set_rng_state(state)
    one = next(Method("simclr").make(encoder, shape=(1, 16, 16), seed=3).projector.parameters())
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(one, weights(3))
    assert not torch.equal(one, weights(4))
