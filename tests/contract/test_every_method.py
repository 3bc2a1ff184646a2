"""What every method promises, checked for each file in ``objectives``."""

import ast
from pathlib import Path

import pytest
import torch

import headstart.objectives
from headstart.objectives.catalogue import method_class, methods
from headstart.objectives.objective import Objective
from headstart.training import loop
from headstart.training.fit import encoder_spec, fit_encoder, untrained_encoder
from headstart.training.loop import train
from headstart.training.method import Method
from headstart.training.recipe import Recipe
from headstart.training.run import Run
from headstart.training.training_set import TrainingSet
from headstart.views.presets import PRESETS

X = torch.rand(24, 1, 16, 16, generator=torch.Generator().manual_seed(0))
Y = torch.arange(24) % 3
SHORT = Recipe(epochs=2, batch_size=8, learning_rate=1e-3, seed=4)
ALL = sorted(methods())


def objective(name):
    method = Method(name)
    encoder = untrained_encoder(encoder_spec(method.default_encoder(), TrainingSet.of(X)), seed=1)
    return method.make(encoder, shape=(1, 16, 16), classes=3, seed=2)


def trained(name, **changes):
    made = objective(name)
    rows = train(made, TrainingSet.of(X, Y, views=PRESETS["microscopy"]), recipe=SHORT.replace(**changes))
    return made, rows


@pytest.mark.parametrize("name", ALL)
def test_the_loss_is_the_sum_of_its_named_terms(name):
    _, rows = trained(name)
    terms = set(rows[0]) - {"step", "epoch", "seconds", "loss"}
    assert terms
    assert all(r["loss"] == pytest.approx(sum(r[t] for t in terms)) for r in rows)


@pytest.mark.parametrize("name", ALL)
def test_every_weight_of_the_encoder_learns(name):
    made, _ = trained(name)
    before = objective(name).encoder.state_dict()
    still = [k for k, p in made.encoder.named_parameters() if torch.equal(p, before[k])]
    assert still == []


@pytest.mark.parametrize("name", ALL)
def test_the_same_seed_gives_the_same_weights_and_another_does_not(name):
    first, second, other = (trained(name, seed=s)[0].state_dict() for s in (4, 4, 5))
    assert all(torch.equal(first[k], second[k]) for k in first)
    assert any(not torch.equal(first[k], other[k]) for k in first)


@pytest.mark.parametrize("name", [*ALL, "greedy", "greedy:simclr"])
def test_a_run_that_was_stopped_goes_on_to_the_same_bits(name, tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", 0.0)  # a checkpoint a step, not a start from the beginning
    method = Method(name)
    spec = encoder_spec(method.default_encoder(), TrainingSet.of(X))

    def fit(folder, **more):
        return fit_encoder(
            method,
            TrainingSet.of(X, Y, views=PRESETS["microscopy"]),
            spec=spec,
            recipe=SHORT,
            classes=3,
            run=Run(folder=folder, **more),
        ).encoder.state_dict()

    whole = fit(tmp_path / "whole")
    stop = Interruption(after=4)
    with pytest.raises(KeyboardInterrupt):
        fit(tmp_path / "cut", progress=stop)
    assert any((tmp_path / "cut").rglob("checkpoint.safetensors"))
    resumed = fit(tmp_path / "cut", resume=True)
    assert all(torch.equal(whole[k], resumed[k]) for k in whole)


class Interruption:
    """Stops a run as ctrl-c would, after so many steps."""

    def __init__(self, *, after):
        self.left = after

    def __call__(self, done):
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt


@pytest.mark.parametrize("name", ALL)
def test_hyperparameters_have_defaults_and_are_few(name):
    assert len(Method(name).hyperparameters) <= 8


@pytest.mark.parametrize("name", ALL)
def test_no_method_imports_another(name):
    path = Path(headstart.objectives.__file__).with_name(f"{name}.py")
    imported = {n.module for n in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(n, ast.ImportFrom)}
    assert not imported & {f"headstart.objectives.{other}" for other in ALL}


@pytest.mark.parametrize("name", ALL)
def test_the_file_names_its_source_and_its_differences(name):
    path = Path(headstart.objectives.__file__).with_name(f"{name}.py")
    text = ast.get_docstring(ast.parse(path.read_text("utf-8")))
    assert "Differs from" in text
    assert method_class(name).__doc__


def test_randomness_follows_the_image_and_not_the_batch():
    seen = {}

    class Spy(Objective):
        n_views = 2

        def __init__(self, inner):
            super().__init__()
            self.inner, self.encoder = inner, inner.encoder

        def forward(self, batch):
            for i, v in zip(batch.index.tolist(), batch.views[0], strict=True):
                seen.setdefault(i, []).append(v.clone())
            return self.inner(batch)

    for batch in (4, 12):
        train(
            Spy(objective("simclr")),
            TrainingSet.of(X, views=PRESETS["microscopy"]),
            recipe=SHORT.replace(batch_size=batch, epochs=1),
        )
    assert all(torch.allclose(a, b, atol=1e-6) for a, b in seen.values())
    assert len(seen) == len(X)
