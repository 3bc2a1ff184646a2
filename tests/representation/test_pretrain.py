"""Pretraining as one call: a method's own numbers, what a run to resume was begun with, which encoder is kept."""

import json
from dataclasses import replace

import numpy as np
import pytest

from headstart.commands.pretrain import pretrain
from headstart.data.load import load
from headstart.errors import UserError
from headstart.representation.bundle import load_bundle
from headstart.representation.pretrain import pretrain as library
from headstart.training import loop
from headstart.training.method import Method
from headstart.training.recipe import Recipe
from headstart.training.run import Run
from headstart.training.track import TensorBoard
from headstart.training.workplace import partial


def test_a_methods_own_numbers_are_taken_and_kept_on_the_card(tmp_path):
    pretrain("digits", epochs=1, options="temperature=0.5, width=16", out=tmp_path / "run")
    card = json.loads((tmp_path / "run" / "card.json").read_text())
    assert card["method"]["hyperparameters"] == {"temperature": 0.5, "hidden": 256, "width": 16}


def test_another_optimiser_is_taken_at_its_own_rate_and_kept_on_the_card(tmp_path):
    for name, asked in (("usual", {}), ("other", {"optimiser": "muon"})):
        pretrain("digits", epochs=1, out=tmp_path / name, **asked)
    usual, other = (
        json.loads((tmp_path / n / "card.json").read_text())["method"]["recipe"] for n in ("usual", "other")
    )
    assert (usual["optimiser"], other["optimiser"], other["learning_rate"]) == (
        "adamw",
        "muon",
        pytest.approx(10 * usual["learning_rate"]),
    )


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("temprature=0.1", "did you mean 'temperature'"),
        ("width=wide", "wanted a whole number, such as width=128"),
        ("temperature", "wanted a number, such as temperature=0.2"),
        ("temperature=0", "wanted a number above 0"),
        ("temperature=nan", "wanted a number, such as temperature=0.2"),
        ("width=0", "wanted at least 1"),
    ],
)
def test_options_that_are_none_are_refused_before_anything_is_written(tmp_path, options, said):
    with pytest.raises(UserError, match=said):
        pretrain("digits", options=options, out=tmp_path / "run")
    assert list(tmp_path.iterdir()) == []


def test_a_run_is_resumed_as_it_was_begun_or_not_at_all(tmp_path, monkeypatch):
    class StopError(Exception):
        pass

    def stop(self, spent):
        original(self, spent)
        raise StopError

    original, out = loop._Loop._save, tmp_path / "run"
    monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", 0.0)
    monkeypatch.setattr(loop._Loop, "_save", stop)
    with pytest.raises(StopError):
        pretrain("digits", epochs=1, penalty="sparsity:encoder:0.1", out=out)
    monkeypatch.undo()
    with pytest.raises(UserError, match=r"begun with penalty sparsity:encoder:0\.1, not None"):
        pretrain("digits", epochs=1, out=out, resume=True)
    pretrain("digits", epochs=1, penalty="sparsity:encoder:0.1", out=out, resume=True)
    assert not partial(out).exists()
    assert not (out / "asked.json").exists()


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"epochs": 2}, "epochs 1, not 2"),
        ({"method": "moco"}, "method simclr, not moco"),
        ({"encoder": "mlp"}, "encoder small, not mlp"),
        ({"image_size": 12}, r"image_size \[8, 8\], not \[12, 12\]"),
        ({"options": "width=16"}, "width 128, not 16"),
        ({"source": {"images": load("digits").images[::-1]}}, "images"),
    ],
)
def test_a_finished_bundle_is_given_again_only_to_who_asks_for_the_same(finished, other, said):
    same = {"source": "digits", "epochs": 1, "out": finished, "resume": True}
    assert pretrain(**same).dim > 0
    with pytest.raises(UserError, match=f"begun with .*{said}"):
        pretrain(**same | other)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    out = tmp_path_factory.mktemp("finished") / "run"
    pretrain("digits", epochs=1, out=out)
    return out


def test_a_version_that_does_not_exist_is_refused(tmp_path):
    for method in ("moco", "cpc"):
        with pytest.raises(UserError, match="wanted 1 or 2"):
            pretrain("digits", method=method, options="version=3", out=tmp_path / "run")


def test_the_views_are_on_disk_before_the_first_step(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(loop._Loop, "go", lambda *_: seen.extend(tmp_path.rglob("views.png")) or 1 / 0)
    with pytest.raises(ZeroDivisionError):
        pretrain("digits", epochs=1, out=tmp_path / "run")
    assert seen


def test_a_penalty_of_ones_own_is_a_function(tmp_path):
    def lasso(layer, x, y):
        return layer.weight.abs().sum()

    method = Method("simclr").penalised("encoder.stages.2.0", lasso, 0.01)
    library("digits", method=method, recipe=Recipe(epochs=1), run=Run(tmp_path / "run"))
    assert "lasso" in (tmp_path / "run" / "log.csv").read_text().splitlines()[0]
    card = json.loads((tmp_path / "run" / "card.json").read_text())
    assert card["method"]["penalty"] == "lasso:encoder.stages.2.0:0.01"


def test_tensorboard_has_every_step_and_look_once_also_after_resuming(tmp_path):
    events = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    stopped = TensorBoard(tmp_path)
    stopped.add(training=[{"step": 1, "loss": 9.0}, {"step": 2, "loss": 9.0}])
    stopped.writer.close()
    again = TensorBoard(tmp_path)
    again.add(training=[{"step": 1, "loss": 1.0}, {"step": 2, "loss": 2.0}, {"step": 3, "loss": 3.0}])
    again.add(training=[{"step": 3, "loss": 3.0}, {"step": 4, "loss": 4.0}])
    again.writer.close()
    found = events.EventAccumulator(str(tmp_path)).Reload()
    assert [(e.step, e.value) for e in found.Scalars("training/loss")] == [(1, 1), (2, 2), (3, 3), (4, 4)]


@pytest.mark.parametrize("wrong", [{"ema": 0.99}, {"method": "autoencoder"}, {"method": "greedy:simclr"}])
def test_the_best_look_is_kept_only_where_looks_can_be_compared(tmp_path, wrong):
    with pytest.raises(UserError, match="compares two views"):
        pretrain("digits", keep="best", out=tmp_path / "run", **wrong)


def test_from_python_nothing_is_written_without_a_folder_and_the_bundle_is_that_of_the_command(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made = library("digits", method=Method("simclr", temperature=0.5), recipe=Recipe(epochs=1, seed=3))
    assert list(tmp_path.iterdir()) == []
    typed = pretrain("digits", options="temperature=0.5", epochs=1, seed=3, out=tmp_path / "run")
    digits = load("digits")
    assert np.array_equal(made.embed(digits), typed.embed(digits))
    assert replace(made.card, probe=None) == typed.card
    made.save("saved")
    assert np.array_equal(load_bundle("saved").embed(digits), made.embed(digits))


def test_whoever_looks_on_sees_every_epoch_and_the_share_done(tmp_path):
    seen, shares = [], []
    run = Run(tmp_path / "run", progress=shares.append, watch=lambda objective, rows: seen.append(len(rows)))
    library("digits", method="autoencoder", recipe=Recipe(epochs=2, batch_size=900), run=run)
    assert seen == [0, 2, 4]
    assert shares == [0.25, 0.5, 0.75, 1.0]
