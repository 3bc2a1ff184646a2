"""Corruption destroys what it says, and depends on the image alone."""

import pytest
import torch
from tests.objectives.wiring import assert_computes, batch, images, linear_encoder
from torch import nn

from headstart.objectives.denoising import Denoising, corrupt
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


class Copy(nn.Module):
    """Gives back what it is given, and keeps it."""

    def forward(self, encoder, x):
        self.given = x
        return x


def test_what_copies_the_damaged_image_pays_for_the_damage():
    made = Denoising(linear_encoder(), shape=(1, 2, 3))
    made.reconstruct = Copy()
    x = torch.ones(60, 1, 20, 20)
    loss = made(batch(x=x))["reconstruction"].item()
    damaged = made.reconstruct.given
    assert loss == pytest.approx((1 - damaged).square().mean().item())
    assert loss == pytest.approx(0.25 + 0.1**2, abs=0.01)  # a quarter is lost, and noise of a tenth all over


def test_the_undamaged_image_must_come_out_of_the_damaged_one():
    torch.manual_seed(0)
    made = Denoising(linear_encoder(), shape=(1, 2, 3), masking=0.4, noise=0.2).double()
    given = batch(x=images(seed=1))

    def written_out():
        damaged = corrupt(given.x, given.keys, masking=0.4, noise=0.2)
        return (given.x - made.reconstruct(made.encoder, damaged)).square().sum() / 36

    assert_computes(made, given, written_out)
