"""The deep autoencoder's recipe at toy size: what it states it finds, and a stack of RBMs begins better than chance."""

import numpy as np
import pytest
import torch

from headstart.data.pixels import Pixels
from headstart.recipes import deep_autoencoder, given
from headstart.recipes.deep_autoencoder import QUICK, run, squared_error
from headstart.recipes.given import Given
from headstart.recipes.work import Work


@pytest.fixture
def digits(monkeypatch):
    """Three hundred digits of 8×8 pixels in place of MNIST, and narrow layers."""
    from headstart.data.load import load

    source = load("digits")
    pixels = Pixels.fit(source.images)
    x = torch.from_numpy(pixels(source.images[:400]))
    toy = Given(x[:300], source.labels[:300], x[300:], source.labels[300:400], source.class_names, pixels)
    monkeypatch.setattr(given, "given", lambda work, name, train=None: toy)
    monkeypatch.setattr(deep_autoencoder, "HIDDEN", (48, 24))
    monkeypatch.setattr(deep_autoencoder, "CODES", 8)
    return toy


def test_it_finds_every_number_that_it_states_and_pretraining_helps(digits, tmp_path):
    found = run(Work(tmp_path, True, 0))
    assert set(found.metrics) == set(QUICK)
    assert found.metrics["squared_error_per_image"] < found.metrics["random_squared_error_per_image"]
    assert found.metrics["share_of_pca"] == pytest.approx(
        found.metrics["squared_error_per_image"] / found.metrics["pca_squared_error_per_image"]
    )
    assert {p.name for p in (tmp_path / "pictures").iterdir()} == {
        "reconstructions.png",
        "fine-tuning.png",
        "codes.png",
    }
    again = run(Work(tmp_path, True, 0))
    assert again.metrics == found.metrics, "what is kept is what was found"


def test_the_error_is_summed_over_pixels_and_averaged_over_images(digits):
    class Grey(torch.nn.Module):
        def reconstruction(self, x):
            return torch.full_like(x, 0.5)

    wanted = np.square(digits.test_x.numpy() - 0.5).sum((1, 2, 3)).mean()
    assert squared_error(Grey(), digits) == pytest.approx(wanted, rel=1e-6)
