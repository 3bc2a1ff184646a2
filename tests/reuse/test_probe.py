"""A probe puts a head on a frozen encoder, and the head then names classes, from the command line too."""

import csv
from pathlib import Path

import numpy as np
import pytest

from headstart import cli
from headstart.representation.bundle import load_bundle
from headstart.representation.frozen import fingerprint
from headstart.reuse.predict import predict


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
    assert headed.head["kind"] == head
    assert fingerprint(headed.encoder) == fingerprint(encoder.encoder)
    assert load_bundle("encoder").head is None
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


def test_single_images_are_classified_as_in_their_folder(encoder, capsys):
    assert cli.main(["probe", "encoder", "photos", "--folds", "4", "--repeats", "1"]) == 0
    folder = {row["id"]: row for row in predict(Path("encoder"), "new")}
    one = predict(Path("encoder"), "new/60.png")[0]
    assert one["label"] == folder["60.png"]["label"]
    assert one["confidence"] == pytest.approx(folder["60.png"]["confidence"], abs=1e-5)
    assert one["class_name"] in ("round", "split")
