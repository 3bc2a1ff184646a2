"""A Boltzmann machine is what its equations say, by enumeration; contrast makes the data likelier."""

from itertools import product

import pytest
import torch
from tests.objectives.losses import rows
from torch import nn

from headstart.encoders.networks import dense, lecture, mlp
from headstart.encoders.stages import Staged
from headstart.errors import UserError
from headstart.objectives.objective import Batch
from headstart.objectives.rbm import RBM, free_energy, gibbs
from headstart.training.loop import train
from headstart.training.recipe import Recipe
from headstart.training.training_set import TrainingSet
from headstart.views.random import image_keys

VISIBLE, HIDDEN = 6, 4
STATES = {d: torch.tensor(list(product((0.0, 1.0), repeat=d)), dtype=torch.float64) for d in (VISIBLE, HIDDEN)}
PATTERNS = torch.tensor([[1, 1, 1, 0, 0, 0], [0, 0, 0, 1, 1, 1], [1, 0, 1, 0, 1, 0]], dtype=torch.float64)


def weights(seed=0):
    """W (d, v), hidden biases, visible biases."""
    return rows(HIDDEN, VISIBLE, seed=seed), rows(1, HIDDEN, seed=seed + 1)[0], rows(1, VISIBLE, seed=seed + 2)[0]


def keys(n, epoch=0):
    return image_keys(torch.arange(n), seed=3, epoch=epoch)


def machine(*, last=None, steps=1, seed=0):
    torch.manual_seed(seed)
    return RBM(dense(1, (2, 3), widths=(HIDDEN,), last=last), steps=steps).double()


def batch(x):
    nothing = torch.zeros(len(x), dtype=torch.int64)
    return Batch((), x, nothing, nothing, torch.arange(len(x)), keys(len(x)))


def images(v):
    return v.view(-1, 1, 2, 3)


def log_likelihood(made, v):
    """Mean log p(v) in nats: the partition function is a sum over all visible states."""
    own = (*made.encoder.parameters(), made.visible)
    with torch.no_grad():
        return float((-free_energy(v, *own)).mean() - (-free_energy(STATES[VISIBLE], *own)).logsumexp(0))


def test_free_energy_is_the_log_sum_over_all_hidden_states():
    weight, hidden, visible = weights()
    v, h = rows(5, VISIBLE).sigmoid(), STATES[HIDDEN]
    energy = -(v @ visible)[:, None] - h @ hidden - v @ weight.T @ h.T
    assert torch.allclose(free_energy(v, weight, hidden, visible), -(-energy).logsumexp(1))


def test_free_energy_of_linear_units_is_the_log_integral_over_them_up_to_a_constant():
    weight, hidden, visible = rows(1, VISIBLE), rows(1, 1)[0], rows(1, VISIBLE)[0]
    v, h = rows(5, VISIBLE).sigmoid(), torch.linspace(-30, 30, 20001, dtype=torch.float64)[:, None]
    energy = -(v @ visible)[:, None] + (h * h / 2 - h * hidden).T - v @ weight.T @ h.T
    constant = free_energy(v, weight, hidden, visible, linear=True) + (-energy).logsumexp(1)
    assert torch.allclose(constant, constant[0].expand(5))


@pytest.mark.parametrize("last", ["sigmoid", "linear"])
@pytest.mark.parametrize("steps", [1, 3])
def test_the_gradient_is_the_textbooks_statistics_of_the_data_less_those_of_the_walk(last, steps):
    made, v = machine(last=last, steps=steps), rows(8, VISIBLE).sigmoid()
    (weight, hidden), visible = made.encoder.parameters(), made.visible
    sum(made(batch(images(v))).values()).backward()
    with torch.no_grad():
        mean = (lambda z: z) if last == "linear" else torch.sigmoid
        h = mean(v @ weight.T + hidden)
        away = gibbs(h, weight, hidden, visible, keys=keys(8), steps=steps, linear=last == "linear")
        h_away = mean(away @ weight.T + hidden)
    assert not torch.allclose(v, away, atol=0.01)
    assert torch.allclose(weight.grad, -(h.T @ v - h_away.T @ away) / 8)
    assert torch.allclose(hidden.grad, -(h - h_away).mean(0))
    assert torch.allclose(visible.grad, -(v - away).mean(0))


