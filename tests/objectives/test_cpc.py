"""CPC's loss, and that a context knows nothing of what it must predict."""

import math

import pytest
import torch
from tests.objectives.losses import agree, rows

from headstart.encoders.patches import PatchEncoder
from headstart.objectives.cpc import Context, info_nce


def test_equal_similarities_cost_log_of_the_rows():
    assert info_nce(torch.zeros(6, 3), torch.zeros(6, 3)).item() == pytest.approx(math.log(6), abs=1e-6)


def test_loss_and_gradient_are_equation_1():
    def written_out(p, z):
        return sum(torch.logsumexp(p[i] @ z.T / 0.5, 0) - p[i] @ z[i] / 0.5 for i in range(len(p))) / len(p)

    agree(lambda p, z: info_nce(p, z, temperature=0.5), written_out, rows(seed=1), rows(seed=2))


def test_the_context_of_a_row_does_not_change_with_the_rows_below():
    torch.manual_seed(0)
    context, z = Context(8, 16), torch.randn(2, 8, 6, 5)
    other = z.clone()
    other[:, :, 4:] = torch.randn(2, 8, 2, 5)
    assert torch.equal(context(z)[:, :, :4], context(other)[:, :, :4])
    assert not torch.allclose(context(z)[:, :, 4:], context(other)[:, :, 4:])


@pytest.mark.parametrize("side", [8, 16, 28, 40, 50])
def test_a_window_is_seen_alone_and_the_windows_cover_the_image(side):
    encoder = PatchEncoder(1, (side, side), (0.5,), (0.25,)).eval()
    x = torch.rand(2, 1, side, side)
    seen = encoder.feature_map(x)
    assert seen.shape[1:] == encoder.map_shape
    assert 5 <= encoder.map_shape[1] <= 8
    other = x.clone()
    other[:, :, : encoder.step, : encoder.step] = 0
    assert torch.allclose(encoder.feature_map(other)[:, :, 1:, 1:], seen[:, :, 1:, 1:], atol=1e-6)
    assert side - (encoder.map_shape[1] - 1) * encoder.step - encoder.side < encoder.step
