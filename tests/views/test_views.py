"""Fused views: the same for an image in any batch, and what one by one operations would give."""

from dataclasses import replace

import pytest
import torch
from torchvision.transforms import functional as tv

from headstart.views.presets import PRESETS
from headstart.views.random import image_keys
from headstart.views.views import Views


def keys(n: int, **given) -> torch.Tensor:
    return image_keys(torch.arange(n), **({"seed": 0, "epoch": 0} | given))


def images(n: int = 9, c: int = 3, h: int = 16, w: int = 16) -> torch.Tensor:
    return torch.rand(n, c, h, w, generator=torch.Generator().manual_seed(n))


ALL = replace(
    PRESETS["natural"], rotation=(-30.0, 30.0), shear=(-5.0, 5.0), translation=(-0.1, 0.1), noise=(0.0, 0.1), invert=0.5
)


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize(("c", "h", "w"), [(3, 16, 16), (1, 16, 16), (2, 9, 21)])
def test_views_keep_shape_and_range(name, c, h, w):
    x = images(c=c, h=h, w=w)
    seen = PRESETS[name](x, keys(9))
    assert seen.shape == x.shape
    assert seen.dtype == x.dtype
    assert seen.is_contiguous()
    assert seen.min() >= 0
    assert seen.max() <= 1


