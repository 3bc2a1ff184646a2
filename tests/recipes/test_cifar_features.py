"""Backbones fitted to CIFAR-10, and few shots, at toy size: what is promised of whom, and what is refused."""

import numpy as np
import pytest
import torch

from headstart.data.dataset import Dataset
from headstart.data.pixels import Pixels
from headstart.data.standard import STANDARD
from headstart.encoders.networks import PixelVector
from headstart.errors import UserError
from headstart.recipes import cifar_features
from headstart.recipes.cifar_features import Fitted, directions, few_shots, find_backbone
from headstart.recipes.run import run_recipe
from headstart.recipes.work import Work
from headstart.representation.bundle import Bundle
from headstart.representation.card import Card, LearnedFrom, MethodCard
from headstart.representation.frozen import represent
from headstart.reuse.heads import GRIDS
from headstart.training.fit import encoder_spec, untrained_encoder
from headstart.training.training_set import TrainingSet


@pytest.fixture
def toy(monkeypatch):
    """Thirty training and ten test images a class of 16 pixels: each class a coloured corner on noise."""
    rng = np.random.default_rng(0)
    y = np.arange(400) % 10
    images = rng.integers(0, 120, (400, 16, 16, 3), dtype=np.uint8)
    for image, k in zip(images, y, strict=True):
        image[4 * (k // 4) : 4 * (k // 4) + 6, 4 * (k % 4) : 4 * (k % 4) + 4, k % 3] += 130
    parts = np.repeat(["train", "test"], [300, 100])
    ids = tuple(f"{part}/{i}" for i, part in enumerate(parts))
    names = tuple(f"kind {k}" for k in range(10))
    dataset = Dataset(images, y, ids, names, "cifar10", splits=parts)
    monkeypatch.setitem(STANDARD, "cifar10", lambda root: dataset)
    monkeypatch.setitem(GRIDS, "probe", [{"c": 0.1}])
    for name, value in {"QUICK_PER_CLASS": 30, "QUICK_EPOCHS": 2, "BATCH": 64, "COMPONENTS": 20, "DRAWS": 5}.items():
        monkeypatch.setattr(cifar_features, name, value)
    return dataset


def bundle_of(dataset, folder, *, channels=3, method="simclr"):
    """A bundle of an untrained encoder for images like these, which claims to have learned by a method."""
    x = torch.from_numpy(Pixels.fit(dataset.images)(dataset.images))[:, :channels]
    spec = encoder_spec("small", TrainingSet.of(x))
    card = Card(MethodCard(method), "all", LearnedFrom("toy", dataset.content_hash, len(dataset)))
    pixels = Pixels.fit(dataset.images[..., :channels])
    return Bundle(untrained_encoder(spec, seed=1), spec, pixels, card).save(folder)


@pytest.mark.slow
def test_our_own_backbone_is_held_to_every_range_and_a_given_one_only_to_those_of_pixels(toy, tmp_path):
    own = run_recipe("cifar-features", quick=True, out=tmp_path / "own")
    assert set(own.record.expected) == set(cifar_features.QUICK)
    assert own.metrics["pixels_probe_accuracy"] > 0.9, "a corner's colour is linear in the pixels"
    bundle_of(toy, tmp_path / "bundle", channels=1)
    given = run_recipe("cifar-features", quick=True, backbone=str(tmp_path / "bundle"), out=tmp_path / "given")
    assert set(given.record.expected) == {"pixels_probe_accuracy", "pixels_knn_accuracy"}
    assert given.metrics["pixels_probe_accuracy"] == own.metrics["pixels_probe_accuracy"]
    assert "made grey" in (tmp_path / "given/report.html").read_text("utf-8")
    assert {"planes.png", "few-shots.png", "neighbours.png"} <= {p.name for p in (tmp_path / "own/pictures").iterdir()}


def test_an_encoder_that_learned_from_these_labels_is_refused(toy, tmp_path):
    bundle_of(toy, tmp_path / "bundle", method="supervised")
    with pytest.raises(UserError, match="learned from CIFAR-10's labels"):
        run_recipe("cifar-features", quick=True, backbone=str(tmp_path / "bundle"), out=tmp_path / "out")


def test_a_backbone_from_a_file_sees_what_timm_would_show_it(tmp_path):
    timm = pytest.importorskip("timm")
    torch.manual_seed(3)
    model = timm.create_model("resnet18", num_classes=10).eval()
    torch.save(model.state_dict(), tmp_path / "w.pth")
    found = find_backbone(Work(tmp_path, True, 0), f"timm:resnet18@{tmp_path / 'w.pth'}")
    x = torch.rand(3, 3, 32, 32)
    large = torch.nn.functional.interpolate(x, (128, 128), mode="bilinear", align_corners=False)
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    with torch.no_grad():
        wanted = model.forward_head(model.forward_features((large - mean) / std), pre_logits=True)
    assert np.allclose(represent(found.encoder, x), wanted.numpy(), atol=1e-4)
    assert not np.allclose(represent(found.untrained, x), wanted.numpy(), atol=1e-2), "these are other random weights"
    assert "from 32 to 128 pixels" in found.words


@pytest.mark.parametrize(
    ("asked", "line"),
    [
        ("timm:resnet18", "has no weights: give timm:resnet18@FILE"),
        ("timm:resnet81@hub", "did you mean"),
        ("timm:resnet18@nowhere.pth", "nowhere.pth"),
        ("nowhere", "is not a bundle"),
    ],
)
def test_a_backbone_that_is_not_there_gets_one_line(asked, line, tmp_path):
    if asked.startswith("timm:"):
        pytest.importorskip("timm")
    with pytest.raises(UserError, match=line):
        find_backbone(Work(tmp_path, True, 0), asked)


def test_a_backbone_for_grey_sees_the_mean_of_the_colours_at_its_own_size():
    fitted = Fitted(PixelVector(1, (8, 8)), 1, (8, 8))
    x = torch.rand(2, 3, 1, 1).expand(2, 3, 4, 4)
    wanted = x[:, :, 0, 0].mean(1)
    assert torch.allclose(fitted(x), wanted[:, None].expand(2, 64))


def test_images_that_fit_pass_as_they_are():
    x = torch.rand(2, 3, 4, 4)
    assert torch.equal(Fitted(PixelVector(3, (4, 4)), 3, (4, 4))(x), x.flatten(1))


def clusters(spread: float, n: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(n)
    y = np.arange(n) % 5
    return np.eye(5)[y] @ np.random.default_rng(0).normal(size=(5, 20)) + spread * rng.normal(size=(n, 20)), y


def test_few_shots_are_right_where_classes_lie_apart_and_guess_where_nothing_tells_them():
    (h, y), (test_h, test_y) = clusters(0.01, 100), clusters(0.01, 60)
    apart = few_shots(directions(h, h), y, directions(test_h, h), test_y, seed=0, draws=3)
    assert (apart == 1).all()
    noise, test_noise = np.random.default_rng(1).normal(size=(2, 500, 20))
    lost = few_shots(directions(noise, noise), np.arange(500) % 5, directions(test_noise, noise), np.arange(500) % 5,
                     seed=0, draws=20)  # fmt: skip
    assert abs(lost.mean() - 0.2) < 0.03


def test_five_images_a_class_are_better_than_one_and_the_same_seed_draws_the_same():
    (h, y), (test_h, test_y) = clusters(1.0, 200), clusters(1.0, 300)
    given = directions(h, h), y, directions(test_h, h), test_y
    found = few_shots(*given, seed=0, draws=20)
    assert found[:, 4].mean() > found[:, 0].mean() + 0.05
    assert (found == few_shots(*given, seed=0, draws=20)).all()
    assert (found != few_shots(*given, seed=1, draws=20)).any()


def test_directions_have_length_one_and_no_mean():
    h = np.random.default_rng(0).random((50, 6)) + 3
    near = directions(h, h)
    assert np.allclose(np.linalg.norm(near, axis=1), 1)
    assert np.allclose(directions(h + 7, h + 7), near), "where the origin lies does not matter"
