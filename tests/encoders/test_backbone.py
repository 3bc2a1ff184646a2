"""Pretrained weights are where a backbone's training starts; untrained means none, and no bundle asks for them."""

import pytest
import torch

from headstart.encoders.build import build_encoder
from headstart.errors import UserError
from headstart.representation.bundle import load_bundle
from headstart.representation.embed import embed
from headstart.representation.pretrain import pretrain
from headstart.training.fit import encoder_spec, fit_encoder, untrained_encoder
from headstart.training.method import Method
from headstart.training.recipe import Recipe
from headstart.training.run import Run
from headstart.training.training_set import TrainingSet

timm = pytest.importorskip("timm")

X = torch.rand(4, 1, 32, 32, generator=torch.Generator().manual_seed(0))
# A rate so small that training leaves the weights where they began.
STILL = Recipe(epochs=1, batch_size=4, learning_rate=1e-12, seed=3)


@pytest.fixture
def weights(tmp_path):
    """The file of a pretrained network: colour images, ten classes."""
    torch.manual_seed(7)
    path = tmp_path / "w.pth"
    torch.save(timm.create_model("resnet10t", in_chans=3, num_classes=10).state_dict(), path)
    return path


def spec(name, x=X):
    return encoder_spec(f"timm:{name}", TrainingSet.of(x))


def first_and_last(encoder):
    state = encoder.state_dict()
    return state["model.conv1.0.weight"], state["model.layer4.0.conv2.weight"]


def test_the_untrained_network_is_random_though_weights_were_named(weights):
    named, plain, other = (
        untrained_encoder(spec(name), seed=seed)
        for name, seed in [(f"resnet10t@{weights}", 0), ("resnet10t", 0), ("resnet10t", 1)]
    )
    assert all(torch.equal(a, b) for a, b in zip(first_and_last(named), first_and_last(plain), strict=True))
    assert not torch.equal(first_and_last(plain)[0], first_and_last(other)[0])


@pytest.mark.parametrize("method", ["simclr", "supervised"])
def test_training_starts_from_the_weights_that_were_named(weights, method):
    y = torch.tensor([0, 1, 0, 1])
    made = fit_encoder(
        Method(method), TrainingSet.of(X, y), spec=spec(f"resnet10t@{weights}"), recipe=STILL, classes=2
    ).encoder
    assert torch.allclose(first_and_last(made)[1], torch.load(weights)["layer4.0.conv2.weight"], atol=1e-6)


def test_weights_for_colour_see_a_grey_image_as_its_three_equal_channels(weights):
    grey = build_encoder(spec(f"resnet10t@{weights}"), pretrained=True)
    assert torch.allclose(first_and_last(grey)[0], torch.load(weights)["conv1.0.weight"].sum(1, keepdim=True))


def test_the_hub_is_asked_only_where_training_starts(monkeypatch):
    asked, real = [], timm.create_model

    def create(name, *, pretrained, **options):
        asked.append(pretrained)
        return real(name, pretrained=False, **options)

    monkeypatch.setattr(timm, "create_model", create)
    untrained_encoder(spec("resnet10t@hub"), seed=0)
    fit_encoder(Method("autoencoder"), TrainingSet.of(X), spec=spec("resnet10t@hub"), recipe=STILL)
    assert asked == [False, True]


def test_a_hub_that_cannot_be_reached_is_one_line_with_the_way_out(monkeypatch):
    def create(*_, **__):
        raise OSError("no route\nto the hub")

    monkeypatch.setattr(timm, "create_model", create)
    with pytest.raises(UserError, match=r"timm:resnet10t@hub .*no route\): give timm:NAME@FILE"):
        build_encoder(spec("resnet10t@hub"), pretrained=True)


def test_a_bundle_loads_where_the_weights_it_began_from_are_gone(weights, tmp_path):
    source = {"unlabelled": (255 * X[:, 0]).byte().numpy()}
    made = pretrain(source, encoder=f"timm:resnet10t@{weights}", recipe=Recipe(epochs=1), run=Run(tmp_path / "bundle"))
    weights.unlink()
    assert (embed(load_bundle(tmp_path / "bundle"), source) == embed(made, source)).all()


def test_a_weights_file_that_is_not_there_or_not_the_networks_is_refused(weights, tmp_path):
    text = tmp_path / "text.pth"
    text.write_text("not weights")
    pair = tmp_path / "pair.pth"
    torch.save(timm.create_model("resnet10t", in_chans=2).state_dict(), pair)
    for name, words in [
        (f"resnet10t@{tmp_path / 'gone.pth'}", "no weights file"),
        (f"resnet14t@{weights}", "another network"),
        (f"resnet10t@{pair}", "another network"),
        (f"resnet10t@{text}", "no state dict"),
    ]:
        with pytest.raises(UserError, match=words):
            build_encoder(spec(name, X.expand(4, 3, 32, 32)), pretrained=True)