@pytest.mark.parametrize("size", [16, 40])
def test_an_image_and_its_key_give_the_same_view_in_any_batch(size):
    x, k = images(150, h=size, w=size), keys(150)  # several chunks
    whole = ALL(x, k)
    order = torch.randperm(150, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(ALL(x[order], k[order]), whole[order], atol=1e-6)
    alone = torch.cat([ALL(x[i : i + 1], k[i : i + 1]) for i in range(20)])
    assert torch.allclose(alone, whole[:20], atol=1e-6)


def test_another_epoch_stream_or_seed_gives_another_view_of_every_image():
    x = images()
    seen = [ALL(x, keys(9, **other)) for other in ({}, {"epoch": 1}, {"stream": 1}, {"seed": 1})]
    for i in range(len(seen)):
        for j in range(i):
            assert ((seen[i] - seen[j]).abs().amax((1, 2, 3)) > 0.01).all()


def test_no_change_is_no_change_at_all_and_not_the_same_memory():
    x = images()
    seen = Views()(x, keys(9))
    assert torch.equal(seen, x)
    assert seen.data_ptr() != x.data_ptr()


def test_the_input_is_never_written_to():
    x = images()
    before = x.clone()
    for views in (ALL, Views(blur=(1.0, 1.0)), Views(noise=(0.1, 0.1))):
        views(x, keys(9))
    assert torch.equal(x, before)


@pytest.mark.parametrize("layout", [torch.channels_last, torch.contiguous_format])
def test_memory_layout_and_precision_do_not_matter(layout):
    x = images()
    expected = ALL(x, keys(9))
    assert torch.allclose(ALL(x.to(memory_format=layout), keys(9)), expected, atol=1e-6)
    double = ALL(x.double(), keys(9))
    assert double.dtype == torch.float64
    assert torch.allclose(double.float(), expected, atol=1e-4)


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("c", [1, 3])
def test_whole_numbers_to_255_are_seen_as_their_shares_of_255(name, c):
    x = torch.randint(0, 256, (9, 16, 16, c), dtype=torch.uint8).permute(0, 3, 1, 2)
    seen = PRESETS[name](x, keys(9))
    assert seen.dtype == torch.float32
    assert torch.allclose(seen, PRESETS[name](x / 255, keys(9)), atol=1e-5)


def test_images_that_do_not_turn_are_seen_as_if_they_turned_by_nothing():
    x = images()
    still = replace(PRESETS["natural"], translation=(-0.1, 0.1), scale=(0.8, 1.2))
    turned = replace(still, rotation=(1e-5, 1e-5))
    assert torch.allclose(still(x, keys(9)), turned(x, keys(9)), atol=1e-4)


def test_an_empty_batch_is_an_empty_batch():
    assert ALL(images(3)[:0], keys(3)[:0]).shape == (0, 3, 16, 16)


def test_fixed_ranges_equal_torchvisions_operations_in_the_same_order():
    x = 0.3 + 0.3 * torch.nn.functional.interpolate(images(4, h=6, w=6), (30, 30), mode="bicubic").clamp(0, 1)
    views = Views(
        rotation=(20.0, 20.0), brightness=(0.9, 0.9), contrast=(1.2, 1.2), saturation=(0.5, 0.5), blur=(0.7, 0.7)
    )
    turned = Views(rotation=(20.0, 20.0))(x, keys(4))  # its corners are our own; the rest is torchvision's
    blurred = tv.gaussian_blur(turned, [9, 9], [0.7, 0.7])
    expected = tv.adjust_saturation(tv.adjust_contrast(tv.adjust_brightness(blurred, 0.9), 1.2), 0.5)
    assert (views(x, keys(4)) - expected)[..., 5:-5, 5:-5].abs().max() < 2e-3


def test_a_crop_shows_a_part_of_the_image_of_the_share_asked_for():
    ramp = torch.linspace(0, 1, 33).expand(400, 1, 33, 33)  # what is seen left and right tells the window
    seen = Views(crop=(0.25, 0.25))(ramp, keys(400))
    width = seen[:, 0, 0, -1] - seen[:, 0, 0, 0]
    assert torch.allclose(width, torch.full_like(width, 0.5 * 32 / 32), atol=0.02)
    left = seen[:, 0, 0, 0]
    assert left.min() < 0.02  # windows lie anywhere, and never outside
    assert 0.48 < left.max() < 0.53


@pytest.mark.parametrize(("name", "axis"), [("flip_horizontal", 3), ("flip_vertical", 2)])
def test_a_quarter_of_images_flips_when_the_probability_is_a_quarter(name, axis):
    x = images(800, 1, 5, 5)
    seen = Views(**{name: 0.25})(x, keys(800))
    flipped = (seen - x.flip(axis)).abs().amax((1, 2, 3)) < 1e-4
    kept = (seen - x).abs().amax((1, 2, 3)) < 1e-4
    assert (flipped | kept).all()
    assert 0.19 < flipped.float().mean() < 0.31


def test_jitter_grey_and_blur_apply_with_their_probabilities():
    x = images(600)
    jitter = Views(brightness=(0.5, 0.6), hue=(0.1, 0.2), jitter=0.8)(x, keys(600))
    assert 0.75 < ((jitter - x).abs().amax((1, 2, 3)) > 0.05).float().mean() < 0.85
    grey = Views(grey=0.2)(x, keys(600))
    colourless = (grey.amax(1) - grey.amin(1)).amax((1, 2)) < 1e-4
    assert 0.15 < colourless.float().mean() < 0.25
    blurred = Views(blur=(1.0, 1.0), blur_probability=0.5)(x, keys(600))
    assert 0.43 < ((blurred - x).abs().amax((1, 2, 3)) > 0.01).float().mean() < 0.57


def test_a_negative_exchanges_light_and_dark_with_its_probability_and_before_the_noise():
    x = images(600)
    seen = Views(invert=0.25)(x, keys(600))
    inverted = (seen - (1 - x)).abs().amax((1, 2, 3)) < 1e-6
    kept = (seen - x).abs().amax((1, 2, 3)) < 1e-6
    assert (inverted ^ kept).all()
    assert 0.2 < inverted.float().mean() < 0.3
    whole = (x * 255).round().to(torch.uint8)
    assert torch.allclose(Views(invert=1.0)(whole, keys(600)), 1 - whole / 255, atol=1e-6)
    white = Views(invert=1.0, noise=(0.05, 0.05))(torch.zeros(50, 1, 16, 16), keys(50))
    assert white.mean() > 0.95


def test_noise_has_the_deviation_asked_for_and_no_mean():
    x = torch.full((200, 1, 16, 16), 0.5)
    noise = Views(noise=(0.05, 0.05))(x, keys(200)) - 0.5
    assert abs(noise.std() - 0.05) < 0.0005
    assert abs(noise.mean()) < 4 * 0.05 / noise.numel() ** 0.5


def test_what_the_views_change_is_named():
    assert Views().changed == {}
    assert Views(scale=(0.9, 1.1), grey=0.5).changed == {"scale": (0.9, 1.1), "grey": 0.5}


def test_no_gradient_passes():
    assert not ALL(images().requires_grad_(), keys(9)).requires_grad


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("views", [ALL, PRESETS["natural"]], ids=["turned", "not turned"])
def test_a_gpu_gives_the_same_views(views):
    x, k = images(64), keys(64)
    assert torch.allclose(views(x.cuda(), k.cuda()).cpu(), views(x, k), atol=1e-3)
