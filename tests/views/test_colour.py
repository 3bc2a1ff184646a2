"""One matrix for all of the colour, against torchvision's operations one by one, and how far its hue departs."""

from colorsys import hsv_to_rgb, rgb_to_hsv

import pytest
import torch
from torchvision.transforms import functional as tv

from headstart.views.colour import LUMA, chroma, recolour


def recoloured(x, brightness=1.0, contrast=1.0, saturation=1.0, hue=0.0):
    one = torch.ones(len(x))
    return recolour(x, brightness * one, contrast * one, chroma(saturation * one, hue * one))


@pytest.fixture
def muted():
    """Colours far enough from black and white that nothing is clipped."""
    return 0.4 + 0.2 * torch.rand(4, 3, 12, 12, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def vivid():
    return torch.rand(8, 3, 16, 16, generator=torch.Generator().manual_seed(1))


def luma(x):
    return (x * torch.tensor(LUMA)[:, None, None]).sum(1)


def test_neutral_values_change_nothing(vivid):
    assert torch.allclose(recoloured(vivid), vivid, atol=1e-6)


@pytest.mark.parametrize("factor", [0.6, 1.4])
@pytest.mark.parametrize("name", ["brightness", "contrast", "saturation"])
def test_where_nothing_is_clipped_each_factor_is_torchvisions(muted, name, factor):
    expected = getattr(tv, f"adjust_{name}")(muted, factor)
    assert torch.allclose(recoloured(muted, **{name: factor}), expected, atol=2e-4)  # its luma has four digits


def test_together_they_are_torchvisions_one_after_the_other(muted):
    expected = tv.adjust_saturation(tv.adjust_contrast(tv.adjust_brightness(muted, 0.9), 1.3), 0.7)
    assert torch.allclose(recoloured(muted, 0.9, 1.3, 0.7), expected, atol=3e-4)


def test_no_saturation_is_grey(vivid):
    grey = tv.rgb_to_grayscale(vivid, num_output_channels=3)
    assert torch.allclose(recoloured(vivid, saturation=0.0), grey, atol=2e-4)


@pytest.mark.parametrize("hue", [-0.5, -0.1, 0.25])
def test_hue_keeps_greys_and_the_luma_of_every_colour(vivid, hue):
    grey = vivid[:, :1].expand(-1, 3, -1, -1)
    assert torch.allclose(recoloured(grey, hue=hue), grey, atol=1e-5)
    assert torch.allclose(luma(recoloured(vivid, hue=hue)), luma(vivid), atol=1e-5)


def test_hue_turns_add_up_to_a_whole_turn(vivid):
    assert torch.allclose(recoloured(recoloured(vivid, hue=0.3), hue=0.7), vivid, atol=1e-5)


@pytest.mark.parametrize("hue", [-0.1, -0.05, 0.05, 0.1])
@pytest.mark.parametrize(("saturation", "value"), [(0.2, 0.7), (0.5, 0.7), (1.0, 1.0)])
def test_the_hue_itself_shifts_as_in_hsv_on_average_and_within_a_twentieth_of_a_turn(hue, saturation, value):
    wheel = [hsv_to_rgb(k / 360, saturation, value) for k in range(360)]
    turned = recoloured(torch.tensor(wheel)[:, :, None, None], hue=hue).clamp(0, 1)[:, :, 0, 0].tolist()
    error = [(rgb_to_hsv(*colour)[0] - k / 360 - hue + 0.5) % 1 - 0.5 for k, colour in enumerate(turned)]
    assert abs(sum(error) / 360) < 0.01
    assert max(map(abs, error)) < 0.06


@pytest.mark.parametrize("hue", [-0.1, -0.05, 0.05, 0.1])
def test_colours_depart_from_torchvisions_hue_by_less_than_a_tenth_as_it_changes_the_luma(vivid, hue):
    turned, shifted = recoloured(vivid, hue=hue).clamp(0, 1), tv.adjust_hue(vivid, hue)
    assert (turned - shifted).abs().mean() < 0.1  # on saturated noise, the worst there is; a third of it on photographs
    assert 0.9 < (turned - vivid).abs().mean() / (shifted - vivid).abs().mean() < 1.35
    opposite = recoloured(vivid, hue=-hue).clamp(0, 1)
    assert (turned - shifted).abs().mean() < 0.6 * (opposite - shifted).abs().mean()


@pytest.mark.parametrize("channels", [1, 2, 5])
def test_other_channel_numbers_change_brightness_and_contrast_about_the_image_mean(channels):
    x = torch.rand(3, channels, 8, 8)
    mean = x.mean((1, 2, 3), keepdim=True)
    assert torch.allclose(recoloured(x, 1.2, 0.5, 0.0, 0.3), 1.2 * (0.5 * x + 0.5 * mean), atol=1e-6)


def test_one_channel_agrees_with_torchvision():
    x = 0.4 + 0.2 * torch.rand(3, 1, 8, 8)
    assert torch.allclose(recoloured(x, 1.1, 1.3), tv.adjust_contrast(tv.adjust_brightness(x, 1.1), 1.3), atol=1e-5)
