"""A probe puts a head on a frozen encoder, and the head then names classes, from the command line too."""

import csv
import inspect
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from headstart import cli, load
from headstart.commands.probe import probe
from headstart.errors import UserError
from headstart.evaluation.splits import split_hash
from headstart.representation.bundle import load_bundle
from headstart.representation.card import MethodCard
from headstart.representation.frozen import fingerprint
from headstart.representation.pretrain import pretrain
from headstart.reuse.heads import GRIDS, Head
from headstart.reuse.predict import predict
from headstart.reuse.probe import Probe, judged_splits, labelled_groups
from headstart.training.recipe import Recipe
from headstart.training.run import Run


@pytest.fixture
def encoder(desk, capsys):
    assert cli.main(["pretrain", "data.npz", "--method", "autoencoder", "--epochs", "2", "--out", "encoder"]) == 0
    capsys.readouterr()
    return load_bundle("encoder")


@pytest.mark.parametrize("head", ["probe", "svm", "knn"])
def test_from_images_to_a_table_of_classes_by_three_commands(encoder, capsys, head):
    words = ["probe", "encoder", "data.npz", "--head", head, "--folds", "4", "--repeats", "1", "--out", "headed"]
    assert cli.main(words) == 0
    assert "balanced accuracy" in capsys.readouterr().out
    headed = load_bundle("headed")
    assert headed.card.head.kind == head
    assert fingerprint(headed.encoder) == fingerprint(encoder.encoder)
    assert load_bundle("encoder").card.head is None
    assert cli.main(["predict", "headed", "data.npz", "--out", "p.csv"]) == 0
    with open("p.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["id", "label", "class_name", "confidence"]
    assert len(rows) == 160
    confidence = [float(r["confidence"]) for r in rows]
    assert confidence == sorted(confidence)
    labels = {r["id"]: int(r["label"]) for r in rows}
    right = np.mean([labels[f"labelled/{i}"] == i % 2 for i in range(60)])
    assert right > 0.8


def test_without_a_place_for_it_a_head_is_scored_and_nothing_is_written(encoder, capsys):
    def files():
        return {path: path.read_bytes() for path in Path().rglob("*") if path.is_file()}

    before = files()
    assert cli.main(["probe", "encoder", "photos", "--folds", "4", "--repeats", "1"]) == 0
    assert "kept nowhere: --out FOLDER keeps it" in capsys.readouterr().out
    assert files() == before


def test_single_images_are_classified_as_in_their_folder(encoder, capsys):
    assert cli.main(["probe", "encoder", "photos", "--folds", "4", "--repeats", "1", "--out", "headed"]) == 0
    folder = {row.id: row for row in predict(Path("headed"), "new")}
    one = predict(Path("headed"), "new/60.png")[0]
    assert one.label == folder["60.png"].label
    assert one.confidence == pytest.approx(folder["60.png"].confidence, abs=1e-5)
    assert one.class_name in ("round", "split")


def test_an_encoder_is_not_scored_on_the_labels_that_it_was_trained_with(desk, capsys):
    pretrain("data.npz", method="supervised", recipe=Recipe(epochs=1), run=Run(Path("taught")))
    assert cli.main(["probe", "taught", "data.npz"]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "trained with the labels of data.npz" in said
    assert "headstart study" in said
    assert load_bundle("taught").card.head is None
    assert "trained with labels" in Probe("taught").cross_validate("photos", folds=4, repeats=1).history


@pytest.mark.parametrize("approach", ["supervised", "autoencoder+finetune"])
def test_nor_is_the_winner_of_a_study_that_was_tuned_on_them(encoder, approach):
    encoder.card = replace(encoder.card, method=MethodCard("autoencoder", approach))
    encoder.save(Path("winner"))
    with pytest.raises(UserError, match="trained with the labels"):
        Probe("winner").cross_validate("data.npz")


@pytest.mark.usefixtures("encoder")
def test_a_score_says_what_the_encoder_saw_and_how_labels_were_split(capsys):
    assert cli.main(["probe", "encoder", "data.npz", "--folds", "4", "--repeats", "1", "--out", "headed"]) == 0
    assert "labels; the encoder saw all inputs, without labels\n" in capsys.readouterr().out
    kept = json.loads(Path("headed/card.json").read_text("utf-8"))["probe"]
    assert kept["saw"] == "all"
    assert kept["split_hash"] == split_hash(judged_splits(load("data.npz"), folds=4, repeats=1, seed=0))


@pytest.mark.usefixtures("encoder")
def test_a_score_on_other_images_says_which_ones_the_encoder_saw():
    score = Probe("encoder").cross_validate("photos", folds=4, repeats=1)
    assert score.history.endswith("without labels (data.npz)")


@pytest.mark.usefixtures("encoder")
def test_groups_stay_together_in_the_folds_that_tune_a_head(desk, monkeypatch):
    data = np.load("data.npz")
    np.savez("bound.npz", images=data["labelled"], labels=data["labels"], groups=np.arange(60) // 4)
    bound, real, seen = labelled_groups(load("bound.npz")), Head.fit, []

    def spy(self, h, y, groups=None):
        seen.append(groups)
        return real(self, h, y, groups)

    monkeypatch.setattr(Head, "fit", spy)
    probe(Path("encoder"), "bound.npz", head="knn", folds=4, repeats=1, out=Path("headed"))
    splits = judged_splits(load("bound.npz"), folds=4, repeats=1, seed=0)
    assert bound is not None
    assert all(np.array_equal(a, b) for a, b in zip(seen, [*(bound[s.train] for s in splits), bound], strict=True))


@pytest.mark.usefixtures("encoder")
def test_a_head_that_is_scored_has_learned_its_training_folds_and_the_one_that_is_kept_every_label(monkeypatch):
    learned, real = [], Head.fit

    def spy(self, h, y, groups=None):
        learned.append((h, y))
        return real(self, h, y, groups)

    monkeypatch.setattr(Head, "fit", spy)
    probe(Path("encoder"), "data.npz", head="knn", folds=4, repeats=1, out=Path("headed"))
    *scored, (h, y) = learned
    assert len(y) == 60
    splits = judged_splits(load("data.npz"), folds=4, repeats=1, seed=0)
    for (rows, labels), split in zip(scored, splits, strict=True):
        assert np.array_equal(rows, h[split.train])
        assert np.array_equal(labels, y[split.train])


def test_help_names_every_head_that_is_accepted():
    sentence = next(line for line in inspect.getdoc(probe).splitlines() if line.strip().startswith("head:"))
    assert all(name in sentence for name in GRIDS if name != "majority")


@pytest.mark.usefixtures("encoder")
def test_from_python_a_probe_is_fitted_predicts_and_is_saved_as_by_the_command(capsys):
    assert cli.main(["probe", "encoder", "data.npz", "--folds", "4", "--repeats", "1", "--out", "typed"]) == 0
    model, data = Probe(load_bundle("encoder")), load("data.npz")
    score = model.cross_validate(data, folds=4, repeats=1)
    assert str(score) == capsys.readouterr().out.splitlines()[0]
    images, y = data.images[data.labelled], data.labels[data.labelled]
    assert (model.fit(data).predict(images) == model.fit(images, y).predict(images)).all()
    assert model.predict_proba(images[0]).shape == (1, 2), "one image, too"
    model.fit(data).save("saved")
    assert predict("saved", "new") == predict("typed", "new")
    assert load_bundle("saved").card == load_bundle("typed").card
    with pytest.raises(UserError, match="exists and holds something else"):
        model.save("saved")
