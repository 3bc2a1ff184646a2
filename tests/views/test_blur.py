"""A blur by matrices, against torchvision's by convolution."""

import pytest
import torch
from torchvision.transforms import functional as tv

from headstart.views.blur import blur, blur_some_, matrices


def blurred(x, sigma):
    return blur(x, matrices(x.shape[2], sigma), matrices(x.shape[3], sigma))


@pytest.mark.parametrize("sigma", [0.3, 0.8, 2.0])
def test_blur_is_torchvisions_away_from_the_border(sigma):
    x = torch.rand(3, 3, 32, 40)
    expected = tv.gaussian_blur(x, [25, 25], [sigma, sigma])
    margin = 8
    ours = blurred(x, torch.full((3,), sigma))
    assert torch.allclose(
        ours[..., margin:-margin, margin:-margin], expected[..., margin:-margin, margin:-margin], atol=1e-4
    )


@pytest.mark.parametrize(("sigma", "bound"), [(0.5, 0.02), (1.0, 0.06), (2.0, 0.12)])
def test_at_the_border_it_departs_from_torchvisions_reflection_by_less_than_the_bound(sigma, bound):
    x = torch.nn.functional.interpolate(torch.rand(8, 1, 6, 6), (24, 24), mode="bilinear")
    expected = tv.gaussian_blur(x, [21, 21], [sigma, sigma])
    assert (blurred(x, torch.full((8,), sigma)) - expected).abs().max() < bound


def test_sigma_zero_changes_nothing_and_a_constant_image_stays():
    x = torch.rand(2, 1, 9, 9)
    assert torch.equal(blurred(x, torch.zeros(2)), x)
    flat = torch.full((1, 3, 8, 12), 0.37)
    assert torch.allclose(blurred(flat, torch.tensor([3.0])), flat, atol=1e-6)


def test_each_image_is_blurred_by_its_own_sigma():
    x, sigma = torch.rand(6, 3, 16, 16), torch.tensor([0.0, 0.3, 0.7, 1.0, 2.0, 5.0])
    together = blurred(x, sigma)
    for i in range(6):
        assert torch.allclose(blurred(x[i : i + 1], sigma[i : i + 1])[0], together[i], atol=1e-6)


def test_levels_are_sigmas_evenly_spaced_and_level_zero_is_left_alone():
    x, level = torch.rand(4, 2, 12, 10), torch.tensor([0, 1, 32, 64])
    sigma = torch.tensor([0.0, 0.5 + 1 / 128, 0.5 + 63 / 128, 0.5 + 127 / 128])
    seen = blur_some_(x.clone(), level, low=0.5, high=1.5)
    assert torch.allclose(seen, blurred(x, sigma), atol=1e-6)
    assert torch.equal(seen[0], x[0])
    untouched = blur_some_(x.clone(), torch.zeros(4, dtype=torch.int64), low=0.5, high=1.5)
    assert torch.equal(untouched, x)
