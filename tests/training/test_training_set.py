"""The training set: a batch is prepared from what is stored, and nothing of the size of the data set is converted."""

import numpy as np
import pytest
import torch

from headstart.data.inputs import Images, Pictures
from headstart.data.pixels import Pixels
from headstart.encoders.networks import small
from headstart.objectives.autoencoder import Autoencoder
from headstart.training.fit import encoder_spec
from headstart.training.loop import train
from headstart.training.recipe import Recipe
from headstart.training.training_set import TrainingSet, channel_statistics
from headstart.views.presets import PRESETS
from headstart.views.random import image_keys

STORED = np.random.default_rng(0).integers(0, 256, (60, 16, 16, 1), np.uint8)
PIXELS = Pixels.fit(STORED)
LIKE = torch.zeros(())


def stored(**given) -> TrainingSet:
    return TrainingSet.prepared_by(PIXELS, Images(STORED), **given)


def test_a_step_of_stored_numbers_is_bit_for_bit_that_of_floats_prepared_before():
    floats = TrainingSet.of(torch.from_numpy(PIXELS(STORED)), views=PRESETS["microscopy"])
    rows = np.array([5, 59, 0])
    one, other = (
        data.batch(rows, n_views=2, seed=3, epoch=4, like=LIKE)
        for data in (stored(views=PRESETS["microscopy"]), floats)
    )
    for a, b in zip(
        (one.x, *one.views, one.y, one.index, one.keys),
        (other.x, *other.views, other.y, other.index, other.keys),
        strict=True,
    ):
        assert torch.equal(a, b)


def test_training_on_stored_numbers_equals_training_on_floats():
    losses = []
    for data in (stored(), TrainingSet.of(torch.from_numpy(PIXELS(STORED)))):
        torch.manual_seed(0)
        network = Autoencoder(small(1, (16, 16), (0.5,), (0.25,)), shape=(1, 16, 16))
        losses.append([row["loss"] for row in train(network, data, recipe=Recipe(epochs=2, batch_size=16))])
    assert losses[0] == losses[1]


def test_a_batch_holds_the_rows_that_were_dealt_in_their_order():
    rows = np.array([40, 3, 17])
    assert torch.equal(
        stored().batch(rows, n_views=0, seed=0, epoch=0, like=LIKE).x, torch.from_numpy(PIXELS(STORED[rows]))
    )


def test_views_are_drawn_of_the_examples_and_then_pass_the_frozen_trunk():
    trunk = torch.nn.AvgPool2d(2)
    drawn = stored(views=PRESETS["microscopy"]).batch(np.array([4, 2]), n_views=1, seed=1, epoch=0, like=LIKE)
    passed = (
        stored(views=PRESETS["microscopy"])
        .replace(trunk=trunk)
        .batch(np.array([4, 2]), n_views=1, seed=1, epoch=0, like=LIKE)
    )
    assert torch.equal(passed.views[0], trunk(drawn.views[0]))
    assert torch.equal(passed.x, trunk(drawn.x))


def test_only_the_rows_of_a_batch_are_read():
    class Watched(Images):
        read_rows = 0

        def read(self, rows, size=None):
            self.read_rows += len(np.arange(len(self))[rows])
            return super().read(rows, size)

    inputs = Watched(STORED)
    TrainingSet.prepared_by(PIXELS, inputs).batch(np.arange(7), n_views=2, seed=0, epoch=0, like=LIKE)
    assert inputs.read_rows == 7


def test_views_are_any_function_of_a_batch_and_keys():
    seen = []

    def darker(x, keys):
        seen.append(keys)
        return x / 2

    batch = stored(views=darker).batch(np.array([4, 2]), n_views=2, seed=1, epoch=0, like=LIKE)
    torch.testing.assert_close(batch.views[1], batch.x / 2)
    wanted = [image_keys(torch.tensor([4, 2]), seed=1, epoch=0, stream=s) for s in (1, 2)]
    assert torch.equal(seen[0], torch.cat(wanted))


def test_every_example_is_dealt_once_an_epoch_in_another_order_each():
    data = stored()
    first, again, second = (np.concatenate(data.epoch_batches(seed=0, epoch=e, batch_size=16)) for e in (0, 0, 1))
    assert sorted(first) == list(range(60))
    assert (first == again).all()
    assert (first != second).any()


def test_statistics_by_parts_are_those_of_the_whole():
    x = torch.from_numpy(PIXELS(np.concatenate([STORED] * 20))) * torch.linspace(0.1, 1, 1200)[:, None, None, None]
    x = torch.cat([x, x**2], 1)
    mean, std = channel_statistics(TrainingSet.of(x))
    torch.testing.assert_close(mean, x.double().mean((0, 2, 3)))
    torch.testing.assert_close(std, x.double().std((0, 2, 3)))


def test_pictures_of_several_sizes_are_fitted_to_the_preparations_size_once():
    reads = []

    def one(place: int) -> np.ndarray:
        reads.append(place)
        return STORED[place, : 8 + place]

    sizes = [(8 + i, 16) for i in range(8)]
    pictures = Pictures(one, sizes, shape=(16, 16, 1), dtype=np.dtype(np.uint8))
    data = TrainingSet.prepared_by(PIXELS, pictures).sized()
    assert sorted(reads) == list(range(8))
    assert data.rows(np.array([3, 1])).shape == (2, 1, 16, 16)
    assert len(reads) == 8


def test_a_missing_label_is_minus_one_and_a_missing_domain_zero():
    batch = stored().batch(np.arange(3), n_views=0, seed=0, epoch=0, like=LIKE)
    assert batch.y.tolist() == [-1, -1, -1]
    assert batch.domain.tolist() == [0, 0, 0]
    batch = (
        stored(y=np.arange(60))
        .replace(domain=np.arange(60) % 2)
        .batch(np.array([5, 6]), n_views=0, seed=0, epoch=0, like=LIKE)
    )
    assert (batch.y.tolist(), batch.domain.tolist()) == ([5, 6], [1, 0])


@pytest.mark.parametrize("symmetric", [False, True])
def test_an_encoder_is_made_for_what_is_prepared(symmetric):
    spec = encoder_spec("small", stored(), symmetric=symmetric)
    assert (spec.channels, spec.size, spec.symmetric) == (1, (16, 16), symmetric)
    assert spec.mean[0] == pytest.approx(STORED.mean() / 255, abs=1e-6)