def test_a_long_walk_ends_where_the_machine_says():
    weight, hidden, visible = weights()
    n = 20_000
    away = gibbs(torch.full((n, HIDDEN), 0.5).double(), weight, hidden, visible, keys=keys(n), steps=30)
    share = (-free_energy(STATES[VISIBLE], weight, hidden, visible)).softmax(0)
    # v stays a probability, from which the next hidden state is drawn: near the exact mean, not on it
    assert torch.allclose(away.mean(0), share @ STATES[VISIBLE], atol=0.05)


def test_contrast_makes_the_data_likelier_and_nothing_is_likelier_than_its_own_entropy():
    made, x = machine(), images(PATTERNS.repeat(20, 1))
    before = log_likelihood(made, PATTERNS)
    train(made, TrainingSet.of(x), recipe=Recipe(epochs=150, batch_size=20, learning_rate=0.02, precision="float64"))
    after = log_likelihood(made, PATTERNS)
    best = -torch.tensor(3.0).log().item()  # three patterns, each a third of the time
    assert before == pytest.approx(-VISIBLE * torch.tensor(2.0).log().item(), abs=0.5)
    assert before + 1.5 < after < best


def test_linear_units_reconstruct_what_they_learned():
    made, x = machine(last="linear"), images(PATTERNS.repeat(20, 1))
    train(made, TrainingSet.of(x), recipe=Recipe(epochs=100, batch_size=20, learning_rate=0.02, precision="float64"))
    with torch.no_grad():
        assert (made.reconstruction(x) - x).abs().mean() < 0.15


def test_reconstructions_are_poor_before_and_good_after():
    made, x = machine(), images(PATTERNS.repeat(20, 1))
    wrong = []
    for epochs in (1, 150):
        train(
            made,
            TrainingSet.of(x),
            recipe=Recipe(epochs=epochs, batch_size=20, learning_rate=0.02, precision="float64"),
        )
        with torch.no_grad():
            wrong.append(float((made.reconstruction(x) - x).abs().mean()))
    assert wrong[0] > 0.4
    assert wrong[1] < 0.2


def test_the_walk_follows_the_image_and_not_the_batch():
    weight, hidden, visible = weights()
    h = rows(9, HIDDEN).sigmoid()
    together = gibbs(h, weight, hidden, visible, keys=keys(9), steps=2)
    alone = gibbs(h[4:5], weight, hidden, visible, keys=keys(9)[4:5], steps=2)
    assert torch.allclose(together[4], alone[0])
    assert not torch.allclose(together, gibbs(h, weight, hidden, visible, keys=keys(9, epoch=1), steps=2))


@pytest.mark.parametrize(
    "encoder",
    [
        lecture(1, (16, 16), (0.5,), (0.2,)),
        mlp(1, (16, 16), (0.5,), (0.2,)),
        dense(1, (16, 16), widths=(8, 4)),
        dense(1, (16, 16), widths=(8,), activation="relu"),
        dense(1, (16, 16), widths=(8,), dropout=0.5),
        dense(1, (16, 16), widths=(8,), batch_norm=True),
        Staged([nn.Conv2d(1, 8, 16)], channels=1, size=(16, 16)),
    ],
    ids=["lecture", "mlp", "two layers", "relu", "dropout", "batch-norm", "a convolution"],
)
def test_other_encoders_are_refused_with_the_way_out(encoder):
    with pytest.raises(UserError, match=r"one dense layer of sigmoid or linear units.*--encoder dense"):
        RBM(encoder)


def test_a_walk_without_a_step_is_refused():
    with pytest.raises(UserError, match="steps=0: wanted at least 1"):
        machine(steps=0)
