"""Encoders: counts that the lecture states, shapes, and what is refused."""

import pytest
import torch

from headstart.encoders.autoencoder import BottleneckDecoder, BottleneckEncoder
from headstart.encoders.build import EncoderSpec, build_encoder
from headstart.encoders.networks import lecture
from headstart.encoders.stages import count_parameters
from headstart.errors import UserError

OWN = [
    "small",
    "lecture",
    "lecture_flat",
    "patches",
    "transformer",
    "mlp",
    "dense",
    "resnet18",
    "autoencoder",
    "pixels",
]


def spec(name, channels=1, size=(16, 16)):
    return EncoderSpec(name, channels, size, (0.5,) * channels, (0.25,) * channels)


def test_the_lectures_autoencoder_has_its_number_of_parameters():
    encoder, decoder = BottleneckEncoder(1, (28, 28), bottleneck=2), BottleneckDecoder(2, 1, (28, 28))
    assert count_parameters(encoder) == 18_874
    assert count_parameters(encoder) + count_parameters(decoder) == 38_715


def test_the_lectures_network_has_its_number_of_parameters():
    # 3×3 convolutions 1-32-32-64-64, with bias, and four numbers a filter in each batch-norm
    by_hand = (9 * 1 * 32 + 32) + (9 * 32 * 32 + 32) + (9 * 32 * 64 + 64) + (9 * 64 * 64 + 64) + 4 * (32 + 32 + 64 + 64)
    assert count_parameters(lecture(1, (28, 28), (0.5,), (0.25,))) == by_hand


@pytest.mark.parametrize("name", OWN)
@pytest.mark.parametrize(("channels", "size"), [(1, (16, 16)), (3, (17, 13)), (5, (32, 20))])
def test_an_image_becomes_a_vector_of_the_stated_width_and_a_map_of_the_stated_shape(name, channels, size):
    encoder = build_encoder(spec(name, channels, size)).eval()
    x = torch.rand(3, channels, *size)
    assert encoder(x).shape == (3, encoder.dim)
    assert encoder.feature_map(x).shape[1:] == encoder.map_shape
    assert encoder.input_shape == (channels, *size)


@pytest.mark.parametrize("size", [(28, 28), (29, 31), (40, 50)])
def test_the_decoder_returns_the_images_size_in_the_unit_interval(size):
    made = BottleneckDecoder(4, 2, size)(torch.randn(2, 4))
    assert made.shape == (2, 2, *size)
    assert made.min() >= 0
    assert made.max() <= 1


def test_h_does_not_depend_on_the_batch_in_inference_mode():
    encoder = build_encoder(spec("small")).eval()
    x = torch.rand(9, 1, 16, 16)
    assert torch.allclose(encoder(x)[4], encoder(x[4:5])[0], atol=1e-5)


def test_images_too_small_are_refused_with_the_way_out():
    with pytest.raises(UserError, match="--image-size 8"):
        build_encoder(spec("small", size=(4, 4)))


def test_an_unknown_encoder_is_refused_with_the_nearest_name():
    with pytest.raises(UserError, match="resnet18"):
        build_encoder(spec("resnet-18"))


def test_a_timm_backbone_is_an_encoder():
    pytest.importorskip("timm")
    encoder = build_encoder(spec("timm:resnet10t", 1, (32, 32))).eval()
    assert encoder(torch.rand(2, 1, 32, 32)).shape == (2, encoder.dim)
