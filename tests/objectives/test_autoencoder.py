"""What a reconstruction costs, by hand; which decoders an autoencoder takes; logistic PCA as one of them."""

import math

import pytest
import torch
from tests.objectives.losses import agree, rows
from tests.objectives.wiring import assert_computes, batch, linear_encoder
from tests.objectives.wiring import images as small_images
from torch import nn

from headstart.encoders.decoder import Mirror
from headstart.encoders.networks import dense
from headstart.errors import UserError
from headstart.objectives.autoencoder import Autoencoder
from headstart.objectives.reconstruction import cross_entropy, squared_error
from headstart.training.loop import train
from headstart.training.method import Method
from headstart.training.recipe import Recipe
from headstart.training.training_set import TrainingSet


def pixels(n: int, *, seed: int) -> torch.Tensor:
    return rows(n, 64, seed=seed).sigmoid().view(n, 1, 8, 8)


def images(n: int = 120) -> torch.Tensor:
    """Grey images of a plane, one that bends: three directions, behind a sigmoid."""
    return (3 * rows(n, 3, seed=1) @ rows(3, 64, seed=2)).sigmoid().view(n, 1, 8, 8)


def test_errors_and_gradients_are_the_textbooks():
    x, made = pixels(5, seed=1), pixels(5, seed=2)
    agree(squared_error, lambda a, b: ((a - b) ** 2).sum() / 320, x, made)
    agree(
        lambda b: cross_entropy(x, b), lambda b: -(x * b.log() + (1 - x) * (1 - b).log()).sum() / (5 * 64), made
    )  # fmt: skip


def test_cross_entropy_is_0_for_black_and_white_and_log_2_for_grey():
    x = (pixels(3, seed=0) > 0.5).double()
    assert float(cross_entropy(x, x)) == pytest.approx(0)
    assert float(cross_entropy(x, torch.full_like(x, 0.5))) == pytest.approx(math.log(2))


def test_an_option_is_a_text_where_it_names_one_of_a_few():
    assert Method("autoencoder").hyperparameters == {"error": "squared"}
    assert Method("autoencoder", error="cross-entropy").hyperparameters == {"error": "cross-entropy"}
    with pytest.raises(UserError, match="wanted squared or cross-entropy"):
        Method("autoencoder", error="absolute")
    with pytest.raises(UserError, match="option of Autoencoder"):
        Method("autoencoder", decode="Mirror")


def test_cross_entropy_is_refused_where_reconstructions_have_no_bounds():
    encoder = dense(1, (8, 8), widths=(3,))
    with pytest.raises(UserError, match="choose error=squared"):
        Autoencoder(encoder, shape=(1, 8, 8), error="cross-entropy")
    Autoencoder(encoder, shape=(1, 8, 8), error="cross-entropy", decoder=Mirror(encoder))


def test_logistic_pca_is_a_linear_code_a_mirror_and_cross_entropy_and_beats_pca_on_pixels_between_bounds():
    x, codes = images().float(), 3
    torch.manual_seed(0)
    encoder = dense(1, (8, 8), widths=(codes,), activation="linear")
    made = Autoencoder(encoder, shape=(1, 8, 8), decoder=Mirror(encoder), error="cross-entropy")
    train(made, TrainingSet.of(x), recipe=Recipe(epochs=150, batch_size=120, learning_rate=0.05))
    with torch.no_grad():
        wrong = (made.reconstruction(x) - x).square().flatten(1).sum(1).mean()
    values = torch.linalg.svdvals(x.flatten(1) - x.flatten(1).mean(0))
    pca = values[codes:].square().sum() / len(x)
    assert float(wrong) < 0.5 * float(pca)


def test_the_image_must_come_out_of_its_code():
    torch.manual_seed(0)
    made, given = Autoencoder(linear_encoder(), shape=(1, 2, 3)).double(), batch(x=small_images(seed=1))

    def written_out():
        back = made.reconstruct.decoder(made.encoder(given.x)[:, :, None, None])
        return (given.x - back).square().sum() / 36

    assert_computes(made, given, written_out)
    made.reconstruct = Nothing()
    assert made(given)["reconstruction"].item() == pytest.approx(given.x.square().mean().item())


class Nothing(nn.Module):
    """Reconstructs darkness."""

    def forward(self, encoder, x):
        return torch.zeros_like(x)
