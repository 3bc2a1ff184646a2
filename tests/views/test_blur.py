"""A blur by matrices, against torchvision's by convolution."""

import pytest
import torch
from torchvision.transforms import functional as tv

from headstart.views.blur import blur, blur_some_


@pytest.mark.parametrize("sigma", [0.3, 0.8, 2.0])
def test_blur_is_torchvisions_away_from_the_border(sigma):
    x = torch.rand(3, 3, 32, 40)
    expected = tv.gaussian_blur(x, [25, 25], [sigma, sigma])
    margin = 8
    ours = blur(x, torch.full((3,), sigma))
    assert torch.allclose(
        ours[..., margin:-margin, margin:-margin], expected[..., margin:-margin, margin:-margin], atol=1e-4
    )


@pytest.mark.parametrize(("sigma", "bound"), [(0.5, 0.02), (1.0, 0.06), (2.0, 0.12)])
def test_at_the_border_it_departs_from_torchvisions_reflection_by_less_than_the_bound(sigma, bound):
    x = torch.nn.functional.interpolate(torch.rand(8, 1, 6, 6), (24, 24), mode="bilinear")
    expected = tv.gaussian_blur(x, [21, 21], [sigma, sigma])
    assert (blur(x, torch.full((8,), sigma)) - expected).abs().max() < bound


def test_sigma_zero_changes_nothing_and_a_constant_image_stays():
    x = torch.rand(2, 1, 9, 9)
    assert torch.equal(blur(x, torch.zeros(2)), x)
    flat = torch.full((1, 3, 8, 12), 0.37)
    assert torch.allclose(blur(flat, torch.tensor([3.0])), flat, atol=1e-6)


def test_each_image_is_blurred_by_its_own_sigma():
    x, sigma = torch.rand(6, 3, 16, 16), torch.tensor([0.0, 0.3, 0.7, 1.0, 2.0, 5.0])
    together = blur(x, sigma)
    for i in range(6):
        assert torch.allclose(blur(x[i : i + 1], sigma[i : i + 1])[0], together[i], atol=1e-6)


def test_blurring_only_the_chosen_gives_what_blurring_all_gives():
    x, sigma = torch.rand(5, 2, 12, 10), torch.tensor([0.0, 1.5, 0.1, 0.2, 0.6])
    expected = blur(x, sigma)
    assert torch.allclose(blur_some_(x.clone(), sigma), expected, atol=2e-5)  # up to sigma 0.2 none is done
    assert torch.equal(blur_some_(x.clone(), torch.zeros(5)), x)
