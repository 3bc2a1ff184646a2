"""A deep autoencoder that was pretrained as Boltzmann machines, unrolled and fine-tuned, restores what it never saw."""

import pytest
import torch
from jaxtyping import Float
from torch import Tensor, nn

from headstart.data.load import load
from headstart.data.pixels import Pixels
from headstart.encoders.decoder import Mirror
from headstart.encoders.networks import dense
from headstart.encoders.stages import Staged
from headstart.errors import UserError
from headstart.objectives.autoencoder import Autoencoder
from headstart.training.layerwise import pretrain_layerwise, unroll
from headstart.training.loop import train
from headstart.training.method import Method
from headstart.training.recipe import Recipe
from headstart.training.training_set import TrainingSet

RECIPE = Recipe(epochs=20, batch_size=64, learning_rate=1e-2)
CODES = 8


@pytest.fixture(scope="module")
def digits() -> tuple[Tensor, Tensor]:
    """Images to learn from, and others."""
    images = load("digits").images
    x = torch.from_numpy(Pixels.fit(images)(images))
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(0))
    return x[order[400:]], x[order[:400]]


def network() -> Staged:
    torch.manual_seed(0)
    return dense(1, (8, 8), widths=(100, 40, CODES), last="linear")


def error(x: Float[Tensor, "n c h w"], made: Float[Tensor, "n c h w"]) -> float:
    """Squared error an image."""
    return float((x - made).square().flatten(1).sum(1).mean())


def tuned(encoder: Staged, decoder: nn.Module, x: Tensor, unseen: Tensor) -> float:
    made = Autoencoder(encoder, shape=encoder.input_shape, decoder=decoder, error="cross-entropy")
    train(made, TrainingSet.of(x), recipe=RECIPE)
    with torch.no_grad():
        return error(unseen, made.reconstruction(unseen))


def pca_error(x: Tensor, unseen: Tensor) -> float:
    mean = x.flatten(1).mean(0)
    axes = torch.linalg.svd(x.flatten(1) - mean, full_matrices=False).Vh[:CODES]
    made = (unseen.flatten(1) - mean) @ axes.T @ axes + mean
    return error(unseen, made.view_as(unseen))


def test_pretrained_as_boltzmann_machines_it_beats_pca_and_its_own_random_weights(digits):
    x, unseen = digits
    pretrained = network()
    learned = pretrain_layerwise(
        pretrained, TrainingSet.of(x), learner="rbm", recipe=RECIPE.replace(epochs=45, learning_rate=0.02)
    )
    decoder = unroll(pretrained, learned)
    with torch.no_grad():
        before = error(unseen, decoder(pretrained(unseen)))
    after = tuned(pretrained, decoder, x, unseen)
    random = network()
    from_scratch = tuned(random, Mirror(random), x, unseen)
    mean_image = error(unseen, x.mean(0).expand_as(unseen))
    assert after < 0.9 * pca_error(x, unseen)
    assert after < before < mean_image  # unrolled alone it restores something; fine-tuned, more
    assert after < 0.5 * from_scratch


def test_unrolled_the_first_layer_alone_is_its_machines_own_reconstruction(digits):
    x, unseen = digits
    encoder = dense(1, (8, 8), widths=(20,))
    learned = pretrain_layerwise(encoder, TrainingSet.of(x), learner="rbm", recipe=RECIPE.replace(epochs=1))
    with torch.no_grad():
        wanted = learned["stage1"].objective.reconstruction(unseen)
        assert torch.allclose(unroll(encoder, learned)(encoder(unseen)), wanted, atol=1e-6)


def test_only_boltzmann_machines_are_unrolled(digits):
    encoder = dense(1, (8, 8), widths=(20,))
    learned = pretrain_layerwise(
        encoder, TrainingSet.of(digits[0][:64]), learner="sparse", recipe=RECIPE.replace(epochs=1)
    )
    with pytest.raises(UserError, match="learner='rbm'"):
        unroll(encoder, learned)


@pytest.mark.parametrize("learner", ["autoencoder", "denoising", "sparse", "simclr"])
def test_every_learner_of_the_textbook_trains_dense_layers_of_every_kind(learner, digits):
    for activation, dropout in (("sigmoid", 0.0), ("tanh", 0.0), ("relu", 0.5)):
        encoder = dense(1, (8, 8), widths=(20, 10), activation=activation, dropout=dropout)
        learned = pretrain_layerwise(
            encoder, TrainingSet.of(digits[0][:64]), learner=learner, recipe=RECIPE.replace(epochs=2)
        )
        assert list(learned) == ["stage1", "stage2"]


def test_greedy_takes_its_learners_encoder_where_that_has_stages_and_the_small_one_otherwise():
    found = {name: Method(name).default_encoder() for name in ("greedy", "greedy:sparse", "greedy:rbm", "rbm")}
    assert found == {"greedy": "small", "greedy:sparse": "small", "greedy:rbm": "dense", "rbm": "dense"}
