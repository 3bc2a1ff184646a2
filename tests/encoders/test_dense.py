"""Dense encoders are what they are asked to be, layer by layer; a mirror begins as their transposes."""

from itertools import product

import pytest
import torch
from torch import nn

from headstart.encoders.decoder import Mirror
from headstart.encoders.networks import dense, mlp, small
from headstart.encoders.stages import Dense
from headstart.errors import UserError

X = torch.rand(5, 2, 8, 6, generator=torch.Generator().manual_seed(0))


def test_a_dense_encoder_is_matrices_and_activations():
    encoder = dense(2, (8, 6), widths=(7, 5, 3), last="linear").eval()
    z = X.flatten(1)
    for k, stage in enumerate(encoder.stages):
        z = z @ stage.linear.weight.T + stage.linear.bias
        z = z.sigmoid() if k < 2 else z
    assert torch.allclose(encoder(X), z, atol=1e-6)
    assert encoder.map_shape == (3, 1, 1)
    assert torch.equal(encoder.feature_map(X)[:, :, 0, 0], encoder(X))


@pytest.mark.parametrize(
    ("depth", "activation", "batch_norm"), list(product((1, 2, 4), ("sigmoid", "tanh", "relu"), (False, True)))
)
def test_every_depth_and_activation_has_a_stage_a_layer_and_its_number_of_weights(depth, activation, batch_norm):
    encoder = dense(1, (8, 8), widths=(16,) * depth, activation=activation, batch_norm=batch_norm, dropout=0.5)
    assert len(encoder.stages) == depth
    norms = 2 * 16 * depth if batch_norm else 0
    assert sum(p.numel() for p in encoder.parameters()) == 64 * 16 + 16 + (depth - 1) * (16 * 16 + 16) + norms


def test_dropout_drops_its_share_while_training_only_and_never_from_a_code_of_its_own():
    encoder = dense(1, (8, 8), widths=(1000, 1000), dropout=0.3)
    h = encoder.train()(torch.ones(4, 1, 8, 8))
    assert (h == 0).float().mean().item() == pytest.approx(0.3, abs=0.05)
    assert (encoder.eval()(torch.ones(4, 1, 8, 8)) > 0).all()
    coded = dense(1, (8, 8), widths=(1000, 1000), dropout=0.3, batch_norm=True, last="linear")
    assert [stage.plain for stage in coded.stages] == [False, True]


@pytest.mark.parametrize("widths", [(), (8, 0)])
def test_a_network_without_layers_or_outputs_is_refused(widths):
    with pytest.raises(UserError, match="widths="):
        dense(1, (8, 8), widths=widths)


def test_a_mirror_is_the_transposed_encoder_with_biases_of_its_own_and_the_ends_of_what_it_gives_back():
    encoder = dense(2, (8, 6), widths=(7, 5, 3), activation="tanh", last="linear")
    biases = [torch.randn(96), torch.randn(7), torch.randn(5)]
    first, second, third = (stage.linear.weight for stage in encoder.stages)
    h = encoder(X)
    z = (h @ third + biases[2]).tanh()
    z = (z @ second + biases[1]).tanh()
    wanted = (z @ first + biases[0]).sigmoid().view(5, 2, 8, 6)
    assert torch.allclose(Mirror(encoder, biases=biases)(h), wanted, atol=1e-6)


def test_a_mirror_is_free_to_leave_the_encoder():
    encoder = dense(1, (8, 8), widths=(3,))
    before = encoder.stages[0].linear.weight.clone()
    with torch.no_grad():
        for p in Mirror(encoder).parameters():
            p.add_(1)
    assert torch.equal(encoder.stages[0].linear.weight, before)


@pytest.mark.parametrize("make", [small, mlp])
def test_what_is_not_dense_stages_only_has_no_mirror(make):
    with pytest.raises(UserError, match="dense stages only"):
        Mirror(make(1, (16, 16), (0.5,), (0.2,)))


def test_the_mlp_is_still_two_convolutions_as_large_as_the_map():
    torch.manual_seed(0)
    made = mlp(1, (8, 8), (0.5,), (0.2,))
    torch.manual_seed(0)
    first, norm, second = nn.Conv2d(1, 512, 8), nn.BatchNorm2d(512), nn.Conv2d(512, 256, 1)
    assert torch.equal(made.stages[0][1].weight, first.weight)
    assert torch.equal(made.stages[0][3].weight, norm.weight)
    assert torch.equal(made.stages[1][0].weight, second.weight)
    assert not any(isinstance(m, Dense) for m in made.modules())
