"""Images that do not match an encoder are refused with what to change, and adapting it is exact where it can be."""

import numpy as np
import pytest
import torch

from headstart.data.pixels import Pixels
from headstart.encoders.build import EncoderSpec, build_encoder
from headstart.errors import UserError
from headstart.representation.bundle import Bundle, load_bundle
from headstart.representation.frozen import fingerprint
from headstart.reuse.inputs import adapt_input
from headstart.reuse.transfer import Transfer
from headstart.training.recipe import Recipe

RNG = np.random.default_rng(0)
COLOUR = RNG.integers(0, 256, (12, 16, 16, 3), dtype=np.uint8)
GREY = RNG.integers(0, 256, (12, 16, 16), dtype=np.uint8)
Y = np.arange(12) % 2
RECIPE = Recipe(epochs=1, batch_size=6)


def bundle(name="small", images=COLOUR, mean=0.5, std=0.25):
    channels = images.shape[3] if images.ndim == 4 else 1
    torch.manual_seed(0)
    spec = EncoderSpec(name, channels, (16, 16), (mean,) * channels, (std,) * channels)
    pixels = Pixels.fit(images if images.ndim == 4 else images[..., None])
    return Bundle(build_encoder(spec).eval(), spec, pixels)


@pytest.mark.parametrize(
    ("images", "words"),
    [
        (GREY, r"1 channel\(s\), the encoder takes 3: .*adapt_input\(bundle, images\)"),
        (COLOUR / 255, r"float32 from 0 to 1, .* uint8 from 0 to 255: .*adapt_input\(bundle, images\)"),
        (COLOUR.astype(np.uint16), "uint16 from 0 to 255"),
        (COLOUR // 64, r"uint8 from 0 to 3, .* from 0 to 255"),
    ],
)
def test_images_that_a_bundle_was_not_made_for_are_refused_with_what_to_change(images, words):
    with pytest.raises(UserError, match=words):
        Transfer(bundle(), recipe=RECIPE).fit(images, Y)


@pytest.mark.parametrize(
    ("x", "words"),
    [
        (torch.rand(12, 1, 16, 16), r"1 channel\(s\).*adapt_input\(encoder, channels=1\)"),
        (torch.rand(12, 3, 20, 24), r"20×24 pixels, the encoder takes 16×16: .*size=\(20, 24\)"),
        (255 * torch.rand(12, 3, 16, 16), "wanted 0 to 1"),
        (torch.randn(12, 3, 16, 16), "standardises them itself"),
        (torch.rand(0, 3, 16, 16), "wanted images"),
    ],
)
def test_tensors_that_an_encoder_was_not_made_for_are_refused_with_what_to_change(x, words):
    with pytest.raises(UserError, match=words):
        Transfer(bundle().encoder, recipe=RECIPE).fit(x, Y)


def test_the_call_in_the_words_is_the_way_out():
    for images in (GREY, COLOUR / 255, COLOUR // 64):
        made = Transfer(adapt_input(bundle(), images), recipe=RECIPE).fit(images, Y)
        assert made.predict(images).shape == (12,)
    x = torch.rand(12, 1, 20, 24)
    adapted = adapt_input(adapt_input(bundle().encoder, channels=1), size=(20, 24))
    assert Transfer(adapted, recipe=RECIPE).fit(x, Y).predict(x).shape == (12,)


def test_images_of_another_size_are_fitted_into_the_bundles():
    larger = RNG.integers(0, 256, (12, 40, 30, 3), dtype=np.uint8)
    assert Transfer(bundle(), recipe=RECIPE).fit(larger, Y).predict(larger).shape == (12,)


def test_a_network_for_colour_sees_a_grey_image_as_three_equal_channels():
    given = bundle().encoder
    before = fingerprint(given)
    grey, x = adapt_input(given, channels=1), torch.rand(5, 1, 16, 16)
    with torch.no_grad():
        assert torch.allclose(grey(x), given(x.expand(-1, 3, -1, -1)), atol=1e-5)
    assert fingerprint(given) == before
    assert (grey.input_shape, given.input_shape) == ((1, 16, 16), (3, 16, 16))


def test_a_network_for_grey_sees_the_mean_of_the_channels():
    given = bundle(images=GREY).encoder
    colour, x = adapt_input(given, channels=3), torch.rand(5, 3, 16, 16)
    with torch.no_grad():
        assert torch.allclose(colour(x), given(x.mean(1, keepdim=True)), atol=1e-5)


def test_its_own_normalisation_takes_the_place_of_the_encoders():
    given = bundle().encoder
    x, mean, std = torch.rand(5, 3, 16, 16), [0.1, 0.2, 0.3], [0.5, 0.6, 0.7]
    shift, scale = (torch.tensor(v).view(1, 3, 1, 1) for v in (mean, std))
    with torch.no_grad():
        expected = given((x - shift) / scale * 0.25 + 0.5)
        assert torch.allclose(adapt_input(given, mean=mean, std=std)(x), expected, atol=1e-5)
    with pytest.raises(UserError, match="give one a channel"):
        adapt_input(given, mean=[0.5])


def test_a_convolutional_network_looks_at_another_size_and_a_dense_one_refuses():
    adapted = adapt_input(bundle().encoder, size=24)
    assert adapted.input_shape == (3, 24, 24)
    assert adapted.feature_map(torch.rand(1, 3, 24, 24)).shape[1:] == adapted.map_shape
    for name in ("mlp", "lecture_flat", "transformer"):
        with pytest.raises(UserError, match="16×16 pixels only"):
            adapt_input(bundle(name).encoder, size=24)


def test_an_adapted_bundle_is_saved_and_loaded_as_it_is(tmp_path):
    adapted = adapt_input(bundle(), GREY, size=24, mean=[0.3], std=[0.2])
    again = load_bundle(adapted.save(tmp_path).folder)
    assert (again.spec, again.pixels) == (adapted.spec, adapted.pixels)
    assert again.spec.mean == pytest.approx((0.3,))
    x = torch.from_numpy(again.pixels(GREY[..., None]))
    assert x.shape == (12, 1, 24, 24)
    assert np.array_equal(again.represent(x), adapted.represent(x))


def test_an_encoder_without_a_first_convolution_keeps_its_channels():
    with pytest.raises(UserError, match="convert the images"):
        adapt_input(bundle("transformer").encoder, channels=1)
    with pytest.raises(UserError, match="leave out mean"):
        adapt_input(bundle("autoencoder").encoder, mean=[0.5] * 3)


def test_a_backbone_is_adapted_like_any_encoder():
    pytest.importorskip("timm")
    torch.manual_seed(0)
    spec = EncoderSpec("timm:resnet10t", 3, (32, 32), (0.5,) * 3, (0.25,) * 3)
    given = build_encoder(spec).eval()
    x = torch.rand(2, 1, 32, 32)
    with torch.no_grad():
        assert torch.allclose(adapt_input(given, channels=1)(x), given(x.expand(-1, 3, -1, -1)), atol=1e-4)
