"""MAE's error, and that hidden patches are never looked at."""

import pytest
import torch
from tests.objectives.losses import agree, rows
from tests.objectives.wiring import batch
from torch import nn

from headstart.encoders.transformer import VisionTransformer
from headstart.objectives.mae import MAE, hidden_error


def test_predicting_the_mean_costs_one_and_the_truth_nothing():
    patches = torch.randn(3, 5, 16, dtype=torch.float64)
    hidden = torch.tensor([[1.0, 0.0, 1.0, 1.0, 0.0]] * 3, dtype=torch.float64)
    assert hidden_error(torch.zeros_like(patches), patches, hidden).item() == pytest.approx(1, abs=1e-4)
    truth = (patches - patches.mean(2, keepdim=True)) / patches.std(2, keepdim=True, correction=0)
    assert hidden_error(truth, patches, hidden).item() == pytest.approx(0, abs=1e-4)


def test_loss_and_gradient_are_the_papers_error_of_standardised_patches():
    patches, hidden = rows(12, 9, seed=2).view(3, 4, 9), torch.tensor([[1.0, 0.0, 1.0, 1.0]] * 3, dtype=torch.float64)

    def written_out(p):
        errors = []
        for i, k in hidden.nonzero().tolist():
            patch = patches[i, k]
            wanted = (patch - patch.mean()) / (((patch - patch.mean()) ** 2).mean() + 1e-6).sqrt()
            errors.append(((p[i, k] - wanted) ** 2).mean())
        return torch.stack(errors).mean()

    agree(lambda p: hidden_error(p, patches, hidden), written_out, rows(12, 9, seed=1).view(3, 4, 9))


def test_what_is_kept_does_not_cost():
    patches, p = torch.randn(2, 4, 9), torch.zeros(2, 4, 9)
    hidden = torch.tensor([[1.0, 0.0, 0.0, 1.0]] * 2)
    other = p.clone()
    other[:, 1:3] = 100.0
    assert hidden_error(p, patches, hidden) == hidden_error(other, patches, hidden)


@pytest.mark.parametrize("side", [8, 28, 40, 50])
def test_the_tokens_kept_do_not_depend_on_the_patches_hidden(side):
    torch.manual_seed(0)
    encoder = VisionTransformer(1, (side, side), (0.5,), (0.25,)).eval()
    x = torch.rand(2, 1, side, side)
    patches, kept = encoder.patches(x), torch.tensor([[0, 3, 5], [1, 2, 4]])
    assert patches.shape[1] == encoder.grid[0] * encoder.grid[1]
    other = patches.clone()
    other[:, 6:] = 9.0
    assert torch.allclose(encoder.tokens(patches, kept), encoder.tokens(other, kept), atol=1e-5)
    assert encoder.feature_map(x).shape[1:] == encoder.map_shape


def mae(*, layers=1, **options):
    """64 patches to an image of 16 by 16; without layers an encoder whose token of a patch knows that patch alone."""
    torch.manual_seed(0)
    encoder = VisionTransformer(1, (16, 16), (0.5,), (0.25,), width=16, depth=layers)
    return MAE(encoder, **{"width": 8, "depth": 1, **options}).double()


def image(n=3, *, seed=1):
    return rows(n, 256, seed=seed).sigmoid().view(n, 1, 16, 16)


def painted(made, x):
    """What is painted on each patch, and the loss."""
    kept = []
    with made.paint.register_forward_hook(lambda *given: kept.append(given[2])):
        loss = made(batch(x))["painting"]
    return kept[0], loss


def seen_and_judged(made, x):
    """(n, 64) each: whether anything that is painted comes of a patch; whether the painting of a patch is judged."""
    x = x.clone().requires_grad_()
    p, loss = painted(made, x)
    weights = torch.rand(p.shape, dtype=p.dtype, generator=torch.Generator().manual_seed(0))
    (by_pixel,) = torch.autograd.grad((p * weights).sum(), x, retain_graph=True)
    (by_painting,) = torch.autograd.grad(loss, p)
    by_patch = nn.functional.unfold(by_pixel, 2, stride=2).mT
    return (by_patch != 0).any(2), (by_painting != 0).any(2)


@pytest.mark.parametrize(("options", "kept"), [({}, 16), ({"masking": 0.5}, 32)])
def test_a_quarter_is_seen_another_for_each_image_and_what_is_not_seen_is_judged(options, kept):
    seen, judged = seen_and_judged(mae(**options), image())
    assert seen.sum(1).tolist() == [kept] * 3
    assert torch.equal(judged, ~seen)
    assert (seen[0] != seen[1]).any()


def test_the_error_is_against_the_view_whose_quarter_was_seen():
    made, x = mae(), image()
    _, judged = seen_and_judged(made, x)
    p, loss = painted(made, x)
    patches = (nn.functional.unfold(x, 2, stride=2).mT - 0.5) / 0.25
    wanted = (patches - patches.mean(2, keepdim=True)) / (patches.var(2, keepdim=True, correction=0) + 1e-6).sqrt()
    assert loss.item() == pytest.approx((p - wanted)[judged].square().mean().item(), rel=1e-5)


def test_the_decoder_knows_the_places_of_what_it_paints():
    made, x = mae(), image()
    _, judged = seen_and_judged(made, x)
    for p, hidden in zip(painted(made, x)[0], judged, strict=True):
        distance = torch.cdist(p[hidden], p[hidden]) + torch.eye(48)
        assert distance.min() > 1e-4


def test_what_was_seen_stands_in_its_own_place():
    made, x = mae(layers=0), image()
    made.body = nn.Identity()  # so that no token learns of another
    seen, _ = seen_and_judged(made, x)
    before = painted(made, x)[0]
    for patch in range(64):
        row, column = 2 * (patch // 8), 2 * (patch % 8)
        other = x.clone()
        other[:, :, row, column] += 0.2
        changed = (painted(made, other)[0] != before).any(2)
        assert changed[:, patch].tolist() == seen[:, patch].tolist()
        assert changed.sum() == seen[:, patch].sum()
