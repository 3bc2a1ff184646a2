"""Corruption destroys what it says, and depends on the image alone."""

import pytest
import torch

from headstart.objectives.denoising import corrupt
from headstart.views.random import image_keys


def keys(n, epoch=0):
    return image_keys(torch.arange(n), seed=3, epoch=epoch)


def test_masking_zeroes_its_share_of_pixels_in_all_channels_together():
    damaged = corrupt(torch.ones(50, 3, 20, 20), keys(50), masking=0.25, noise=0.0)
    zero = damaged == 0
    assert zero.float().mean().item() == pytest.approx(0.25, abs=0.01)
    assert (zero.all(1) == zero.any(1)).all()


def test_noise_has_its_deviation_and_no_mean():
    damaged = corrupt(torch.zeros(50, 1, 20, 20), keys(50), masking=0.0, noise=0.1)
    assert damaged.std().item() == pytest.approx(0.1, rel=0.03)
    assert abs(damaged.mean().item()) < 0.003


def test_an_image_is_damaged_alike_whatever_the_batch():
    x = torch.rand(8, 1, 12, 12)
    together = corrupt(x, keys(8), masking=0.3, noise=0.2)
    alone = corrupt(x[5:6], keys(8)[5:6], masking=0.3, noise=0.2)
    assert torch.equal(together[5:6], alone)


def test_every_epoch_damages_anew():
    x = torch.rand(4, 1, 12, 12)
    first, second = (corrupt(x, keys(4, epoch), masking=0.3, noise=0.0) for epoch in (0, 1))
    assert not torch.equal(first, second)
