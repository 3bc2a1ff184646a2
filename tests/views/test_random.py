"""Randomness by key: right, reproducible, uniform, and unrelated between neighbours."""

import numpy as np
import pytest
import torch
from scipy import stats

from headstart.views.random import image_keys, normal, uniform

INDEX = torch.arange(4000)


def correlation(a, b) -> float:
    return float(np.corrcoef(a.flatten().numpy(), b.flatten().numpy())[0, 1])


def test_the_words_are_those_of_the_published_splitmix64():
    published = [6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431]
    expected = [(word >> 40) / 2**24 for word in published]  # state 1234567
    assert uniform(torch.tensor([1234567]), 4)[0].tolist() == expected


def test_a_key_depends_on_its_image_alone_and_not_on_the_batch():
    keys = image_keys(INDEX, seed=3, epoch=5, stream=1)
    order = torch.randperm(len(INDEX))[:7]
    assert torch.equal(image_keys(INDEX[order], seed=3, epoch=5, stream=1), keys[order])
    assert torch.equal(uniform(keys[order], 3, 2), uniform(keys, 3, 2)[order])
    assert torch.equal(normal(keys[order], 5), normal(keys, 5)[order])


def test_seeds_epochs_streams_and_images_never_share_a_key():
    keys = [image_keys(INDEX, seed=s, epoch=e, stream=k) for s in range(4) for e in range(10) for k in range(2)]
    assert len(torch.cat(keys).unique()) == 80 * len(INDEX)


@pytest.mark.parametrize("seed", [-1, 2**63, 2**64 + 1])
def test_any_integer_is_a_seed(seed):
    assert len(image_keys(INDEX, seed=seed, epoch=0).unique()) == len(INDEX)


def test_uniform_numbers_are_uniform():
    u = uniform(image_keys(INDEX, seed=0, epoch=0), 50)
    assert u.dtype == torch.float32
    assert u.min() >= 0
    assert u.max() < 1
    assert stats.kstest(u.flatten().numpy(), "uniform").pvalue > 0.01
    assert stats.chisquare(np.histogram((u[:, 0] * 64).floor(), 64, (0, 64))[0]).pvalue > 0.01


@pytest.mark.parametrize(
    "other",
    [{"epoch": 1}, {"seed": 1}, {"stream": 1}, {"epoch": 1, "seed": 1}],
    ids=["the next epoch", "the next seed", "the next stream", "both"],
)
def test_neighbours_in_epoch_seed_and_stream_are_unrelated(other):
    first = uniform(image_keys(INDEX, seed=0, epoch=0), 20)
    second = uniform(image_keys(INDEX, **({"seed": 0, "epoch": 0} | other)), 20)
    assert abs(correlation(first, second)) < 4 / first.numel() ** 0.5
    for column in range(20):
        assert abs(correlation(first[:, column], second[:, column])) < 4 / len(INDEX) ** 0.5


def test_neighbouring_images_parameters_and_streams_of_one_key_are_unrelated():
    keys = image_keys(INDEX, seed=0, epoch=0)
    u = uniform(keys, 20)
    bound = 4 / u.numel() ** 0.5
    assert abs(correlation(u[:-1], u[1:])) < bound
    assert abs(correlation(u[:, :-1], u[:, 1:])) < bound
    assert abs(correlation(u, uniform(keys, 20, stream=1))) < bound
    between = np.corrcoef(u.T.numpy())
    assert np.abs(between - np.eye(20)).max() < 5 / len(INDEX) ** 0.5


def test_normal_numbers_are_normal_and_unrelated_to_each_other():
    z = normal(image_keys(INDEX, seed=0, epoch=0), 31)
    assert stats.kstest(z.flatten().numpy(), "norm").pvalue > 0.01
    assert z.abs().max() < 5.8
    assert np.abs(np.corrcoef(z.T.numpy()) - np.eye(31)).max() < 5.5 / len(INDEX) ** 0.5


def test_shapes_are_as_asked_for_also_for_no_images():
    keys = image_keys(INDEX[:3], seed=0, epoch=0)
    assert normal(keys, 1, 3, 3).shape == (3, 1, 3, 3)
    assert uniform(keys, 2, 5).shape == (3, 2, 5)
    assert uniform(keys[:0], 2).shape == (0, 2)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_draws_the_same_bits():
    here, there = (image_keys(INDEX.to(device), seed=1, epoch=2) for device in ("cpu", "cuda"))
    assert torch.equal(here, there.cpu())
    assert torch.equal(uniform(here, 9), uniform(there, 9).cpu())
    assert torch.allclose(normal(here, 9), normal(there, 9).cpu(), atol=1e-5)
