"""The winner is a bundle that predicts what predictions.csv says."""

import csv

import numpy as np
import pytest
from pyarrow import parquet

from headstart.representation.bundle import load_bundle
from headstart.representation.embed import embed
from headstart.reuse.predict import predict
from headstart.study import tasks, winner


def toys(seed=0):
    """60 labelled images of three classes and 40 unlabelled."""
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 200, (100, 16, 16), dtype=np.uint8)
    for i, k in enumerate(np.arange(100) % 3):
        images[i, 5 * k : 5 * k + 5, 5:10] += 40
    return {"labelled": images[:60], "labels": np.arange(60) % 3, "unlabelled": images[60:]}


@pytest.fixture(
    scope="module", params=["svm-pixels", "autoencoder+probe", "simclr+finetune", "untrained+knn", "pca-svm"]
)
def won(request, study):
    """A study that a given approach won, for the only other one is the majority; and its images."""
    source = toys()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tasks, "score", lambda *_: 1.0)  # a network's selection: it learns nothing in so short a training
        found = study(request.param, source, approaches=f"majority,{request.param}", budgets="all")
    assert found.record.winner == request.param
    return found, source


def test_the_bundle_predicts_what_the_table_says(won, tmp_path):
    found, source = won
    with (found.folder / "predictions.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["id", "label", "class_name", "confidence"]
    assert {r["id"] for r in rows} == {f"unlabelled/{i}" for i in range(40)}
    confidence = [float(r["confidence"]) for r in rows]
    assert confidence == sorted(confidence)
    assert 1 / 3 <= confidence[0] <= confidence[-1] <= 1
    np.savez(tmp_path / "new.npz", unlabelled=source["unlabelled"])
    again = {one.id: one for one in predict(found.winner, str(tmp_path / "new.npz"))}
    for r in rows:
        assert again[r["id"]].class_name == r["class_name"]
        assert again[r["id"]].confidence == pytest.approx(float(r["confidence"]), abs=1e-3)


def test_a_frozen_winners_embeddings_are_those_of_its_bundle(won):
    found, source = won
    method, _, head = found.record.winner.partition("+")
    files = [file.stem for file in (found.folder / "embeddings").glob("*")]
    assert files == ([] if "pixels" in method or "pca" in method else [method])
    if files:
        h = np.array(parquet.read_table(found.folder / "embeddings" / f"{method}.parquet")["h"].to_pylist())
        same = np.allclose(h, embed(found.winner, source), atol=1e-5)
        assert same == (head != "finetune"), "what was fine-tuned is another encoder than the one that was frozen"


def test_the_card_names_the_approach_and_what_it_reached(won):
    found, _ = won
    bundle = load_bundle(found.winner)
    assert bundle.card.method.approach == found.record.winner
    assert bundle.card.measured == found.record.approach(found.record.winner).scores
    assert bundle.card.head.class_names == ("0", "1", "2")


def test_the_card_says_by_what_numbers_it_was_trained(won):
    found, _ = won
    method = load_bundle(found.winner).card.method
    learner, _, head = found.record.winner.partition("+")
    assert method.seed == found.record.seed
    assert (method.recipe is not None) == (method.steps is not None) == (learner in ("autoencoder", "simclr"))
    assert (method.finetuning is not None) == (head == "finetune")
    if learner == "simclr":
        assert method.hyperparameters["temperature"] == 0.2
        assert method.recipe.epochs == method.finetuning.epochs == 2


@pytest.mark.parametrize("name", ["simclr+finetune", "knn-pixels"])
def test_the_winner_is_fitted_on_every_label(study, monkeypatch, name):
    learned = {"network": [], "head": []}
    network, head = winner.fit_network, winner.Head.fit

    def spy_on_network(space, encoder, train, *rest):
        learned["network"].append(list(train))
        return network(space, encoder, train, *rest)

    def spy_on_head(self, h, y, groups=None):
        learned["head"].append(len(y))
        return head(self, h, y, groups)

    monkeypatch.setattr(winner, "fit_network", spy_on_network)
    monkeypatch.setattr(winner.Head, "fit", spy_on_head)
    monkeypatch.setattr(tasks, "score", lambda *_: 1.0)
    assert study(f"fitted {name}", toys(), approaches=f"majority,{name}", budgets="all").record.winner == name
    if name == "simclr+finetune":
        assert learned["network"] == [list(range(60))]
    else:
        assert learned["head"][-1] == 60
