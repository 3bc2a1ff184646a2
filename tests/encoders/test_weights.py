"""Weights exchanged with plain PyTorch, torchvision and timm: the other network's outputs are ours, and back."""

import numpy as np
import pytest
import torch
from torch import nn

from headstart.encoders.build import EncoderSpec, build_encoder
from headstart.encoders.weights import fit_channels, foreign_names, load_weights, read_weights, save_weights
from headstart.errors import UserError

X = torch.rand(3, 3, 32, 32, generator=torch.Generator().manual_seed(0))


def ours(name, channels=3, size=(32, 32)):
    return build_encoder(EncoderSpec(name, channels, size, (0.0,) * channels, (1.0,) * channels)).eval()


def shaken(network):
    """The network with running statistics as after training, in inference mode."""
    generator = torch.Generator().manual_seed(1)
    for name, value in network.state_dict().items():
        if name.endswith(("running_mean", "running_var")):
            value.copy_(0.5 + torch.rand(value.shape, generator=generator))
    return network.eval()


def resnet18(source):
    """Another library's ResNet-18 with the stem for small images."""
    if source == "torchvision":
        network = pytest.importorskip("torchvision").models.resnet18()
    else:
        network = pytest.importorskip("timm").create_model("resnet18")
    network.conv1, network.maxpool = nn.Conv2d(3, 64, 3, padding=1, bias=False), nn.Identity()
    network.fc = nn.Identity()
    return shaken(network)


@pytest.mark.parametrize("source", ["torchvision", "timm"])
@pytest.mark.parametrize("suffix", ["pth", "safetensors"])
def test_a_resnet_computes_the_same_on_either_side(source, suffix, tmp_path):
    theirs, encoder = resnet18(source), ours("resnet18")
    assert load_weights(encoder, theirs.state_dict()) == []
    with torch.no_grad():
        assert torch.allclose(encoder(X), theirs(X), atol=1e-4)

    back, other, empty = resnet18(source), shaken(ours("resnet18")), ours("resnet18")
    path = save_weights(other, tmp_path / f"w.{suffix}")
    assert load_weights(empty, path) == []
    back.load_state_dict(read_weights(path))
    with torch.no_grad():
        assert torch.allclose(back(X), other(X), atol=1e-4)
        assert torch.equal(empty(X), other(X))


def test_the_published_stem_is_refused_and_otherwise_left_as_it_was_and_said_so():
    torchvision = pytest.importorskip("torchvision")
    state = torchvision.models.resnet18().state_dict()
    encoder = ours("resnet18")
    stem = encoder.stages[0][1].weight.clone()
    with pytest.raises(UserError, match=r"another network \(conv1.weight has shape \(64, 3, 7, 7\), wanted .*partial"):
        load_weights(encoder, state)
    notes = load_weights(encoder, state, partial=True)
    assert notes == [
        "conv1.weight has shape (64, 3, 7, 7), wanted (64, 3, 3, 3): left as it was", "left out: fc.weight, fc.bias"
    ]  # fmt: skip
    assert torch.equal(encoder.stages[0][1].weight, stem)
    assert torch.equal(encoder.stages[4][1].conv2.weight, state["layer4.1.conv2.weight"])


def test_weights_for_colour_see_a_grey_image_as_three_equal_channels():
    colour, grey = shaken(ours("resnet18")), ours("resnet18", channels=1)
    notes = load_weights(grey, _foreign(colour))
    assert notes == ["conv1.weight: made for 3 channels, fitted to 1"]
    x = X[:, :1]
    with torch.no_grad():
        assert torch.allclose(grey(x), colour(x.expand(-1, 3, -1, -1)), atol=1e-4)


def _foreign(encoder):
    state = encoder.state_dict()
    return {theirs: state[own] for own, theirs in foreign_names(encoder).items()}


def test_channels_are_fitted_as_timm_fits_them():
    adapt = pytest.importorskip("timm.models").adapt_input_conv
    weight = torch.randn(4, 3, 3, 3)
    for channels in (1, 2, 4, 5):
        assert torch.allclose(fit_channels(weight, channels), adapt(channels, weight.clone()))


def plain():
    """The lecture's network as a course writes it, with a head."""
    layers = []
    for i, o, pool in ((1, 32, False), (32, 32, True), (32, 64, False), (64, 64, True)):
        layers += [nn.Conv2d(i, o, 3, padding=1), nn.ReLU(), nn.BatchNorm2d(o), *([nn.MaxPool2d(2)] if pool else [])]
    return shaken(nn.Sequential(*layers, nn.Flatten(), nn.Linear(64 * 7 * 7, 10)))


def test_a_plain_torch_networks_weights_are_taken_in_their_order_without_its_head():
    network, encoder = plain(), ours("lecture_flat", 1, (28, 28))
    assert load_weights(encoder, network.state_dict()) == ["left out: 15.weight, 15.bias"]
    x = torch.rand(2, 1, 28, 28)
    with torch.no_grad():
        assert torch.allclose(encoder(x), network[:-1](x), atol=1e-4)


def test_a_plain_network_of_other_shapes_or_with_too_few_layers_is_refused():
    encoder = ours("lecture_flat", 1, (28, 28))
    state = plain().state_dict()
    with pytest.raises(UserError, match=r"another network \(0.weight has shape"):
        load_weights(encoder, {**state, "0.weight": torch.zeros(16, 1, 3, 3)})
    short = {name: value for name, value in state.items() if int(name.split(".")[0]) < 10}
    with pytest.raises(UserError, match=r"stages.3.* is not there"):
        load_weights(encoder, short)


def test_a_backbones_weights_have_timms_own_names(tmp_path):
    timm = pytest.importorskip("timm")
    encoder = shaken(ours("timm:resnet10t"))
    path = save_weights(encoder, tmp_path / "w.safetensors")
    network = timm.create_model("resnet10t", num_classes=0)
    network.load_state_dict(read_weights(path))
    again = ours("timm:resnet10t")
    load_weights(again, path)
    with torch.no_grad():
        assert torch.allclose(network.eval()(X), encoder(X), atol=1e-5)
        assert torch.equal(again(X), encoder(X))


def test_only_weights_are_read_and_only_known_files_are_written(tmp_path):
    np.save(tmp_path / "w.npy", np.zeros(3))
    for path, words in ((tmp_path / "w.npy", "no state dict"), (tmp_path / "gone.pth", "no weights file")):
        with pytest.raises(UserError, match=words):
            load_weights(ours("small"), path)
    with pytest.raises(UserError, match=r"ends in \.pth"):
        save_weights(ours("small"), tmp_path / "w.npz")
