"""CPC's loss, and that a context knows nothing of what it must predict."""

import math

import pytest
import torch
from tests.objectives.losses import agree, rows
from tests.objectives.wiring import assert_computes, batch
from torch import nn

from headstart.encoders.patches import PatchEncoder
from headstart.objectives.cpc import CPC, Context, info_nce


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


def view(n=2, *, seed=1):
    return rows(n, 256, seed=seed).sigmoid().view(n, 1, 16, 16)


def cpc(version, **options):
    torch.manual_seed(0)
    return CPC(PatchEncoder(1, (16, 16), (0.5,), (0.25,)), version=version, **options).double()


@pytest.mark.parametrize("version", [1, 2])
def test_nothing_is_lost_by_who_names_the_window_two_or_three_rows_further_in_every_direction(version):
    """Each window is a unit vector of its own, and each direction's maps are told which comes when."""
    made, windows = cpc(version, width=128), torch.arange(98).view(2, 7, 7)
    named = torch.zeros(2, 128, 7, 7, dtype=torch.float64).scatter(1, windows[:, None], 5.0)
    made.encoder.grid = lambda _: named
    for turn, steps in enumerate(made.steps):  # downwards, then to the left, upwards, to the right
        made.contexts[turn] = nn.Identity()
        maps = torch.zeros(2, 128, 128, dtype=torch.float64)
        for image in windows:
            lines = [image, image.flip(1).T, image.flip(0), image.T][turn]
            for line in range(7):
                for k in (2, 3):
                    if line + k < 7:
                        maps[k - 2, lines[line + k], lines[line]] = 1.0
        steps.weight.data = maps.flatten(0, 1)
    assert len(made.steps) == (4 if version == 2 else 1)
    assert made(batch(view()))["prediction"].item() < 1e-8
    made.offsets = range(1, 3)  # whose names for one and two rows are those for two and three: of none in the row
    assert made(batch(view()))["prediction"].item() == pytest.approx(math.log(14))


def test_the_negatives_are_the_windows_of_the_same_row_in_all_images():
    made, given = cpc(1, temperature=0.7), batch(view())

    def written_out():
        z = made.encoder.feature_map(given.views[0])  # (2, 128, 7, 7)
        known = made.steps[0](made.contexts[0](z).permute(0, 2, 3, 1))  # (2, 7, 7, 2 · 128)
        losses = []
        for k in (2, 3):
            for row in range(7 - k):
                predictions = known[:, row, :, 128 * (k - 2) : 128 * (k - 1)].reshape(14, 128)
                candidates = z[:, :, row + k].permute(0, 2, 1).reshape(14, 128)
                own = (predictions @ candidates.T / 0.7).log_softmax(1).diagonal()
                losses.append(-own.mean())
        assert len(losses) == 5 + 4
        return sum(losses) / 9

    assert_computes(made, given, written_out)


@pytest.mark.parametrize("version", [1, 2])
def test_only_the_second_version_changes_every_window_and_each_in_its_own_way(version):
    made, seen = cpc(version), []
    grid = made.encoder.grid
    made.encoder.grid = lambda windows: (seen.append(windows), grid(windows))[1]
    grey = torch.full((2, 1, 16, 16), 0.5, dtype=torch.float64)
    made(batch(grey))
    different = {tuple(window.flatten().tolist()) for window in seen[0]}
    assert len(different) == (98 if version == 2 else 1)
    assert (seen[0] == made.encoder.windows(grey)).all() == (version == 1)
    again = batch(grey)
    made(again)
    assert torch.equal(seen[0], seen[1])
    again.keys[1] += 1  # another epoch's draw of the second image
    made(again)
    assert [torch.equal(*pair) for pair in zip(seen[0].split(49), seen[2].split(49), strict=True)] == [
        True, version == 1,
    ]  # fmt: skip
