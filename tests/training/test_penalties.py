"""A penalty on any layer, in every method: its value, its gradient, and what it does."""

import pytest
import torch
from torch import nn

from headstart.errors import UserError
from headstart.objectives.catalogue import methods
from headstart.training.fit import encoder_spec, untrained_encoder
from headstart.training.loop import train
from headstart.training.method import Method
from headstart.training.penalties import contraction, decorrelation, parse_penalty, penalise, sparsity
from headstart.training.recipe import Recipe
from headstart.training.training_set import TrainingSet
from headstart.views.presets import PRESETS

X = torch.rand(24, 1, 16, 16, generator=torch.Generator().manual_seed(0))
Y = torch.arange(24) % 3
SHORT = Recipe(epochs=2, batch_size=12, learning_rate=1e-3)


def objective(name="simclr"):
    encoder = untrained_encoder(encoder_spec(Method(name).default_encoder(), TrainingSet.of(X)), seed=1)
    return Method(name).make(encoder, shape=(1, 16, 16), classes=3, seed=2)


def normal(*shape, seed=0):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def size_of_weights(layer, x, y):
    return sum(p.abs().mean() for p in layer.parameters())


@pytest.mark.parametrize("name", sorted(methods()))
def test_every_method_takes_a_penalty_on_its_encoder_as_a_term_of_its_own(name):
    plain, penalised = objective(name), objective(name)
    layer = [n for n, m in penalised.encoder.named_modules() if list(m.parameters(recurse=False))][-1]
    penalise(penalised, f"encoder.{layer}", size_of_weights, weight=0.5)
    without, rows = (
        train(o, TrainingSet.of(X, Y, views=PRESETS["microscopy"]), recipe=SHORT)[0] for o in (plain, penalised)
    )
    wanted = 0.5 * size_of_weights(objective(name).encoder.get_submodule(layer), None, None).item()
    assert rows["size_of_weights"] == pytest.approx(wanted, rel=1e-4)
    assert rows["loss"] == pytest.approx(without["loss"] + wanted, rel=1e-4)


def test_sparse_outputs_get_sparser_and_correlated_ones_less_correlated():
    def last(penalty, weight):
        made = objective()
        penalise(made, "encoder", penalty, weight=weight)
        rows = train(
            made, TrainingSet.of(X, views=PRESETS["microscopy"]), recipe=SHORT.replace(epochs=20, learning_rate=0.005)
        )
        return rows[-1][penalty.__name__] / weight

    assert last(sparsity, 10.0) < 0.5 * last(sparsity, 1e-6)
    assert last(decorrelation, 100.0) < 0.5 * last(decorrelation, 1e-6)


def test_decorrelation_is_0_for_independent_outputs_1_for_copies_and_blind_to_scale():
    column = normal(50, 1)
    assert float(decorrelation(nn.Identity(), (X,), column.expand(-1, 3))) == pytest.approx(1)
    axes = torch.cat([torch.eye(4), -torch.eye(4)])
    assert float(decorrelation(nn.Identity(), (X,), axes)) == pytest.approx(0, abs=1e-9)
    y = normal(30, 5)
    scaled = y * torch.tensor([1.0, 2, 3, 4, 100])
    assert float(decorrelation(nn.Identity(), (X,), y)) == pytest.approx(
        float(decorrelation(nn.Identity(), (X,), scaled))
    )


def test_contraction_is_the_jacobians_squared_norm_on_average():
    layer = nn.Sequential(nn.Linear(6, 4), nn.Sigmoid()).double()
    x = normal(3, 6).requires_grad_()
    exact = torch.stack([torch.autograd.functional.jacobian(layer, row).square().sum() for row in x])
    torch.manual_seed(0)
    estimates = torch.stack([contraction(layer, (x,), layer(x)) for _ in range(4000)])
    assert torch.allclose(estimates.mean(0), exact, rtol=0.05)


def test_contraction_reaches_the_first_layers_weights():
    made = objective("autoencoder")
    penalise(made, "encoder", contraction, weight=1.0)
    rows = train(made, TrainingSet.of(X), recipe=SHORT.replace(epochs=15, learning_rate=0.005))
    assert rows[-1]["contraction"] < 0.5 * rows[0]["contraction"]


def test_a_layer_that_the_method_never_calls_as_a_whole_is_refused():
    made = objective("mae")
    penalise(made, "encoder", sparsity, weight=1.0)
    with pytest.raises(UserError, match="inside it"):
        train(made, TrainingSet.of(X, views=PRESETS["microscopy"]), recipe=SHORT)


def test_a_layer_that_is_not_there_gets_a_suggestion():
    with pytest.raises(UserError, match=r"encoder\.stages\.1"):
        penalise(objective(), "encoder.stage.1", sparsity, weight=1.0)


def test_what_is_written_on_the_command_line_is_a_layer_a_penalty_and_a_weight():
    assert parse_penalty("sparsity:encoder.stages.2:0.01") == ("encoder.stages.2", sparsity, 0.01)
    with pytest.raises(UserError, match="NAME:LAYER:WEIGHT"):
        parse_penalty("sparsity:encoder")
    with pytest.raises(UserError, match="sparsity"):
        parse_penalty("sparse:encoder:1")


def test_contraction_is_felt_through_batch_norm():
    """Signs that all images shared would add up to what batch-norm holds constant."""
    net = torch.nn.Sequential(torch.nn.Linear(5, 4), torch.nn.BatchNorm1d(4))
    x = torch.randn(20, 5).requires_grad_()
    assert contraction(net, (x,), net(x)).mean() > 0.1


def test_a_layer_that_is_called_in_parts_is_penalised_as_if_it_were_called_once():
    class InParts(nn.Module):
        def __init__(self, size):
            super().__init__()
            self.layer, self.size = nn.Linear(3, 4), size

        def forward(self, x):
            return torch.cat([self.layer(part) for part in x.split(self.size)])

    found = []
    for size in (6, 4, 1):
        torch.manual_seed(0)
        module = InParts(size).double()
        x = torch.randn(6, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1), requires_grad=True)
        calls = []
        module.layer.register_forward_hook(lambda m, given, y, calls=calls: calls.append((given[0], y)))
        y = module(x)
        torch.manual_seed(2)
        parts = tuple(part for part, _ in calls)
        found.append(contraction(module.layer, parts, y).detach())
    assert torch.allclose(found[0], found[1])
    assert torch.allclose(found[0], found[2])


def test_the_same_penalty_on_two_layers_counts_for_both():
    made = objective("autoencoder")
    layers = [n for n, m in made.encoder.named_modules() if list(m.parameters(recurse=False))][:2]
    for layer in layers:
        penalise(made, f"encoder.{layer}", size_of_weights, weight=1.0)
    first, second = (size_of_weights(made.encoder.get_submodule(layer), None, None).item() for layer in layers)
    row = train(made, TrainingSet.of(X), recipe=SHORT)[0]
    assert row["size_of_weights"] == pytest.approx(first)
    assert row[f"size_of_weights of encoder.{layers[1]}"] == pytest.approx(second)


def test_a_batch_is_not_split_under_a_penalty():
    made = objective("mae")
    train(made, TrainingSet.of(X), recipe=SHORT.replace(epochs=1, accumulate=2))
    penalise(made, "encoder.look", decorrelation, weight=1.0)
    with pytest.raises(UserError, match="is penalised"):
        train(made, TrainingSet.of(X), recipe=SHORT.replace(epochs=1, accumulate=2))
