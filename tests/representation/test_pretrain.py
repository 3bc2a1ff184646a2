"""Pretraining as one call: a method's own numbers, what a run to resume was begun with, which encoder is kept."""

import json

import pytest

from headstart.errors import UserError
from headstart.representation.pretrain import pretrain
from headstart.training import loop
from headstart.training.workplace import partial


def test_a_methods_own_numbers_are_taken_and_kept_on_the_card(tmp_path):
    pretrain("digits", epochs=1, options="temperature=0.5, width=16", out=tmp_path / "run")
    card = json.loads((tmp_path / "run" / "card.json").read_text())
    assert card["method"]["hyperparameters"] == {"temperature": 0.5, "hidden": 256, "width": 16}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("temprature=0.1", "did you mean 'temperature'"),
        ("width=wide", "wanted a whole number, such as width=128"),
        ("temperature", "wanted a number, such as temperature=0.2"),
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

    original, out = loop._Run._save, tmp_path / "run"
    monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", 0.0)
    monkeypatch.setattr(loop._Run, "_save", stop)
    with pytest.raises(StopError):
        pretrain("digits", epochs=1, penalty="sparsity:encoder:0.1", out=out)
    monkeypatch.undo()
    with pytest.raises(UserError, match=r"begun with penalty sparsity:encoder:0\.1, not None"):
        pretrain("digits", epochs=1, out=out, resume=True)
    pretrain("digits", epochs=1, penalty="sparsity:encoder:0.1", out=out, resume=True)
    assert not partial(out).exists()
    assert not (out / "asked.json").exists()


@pytest.mark.parametrize("wrong", [{"ema": 0.99}, {"method": "autoencoder"}])
def test_the_best_look_is_kept_only_where_looks_can_be_compared(tmp_path, wrong):
    with pytest.raises(UserError, match="compares two views"):
        pretrain("digits", keep="best", out=tmp_path / "run", **wrong)
