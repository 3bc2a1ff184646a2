"""A learner without the loop is pretrained, saved, loaded, embedded with and studied like any other method."""

from pathlib import Path

import numpy as np
import pytest
import torch

from headstart import load
from headstart.commands.pretrain import pretrain as typed
from headstart.encoders.encoder import Encoder
from headstart.errors import UserError
from headstart.objectives.learner import Learner
from headstart.report.run import run_study
from headstart.representation.bundle import load_bundle
from headstart.representation.pretrain import pretrain
from headstart.study import pool
from headstart.study.records import Protocol
from headstart.training.method import Method
from headstart.training.recipe import Recipe
from headstart.training.run import Run

NAME = "tests.training.test_learner:Axes"


class Projection(Encoder):
    """h = (x − mean) axes."""

    def __init__(self, input_shape, dim) -> None:
        super().__init__()
        self.input_shape, self.dim, self.map_shape = input_shape, dim, (dim, 1, 1)
        width = int(np.prod(input_shape))
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("axes", torch.zeros(width, dim))

    def feature_map(self, x):
        """One place."""
        return self(x)[:, :, None, None]

    def forward(self, x):
        """The projection."""
        return (x.flatten(1) - self.mean) @ self.axes


class Axes(Learner):
    """Principal axes in closed form."""

    def __init__(self, *, axes: int = 8) -> None:
        self.axes = axes

    def encoder(self, input_shape):
        """Without axes."""
        return Projection(input_shape, self.axes)

    def fit(self, data, *, seed):
        """By the singular vectors."""
        x = data.rows(slice(None))
        found = self.encoder(tuple(x.shape[1:]))
        found.mean.copy_(x.flatten(1).mean(0))
        found.axes.copy_(torch.linalg.svd(x.flatten(1) - found.mean, full_matrices=False)[2][: self.axes].T)
        return found


def by_hand(images: np.ndarray, axes: int) -> np.ndarray:
    x = images.reshape(len(images), -1) / 255
    return np.abs((x - x.mean(0)) @ np.linalg.svd(x - x.mean(0), full_matrices=False)[2][:axes].T)


def test_it_is_pretrained_saved_loaded_and_embeds(tmp_path):
    digits = load("digits")
    bundle = pretrain(digits, method=Method(Axes, axes=5), run=Run(tmp_path / "axes"))
    assert bundle.dim == 5
    again = load_bundle(tmp_path / "axes")
    h = again.embed(digits)
    np.testing.assert_array_equal(h, bundle.embed(digits))
    np.testing.assert_allclose(np.abs(h), by_hand(digits.images, 5), atol=1e-4)
    assert again.card.method.hyperparameters == {"axes": 5}
    assert pretrain(digits, method=Method(Axes, axes=5), run=Run(tmp_path / "axes", resume=True)).dim == 5


def test_it_is_named_on_the_command_line_and_its_hyperparameters_are_options(tmp_path):
    assert typed("digits", method=NAME, options="axes=3", out=tmp_path / "axes").dim == 3
    with pytest.raises(UserError, match="an encoder of its own"):
        pretrain("digits", method=NAME, encoder="small")
    with pytest.raises(UserError, match="cannot be imported"):
        pretrain("digits", method="nowhere:Axes")
    with pytest.raises(UserError, match="is no method"):
        Method("tests.training.test_learner:Projection")


def test_it_is_studied_beside_a_baseline(tmp_path, monkeypatch):
    monkeypatch.setattr(pool, "INLINE_SECONDS", float("inf"))
    digits = load("digits")
    rows = np.flatnonzero(digits.labels < 2)[:120]
    source = {
        "labelled": digits.images[rows[:60]],
        "labels": digits.labels[rows[:60]],
        "unlabelled": digits.images[rows[60:]],
    }
    result = run_study(
        source, approaches=[f"{NAME}+probe", "svm-pixels"], protocol=Protocol(budgets="all", folds=4, repeats=1),
        run=Run(tmp_path / "study"),
    )  # fmt: skip
    scores = {row["approach"]: row["mean"] for row in result.frame()}
    assert scores[f"{NAME}+probe"] > 0.9
    assert Path(result.folder, "report.html").is_file()


def test_a_method_whose_encoder_has_its_name_still_takes_another():
    made = pretrain("digits", method="autoencoder", encoder="small", recipe=Recipe(epochs=1))
    assert made.spec.name == "small"
    assert made.folder is None
