"""Weighted sums of rows and columns: a window as grid_sample sees it, a blur as torchvision's convolution does it."""

import pytest
import torch
from torchvision.transforms import functional as tv

from headstart.views.affine import move
from headstart.views.sums import add_up, around, gaussian, sample


def blurred(x, sigma, radius=6):
    weight = gaussian(sigma, radius)
    return add_up(x, [around(weight, x.shape[3])], [around(weight, x.shape[2])])


@pytest.mark.parametrize(("h", "w"), [(16, 16), (9, 21), (1, 5)])
def test_a_window_is_sampled_as_by_grid_sample_flipped_or_beyond_the_image(h, w):
    x, theta = torch.rand(50, 2, h, w), torch.zeros(50, 2, 3)
    theta[:, 0, 0], theta[:, 1, 1] = 2.4 * torch.rand(2, 50) - 1.2
    theta[:, :, 2] = 2 * torch.rand(50, 2) - 1
    columns, rows = sample(theta[:, 0, 0], theta[:, 0, 2], w), sample(theta[:, 1, 1], theta[:, 1, 2], h)
    assert torch.allclose(add_up(x, [columns], [rows]), move(x, theta), atol=1e-5)


@pytest.mark.parametrize("sigma", [0.3, 0.8, 2.0])
def test_blur_is_torchvisions_away_from_the_border_where_both_are_cut_at_three_sigmas(sigma):
    x, margin = torch.rand(3, 3, 32, 40), 8
    radius = -int(-3 * sigma // 1)
    expected = tv.gaussian_blur(x, [2 * radius + 1, 2 * radius + 1], [sigma, sigma])
    ours = blurred(x, torch.full((3,), sigma), radius)
    inside = (..., slice(margin, -margin), slice(margin, -margin))
    assert torch.allclose(ours[inside], expected[inside], atol=1e-5)


@pytest.mark.parametrize("sigma", [0.5, 1.0, 2.0])
def test_what_is_cut_off_a_blur_is_less_than_half_a_grey_level_of_255(sigma):
    x = torch.rand(3, 1, 40, 40)
    whole = tv.gaussian_blur(x, [25, 25], [sigma, sigma])
    ours = blurred(x, torch.full((3,), sigma), -int(-3 * sigma // 1))
    assert (ours - whole)[..., 12:-12, 12:-12].abs().max() < 0.5 / 255


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
